"""How long a job still takes."""

from __future__ import annotations


class TimeLeft:
    """Seconds left, from a rate that follows changes but not jitter."""

    SMOOTHING_SECONDS = 5.0
    FIRST_ANSWER_SECONDS = 0.5

    def __init__(self) -> None:
        self._start: tuple[float, int, int] | None = None
        self._last = (0.0, 0)
        self._rate = 0.0

    def update(self, done: int, total: int, now: float) -> float:
        """Return the seconds left at time ``now``, -1 while unknown."""
        if self._start is None or done < self._last[1] or total != self._start[2]:
            self._start, self._last, self._rate = (now, done, total), (now, done), 0.0
            return -1.0
        elapsed, since = now - self._start[0], now - self._last[0]
        if since > 0:
            rate = (done - self._last[1]) / since
            weight = max(since / self.SMOOTHING_SECONDS, since / elapsed)
            self._rate += min(weight, 1.0) * (rate - self._rate)
            self._last = (now, done)
        if elapsed < self.FIRST_ANSWER_SECONDS or self._rate <= 0 or total <= 0:
            return -1.0
        return max(total - done, 0) / self._rate
