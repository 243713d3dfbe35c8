"""Keypoints of the current frame as a napari points layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Points

from napari_cropzoom.canvas.keypoints.marks import (
    SYMBOLS,
    KeypointLooks,
    Marks,
    bones_of,
    marks_of,
    usual_span,
)
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses

if TYPE_CHECKING:
    import pandas as pd

NAMES = {"detector": "detector keypoints", "pose": "pose keypoints", "labels": "labels"}
_POINTS_ACROSS = 100  # diameters of a point in the longer side of the video, and no larger than
_IN_ANIMAL = 22  # of them from one end of the animal to the other, so that it is seen between them
_STEP = 0.05  # of its size, by which a point gets another
_LEAST = 5  # pixels of the screen across a point, up to that, so that its colour is seen in its edge
_LIMITS = (2, 16)  # pixels of the screen across a point; vispy makes an edge at least half the lower one
_REACH = 6  # pixels of the screen from which the mouse is at a point, at least
_ACROSS = {"detector": 1.4, "pose": 1.0, "labels": 1.2}  # so that a diamond is as large as a disc
_BORDER = {"detector": 0.1, "pose": 0.1, "labels": 0.1}  # of the diameter
_TEXT = {"size": 9, "color": "white", "anchor": "upper_left"}
_BESIDE = 0.75  # diameters from the middle of a point to its text


class PointsLayer:
    """Keypoints of one model, looking as a person chooses; unlikely ones are hollow.

    The name and likelihood of the point under the mouse are written beside it, whichever layer is
    selected.

    Without keypoints the layer is empty and hidden; it is added with the video, because adding a layer
    takes napari long.

    Parameters
    ----------
    kind : {"detector", "pose", "labels"}
    video_shape : (int, int)
        Height and width in pixels.

    Attributes
    ----------
    layer : napari.layers.Points
    poses : Poses or None
        Keypoints of all frames.
    """

    def __init__(self, kind: str, video_shape: tuple[int, int]) -> None:
        self.poses: Poses | None = None
        self.layer = Points(np.empty((0, 2)), ndim=2, name=NAMES[kind], visible=False)
        self._kind, across = kind, _ACROSS[kind]
        self._most = max(4.0, max(video_shape) / _POINTS_ACROSS)
        self._fitting = self._most
        self._size = across * self._most
        self.layer.canvas_size_limits = (_LIMITS[0], round(across * _LIMITS[1]))
        self.layer.events.scale_factor.connect(self._on_zoom)
        self._frame: int | None = -1
        self._described = -1
        self._looks = KeypointLooks()
        self._named_above: frozenset[str] = frozenset()
        self._under: int | None = None
        self._texts: tuple[str, ...] = ()

    @property
    def looks(self) -> KeypointLooks:
        """How the keypoints look; another choice shows with the next frame that is shown."""
        return self._looks

    @looks.setter
    def looks(self, looks: KeypointLooks) -> None:
        if looks != self._looks:
            self._looks, self._frame = looks, -1
            self._write_texts()

    def leave_unnamed(self, names: frozenset[str]) -> None:
        """Write no names of these body parts, since a layer above has them too."""
        if names != self._named_above:
            self._named_above = names
            self._write_texts()

    def marks(self, frame: int) -> Marks:
        """How the keypoints of a frame look; only where there are keypoints."""
        assert self.poses is not None
        return marks_of(self.poses, frame, self._looks, self._kind)

    def bones(self, frame: int | None) -> FloatArray:
        """Lines of the skeleton in a frame, (N, 2, 2), none while the layer is hidden."""
        if self.poses is None or frame is None or not self.layer.visible:
            return np.empty((0, 2, 2))
        return bones_of(self.poses, frame, self._looks)

    def take(self, poses: Poses | None) -> None:
        """Show these keypoints from now on, or none."""
        if poses is None:
            self._leave()
        if poses is None or poses is self.poses:
            return
        is_first, count, layer = self.poses is None, len(poses.names), self.layer
        span = usual_span(poses)
        self._fitting = min(self._most, max(span / _IN_ANIMAL, 1.0)) if span else self._most
        self._size = self._wanted
        with one_redraw(layer):
            layer.data = np.zeros((count, 2))
            layer.shown = np.zeros(count, bool)
            layer.symbol, layer.size = SYMBOLS[self._kind], self._size
            layer.border_width = _BORDER[self._kind]
            layer.features = _features(poses, 0)
        self.poses, self._frame, self._described, self._under = poses, -1, -1, None
        self._write_texts()
        if is_first:
            layer.visible = self._kind not in self._looks.hidden
        layer.editable = False  # which showing a layer takes back

    def _leave(self) -> None:
        """Show those that are here no more."""
        if self.poses is None:
            return
        self.show(None)
        nowhere = self.poses.xy[:1] * np.nan
        gone = Poses(self.poses.names, nowhere, nowhere[..., 0])
        with one_redraw(self.layer):
            self.layer.features = _features(gone, 0)
        self.layer.refresh(highlight=False, extent=False)  # of the thumbnail, which shows them still
        self.poses = None

    def show(self, frame: int | None, *, with_table: bool = True) -> None:
        """Show the keypoints of a frame, or none; their table of features costs most of it.

        The layer's arrays are written to, which costs a fraction of setting them. What is not there has
        no colour, since napari draws all points of a 2-D layer, whatever ``shown`` says.
        """
        poses = self.poses
        if poses is None:
            return
        layer = self.layer
        if frame != self._frame:
            self._frame = frame
            self.name_under(None)
            if frame is None:
                layer.shown[:] = False
                layer.border_color[:] = layer.face_color[:] = 0
            else:
                marks = self.marks(frame)
                layer.data[:] = marks.xy[:, ::-1]
                layer.shown[:] = marks.is_there
                layer.border_color[:] = marks.border
                layer.face_color[:] = marks.face
            self._write_texts()
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        if with_table and frame is not None and self._described != frame:
            self._described = frame
            with one_redraw(layer):
                layer.features = _features(poses, frame)

    @property
    def _wanted(self) -> float:
        """Pixels of the video across a point: as fits the animal, but more from afar."""
        from_afar: float = min(self._most, _LEAST * self.layer.scale_factor)
        return _ACROSS[self._kind] * max(self._fitting, from_afar)

    def _on_zoom(self) -> None:
        wanted = self._wanted
        if self.poses is not None and abs(wanted - self._size) > _STEP * self._size:
            self._size = wanted
            self.layer.size = wanted
        self._place_texts()

    # ---- texts ---------------------------------------------------------------------------------

    @property
    def _across(self) -> float:
        """Pixels of the video across a point, as the layer's zoom draws it."""
        least, most = (limit * self.layer.scale_factor for limit in self.layer.canvas_size_limits)
        return float(min(max(self._size, least), most))

    def keypoint_at(self, position: Sequence[float]) -> int | None:
        """Number of the keypoint at a point of the world, None if there is none."""
        if self.poses is None or not self.layer.visible or not self.layer.shown.any():
            return None
        away = np.linalg.norm(self.layer.data - self.layer.world_to_data(position), axis=1)
        away[~self.layer.shown] = np.inf
        nearest = int(away.argmin())
        reach = max(self._across, _REACH * self.layer.scale_factor)
        return nearest if away[nearest] <= reach else None

    def name_under(self, keypoint: int | None) -> None:
        """Write name and likelihood beside the keypoint under the mouse."""
        if keypoint != self._under:
            self._under = keypoint
            self._write_texts()

    def _write_texts(self) -> None:
        poses, text = self.poses, self.layer.text
        if poses is None:
            return
        shown, above = self.layer.shown, self._named_above
        is_named = [self._looks.names and name not in above for name in poses.names]
        has_name = np.array(is_named) & shown
        texts = [name if has else "" for name, has in zip(poses.names, has_name, strict=True)]
        if self._under is not None and self._frame is not None and self._frame >= 0:
            likelihood = poses.likelihood[self._frame, self._under]
            texts[self._under] = f"{poses.names[self._under]} {likelihood:.2f}"
        if tuple(texts) == self._texts:
            return
        is_first, self._texts = not self._texts, tuple(texts)
        if is_first:
            for name, value in _TEXT.items():
                setattr(text, name, value)
        self._place_texts()
        text.visible = any(texts)
        text.string = texts

    def _place_texts(self) -> None:
        if any(self._texts):
            self.layer.text.translation = (0.0, _BESIDE * self._across)


def _features(poses: Poses, frame: int) -> pd.DataFrame:
    import pandas as pd  # slow to import, and the dock starts without it

    likelihood = poses.likelihood[frame].round(3)
    return pd.DataFrame({"body part": list(poses.names), "likelihood": likelihood})
