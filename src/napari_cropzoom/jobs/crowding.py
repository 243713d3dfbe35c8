"""Whether other programs keep a process from the processor, so that it takes longer than it would."""

from __future__ import annotations

import os
from typing import NamedTuple

import psutil

SECONDS_BETWEEN = 4.0
LITTLE_IDLE = 0.1  # of all processors: with more, nobody waits for one


class Usage(NamedTuple):
    """Processor seconds, each since some time of its own.

    Attributes
    ----------
    own : float
        Of a worker and this process.
    busy : float
        Of all processors together, for all programs.
    total : float
        The same, and what was idle.
    """

    own: float
    busy: float
    total: float

    @classmethod
    def now(cls, pid: int) -> Usage:
        """Read it for a worker.

        Raises
        ------
        psutil.Error
            If the worker is gone.
        """
        own = (psutil.Process(each).cpu_times() for each in (pid, os.getpid()))
        everyone = psutil.cpu_times()
        idle = everyone.idle + getattr(everyone, "iowait", 0.0)
        total = sum(everyone) - getattr(everyone, "guest", 0.0) - getattr(everyone, "guest_nice", 0.0)
        return cls(sum(each.user + each.system for each in own), total - idle, total)


def is_crowded(before: Usage, after: Usage) -> bool:
    """Whether between two readings hardly a processor was idle and others had more than the worker."""
    own, busy, total = (late - early for early, late in zip(before, after, strict=True))
    return total > 0 and total - busy < LITTLE_IDLE * total and busy - own > own


class Crowding:
    """Follows a worker, at a reading every few seconds."""

    def __init__(self) -> None:
        self._last: tuple[float, int, Usage] | None = None
        self._is_crowded = False

    def update(self, pid: int | None, now: float) -> bool:
        """Return whether the worker ``pid`` had to share at time ``now``; False while that is unknown."""
        if pid is None or (self._last is not None and now - self._last[0] < SECONDS_BETWEEN):
            return self._is_crowded
        try:
            usage = Usage.now(pid)
        except psutil.Error:
            return False
        if self._last is not None and self._last[1] == pid:
            self._is_crowded = is_crowded(self._last[2], usage)
        self._last = now, pid, usage
        return self._is_crowded
