"""Drop files on a widget, for tests to import."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QWidget


def drop(
    target: QWidget,
    *paths: Path,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> QWidget | None:
    """Send what Qt sends when files are dropped on the middle of a widget: to it, or to its parents."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    rest = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, modifiers)
    widget, place = target, target.rect().center()
    while widget is not None:
        if widget.acceptDrops():
            enter = QDragEnterEvent(QPoint(place), *rest)
            enter.ignore()
            QApplication.sendEvent(widget, enter)
            if enter.isAccepted():
                QApplication.sendEvent(widget, QDropEvent(QPointF(place), *rest))
                return widget
        place, widget = widget.mapToParent(place), None if widget.isWindow() else widget.parentWidget()
    return None
