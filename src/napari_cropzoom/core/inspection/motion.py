"""What moves in front of a still background, judged by itself, and what it says of the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from napari_cropzoom.core.boxes import BoolArray, FloatArray, iou
from napari_cropzoom.core.inspection.suspect import Suspect, worst_of_runs
from napari_cropzoom.core.inspection.usual import NOISE_FACTOR, UNKNOWN, Usual, far, size_of

# Below this usual share most of what stands out from the background is not the animal: no evidence.
LEAST_USUAL_SHARE = 0.4
SHARE_LOST = 0.4
STRONG = 0.5
# A mover is one thing: seen in this share of the frames at least, in one place after the other (a leap is
# longer than the mover itself), of one size (upper to lower quartile), and it goes somewhere.
LEAST_SEEN, MOST_LEAPS, MOST_SPREAD, LEAST_WAY = 0.2, 0.1, 2.5, 1.5
# Sides and strengths, in usual ones, of what may be the same thing again.
SMALLEST, LARGEST, WEAKEST = 0.4, 2.5, 0.2
# A box holds a mover from this share of it on, and holds nothing of it below the other.
HELD, ELSEWHERE = 0.5, 0.1
ELSEWHERE_SEVERITY = 3.0
# By how much less of what moves than usual is in a box that is off. Where all of it is in the box, a part
# of the animal looks like the background: what stands out then tells neither its middle nor its size. A
# box that is so many times larger than usual holds all of it anyway.
LEAST_OUT, LARGER = 0.15, 1.3
# Frames on the mover that are enough to say how boxes usually lie round it.
ENOUGH_HELD = 20
# Cells along the longer side of the picture, and how often something has to stand out in one, while the
# box is elsewhere, for it to be a place that the animal has rested in so long that it became background.
CELLS = 48
REST = 0.5
# Overlap of a box with what the pixels would have drawn: usually, and here, for them to speak for it.
SURE_OVERLAP, SAME_BOX = 0.8, 0.8
# What is lacking to a full overlap with it where a box is rather wrong than not.
LEAST_UNFIT = 0.5

# From this share of the frames on, boxes that miss what moves are not faults of single frames.
MISFIT = 0.2


@dataclass(frozen=True, eq=False)
class Motion:
    """What stands out from the still background in every frame, whatever the boxes say.

    Attributes
    ----------
    boxes : ndarray, (T, K, 4)
        ``x, y, w, h`` of the strongest few blobs in pixels, NaN where there are fewer.
    strength : ndarray, (T, K)
        Sum of the differences from the background over each blob; 0 where there are fewer.
    """

    boxes: FloatArray
    strength: FloatArray

    def part(self, first: int, last: int) -> Motion:
        """Only the frames ``first`` to ``last``, both inclusive."""
        return Motion(self.boxes[first : last + 1], self.strength[first : last + 1])

    def without(self, others: Iterable[FloatArray], boxes: FloatArray) -> Motion:
        """What moves but for other animals: blobs in a box of ``others`` that ``boxes`` hold less of.

        All boxes are (T, 4). A blob that a box of the track's own holds as well stays.
        """
        own = np.nan_to_num(_covered(boxes, self))
        is_other = np.zeros(own.shape, bool)
        for other in others:
            covered = np.nan_to_num(_covered(other, self))
            is_other |= (covered >= HELD) & (covered > own)
        if not is_other.any():
            return self
        left = np.where(is_other[..., None], np.nan, self.boxes)
        strength = np.where(is_other, 0.0, self.strength)
        order = np.argsort(-strength, axis=1, kind="stable")  # the strongest first, as before
        rows = np.arange(len(order))[:, None]
        return Motion(left[rows, order], strength[rows, order])


@dataclass(frozen=True)
class Mover:
    """The one thing that moves in a video: its usual side in pixels, and its usual strength."""

    side: float
    strength: float

    @classmethod
    def of(cls, motion: Motion) -> Mover | None:
        """What moves, whatever the boxes say; None if it is not one thing that goes about."""
        boxes, strength = motion.boxes[:, 0], motion.strength[:, 0]
        seen = strength > 0
        if seen.sum() < max(3, LEAST_SEEN * len(seen)):
            return None
        sides = np.sqrt(np.maximum(boxes[seen, 2:], 0).prod(axis=1))
        side, strong = float(np.median(sides)), float(np.median(strength[seen]))
        middle = boxes[:, :2] + boxes[:, 2:] / 2
        steps = np.hypot(*np.diff(middle, axis=0)[seen[1:] & seen[:-1]].T)
        low, high = np.percentile(sides, [25, 75])
        way = np.diff(np.percentile(middle[seen], [5, 95], axis=0), axis=0).max()
        is_one = high <= MOST_SPREAD * low and (steps > side).mean() <= MOST_LEAPS
        return cls(side, strong) if is_one and way >= LEAST_WAY * side else None

    def seen(self, motion: Motion) -> BoolArray:
        """(T, K) which blobs may be it."""
        sides = np.sqrt(np.nan_to_num(motion.boxes[..., 2:]).prod(axis=2))
        is_size = (sides >= SMALLEST * self.side) & (sides <= LARGEST * self.side)
        found: BoolArray = is_size & (motion.strength >= WEAKEST * self.strength)
        return found


@dataclass(frozen=True, eq=False)
class UsualMotion:
    """How boxes and what moves usually lie to each other in a track.

    Attributes
    ----------
    mover : Mover or None
    share : Usual
        Share of what stands out that is in the box.
    offset : (Usual, Usual)
        Middle of what moves from the box's, in box sizes.
    size, ratio : (Usual, Usual)
        Logarithm of the box's sides, and of their ratio to the mover's.
    fit : Usual
        Overlap (IoU) of boxes that hold the mover with what the pixels would draw.
    missed : float
        Share of the frames in which what moves is not in the box.
    rests : ndarray, (N, N) bool
        Places where the animal is part of the background; a cell is ``cell`` pixels wide.
    cell : float
    """

    mover: Mover | None
    share: Usual
    offset: tuple[Usual, Usual]
    size: tuple[Usual, Usual] = (UNKNOWN, UNKNOWN)
    ratio: tuple[Usual, Usual] = (UNKNOWN, UNKNOWN)
    fit: Usual = UNKNOWN
    missed: float = 0.0
    rests: BoolArray = field(default_factory=lambda: np.zeros((1, 1), bool))
    cell: float = 1.0

    @classmethod
    def of(cls, boxes: FloatArray, motion: Motion) -> UsualMotion:
        """What is usual in a whole track.

        Where one thing moves, it is learnt from the boxes that hold it: a track that is mostly elsewhere
        says nothing of how boxes lie when they are right.
        """
        mover = Mover.of(motion)
        share, offset = motion_against(boxes, motion)
        if mover is None:
            return cls(None, Usual.of(share), _usual_pair(offset))
        _, blob = held_by(boxes, motion, mover)
        on = _overlap(boxes, blob) >= HELD
        if on.sum() < ENOUGH_HELD:
            made = cls(mover, Usual(1.0, 0.0), (Usual(0.0, 0.0),) * 2)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                own, ratio = np.log(boxes[on, 2:]), np.log(boxes[on, 2:] / blob[on, 2:])
            sizes = (_usual_pair(own), _usual_pair(ratio))
            made = cls(mover, Usual.of(share[on]), _usual_pair(offset[on]), *sizes)
            made = replace(made, fit=Usual.of(made.overlap_with_expected(boxes, motion)[on]))
        rests, cell = resting_places(boxes, motion)
        made = replace(made, rests=rests, cell=cell)
        return replace(made, missed=float(made.elsewhere(boxes, motion).mean()))

    def findings(self, boxes: FloatArray, motion: Motion, is_open: BoolArray) -> Iterator[Suspect]:
        """Boxes (T, 4) that miss what moves."""
        if self.mover is None and not self.share.middle >= LEAST_USUAL_SHARE:
            return
        is_open = is_open & ~(self._empty(boxes, motion) & self._at_rest(boxes))
        share, offset = motion_against(boxes, motion)
        lost = scipy.ndimage.median_filter(np.nan_to_num(self.share.middle - share), 3) * is_open
        lost = lost / max(SHARE_LOST, NOISE_FACTOR * self.share.scale)
        elsewhere = self.elsewhere(boxes, motion)
        lost = np.where(elsewhere & is_open, np.maximum(lost, ELSEWHERE_SEVERITY), lost)

        def told(frame: int) -> str:
            if elsewhere[frame] or share[frame] < 0.1 * self.share.middle:
                return "still background in the box, something moves elsewhere"
            return "the box misses part of what moves"

        yield from worst_of_runs(lost, told)
        is_open = is_open & ((share < self.share.middle - LEAST_OUT) | self._larger(boxes))
        away, pixels = far(boxes, offset, self.offset)
        away = scipy.ndimage.median_filter(away, 3) * is_open
        yield from worst_of_runs(
            away, lambda frame: f"the animal seems {pixels[frame]:.0f} px off the box's middle"
        )
        if self.fit.middle >= SURE_OVERLAP:
            unfit = 1 - self.overlap_with_expected(boxes, motion)
            unfit = scipy.ndimage.median_filter(np.nan_to_num(unfit), 3) * is_open
            unfit = unfit / max(LEAST_UNFIT, NOISE_FACTOR * self.fit.scale)
            yield from worst_of_runs(unfit, lambda _frame: "the box does not fit what moves")

    def _larger(self, boxes: FloatArray) -> BoolArray:
        """(T,) whether a box is much larger than the usual one; nowhere where that is not known."""
        usual = np.exp(sum(each.middle for each in self.size) / 2)
        result: BoolArray = size_of(boxes)[:, 0] > LARGER * usual
        return result

    def elsewhere(self, boxes: FloatArray, motion: Motion) -> BoolArray:
        """(T,) whether a box holds nothing that moves while what usually moves is elsewhere."""
        return self._empty(boxes, motion) & ~self._at_rest(boxes)

    def _empty(self, boxes: FloatArray, motion: Motion) -> BoolArray:
        """(T,) whether something moves, and nothing of it is in the box."""
        if self.mover is None:
            return np.zeros(len(boxes), bool)
        held, _ = held_by(boxes, motion, self.mover)
        empty = scipy.ndimage.median_filter((held < ELSEWHERE).astype(np.uint8), 3).astype(bool)
        result: BoolArray = empty & ~np.isnan(held)
        return result

    def _at_rest(self, boxes: FloatArray) -> BoolArray:
        """(T,) whether the middle of a box is where the animal is part of the background."""
        with np.errstate(invalid="ignore"):
            cells = np.nan_to_num((boxes[:, :2] + boxes[:, 2:] / 2) / self.cell).astype(np.int64)
        x, y = np.clip(cells, 0, len(self.rests) - 1).T
        result: BoolArray = self.rests[y, x]
        return result

    def overlap_with_expected(self, boxes: FloatArray, motion: Motion) -> FloatArray:
        """(T,) IoU of boxes with what the pixels would draw: of the usual size, or of the mover's own.

        The better of both counts; NaN where nothing moves or there is no box.
        """
        if self.mover is None:
            return np.full(len(boxes), np.nan)
        _, blob = held_by(boxes, motion, self.mover)
        middle, away = blob[:, :2] + blob[:, 2:] / 2, np.array([each.middle for each in self.offset])
        overlaps = []
        for size, sides in ((self.size, np.ones_like(blob[:, 2:])), (self.ratio, blob[:, 2:])):
            drawn = sides * np.exp([each.middle for each in size])
            corner = middle - away * np.sqrt(drawn.prod(axis=1))[:, None] - drawn / 2
            overlaps.append(iou(boxes, np.hstack([corner, drawn])))
        better: FloatArray = np.fmax(*overlaps)
        return better

    def speaks_for(self, boxes: FloatArray, motion: Motion) -> BoolArray:
        """(T,) whether the pixels show the animal just where the box is."""
        if not self.fit.middle >= SURE_OVERLAP:
            return np.zeros(len(boxes), bool)
        result: BoolArray = np.nan_to_num(self.overlap_with_expected(boxes, motion)) >= SAME_BOX
        return result


def motion_against(boxes: FloatArray, motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Share of what stands out that is in the box (T,); the nearest blob's middle in box sizes (T, 2).

    NaN where nothing stands out or there is no box.
    """
    total = motion.strength.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nansum(motion.strength * _covered(boxes, motion), axis=1) / total
    share[np.isnan(boxes[:, 0]) | (total == 0)] = np.nan
    middle = motion.boxes[..., :2] + motion.boxes[..., 2:] / 2
    offset = (middle - (boxes[:, :2] + boxes[:, 2:] / 2)[:, None]) / size_of(boxes)[:, None]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    is_strong = motion.strength >= STRONG * motion.strength.max(axis=1, keepdims=True)
    nearest = np.argmin(np.where(is_strong & np.isfinite(distance), distance, np.inf), axis=1)
    return share, offset[np.arange(len(boxes)), nearest]


