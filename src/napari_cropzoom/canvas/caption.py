"""Frame, source of its box and time in a corner of the canvas."""

from __future__ import annotations

import time
from collections.abc import Callable
from textwrap import wrap

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_cropzoom.canvas.conversions import PIXEL_EDGE
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.editing.edits import Edit, frames_text
from napari_cropzoom.core.words import shortened
from napari_cropzoom.video.video import Video

ACCEPT_KEY = "G"
EVERY = 0.25  # seconds, while frames follow each other closely: drawing text is slow
NAME_LENGTH = 20  # letters of an animal's name
_CHANGED = ("text", "visible", "position", "font_size", "box")
APART = "   "  # between the parts of the first line
CORNERS = ("top_left", "bottom_left", "top_right", "bottom_right")
_TOUCH = 1.5  # pixels; so much is no more than an outline
_FEWEST = 24  # letters in a line
LETTER, LINE = 10, 30  # pixels of the screen that the text takes, rather more than it does
ON_GROUND = {"top": 2, "bottom": 3}  # lines for which napari draws ground enough
LINES_MORE = 6  # and for which a line more is enough
HIGH = (
    120  # pixels of the canvas for each line: where it is low, the text leaves most of the picture free
)
FONT_SIZE = 9  # a whole number of pixels, else napari measures the text too short for its background


