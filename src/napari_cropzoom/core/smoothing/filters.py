"""The smoothing methods: a filter over time each, in one table that forms, commands and docs are made of.

To add one, write its function and its entry in :data:`SMOOTHING_METHODS`; nothing else changes.

pandas and scipy are imported by the functions that use them: they take longer to import than a track of
usual length takes to smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.runs import runs

SAVGOL_ORDER = 3
GAUSSIAN_WINDOWS_PER_SIGMA = 4.0
SORTED_AT_MOST = 300_000  # frames x window; beyond it pandas is faster, once it is imported


@dataclass(frozen=True)
class SmoothingMethod:
    """One way to smooth a track.

    Attributes
    ----------
    name : str
        In commands, files and code.
    label : str
        In the window.
    help : str
        What it does, in a sentence.
    reach : callable
        Of a window, in frames: how far away a frame may lie that decides the filtered box of another,
        or that is missing or the end of the track. If it is too short, old boxes stay after an edit.
    filter : callable or None
        ``(boxes, missing, window)`` -> boxes, all (T, 4); ``missing`` is (T,) bool, those boxes are NaN
        and what comes out there does not matter. None leaves the boxes as they are.
    """

    name: str
    label: str
    help: str
    reach: Callable[[int], int]
    filter: Callable[[FloatArray, BoolArray, int], FloatArray] | None


def _half(window: int) -> int:
    return window // 2


def _median(boxes: FloatArray, missing: BoolArray, window: int) -> FloatArray:
    """Rolling median of the frames that are there, with the numbers of pandas."""
    if len(boxes) * window > SORTED_AT_MOST:
        import pandas as pd

        rolling = pd.DataFrame(boxes).rolling(window, center=True, min_periods=1)
        whole: FloatArray = rolling.median().to_numpy(copy=True)
        return whole
    # an even window starts one frame early, as in pandas
    padding = ((window // 2, (window - 1) // 2), (0, 0))
    padded = np.pad(boxes, padding, constant_values=np.nan)
    ordered = np.sort(sliding_window_view(padded, window, axis=0), axis=2)  # NaN last
    count = (~np.isnan(ordered)).sum(axis=2, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=2)
    high = np.take_along_axis(ordered, np.minimum(count // 2, window - 1), axis=2)
    median: FloatArray = ((low + high) / 2)[..., 0]
    return median


def _weighted(boxes: FloatArray, missing: BoolArray, kernel: FloatArray, origin: int) -> FloatArray:
    """Convolution that leaves out missing frames and frames beyond the ends."""
    from scipy import ndimage

    weight = ndimage.convolve1d((~missing).astype(float), kernel, mode="constant", origin=origin)
    filled = np.where(missing[:, None], 0.0, boxes)
    total = ndimage.convolve1d(filled, kernel, axis=0, mode="constant", origin=origin)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = total / weight[:, None]
    return result


def _mean(boxes: FloatArray, missing: BoolArray, window: int) -> FloatArray:
    # an even window starts one frame early, as in pandas; convolution flips the kernel, hence the sign
    return _weighted(boxes, missing, np.ones(window), -1 if window % 2 == 0 else 0)


def _gaussian(boxes: FloatArray, missing: BoolArray, window: int) -> FloatArray:
    half = window // 2
    sigma = window / GAUSSIAN_WINDOWS_PER_SIGMA
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    return _weighted(boxes, missing, kernel, 0)


def _savgol(boxes: FloatArray, missing: BoolArray, window: int) -> FloatArray:
    """Savitzky-Golay of every run of frames that are there; a run too short for it stays."""
    from scipy import signal

    window += 1 - window % 2
    smoothed = boxes.copy()
    for first, last in runs(~missing):
        length = last - first + 1
        odd = min(window, length - 1 + length % 2)
        if odd > SAVGOL_ORDER:
            rows = slice(first, last + 1)
            smoothed[rows] = signal.savgol_filter(boxes[rows], odd, SAVGOL_ORDER, axis=0)
    return smoothed


SMOOTHING_METHODS: dict[str, SmoothingMethod] = {
    each.name: each
    for each in (
        SmoothingMethod("none", "None", "Leave the boxes as they are", lambda _window: 0, None),
        SmoothingMethod(
            "median",
            "Rolling median",
            "Median of the frames around each, shorter at the ends; single outliers vanish",
            _half,
            _median,
        ),
        SmoothingMethod(
            "mean", "Rolling mean", "Mean of the frames around each, shorter at the ends", _half, _mean
        ),
        SmoothingMethod(
            "savgol",
            "Savitzky-Golay",
            "A cubic fitted to the frames around each; quick turns stay",
            lambda window: window + 1,  # at an end the whole window counts
            _savgol,
        ),
        SmoothingMethod(
            "gaussian",
            "Gaussian",
            "Weighted mean of the frames around each, sigma a quarter of the window",
            _half,
            _gaussian,
        ),
    )
}
