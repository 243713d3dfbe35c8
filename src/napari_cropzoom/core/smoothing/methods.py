"""Smooth a track of boxes over time without moving what a person has set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.core.smoothing.finalize import finalize

WIDEST_WINDOW = 100_000  # frames


@dataclass(frozen=True)
class SmoothingSettings:
    """A smoothing method and its window in frames (1 leaves the boxes as they are).

    Attributes
    ----------
    method : str
        A name of :data:`.filters.SMOOTHING_METHODS`.
    window : int
        Frames, 1 to 100,000.
    """

    method: str = "median"
    window: int = 5

    def __post_init__(self) -> None:
        if self.method not in SMOOTHING_METHODS:
            known = ", ".join(SMOOTHING_METHODS)
            raise CropzoomError(f"Unknown smoothing method {self.method!r}; choose one of {known}.")
        if self.window < 1:
            raise CropzoomError(f"The smoothing window must be 1 frame or more, not {self.window}.")
        if self.window > WIDEST_WINDOW:
            raise CropzoomError(
                f"The smoothing window must be {WIDEST_WINDOW} frames or fewer, not {brief(self.window)}."
            )

    @property
    def active(self) -> bool:
        """Whether the settings change anything."""
        return SMOOTHING_METHODS[self.method].filter is not None and self.window > 1


def smooth(
    boxes: FloatArray, settings: SmoothingSettings, is_manual: BoolArray | None = None
) -> FloatArray:
    """Smooth each of x, y, w, h over time.

    Missing frames are left out of every window and stay missing. Where a box was set by hand the result
    is that box; what it differs from the plain filter fades out over ``window`` frames on either side
    (raised cosine), or towards the next such box if that is nearer, so there is no step beside it.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where missing.
    settings : SmoothingSettings
    is_manual : ndarray, (T,) bool, optional
        Frames set by a person.

    Returns
    -------
    ndarray, (T, 4)
        For ``median`` without boxes set by hand and missing frames, the numbers of
        ``pandas.DataFrame.rolling(window, center=True, min_periods=1).median()``.
    """
    filtered = SMOOTHING_METHODS[settings.method].filter
    missing = np.isnan(boxes[:, 0])
    if filtered is None or not settings.active or missing.all():
        return boxes.copy()
    smoothed = filtered(boxes, missing, settings.window)
    smoothed[missing] = np.nan
    if is_manual is not None and is_manual.any():
        manual = np.flatnonzero(is_manual & ~missing)
        smoothed += _corrections(len(boxes), manual, boxes[manual] - smoothed[manual], settings.window)
        smoothed[manual] = boxes[manual]
        smoothed[:, 2:] = np.maximum(smoothed[:, 2:], 1.0)
    return smoothed


def smoothing_reach(first: int, last: int, settings: SmoothingSettings, n_frames: int) -> tuple[int, int]:
    """Frames that decide the smoothed boxes of ``first`` to ``last``.

    The method's reach and, on top of it, the window over which the correction of a manual box fades.
    The same frames, read the other way round, are those a change in ``first`` to ``last`` can move.
    """
    reach = 0
    if settings.active:
        own = SMOOTHING_METHODS[settings.method].reach(settings.window)
        reach = settings.window + max(own, settings.window) + 1
    return max(0, first - reach), min(n_frames - 1, last + reach)


def jitter(boxes: FloatArray) -> float:
    """Median distance of the box centre from the middle between those before and after it, in pixels.

    A box that moves with constant velocity has jitter 0; single jumps do not count. Triples with a
    missing frame do not count; NaN if there is no triple. A report gives the same number.
    """
    center = boxes[:, :2] + boxes[:, 2:] / 2
    shake = np.diff(center, n=2, axis=0) / 2
    shake = shake[np.isfinite(shake).all(axis=1)]
    return float(np.median(np.hypot(*shake.T))) if len(shake) else float("nan")


@dataclass(frozen=True)
class Shake:
    """Jitter of a track in pixels, see :func:`jitter`: before smoothing and of the final boxes.

    Attributes
    ----------
    before, after : float
    smoothed : float
        After smoothing, before boxes get whole pixels: that jitter is no fault of the smoothing.
    """

    before: float
    after: float
    smoothed: float

    @classmethod
    def of(cls, boxes: FloatArray, settings: SmoothingSettings, is_manual: BoolArray) -> Shake:
        """Measure boxes, (T, 4), and what smoothing makes of them; NaN where nothing can be measured."""
        smoothed = smooth(boxes, settings, is_manual)
        return cls(jitter(boxes), jitter(finalize(smoothed)), jitter(smoothed))

    def __str__(self) -> str:
        return f"{self.before:.2f} → {self.after:.2f} px"

    @property
    def is_worse(self) -> bool:
        """Whether smoothing makes the boxes shake more, by more than a person would care for."""
        return round(min(self.after, self.smoothed), 1) > round(self.before, 1)


def _corrections(n: int, manual: np.ndarray, residuals: FloatArray, reach: int) -> FloatArray:
    """(n, 4): the residuals of manual boxes, each faded over ``reach`` frames or up to the next one."""
    total = np.zeros((n, 4))
    gaps = np.diff(manual)
    left = np.minimum(np.concatenate([[reach], gaps]), reach)
    right = np.minimum(np.concatenate([gaps, [reach]]), reach)
    for frame, residual, before, after in zip(manual, residuals, left, right, strict=True):
        first, last = max(0, frame - before), min(n - 1, frame + after)
        distance = np.arange(first, last + 1) - frame
        width = np.where(distance < 0, before, after)
        total[first : last + 1] += np.cos(np.pi * distance / (2 * width))[:, None] ** 2 * residual
    return total
