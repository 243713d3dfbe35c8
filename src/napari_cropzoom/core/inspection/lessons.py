"""What a reviewer's decisions say of the suspects that are left: offers to settle many at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, Review, iou
from napari_cropzoom.core.editing.edits import Edit, accept_all, fill_gap, frames_text
from napari_cropzoom.core.editing.range_tools import hold, interpolate, mark_absent, set_size, usual_size
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.cured import oddities
from napari_cropzoom.core.inspection.inspection import Inspection
from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.inspection.suspect import Suspect, kind_of
from napari_cropzoom.core.words import counted

Make = Callable[[BoxTrack, int, int], Edit]

# Suspects of a kind that were found right, and none wrong, before the others are offered to be accepted.
ENOUGH = 4
# A fault is the same only where it lasts about as long.
LONGER = 2
# Suspects corrected at once; each is inspected again, which takes a millisecond or two.
MOST = 20
# Frames by which a corrected range may differ from its suspect.
NEAR = 2
# Where boxes are taken away, they are where the one was that a person took away, and no likelier.
SAME_PLACE, NO_LIKELIER = 0.5, 0.1
# Places that are named one by one.
NAMED = 12


@dataclass(frozen=True)
class Offer:
    """Something that can be done to many suspects at once.

    Attributes
    ----------
    text : str
        For a button, in two lines: what it does, and where.
    help : str
        Why it is offered.
    kind : str
        Of the suspects, without numbers: ``"low likelihood"``.
    alike : tuple of Suspect
    edit : callable
        Makes the edit of the track; None if nothing would come of it.
    left_out : str
        Which others are not in it, and why; empty if none.
    """

    text: str
    help: str
    kind: str
    alike: tuple[Suspect, ...]
    edit: Callable[[BoxTrack], Edit | None]
    left_out: str = ""


def offer_to_accept(track: BoxTrack, left: Sequence[Suspect], done: Sequence[Suspect]) -> Offer | None:
    """The kind with most suspects left that a reviewer has only accepted; None if there is none.

    Those more suspicious than the worst of the accepted ones are not offered.

    Parameters
    ----------
    track : BoxTrack
        As it was reviewed.
    left, done : sequence of Suspect
        Open and settled ones.
    """
    if len(done) < ENOUGH or not left:
        return None
    edited = np.concatenate([[0], np.cumsum(track.review == Review.EDITED)])
    right: defaultdict[str, list[float]] = defaultdict(list)
    wrong: Counter[str] = Counter()
    # what was accepted for one reason says nothing of those that have another one too
    for each in done:
        if edited[each.last + 1] > edited[each.first]:
            wrong[each.kind] += 1
        else:
            right[each.kind].append(each.score)
    known = {kind: scores for kind, scores in right.items() if len(scores) >= ENOUGH and not wrong[kind]}
    alike = {
        kind: tuple(
            each
            for each in left
            if each.kind == kind and len(each.reasons) == 1 and each.score <= max(scores)
        )
        for kind, scores in known.items()
    }
    kind = max(alike, key=lambda each: len(alike[each]), default="")
    if not kind or not alike[kind]:
        return None
    return Offer(
        f"{counted(len(alike[kind]), 'suspect')} like these: accept\n{located(alike[kind])}?",
        f"{listed(alike[kind])}. “{kind}”: {len(known[kind])} were accepted and none was corrected. "
        "Undo takes it back",
        kind,
        alike[kind],
        lambda track: accept_all(track, ranges_of(alike[kind]), kind),
    )


def offer_to_correct(
    track: BoxTrack,
    newest: Edit | None,
    inspection: Inspection,
    left: Sequence[Suspect],
    done: Sequence[Suspect],
) -> Offer | None:
    """The correction just made of one suspect, for those with the same fault; None if there is none.

    Parameters
    ----------
    track : BoxTrack
        With the correction.
    newest : Edit or None
        The last edit in force.
    inspection : Inspection
        Judges what the correction would make of the others: where that is odd again, they are left.
    left, done : sequence of Suspect
        Open and settled ones.
    """
    if newest is None or len(newest.changes) != 1 or newest.changes[0].track != track.name:
        return None
    first, last = newest.first, newest.last
    corrected = next((each for each in done if _is_range(each, first, last)), None)
    if corrected is None:
        return None
    alike = tuple(
        each
        for each in left
        if each.kind == corrected.kind and each.n_frames <= LONGER * corrected.n_frames
    )[:MOST]
    name = _tool_of(track, newest) if alike else ""
    if name != ABSENT:  # no box, nothing cut off; but of other boxes the pose says nothing
        alike = tuple(each for each in alike if TOUCHES not in each.reasons)
    else:
        alike = tuple(each for each in alike if _is_as_wrong(track, each, corrected, newest, inspection))
    if not name or not alike:
        return None
    where = "the boxes are in the same place" if name == ABSENT else "the result is in no way odd"
    return Offer(
        f"{counted(len(alike), 'suspect')} like this: {name}\n{located(alike)}?",
        f"{listed(alike)}. “{corrected.kind}”: does the same to the others, where {where}. "
        "Undo takes it back",
        corrected.kind,
        alike,
        lambda track: correct_all(track, TOOLS[name], alike, inspection, name),
    )


def correct_all(
    track: BoxTrack, make: Make, suspects: Sequence[Suspect], inspection: Inspection, name: str
) -> Edit | None:
    """One edit that corrects each suspect, but for those where the result would be a suspect again."""
    trial, changes = track.copy(), []
    for each in suspects:
        try:
            (change,) = make(trial, each.first, each.last).changes
        except CropzoomError:
            continue
        trial.put(change.first, change.after)
        # a frame without a box is odd until a person has said so
        if name != ABSENT and oddities(trial, each, inspection):
            trial.put(change.first, change.before)
        else:
            changes.append(change)
    if not changes:
        return None
    return Edit(f"{name} {counted(len(changes), 'suspect')}", tuple(changes))


def ranges_of(suspects: Sequence[Suspect]) -> list[tuple[int, int]]:
    """First and last frame of suspects, ascending; those that overlap are one."""
    found: list[tuple[int, int]] = []
    for each in sorted(suspects, key=lambda each: each.first):
        if found and each.first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], each.last)
        else:
            found.append((each.first, each.last))
    return found


def located(suspects: Sequence[Suspect]) -> str:
    """Where suspects are, for a button: ``frames 40 to 42`` or ``all, 83 frames from 35 to 1112``."""
    ranges = ranges_of(suspects)
    if len(suspects) == 1:
        return frames_text(*ranges[0])
    count = sum(last - first + 1 for first, last in ranges)
    return f"all, {counted(count, 'frame')} from {ranges[0][0]} to {ranges[-1][1]}"


def listed(suspects: Sequence[Suspect]) -> str:
    """Where suspects are, for a tooltip: ``Frames 35, 124 to 126``."""
    ranges = ranges_of(suspects)
    named = [str(first) if first == last else f"{first} to {last}" for first, last in ranges[:NAMED]]
    more = f" and {counted(len(ranges) - NAMED, 'more place')}" if len(ranges) > NAMED else ""
    count = sum(last - first + 1 for first, last in ranges)
    return f"{'Frame' if count == 1 else 'Frames'} {', '.join(named)}{more}"


def _is_as_wrong(
    track: BoxTrack, suspect: Suspect, corrected: Suspect, edit: Edit, inspection: Inspection
) -> bool:
    """Whether the boxes of a suspect are like those that an edit took away of a corrected one.

    For the same reasons, in the same place, no likelier.
    """
    if [kind_of(each) for each in suspect.reasons] != [kind_of(each) for each in corrected.reasons]:
        return False
    likelihood = inspection.evidence.likelihood
    if likelihood is not None:
        here, there = (
            float(likelihood[each.first : each.last + 1].max()) for each in (suspect, corrected)
        )
        if here > there + NO_LIKELIER:
            return False
    mine = _middle_box(track.boxes[suspect.first : suspect.last + 1])
    theirs = _middle_box(edit.before.boxes)
    if mine is None or theirs is None:
        return mine is theirs
    return bool(iou(mine, theirs)[0] >= SAME_PLACE)


def _middle_box(boxes: FloatArray) -> FloatArray | None:
    """(1, 4) median of the boxes there are; None where there is none."""
    known = boxes[~np.isnan(boxes[:, 0])]
    return np.median(known, axis=0)[None] if len(known) else None


def _is_range(suspect: Suspect, first: int, last: int) -> bool:
    return abs(suspect.first - first) <= NEAR and abs(suspect.last - last) <= NEAR


def _tool_of(track: BoxTrack, edit: Edit) -> str:
    """The tool that would have made an edit, of those that need no box set by hand; empty if none."""
    before = track.copy()
    before.put(edit.first, edit.before)
    if before.is_manual_in(edit.first, edit.last).any():
        return ""
    for name, make in TOOLS.items():
        try:
            made = make(before, edit.first, edit.last)
        except CropzoomError:
            continue
        if made.changes == edit.changes:
            return name
    return ""


def _usual_size(track: BoxTrack, first: int, last: int) -> Edit:
    return set_size(track, first, last, *usual_size(track, first, last))


ABSENT = "say “no animal” in"
TOOLS: dict[str, Make] = {
    "interpolate": interpolate,
    "fill": lambda track, first, last: fill_gap(track, first, last, "interpolate"),
    "give the usual size to": _usual_size,
    "hold the box in": hold,
    ABSENT: mark_absent,
}
