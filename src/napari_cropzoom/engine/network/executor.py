"""Share out the processor between batches: several at a time, each on few cores.

A network that is given all cores for one batch makes them wait for each other at every layer, and for the
core that is decoding just then. With a core for each batch nobody waits: on 2 cores, with a video decoded
beside it, resnet18 at 128x128 ran 1.25 to 1.4 times as fast.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Generic, TypeVar

from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.background import awaited

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

_SETTING = threading.Lock()
MOST_BATCHES = 4
"""Each holds a batch and all that a network makes of it."""


_allowed: list[int] = []


def allow_cores(count: int) -> None:
    """Have networks of this process use so many cores; to be said before the first is loaded."""
    _allowed[:] = [count]


@cache
def cores() -> int:
    """Threads that torch takes for one operation; called before any thread has been given fewer."""
    import torch

    for count in _allowed:
        torch.set_num_threads(count)
    return int(torch.get_num_threads())


def processors() -> int:
    """Threads that what is not torch uses, which counts cores this process may not run on."""
    if _allowed:
        return _allowed[0]
    may = getattr(os, "sched_getaffinity", None)
    return len(may(0)) if may else os.cpu_count() or 1


def shared(every: int) -> tuple[int, int]:
    """How many batches run side by side on so many cores, and how many cores each has."""
    count = min(every, MOST_BATCHES)
    return count, every // count


class BatchPool:
    """Threads for batches.

    Parameters
    ----------
    share_processor : bool
        Whether batches run side by side, each on a part of the cores; False runs one at a time, as is
        right for a graphics card and for a runtime with threads of its own.
    of_torch : bool
        Whether it is torch that has to be told how many cores to take.

    Attributes
    ----------
    count : int
        Batches at a time.
    threads : int
        Cores for each.
    """

    def __init__(self, share_processor: bool, *, of_torch: bool = True) -> None:
        every = cores() if of_torch else processors()
        self.count, self.threads = shared(every) if share_processor else (1, every)
        begin = partial(_set_threads, self.threads, every) if of_torch else None
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="network", initializer=begin)

    def submit(self, work: Callable[[A], B], batch: A) -> Future[B]:
        """Have ``work(batch)`` done as soon as a thread is free."""
        return self._pool.submit(work, batch)


class OrderedResults(Generic[B, C]):
    """Results of batches in the order in which they were started, each with a note.

    One more than run at a time is started before the first is waited for, so that no thread waits until
    a result has been taken.
    """

    def __init__(self, pool: BatchPool) -> None:
        self._most = pool.count + 1
        self._waiting: deque[tuple[Future[B], C]] = deque()

    def __enter__(self) -> OrderedResults[B, C]:
        return self

    def __exit__(self, *error: object) -> None:
        """Give up batches that have not begun."""
        for future, _ in self._waiting:
            future.cancel()

    @property
    def is_full(self) -> bool:
        """Whether a result has to be taken before another batch is started."""
        return len(self._waiting) >= self._most

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, future: Future[B], note: C) -> None:
        """Remember a batch that was started."""
        self._waiting.append((future, note))

    def take(self, progress: Progress) -> Stage[tuple[B, C]]:
        """Return the oldest result, reporting ``progress`` while it is made."""
        future, note = self._waiting.popleft()
        result = yield from awaited(future, progress)
        return result, note


def _set_threads(threads: int, of: int) -> None:
    """Have torch use so many threads for what this thread asks of it, and ``of`` for other ones.

    ``torch.set_num_threads`` sets both: what the calling thread uses, and what any other one takes over
    when it first asks, as this one does here. The latter is then put back by a thread that ends at once.
    """
    import torch

    with _SETTING:
        torch.set_num_threads(threads)
        torch.get_num_threads()
        other = threading.Thread(target=torch.set_num_threads, args=(of,))
        other.start()
        other.join()
