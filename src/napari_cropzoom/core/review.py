"""Which frames a person should look at, ranked, and how much of that is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Review
from napari_cropzoom.core.burst import Burst, merged
from napari_cropzoom.core.evidence import Evidence, Testimony
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.steps import Course, Steps
from napari_cropzoom.core.suspicion import Habits, box_findings, missing_findings, overhang

# How much to look at, 0 to 1, without being told: everything that is rather a fault than not.
DEFAULT_AMOUNT = 0.5
# Frames beyond a stretch that it is judged with.
CONTEXT = 64

__all__ = [
    "DEFAULT_AMOUNT",
    "Burst",
    "Evidence",
    "Inspection",
    "anchor_likelihood",
    "at_least",
    "find_bursts",
    "stretch_at",
]


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything suspicious in the raw boxes of a track; made once, in any thread.

    Attributes
    ----------
    raw : ndarray, (T, 4)
    evidence : Evidence
    bursts : tuple of Burst
        By first frame, down to the weakest.
    """

    raw: FloatArray
    evidence: Evidence
    bursts: tuple[Burst, ...]
    habits: Habits | None
    testimony: Testimony | None

    @classmethod
    def of(cls, raw: FloatArray, evidence: Evidence | None = None) -> Inspection:
        """Inspect a whole track, (T, 4)."""
        evidence = evidence or Evidence()
        is_open = np.ones(len(raw), bool)
        if np.isnan(raw[:, 0]).all():
            return cls(raw, evidence, tuple(missing_findings(raw, is_open)), None, None)
        course = Course.of(raw)
        steps = Steps.of(course)
        habits, testimony = Habits.of(raw, course, steps), Testimony.of(raw, evidence)
        bursts = _bursts(raw, course, steps, habits, testimony, evidence, is_open)
        return cls(raw, evidence, tuple(bursts), habits, testimony)

    def again(self, track: BoxTrack, first: int, last: int) -> list[Burst]:
        """Bursts of the edited boxes whose worst frame lies in ``first`` to ``last``.

        What is usual is that of raw.
        """
        start, stop = max(0, first - CONTEXT), min(len(track), last + 1 + CONTEXT)
        part, part_open = track.boxes[start:stop], track.review[start:stop] < Review.ACCEPTED
        evidence = self.evidence.part(start, stop - 1)
        if np.isnan(part[:, 0]).all():
            found = list(missing_findings(part, part_open))
        else:
            course = Course.of(part)
            steps = Steps.of(course)
            habits = self.habits or Habits.of(part, course, steps)
            testimony = self.testimony or Testimony.of(part, evidence)
            found = _bursts(part, course, steps, habits, testimony, evidence, part_open)
        moved = (
            Burst(each.frame + start, each.first + start, each.last + start, each.score, each.reasons)
            for each in found
            if part_open[each.first : each.last + 1].any()
        )
        return [each for each in moved if first <= each.frame <= last]


def _bursts(
    boxes: FloatArray,
    course: Course,
    steps: Steps,
    habits: Habits,
    testimony: Testimony,
    evidence: Evidence,
    is_open: BoolArray,
) -> list[Burst]:
    out = overhang(boxes, evidence.frame_size)
    boxed = is_open & ~np.isnan(boxes[:, 0])
    findings = list(box_findings(boxes, course, steps, habits, out, is_open))
    findings += testimony.findings(boxes, evidence, out, boxed)
    gaps = list(missing_findings(boxes, is_open))
    return sorted(merged(findings) + gaps, key=lambda each: each.first)


def find_bursts(boxes: FloatArray, evidence: Evidence | None = None) -> list[Burst]:
    """Everything suspicious in boxes (T, 4), the highest score first."""
    return ranked(Inspection.of(boxes, evidence).bursts)


def ranked(bursts: Sequence[Burst]) -> list[Burst]:
    """The highest score first; of the same score, by frame."""
    return sorted(bursts, key=rank)


def rank(burst: Burst) -> tuple[float, int]:
    """What bursts are ranked by, ascending."""
    return -burst.score, burst.first


def at_least(bursts: Sequence[Burst], amount: float = DEFAULT_AMOUNT) -> list[Burst]:
    """Those worth a look to a person who wants to look at ``amount``: 0 is nothing, 1 everything."""
    return [each for each in bursts if each.score >= 1 - amount]


def anchor_likelihood(poses: Poses, anchor_keypoints: tuple[str, ...] = ()) -> FloatArray:
    """(T,) mean likelihood of the anchor keypoints, 0 where none is known."""
    likelihood = poses.select(anchor_keypoints).likelihood
    mean: FloatArray = np.nan_to_num(likelihood, nan=0.0).mean(axis=1)
    return mean


def stretch_at(queue: Sequence[Burst], frame: int) -> tuple[int, int]:
    """First and last frame of the entry that ``frame`` lies in, or the frame alone."""
    for entry in queue:
        if entry.first <= frame <= entry.last:
            return entry.first, entry.last
    return frame, frame
