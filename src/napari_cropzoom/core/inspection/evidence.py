"""What is known beside the boxes, and what it says against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, iou
from napari_cropzoom.core.inspection.labeled import LabeledImages
from napari_cropzoom.core.inspection.motion import Motion, UsualMotion
from napari_cropzoom.core.inspection.suspect import Suspect, worst_of_runs
from napari_cropzoom.core.inspection.usual import Usual, far, size_of
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted

LOW_SIGMAS = 4.0
LEAST_LOGIT_SIGMA = 0.3
# A likelihood is low if it is below half the usual one; a keypoint below it says nothing of its place.
LOW_SHARE = 0.5
LEFT_OUTSIDE = 0.4
ENCOUNTER_IOU = 0.25
# A box whose middle is that of the only likely keypoint, where usually at least so many are likely, has a
# size that nobody has measured: see `.sizing.boxes_from_keypoints`.
USUALLY_SEEN = 3
BEST_SEEN = 75  # percentile: what is usual while the animal is seen, though it hides most of the time
ALONE_SEVERITY = 1.5
SAME_PLACE = 2.0  # pixels; boxes have whole pixels and even sides


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known beside the boxes; everything may be missing.

    Attributes
    ----------
    likelihood : ndarray, (T,), or None
        Mean likelihood of the anchor keypoints.
    keypoints : Poses or None
        The anchor keypoints, T frames, in pixels of the full frame.
    frame_size : (int, int) or None
        Width and height in pixels.
    motion : Motion or None
        What the pixels say.
    others : mapping of str to ndarray, (T, 4)
        Boxes of the other animals.
    labeled : LabeledImages or None
        Where these are labeled images: nothing else counts then.
    """

    likelihood: FloatArray | None = None
    keypoints: Poses | None = None
    frame_size: tuple[int, int] | None = None
    motion: Motion | None = None
    others: Mapping[str, FloatArray] = field(default_factory=dict)
    labeled: LabeledImages | None = None

    def part(self, first: int, last: int) -> Evidence:
        """Evidence of the frames ``first`` to ``last``, both inclusive."""
        rows = slice(first, last + 1)
        motion = self.motion
        return replace(
            self,
            likelihood=None if self.likelihood is None else self.likelihood[rows],
            keypoints=None if self.keypoints is None else self.keypoints.rows(first, last),
            motion=motion and motion.part(first, last),
            others={name: boxes[rows] for name, boxes in self.others.items()},
            labeled=self.labeled and self.labeled.part(first, last),
        )


