"""What an edit that was not made for a suspect alone cures: one that is still odd stays open."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, Review
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT, Inspection, at_least
from napari_cropzoom.core.inspection.suspect import Suspect, kind_of


def oddities(track: BoxTrack, suspect: Suspect, inspection: Inspection) -> list[Suspect]:
    """What would be odd in the frames of a suspect if nobody had reviewed them.

    Weaker findings than the suspect itself do not count, unless it is one that is rather no fault. The
    track is written to meanwhile, and is left as it was.
    """
    state = track.snapshot(suspect.first, suspect.last)
    track.put(suspect.first, replace(state, review=np.full(len(state), Review.UNSEEN, np.uint8)))
    found = inspection.again(track, max(0, suspect.first - 1), min(len(track) - 1, suspect.last + 1))
    track.put(suspect.first, state)
    return at_least(found, max(DEFAULT_AMOUNT, 1 - suspect.score))


def is_cured(
    suspect: Suspect,
    track: BoxTrack,
    edit: Edit,
    inspection: Inspection,
    known: Set[str] = frozenset(),
    curable: Set[str] | None = None,
) -> bool:
    """Whether an edit leaves none of the reasons of a suspect.

    Parameters
    ----------
    suspect : Suspect
    track : BoxTrack
        Without the edit, which is tried out there; it is left as it was.
    edit : Edit
    inspection : Inspection
        Judges both. A reason that it does not find in the boxes before, it cannot tell to be gone.
    known : set of str
        Reasons that the edit is known to cure.
    curable : set of str, optional
        Kinds of reasons that it may cure, without numbers; by default any.
    """
    kinds = {kind_of(each) for each in suspect.reasons if each not in known}
    if not kinds:
        return True
    if curable is not None and not kinds <= curable:
        return False
    was = _kinds(oddities(track, suspect, inspection))
    edit.apply({track.name: track})
    now = _kinds(oddities(track, suspect, inspection))
    edit.inverse().apply({track.name: track})
    return kinds <= was and not kinds & now


def _kinds(found: Iterable[Suspect]) -> set[str]:
    return {kind_of(reason) for each in found for reason in each.reasons}


def leaving_open(
    edit: Edit, track: BoxTrack, suspects: Iterable[Suspect], inspection: Inspection
) -> tuple[Edit, int]:
    """The same edit, but the frames of suspects that it does not cure are not reviewed by it.

    Parameters
    ----------
    edit : Edit
        Of that track alone, and of consecutive frames.
    track : BoxTrack
        Without the edit.
    suspects : iterable of Suspect
        Open ones that a person is not looking at.
    inspection : Inspection

    Returns
    -------
    Edit
    int
        How many suspects stay open.
    """
    (change,) = edit.changes
    trial = track.copy()
    review, count = change.after.review.copy(), 0
    for each in suspects:
        first, last = max(each.first, change.first), min(each.last, change.last)
        if first <= last and not is_cured(each, trial, edit, inspection):
            rows = slice(first - change.first, last + 1 - change.first)
            review[rows], count = change.before.review[rows], count + 1
    changed = replace(change, after=replace(change.after, review=review))
    return replace(edit, changes=(changed,)), count
