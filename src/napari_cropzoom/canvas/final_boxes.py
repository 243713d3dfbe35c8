"""The final box of the current frame, dashed: what will be cropped, or a preview of it."""

from __future__ import annotations

import numpy as np
from napari.layers import Vectors

from napari_cropzoom.canvas.conversions import box_to_dashes
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import MISSING_BOX, Box
from napari_cropzoom.core.looks import ANIMAL_COLORS, FINAL, LineStyle

NAME = "final boxes (to crop)"


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
            edge_color=ANIMAL_COLORS[0],
            opacity=1,
        )
        self._box = MISSING_BOX
        self._style = FINAL.in_color(ANIMAL_COLORS[0])
        self._pixel = 1.0

    @property
    def box(self) -> Box:
        """The box shown, all NaN if there is none."""
        return self._box

    def show(self, box: Box, style: LineStyle) -> None:
        """Show a box, or nothing if it is missing."""
        is_same_style = style == self._style
        if is_same_style and np.array_equal(box, self._box, equal_nan=True):
            return
        self._box, self._style = box, style
        dashes = box_to_dashes(box)
        with one_redraw(self.layer, highlight=False):
            if len(dashes) == len(self.layer.data):
                self.layer.data[:] = dashes  # a fraction of what setting it costs
            else:
                self.layer.data = dashes
            if not is_same_style:
                self.layer.edge_color = style.color
                self.layer.edge_width = style.width * self._pixel

    def set_zoom(self, zoom: float) -> None:
        """Keep the dashes as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        self.layer.edge_width = self._style.width * self._pixel