@dataclass(frozen=True, eq=False)
class UsualEvidence:
    """Evidence brought to numbers per frame, with what is usual of each.

    Made of the whole track once; :meth:`findings` of any part of it.

    Attributes
    ----------
    likelihood, outside, keypoint_offset : Usual
    motion : UsualMotion or None
    seen : (float, float)
        See :func:`usually_seen`.
    """

    likelihood: Usual
    outside: Usual
    keypoint_offset: tuple[Usual, Usual]
    motion: UsualMotion | None
    seen: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def of(cls, boxes: FloatArray, evidence: Evidence) -> UsualEvidence:
        """What is usual in a whole track."""
        nothing = np.full((len(boxes), 2), np.nan)
        outside, offset = nothing[:, 0], nothing
        if evidence.keypoints is not None:
            outside, offset = keypoints_against(boxes, evidence.keypoints)
        likelihood = nothing[:, 0] if evidence.likelihood is None else _logit(evidence.likelihood)
        return cls(
            Usual.of(likelihood, LEAST_LOGIT_SIGMA),
            Usual.of(outside),
            (Usual.of(offset[:, 0]), Usual.of(offset[:, 1])),
            None if evidence.motion is None else UsualMotion.of(boxes, evidence.motion),
            (0.0, 1.0) if evidence.keypoints is None else usually_seen(evidence.keypoints),
        )

    def findings(
        self, boxes: FloatArray, evidence: Evidence, out: FloatArray, is_open: BoolArray
    ) -> Iterator[Suspect]:
        """Everything that speaks against the boxes (T, 4).

        Parameters
        ----------
        boxes : ndarray, (T, 4)
        evidence : Evidence
            Of these frames.
        out : ndarray, (T,)
            Pixels by which each box reaches over the edge of the frame.
        is_open : ndarray, (T,) bool
            Frames that nobody has settled and that have a box.
        """
        is_doubtful = is_open & ~self.speaks_for(boxes, evidence)
        if evidence.likelihood is not None:
            yield from self._unlikely(evidence.likelihood, out, is_doubtful)
        if evidence.keypoints is not None:
            yield from self._keypoints(boxes, evidence.keypoints, is_open)
            yield from self._alone(boxes, evidence.keypoints, is_doubtful)
        if evidence.motion is not None and self.motion is not None:
            yield from self.motion.findings(boxes, evidence.motion, is_open)
        for name, other in evidence.others.items():
            overlap = np.nan_to_num(iou(boxes, other))
            yield from worst_of_runs(overlap / ENCOUNTER_IOU * is_open, _meets(name))

    def speaks_for(self, boxes: FloatArray, evidence: Evidence) -> BoolArray:
        """(T,) whether the pixels show the animal just where the box (T, 4) is."""
        if evidence.motion is None or self.motion is None:
            return np.zeros(len(boxes), bool)
        return self.motion.speaks_for(boxes, evidence.motion)

    def _unlikely(self, likelihood: FloatArray, out: FloatArray, is_open: BoolArray) -> Iterator[Suspect]:
        """Low for this track, and low in itself; an animal that leaves the frame is hard to see."""
        known = np.nan_to_num(likelihood)
        middle = 1 / (1 + np.exp(-self.likelihood.middle))
        unusual = (self.likelihood.middle - _logit(known)) / (LOW_SIGMAS * self.likelihood.scale)
        low = (1 - known / middle) / (1 - LOW_SHARE)
        severity = np.minimum(unusual, low) * np.where(out > 0, 0.5, 1.0) * is_open
        yield from worst_of_runs(severity, lambda frame: f"low likelihood ({known[frame]:.2f})")

    def _keypoints(self, boxes: FloatArray, poses: Poses, is_open: BoolArray) -> Iterator[Suspect]:
        outside, offset = keypoints_against(boxes, poses)
        left = np.nan_to_num(outside - self.outside.middle) / LEFT_OUTSIDE * is_open
        yield from worst_of_runs(
            left, lambda frame: f"{100 * outside[frame]:.0f} % of the keypoints outside the box"
        )
        away, pixels = far(boxes, offset, self.keypoint_offset)
        yield from worst_of_runs(
            away * is_open, lambda frame: f"keypoints {pixels[frame]:.0f} px off the box's middle"
        )

    def _alone(self, boxes: FloatArray, poses: Poses, is_open: BoolArray) -> Iterator[Suspect]:
        """Boxes round a single keypoint, as where the animal hides: however steady, a guess."""
        count, usual = self.seen
        if count < USUALLY_SEEN:
            return
        counts = likely(poses, usual)
        only = poses.xy[np.arange(len(boxes)), counts.argmax(axis=1)]
        away = np.abs(only - boxes[:, :2] - boxes[:, 2:] / 2).max(axis=1)
        alone = is_open & (counts.sum(axis=1) == 1) & (away <= SAME_PLACE)
        words = f"box round 1 of {counted(poses.likelihood.shape[1], 'keypoint')}, the others unlikely"
        yield from worst_of_runs(ALONE_SEVERITY * alone, lambda frame: words)


def usually_seen(poses: Poses) -> tuple[float, float]:
    """How many keypoints are likely where an animal is seen, and their likelihood there."""
    known = poses.likelihood[np.isfinite(poses.likelihood)]
    usual = float(np.percentile(known, BEST_SEEN)) if len(known) else 1.0
    return float(np.percentile(likely(poses, usual).sum(axis=1), BEST_SEEN)), usual


def likely(poses: Poses, usual: float) -> BoolArray:
    """(T, K) whether a keypoint is likely enough, for what is usual, to say where it is."""
    found: BoolArray = (poses.likelihood >= LOW_SHARE * usual) & np.isfinite(poses.xy).all(axis=2)
    return found


def _meets(name: str) -> Callable[[int], str]:
    return lambda _frame: f"meets {name}, identities may be swapped"


def keypoints_against(boxes: FloatArray, poses: Poses) -> tuple[FloatArray, FloatArray]:
    """Share of likely keypoints outside the box (T,); their middle from the box's in box sizes (T, 2).

    NaN where no keypoint is likely or there is no box.
    """
    usual = np.nanmedian(poses.likelihood) if np.isfinite(poses.likelihood).any() else 1.0
    counts = likely(poses, float(usual))
    n = counts.sum(axis=1)
    low, high = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    is_in = ((poses.xy >= low) & (poses.xy <= high)).all(axis=2)
    known = (n > 0) & ~np.isnan(boxes[:, 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.where(known, (counts & ~is_in).sum(axis=1) / n, np.nan)
        middle = np.where(counts[..., None], poses.xy, 0.0).sum(axis=1) / n[:, None]
    offset = (middle - boxes[:, :2] - boxes[:, 2:] / 2) / size_of(boxes)
    offset[~known | (n < 0.5 * poses.likelihood.shape[1])] = np.nan
    return outside, offset


def _logit(likelihood: FloatArray) -> FloatArray:
    inside = np.clip(np.nan_to_num(likelihood), 1e-3, 1 - 1e-3)
    logit: FloatArray = np.log(inside / (1 - inside))
    return logit
