"""A picture with the keypoints of one animal, which a person drags to their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Points
from napari.utils.key_bindings import KeymapProvider, coerce_keybinding
from numpy.typing import NDArray
from psygnal import Signal

from napari_cropzoom.canvas.keypoints.marks import (
    BODY_PART,
    SYMBOLS,
    KeypointLooks,
    marks_of,
    names_apart,
)
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.canvas.video import FrameArray
from napari_cropzoom.core.boxes import Box, FloatArray
from napari_cropzoom.core.poses import Poses

PICTURE, LABELS = "labeled image", "labels to look at"
KEYS = {
    "G": "accept",
    "X": "reject",
    "N": "next",
    "Shift-N": "previous",
    "Delete": "hide",
    "Backspace": "hide",
    "Control-Z": "undo",
    "Control-Shift-Z": "redo",
}
"""What keys ask for while labels are looked at; on macOS Control is Command."""
KEY_HELP = {
    "G": "Accept the labels of the image; the next one",
    "X": "Reject the image; the next one",
    "N": "Next image",
    "Shift-N": "Previous image",
    "Delete": "The keypoint under the mouse is not visible",
    "Control-Z": "Take back the last act",
    "Control-Shift-Z": "Do it again",
}
"""For the table of keys."""
_SIZES = 2, 12  # screen pixels across a keypoint; vispy makes an edge at least half the lower one
_REACH = 12.0  # screen pixels from the middle of a keypoint in which a press takes it
_MARGIN = 1.15  # sides of the box that the view shows at first
_TEXT = {"size": 8, "color": "white", "anchor": "upper_left"}
_LOOKS = KeypointLooks(color_by=BODY_PART)


class LabelPoints:
    """Two layers, *labeled image* and *labels to look at*, which go with :meth:`close`.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    names : sequence of K str
        The keypoints.

    Attributes
    ----------
    picture : napari.layers.Image
    points : napari.layers.Points
    under : int or None
        Number of the keypoint under the mouse.
    moved : psygnal.Signal
        A person has dragged a keypoint: its number, x and y in pixels of the image.
    asked : psygnal.Signal
        A key asks for a value of :data:`KEYS`.
    ended : psygnal.Signal
        A person has deleted a layer, or opened a video; the layers are to go.
    """

    moved = Signal(int, float, float)
    asked = Signal(str)
    ended = Signal()

    def __init__(self, viewer: ViewerModel, names: Sequence[str]) -> None:
        self.under: int | None = None
        self._viewer, self._names = viewer, tuple(names)
        self._xy: FloatArray = np.full((len(self._names), 2), np.nan)
        self._n_shown = 0
        self._texts = [*self._names]
        self._is_closed = False
        self.picture = Image(np.zeros((1, 1, 3), np.uint8), name=PICTURE, rgb=True)
        self.points = Points(
            np.zeros((len(self._names), 2)),
            name=LABELS,
            symbol=SYMBOLS["pose"],
            canvas_size_limits=_SIZES,
            border_width=0.1,
            text={"string": [*self._names], **_TEXT},
        )
        viewer.dims.ndisplay = 2
        self._handlers = {coerce_keybinding(key): self._handler(what) for key, what in KEYS.items()}
        for layer in (self.picture, self.points):
            viewer.add_layer(layer)
            for key, handler in self._handlers.items():
                layer.bind_key(key, handler)
        for key, handler in self._handlers.items():
            viewer.keymap.setdefault(key, handler)
        self.points.editable = False  # napari's own tools, which know nothing of labels
        self.points.mouse_drag_callbacks.append(self._drag)
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.scene.camera.events.zoom.connect(self._write_names)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.selection.active = self.points

    def show(self, picture: NDArray[np.uint8], xy: FloatArray, box: Box | None = None) -> None:
        """Show an image.

        Parameters
        ----------
        picture : ndarray, (h, w, 3)
        xy : ndarray, (K, 2)
            In its pixels, NaN where a keypoint is not visible.
        box : Box, optional
            To be in view; without, the view stays.
        """
        self.picture.data = picture
        self.show_places(xy)
        if box is not None:
            self._look_at(box)

    def show_places(self, xy: FloatArray) -> None:
        """Show keypoints over the same image; what is being dragged is let go."""
        self._xy = xy.copy()
        self._n_shown += 1
        self._draw()

    def keypoint_at(self, position: Sequence[float]) -> int | None:
        """Number of the keypoint at a point of the world, None if there is none."""
        away = np.linalg.norm(self._xy - self._xy_at(position), axis=1)
        if np.isnan(away).all():
            return None
        nearest = int(np.nanargmin(away))
        return nearest if away[nearest] <= _REACH / self._viewer.scene.camera.zoom else None

    def close(self) -> None:
        """Take the layers away."""
        if self._is_closed:
            return
        self._is_closed = True
        viewer = self._viewer
        viewer.layers.events.removed.disconnect(self._on_removed)
        viewer.layers.events.inserted.disconnect(self._on_inserted)
        viewer.mouse_move_callbacks.remove(self._on_move)
        viewer.scene.camera.events.zoom.disconnect(self._write_names)
        self.points.mouse_drag_callbacks.remove(self._drag)
        for key, handler in self._handlers.items():
            if viewer.keymap.get(key) is handler:
                del viewer.keymap[key]
        for layer in (self.points, self.picture):
            if layer in viewer.layers:
                viewer.layers.remove(layer)

    # ---- inside --------------------------------------------------------------------------------

    def _xy_at(self, position: Sequence[float]) -> FloatArray:
        return np.asarray(self.points.world_to_data(position), np.float64)[-2:][::-1]

    def _draw(self) -> None:
        poses = Poses(self._names, self._xy[None], np.ones((1, len(self._names))), "labels")
        marks = marks_of(poses, 0, _LOOKS, "pose")
        with one_redraw(self.points):
            self.points.data = marks.xy[:, ::-1]
            self.points.shown = marks.is_there
            self.points.face_color = marks.face
            self.points.border_color = marks.border
        self._write_names()

    def _write_names(self) -> None:
        """Write the names that have room, that of the keypoint under the mouse first."""
        texts = names_apart(self._names, self._xy, self._viewer.scene.camera.zoom, self.under)
        if texts != self._texts:
            self._texts = texts
            self.points.text.string = texts

    def _look_at(self, box: Box) -> None:
        height, width = self._viewer.canvas.size
        camera = self._viewer.scene.camera
        side = max(box.w, box.h, 1.0) * _MARGIN
        camera.center = (0.0, box.y + box.h / 2, box.x + box.w / 2)
        camera.zoom = min(height, width) / side

    def _drag(self, layer: Points, event: Any) -> Iterator[None]:
        keypoint = self.keypoint_at(event.position)
        if keypoint is None or event.button != 1:
            return
        shown, before = self._n_shown, self._xy[keypoint].copy()
        offset = before - self._xy_at(event.position)
        last = np.array(self.picture.data.shape[1::-1], float) - 1
        event.handled = True  # or the picture is moved
        yield
        while event.type == "mouse_move":
            event.handled = True
            if shown == self._n_shown:
                self._xy[keypoint] = np.clip(self._xy_at(event.position) + offset, 0, last)
                self._draw()
            yield
        if shown == self._n_shown and not np.array_equal(self._xy[keypoint], before):
            x, y = self._xy[keypoint].tolist()
            self.moved.emit(keypoint, x, y)

    def _on_move(self, viewer: ViewerModel, event: Any) -> None:
        self.under = self.keypoint_at(event.position)
        self._write_names()

    def _on_removed(self, event: Any) -> None:
        if event.value in (self.picture, self.points):
            self.ended.emit()

    def _on_inserted(self, event: Any) -> None:
        if isinstance(event.value.data, FrameArray):
            self.ended.emit()

    def _handler(self, what: str) -> Callable[[KeymapProvider], None]:
        def act(provider: KeymapProvider) -> None:
            self.asked.emit(what)

        return act
