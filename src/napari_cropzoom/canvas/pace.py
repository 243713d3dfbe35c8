"""Tell frames that follow each other closely from single ones."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QTimer

CLOSE = 0.25  # seconds from one frame to the next
PAUSE = 150  # milliseconds without another frame


class StepPace:
    """Says of every step whether another came just before it, and calls back once they pause.

    What only adorns a frame (the handles of the box, the caption, tables) can then wait for the pause.
    Without a Qt application no step is close to another: nobody would call back.

    Parameters
    ----------
    on_pause : callable
        Called after the last of several close steps.
    """

    def __init__(self, on_pause: Callable[[], None]) -> None:
        self._last = -CLOSE
        self._on_pause = on_pause
        self._timer: QTimer | None = None

    def step(self) -> bool:
        """Tell of another step; returns whether it follows closely on the one before."""
        now = time.monotonic()
        is_close, self._last = now - self._last < CLOSE, now
        if not is_close or QCoreApplication.instance() is None:
            return False
        if self._timer is None:
            self._timer = QTimer()
            self._timer.setSingleShot(True)
            self._timer.timeout.connect(self._on_pause)
        self._timer.start(PAUSE)
        return True

    def close(self) -> None:
        """Call nobody any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
