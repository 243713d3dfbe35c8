"""The layers of one open video in a napari viewer, following its session and the frame slider."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from psygnal import Signal

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.review import DEFAULT_AMOUNT, stretch_at
from napari_cropzoom.layers.boxes_layer import BoxesLayer
from napari_cropzoom.layers.caption import Caption
from napari_cropzoom.layers.final_layer import FinalLayer
from napari_cropzoom.layers.hurry import Hurry, after
from napari_cropzoom.layers.keys import bind_shortcuts
from napari_cropzoom.layers.mend import range_at
from napari_cropzoom.layers.others_layer import OthersLayer
from napari_cropzoom.layers.points_layers import PointsLayer
from napari_cropzoom.layers.shown import shown_at
from napari_cropzoom.layers.stack import Stack
from napari_cropzoom.layers.video_layer import VideoLayer
from napari_cropzoom.session import Session

DRAWN_ONCE = 500  # milliseconds in which a window that opens has drawn its layers
CAPTION_PAUSE = 1.0  # seconds between two captions of a quick run: drawing text is slow


class LayerSet:
    """Shows a session in a viewer and turns gestures on the box into edits of the session.

    From below: ``video``, ``detector keypoints`` and ``pose keypoints`` (hidden until there are some),
    ``final boxes`` (dashed), ``other animals`` if there are several, ``boxes``. All but the video hold
    the current frame only. A layer that a person deletes comes back on the next change.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Or a ``napari.Viewer``.
    session : Session

    Attributes
    ----------
    frame_changed : psygnal.Signal
        Number of the new frame.
    box_dragged : psygnal.Signal
        :class:`Box` under way while the mouse is dragged.
    play_toggled, loop_toggled, follow_asked : psygnal.Signal
        A key of the canvas asks for what widgets do; following says 1 for on, -1 for back.
    proposed : psygnal.Signal
        :class:`Edit` that a key would apply once it is let go, None when it is over.
    hurried : psygnal.Signal
        True once frames come one upon the other, False once they rest.
    closing : psygnal.Signal
        The layers are about to go.
    changing : psygnal.Signal
        Boxes are about to be drawn anew; whoever covers the canvas now has them drawn later.
    selection_asked : psygnal.Signal
        A key asks for another selection, frames or None; the dock grants it.
    refused : psygnal.Signal
        :class:`CropzoomError` that says why a gesture did nothing.
    selection : tuple of int or None
        Frames selected on the timeline, both inclusive.
    amount : float
        How much to look at, 0 to 1, for the keys that go there.
    """

    frame_changed = Signal(int)
    box_dragged = Signal(object)
    play_toggled = Signal()
    loop_toggled = Signal()
    follow_asked = Signal(int)
    proposed = Signal(object)
    refused = Signal(object)
    hurried = Signal(bool)
    closing = Signal()
    changing = Signal()
    selection_asked = Signal(object)

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self.viewer = viewer
        self.session = session
        self.selection: tuple[int, int] | None = None
        self.amount = DEFAULT_AMOUNT
        self._stack = Stack(viewer, session, self._on_made, self._on_boxes_made)
        self._frame = 0
        self._preview: Box | None = None
        self._is_closed = False
        self._axes_before = viewer.dims.axis_labels
        self._resting: ExitStack | None = None
        self._caption = Caption(viewer)
        self._captioned = 0.0
        self._is_hurried = False
        self._covers = 0
        self._hurry = Hurry(self._rest)
        self._connect()
        self._on_ndisplay()
        self._redraw()
        self.frame = 0
        self._opening = after(0, self._rehearse)

    # ---- for others ----------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Frame shown, 0-based; setting it moves the slider, and stops at the ends of the video."""
        return self._frame

    @frame.setter
    def frame(self, frame: int) -> None:
        self._stack.arrange()
        last = self.session.n_frames - 1
        self.viewer.dims.set_current_step(self._axis, min(max(int(frame), 0), last))

    @property
    def parts(self) -> list[Any]:
        """What holds a layer each, from below."""
        return self._stack.parts

    @property
    def video(self) -> VideoLayer | None:
        """The video's layer; None once it is removed."""
        return self._stack.video

    @property
    def boxes(self) -> BoxesLayer | None:
        """The layer of the boxes that can be edited."""
        return self._stack.boxes

    @property
    def final(self) -> FinalLayer | None:
        """The layer of what will be cropped."""
        return self._stack.final

    @property
    def others(self) -> OthersLayer | None:
        """The layer of other animals' boxes, None for a single one."""
        return self._stack.others

    @property
    def points(self) -> dict[str, PointsLayer]:
        """The layers of keypoints, ``detector`` and ``pose``."""
        return self._stack.points

    def range_here(self) -> tuple[int, int]:
        """Frames that a range tool acts on, see :func:`napari_cropzoom.layers.mend.range_at`."""
        return range_at(self.session, self._frame, self.selection, self.amount)

    def stretch_here(self) -> tuple[int, int]:
        """Frames that are accepted together: the selection round the frame, else its open burst."""
        if self.selection is not None and self.selection[0] <= self._frame <= self.selection[1]:
            return self.selection
        return stretch_at(self.session.queue(self.amount), self._frame)

    def preview_box(self, box: Box | None) -> None:
        """Show a box for a moment, dashed, without writing anything; None ends it."""
        if box is not None or self._preview is not None:
            self._preview = box
            self._change()

    @property
    def preview(self) -> Box | None:
        """The box that `preview_box` shows."""
        return self._preview

    def tell(self, message: str) -> None:
        """Write a line to napari's status bar."""
        self.viewer.status = message

    def refuse(self, error: CropzoomError) -> None:
        """Say why a gesture did nothing, here and to whoever listens."""
        self.tell(str(error))
        self.refused.emit(error)

    @property
    def is_playing(self) -> bool:
        """While True, handles and thumbnails rest."""
        return self._resting is not None

    @is_playing.setter
    def is_playing(self, is_playing: bool) -> None:
        if is_playing == self.is_playing or self._is_closed:
            return
        if self._resting is None:
            self._resting = ExitStack()
            for part in self.parts:
                self._resting.enter_context(part.layer.events.thumbnail.blocker())
        else:
            self._resting.close()
            self._resting = None
        if self.boxes is not None:
            self.boxes.show_handles(not is_playing)
        self._redraw()

    def cover(self) -> None:
        """Draw nothing over the video from now on: a screen stands before the canvas."""
        self._covers += 1

    def uncover(self) -> bool:
        """Undo one `cover`; returns whether the canvas is to be seen again."""
        self._covers -= 1
        if self._covers == 0 and self.video is not None and not self._is_closed:
            self._redraw()
        return self._covers == 0

    def follow(self) -> None:
        """Have the layers hold what the session says now, though a screen stands before the canvas."""
        if self.is_covered and self.video is not None and not self._is_closed:
            self._draw(is_hurried=False)

    @property
    def is_covered(self) -> bool:
        """Whether a screen stands before the canvas."""
        return self._covers > 0

    def wait_until_shown(self, timeout: float = 5.0) -> bool:
        """Wait, with the window going, until the frame asked for is decoded and shown."""
        return self.video is not None and self.video.wait_until_shown(timeout)

    def close(self) -> None:
        """Remove the layers and let go of viewer and session; closing twice is harmless."""
        if self._is_closed:
            return
        self.closing.emit()
        self.is_playing = False
        self._is_closed = True
        self._hurry.close()
        self._opening()
        self._tell_hurry(False)
        self._disconnect()
        self._stack.remove()
        self._caption.close()
        if self.viewer.dims.ndim == len(self._axes_before):
            self.viewer.dims.axis_labels = self._axes_before

    # ---- connections ---------------------------------------------------------------------------

    def _connections(self) -> list[tuple[Any, Any]]:
        viewer, session = self.viewer, self.session
        return [
            (viewer.dims.events.current_step, self._on_step),
            (viewer.dims.events.ndisplay, self._on_ndisplay),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.scene.camera.events.zoom, self._on_zoom),
            (session.boxes_changed, self._on_boxes),
            (session.track_changed, self._redraw),
            (session.tracks_changed, self._redraw),
            (session.smoothing_changed, self._change),
            (session.predictions_changed, self._redraw_for),
            (session.closed, self.close),
        ]

    def _connect(self) -> None:
        for signal, slot in self._connections():
            signal.connect(slot)

    def _disconnect(self) -> None:
        for signal, slot in self._connections():
            signal.disconnect(slot)

    @property
    def _axis(self) -> int:
        return self.viewer.dims.ndim - 3

    def _on_step(self) -> None:
        if self._axis < 0 or self.video is None:
            return
        frame = min(max(self.viewer.dims.current_step[self._axis], 0), self.session.n_frames - 1)
        if frame != self._frame:
            self._frame = frame
            self._preview = None
            is_hurried = self._hurry.step()
            self._tell_hurry(is_hurried)
            self._redraw(is_hurried=is_hurried)
            self.frame_changed.emit(frame)

    def _rest(self) -> None:
        if self.video is not None:  # else the viewer has removed the layers, and is closing maybe
            self._tell_hurry(False)
            self._redraw()

    def _tell_hurry(self, is_hurried: bool) -> None:
        if is_hurried != self._is_hurried:
            self._is_hurried = is_hurried
            self.hurried.emit(is_hurried)

    def _on_ndisplay(self) -> None:
        if self.viewer.dims.ndisplay != 2:
            self.viewer.dims.ndisplay = 2
            self.tell("A video is shown in 2-D only: in 3-D napari would read all of its frames.")

    def _on_zoom(self) -> None:
        self._stack.set_zoom(self.viewer.scene.camera.zoom)

    def _on_boxes(self, track: str, first: int, last: int) -> None:
        self._change()

    def _change(self) -> None:
        self.changing.emit()
        self._redraw()

    def _redraw_for(self, kind: str) -> None:
        self._redraw()

    def _on_removed(self, event: Any) -> None:
        self._stack.drop(event.value)

    def _on_made(self, layer: Layer) -> None:
        bind_shortcuts(layer, self.session, self)

    def _on_boxes_made(self, boxes: BoxesLayer) -> None:
        boxes.box_dragged.connect(self._on_dragged)
        boxes.edited.connect(self._on_edited)

    def _on_dragged(self, box: Box) -> None:
        self.box_dragged.emit(box)

    def _on_edited(self, box: Box | None) -> None:
        try:
            if box is None:
                self.session.delete_box(self._frame)
            elif self._is_in_frame(box):
                self.session.set_box(self._frame, box)
            else:
                self.tell("A box must overlap the video.")
        except CropzoomError as error:
            self.refuse(error)
        self.follow()  # the gesture left its shape in the layer

    # ---- drawing -------------------------------------------------------------------------------

    def _rehearse(self) -> None:
        self._stack.rehearse()
        self._caption.rehearse()
        self._opening = after(DRAWN_ONCE, self._end_rehearsal)

    def _end_rehearsal(self) -> None:
        self._stack.end_rehearsal()
        self._caption.end_rehearsal()
        if self.video is not None:  # else the viewer has removed the layers, and is closing maybe
            self._redraw()

    def _redraw(self, *, is_hurried: bool = False) -> None:
        if not self.is_covered:
            self._draw(is_hurried)

    def _draw(self, is_hurried: bool) -> None:
        self._stack.arrange()
        frame = self._frame
        if self.boxes is None or self.final is None or frame >= len(self.session.track):
            return
        shown = shown_at(self.session, frame, self._preview)
        self.boxes.show(frame, shown.box, shown.source, is_hurried)
        self.final.show(shown.final, shown.final_look, is_hurried=is_hurried)
        if self.others is not None:
            self.others.show(shown.others)
        for points in self.points.values():
            points.show(frame, is_hurried)
        now = time.monotonic()
        if not is_hurried or now - self._captioned > CAPTION_PAUSE:
            self._captioned = now
            self._caption.show(*shown.caption)

    def _is_in_frame(self, box: Box) -> bool:
        height, width = self.session.video.shape[1:3]
        return box.x < width and box.y < height and box.x + box.w > 0 and box.y + box.h > 0
