"""The final box of the current frame, dashed: what will be cropped, or a preview of it."""

from __future__ import annotations

import numpy as np
from napari.layers import Vectors

from napari_cropzoom.core.boxes import MISSING_BOX, Box
from napari_cropzoom.layers.conversions import box_to_dashes
from napari_cropzoom.layers.looks import FINAL_LOOK, Look
from napari_cropzoom.layers.quiet import ROOM, drawn_once, is_like, put_back, smaller, stretch

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
        self._box = self._drawn = MISSING_BOX
        self._look = FINAL_LOOK
        self._is_hidden = False
        self._pixel = 1.0

    @property
    def box(self) -> Box:
        """The box shown, all NaN if there is none."""
        return self._box

    def show(self, box: Box, look: Look = FINAL_LOOK, is_hurried: bool = False) -> None:
        """Show a box, or nothing if it is missing; in a hurry what is drawn is moved, or invisible."""
        is_same = look == self._look and np.array_equal(box, self._box, equal_nan=True)
        if is_same and (is_hurried or not self._is_hidden):
            return
        is_hidden = is_hurried and box.is_missing()
        if is_hidden != self._is_hidden:
            self.layer.opacity = 0 if is_hidden else 1
        if not is_hidden:
            if look != self._look or not is_like(box, self._drawn):
                self._draw(smaller(box), look)
            if not box.is_missing():
                stretch(self.layer, self._drawn, box)
        self._box, self._look, self._is_hidden = box, look, is_hidden

    def rehearse(self) -> None:
        """Draw a box that cannot be seen, where there is none, until the next `show`.

        The first box that is drawn takes long.
        """
        if self._box.is_missing():
            self._is_hidden = True
            self.layer.opacity = 0
            self._draw(Box(0, 0, 1, 1), self._look)

    def _draw(self, drawn: Box, look: Look) -> None:
        with drawn_once(self.layer):
            put_back(self.layer)
            self.layer.data = box_to_dashes(drawn)
            self.layer.edge_color = look.color
            self.layer.edge_width = look.width * self._pixel / ROOM
        self._drawn = drawn

    def set_zoom(self, zoom: float) -> None:
        """Keep the dashes as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        self.layer.edge_width = self._look.width * self._pixel / ROOM