def time_text(seconds: float) -> str:
    """Minutes, seconds and milliseconds, e.g. ``"01:02.345"``; hours count as minutes."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def when_of(video: Video, frame: int) -> str:
    """Time of a frame; of an image, which has none, the name of its file."""
    images = video.images
    return time_text(video.time(frame)) if images is None else images[frame].rpartition("/")[2]


def caption(
    frame: int, n_frames: int, when: str, source: str, name: str = "", is_damaged: bool = False
) -> str:
    """One line for a frame; ``source`` in words, ``name`` that of the animal, where there are several."""
    digits = len(str(n_frames - 1))
    place = f"frame {frame:{digits}d} / {n_frames - 1}"
    name = shortened(name, NAME_LENGTH)
    what = "cannot be decoded" if is_damaged else f"{name}{': ' if name else ''}{source}"
    return APART.join((place, what, when))  # the time last: a narrow canvas does without it


def acts_on(frames: tuple[int, int], proposal: Edit | None = None, *, has_key: bool = True) -> str:
    """One line that says which frames would be changed now, or what an edit would do that is shown.

    With ``has_key`` False the key of *Accept* is not named: it does something else now.
    """
    if proposal is not None:
        return f"{proposal.label[:1].upper()}{proposal.label[1:]}"
    return f"Tools{f', {ACCEPT_KEY}' if has_key else ''}: {frames_text(*frames)}"


def goes_on(box: FloatArray, room: FloatArray, what: str) -> str:
    """One line that says where a box goes on beyond a room, empty if it does not.

    Parameters
    ----------
    box, room : ndarray, (2, 2)
        First and last y, x.
    what : str
        Name of the room.
    """
    (above, left), (below, right) = box[0] < room[0] - _TOUCH, box[1] > room[1] + _TOUCH
    sides = {"above": above, "below": below, "left": left, "right": right}
    named = [side for side, is_there in sides.items() if is_there]
    if not named:
        return ""
    is_outside = bool((box[1] <= room[0]).any() or (box[0] >= room[1]).any())
    verb = "is beyond" if is_outside else "goes on beyond"
    return f"Box {verb} the {what}: {', '.join(named)}"


def on_ground(lines: list[str], corner: str) -> str:
    """Lines with an empty one on the side where napari would draw too little ground below the letters.

    It measures a line as lower than vispy draws it, by 2 pixels of some 20: the fourth line hangs over.
    """
    side = corner.partition("_")[0]
    more = [" "] * -(-max(0, len(lines) - ON_GROUND[side]) // LINES_MORE)
    return "\n".join([*lines, *more] if side == "top" else [*more, *lines])


class Caption:
    """napari's text overlay while a video is open; it is put back on closing.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    below : callable
        Returns the second line, see :func:`acts_on`; empty for none.
    boxes : callable
        Returns napari's layer of the box that the text keeps clear of, None if it has gone.
    picture : tuple of int
        Height and width of the video, in pixels.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        below: Callable[[], str],
        boxes: Callable[[], Layer | None],
        picture: tuple[int, int],
    ) -> None:
        self._viewer, self._boxes = viewer, boxes
        self._picture = np.array([(0, 0), picture]) - PIXEL_EDGE
        self._beyond, self._letters, self._down = "", 0, 0
        self._overlay = viewer.canvas.overlays.text
        self._below = below
        self._line, self._written, self._is_closed = "", 0.0, False
        self._lines: list[str] = []
        self._before = {name: getattr(self._overlay, name) for name in _CHANGED}
        self._overlay.position = "top_left"
        self._overlay.font_size = FONT_SIZE
        self._overlay.visible = True
        viewer.scene.camera.events.zoom.connect(self._on_camera)
        viewer.scene.camera.events.center.connect(self._on_camera)

    def show(self, line: str, *, is_close: bool = False) -> None:
        """Write what a frame is, see :func:`caption`; seldom while frames follow closely.

        An empty line takes all away, as while frames are played: it would name one that has gone by.
        """
        now = time.monotonic()
        if (not line and self._line) or not is_close or now - self._written > EVERY:
            self._line, self._written = line, now
            self.refresh()

    def refresh(self) -> None:
        """Write the lines below the first again."""
        if self._is_closed:
            return
        self._beyond, self._letters = self._where_it_goes_on(), self._letters_across()
        self._down = self._lines_down()
        line = self._line if len(self._line) <= self._letters else self._line.rpartition(APART)[0]
        parts = (line or self._line, self._below(), self._beyond) if self._line else ()
        said = [part for part in parts if part]
        if len(said) > self._down and self._below() in said[1:]:  # which the dock says too
            said.remove(self._below())
        self._lines = [part for line in said for part in wrap(line, self._letters)]
        self._keep_clear()
        self._write()

    def _write(self) -> None:
        text = on_ground(self._lines, str(self._overlay.position))
        if text != self._overlay.text:
            self._overlay.text = text
            self._overlay.box = bool(text)

    def _on_camera(self) -> None:
        """Follow a view that is moved; frames that follow closely do not come here."""
        now = self._where_it_goes_on(), self._letters_across(), self._lines_down()
        if now != (self._beyond, self._letters, self._down):
            self.refresh()
        else:
            self._keep_clear()
            self._write()

    def _corners(self) -> FloatArray | None:
        """(2, 2) first and last y, x of the box in the world, None if there is none."""
        layer = self._boxes()
        if layer is None or not len(layer.data):
            return None
        return np.array([layer.data_to_world(corner)[-2:] for corner in layer.data[0][::2]])

    def _where_it_goes_on(self) -> str:
        """Beyond the view or else the picture; such a box may have no edge that is seen."""
        layer, box = self._boxes(), self._corners()
        if layer is None or box is None:
            return ""
        seen = goes_on(np.sort(self._places(box), axis=0), self._canvas_room(), "view")
        return seen or goes_on(layer.data[0][::2], self._picture, "picture")

    def _places(self, world: FloatArray) -> FloatArray:
        """Pixels of the canvas, y and x, of points of the world."""
        camera = self._viewer.scene.camera
        places: FloatArray = (world - camera.center[-2:]) * camera.zoom + self._canvas_room()[1] / 2
        return places

    def _letters_across(self) -> int:
        """How many letters a line of a narrow canvas holds; napari cuts longer ones off."""
        return max(_FEWEST, int(self._viewer.canvas.size[1] / LETTER))

    def _lines_down(self) -> int:
        """How many lines leave most of a low canvas free."""
        return max(1, int(self._viewer.canvas.size[0] / HIGH))

    def _canvas_room(self) -> FloatArray:
        return np.array([(0, 0), self._viewer.canvas.size], float)

    def _keep_clear(self) -> None:
        """Go to another corner of the canvas if the box is under the text, and stay there."""
        box = self._corners()
        if box is None:
            return
        here = str(self._overlay.position)
        found = next((each for each in (here, *CORNERS) if not self._is_covered(each, box)), here)
        if found != here:
            self._overlay.position = found

    def _is_covered(self, corner: str, box: FloatArray) -> bool:
        """Whether a box reaches into the text where that is in a corner."""
        canvas, places = self._canvas_room()[1], self._places(box)
        text = np.array([LINE * len(self._lines), LETTER * max(map(len, self._lines), default=0)])
        start = np.where([corner.startswith("top"), corner.endswith("left")], 0, canvas - text)
        return bool((places.min(axis=0) < start + text).all() and (places.max(axis=0) > start).all())

    def close(self) -> None:
        """Put the overlay back as it was."""
        self._is_closed = True
        self._viewer.scene.camera.events.zoom.disconnect(self._on_camera)
        self._viewer.scene.camera.events.center.disconnect(self._on_camera)
        for name, value in self._before.items():
            setattr(self._overlay, name, value)
