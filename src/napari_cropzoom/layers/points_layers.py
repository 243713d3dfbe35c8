"""Keypoints of the current frame as napari points layers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from napari.layers import Points
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.layers.quiet import drawn_once

NAMES = {"detector": "detector keypoints", "pose": "pose keypoints"}
SYMBOLS = {"detector": "diamond", "pose": "disc"}
LIKELY = 0.5  # hollow below
_COLORS = ensure_colormap("viridis")
_POINTS_ACROSS = 140  # diameters of a point in the longer side of the video


class Marks(NamedTuple):
    """How the keypoints of one frame look.

    Attributes
    ----------
    xy : ndarray, (K, 2)
        Pixels; (0, 0) where there is none.
    is_there : ndarray, (K,) bool
    border, face : ndarray, (K, 4) float32
        RGBA, 0 to 1.
    """

    xy: FloatArray
    is_there: BoolArray
    border: NDArray[np.float32]
    face: NDArray[np.float32]


def marks_of(poses: Poses, frame: int) -> Marks:
    """Colour is the likelihood; unlikely keypoints are hollow."""
    xy, likelihood = poses.xy[frame], np.nan_to_num(poses.likelihood[frame])
    is_there = np.isfinite(xy).all(axis=1)
    color = _COLORS.map(likelihood)
    face = color.copy()
    face[likelihood < LIKELY, 3] = 0
    border = np.where(face[:, 3:] > 0, np.float32([0, 0, 0, 1]), color)
    return Marks(np.where(is_there[:, None], xy, 0.0), is_there, border, face)


class PointsLayer:
    """Keypoints of one model: colour is the likelihood (viridis), unlikely ones are hollow.

    The name and likelihood of the point under the mouse are in napari's status bar.

    Without keypoints the layer is empty. napari takes long to add a layer and to draw its first points,
    so it is added with the video, drawn once, and then hidden until there are some.

    Parameters
    ----------
    kind : {"detector", "pose"}
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
        self.layer = Points(np.empty((0, 2)), ndim=2, name=NAMES[kind])
        self._symbol, self._size = SYMBOLS[kind], max(4.0, max(video_shape) / _POINTS_ACROSS)
        self._frame = self._described = -1

    def take(self, poses: Poses) -> None:
        """Show these keypoints from now on."""
        if poses is self.poses:
            return
        is_first, count, layer = self.poses is None, len(poses.names), self.layer
        with drawn_once(layer):
            layer.data = np.zeros((count, 2))
            layer.shown = np.zeros(count, bool)
            layer.symbol, layer.size, layer.border_width = self._symbol, self._size, 0.2
            layer.features = _features(poses, 0)
        self.poses, self._frame, self._described = poses, -1, -1
        if is_first:
            layer.visible = True
        layer.editable = False  # which showing a layer takes back

    def hide_if_empty(self) -> None:
        """Hide what has nothing to show; keypoints that come show it again."""
        if self.poses is None:
            self.layer.visible = False

    def show(self, frame: int, is_hurried: bool = False) -> None:
        """Show the keypoints of a frame; in a hurry their table of features waits for a rest.

        The layer's arrays are written to, which costs a fraction of setting them.
        """
        poses = self.poses
        if poses is None:
            return
        if frame != self._frame:
            self._frame = frame
            layer, marks = self.layer, marks_of(poses, frame)
            layer.data[:] = marks.xy[:, ::-1]
            layer.shown[:] = marks.is_there
            layer.border_color[:] = marks.border
            layer.face_color[:] = marks.face
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        if not is_hurried and self._described != frame:
            self._described = frame
            with drawn_once(self.layer):
                self.layer.features = _features(poses, frame)


def _features(poses: Poses, frame: int) -> pd.DataFrame:
    likelihood = poses.likelihood[frame].round(3)
    return pd.DataFrame({"body part": list(poses.names), "likelihood": likelihood})
