"""Which frames of a track are suspicious, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Review
from napari_cropzoom.core.inspection.evidence import Evidence, UsualEvidence
from napari_cropzoom.core.inspection.labeled import labeled_suspects
from napari_cropzoom.core.inspection.steps import BoxPath, Steps
from napari_cropzoom.core.inspection.suspect import Suspect, doubted, merged, rank, ranked
from napari_cropzoom.core.inspection.suspicion import (
    Thresholds,
    box_findings,
    held_findings,
    missing_findings,
    overhang,
    size_findings,
    small_findings,
)
from napari_cropzoom.core.poses import Poses

# How much to look at, 0 to 1, without being told: everything that is rather a fault than not.
DEFAULT_AMOUNT = 0.5
# Frames on either side of a range that it is judged with.
CONTEXT = 64

__all__ = [
    "DEFAULT_AMOUNT",
    "Evidence",
    "Inspection",
    "Suspect",
    "anchor_likelihood",
    "at_least",
    "doubtful_frames",
    "find_suspects",
    "rank",
    "ranked",
]


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything suspicious in the raw boxes of a track; made once, in any thread.

    Attributes
    ----------
    raw : ndarray, (T, 4)
    evidence : Evidence
    suspects : tuple of Suspect
        By first frame, down to the weakest.
    thresholds : Thresholds or None
    usual : UsualEvidence or None
        What is usual in this track; None of both if it has no box.
    """

    raw: FloatArray
    evidence: Evidence
    suspects: tuple[Suspect, ...]
    thresholds: Thresholds | None
    usual: UsualEvidence | None

    @classmethod
    def of(cls, raw: FloatArray, evidence: Evidence | None = None, *, small: bool = True) -> Inspection:
        """Inspect a whole track, (T, 4); without ``small`` boxes too small for an animal are let pass."""
        evidence = evidence or Evidence()
        is_open = np.ones(len(raw), bool)
        suspects, thresholds, usual = _inspect(raw, evidence, is_open, None, None, small)
        return cls(raw, evidence, tuple(suspects), thresholds, usual)

    @property
    def missed(self) -> float:
        """Share of the frames in which what moves is not in the box, 0 where nobody knows."""
        return (
            self.usual.motion.missed if self.usual is not None and self.usual.motion is not None else 0.0
        )

    def again(self, track: BoxTrack, first: int, last: int) -> list[Suspect]:
        """Suspects of the edited boxes whose worst frame lies in ``first`` to ``last``.

        What is usual is that of raw.
        """
        start, stop = max(0, first - CONTEXT), min(len(track), last + 1 + CONTEXT)
        part, part_open = track.boxes[start:stop], track.review[start:stop] < Review.ACCEPTED
        evidence = self.evidence.part(start, stop - 1)
        found, _, _ = _inspect(part, evidence, part_open, self.thresholds, self.usual)
        moved = (
            replace(each, frame=each.frame + start, first=each.first + start, last=each.last + start)
            for each in found
            if part_open[each.first : each.last + 1].any()
        )
        return [each for each in moved if first <= each.frame <= last]


def _inspect(
    boxes: FloatArray,
    evidence: Evidence,
    is_open: BoolArray,
    thresholds: Thresholds | None,
    usual: UsualEvidence | None,
    small: bool = True,
) -> tuple[list[Suspect], Thresholds | None, UsualEvidence | None]:
    """Suspects by first frame, and what is usual: what was given, or else that of these boxes."""
    if evidence.labeled is not None:
        return labeled_suspects(boxes, evidence.labeled, is_open), thresholds, usual
    gaps = list(missing_findings(boxes, is_open))
    is_missing = np.isnan(boxes[:, 0])
    if is_missing.all():
        return gaps, thresholds, usual
    path = BoxPath.of(boxes)
    steps = Steps.of(path)
    thresholds = thresholds or Thresholds.of(boxes, path, steps)
    usual = usual or UsualEvidence.of(boxes, evidence)
    out = overhang(boxes, evidence.frame_size)
    cleared = usual.speaks_for(boxes, evidence)
    findings = list(doubted(box_findings(boxes, path, steps, thresholds, out, is_open), cleared))
    findings += held_findings(boxes, path, thresholds, is_open)  # it may fit the animal by chance
    if small:
        findings += small_findings(boxes, evidence.frame_size, is_open & ~is_missing)
    findings += size_findings(boxes, thresholds, is_open & ~is_missing)
    findings += usual.findings(boxes, evidence, out, is_open & ~is_missing)
    return sorted(merged(findings) + gaps, key=lambda each: each.first), thresholds, usual


def find_suspects(
    boxes: FloatArray, evidence: Evidence | None = None, *, small: bool = True
) -> list[Suspect]:
    """Everything suspicious in boxes (T, 4), the highest score first."""
    return ranked(Inspection.of(boxes, evidence, small=small).suspects)


def at_least(suspects: Sequence[Suspect], amount: float = DEFAULT_AMOUNT) -> list[Suspect]:
    """Those worth a look to a person who wants to look at ``amount``: 0 is nothing, 1 everything."""
    return [each for each in suspects if each.score >= 1 - amount]


def doubtful_frames(boxes: FloatArray, suspects: Sequence[Suspect] | None = None) -> BoolArray:
    """(T,) frames of suspects; without any given, of those that boxes, (T, 4), make by themselves."""
    if suspects is None:
        suspects = at_least(find_suspects(boxes))
    doubtful = np.zeros(len(boxes), bool)
    for each in suspects:
        doubtful[each.first : each.last + 1] = True
    return doubtful


def anchor_likelihood(poses: Poses, anchor_keypoints: tuple[str, ...] = ()) -> FloatArray:
    """(T,) mean likelihood of the anchor keypoints, 0 where none is known."""
    likelihood = poses.select(anchor_keypoints).likelihood
    mean: FloatArray = np.nan_to_num(likelihood, nan=0.0).mean(axis=1)
    return mean
