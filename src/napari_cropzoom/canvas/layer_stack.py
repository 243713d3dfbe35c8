"""The layers of one open video: made where they are missing, kept in order and over its pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points, Shapes

from napari_cropzoom.canvas.boxes import BoxesLayer
from napari_cropzoom.canvas.final_boxes import FinalLayer
from napari_cropzoom.canvas.keypoints.layer import NAMES, PointsLayer
from napari_cropzoom.canvas.keypoints.marks import KeypointLooks
from napari_cropzoom.canvas.keypoints.of_others import OtherKeypointsLayer, have_keypoints
from napari_cropzoom.canvas.keypoints.skeleton import SkeletonLayer
from napari_cropzoom.canvas.keypoints.under_mouse import NamesUnderMouse
from napari_cropzoom.canvas.layer_updates import TRANSFORM_EVENTS, lay_over
from napari_cropzoom.canvas.other_animals import OthersLayer
from napari_cropzoom.canvas.video import AXES, VideoLayer
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.review.keypoints import Kind
from napari_cropzoom.review.session import Session

_COVERS = {"opaque", "translucent", "translucent_no_depth"}  # blendings of napari
_ZOOM_STEP = 0.05  # relative change of the zoom for which lines are drawn again


class LayerStack:
    """The layers of one open video.

    From below: ``video``, ``skeleton`` if there is one, ``detector keypoints``, ``pose keypoints``,
    ``other animals' keypoints`` if there are some, ``final boxes (to crop)``, ``other animals`` if there
    are several, ``boxes``. They lie under a
    person's layers, but over pictures that would hide them. Their data are in pixels of the video, and
    they lie where it lies: when the transform of its layer changes (scale, translate, rotate, shear,
    affine, units), theirs follow; when one of theirs is changed, it is put back.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    session : Session
    made : callable
        Called with every layer put into the viewer.
    boxes_made : callable
        Called with every :class:`BoxesLayer` that is made.
    moved : callable
        Called when the video lies elsewhere, in time or in space.

    Attributes
    ----------
    video, skeleton, boxes, final, others, other_keypoints
        What holds a layer each, None while it is not there.
    points : dict of str to PointsLayer
        ``detector`` and ``pose``; of images ``labels`` too.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        made: Callable[[Layer], None],
        boxes_made: Callable[[BoxesLayer], None],
        moved: Callable[[], None],
    ) -> None:
        self.video: VideoLayer | None = None
        self.boxes: BoxesLayer | None = None
        self.final: FinalLayer | None = None
        self.others: OthersLayer | None = None
        self.other_keypoints: OtherKeypointsLayer | None = None
        self.skeleton: SkeletonLayer | None = None
        self.points: dict[str, PointsLayer] = {}
        self._looks = KeypointLooks()
        self._names = NamesUnderMouse(viewer, lambda: self.points.values())
        self._viewer = viewer
        self._session = session
        self._made = made
        self._boxes_made = boxes_made
        self._moved = moved
        self._zoom = 1.0
        self._is_arranging = self._is_laying = False

    @property
    def parts(self) -> list[Any]:
        """What is there, from below."""
        points = [self.points.get(kind) for kind in NAMES]
        over = [self.other_keypoints, self.final, self.others, self.boxes]
        found = [self.video, self.skeleton, *points, *over]
        return [part for part in found if part is not None]

    @property
    def looks(self) -> KeypointLooks:
        """How keypoints look."""
        return self._looks

    @looks.setter
    def looks(self, looks: KeypointLooks) -> None:
        self._looks = looks
        for points in self.points.values():
            points.looks = looks

    def arrange(self) -> bool:
        """Add the layers that are missing, in their order; returns whether there were any."""
        if self._is_arranging:
            return False
        self._is_arranging = True
        before = len(self.parts)
        self._add_pictures()
        if self.other_keypoints is None and have_keypoints(self._session):
            self.other_keypoints = OtherKeypointsLayer()
            self._insert(self.other_keypoints.layer)
        if self.final is None:
            self.final = FinalLayer()
            self._insert(self.final.layer)
        if self.others is None and len(self._session.tracks) > 1:
            self.others = OthersLayer()
            self._insert(self.others.layer)
        if self.boxes is None:
            self.boxes = BoxesLayer()
            self._boxes_made(self.boxes)
            self._insert(self.boxes.layer)
        is_more = len(self.parts) > before
        if is_more:
            self._tell_zoom()
            self._viewer.layers.selection.active = self.boxes.layer
            self.boxes.announce_mode()
        self._is_arranging = False
        return is_more

    def drop(self, layer: Layer) -> None:
        """Forget what held a layer that the viewer has removed."""
        if self._is_arranging:
            return
        self._stop_watching(layer)
        if self.video is not None and layer is self.video.layer:
            self.video = None
        if self.skeleton is not None and layer is self.skeleton.layer:
            self.skeleton = None
        if self.boxes is not None and layer is self.boxes.layer:
            self._close_boxes(self.boxes)
            self.boxes = None
        if self.final is not None and layer is self.final.layer:
            self.final = None
        if self.others is not None and layer is self.others.layer:
            self.others = None
        if self.other_keypoints is not None and layer is self.other_keypoints.layer:
            self.other_keypoints = None
        self.points = {k: p for k, p in self.points.items() if p.layer is not layer}
        self._name_once()

    def show_keypoints(self, frame: int | None, *, with_table: bool) -> None:
        """Show the keypoints of a frame and their skeletons; the tables of features cost most of it."""
        for points in self.points.values():
            points.show(frame, with_table=with_table)
        if self.other_keypoints is not None:
            self.other_keypoints.show(self._session, frame, self._looks)
        if self.skeleton is not None:
            self.skeleton.show(self.bones(frame))

    def bones(self, frame: int | None) -> FloatArray:
        """Lines of all skeletons that are shown in a frame, (N, 2, 2): both ends in pixels, x and y."""
        found = [points.bones(frame) for points in self.points.values()]
        if self.other_keypoints is not None:
            found.append(self.other_keypoints.bones(self._session, frame, self._looks))
        return np.concatenate(found)

    def set_zoom(self, zoom: float) -> None:
        """Have lines as wide as they are to be, at ``zoom`` screen pixels for one of the world."""
        if zoom > 0 and self.video is not None:
            zoom *= self.video.pixel_size()
            if abs(zoom / self._zoom - 1) > _ZOOM_STEP:
                self._zoom = zoom
                self._tell_zoom()

    def remove(self) -> None:
        """Take the layers out of the viewer and let go of what they hold."""
        self._names.close()
        with self._viewer.layers.batched_update():  # else napari collects garbage after each
            for layer in [part.layer for part in self.parts]:
                self._stop_watching(layer)
                if layer in self._viewer.layers:
                    self._viewer.layers.remove(layer)
        if self.boxes is not None:
            self._close_boxes(self.boxes)

    def _add_pictures(self) -> None:
        """The video and the keypoints over it."""
        if self.video is None:
            self.video = VideoLayer(self._session.video, self._viewer.dims)
            self._insert(self.video.layer)
            self._viewer.dims.axis_labels = (*self._viewer.dims.axis_labels[:-3], *AXES)
            self._lay_all()
        height, width = self._session.video.shape[1:3]
        for kind in kinds_of(self._session):
            found = self._session.keypoints.get(kind)
            if kind not in self.points:
                self.points[kind] = made = PointsLayer(kind, (height, width))
                made.looks = self._looks
                self._insert(made.layer)
                made.layer.events.visible.connect(self._name_once)
            self.points[kind].take(found)
        self._name_once()
        if self.skeleton is None and self._looks.skeleton:
            self.skeleton = SkeletonLayer()
            self._insert(self.skeleton.layer)

    def _name_once(self) -> None:
        """Have the name of a body part written in the uppermost visible layer that has it."""
        above: frozenset[str] = frozenset()
        for kind in reversed(NAMES):
            points = self.points.get(kind)
            if points is not None and points.poses is not None:
                points.leave_unnamed(above)
                above |= frozenset(points.poses.names if points.layer.visible else ())

    def _insert(self, layer: Layer) -> None:
        """Insert a layer where it belongs among ours, the first one over pictures that would hide it."""
        layers, ours = self._viewer.layers, [part.layer for part in self.parts]
        place = [one is layer for one in ours].index(True)
        above = [layers.index(one) for one in ours[place + 1 :] if one in layers]
        below = [layers.index(one) for one in ours[:place] if one in layers]
        below = below or [at for at, one in enumerate(layers) if _hides(one)]
        self._lay(layer)
        layers.insert(min(above, default=max(below, default=-1) + 1), layer)
        for name in TRANSFORM_EVENTS:
            layer.events.emitters[name].connect(self._lay_all)
        self._made(layer)

    # ---- over the pixels of the video ----------------------------------------------------------

    def _lay(self, layer: Layer) -> None:
        if self.video is not None and layer is not self.video.layer:
            lay_over(layer, self.video.pixels_to_world(), tuple(self.video.layer.units[-2:]))

    def _lay_all(self) -> None:
        if self._is_laying:
            return
        self._is_laying = True
        for part in self.parts:
            self._lay(part.layer)
        self._is_laying = False
        self.set_zoom(self._viewer.scene.camera.zoom)
        self._moved()

    def _stop_watching(self, layer: Layer) -> None:
        if any(points.layer is layer for points in self.points.values()):
            layer.events.visible.disconnect(self._name_once)
        if any(part.layer is layer for part in self.parts):
            for name in TRANSFORM_EVENTS:
                layer.events.emitters[name].disconnect(self._lay_all)

    def _tell_zoom(self) -> None:
        for part in (self.boxes, self.final, self.others, self.skeleton):
            if part is not None:
                part.set_zoom(self._zoom)

    def _close_boxes(self, boxes: BoxesLayer) -> None:
        boxes.close()
        boxes.box_dragged.disconnect()
        boxes.edited.disconnect()


def kinds_of(session: Session) -> tuple[Kind, ...]:
    """Keypoints that have a layer: labels belong to images, not to a video."""
    return ("detector", "pose") if session.video.images is None else ("detector", "pose", "labels")


def _hides(layer: Layer) -> bool:
    """Whether a person's layer is a picture that would hide a video under it."""
    is_opaque = layer.visible and layer.opacity == 1 and layer.blending in _COVERS
    return isinstance(layer, Image) and is_opaque


def prepare_layers() -> None:
    """Make what napari makes with the first layer of each kind; takes seconds, in a thread.

    Its units, the code that it compiles for shapes, and what it imports. Later layers are made at once.
    """
    Image(np.zeros((1, 2, 2), np.uint8))
    Points(np.empty((0, 2)), ndim=2)
    Shapes(ndim=2)
