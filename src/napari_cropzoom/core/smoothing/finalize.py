"""From smoothed boxes to *final*: no gaps, whole pixels, even sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray, centered, cornered
from napari_cropzoom.core.errors import CropzoomError


@dataclass(frozen=True)
class FillMethod:
    """One way to give missing frames a box.

    Attributes
    ----------
    name : str
        In files and code.
    label : str
        In the window.
    help : str
        What it does, in a sentence.
    fill : callable
        ``(boxes, known)`` -> boxes, both (T, 4); ``known``, (N,) int, are the frames that have a box:
        some, but not all.
    """

    name: str
    label: str
    help: str
    fill: Callable[[FloatArray, NDArray[np.intp]], FloatArray]


def _interpolate(boxes: FloatArray, known: NDArray[np.intp]) -> FloatArray:
    frames = np.arange(len(boxes))
    filled = centered(boxes)
    for column in range(4):
        filled[:, column] = np.interp(frames, known, filled[known, column])
    filled = cornered(filled)
    filled[known] = boxes[known]
    return filled


def _hold(boxes: FloatArray, known: NDArray[np.intp]) -> FloatArray:
    latest = np.searchsorted(known, np.arange(len(boxes)), side="right") - 1
    return boxes[known[np.maximum(latest, 0)]]


DEFAULT_FILL = "interpolate"
FILL_METHODS: dict[str, FillMethod] = {
    each.name: each
    for each in (
        FillMethod(
            "interpolate",
            "Interpolate",
            "Centre and size go in a straight line from the last box to the next",
            _interpolate,
        ),
        FillMethod("hold", "Hold the last box", "The last box stays until the next", _hold),
    )
}


def fill_missing(boxes: FloatArray, how: str = DEFAULT_FILL) -> FloatArray:
    """Give every missing frame a box from its neighbours.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where missing.
    how : str
        A name of :data:`FILL_METHODS`; before the first box and after the last one the nearest holds.

    Returns
    -------
    ndarray, (T, 4)
        All NaN only if no frame has a box.

    Raises
    ------
    CropzoomError
        If the name is unknown.
    """
    check_fill(how)
    known = np.flatnonzero(~np.isnan(boxes[:, 0]))
    if len(known) in (0, len(boxes)):
        return boxes.copy()
    return FILL_METHODS[how].fill(boxes, known)


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
