"""A program of its own that files can be dragged out of, with the real mouse, into another window.

Run it with the paths of the files; it says ``ready`` once its window is there, in the corner of the
screen that ``PLACE`` names, and ends when what reads it does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACE, SIDE = (1500, 40), 60  # pixels of the screen: beside the windows of the tests


@contextmanager
def drag_source(*files: Path) -> Iterator[tuple[int, int]]:
    """Run it; gives the place on the screen to drag from."""
    command = [sys.executable, __file__, *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == "ready"
        yield PLACE[0] + SIDE // 2, PLACE[1] + SIDE // 2
        program.kill()


def main() -> None:
    """Show the window."""
    from qtpy.QtCore import QMimeData, Qt, QTimer, QUrl
    from qtpy.QtGui import QDrag
    from qtpy.QtWidgets import QApplication, QWidget

    class Source(QWidget):
        def mousePressEvent(self, event):
            data = QMimeData()
            data.setUrls([QUrl.fromLocalFile(path) for path in sys.argv[1:]])
            drag = QDrag(self)
            drag.setMimeData(data)
            drag.exec(Qt.DropAction.CopyAction)

    app = QApplication([])
    source = Source(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
    source.setGeometry(*PLACE, SIDE, SIDE)
    source.show()
    QTimer.singleShot(200, lambda: print("ready", flush=True))
    app.exec()


if __name__ == "__main__":
    main()
