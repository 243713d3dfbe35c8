"""A window without OpenGL inside napari's, in front of a widget: what it draws is seen at once.

Qt puts a window that holds an OpenGL widget together again, by OpenGL, for every pixel of any widget that
changes. Without a graphics card (a virtual machine, a remote desktop) that takes 25 ms; a pane takes 2.
"""

from __future__ import annotations

import atexit

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QRect, Qt
from qtpy.QtGui import QGuiApplication, QRasterWindow
from qtpy.QtWidgets import QWidget

_ALIVE: set[Pane] = set()
"""Qt keeps the window of a pane, but nothing its Python half, should its owner forget it too early."""


@atexit.register
def delete_panes() -> None:
    """Delete the panes that are left when Python ends: one that outlives Qt's application crashes."""
    for pane in [pane for pane in _ALIVE if isalive(pane)]:
        pane.deleteLater()
        QCoreApplication.sendPostedEvents(pane, QEvent.Type.DeferredDelete.value)
    _ALIVE.clear()


def panes_work() -> bool:
    """Whether panes were tried where this runs: on X11, by events and by pictures of the display."""
    return bool(QGuiApplication.platformName() == "xcb")


class Pane(QRasterWindow):
    """Lies over a widget and lets mouse and keys through, until it is taken away; subclasses draw.

    Parameters
    ----------
    widget : QWidget
        What it lies over; it may be moved and resized.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget.window().windowHandle())
        self.setFlags(Qt.WindowType.WindowTransparentForInput | Qt.WindowType.WindowDoesNotAcceptFocus)
        self._widget = widget
        _ALIVE.difference_update([pane for pane in _ALIVE if not isalive(pane)])
        _ALIVE.add(self)

    def show_in_place(self) -> None:
        """Lie over the widget as it is now, and draw at the next event."""
        window = self._widget.window()
        self.setGeometry(QRect(self._widget.mapTo(window, QPoint(0, 0)), self._widget.size()))
        if self.isVisible():
            self.update()
        else:
            self.show()  # which has it drawn

    def take_away(self) -> None:
        """Uncover the widget for good."""
        _ALIVE.discard(self)
        self.hide()
        # What was drawn behind the pane has not come to the display. If Qt drew the parent of an OpenGL
        # widget meanwhile, only doing so again makes the hole that the widget is seen through.
        (self._widget.parentWidget() or self._widget).update(self._widget.geometry())
        self.deleteLater()
