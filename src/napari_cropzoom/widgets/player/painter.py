"""Who draws the frames of a video that plays: napari's canvas, or a painter in front of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from qtpy.QtOpenGLWidgets import QOpenGLWidget

from napari_cropzoom.canvas.layer_set import LayerSet


class FramePainter(Protocol):
    """Draws frames in front of napari's canvas, from when it is made until `leave`."""

    def can_paint(self) -> bool:
        """Whether it still shows what the canvas would show."""

    def paint(self, frame: int, picture: NDArray[np.uint8]) -> None:
        """Draw a frame, (H, W, 3) uint8 RGB, and all that lies over it; then call ``painted``."""

    def leave(self) -> None:
        """Make way for the canvas, at the same frame; harmless after the window has gone."""


Choice = Callable[
    [QOpenGLWidget, LayerSet, Callable[[], object], Callable[[], object]], FramePainter | None
]
CHOICES: list[Choice] = []
"""Called with the canvas, the layers, and what to call when a frame is painted and when the mouse presses
on the canvas; each returns a painter, or None where napari's canvas does as well."""


def choose_painter(
    canvas: QOpenGLWidget,
    layers: LayerSet,
    painted: Callable[[], object],
    pressed: Callable[[], object],
) -> FramePainter | None:
    """Return the first painter that is of use here, None for napari's canvas."""
    found = (choice(canvas, layers, painted, pressed) for choice in CHOICES)
    return next((painter for painter in found if painter is not None), None)
