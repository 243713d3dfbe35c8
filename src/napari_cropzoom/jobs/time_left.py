"""How long a job still takes."""

from __future__ import annotations


class TimeLeft:
    """Seconds left: one estimate that settles, and then counts down.

    The rate is an average over about the last half of the time so far, so that it follows what lasts and
    not what passes. The end that it comes to is moved only when it is clearly another one.
    """

    LEAST_SMOOTHING_SECONDS = 5.0
    SMOOTHING_SHARE = 0.5  # of the time so far
    FIRST_ANSWER_SECONDS = 1.0
    STEADY = 0.12  # of the time left, by which the end may be off

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None
        self._last = (0.0, 0)
        self._rate = 0.0
        self._end: float | None = None

    def update(self, done: int, total: int, now: float) -> float:
        """Return the seconds left at time ``now``, -1 while unknown; ``total`` may change on the way."""
        if self._start is None or done < self._last[1]:
            self._start, self._last, self._rate, self._end = (now, done), (now, done), 0.0, None
            return -1.0
        elapsed, since = now - self._start[0], now - self._last[0]
        if since > 0:
            rate = (done - self._last[1]) / since
            smoothing = max(self.LEAST_SMOOTHING_SECONDS, self.SMOOTHING_SHARE * elapsed)
            self._rate += min(max(since / smoothing, since / elapsed), 1.0) * (rate - self._rate)
            self._last = (now, done)
        if elapsed < self.FIRST_ANSWER_SECONDS or self._rate <= 0 or total <= 0:
            return -1.0
        if done >= total:
            return 0.0
        left = max(total - done, 0) / self._rate
        if self._end is None or abs(now + left - self._end) > max(self.STEADY * left, 1.0):
            self._end = now + left
        return max(self._end - now, 0.0)
