"""From smoothed boxes to *final*: no gaps, whole pixels, even sizes."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError

FILL_METHODS = ("interpolate", "hold")


def fill_missing(boxes: FloatArray, how: str = "interpolate") -> FloatArray:
    """Give every missing frame a box from its neighbours.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where missing.
    how : {"interpolate", "hold"}
        Centre and size move linearly across the gap, or the last box stays; before the first box and
        after the last one the nearest holds.

    Returns
    -------
    ndarray, (T, 4)
        All NaN only if no frame has a box.

    Raises
    ------
    CropzoomError
        If ``how`` is not one of the two.
    """
    check_fill(how)
    known = np.flatnonzero(~np.isnan(boxes[:, 0]))
    if len(known) in (0, len(boxes)):
        return boxes.copy()
    frames = np.arange(len(boxes))
    if how == "hold":
        latest = np.searchsorted(known, frames, side="right") - 1
        return boxes[known[np.maximum(latest, 0)]]
    centered = boxes.copy()
    centered[:, :2] += boxes[:, 2:] / 2
    for column in range(4):
        centered[:, column] = np.interp(frames, known, centered[known, column])
    centered[:, :2] -= centered[:, 2:] / 2
    centered[known] = boxes[known]
    return centered


def check_fill(how: str) -> None:
    """Refuse an unknown way to fill.

    Raises
    ------
    CropzoomError
    """
    if how not in FILL_METHODS:
        raise CropzoomError(f"Unknown way to fill {how!r}; choose one of {', '.join(FILL_METHODS)}.")


def finalize(boxes: FloatArray) -> FloatArray:
    """Whole pixels (halves to even, as ``litpose smooth_bbox`` rounds) and even sizes of at least 2.

    A box of odd size grows by one pixel to the right or the bottom. NaN rows stay.
    """
    final = np.rint(boxes)
    final[:, 2:] = np.maximum(final[:, 2:] + final[:, 2:] % 2, 2)
    return final


def crop_size(boxes: FloatArray) -> tuple[int, int]:
    """Width and height of the cropped video: the even median, as ``litpose crop`` chooses it.

    Raises
    ------
    CropzoomError
        If no frame has a box.
    """
    sides = boxes[~np.isnan(boxes[:, 0]), 2:]
    if len(sides) == 0:
        raise CropzoomError("There is no box in any frame, so there is nothing to crop.")
    width, height = (max(2, round(float(side) / 2) * 2) for side in np.median(sides, axis=0))
    return width, height


def out_of_frame(boxes: FloatArray, width: int, height: int) -> BoolArray:
    """(T,) bool: boxes that reach beyond a frame of ``width`` x ``height`` pixels."""
    x, y, w, h = boxes.T
    outside: BoolArray = (x < 0) | (y < 0) | (x + w > width) | (y + h > height)
    return outside
