"""What a timeline shows of a track: speed, size and place of every box, raw and final, at any zoom."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, IntArray, Review, Source
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth, smoothing_reach
from napari_cropzoom.core.timeline.pyramid import Pyramid, RankStrip

QUANTITIES = ("speed", "size", "centre x", "centre y")
_SCORE_STEPS = 3


class State(IntEnum):
    """What is known of a frame, in one word."""

    UNSEEN = 0
    FLAGGED = 1
    ACCEPTED = 2
    EDITED = 3
    ABSENT = 4
    INTERPOLATED = 5
    """Seen neither by the detector nor by a person."""


# Work that is left wins over work that is done: a column is "accepted" only if all of it is.
STATE_RANKS = (3, 5, 0, 1, 2, 4)


# Of :class:`Source`: what is rare and what a person did wins over what the detector says.
SOURCE_RANKS = (5, 0, 1, 6, 2, 3, 4)


class Flag(Protocol):
    """A range of frames that is suspicious, both ends inclusive."""

    @property
    def frame(self) -> int:
        """The worst frame."""

    @property
    def first(self) -> int:
        """First frame of the range."""

    @property
    def last(self) -> int:
        """Last frame of the range."""

    @property
    def score(self) -> float:
        """How suspicious, 0 to 1."""

    @property
    def reason(self) -> str:
        """Why."""


def quantities(boxes: FloatArray, before: FloatArray | None = None) -> NDArray[np.float32]:
    """Speed, size, centre x and centre y of boxes.

    Parameters
    ----------
    boxes : ndarray, (N, 4)
        ``x, y, w, h`` in pixels, NaN where missing.
    before : ndarray, (4,), optional
        The box before the first one.

    Returns
    -------
    ndarray, (4, N) float32
        Speed of the centre since the frame before, in pixels a frame; side of the square of the same
        area, centre x and centre y, in pixels.
    """
    before = np.full(4, np.nan) if before is None else before
    x, y, w, h = boxes.T
    made = np.empty((len(QUANTITIES), len(boxes)), np.float32)
    made[2], made[3] = x + w / 2, y + h / 2
    start = before[:2] + before[2:] / 2
    made[0] = np.hypot(np.diff(made[2], prepend=start[0]), np.diff(made[3], prepend=start[1]))
    made[1] = np.sqrt(w * h)
    return made


class BoxSeries:
    """The quantities of a track of boxes as pyramids.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN where missing.
    """

    def __init__(self, boxes: FloatArray) -> None:
        self._values = quantities(boxes)
        self.pyramids = {name: Pyramid(row) for name, row in zip(QUANTITIES, self._values, strict=True)}

    def put(self, first: int, boxes: FloatArray, before: FloatArray | None = None) -> None:
        """Take new boxes, (N, 4), of the frames from ``first`` on, ``before`` the one before them."""
        last = first + len(boxes) - 1
        self._values[:, first : last + 1] = quantities(boxes, before)
        for pyramid in self.pyramids.values():
            pyramid.renew(first, last)


class TrackSeries:
    """All that a timeline draws of one track.

    Parameters
    ----------
    track : BoxTrack
        A copy that nobody changes meanwhile, if this is made in a thread.
    settings : SmoothingSettings

    Attributes
    ----------
    raw, final : BoxSeries
        As detected or imported, and smoothed with the edits; gaps are gaps in both.
    states : RankStrip
        :class:`State` of every frame.
    sources : RankStrip
        :class:`Source` of every frame.
    manual : ndarray, (A,) int64
        Frames set by hand, ascending.
    """

    def __init__(self, track: BoxTrack, settings: SmoothingSettings) -> None:
        self.raw = BoxSeries(track.raw)
        self._settings = settings
        self.final = BoxSeries(smooth(track.boxes, settings, track.is_manual))
        self.manual = track.manual_frames()
        self.sources = RankStrip(track.source, SOURCE_RANKS)
        self._flagged = np.zeros(len(track), bool)
        self.states = RankStrip(frame_states(track.source, track.review, self._flagged), STATE_RANKS)

    def __len__(self) -> int:
        return len(self.states)

    def renew(self, track: BoxTrack, first: int, last: int) -> tuple[int, int]:
        """Follow an edit of the frames ``first`` to ``last``; returns the frames that it can move."""
        n_frames = len(track)
        start, stop = smoothing_reach(first, last, self._settings, n_frames)
        stop = min(stop + 1, n_frames - 1)  # its speed is that since the frame before
        begin, end = smoothing_reach(max(start - 1, 0), stop, self._settings, n_frames)
        part = smooth(track.boxes[begin : end + 1], self._settings, track.is_manual_in(begin, end))
        before = part[start - 1 - begin] if start > 0 else None
        self.final.put(start, part[start - begin : stop + 1 - begin], before)
        self._renew_states(track, first, last)
        self.sources.renew(first, track.source[first : last + 1])
        new = np.flatnonzero(track.is_manual_in(first, last)) + first
        place, after = np.searchsorted(self.manual, [first, last + 1])
        self.manual = np.concatenate([self.manual[:place], new, self.manual[after:]])
        return start, stop

    def set_flags(self, track: BoxTrack, flags: Sequence[Flag]) -> None:
        """Take the queue of suspects."""
        flagged = np.zeros(len(self), bool)
        for flag in flags:
            flagged[flag.first : flag.last + 1] = True
        changed = np.flatnonzero(flagged != self._flagged)
        self._flagged = flagged
        if len(changed):
            self._renew_states(track, int(changed[0]), int(changed[-1]))

    def _renew_states(self, track: BoxTrack, first: int, last: int) -> None:
        rows = slice(first, last + 1)
        states = frame_states(track.source[rows], track.review[rows], self._flagged[rows])
        self.states.renew(first, states)


def frame_states(
    source: NDArray[np.uint8], review: NDArray[np.uint8], flagged: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """(T,) uint8 :class:`State` of frames from source, review and whether they are in the queue.

    Frames without a box are suspects if the queue says so: before there are any boxes it is empty.
    """
    states = review.copy()
    unseen = (review == Review.UNSEEN) | ((review == Review.FLAGGED) & (source == Source.MISSING))
    states[unseen] = State.UNSEEN
    states[unseen & (source == Source.INTERPOLATED)] = State.INTERPOLATED
    states[unseen & flagged] = State.FLAGGED
    states[source == Source.ABSENT] = State.ABSENT
    return states


class FlagStrip:
    """The queue as a strip at any zoom, and the flags by frame.

    Parameters
    ----------
    flags : sequence of Flag
    n_frames : int
    """

    def __init__(self, flags: Sequence[Flag], n_frames: int) -> None:
        self.flags = sorted(flags, key=lambda flag: (flag.first, flag.frame))
        self.worst: IntArray = np.array([flag.frame for flag in self.flags], np.int64)
        self._first = np.array([flag.first for flag in self.flags], np.int64)
        self._last = np.array([flag.last for flag in self.flags], np.int64)
        levels = np.zeros(n_frames, np.uint8)
        for flag in sorted(flags, key=lambda flag: flag.score):
            level = 1 + round(_SCORE_STEPS * min(max(flag.score, 0.0), 1.0))
            levels[flag.first : flag.last + 1] = level
        self.levels = RankStrip(levels, np.arange(_SCORE_STEPS + 2))

    def __len__(self) -> int:
        return len(self.flags)

    def near(self, frame: float, reach: float) -> Flag | None:
        """Flag whose range is nearest to ``frame``, not farther than ``reach`` frames."""
        if not self.flags:
            return None
        away = np.maximum(np.maximum(self._first - frame, frame - self._last), 0)
        nearest = int(np.argmin(away))
        on_it = np.flatnonzero(away == away[nearest])
        best = max(on_it.tolist(), key=lambda place: self.flags[place].score)
        return self.flags[best] if away[best] <= reach else None

    def next_after(self, frame: int, direction: int) -> int | None:
        """Worst frame of the next flag whose worst frame lies beyond ``frame``; direction 1 or -1."""
        beyond = self.worst[(self.worst - frame) * direction > 0]
        if not len(beyond):
            return None
        return int(beyond.min() if direction > 0 else beyond.max())
