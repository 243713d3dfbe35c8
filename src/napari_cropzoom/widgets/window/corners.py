"""Which docks reach into the corners at the bottom of the window."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow

WIDE = 1240
"""Pixels of a window in which the timeline has room enough between the docks at the sides."""


class Corners(QObject):
    """Gives the corners to the docks at the sides, which need the height; the right one if it is wide.

    napari's docks at the left are 480 pixels high at least: with the timeline below them a window of
    1280x720 would grow. The steps at the right are read from top to bottom.

    Parameters
    ----------
    window : QMainWindow
        Followed until it goes.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        window.installEventFilter(self)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look again when the window changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._arrange()
        return False

    def _arrange(self) -> None:
        right, bottom = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        area = right if self._window.width() >= WIDE else bottom
        if self._window.corner(Qt.Corner.BottomRightCorner) != area:
            self._window.setCorner(Qt.Corner.BottomRightCorner, area)


def give_corners(window: QMainWindow) -> None:
    """Have the corners of a window follow its width, from now on."""
    if window.findChild(Corners) is None:
        Corners(window)
