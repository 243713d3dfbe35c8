"""Which docks reach into the corners at the bottom of the window."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow, QScrollBar

WIDE = 1240
"""Pixels of a window in which the timeline has room enough between the docks at the sides."""
NARROW = 960
"""Pixels that a wide window may be made narrower to at once: half of 1920, as at a scale of 200 %."""
SLIDER = 90
"""Pixels that napari's slider of the frames needs; with its own 150 a long video makes a window wider."""


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
        for bar in self._window.centralWidget().findChildren(QScrollBar):
            bar.setMinimumWidth(min(bar.minimumWidth(), SLIDER))
        right, bottom = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        area = right if self._window.width() >= WIDE else bottom
        if self._window.corner(Qt.Corner.BottomRightCorner) != area:
            self._window.setCorner(Qt.Corner.BottomRightCorner, area)
            # more stands side by side in a wide window, which is no reason to keep it from this width
            self._window.setMinimumWidth(NARROW if area == right else 0)


def give_corners(window: QMainWindow) -> None:
    """Have the corners of a window follow its width, from now on."""
    if window.findChild(Corners) is None:
        Corners(window)
