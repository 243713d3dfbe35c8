"""What a review is told of in numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, Snapshot, iou
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.settings import SettingsEdit, SizingEdit
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted

LIKELY = 0.9
"""From this likelihood on a keypoint counts as sure."""
SETTING = "change of a setting"
_PLACES = re.compile(r"\s*\b(?:of|over|in|to)?\s*\bframes? \d+(?: to \d+)?")
_AMOUNT = re.compile(r":.*| by [-+]?\d.*|(?<= )\d[\dx.,e+-]*\s*")


@dataclass(frozen=True)
class Spread:
    """Middle and upper end of many numbers.

    Attributes
    ----------
    count : int
        How many are known.
    median, high : float
        The median, and what 95 of 100 do not exceed; NaN of none.
    """

    count: int
    median: float
    high: float

    @classmethod
    def of(cls, values: FloatArray) -> Spread:
        """Of an array of any shape; NaN does not count."""
        known = values[~np.isnan(values)]
        if not known.size:
            return cls(0, float("nan"), float("nan"))
        return cls(int(known.size), float(np.median(known)), float(np.percentile(known, 95)))


@dataclass(frozen=True)
class PartFacts:
    """One body part, before or after the review.

    Attributes
    ----------
    likelihood : float
        The median.
    sure : float
        Share of the frames in which it is at least :data:`LIKELY`.
    jitter : Spread
        Pixels, see :func:`jitter`.
    """

    likelihood: float
    sure: float
    jitter: Spread


@dataclass(frozen=True)
class EditFacts:
    """Edits of one kind that are in force.

    Attributes
    ----------
    kind : str
        Their label without frames, such as ``set box``; without numbers too if they differ in these.
    count : int
    frames : int
        Frames that they have changed, each counted once.
    """

    kind: str
    count: int
    frames: int


def centres(boxes: FloatArray) -> FloatArray:
    """(T, 2) centres of boxes (T, 4), pixels."""
    middle: FloatArray = boxes[:, :2] + boxes[:, 2:] / 2
    return middle


def jitter(way: FloatArray) -> FloatArray:
    """(T,) distance of each place of a way (T, 2) from the middle between the one before and the next.

    In its unit. NaN at both ends and beside a gap. An animal that turns or changes its speed makes some
    of it too.
    """
    away = np.full(len(way), np.nan)
    if len(way) > 2:
        away[1:-1] = np.hypot(*(way[1:-1] - (way[:-2] + way[2:]) / 2).T)
    return away


def moved(raw: FloatArray, final: FloatArray) -> FloatArray:
    """(T,) pixels from the centres of raw boxes to those of final ones, both (T, 4)."""
    away: FloatArray = np.hypot(*(centres(final) - centres(raw)).T)
    return away


def mean_iou(raw: FloatArray, final: FloatArray) -> float:
    """Mean overlap (intersection over union) where both have a box; NaN where none has."""
    overlap = iou(raw, final)
    known = overlap[~np.isnan(overlap)]
    return float(known.mean()) if known.size else float("nan")


def seen(poses: Poses) -> Poses:
    """Keypoints without those that no network has seen: in frames without a box, and between others."""
    away = np.isnan(poses.xy[..., 0])
    if poses.interpolated is not None:
        away = away | poses.interpolated[:, None]
    xy = np.where(away[..., None], np.nan, poses.xy)
    return replace(poses, xy=xy, likelihood=np.where(away, np.nan, poses.likelihood), interpolated=None)


def of_part(poses: Poses, name: str) -> PartFacts | None:
    """Numbers of a body part; None where there is none of this name."""
    if name not in poses.names:
        return None
    return of_all(poses.select([name]))


def of_all(poses: Poses) -> PartFacts:
    """Numbers of all keypoints together."""
    known = poses.likelihood[~np.isnan(poses.likelihood)]
    away = np.array([jitter(poses.xy[:, place]) for place in range(len(poses.names))])
    if not known.size:
        return PartFacts(float("nan"), float("nan"), Spread.of(away))
    return PartFacts(float(np.median(known)), float((known >= LIKELY).mean()), Spread.of(away))


def number_text(value: float, digits: int) -> str:
    """A number, or a dash where it is not known."""
    return f"{value:.{digits}f}" if value == value else "\u2013"


def kind_of(edit: Edit) -> tuple[str, str]:
    """What an edit is, without its frames: without numbers, and with them."""
    if isinstance(edit, SettingsEdit | SizingEdit):
        return SETTING, SETTING
    whole = " ".join(_PLACES.sub("", edit.label).split())
    kind = " ".join(_AMOUNT.sub("", whole).split())
    return re.sub(r"\bsuspect$", "suspects", kind), whole


def edits_of(edits: Iterable[Edit], name: str, n_frames: int) -> list[EditFacts]:
    """Edits of the track ``name`` by kind, the most frequent first; those of settings come last."""
    counts: Counter[str] = Counter()
    frames: dict[str, BoolArray] = {}
    wholes: dict[str, set[str]] = {}
    for edit in edits:
        if name not in edit.names and not isinstance(edit, SettingsEdit):
            continue
        kind, whole = kind_of(edit)
        counts[kind] += 1
        wholes.setdefault(kind, set()).add(whole)
        mask = frames.setdefault(kind, np.zeros(n_frames, bool))
        for change in (each for each in edit.changes if each.track == name):
            mask[change.first : change.last + 1] |= _differ(change.before, change.after)
        if isinstance(edit, SettingsEdit | SizingEdit):
            mask[:] = True
    order = sorted(counts, key=lambda kind: (kind == SETTING, -counts[kind], kind))
    names = {kind: whole.pop() if len(whole) == 1 else kind for kind, whole in wholes.items()}
    return [EditFacts(names[kind], counts[kind], int(frames[kind].sum())) for kind in order]


def _differ(before: Snapshot, after: Snapshot) -> BoolArray:
    both = np.isnan(before.boxes) & np.isnan(after.boxes)
    different: BoolArray = ~((before.boxes == after.boxes) | both).all(axis=1)
    different |= (before.source != after.source) | (before.review != after.review)
    return different


def ranges_text(mask: BoolArray, most: int = 60) -> str:
    """Frames as ``12, 40 to 44``; of more ranges than ``most`` how many are left out."""
    found = runs(mask)
    said = [str(first) if first == last else f"{first} to {last}" for first, last in found[:most]]
    left = len(found) - most
    return ", ".join(said) + (f" and {counted(left, 'range')} more" if left > 0 else "")
