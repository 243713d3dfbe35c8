"""How long a job still takes."""

from __future__ import annotations


class TimeLeft:
    """Seconds left: one estimate that settles, and then counts down.

    The rate is an average over about the last half of the time so far, so that it follows what lasts and
    not what passes. The end that it comes to is moved only when it is clearly another one. The first part
    of a long job says nothing yet, and does not count where it was slow: a model is warmed up in it.
    """

    LEAST_SMOOTHING_SECONDS = 5.0
    SMOOTHING_SHARE = 0.5  # of the time so far
    FIRST_ANSWER_SECONDS = 1.0
    STEADY = 0.12  # of the time left, by which the end may be off
    FIRST_PART = 0.1  # of all, at most, for it to say nothing
    SLOW = 2.0  # by which the second part is quicker, for the first not to count

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None
        self._last = (0.0, 0)
        self._rate = 0.0
        self._end: float | None = None
        self._first = (0.0, 0)  # after the first part
        self._parts = 0

    def update(self, done: int, total: int, now: float) -> float:
        """Return the seconds left at time ``now``, -1 while unknown; ``total`` may change on the way."""
        if self._start is None or done < self._last[1]:
            self._start, self._last, self._rate, self._end = (now, done), (now, done), 0.0, None
            self._parts = 0
            return -1.0
        if done > self._last[1]:
            self._count_part(done, now)
        elapsed, since = now - self._start[0], now - self._last[0]
        if since > 0:
            rate = (done - self._last[1]) / since
            smoothing = max(self.LEAST_SMOOTHING_SECONDS, self.SMOOTHING_SHARE * elapsed)
            self._rate += min(max(since / smoothing, since / elapsed), 1.0) * (rate - self._rate)
            self._last = (now, done)
        if elapsed < self.FIRST_ANSWER_SECONDS or self._rate <= 0 or total <= 0:
            return -1.0
        if self._parts < 2 and done < self.FIRST_PART * total:
            return -1.0
        if done >= total:
            return 0.0
        left = max(total - done, 0) / self._rate
        if self._end is None or abs(now + left - self._end) > max(self.STEADY * left, 1.0):
            self._end = now + left
        return max(self._end - now, 0.0)

    def _count_part(self, done: int, now: float) -> None:
        self._parts += 1
        if self._parts == 1:
            self._first = now, done
        elif self._parts == 2 and self._start is not None:
            (begin, none), (then, some) = self._start, self._first
            if (done - some) * (then - begin) > self.SLOW * (some - none) * (now - then):
                self._start, self._last, self._rate = self._first, self._first, 0.0
