"""The smoothed layer of a track: computed once, kept, and renewed only where an edit reaches."""

from __future__ import annotations

from napari_cropzoom.core.boxes import Box, BoxTrack, FloatArray
from napari_cropzoom.core.smoothing.methods import Shake, SmoothingSettings, smooth, smoothing_reach


class SmoothedTrack:
    """Smoothed boxes of ``track`` under ``settings``; equals ``smooth(track.boxes, ...)`` at all times.

    After a change of the track, call :meth:`renew` with the range that changed.

    Attributes
    ----------
    shake : Shake or None
        As it was measured last, of the whole track; an edit hardly changes it. None before.
    n_left : int
        How many boxes smoothing leaves, measured with it; see :func:`.leaving.frames_left`.
    """

    def __init__(self, track: BoxTrack, settings: SmoothingSettings) -> None:
        self.track = track
        self.settings = settings
        self.shake: Shake | None = None
        self.n_left = 0
        self._boxes: FloatArray | None = None
        self._asked: tuple[int, Box] | None = None  # the box asked for last: picture, preview and line do

    def box(self, frame: int) -> Box:
        """Smoothed box of one frame, at a cost that does not grow with the track."""
        if self._boxes is not None:
            return Box(*self._boxes[frame].tolist())
        if self._asked is not None and self._asked[0] == frame:
            return self._asked[1]
        box = Box(*self.part(frame, frame)[0].tolist())
        self._asked = frame, box
        return box

    def part(self, first: int, last: int) -> FloatArray:
        """(N, 4) smoothed boxes of a range, both ends inclusive; the cost is that of the range."""
        if self._boxes is not None:
            return self._boxes[first : last + 1]
        start, stop = smoothing_reach(first, last, self.settings, len(self.track))
        boxes, is_manual = self.track.boxes[start : stop + 1], self.track.is_manual_in(start, stop)
        return smooth(boxes, self.settings, is_manual)[first - start : last + 1 - start]

    def boxes(self) -> FloatArray:
        """(T, 4) smoothed boxes, NaN where missing; do not write to it."""
        if self._boxes is None:
            self._boxes = smooth(self.track.boxes, self.settings, self.track.is_manual)
        return self._boxes

    def renew(self, first: int, last: int) -> None:
        """Follow a change of the frames ``first`` to ``last``, both inclusive."""
        self._asked = None
        if self._boxes is None:
            return
        track, n_frames = self.track, len(self.track)
        start, stop = smoothing_reach(first, last, self.settings, n_frames)
        begin, end = smoothing_reach(start, stop, self.settings, n_frames)
        part = smooth(track.boxes[begin : end + 1], self.settings, track.is_manual_in(begin, end))
        self._boxes[start : stop + 1] = part[start - begin : stop + 1 - begin]