def held_by(boxes: FloatArray, motion: Motion, mover: Mover) -> tuple[FloatArray, FloatArray]:
    """Largest share of a mover that is in the box (T,), and that mover (T, 4).

    Where none is in the box at all it is the strongest one. NaN where nothing moves or there is no box.
    """
    is_mover = mover.seen(motion)
    covered = np.where(is_mover, np.nan_to_num(_covered(boxes, motion)), -1.0)
    best = covered.argmax(axis=1)  # the first of equal ones, which is the strongest
    rows = np.arange(len(boxes))
    held, blob = covered[rows, best], motion.boxes[rows, best].copy()
    nothing = (held < 0) | np.isnan(boxes[:, 0])
    held[nothing], blob[nothing] = np.nan, np.nan
    return held, blob


def resting_places(boxes: FloatArray, motion: Motion) -> tuple[BoolArray, float]:
    """Places (N, N) where something mostly stands out while the box is elsewhere; pixels a cell.

    An animal that rests in one place for most of a video is part of the background there: the place
    stands out when it has left, and nothing does when it is back.
    """
    reach = np.concatenate([boxes, motion.boxes[:, 0]])
    reach = reach[np.isfinite(reach[:, 0])]
    extent = float((reach[:, :2] + reach[:, 2:]).max(initial=1.0))
    cell = max(extent, 1.0) / CELLS
    low = np.maximum(motion.boxes[..., :2], boxes[:, None, :2])
    high = np.minimum(_far_corner(motion.boxes), _far_corner(boxes)[:, None])
    both = np.concatenate([low, np.maximum(high - low, 0)], axis=2)
    stands_out = np.zeros((CELLS, CELLS))
    for place in range(motion.boxes.shape[1]):
        stands_out += _counts(motion.boxes[:, place], cell) - _counts(both[:, place], cell)
    without = len(boxes) - _counts(boxes, cell)
    return (stands_out > REST * without) & (without > 0.05 * len(boxes)), cell


