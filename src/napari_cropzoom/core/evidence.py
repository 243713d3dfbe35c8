"""What is known beside the boxes, and what it says against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from napari_cropzoom.core.boxes import BoolArray, FloatArray, iou
from napari_cropzoom.core.burst import Burst, worst_of_runs
from napari_cropzoom.core.poses import Poses

# Standard deviations of a normal distribution in one median absolute deviation.
SIGMAS_A_MAD = 1.4826
LOW_SIGMAS = 4.0
LEAST_LOGIT_SIGMA = 0.3
# A likelihood is low if it is below half the usual one; a keypoint below it says nothing of its place.
LOW_SHARE = 0.5
LEFT_OUTSIDE = 0.4
LEAST_OFFSET = 0.25
NOISE_FACTOR = 6.0
# Below this usual share most of what stands out from the background is not the animal: no evidence.
LEAST_USUAL_SHARE = 0.4
SHARE_LOST = 0.4
ENCOUNTER_IOU = 0.25


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
    """

    likelihood: FloatArray | None = None
    keypoints: Poses | None = None
    frame_size: tuple[int, int] | None = None
    motion: Motion | None = None
    others: Mapping[str, FloatArray] = field(default_factory=dict)

    def part(self, first: int, last: int) -> Evidence:
        """Evidence of the frames ``first`` to ``last``, both inclusive."""
        rows = slice(first, last + 1)
        poses, motion = self.keypoints, self.motion
        return replace(
            self,
            likelihood=None if self.likelihood is None else self.likelihood[rows],
            keypoints=poses and Poses(poses.names, poses.xy[rows], poses.likelihood[rows], poses.scorer),
            motion=motion and Motion(motion.boxes[rows], motion.strength[rows]),
            others={name: boxes[rows] for name, boxes in self.others.items()},
        )


