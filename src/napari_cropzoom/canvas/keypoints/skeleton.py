"""The lines of the skeleton between the keypoints of the current frame."""

from __future__ import annotations

import numpy as np
from napari.layers import Vectors

from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import FloatArray

NAME = "skeleton"
WIDTH = 2.0  # screen pixels
COLOR = "#FFFFFF"
OPACITY = 0.7


class SkeletonLayer:
    """Lines that cannot be edited.

    Attributes
    ----------
    layer : napari.layers.Vectors
    """

    def __init__(self) -> None:
        self.layer = Vectors(
            np.empty((0, 2, 2)), ndim=2, name=NAME, vector_style="line", edge_color=COLOR, opacity=OPACITY
        )
        self._bones = np.empty((0, 2, 2))
        self._pixel = 1.0

    def show(self, bones: FloatArray) -> None:
        """Show lines (N, 2, 2), both ends in pixels, x and y."""
        if np.array_equal(bones, self._bones):
            return
        self._bones = bones
        yx = bones[..., ::-1]
        vectors = np.stack([yx[:, 0], yx[:, 1] - yx[:, 0]], axis=1)
        with one_redraw(self.layer, highlight=False):
            if len(vectors) == len(self.layer.data):
                self.layer.data[:] = vectors  # a fraction of what setting it costs
            else:
                self.layer.data = vectors
                self.layer.edge_width = WIDTH * self._pixel

    def set_zoom(self, zoom: float) -> None:
        """Keep the lines as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        self.layer.edge_width = WIDTH * self._pixel
