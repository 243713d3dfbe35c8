"""Which docks reach into the corners at the bottom of the window, and which stand side by side there."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QScrollBar, QWidget

from napari_cropzoom.widgets.window.hides_on_close import holder_of

WIDE = 1240
"""Pixels of a window in which the timeline has room enough between the docks at the sides."""
TALL = 1000
"""Pixels down in which the steps have room enough above what is below."""
SIDE_BY_SIDE = 1100
"""Pixels in which timeline and preview have room between the docks at the sides, though not much."""
NARROW = 960
"""Pixels that a wide window may be made narrower to at once: half of 1920, as at a scale of 200 %."""
SLIDER = 90
"""Pixels that napari's slider of the frames needs; with its own 150 a long video makes a window wider."""
TIMELINE, PREVIEW = "timeline", "crop_preview"  # object names
_RIGHT, _BOTTOM = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea


class Corners(QObject):
    """Gives the corners to the docks at the sides, which need the height; not where there is much of it.

    napari's docks at the left are 480 pixels high at least: with the timeline below them a window of
    1280x720 would grow. The steps at the right are read from top to bottom. A narrow window that is low
    shows timeline and preview in one place, as tabs.

    Parameters
    ----------
    window : QMainWindow
        Followed until it goes.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._is_tabbed = False  # by us
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        window.installEventFilter(self)
        self.arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look again when the window changes its size."""
        if event.type() == QEvent.Type.Resize:
            self.arrange()
        return False

    def arrange(self) -> None:
        """Give corners and places as the size of the window asks for."""
        window = self._window
        for bar in window.centralWidget().findChildren(QScrollBar):
            bar.setMinimumWidth(min(bar.minimumWidth(), SLIDER))
        is_low, is_wide = window.height() < TALL, window.width() >= WIDE
        area = _RIGHT if is_wide or is_low else _BOTTOM
        is_crowded = is_low and window.width() < SIDE_BY_SIDE
        if window.corner(Qt.Corner.BottomRightCorner) != area:
            window.setCorner(Qt.Corner.BottomRightCorner, area)
        self._put_together(is_crowded)
        # more stands side by side in a wide window, which is no reason to keep it from this width
        is_beside = area == _RIGHT and not is_crowded
        if window.minimumWidth() != (least := NARROW if is_beside else 0):
            window.setMinimumWidth(least)

    def _put_together(self, is_crowded: bool) -> None:
        """Have timeline and preview as tabs or side by side, unless a person has moved one of them."""
        timeline, preview = (dock_of(self._window, name) for name in (TIMELINE, PREVIEW))
        if timeline is None or preview is None:
            return
        both = (timeline, preview)
        if any(each.isFloating() or self._window.dockWidgetArea(each) != _BOTTOM for each in both):
            self._is_tabbed = False
            return
        if is_crowded and not self._is_tabbed and not self._window.tabifiedDockWidgets(timeline):
            self._window.tabifyDockWidget(timeline, preview)
            timeline.raise_()
            self._is_tabbed = True
        elif self._is_tabbed and not is_crowded:
            self._is_tabbed = False  # which `tabifiedDockWidgets` knows only once they are laid out
            self._window.addDockWidget(_BOTTOM, preview, Qt.Orientation.Horizontal)


def dock_of(window: QMainWindow, name: str) -> QDockWidget | None:
    """The dock that a widget of this object name is in."""
    widget = window.findChild(QWidget, name)
    return None if widget is None else holder_of(widget)


def give_corners(window: QMainWindow) -> None:
    """Have the corners of a window follow its size, from now on."""
    corners = window.findChild(Corners)
    if corners is None:
        Corners(window)
    else:
        corners.arrange()