class Usual(NamedTuple):
    """Middle and scale of a quantity over the whole track."""

    middle: float
    scale: float

    @classmethod
    def of(cls, values: FloatArray, least_scale: float = 0.0) -> Usual:
        """Median, and deviation from it in normal standard deviations; NaN does not count."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(float("nan"), float("inf"))
        middle = float(np.median(known))
        scale = SIGMAS_A_MAD * float(np.median(np.abs(known - middle)))
        return cls(middle, max(scale, least_scale))


@dataclass(frozen=True, eq=False)
class Testimony:
    """Evidence brought to numbers per frame, with what is usual of each.

    Made of the whole track once; :meth:`findings` of any part of it.
    """

    likelihood: Usual
    outside: Usual
    keypoint_offset: tuple[Usual, Usual]
    share: Usual
    motion_offset: tuple[Usual, Usual]

    @classmethod
    def of(cls, boxes: FloatArray, evidence: Evidence) -> Testimony:
        """What is usual in a whole track."""
        nothing = np.full((len(boxes), 2), np.nan)
        outside, offset = nothing[:, 0], nothing
        if evidence.keypoints is not None:
            outside, offset = keypoints_against(boxes, evidence.keypoints)
        share, seen = nothing[:, 0], nothing
        if evidence.motion is not None:
            share, seen = motion_against(boxes, evidence.motion)
        likelihood = nothing[:, 0] if evidence.likelihood is None else _logit(evidence.likelihood)
        return cls(
            Usual.of(likelihood, LEAST_LOGIT_SIGMA),
            Usual.of(outside),
            (Usual.of(offset[:, 0]), Usual.of(offset[:, 1])),
            Usual.of(share),
            (Usual.of(seen[:, 0]), Usual.of(seen[:, 1])),
        )

    def findings(
        self, boxes: FloatArray, evidence: Evidence, out: FloatArray, is_open: BoolArray
    ) -> Iterator[Burst]:
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
        if evidence.likelihood is not None:
            yield from self._unlikely(evidence.likelihood, out, is_open)
        if evidence.keypoints is not None:
            yield from self._keypoints(boxes, evidence.keypoints, is_open)
        if evidence.motion is not None:
            yield from self._motion(boxes, evidence.motion, is_open)
        for name, other in evidence.others.items():
            overlap = np.nan_to_num(iou(boxes, other))
            yield from worst_of_runs(overlap / ENCOUNTER_IOU * is_open, _meets(name))

    def _unlikely(self, likelihood: FloatArray, out: FloatArray, is_open: BoolArray) -> Iterator[Burst]:
        """Low for this track, and low in itself; an animal that leaves the frame is hard to see."""
        known = np.nan_to_num(likelihood)
        middle = 1 / (1 + np.exp(-self.likelihood.middle))
        far = (self.likelihood.middle - _logit(known)) / (LOW_SIGMAS * self.likelihood.scale)
        low = (1 - known / middle) / (1 - LOW_SHARE)
        severity = np.minimum(far, low) * np.where(out > 0, 0.5, 1.0) * is_open
        yield from worst_of_runs(severity, lambda frame: f"low likelihood ({known[frame]:.2f})")

    def _keypoints(self, boxes: FloatArray, poses: Poses, is_open: BoolArray) -> Iterator[Burst]:
        outside, offset = keypoints_against(boxes, poses)
        left = np.nan_to_num(outside - self.outside.middle) / LEFT_OUTSIDE * is_open
        yield from worst_of_runs(
            left, lambda frame: f"{100 * outside[frame]:.0f} % of the keypoints outside the box"
        )
        away, pixels = _far(boxes, offset, self.keypoint_offset)
        yield from worst_of_runs(
            away * is_open, lambda frame: f"keypoints {pixels[frame]:.0f} px off the box's middle"
        )

    def _motion(self, boxes: FloatArray, motion: Motion, is_open: BoolArray) -> Iterator[Burst]:
        if not self.share.middle >= LEAST_USUAL_SHARE:
            return
        share, offset = motion_against(boxes, motion)
        lost = ndimage.median_filter(np.nan_to_num(self.share.middle - share), 3) * is_open
        lost = lost / max(SHARE_LOST, NOISE_FACTOR * self.share.scale)

        def told(frame: int) -> str:
            if share[frame] < 0.1 * self.share.middle:
                return "still background in the box, something moves elsewhere"
            return "the box misses part of what moves"

        yield from worst_of_runs(lost, told)
        away, pixels = _far(boxes, offset, self.motion_offset)
        away = ndimage.median_filter(away, 3) * is_open
        yield from worst_of_runs(
            away, lambda frame: f"the animal seems {pixels[frame]:.0f} px off the box's middle"
        )


def _meets(name: str) -> Callable[[int], str]:
    return lambda _frame: f"meets {name}, identities may be swapped"


def keypoints_against(boxes: FloatArray, poses: Poses) -> tuple[FloatArray, FloatArray]:
    """Share of likely keypoints outside the box (T,); their middle from the box's in box sizes (T, 2).

    NaN where no keypoint is likely or there is no box.
    """
    usual = np.nanmedian(poses.likelihood) if np.isfinite(poses.likelihood).any() else 1.0
    counts = (poses.likelihood >= LOW_SHARE * usual) & np.isfinite(poses.xy).all(axis=2)
    n = counts.sum(axis=1)
    low, high = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    is_in = ((poses.xy >= low) & (poses.xy <= high)).all(axis=2)
    known = (n > 0) & ~np.isnan(boxes[:, 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.where(known, (counts & ~is_in).sum(axis=1) / n, np.nan)
        middle = np.where(counts[..., None], poses.xy, 0.0).sum(axis=1) / n[:, None]
    offset = (middle - boxes[:, :2] - boxes[:, 2:] / 2) / _size(boxes)
    offset[~known | (n < 0.5 * poses.likelihood.shape[1])] = np.nan
    return outside, offset


def motion_against(boxes: FloatArray, motion: Motion) -> tuple[FloatArray, FloatArray]:
    """Share of what stands out that is in the box (T,); the nearest blob's middle in box sizes (T, 2).

    NaN where nothing stands out or there is no box.
    """
    low = np.maximum(motion.boxes[..., :2], boxes[:, None, :2])
    high = np.minimum(
        motion.boxes[..., :2] + motion.boxes[..., 2:], boxes[:, None, :2] + boxes[:, None, 2:]
    )
    total = motion.strength.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        covered = np.clip(high - low, 0, None).prod(axis=2) / motion.boxes[..., 2:].prod(axis=2)
        share = np.nansum(motion.strength * covered, axis=1) / total
    share[np.isnan(boxes[:, 0]) | (total == 0)] = np.nan
    middle = motion.boxes[..., :2] + motion.boxes[..., 2:] / 2
    offset = (middle - (boxes[:, :2] + boxes[:, 2:] / 2)[:, None]) / _size(boxes)[:, None]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    is_strong = motion.strength >= LOW_SHARE * motion.strength.max(axis=1, keepdims=True)
    nearest = np.argmin(np.where(is_strong & np.isfinite(distance), distance, np.inf), axis=1)
    return share, offset[np.arange(len(boxes)), nearest]


def _far(
    boxes: FloatArray, offset: FloatArray, usual: tuple[Usual, Usual]
) -> tuple[FloatArray, FloatArray]:
    """Severity (T,) of an unusual offset, and how many pixels it is more than usual."""
    x, y = (offset[:, axis] - usual[axis].middle for axis in range(2))
    far = np.nan_to_num(np.hypot(x, y))
    scale = max(LEAST_OFFSET, NOISE_FACTOR * max(usual[0].scale, usual[1].scale))
    return far / scale, np.nan_to_num(far * _size(boxes)[:, 0])


def _size(boxes: FloatArray) -> FloatArray:
    """(T, 1) geometric mean of the sides in pixels."""
    size: FloatArray = np.sqrt(boxes[:, 2:].prod(axis=1))[:, None]
    return size


def _logit(likelihood: FloatArray) -> FloatArray:
    inside = np.clip(np.nan_to_num(likelihood), 1e-3, 1 - 1e-3)
    logit: FloatArray = np.log(inside / (1 - inside))
    return logit
