"""Smooth a track of boxes over time without moving what a person has set.

pandas and scipy are imported by the functions that use them: they take longer to import than a track of
usual length takes to smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.runs import runs

METHODS = ("none", "median", "mean", "savgol", "gaussian")
SAVGOL_ORDER = 3
GAUSSIAN_WINDOWS_PER_SIGMA = 4.0
SORTED_AT_MOST = 300_000  # frames x window; beyond it scipy is faster once it is imported
Rolling = Any  # pandas' Rolling[DataFrame], which exists only in the stubs


@dataclass(frozen=True)
class SmoothingSettings:
    """A smoothing method and its window in frames (1 leaves the boxes as they are).

    Attributes
    ----------
    method : str
        ``none``, ``median`` and ``mean`` (rolling, centred, shorter at the ends), ``savgol``
        (Savitzky-Golay, cubic) or ``gaussian`` (sigma of a quarter window).
    window : int
        Frames, 1 or more.
    """

    method: str = "median"
    window: int = 5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise CropzoomError(
                f"Unknown smoothing method {self.method!r}; choose one of {', '.join(METHODS)}."
            )
        if self.window < 1:
            raise CropzoomError(f"The smoothing window must be 1 frame or more, not {self.window}.")

    @property
    def active(self) -> bool:
        """Whether the settings change anything."""
        return self.method != "none" and self.window > 1


def smooth(
    boxes: FloatArray, settings: SmoothingSettings, is_anchor: BoolArray | None = None
) -> FloatArray:
    """Smooth each of x, y, w, h over time.

    Missing frames are left out of every window and stay missing. At an anchor the result is the anchor
    itself; what that differs from the plain filter fades out over ``window`` frames on either side
    (raised cosine), or towards the next anchor if that is nearer, so there is no step beside it.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where missing.
    settings : SmoothingSettings
    is_anchor : ndarray, (T,) bool, optional
        Frames set by a person.

    Returns
    -------
    ndarray, (T, 4)
        For ``median`` without anchors and missing frames, the numbers of
        ``pandas.DataFrame.rolling(window, center=True, min_periods=1).median()``.
    """
    if not settings.active or len(boxes) == 0:
        return boxes.copy()
    missing = np.isnan(boxes[:, 0])
    if missing.all():
        return boxes.copy()
    smoothed = _FILTERS[settings.method](boxes, missing, settings.window)
    smoothed[missing] = np.nan
    if is_anchor is not None and is_anchor.any():
        anchors = np.flatnonzero(is_anchor & ~missing)
        smoothed += _corrections(len(boxes), anchors, boxes[anchors] - smoothed[anchors], settings.window)
        smoothed[anchors] = boxes[anchors]
        smoothed[:, 2:] = np.maximum(smoothed[:, 2:], 1.0)
    return smoothed


def smoothing_reach(first: int, last: int, settings: SmoothingSettings, n_frames: int) -> tuple[int, int]:
    """Frames that decide the smoothed boxes of ``first`` to ``last``: their anchors' windows included.

    The same frames, read the other way round, are those a change in ``first`` to ``last`` can move.
    """
    reach = 2 * settings.window + 1 if settings.active else 0
    if settings.method == "savgol" and settings.active:
        reach += settings.window
    return max(0, first - reach), min(n_frames - 1, last + reach)


def jitter(boxes: FloatArray) -> float:
    """Frame-to-frame shake: median length of the second difference of the box centre, in pixels.

    A box that moves with constant velocity has jitter 0; single jumps do not count. Triples with a
    missing frame do not count; NaN if there is no triple.
    """
    center = boxes[:, :2] + boxes[:, 2:] / 2
    shake = np.diff(center, n=2, axis=0)
    shake = shake[np.isfinite(shake).all(axis=1)]
    return float(np.median(np.hypot(*shake.T))) if len(shake) else float("nan")


def _corrections(n: int, anchors: np.ndarray, residuals: FloatArray, reach: int) -> FloatArray:
    """(n, 4): the anchors' residuals, each faded over ``reach`` frames or up to the next anchor."""
    total = np.zeros((n, 4))
    gaps = np.diff(anchors)
    left = np.minimum(np.concatenate([[reach], gaps]), reach)
    right = np.minimum(np.concatenate([gaps, [reach]]), reach)
    for anchor, residual, before, after in zip(anchors, residuals, left, right, strict=True):
        first, last = max(0, anchor - before), min(n - 1, anchor + after)
        distance = np.arange(first, last + 1) - anchor
        width = np.where(distance < 0, before, after)
        total[first : last + 1] += np.cos(np.pi * distance / (2 * width))[:, None] ** 2 * residual
    return total


def _rolling(boxes: FloatArray, window: int) -> Rolling:
    import pandas as pd

    return pd.DataFrame(boxes).rolling(window, center=True, min_periods=1)


def _median(boxes: FloatArray, missing: BoolArray, window: int) -> FloatArray:
    """Rolling median as pandas computes it, several times faster where the window is full.

    Every window of a short track is sorted. In a long one scipy's rank filter does the long full
    stretches; pandas does the frames near the ends and near missing frames, and everything where those
    are many.
    """
    if len(boxes) * window <= SORTED_AT_MOST:
        return _median_by_sorting(boxes, window)

    from scipy import ndimage

    partial = ndimage.binary_dilation(missing, np.ones(2 * window + 1, bool))
    partial[:window] = partial[-window:] = True
    stretches = runs(partial)
    if partial.mean() > 0.3 or len(stretches) > 50:
        whole: FloatArray = _rolling(boxes, window).median().to_numpy(copy=True)
        return whole
    filled = np.where(missing[:, None], 0.0, boxes)
    low, high = (window - 1) // 2, window // 2
    smoothed = np.empty_like(boxes)
    for column in range(4):
        values = np.ascontiguousarray(filled[:, column])
        smoothed[:, column] = ndimage.rank_filter(values, high, size=window)
        if low != high:
            lower = ndimage.rank_filter(values, low, size=window)
            smoothed[:, column] = (smoothed[:, column] + lower) / 2
    for first, last in stretches:
        start = max(0, first - window)
        exact = _rolling(boxes[start : last + 1 + window], window).median().to_numpy()
        smoothed[first : last + 1] = exact[first - start : last + 1 - start]
    return smoothed


def _median_by_sorting(boxes: FloatArray, window: int) -> FloatArray:
    """Rolling median of the frames that are there; NaN where the window holds none."""
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
    """Savitzky-Golay of each stretch without missing frames; a stretch too short for it stays."""
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


_FILTERS: dict[str, Callable[[FloatArray, BoolArray, int], FloatArray]] = {
    "median": _median,
    "mean": _mean,
    "savgol": _savgol,
    "gaussian": _gaussian,
}
