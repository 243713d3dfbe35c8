"""Rates and time bases as PyAV gives them, as fractions.

PyAV 18 has `fractions.Fraction`, and None where nothing is stated; PyAV 19 has a type of its own,
which cannot be rounded, and 0/1 or n/0 where nothing is stated. Only this module reads them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

_JITTER = 0.02  # of a frame's time, which a constant rate may be off by
_ROUNDED_TWICE = 1.5  # ticks
_WHOLE_MILLISECONDS = Fraction(1, 1000)  # the clock of Matroska and FLV, whatever the rate


class Rational(Protocol):
    """What PyAV's numbers of either version have."""

    @property
    def numerator(self) -> int:
        """Above the line."""

    @property
    def denominator(self) -> int:
        """Below the line; 0 where nothing is stated."""


def as_fraction(value: Rational | None) -> Fraction | None:
    """Return a rate, time base or ratio as a fraction; None where it is not stated, 0 or infinite."""
    if value is None or not value.numerator or not value.denominator:
        return None
    return Fraction(int(value.numerator), int(value.denominator))


def time_base_of(stream: VideoStream) -> Fraction:
    """Return the seconds per unit of a stream's times; FFmpeg's own unit where the stream states none."""
    return as_fraction(stream.time_base) or Fraction(1, av.time_base)


def stated_rate(stream: VideoStream) -> Fraction:
    """Return the frames per second that the container states or FFmpeg guesses; 1 where neither knows."""
    return as_fraction(stream.average_rate) or as_fraction(stream.guessed_rate) or Fraction(1)


def is_uneven(pts: NDArray[np.int64], time_base: Fraction) -> bool:
    """Whether frames are unevenly spaced by more than 2 % and the clock's rounding.

    Where a tick is as long as a frame (AVI, MP4 with the rate for its timescale), a frame left out is one
    tick, so there nothing is rounding. A clock of whole milliseconds is rounded at any rate.

    Parameters
    ----------
    pts : ndarray, (T,) int64
        Presentation times, sorted, in units of ``time_base``.
    time_base : Fraction
        Seconds per unit.
    """
    if len(pts) < 3:
        return False
    steps = np.diff(pts)
    mean, usual = float(steps.mean()), float(np.median(steps))
    allowed = max(_ROUNDED_TWICE, _JITTER * mean)
    if np.abs(steps - mean).max() > allowed:
        return True
    if allowed > _ROUNDED_TWICE:
        return False
    off = np.ptp(pts - pts[0] - np.arange(len(pts)) * mean)  # ticks, from the most even times there are
    if usual > 1 or (time_base == _WHOLE_MILLISECONDS and mean > 1 + _JITTER):
        return bool(off > _ROUNDED_TWICE)
    return bool((steps != steps[0]).any())
