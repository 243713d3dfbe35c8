"""The layers of one open video in a napari viewer, following its session and the frame slider."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from psygnal import Signal

from napari_cropzoom.canvas.annotations import annotations_at
from napari_cropzoom.canvas.boxes import BoxesLayer
from napari_cropzoom.canvas.caption import ACCEPT_KEY, Caption, acts_on
from napari_cropzoom.canvas.conversions import PIXEL_EDGE
from napari_cropzoom.canvas.final_boxes import FinalLayer
from napari_cropzoom.canvas.keypoints.layer import PointsLayer
from napari_cropzoom.canvas.keypoints.marks import KeypointLooks
from napari_cropzoom.canvas.keypoints.of_others import OtherKeypointsLayer
from napari_cropzoom.canvas.keypoints.skeleton import SkeletonLayer
from napari_cropzoom.canvas.keys.presses import KeyPresses
from napari_cropzoom.canvas.keys.status import StatusLine
from napari_cropzoom.canvas.layer_stack import LayerStack
from napari_cropzoom.canvas.layer_updates import LayerListRest
from napari_cropzoom.canvas.mesh_shaders import keep_mesh_shaders
from napari_cropzoom.canvas.other_animals import OthersLayer
from napari_cropzoom.canvas.pace import StepPace
from napari_cropzoom.canvas.shortcuts import NO_FRAME
from napari_cropzoom.canvas.video import VideoLayer
from napari_cropzoom.core.boxes import Box, FloatArray
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.review.session import Session


class LayerSet:
    """Shows a session in a viewer and turns gestures on the box into edits of the session.

    From below: ``video``, ``skeleton`` if there is one, ``detector keypoints`` and ``pose keypoints``
    (hidden until there are some), ``other animals' keypoints`` and ``other animals`` (their boxes) if
    there are any, with ``final boxes (to crop)`` (dashed) between them, ``boxes``. All but the video hold
    the frame only, in pixels of the video. A layer that a person deletes comes back on the next change.

    The layers are true at once: after any change their data are those of the frame that napari shows,
    which is read off ``viewer.dims.point`` through the transform of the layer ``video``. Where napari
    shows no frame of the video, they are empty. While frames follow each other closely, only the handles
    of the box, the caption, the tables of the keypoints and the thumbnail wait until they pause.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Or a ``napari.Viewer``.
    session : Session

    Attributes
    ----------
    frame_changed : psygnal.Signal
        Number of the new frame.
    frame_rested : psygnal.Signal
        The same, but of frames that follow each other closely the last one only, once they pause.
    box_dragged : psygnal.Signal
        :class:`Box` under way while the mouse is dragged, None where nothing came of it.
    play_toggled, loop_toggled, follow_asked, reason_asked : psygnal.Signal
        A key asks for what widgets do; following says 1 for on, -1 for back; the reason is a suspect's.
    proposed : psygnal.Signal
        :class:`Edit` that a key would apply once it is let go, None when it is over.
    closing : psygnal.Signal
        The layers are about to go.
    selection_asked : psygnal.Signal
        A key asks for another selection, frames or None; the dock grants it.
    swap_asked : psygnal.Signal
        A key asks for a swap of animals; the dock asks which.
    video_asked, view_asked : psygnal.Signal
        A key asks for the next video of the project, or view of the recording (1), or that before (-1).
    refused : psygnal.Signal
        :class:`CropzoomError` that says why a gesture did nothing.
    keys : KeyPresses
        Keys of the table, for widgets that have the focus too.
    """

    frame_changed = Signal(int)
    frame_rested = Signal(int)
    box_dragged = Signal(object)
    play_toggled = Signal()
    loop_toggled = Signal()
    follow_asked = Signal(int)
    reason_asked = Signal()
    proposed = Signal(object)
    refused = Signal(object)
    closing = Signal()
    selection_asked = Signal(object)
    swap_asked = Signal()
    video_asked = Signal(int)
    view_asked = Signal(int)

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        keep_mesh_shaders()
        self.viewer = viewer
        self.session = session
        self._selection: tuple[int, int] | None = None
        self._proposal: Edit | None = None
        self.keys, self._status = KeyPresses(viewer, session, self), StatusLine(viewer, session)
        self._stack = LayerStack(viewer, session, self._on_made, self._on_boxes_made, self._on_dims)
        self._frame = 0
        self._is_in_video = True
        self._preview: Box | None = None
        self._is_closed = self._is_playing = False
        self._axes_before = viewer.dims.axis_labels
        shape = session.video.shape[1], session.video.shape[2]
        self._caption = Caption(viewer, self._acts_on, lambda: self.boxes and self.boxes.layer, shape)
        self._list_rest = LayerListRest()
        self._pace = StepPace(self._on_pause)
        self._connect()
        self._on_ndisplay()
        self.frame = 0

    # ---- for others ----------------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Frame shown, 0-based; the last one that was where napari shows none of the video.

        Setting it moves the slider, and stops at the ends of the video.
        """
        return self._frame

    @frame.setter
    def frame(self, frame: int) -> None:
        if self._stack.arrange():
            self._redraw()
        if self.video is not None:
            self.video.show(int(frame))

    @property
    def is_in_video(self) -> bool:
        """Whether napari shows a frame of the video: its layer may be gone, another begin before it."""
        return self._is_in_video and self.video is not None

    def world_point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the video, in pixels from its corner, lies in the world: y, x."""
        if self.video is None:
            return y, x
        down, right, _ = self.video.pixels_to_world() @ (y - PIXEL_EDGE, x - PIXEL_EDGE, 1.0)
        return float(down), float(right)

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
    def skeleton(self) -> SkeletonLayer | None:
        """The layer of the lines between keypoints, None without a skeleton."""
        return self._stack.skeleton

    @property
    def points(self) -> dict[str, PointsLayer]:
        """The layers of keypoints, ``detector`` and ``pose``."""
        return self._stack.points

    @property
    def other_keypoints(self) -> OtherKeypointsLayer | None:
        """The layer of other animals' keypoints, None while there are none."""
        return self._stack.other_keypoints

    def bones(self, frame: int | None) -> FloatArray:
        """Lines of all skeletons that are shown in a frame, (N, 2, 2): both ends in pixels, x and y."""
        return self._stack.bones(frame)

    @property
    def looks(self) -> KeypointLooks:
        """How keypoints look: their colours, names, skeleton."""
        return self._stack.looks

    @looks.setter
    def looks(self, looks: KeypointLooks) -> None:
        self._stack.looks = looks
        self._redraw()

    @property
    def selection(self) -> tuple[int, int] | None:
        """Frames selected on the timeline, both inclusive; None if none are."""
        return self._selection

    @selection.setter
    def selection(self, selection: tuple[int, int] | None) -> None:
        self._selection = selection
        self._caption.refresh()

    @property
    def selection_here(self) -> tuple[int, int] | None:
        """The selection while the frame that is shown lies in it: nothing acts on frames elsewhere."""
        selection = self._selection
        return selection if selection and selection[0] <= self._frame <= selection[1] else None

    def range_here(self) -> tuple[int, int]:
        """Frames that tools, keys and *Accept* act on: the selection here, else the suspect, or frame."""
        return self.selection_here or self.session.suspects.range_at(self._frame)

    def show_proposal(self, edit: Edit | None) -> None:
        """Name an edit in the caption before it is made; None ends it."""
        self._proposal = edit
        self._caption.refresh()

    def preview_box(self, box: Box | None) -> None:
        """Show a box for a moment, dashed, without writing anything; None ends it."""
        if box is not None or self._preview is not None:
            self._preview = box
            self._redraw()

    @property
    def preview(self) -> Box | None:
        """The box that `preview_box` shows."""
        return self._preview

    def tell(self, message: str) -> None:
        """Write a line to napari's status bar."""
        self._status.tell(message)

    def refuse(self, error: CropzoomError) -> None:
        """Say why a gesture did nothing, here and to who listens."""
        self.tell(str(error))
        self.refused.emit(error)

    @property
    def is_playing(self) -> bool:
        """While True, every frame counts as one of many: handles, caption and thumbnails wait."""
        return self._is_playing

    @is_playing.setter
    def is_playing(self, is_playing: bool) -> None:
        self._is_playing = is_playing
        if not is_playing and not self._is_closed:
            self._on_pause()

    def close(self) -> None:
        """Remove the layers and let go of viewer and session; closing twice is harmless."""
        if self._is_closed:
            return
        self.keys.close()
        self._status.close()
        self.closing.emit()
        self._is_closed = True
        self._pace.close()
        self._list_rest.rest(None)
        self._disconnect()
        self._stack.remove()
        self._caption.close()
        if self.viewer.dims.ndim == len(self._axes_before):
            self.viewer.dims.axis_labels = self._axes_before

    # ---- connections ---------------------------------------------------------------------------

    def _connections(self) -> list[tuple[Any, Any]]:
        viewer, session, dims = self.viewer, self.session, self.viewer.dims.events
        return [
            (dims.point, self._on_dims),
            (dims.range, self._on_dims),
            (dims.order, self._on_dims),
            (dims.units, self._on_dims),
            (dims.ndisplay, self._on_ndisplay),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.selection.events.active, self._caption.refresh),
            (viewer.scene.camera.events.zoom, self._on_zoom),
            (session.boxes_changed, self._redraw),
            (session.track_changed, self._redraw),
            (session.tracks_changed, self._redraw),
            (session.smoothing_changed, self._redraw),
            (session.predictions_changed, self._redraw),
            (session.suspects.inspected, self._caption.refresh),
            (session.closed, self.close),
        ]

    def _connect(self) -> None:
        for signal, slot in self._connections():
            signal.connect(slot)

    def _disconnect(self) -> None:
        for signal, slot in self._connections():
            signal.disconnect(slot)

    def _on_dims(self) -> None:
        """Follow to the frame that napari shows now."""
        if self.video is None or self._is_closed:
            return
        frame = self.video.frame
        is_new = frame is not None and frame != self._frame
        if not is_new and (frame is not None) == self._is_in_video:
            return
        self._is_in_video = frame is not None
        if frame is not None:
            self._frame = frame
        self._preview = None
        is_close = self._is_playing or (is_new and self._pace.step())
        self._draw(is_close=is_close)  # adds no layer: napari may be removing one
        if is_new:
            self.frame_changed.emit(frame)
            if not is_close:
                self.frame_rested.emit(frame)

    def _on_pause(self) -> None:
        # without its layer the viewer is closing maybe
        if self.video is not None and not self._is_playing:
            self._redraw()
            self.frame_rested.emit(self._frame)

    def _on_ndisplay(self) -> None:
        if self.viewer.dims.ndisplay != 2:
            self.viewer.dims.ndisplay = 2
            self.tell("A video is shown in 2-D only: in 3-D napari would read all of its frames.")

    def _on_zoom(self) -> None:
        self._stack.set_zoom(self.viewer.scene.camera.zoom)

    def _on_removed(self, event: Any) -> None:
        self._stack.drop(event.value)

    def _on_made(self, layer: Layer) -> None:
        self.keys.bind(layer)
        if any(points.layer is layer for points in self.points.values()):
            layer.events.visible.connect(self._on_visible)  # the skeleton goes with its keypoints

    def _on_visible(self) -> None:
        if self._stack.skeleton is not None and not self._is_closed:
            self._redraw()

    def _on_boxes_made(self, boxes: BoxesLayer) -> None:
        boxes.box_dragged.connect(self._on_dragged)
        boxes.edited.connect(self._on_edited)
        boxes.refused.connect(self._on_tool_refused)

    def _on_dragged(self, box: Box | None) -> None:
        self.box_dragged.emit(box)

    def _on_tool_refused(self, why: str) -> None:
        self.refuse(CropzoomError(why))

    def _on_edited(self, box: Box | None) -> None:
        try:
            if not self._is_in_video:
                self.tell(NO_FRAME)
            elif box is None:
                self.session.delete_box(self._frame)
            elif self._is_in_frame(box):
                self.session.set_box(self._frame, box)
            else:
                self.tell("A box must overlap the video.")
        except CropzoomError as error:
            self.refuse(error)

    # ---- drawing -------------------------------------------------------------------------------

    def _redraw(self) -> None:
        if self.video is not None:  # a person who has deleted it says when it is to come back
            self._stack.arrange()
        self._draw()

    def _draw(self, *, is_close: bool = False) -> None:
        """Show what the session says of the frame; with ``is_close`` what adorns it comes later."""
        if self.video is None or self.boxes is None or self.final is None:
            return
        frame = self._frame if self._is_in_video else None
        shown = annotations_at(self.session, frame, self._preview)
        self._list_rest.rest(self.video.layer if is_close else None)
        self.boxes.show_handles(not is_close)
        self.boxes.show(frame, shown.box, shown.style)
        self.final.show(shown.final, shown.final_style)
        if self.others is not None:
            self.others.show(shown.others)
        self._stack.show_keypoints(frame, with_table=not is_close)
        self._caption.show("" if self._is_playing else shown.caption, is_close=is_close)

    def _acts_on(self) -> str:
        """Which frames would be changed now, for the caption."""
        if not self._is_in_video or not self.session.has_boxes:
            return ""
        return acts_on(self.range_here(), self._proposal, has_key=self.keys.acts(ACCEPT_KEY))

    def _is_in_frame(self, box: Box) -> bool:
        height, width = self.session.video.shape[1:3]
        return box.x < width and box.y < height and box.x + box.w > 0 and box.y + box.h > 0
