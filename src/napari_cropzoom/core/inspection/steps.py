"""Sudden moves and sudden changes of size: what a body that moves smoothly cannot do.

A dash is fast, but its speed rises and falls over some frames, so each of its steps lies between the
steps before and the steps after. A box that goes elsewhere takes one step that fits neither side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from napari_cropzoom.core.boxes import FloatArray

SIZE_EVERY = 8
SIZE_WINDOW = 31


@dataclass(frozen=True, eq=False)
class BoxPath:
    """A track without gaps, in the quantities in which suspicion is measured.

    Attributes
    ----------
    center : ndarray, (T, 2)
        In pixels; missing frames are interpolated.
    log_size : ndarray, (T, 2)
        Natural logarithm of width and height.
    usual_size : ndarray, (T,)
        Geometric mean of the sides, median over some hundred frames around, in pixels.
    """

    center: FloatArray
    log_size: FloatArray
    usual_size: FloatArray

    @classmethod
    def of(cls, boxes: FloatArray) -> BoxPath:
        """BoxPath of boxes (T, 4), of which at least one must not be missing."""
        known = ~np.isnan(boxes[:, 0])
        center = boxes[:, :2] + boxes[:, 2:] / 2
        log_size = np.log(boxes[:, 2:])
        if not known.all():
            frames, where = np.arange(len(boxes)), np.flatnonzero(known)
            for values in (center, log_size):
                for column in range(2):
                    values[:, column] = np.interp(frames, where, values[where, column])
        return cls(center, log_size, _usual_size(log_size))


def _usual_size(log_size: FloatArray) -> FloatArray:
    """Running median at every 8th frame, interpolated between: sizes change slowly, and this is fast."""
    coarse = scipy.ndimage.median_filter(log_size[::SIZE_EVERY].mean(axis=1), SIZE_WINDOW, mode="nearest")
    at = np.arange(len(coarse)) * SIZE_EVERY
    size: FloatArray = np.exp(np.interp(np.arange(len(log_size)), at, coarse))
    return size


@dataclass(frozen=True, eq=False)
class Steps:
    """How far each step is from what its neighbours allow; step t leads from frame t - 1 to t.

    Attributes
    ----------
    move : ndarray, (T,)
        In pixels.
    growth : ndarray, (T,)
        Of the logarithm of a side, the larger of the two.
    """

    move: FloatArray
    growth: FloatArray

    @classmethod
    def of(cls, path: BoxPath) -> Steps:
        """Steps of a path."""
        x, y, w, h = (excess(each) for each in (*path.center.T, *path.log_size.T))
        return cls(np.hypot(x, y), np.maximum(w, h))


def excess(values: FloatArray) -> FloatArray:
    """Return (T,) how far each difference is outside the medians of three before and three after."""
    n = len(values)
    step = np.zeros(n + 6)
    step[4 : n + 3] = np.diff(values)
    before = _median_of_three(step[0:n], step[1 : n + 1], step[2 : n + 2])
    after = _median_of_three(step[4 : n + 4], step[5 : n + 5], step[6 : n + 6])
    here = step[3 : n + 3]
    over = here - np.maximum(before, after)
    under = np.minimum(before, after) - here
    result: FloatArray = np.maximum(np.maximum(over, under), 0)
    result[0] = 0
    return result


def _median_of_three(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return result
