"""The layers of one open video, in their order: made where they are missing, dropped once removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_cropzoom.layers import points_layers
from napari_cropzoom.layers.boxes_layer import BoxesLayer
from napari_cropzoom.layers.final_layer import FinalLayer
from napari_cropzoom.layers.others_layer import OthersLayer
from napari_cropzoom.layers.points_layers import PointsLayer
from napari_cropzoom.layers.video_layer import VideoLayer
from napari_cropzoom.session import Session

AXES = ("frame", "y", "x")


class Stack:
    """The layers of one open video.

    From below: ``video``, ``detector keypoints``, ``pose keypoints``, ``final boxes``, ``other animals``
    if there are several, ``boxes``.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    session : Session
    made : callable
        Called with every layer put into the viewer.
    boxes_made : callable
        Called with every :class:`BoxesLayer` that is made.

    Attributes
    ----------
    video, boxes, final, others
        What holds a layer each, None while it is not there.
    points : dict of str to PointsLayer
        ``detector`` and ``pose``.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        made: Callable[[Layer], None],
        boxes_made: Callable[[BoxesLayer], None],
    ) -> None:
        self.video: VideoLayer | None = None
        self.boxes: BoxesLayer | None = None
        self.final: FinalLayer | None = None
        self.others: OthersLayer | None = None
        self.points: dict[str, PointsLayer] = {}
        self._viewer = viewer
        self._session = session
        self._made = made
        self._boxes_made = boxes_made
        self._zoom = 1.0
        self._is_arranging = False

    @property
    def parts(self) -> list[Any]:
        """What is there, from below."""
        points = [self.points.get(kind) for kind in points_layers.NAMES]
        found = [self.video, *points, self.final, self.others, self.boxes]
        return [part for part in found if part is not None]

    def arrange(self) -> None:
        """Add the layers that are missing, in their order."""
        if self._is_arranging:
            return
        self._is_arranging = True
        before = len(self.parts)
        self._add_pictures()
        if self.final is None:
            self.final = FinalLayer()
            self._insert(self.final.layer)
        if self.others is None and len(self._session.states) > 1:
            self.others = OthersLayer()
            self._insert(self.others.layer)
        if self.boxes is None:
            self.boxes = BoxesLayer()
            self._boxes_made(self.boxes)
            self._insert(self.boxes.layer)
        if len(self.parts) > before:
            self._tell_zoom()
            self._viewer.layers.selection.active = self.boxes.layer
            self.boxes.announce_mode()
        self._is_arranging = False

    def drop(self, layer: Layer) -> None:
        """Forget what held a layer that the viewer has removed."""
        if self._is_arranging:
            return
        if self.video is not None and layer is self.video.layer:
            self.video.close()
            self.video = None
        if self.boxes is not None and layer is self.boxes.layer:
            self._close_boxes(self.boxes)
            self.boxes = None
        if self.final is not None and layer is self.final.layer:
            self.final = None
        if self.others is not None and layer is self.others.layer:
            self.others = None
        self.points = {k: p for k, p in self.points.items() if p.layer is not layer}

    def set_zoom(self, zoom: float) -> None:
        """Have lines as wide as they are to be, at ``zoom`` screen pixels for one of the video."""
        if zoom > 0 and abs(zoom / self._zoom - 1) > 0.05:
            self._zoom = zoom
            self._tell_zoom()

    def remove(self) -> None:
        """Take the layers out of the viewer and let go of what they hold."""
        with self._viewer.layers.batched_update():  # else napari collects garbage after each
            for layer in [part.layer for part in self.parts]:
                if layer in self._viewer.layers:
                    self._viewer.layers.remove(layer)
        if self.video is not None:
            self.video.close()
        if self.boxes is not None:
            self._close_boxes(self.boxes)

    def rehearse(self) -> None:
        """Have every layer drawn once: the first time takes napari long, and later that would be felt."""
        for part in (self.final, self.boxes):
            if part is not None:
                part.rehearse()

    def end_rehearsal(self) -> None:
        for points in self.points.values():
            points.hide_if_empty()
        if self.boxes is not None:
            self.boxes.end_rehearsal()

    def _add_pictures(self) -> None:
        """The video and the keypoints over it."""
        if self.video is None:
            self.video = VideoLayer(self._session.video)
            dims = self._viewer.dims
            self.video.source.is_for_volume = lambda: dims.ndisplay != 2
            self._insert(self.video.layer)
            self._viewer.dims.axis_labels = (*self._viewer.dims.axis_labels[:-3], *AXES)
        height, width = self._session.video.shape[1:3]
        poses = {"detector": self._session.detector_poses, "pose": self._session.pose_poses}
        for kind in points_layers.NAMES:
            found = poses[kind]
            if kind not in self.points:
                self.points[kind] = PointsLayer(kind, (height, width))
                self._insert(self.points[kind].layer)
            if found is not None:
                self.points[kind].take(found)

    def _insert(self, layer: Layer) -> None:
        """Insert a layer below those of ours that belong above it."""
        above = [part.layer for part in self.parts]
        above = above[[one is layer for one in above].index(True) + 1 :]
        places = [self._viewer.layers.index(one) for one in above if one in self._viewer.layers]
        self._viewer.layers.insert(min(places, default=len(self._viewer.layers)), layer)
        self._made(layer)

    def _tell_zoom(self) -> None:
        for part in (self.boxes, self.final, self.others):
            if part is not None:
                part.set_zoom(self._zoom)

    def _close_boxes(self, boxes: BoxesLayer) -> None:
        boxes.close()
        boxes.box_dragged.disconnect()
        boxes.edited.disconnect()
