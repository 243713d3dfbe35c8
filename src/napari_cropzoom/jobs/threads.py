"""Work of 50 ms to some seconds in a thread, answered on the thread that asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QObject, Qt, QThreadPool, QTimer, Signal

DRAWN_FIRST = 150
"""Milliseconds in which the window has drawn what a person did, or a job has brought."""


def has_gone(callback: Callable[..., object] | None) -> bool:
    """Whether a callback is a method of a Qt object that is deleted, as when its window was closed."""
    owner = getattr(callback, "__self__", None)
    return isinstance(owner, QObject) and not isalive(owner)


class ThreadHandle(QObject):
    """A function running in a thread of Qt's pool; its answer is delivered on the asking thread.

    Attributes
    ----------
    generation : int
        Number given by the one that asked, to tell new answers from stale ones.
    is_running : bool
        False once the answer was delivered or dropped.
    """

    _ended = Signal(object, object)

    def __init__(
        self,
        on_done: Callable[[Any], object] | None,
        on_error: Callable[[Exception], object] | None,
        generation: int,
    ) -> None:
        super().__init__(QCoreApplication.instance())
        self.generation = generation
        self.is_running = True
        self._ignored = False
        self._on_done = on_done
        self._on_error = on_error
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def ignore(self) -> None:
        """Drop the answer when it comes; the function itself runs on."""
        self._ignored = True
        self._on_done = self._on_error = None

    def run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Call the function; runs in the pool's thread."""
        result, error = None, None
        try:
            result = function(*args)
        except Exception as raised:  # delivered to on_error, on the thread that asked
            error = raised
        with contextlib.suppress(RuntimeError):  # the application is gone, and this object with it
            self._ended.emit(result, error)

    def _on_ended(self, result: Any, error: Exception | None) -> None:
        """Deliver after the window has drawn what is pending."""
        QTimer.singleShot(0, lambda: self._deliver(result, error))

    def _deliver(self, result: Any, error: Exception | None) -> None:
        self.is_running = False
        on_done, on_error, ignored = self._on_done, self._on_error, self._ignored
        self._on_done = self._on_error = None
        self.deleteLater()
        if ignored or has_gone(on_done) or has_gone(on_error):
            return
        if error is None:
            if on_done is not None:
                on_done(result)
        elif on_error is not None:
            on_error(error)
        else:
            raise error


def run_in_thread(
    function: Callable[..., Any],
    *args: Any,
    on_done: Callable[[Any], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    generation: int = 0,
) -> ThreadHandle:
    """Run ``function(*args)``, work of 50 ms to some seconds, in a thread.

    ``on_done(result)`` or ``on_error(exception)`` is called on the thread that asked, from its event
    loop. Without ``on_error`` an exception is raised there, where napari shows it.
    """
    handle = ThreadHandle(on_done, on_error, generation)
    QThreadPool.globalInstance().start(lambda: handle.run(function, args))
    return handle


class Latest:
    """Many requests, one answer: only that of the newest is delivered.

    One request runs at a time. While it runs, a newer one replaces the one that waits, so that a slider
    dragged for a minute never queues more than one computation.

    Parameters
    ----------
    on_done : callable
        Called with the result of the newest request, on the asking thread.
    on_error : callable, optional
        Called with its exception.
    pause : int
        Milliseconds to wait before each, so that the window first draws what has changed: Python runs
        one thread at a time, and one that computes makes drawing twice as slow.
    """

    def __init__(
        self,
        on_done: Callable[[Any], object],
        on_error: Callable[[Exception], object] | None = None,
        *,
        pause: int = 0,
    ) -> None:
        self.generation = 0
        self._pause = pause
        self._is_pausing = False
        self._on_done = on_done
        self._on_error = on_error
        self._running: ThreadHandle | None = None
        self._waiting: tuple[Callable[..., Any], tuple[Any, ...]] | None = None

    @property
    def is_running(self) -> bool:
        """Whether an answer that will be delivered is still to come."""
        return self._waiting is not None or (
            self._running is not None and self._running.generation == self.generation
        )

    def request(self, function: Callable[..., Any], *args: Any) -> int:
        """Ask for ``function(*args)``; every answer asked for before is dropped.

        Returns
        -------
        int
            Generation of this request.
        """
        self.generation += 1
        self._waiting = (function, args)
        if self._pause == 0:
            self._start()
        elif not self._is_pausing:
            self._is_pausing = True
            QTimer.singleShot(self._pause, self._after_pause)
        return self.generation

    def drop(self) -> None:
        """Drop every answer still to come."""
        self.generation += 1
        self._waiting = None

    def _after_pause(self) -> None:
        self._is_pausing = False
        self._start()

    def _start(self) -> None:
        if self._is_pausing or self._running is not None or self._waiting is None:
            return
        (function, args), self._waiting = self._waiting, None
        self._running = run_in_thread(
            function, *args, on_done=self._done, on_error=self._failed, generation=self.generation
        )

    def _is_newest(self) -> bool:
        handle, self._running = self._running, None
        newest = handle is not None and handle.generation == self.generation
        self._start()
        return newest

    def _done(self, result: Any) -> None:
        if self._is_newest() and not has_gone(self._on_done):
            self._on_done(result)

    def _failed(self, error: Exception) -> None:
        if not self._is_newest() or has_gone(self._on_done):
            return
        if self._on_error is None:
            raise error
        self._on_error(error)
