"""Tell frames that come one upon the other from one that stays."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QTimer

CLOSE = 0.6  # seconds between two frames of a quick run; a slow machine takes half of that to draw one
RUN = 4  # frames that make a quick run
REST = 400  # milliseconds without a frame after which the last one is drawn with care


class Hurry:
    """Says of every frame whether it belongs to a quick run, and calls back once the frames rest.

    Without a Qt application nothing is ever in a hurry: nobody would call back.

    Parameters
    ----------
    at_rest : callable
        Called after a quick run of frames.
    """

    def __init__(self, at_rest: Callable[[], None]) -> None:
        self._last = -CLOSE
        self._run = 0
        self._at_rest = at_rest
        self._timer: QTimer | None = None

    def step(self) -> bool:
        """Tell of another frame; returns whether it and those before it make a quick run."""
        now = time.monotonic()
        self._run = self._run + 1 if now - self._last < CLOSE else 1
        self._last = now
        if self._run < RUN or QCoreApplication.instance() is None:
            return False
        if self._timer is None:
            self._timer = QTimer()
            self._timer.setSingleShot(True)
            self._timer.timeout.connect(self._at_rest)
        self._timer.start(REST)
        return True

    def close(self) -> None:
        """Call nobody any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


def after(milliseconds: int, act: Callable[[], None]) -> Callable[[], None]:
    """Call ``act`` later, or now without a Qt application; returns what calls it off."""
    if QCoreApplication.instance() is None:
        act()
        return lambda: None
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(act)
    timer.start(milliseconds)
    return timer.stop
