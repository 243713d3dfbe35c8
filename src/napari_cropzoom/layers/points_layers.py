"""Keypoints of the current frame as napari points layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from napari.layers import Points
from napari.utils.colormaps import ensure_colormap

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.layers.quiet import drawn_once

NAMES = {"detector": "detector keypoints", "pose": "pose keypoints"}
SYMBOLS = {"detector": "diamond", "pose": "disc"}
LIKELY = 0.5  # hollow below
_COLORS = ensure_colormap("viridis")
_POINTS_ACROSS = 140  # diameters of a point in the longer side of the video


class PointsLayer:
    """Keypoints of one model: colour is the likelihood (viridis), unlikely ones are hollow.

    The name and likelihood of the point under the mouse are in napari's status bar.

    Parameters
    ----------
    kind : {"detector", "pose"}
    poses : Poses
    video_shape : (int, int)
        Height and width in pixels.

    Attributes
    ----------
    layer : napari.layers.Points
    """

    def __init__(self, kind: str, poses: Poses, video_shape: tuple[int, int]) -> None:
        self.poses = poses
        count = len(poses.names)
        self.layer = Points(
            np.zeros((count, 2)),
            ndim=2,
            name=NAMES[kind],
            symbol=SYMBOLS[kind],
            size=max(4.0, max(video_shape) / _POINTS_ACROSS),
            border_width=0.2,
            features=_features(poses, 0),
            shown=np.zeros(count, bool),
        )
        self._frame = self._described = -1
        self.layer.editable = False

    def show(self, frame: int, is_hurried: bool = False) -> None:
        """Show the keypoints of a frame; in a hurry their table of features waits for a rest.

        The layer's arrays are written to, which costs a fraction of setting them.
        """
        if frame != self._frame:
            self._frame = frame
            xy, likelihood = self.poses.xy[frame], np.nan_to_num(self.poses.likelihood[frame])
            is_there = np.isfinite(xy).all(axis=1)
            color = _COLORS.map(likelihood)
            face = color.copy()
            face[likelihood < LIKELY, 3] = 0
            layer = self.layer
            layer.data[:] = np.where(is_there[:, None], xy[:, ::-1], 0.0)
            layer.shown[:] = is_there
            layer.border_color[:] = np.where(face[:, 3:] > 0, np.float32([0, 0, 0, 1]), color)
            layer.face_color[:] = face
            layer.refresh(thumbnail=False, highlight=False, extent=False)
        if not is_hurried and self._described != frame:
            self._described = frame
            with drawn_once(self.layer):
                self.layer.features = _features(self.poses, frame)


def _features(poses: Poses, frame: int) -> pd.DataFrame:
    likelihood = poses.likelihood[frame].round(3)
    return pd.DataFrame({"body part": list(poses.names), "likelihood": likelihood})
