"""Suspects of which a person has accepted a part: that stays accepted, and only the rest is open.

A suspect may reach further than it did when it was accepted: the pixels were looked at since, the boxes
have another size, a pose has come. What is accepted one after the other stays several entries, so that
what is reviewed never becomes less by reviewing more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.editing.edits import Change, Edit, frames_text
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.core.runs import runs

_LASTING = re.compile(r" for [\d,]+ frames?\b")


def without_accepted(
    suspects: Iterable[Suspect], review: NDArray[np.uint8]
) -> tuple[list[Suspect], list[Suspect]]:
    """Suspects without the frames that a person has accepted, and what was accepted of them.

    Parameters
    ----------
    suspects : iterable of Suspect
        Open ones.
    review : ndarray, (T,) uint8
        Values of :class:`Review`.

    Returns
    -------
    list of Suspect
        Those without an accepted frame as they are. Of the others each run of the other frames: it lies
        next to what was accepted, and its :attr:`Suspect.note` says so.
    list of Suspect
        The accepted runs, and those that a person has edited as a whole.
    """
    left, settled, frames = list[Suspect](), list[Suspect](), np.flatnonzero(review == Review.ACCEPTED)
    suspects = list(suspects)
    before = np.searchsorted(frames, [each.first for each in suspects])
    after = np.searchsorted(frames, [each.last for each in suspects], "right")
    for each, has_accepted in zip(suspects, (after > before).tolist(), strict=True):
        if not has_accepted:
            left.append(each)
            continue
        is_accepted = review[each.first : each.last + 1] == Review.ACCEPTED
        accepted = _ranges(each, is_accepted)
        settled += [_part(each, *span) for span in accepted]
        for first, last in _ranges(each, ~is_accepted):
            if (review[first : last + 1] < Review.ACCEPTED).any():
                beside = [span for span in accepted if span[1] == first - 1 or span[0] == last + 1]
                note = "; ".join(filter(None, (_next_to(beside), each.note)))
                left.append(replace(_part(each, first, last), note=note))
            else:
                settled.append(_part(each, first, last))
    return left, settled


def by_gesture(
    settled: Iterable[Suspect], review: NDArray[np.uint8], acceptances: Sequence[Change]
) -> list[Suspect]:
    """Settled suspects, with one that was accepted bit by bit as an entry for each bit.

    Parameters
    ----------
    settled : iterable of Suspect
    review : ndarray, (T,) uint8
        Values of :class:`Review`.
    acceptances : sequence of Change
        Of that track, see :func:`acceptances_of`.
    """
    edges = sorted({edge for each in acceptances for edge in (each.first, each.last + 1)})
    found = list[Suspect]()
    for suspect in settled:
        place = bisect_right(edges, suspect.first)
        is_cut = place < len(edges) and edges[place] <= suspect.last
        if is_cut and (review[suspect.first : suspect.last + 1] == Review.ACCEPTED).all():
            found += [_part(suspect, *span) for span in _bits(suspect, acceptances)]
        else:
            found.append(suspect)
    return found


def acceptances_of(edits: Iterable[Edit], track: str) -> list[Change]:
    """What edits in force have accepted in a track, in their order."""
    accepted = int(Review.ACCEPTED)  # there may be thousands of edits, and this is asked after each
    return [
        change
        for edit in edits
        for change in edit.changes
        if change.after.review.item(0) == accepted and change.track == track
    ]


def _bits(suspect: Suspect, acceptances: Sequence[Change]) -> list[tuple[int, int]]:
    """Ranges of a suspect that were accepted at once; what was accepted twice belongs to the first."""
    number = np.zeros(suspect.n_frames, np.int64)
    for place, change in enumerate(acceptances, 1):
        first, last = max(change.first, suspect.first), min(change.last, suspect.last)
        if first <= last:
            is_new = (
                change.before.review[first - change.first : last + 1 - change.first] != Review.ACCEPTED
            )
            number[first - suspect.first : last + 1 - suspect.first][is_new] = place
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), suspect.n_frames]
    return [(suspect.first + first, suspect.first + after - 1) for first, after in pairwise(edges)]


def _ranges(suspect: Suspect, mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    return [(suspect.first + first, suspect.first + last) for first, last in runs(mask)]


def _part(suspect: Suspect, first: int, last: int) -> Suspect:
    """Some frames of a suspect; the worst is the one nearest to the worst of all."""
    if (first, last) == (suspect.first, suspect.last):
        return suspect
    reasons = tuple(_LASTING.sub("", reason) for reason in suspect.reasons)  # the whole lasted so long
    frame = min(max(suspect.frame, first), last)
    return replace(suspect, frame=frame, first=first, last=last, reasons=reasons)


def _next_to(accepted: list[tuple[int, int]]) -> str:
    """``next to frames 43 to 45, which you accepted``."""
    where = " and ".join(frames_text(*span) for span in accepted)
    return f"{'next to' if len(accepted) == 1 else 'between'} {where}, which you accepted"
