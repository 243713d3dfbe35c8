"""The final box of the current frame, dashed: what will be cropped, or a preview of it."""

from __future__ import annotations

import numpy as np
from napari.layers import Vectors

from napari_cropzoom.core.boxes import MISSING_BOX, Box
from napari_cropzoom.layers.conversions import box_to_dashes
from napari_cropzoom.layers.looks import FINAL_LOOK, Look
from napari_cropzoom.layers.quiet import drawn_once

NAME = "final boxes"


class FinalLayer:
    """A dashed outline that cannot be edited: napari's vectors have no tools.

    Attributes
    ----------
    layer : napari.layers.Vectors
    """

    def __init__(self) -> None:
        self.layer = Vectors(
            np.empty((0, 2, 2)),
            ndim=2,
            name=NAME,
            vector_style="line",
            edge_color=FINAL_LOOK.color,
            opacity=1,
        )
        self._box = MISSING_BOX
        self._look = FINAL_LOOK
        self._pixel = 1.0

    @property
    def box(self) -> Box:
        """The box shown, all NaN if there is none."""
        return self._box

    def show(self, box: Box, look: Look = FINAL_LOOK) -> None:
        """Show a box, or nothing if it is missing."""
        if look == self._look and np.array_equal(box, self._box, equal_nan=True):
            return
        is_moved = box[2:] == self._box[2:] and look == self._look
        if not is_moved:
            with drawn_once(self.layer):
                self.layer.data = box_to_dashes(Box(0, 0, box.w, box.h))
                self.layer.edge_color = look.color
                self.layer.edge_width = look.width * self._pixel
        if not box.is_missing():
            # Moving the layer is cheaper than new data, for which vispy makes a new shader.
            self.layer.translate = (box.y, box.x)
        self._box, self._look = box, look

    def set_zoom(self, zoom: float) -> None:
        """Keep the dashes as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        self.layer.edge_width = self._look.width * self._pixel
