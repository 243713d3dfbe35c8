"""The queue: the suspects of the raw boxes, less those that a person settled or corrected."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, IntArray, Review
from napari_cropzoom.core.inspection.inspection import (
    CONTEXT,
    DEFAULT_AMOUNT,
    Inspection,
    Suspect,
    at_least,
    rank,
    ranked,
)

# Frames on either side of an edited one that are inspected again with it.
AROUND = 8
# Suspects of this score are inspected again as a whole when one of their frames is edited.
SURE = 0.5


class SuspectQueue:
    """The queue of one track.

    The raw boxes were inspected once. Round the frames that a person edited the boxes are inspected
    again, each range once until it changes, so an edit costs a millisecond or two however long the
    track is and however much of it was edited, and what was corrected is gone.

    After a change of the track, call :meth:`renew` with the range that changed.

    Parameters
    ----------
    inspection : Inspection
        Of the raw boxes of the track.
    """

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self._suspects = ranked(inspection.suspects)
        self._first = np.array([each.first for each in self._suspects], np.int64)
        self._last = np.array([each.last for each in self._suspects], np.int64)
        self._score = np.array([each.score for each in self._suspects])
        self._is_open = np.ones(len(self._suspects), bool)
        # Edited ranges, ascending and free of overlaps, and what is odd in each.
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._found: list[list[Suspect]] = []
        self._changed: list[tuple[int, int]] = [(0, len(inspection.raw) - 1)]

    def renew(self, first: int, last: int) -> None:
        """Take note that the frames ``first`` to ``last``, both inclusive, have changed."""
        self._changed.append((first, last))

    def follow(self, track: BoxTrack) -> None:
        """Catch up with the track, as :meth:`entries` does; after many edits, work for a thread."""
        changed, self._changed = self._changed, []
        for first, last in changed:
            self._reopen(track, first, last)
            self._inspect(track, first, last)

    def entries(
        self, track: BoxTrack, amount: float = DEFAULT_AMOUNT
    ) -> tuple[list[Suspect], list[Suspect]]:
        """Suspects that are open and suspects that are settled, both by score, highest first.

        A suspect is settled when a person has accepted or edited every frame of it, or when the edited
        boxes give no more reason for it.
        """
        self.follow(track)
        counts = self._score >= 1 - amount
        first, last, is_left = self._first[counts], self._last[counts], self._is_open[counts]
        if self._starts:
            is_left &= _is_clear(first, last, np.array(self._starts), np.array(self._stops))
        fresh = ranked(at_least([each for found in self._found for each in found], amount))
        is_done = ~is_left
        if fresh:
            starts, stops = (np.sort([getattr(each, end) for each in fresh]) for end in ("first", "last"))
            is_done &= _is_clear(first, last, starts, stops)
        places = np.flatnonzero(counts)
        left = [self._suspects[place] for place in places[is_left].tolist()]
        for each in fresh:
            insort(left, each, key=rank)
        return left, [self._suspects[place] for place in places[is_done].tolist()]

    def _reopen(self, track: BoxTrack, first: int, last: int) -> None:
        """Find out which suspects of raw that meet a range have frames nobody has settled."""
        touched = np.flatnonzero((self._first <= last) & (self._last >= first))
        if not len(touched):
            return
        begin, end = int(self._first[touched].min()), int(self._last[touched].max())
        is_open = track.review[begin : end + 1] < Review.ACCEPTED
        before = np.concatenate([[0], np.cumsum(is_open, dtype=np.int64)])
        self._is_open[touched] = (
            before[self._last[touched] + 1 - begin] > before[self._first[touched] - begin]
        )

    def _inspect(self, track: BoxTrack, first: int, last: int) -> None:
        """Inspect the edited ranges again, as far as a change of a range can reach."""
        reach = CONTEXT + 2 * AROUND
        start, stop = self._whole(max(0, first - reach), min(len(track) - 1, last + reach))
        place, end = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        rows = slice(place, end)
        spans = zip(self._starts[rows], self._stops[rows], strict=True)
        known = dict(zip(spans, self._found[rows], strict=True))
        ranges = self._edited_ranges(track, start, stop)
        found = []
        for span in ranges:
            is_far = span[1] + CONTEXT < first or span[0] - CONTEXT > last
            before = known.get(span) if is_far else None
            found.append(self.inspection.again(track, *span) if before is None else before)
        self._starts[rows] = [begin for begin, _ in ranges]
        self._stops[rows] = [end for _, end in ranges]
        self._found[rows] = found

    def _whole(self, first: int, last: int) -> tuple[int, int]:
        """Widen a range until it cuts neither an edited range nor a suspect that such ranges grow by."""
        sure = self._score >= SURE
        while True:
            before = first, last
            touched = sure & (self._first <= last) & (self._last >= first)
            if touched.any():
                first = min(first, int(self._first[touched].min()))
                last = max(last, int(self._last[touched].max()))
            place, end = bisect_left(self._stops, first), bisect_right(self._starts, last)
            if place < end:
                first, last = min(first, self._starts[place]), max(last, self._stops[end - 1])
            if (first, last) == before:
                return before

    def _edited_ranges(self, track: BoxTrack, start: int, stop: int) -> list[tuple[int, int]]:
        """Edited frames with those around them and the suspects they touch, no overlaps, ascending."""
        edited = np.flatnonzero(track.review[start : stop + 1] == Review.EDITED) + start
        if not len(edited):
            return []
        apart = np.flatnonzero(np.diff(edited) > 2 * AROUND)
        starts = np.maximum(edited[np.concatenate([[0], apart + 1])] - AROUND, 0)
        stops = np.minimum(edited[np.concatenate([apart, [len(edited) - 1]])] + AROUND, len(track) - 1)
        near = (self._score >= SURE) & (self._first <= stop) & (self._last >= start)
        return _grown(starts, stops, self._first[near], self._last[near])


def _is_clear(first: IntArray, last: IntArray, starts: IntArray, stops: IntArray) -> BoolArray:
    """(N,) whether each range overlaps none of others, which are given by sorted starts and stops."""
    result: BoolArray = np.searchsorted(starts, last, "right") == np.searchsorted(stops, first)
    return result


def _grown(
    starts: IntArray, stops: IntArray, suspect_first: IntArray, suspect_last: IntArray
) -> list[tuple[int, int]]:
    """Ranges widened to the whole of every suspect they touch; those that then meet become one."""
    result: list[tuple[int, int]] = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        touched = (suspect_first <= stop) & (suspect_last >= start)
        if touched.any():
            start = min(start, int(suspect_first[touched].min()))
            stop = max(stop, int(suspect_last[touched].max()))
        if result and start <= result[-1][1]:
            start, stop = min(start, result[-1][0]), max(stop, result[-1][1])
            result.pop()
        result.append((start, stop))
    return result
