"""What is usual of a quantity in a track, and how far something is from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from napari_cropzoom.core.boxes import FloatArray

# Standard deviations of a normal distribution in one median absolute deviation.
SIGMAS_A_MAD = 1.4826
NOISE_FACTOR = 6.0
LEAST_OFFSET = 0.25


class Usual(NamedTuple):
    """Middle and scale of a quantity over the whole track."""

    middle: float
    scale: float

    @classmethod
    def of(cls, values: FloatArray, least_scale: float = 0.0) -> Usual:
        """Median, and deviation from it in normal standard deviations; NaN does not count."""
        known = values[np.isfinite(values)]
        if not len(known):
            return UNKNOWN
        middle = float(np.median(known))
        scale = SIGMAS_A_MAD * float(np.median(np.abs(known - middle)))
        return cls(middle, max(scale, least_scale))


UNKNOWN = Usual(float("nan"), float("inf"))


def far(
    boxes: FloatArray, offset: FloatArray, usual: tuple[Usual, Usual]
) -> tuple[FloatArray, FloatArray]:
    """Severity (T,) of an unusual offset (T, 2) in box sizes, and by how many pixels it is."""
    x, y = (offset[:, axis] - usual[axis].middle for axis in range(2))
    away = np.nan_to_num(np.hypot(x, y))
    scale = max(LEAST_OFFSET, NOISE_FACTOR * max(usual[0].scale, usual[1].scale))
    return away / scale, np.nan_to_num(away * size_of(boxes)[:, 0])


def size_of(boxes: FloatArray) -> FloatArray:
    """(T, 1) geometric mean of the sides in pixels."""
    size: FloatArray = np.sqrt(boxes[:, 2:].prod(axis=1))[:, None]
    return size
