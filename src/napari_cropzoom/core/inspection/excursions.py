"""Where a box went away and where it came back, from its sudden steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.inspection.steps import BoxPath

LONGEST = 400
# What it costs to leave a step alone, to pair two that do not fit at all, and a pair 200 frames long.
COST_ALONE, COST_MISFIT, COST_LONG = 0.5, 1.0, 0.4
FLURRY, LONGEST_FLURRY = 4, 6
TRAVEL_LAGS = (3, 10, 30, 100, 200, 400)


@dataclass(frozen=True)
class Excursion:
    """A run of frames in which the box is elsewhere, both ends inclusive.

    With one step only (``is_pair`` is False) nobody knows which side is wrong: these are then the
    frames on either side of it.
    """

    first: int
    last: int
    is_pair: bool


def excursions(
    at: NDArray[np.int64],
    move: FloatArray,
    growth: FloatArray,
    path: BoxPath,
    units: FloatArray,
    only_back: BoolArray,
) -> list[Excursion]:
    """Pair neighbouring steps that undo each other, at the least cost over the whole track.

    Parameters
    ----------
    at : ndarray, (N,)
        Frames after a sudden step, ascending.
    move, growth : ndarray, (N,)
        Severity of each step in place and in size, 1 at the threshold.
    path : BoxPath
    units : ndarray, (N, 2)
        Move in pixels and growth (natural logarithm) that have severity 1 at each step.
    only_back : ndarray, (N,) bool
        Steps that can only lead back: they end a standstill, so what is wrong lies before them.
    """
    travel = _usual_travel(path)
    costs = [_pair_costs(at, move, growth, path, units, travel, n) for n in range(1, FLURRY + 1)]
    closed = only_back.tolist()
    best, partner = [0.0], [0]
    for place in range(1, len(at) + 1):
        choices = [(best[place - 1] + COST_ALONE, 0)]
        for apart in range(1, min(FLURRY, place - 1) + 1):
            if closed[place - apart - 1]:
                continue
            before = best[place - apart - 1]
            choices.append((before + costs[apart - 1][place - apart - 1], apart))
        cost, apart = min(choices)
        best.append(cost)
        partner.append(apart)
    found = []
    place = len(at)
    while place:
        frame, apart = int(at[place - 1]), partner[place]
        found.append(
            Excursion(int(at[place - 1 - apart]), frame - 1, True)
            if apart
            else Excursion(frame - 1, frame, False)
        )
        place -= 1 + apart
    return found[::-1]


def _pair_costs(
    at: NDArray[np.int64],
    move: FloatArray,
    growth: FloatArray,
    path: BoxPath,
    units: FloatArray,
    usual_travel: tuple[list[int], list[float]],
    apart: int,
) -> list[float]:
    """Return how badly each step and the one ``apart`` steps on make a pair.

    Two steps make a pair if little is left of them when the part between is cut out: less than
    either step, but for what the animal usually goes in that time. With other steps between them
    they must be close: a box that flies about for some frames.
    """
    if len(at) <= apart:
        return []
    away, back = at[:-apart], at[apart:]
    length = back - away
    travelled = np.interp(length, *usual_travel) / units[:-apart, 0]
    left = np.hypot(*(_middle(path.center, back, 1) - _middle(path.center, away, -1)).T)
    left = left / units[:-apart, 0]
    grown = np.abs(_middle(path.log_size, back, 1) - _middle(path.log_size, away, -1)).max(axis=1)
    misfit = np.zeros(len(away))
    for rest, severity, travel in (
        (left, move, travelled),
        (grown / units[:-apart, 1], growth, np.zeros(len(away))),
    ):
        less = np.maximum(np.minimum(severity[:-apart], severity[apart:]), 0.1)
        rest = np.maximum(rest - np.minimum(travel, less / 2), 0) / less
        counts = np.maximum(severity[:-apart], severity[apart:]) >= 1
        misfit = np.maximum(misfit, np.where(counts, rest, 0))
    cost = np.minimum(misfit, COST_MISFIT) + COST_LONG * length / 200
    cost[length > (LONGEST if apart == 1 else LONGEST_FLURRY)] = np.inf
    result: list[float] = cost.tolist()
    return result


def _middle(values: FloatArray, frames: NDArray[np.int64], direction: int) -> FloatArray:
    """(N, 2) median of the three frames before (-1) or from (1) each frame on."""
    offsets = np.arange(0, 3) if direction > 0 else np.arange(-3, 0)
    rows = np.clip(frames[:, None] + offsets, 0, len(values) - 1)
    result: FloatArray = np.median(values[rows], axis=1)
    return result


def _usual_travel(path: BoxPath) -> tuple[list[int], list[float]]:
    """Numbers of frames, and how many pixels the animal usually is from where it was so long ago."""
    lags = [lag for lag in TRAVEL_LAGS if lag < len(path.center)]
    travel = [_median_distance(path.center[lag::5] - path.center[:-lag:5]) for lag in lags]
    return [0, *lags], [0.0, *travel]


def _median_distance(moves: FloatArray) -> float:
    return float(np.median(np.hypot(*moves.T)))
