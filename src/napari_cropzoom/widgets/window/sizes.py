"""The sizes of the docks come back when a window that was made small is made large again.

Qt makes docks narrower and lower with the window, and leaves them so when it grows.
"""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow

AFTER = 50  # milliseconds since the window had another size, in which it has laid out its docks
NOTED_AFTER = 300  # and since a dock had another size, in which a person moves the edge further
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
_SIDES = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)


@dataclass(frozen=True)
class Sizes:
    """Sizes of docks, by dock with its area, in a window of a size."""

    window: QSize
    docks: dict[QDockWidget, tuple[Qt.DockWidgetArea, QSize]]


class DockSizes(QObject):
    """Keeps what a person gave to each dock, and gives each its part of a window of another size.

    What counts is the last that was noted: when the docks had taken their places, or an edge was moved
    with the mouse. A larger window than that leaves them as they are, and the picture is larger.

    Parameters
    ----------
    window : QMainWindow
        Followed until it goes.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._kept = Sizes(window.size(), {})
        self._later, self._note_later = (QTimer(self, singleShot=True) for _ in range(2))
        self._later.setInterval(AFTER)
        self._later.timeout.connect(self._give)
        self._note_later.setInterval(NOTED_AFTER)
        self._note_later.timeout.connect(self.note)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the window, and the edges that a person moves."""
        if event.type() == QEvent.Type.Resize:
            if watched is self._window:
                self._note_later.stop()
                self._later.start()
            elif not self._later.isActive() and QApplication.mouseButtons() == Qt.MouseButton.LeftButton:
                self._note_later.start()
        return False

    def note(self) -> None:
        """Keep the sizes there are now."""
        docks = {}
        for dock in self._window.findChildren(QDockWidget):
            dock.installEventFilter(self)  # once only, however often it is said
            if _is_in_place(dock):
                docks[dock] = self._window.dockWidgetArea(dock), dock.size()
        self._kept = Sizes(self._window.size(), docks)

    def _give(self) -> None:
        """Give each dock that is still where it was its part of the window."""
        now, kept = self._window.size(), self._kept
        there = {
            dock: size
            for dock, (area, size) in kept.docks.items()
            if _is_in_place(dock) and self._window.dockWidgetArea(dock) == area
        }
        across, down = (min(1.0, now.width() / kept.window.width()), now.height() / kept.window.height())
        for orientation, part, areas in (
            (Qt.Orientation.Horizontal, across, (_BOTTOM, *_SIDES)),
            (Qt.Orientation.Vertical, min(1.0, down), (_BOTTOM,)),
        ):
            docks = [dock for dock in there if self._window.dockWidgetArea(dock) in areas]
            sizes = [there[dock] for dock in docks]
            is_down = orientation == Qt.Orientation.Vertical
            lengths = [round(part * (size.height() if is_down else size.width())) for size in sizes]
            if docks:
                self._window.resizeDocks(docks, lengths, orientation)


def keep_sizes(window: QMainWindow) -> None:
    """Have the sizes that the docks of a window have now come back, from now on."""
    kept = window.findChild(DockSizes) or DockSizes(window)
    kept.note()


def _is_in_place(dock: QDockWidget) -> bool:
    """Whether a dock is seen where it belongs, not behind another one."""
    return dock.isVisible() and not dock.isFloating() and not dock.visibleRegion().isEmpty()
