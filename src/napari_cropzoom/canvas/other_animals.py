"""The boxes of the other animals in the current frame: thin outlines in the colours of their tracks."""

from __future__ import annotations

import numpy as np
from napari.layers import Vectors

from napari_cropzoom.canvas.conversions import box_to_sides
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.looks import OTHER_ANIMAL

NAME = "other animals"


class OthersLayer:
    """Outlines that cannot be edited; choose the animal to edit its box.

    Attributes
    ----------
    layer : napari.layers.Vectors
    """

    def __init__(self) -> None:
        self.layer = Vectors(np.empty((0, 2, 2)), ndim=2, name=NAME, vector_style="line", opacity=1)
        self._shown: tuple[tuple[Box, str], ...] = ()
        self._pixel = 1.0

    def show(self, shown: tuple[tuple[Box, str], ...]) -> None:
        """Show boxes, each with the colour of its track."""
        if shown == self._shown:
            return
        self._shown = shown
        with one_redraw(self.layer):
            sides = [box_to_sides(box) for box, _ in shown]
            self.layer.data = np.concatenate(sides) if sides else np.empty((0, 2, 2))
            if shown:
                self.layer.edge_color = np.repeat([color for _, color in shown], 4)
            self.layer.edge_width = OTHER_ANIMAL.width * self._pixel

    def set_zoom(self, zoom: float) -> None:
        """Keep the lines as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        self.layer.edge_width = OTHER_ANIMAL.width * self._pixel
