"""Has a dock be hidden by the button that napari closes it with, so that what is in it goes on.

And be called what it is: in the title of a dock that is opened from its menu, napari writes the plugin's
name once more.
"""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QDockWidget, QLabel, QPushButton, QWidget

CLOSE_BUTTON = "QTitleBarCloseButton"
HELP = "hide this panel; the review goes on"
_DONE = "cropzoom_hides"


class HidesOnClose(QObject):
    """Changes what the × in the title of a widget's dock does, now and in the titles napari makes later.

    napari's own × takes the widget out of the window for good. Docks that code removes
    (``viewer.window.remove_dock_widget``) are removed as before.

    Parameters
    ----------
    widget : QWidget
        To be put into a dock of napari, or there already.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        widget.installEventFilter(self)
        self._hold()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the widget into its dock, and the dock to its new title."""
        if watched is self._widget:
            if event.type() == QEvent.Type.ParentChange:
                self._hold()
        elif event.type() == QEvent.Type.ChildPolished:
            self._change(watched)
        return bool(super().eventFilter(watched, event))

    def _hold(self) -> None:
        holder = holder_of(self._widget)
        if holder is not None:
            holder.installEventFilter(self)
            self._change(holder)

    def _change(self, holder: QObject) -> None:
        change_buttons(holder)
        name = self._widget.windowTitle()
        if isinstance(holder, QDockWidget) and name:
            change_title(holder, name)


def holder_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget is in."""
    holder = widget.parent()
    return holder if isinstance(holder, QDockWidget) else None


def change_buttons(holder: QObject) -> None:
    """Have each × of a dock hide it."""
    if not isinstance(holder, QDockWidget):
        return
    for button in holder.findChildren(QPushButton, CLOSE_BUTTON):
        if not button.property(_DONE):
            button.setProperty(_DONE, True)
            button.clicked.disconnect()
            button.clicked.connect(holder.hide)  # after it has floated, `close` leaves it on the screen
            button.setToolTip(HELP)


def change_title(holder: QDockWidget, name: str) -> None:
    """Write a name over a dock, where it floats too, and into the menu that shows it."""
    title, before = holder.titleBarWidget(), holder.objectName()
    for label in title.findChildren(QLabel) if title is not None else ():
        if label.text() == before:
            label.setText(name)
    if holder.windowTitle() != name:
        holder.setWindowTitle(name)
