"""Slow calls in a thread of their own while a stage goes on reporting."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, TypeVar

from napari_cropzoom.core.progress import Progress, Stage

T = TypeVar("T")

SECONDS_BETWEEN_REPORTS = 0.25


def awaited(future: Future[T], progress: Progress) -> Stage[T]:
    """Report the same progress again and again until the future is done, and return its result."""
    while not wait([future], timeout=SECONDS_BETWEEN_REPORTS).done:
        yield progress
    return future.result()


class Prefetch(Generic[T]):
    """A generator advanced in a thread, a few items ahead of who takes them.

    Parameters
    ----------
    items : generator
        Runs and is closed in the thread.
    depth : int
        Most items kept ready: the bound on memory.
    """

    def __init__(self, items: Generator[T], depth: int) -> None:
        self._items = items
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._ready: deque[Future[T | None]] = deque()
        for _ in range(depth):
            self._order()

    def take(self, progress: Progress) -> Stage[T | None]:
        """Return the next item, None after the last one, reporting ``progress`` while it is made."""
        self._order()
        item = yield from awaited(self._ready.popleft(), progress)
        return item

    def __enter__(self) -> Prefetch[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for future in self._ready:
            future.cancel()
        self._pool.submit(self._items.close)
        self._pool.shutdown(wait=True)

    def _order(self) -> None:
        self._ready.append(self._pool.submit(next, self._items, None))
