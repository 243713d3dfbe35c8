"""What speaks against the boxes of a track, from the boxes alone: findings with a severity and a reason.

A severity of 1 is the threshold above which a finding is rather a fault than not. Scales are robust
statistics of this very track (medians and quartiles, which faults in a few percent of the frames do not
move) and parts of the box; nothing is to be tuned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.inspection.excursions import Excursion, excursions
from napari_cropzoom.core.inspection.steps import BoxPath, Steps, excess
from napari_cropzoom.core.inspection.suspect import WEAKEST, Suspect, over, score_of, worst_of_runs
from napari_cropzoom.core.inspection.usual import Usual, size_of
from napari_cropzoom.core.runs import runs

MISSING_SEVERITY = 999.0
# A step smaller than this part of the box changes little (IoU stays above 0.8), however quiet the track.
LEAST_STEP = 0.1
LEAST_GROWTH = 0.25
LEAST_DEVIATION = 0.35
# Times the upper quartile: what ordinary noise, heavy tails included, practically never reaches.
NOISE_FACTOR = 6.0
MOVE_NOISE, GROWTH_NOISE = 4.5, 5.5
# A smaller step is enough where it takes the box over the edge of the frame, or ends a standstill.
EASIER = 0.7
# A person's box fits the animal, the detector's beside it may be larger or smaller: the seam is no fault.
SEAM = 0.4
DEVIATION_WINDOW = 9
AROUND_A_STEP = np.arange(-DEVIATION_WINDOW, DEVIATION_WINDOW)
LEAST_STANDSTILL = 6
LEAST_OVERHANG = 0.05
# A box of fewer pixels shows no animal; in a small frame it is a part of its longer side.
LEAST_SIDE, LEAST_SHARE = 16, 0.02
# An animal that curls up, rears or comes nearer to the camera stays within this factor of its usual size.
SIZE_FACTOR, SIZE_NOISE = 2.5, 4.5
# A change of size that is told as a factor; a smaller one would read "1.0 times larger".
LEAST_TOLD = float(np.log(1.05))
# An animal may well leave the frame: a box that goes out smoothly is a doubt, no more.
OUTSIDE = 0.7


@dataclass(frozen=True)
class Thresholds:
    """What is usual in this very track; the thresholds follow from it.

    Attributes
    ----------
    move, growth, deviation : float
        Step of the centre, of the logarithm of a side, and distance from the running median, that have
        severity 1; the first and the last as parts of the box's size.
    standstill : int
        Frames that the box may stay the same to the pixel without meaning anything.
    size : Usual
        Middle and scale of the logarithm of the box's size in pixels.
    """

    move: float
    growth: float
    deviation: float
    standstill: int
    size: Usual

    @classmethod
    def of(cls, boxes: FloatArray, path: BoxPath, steps: Steps) -> Thresholds:
        """Thresholds of a whole track."""
        return cls(
            max(LEAST_STEP, MOVE_NOISE * _quartile(steps.move / path.usual_size)),
            max(LEAST_GROWTH, GROWTH_NOISE * _quartile(steps.growth)),
            max(LEAST_DEVIATION, NOISE_FACTOR * _quartile(_deviation(path) / path.usual_size)),
            _usual_standstill(boxes),
            _usual_size(boxes),
        )


def box_findings(
    boxes: FloatArray,
    path: BoxPath,
    steps: Steps,
    thresholds: Thresholds,
    out: FloatArray,
    is_open: BoolArray,
) -> Iterator[Suspect]:
    """Everything that the boxes say of themselves, but for missing ones and those held still.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
    path : BoxPath
        Of these boxes.
    steps : Steps
        Of this path.
    thresholds : Thresholds
        Of the whole track.
    out : ndarray, (T,)
        Pixels by which each box reaches over the edge, see :func:`overhang`.
    is_open : ndarray, (T,) bool
        Frames that nobody has settled.
    """
    unit = thresholds.move * path.usual_size
    out = _between(out, np.isnan(boxes[:, 0]))
    held = standstills(boxes, thresholds)
    move = np.maximum(steps.move, excess(out) / EASIER) / unit
    growth = steps.growth / thresholds.growth
    severity = np.maximum(move, growth) * _seams(is_open)
    severity[np.isnan(boxes[:, 0])] = 0
    at = np.flatnonzero(severity >= 1)
    ends_one = np.isin(at, [last + 1 for _, last in held])
    units = np.column_stack([unit[at], np.full(len(at), thresholds.growth)])
    describer = _Describer(boxes, path, steps, thresholds, severity, out)
    yield from (
        describer.of(each) for each in excursions(at, move[at], growth[at], path, units, ends_one)
    )
    weak = np.flatnonzero((severity >= WEAKEST) & (severity < 1))
    yield from (describer.of(Excursion(frame - 1, frame, False)) for frame in weak.tolist())
    deviation = _deviation(path) / (thresholds.deviation * path.usual_size)
    deviation[(at[:, None] + AROUND_A_STEP).ravel().clip(0, len(boxes) - 1)] = 0
    yield from worst_of_runs(deviation * is_open, lambda frame: "far from the smoothed box")
    outside = np.where(is_open & (out > 0.02 * path.usual_size), OUTSIDE, 0.0)
    yield from worst_of_runs(outside, lambda frame: f"{out[frame]:.0f} px outside the frame", out)


def missing_findings(boxes: FloatArray, is_open: BoolArray) -> Iterator[Suspect]:
    """Every run of frames without a box."""
    for first, last in runs(np.isnan(boxes[:, 0]) & is_open):
        yield Suspect(first, first, last, score_of(MISSING_SEVERITY), (over("no box", first, last),))


def small_findings(
    boxes: FloatArray, frame_size: tuple[int, int] | None, is_open: BoolArray
) -> Iterator[Suspect]:
    """Boxes too small to be an animal, however usual they are in the track."""
    least = float(LEAST_SIDE)
    if frame_size is not None:
        least = float(np.clip(LEAST_SHARE * max(frame_size), LEAST_SIDE / 2, LEAST_SIDE))
    sides = np.where(is_open, boxes[:, 2:].min(axis=1), np.inf)
    with np.errstate(divide="ignore"):
        severity = np.where(sides < least, least / sides, 0.0)
    yield from worst_of_runs(severity, lambda frame: "only {:.0f} x {:.0f} px".format(*boxes[frame, 2:]))


def size_findings(boxes: FloatArray, thresholds: Thresholds, is_open: BoolArray) -> Iterator[Suspect]:
    """Boxes of another order of size than is usual in the track, however many follow each other."""
    usual = thresholds.size
    away = np.log(size_of(boxes)[:, 0]) - usual.middle
    least = max(np.log(SIZE_FACTOR), SIZE_NOISE * usual.scale)
    is_far = is_open & (np.abs(away) >= least)
    severity = np.where(is_far, np.abs(away) / least, 0.0)
    yield from worst_of_runs(severity, lambda frame: f"{_times(away[frame])} than usual")


def overhang(boxes: FloatArray, frame_size: tuple[int, int] | None) -> FloatArray:
    """(T,) pixels by which each box reaches over the edge of the frame, 0 where missing or unknown."""
    if frame_size is None:
        return np.zeros(len(boxes))
    x, y, w, h = boxes.T
    right, below = x + w - frame_size[0], y + h - frame_size[1]
    out: FloatArray = np.nan_to_num(np.maximum(np.maximum(-x, -y), np.maximum(right, below)))
    np.maximum(out, 0, out=out)
    return out


@dataclass(frozen=True, eq=False)
class _Describer:
    """Turns excursions into words."""

    boxes: FloatArray
    path: BoxPath
    steps: Steps
    thresholds: Thresholds
    severity: FloatArray
    out: FloatArray

    def of(self, excursion: Excursion) -> Suspect:
        first, last = excursion.first, excursion.last
        away = first if excursion.is_pair else last
        back = last + 1 if excursion.is_pair else last
        step = max((away, back), key=lambda frame: float(self.severity[frame]))
        worst = (away if step == away else last) if excursion.is_pair else first
        score = score_of(float(self.severity[step]))
        return Suspect(worst, first, last, score, self._reasons(excursion, step), is_step=True)

    def _reasons(self, excursion: Excursion, step: int) -> tuple[str, ...]:
        """Words for what is past its threshold, or nearest to it, the weightier first."""
        moves = self.steps.move[step] / (self.thresholds.move * self.path.usual_size[step])
        grows = self.steps.growth[step] / self.thresholds.growth
        if max(moves, grows) < WEAKEST <= self.severity[step]:  # then the frame's edge alone made it one
            change = abs(self.out[step] - self.out[step - 1])
            what = f"the part outside the frame changes by {change:.0f} px"
            return (_lasting(what, excursion),)
        told = []
        if moves >= min(grows, 1):
            told.append((moves, f"jumps {self.steps.move[step]:.0f} px"))
        if grows >= min(moves, 1):
            told.append((grows, self._growth(excursion, step)))
        outside = self._outside(excursion)
        if outside:
            # the cause of a jump's being one, but only the effect of a change of size
            told.append((np.inf if moves >= grows else 0.0, outside))
        told.sort(key=lambda each: -each[0])
        return tuple(_lasting(text, excursion) for _, text in told)

    def _growth(self, excursion: Excursion, step: int) -> str:
        """How the box differs in size from the one on the other side of the step."""
        sizes = self.path.log_size
        is_end = excursion.is_pair and step > excursion.last
        change = sizes[step - 1] - sizes[step] if is_end else sizes[step] - sizes[step - 1]
        most = float(change[np.argmax(np.abs(change))])
        return _times(most) if abs(most) >= LEAST_TOLD else "its size changes unevenly"

    def _outside(self, excursion: Excursion) -> str:
        """By how much the box hangs out of the frame, if it does so more than beside the excursion."""
        first, last, out = excursion.first, excursion.last, self.out
        most = float(out[first : last + 1].max())
        if excursion.is_pair:
            beside = max(out[max(0, first - 1)], out[min(len(out) - 1, last + 1)])
        else:
            beside = min(out[first], out[last])
        is_more = most - beside > LEAST_OVERHANG * self.path.usual_size[first]
        return f"{most:.0f} px outside the frame" if is_more else ""


def _times(log_ratio: float) -> str:
    return f"{np.exp(abs(log_ratio)):.1f} times {'larger' if log_ratio > 0 else 'smaller'}"


def _lasting(what: str, excursion: Excursion) -> str:
    return over(what, excursion.first, excursion.last) if excursion.is_pair else what


def standstills(boxes: FloatArray, thresholds: Thresholds) -> list[tuple[int, int]]:
    """First and last frame of the runs in which the box stays the same to the pixel for too long."""
    same = np.zeros(len(boxes), bool)
    same[1:] = (boxes[1:] == boxes[:-1]).all(axis=1)
    return [(first - 1, last) for first, last in runs(same) if last - first + 2 > thresholds.standstill]


def held_findings(
    boxes: FloatArray, path: BoxPath, thresholds: Thresholds, is_open: BoolArray
) -> Iterator[Suspect]:
    """Standstills that end with a jump: the box was held there, not seen there."""
    for first, last in standstills(boxes, thresholds):
        if last + 1 >= len(is_open) or not is_open[first : last + 1].any():
            continue
        leap = float(np.hypot(*(path.center[last + 1] - path.center[last])))
        severity = leap / (EASIER * LEAST_STEP * float(path.usual_size[last]))
        if severity >= WEAKEST:
            words = over("stands still", first, last)
            yield Suspect(last, first, last, score_of(severity), (words,))


def _between(values: FloatArray, missing: BoolArray) -> FloatArray:
    """Return values, (T,), interpolated where missing."""
    if missing.any() and not missing.all():
        known = np.flatnonzero(~missing)
        filled: FloatArray = np.interp(np.arange(len(values)), known, values[known])
        return filled
    return values


def _usual_standstill(boxes: FloatArray) -> int:
    """How long an animal at rest may well have the same box to the pixel, once in the whole track.

    The chance that a box that has stayed the same for some frames stays so for one more is read off
    the many short standstills; the few long ones are what is to be judged.
    """
    same = np.concatenate([[False], (boxes[1:] == boxes[:-1]).all(axis=1), [False]])
    edges = np.flatnonzero(np.diff(same.astype(np.int8)))
    lengths = np.diff(edges)[::2] + 1
    chance = 0.1
    for length in range(2, 7):
        reached, longer = (lengths >= length).sum(), (lengths > length).sum()
        if reached >= 10 + len(boxes) / 400:
            chance = max(chance, float(longer / reached))
    if chance > 0.99:
        return len(boxes)
    n_runs = max(1, int((lengths >= 2).sum()))
    return max(LEAST_STANDSTILL, int(np.ceil(np.log(0.05 / n_runs) / np.log(chance))))


def _usual_size(boxes: FloatArray) -> Usual:
    return Usual.of(np.log(size_of(boxes)[:, 0]))


def _deviation(path: BoxPath) -> FloatArray:
    """(T,) distance from the running median, which two or three odd frames do not move."""
    x, y = (
        values - scipy.ndimage.median_filter(values, DEVIATION_WINDOW, mode="nearest")
        for values in path.center.T
    )
    distance: FloatArray = np.hypot(x, y)
    return distance


def _seams(is_open: BoolArray) -> FloatArray:
    """(T,) factor for the step to each frame: less to or from a settled one, nothing between two."""
    before = np.concatenate([is_open[:1], is_open[:-1]])
    factor: FloatArray = np.where(is_open & before, 1.0, np.where(is_open | before, SEAM, 0.0))
    return factor


def _quartile(values: FloatArray) -> float:
    return float(np.percentile(values, 75)) if len(values) else 0.0
