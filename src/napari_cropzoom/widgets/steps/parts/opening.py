"""Opening a file with the program that the system has for it, and hearing where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices

LINUX_OPENER = "xdg-open"
ASKED_MS, LISTENED = 100, 30.0  # milliseconds between looks, seconds


class FileOpener(QObject):
    """Opens files with the programs that the system has for them.

    On Linux Qt says that a file is open once the program that looks for one has started; whether it has
    found any is in how that ends.

    Attributes
    ----------
    failed
        Nothing opens the file; it says so in a sentence with its path.
    """

    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._running: subprocess.Popen[bytes] | None = None
        self._path = Path()
        self._since = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(ASKED_MS)
        self._timer.timeout.connect(self._look)

    def open(self, path: Path) -> None:
        """Open a file or folder."""
        self._path = path
        if not path.exists():
            self.failed.emit(f"It is not there any more: {path}")
            return
        opener = shutil.which(LINUX_OPENER) if sys.platform.startswith("linux") else None
        if opener is None:
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
                self._tell()
            return
        try:  # a program that it opens goes on when the window has closed
            self._running = subprocess.Popen(
                [opener, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self._tell()
            return
        self._since = time.monotonic()
        self._timer.start()

    def _look(self) -> None:
        code = None if self._running is None else self._running.poll()
        if code is None and time.monotonic() - self._since < LISTENED:
            return
        self._timer.stop()
        self._running = None
        if code:
            self._tell()

    def _tell(self) -> None:
        self.failed.emit(f"No program of this system opens it. It is here: {self._path}")
