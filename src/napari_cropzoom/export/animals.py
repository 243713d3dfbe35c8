"""Several animals in one picture: whose box is whose, and their crops as a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.export.drawing import GROUND, Picture, paint_box_edge, write
from napari_cropzoom.export.palettes import Colour, colour_of

LARGEST_CELL, WIDEST = 512, 1536  # pixels of a crop, and of all beside each other


@dataclass(frozen=True)
class Animal:
    """One more animal.

    Attributes
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels of the frame; NaN where there is none.
    poses : Poses or None
        Keypoints in the full frame.
    name : str
    """

    boxes: FloatArray
    poses: Poses | None = None
    name: str = ""


def columns_of(count: int) -> int:
    """How many crops stand beside each other: as many as below each other, or one more."""
    return math.ceil(math.sqrt(count))


def cell_of(count: int) -> int:
    """Side of a crop in pixels."""
    return min(LARGEST_CELL, WIDEST // columns_of(count))


def tiled(
    crops: Sequence[Picture], names: Sequence[str], least_letters: int = 12, ground: Colour = GROUND
) -> Picture:
    """(H, W, 3) crops of one size, row by row, each in its animal's colour and with its name."""
    side, columns = len(crops[0]), columns_of(len(crops))
    rows = math.ceil(len(crops) / columns)
    picture = np.empty((rows * side, columns * side, 3), np.uint8)
    picture[:] = ground
    for number, (crop, name) in enumerate(zip(crops, names, strict=True)):
        top, left = number // columns * side, number % columns * side
        cell = picture[top : top + side, left : left + side]
        cell[:] = crop
        paint_box_edge(cell, colour_of(number))
        if name:
            size = max(least_letters, side // 22)
            write(cell, name, np.array([size * 0.6, size * 1.1]), colour_of(number), size=size)
    return picture