def _counts(boxes: FloatArray, cell: float) -> FloatArray:
    """(CELLS, CELLS) how many boxes cover the middle of each cell."""
    known = boxes[np.isfinite(boxes[:, 0])]
    low = np.clip(np.ceil(known[:, :2] / cell - 0.5), 0, CELLS).astype(np.int64)
    high = np.clip(np.ceil(_far_corner(known) / cell - 0.5), 0, CELLS).astype(np.int64)
    high = np.maximum(high, low)
    side = CELLS + 1
    steps = np.zeros(side * side)
    for y, x, sign in ((low, low, 1), (low, high, -1), (high, low, -1), (high, high, 1)):
        steps += sign * np.bincount(y[:, 1] * side + x[:, 0], minlength=side * side)
    counts: FloatArray = steps.reshape(side, side).cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return counts


def _usual_pair(values: FloatArray) -> tuple[Usual, Usual]:
    """Of two columns, (T, 2)."""
    return Usual.of(values[:, 0]), Usual.of(values[:, 1])


def _covered(boxes: FloatArray, motion: Motion) -> FloatArray:
    """(T, K) share of each blob that is in the box."""
    low = np.maximum(motion.boxes[..., :2], boxes[:, None, :2])
    high = np.minimum(_far_corner(motion.boxes), _far_corner(boxes)[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        covered: FloatArray = np.clip(high - low, 0, None).prod(axis=2) / motion.boxes[..., 2:].prod(
            axis=2
        )
    return covered


def _overlap(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """(T,) what two boxes have in common, as a share of the smaller one; NaN where one is missing.

    A box of the body lies in a mover that has its tail and shadow too, and holds less than half of it.
    """
    low = np.maximum(boxes[:, :2], others[:, :2])
    high = np.minimum(_far_corner(boxes), _far_corner(others))
    smaller = np.minimum(boxes[:, 2:].prod(axis=1), others[:, 2:].prod(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        shared: FloatArray = np.clip(high - low, 0, None).prod(axis=1) / smaller
    return shared


def _far_corner(boxes: FloatArray) -> FloatArray:
    corner: FloatArray = boxes[..., :2] + boxes[..., 2:]
    return corner


def told_of_misfit(missed: float) -> str:
    """What a person should know of boxes that miss what moves in this share of the frames; else empty."""
    if missed < MISFIT:
        return ""
    return (
        f"In {100 * missed:.0f} % of the frames what moves is not in the box: this detector does not fit "
        "this video."
    )
