"""What is still to be looked at: the bursts of the raw boxes, less what a person settled or mended."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, IntArray, Review
from napari_cropzoom.core.review import CONTEXT, DEFAULT_AMOUNT, Burst, Inspection, at_least, ranked

# Frames on either side of an edited one that are judged anew with it.
ANEW = 8
# Bursts of this score are judged anew as a whole when one of their frames is edited.
SURE = 0.5


class ReviewQueue:
    """The queue of one track.

    The raw boxes were inspected once. Round the frames that a person edited the boxes are inspected
    again, each stretch once until it changes, so an edit costs a millisecond or two however long the
    track is, and what was mended is gone.

    Parameters
    ----------
    inspection : Inspection
        Of the raw boxes of the track.
    """

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self._first = np.array([each.first for each in inspection.bursts], np.int64)
        self._last = np.array([each.last for each in inspection.bursts], np.int64)
        self._score = np.array([each.score for each in inspection.bursts])
        self._known: dict[tuple[int, int], tuple[bytes, list[Burst]]] = {}

    def entries(self, track: BoxTrack, amount: float = DEFAULT_AMOUNT) -> tuple[list[Burst], list[Burst]]:
        """Bursts that are open and bursts that are looked at, both by score, highest first.

        A burst is looked at when a person has accepted or edited every frame of it, or when the edited
        boxes give no more reason for it.
        """
        is_open = track.review < Review.ACCEPTED
        counts = self._score >= 1 - amount
        first, last = self._first[counts], self._last[counts]
        left_before = np.concatenate([[0], np.cumsum(is_open, dtype=np.int64)])
        is_left = left_before[last + 1] > left_before[first]
        stretches = self._edited_stretches(track)
        fresh: list[Burst] = []
        if stretches:
            starts, stops = np.array(stretches).T
            fresh = at_least(self._inspected(track, is_open, stretches), amount)
            is_left &= _is_clear(first, last, starts, stops)
        is_done = ~is_left
        if fresh:
            starts, stops = (np.sort([getattr(each, end) for each in fresh]) for end in ("first", "last"))
            is_done &= _is_clear(first, last, starts, stops)
        bursts = self.inspection.bursts
        places = np.flatnonzero(counts)
        left = [bursts[place] for place in places[is_left]] + fresh
        return ranked(left), ranked([bursts[place] for place in places[is_done]])

    def _edited_stretches(self, track: BoxTrack) -> list[tuple[int, int]]:
        """Edited frames with those around them and the bursts they touch, free of overlaps, ascending."""
        edited = np.flatnonzero(track.review == Review.EDITED)
        if not len(edited):
            return []
        apart = np.flatnonzero(np.diff(edited) > 2 * ANEW)
        starts = np.maximum(edited[np.concatenate([[0], apart + 1])] - ANEW, 0)
        stops = np.minimum(edited[np.concatenate([apart, [len(edited) - 1]])] + ANEW, len(track) - 1)
        counts = self._score >= SURE
        return _grown(starts, stops, self._first[counts], self._last[counts])

    def _inspected(
        self, track: BoxTrack, is_open: BoolArray, stretches: list[tuple[int, int]]
    ) -> list[Burst]:
        known = {}
        for first, last in stretches:
            rows = slice(max(0, first - CONTEXT), last + 1 + CONTEXT)
            state = track.boxes[rows].tobytes() + is_open[rows].tobytes()
            before = self._known.get((first, last))
            if before is None or before[0] != state:
                before = state, self.inspection.again(track.boxes, is_open, first, last)
            known[first, last] = before
        self._known = known
        return [each for _, found in known.values() for each in found]


def _is_clear(first: IntArray, last: IntArray, starts: IntArray, stops: IntArray) -> BoolArray:
    """(N,) whether each stretch overlaps none of others, which are given by sorted starts and stops."""
    result: BoolArray = np.searchsorted(starts, last, "right") == np.searchsorted(stops, first)
    return result


def _grown(
    starts: IntArray, stops: IntArray, burst_first: IntArray, burst_last: IntArray
) -> list[tuple[int, int]]:
    """Stretches widened to the whole of every burst they touch; those that then meet become one."""
    result: list[tuple[int, int]] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        touched = (burst_first <= stop) & (burst_last >= start)
        if touched.any():
            start = min(start, int(burst_first[touched].min()))
            stop = max(stop, int(burst_last[touched].max()))
        if result and start <= result[-1][1]:
            start, stop = min(start, result[-1][0]), max(stop, result[-1][1])
            result.pop()
        result.append((start, stop))
    return result
