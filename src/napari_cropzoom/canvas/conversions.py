"""Between boxes (x, y, w, h) and what napari draws (rows of y, x)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_cropzoom.core.boxes import Box, FloatArray

# A box covers whole pixels, and napari puts the centre of the first pixel at 0, its edge at -0.5.
PIXEL_EDGE = 0.5

DASHES = 9  # on each side of a dashed box


def box_to_rectangle(box: Box) -> FloatArray:
    """Corners of a box as a napari rectangle.

    Returns
    -------
    ndarray, (4, 2) float64
        Rows of (y, x): top left, top right, bottom right, bottom left.
    """
    left, top = box.x - PIXEL_EDGE, box.y - PIXEL_EDGE
    right, bottom = left + box.w, top + box.h
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]])


def rectangle_to_box(vertices: ArrayLike) -> Box:
    """Axis-aligned box round a shape; the inverse of :func:`box_to_rectangle` for a rectangle.

    Parameters
    ----------
    vertices : array_like, (N, 2)
        Rows of (y, x), in any order: a rectangle, also turned, or any other shape.
    """
    points = np.asarray(vertices, np.float64)
    y0, x0 = points.min(axis=0) + PIXEL_EDGE
    y1, x1 = points.max(axis=0) + PIXEL_EDGE
    return Box.from_corners(float(x0), float(y0), float(x1), float(y1))


def box_to_sides(box: Box) -> FloatArray:
    """Outline of a box as napari vectors.

    Returns
    -------
    ndarray, (4, 2, 2) float64
        Start (y, x) and direction (dy, dx) of each side.
    """
    corners = box_to_rectangle(box)
    return np.stack([corners, np.roll(corners, -1, axis=0) - corners], axis=1)


def box_to_dashes(box: Box, dashes: int = DASHES) -> FloatArray:
    """Dashed outline of a box as napari vectors.

    Returns
    -------
    ndarray, (4 * dashes, 2, 2) float64
        Start (y, x) and direction (dy, dx) of each dash; a dash ends in every corner. No rows if the
        box is missing.
    """
    if np.isnan(box.w):
        return np.empty((0, 2, 2))
    corners = box_to_rectangle(box)
    sides = np.roll(corners, -1, axis=0) - corners
    pitch = 2 * dashes - 1
    begin = np.arange(0, pitch, 2) / pitch
    starts = corners[:, None] + begin[None, :, None] * sides[:, None]
    steps = np.broadcast_to(sides[:, None] / pitch, starts.shape)
    return np.stack([starts, steps], axis=2).reshape(-1, 2, 2)
