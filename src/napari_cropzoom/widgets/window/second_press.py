"""Keeps the second press of a double click from a button that has another effect than the first."""

from __future__ import annotations

import math
import time
import weakref

from qtpy.QtCore import QEvent, QObject, QRect, Qt, QTimer
from qtpy.QtGui import QGuiApplication, QInputEvent, QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QAbstractButton, QWidget

ACTS_ON = "acts_on"
"""Property of a button that does the same to one thing after another: what it would do it to now."""
AT_ONCE = 0.1  # seconds after a press was acted on, in which nobody has read what came of it
_CLICKS = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
_RELEASES = (QEvent.Type.MouseButtonRelease, QEvent.Type.KeyRelease)


class SecondPress(QObject):
    """Watches buttons: a press is not taken where it follows another one and would do something else.

    What a press has done may give a button another text (*Larger boxes* in one suspect, then in all), or
    put another button in its place. A click within the system's time of a double click, in the place of
    the first one, is meant for what was there before, and so is a key after a key, unless Tab came
    between. So is one that had to wait until the first one was acted on. A press of the same button with
    the same text is taken, unless its property :data:`ACTS_ON` has changed.

    Parameters
    ----------
    parent : QObject
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._button: weakref.ref[QAbstractButton] | None = None
        self._effect: tuple[str, object] = "", None
        self._place = QRect()
        self._is_by_key = False
        self._pressed = 0  # milliseconds, of the event
        self._acted = -math.inf  # seconds; infinite while a press or its release is acted on
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._note_acted)

    def watch(self, widget: QWidget) -> None:
        """Watch the buttons in a widget that are there now, or the button that it is."""
        for each in (widget, *widget.findChildren(QAbstractButton)):
            if isinstance(each, QAbstractButton):
                each.removeEventFilter(self)
                each.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave out a press that is meant for what was there before."""
        return self.holds_back(watched, event)

    def holds_back(self, watched: QObject, event: QEvent) -> bool:
        """Take note of an event; whether it is a press that is not to be taken."""
        if not isinstance(watched, QAbstractButton) or not isinstance(event, QInputEvent):
            return False
        if event.type() in _RELEASES:
            self._act()
            return False
        is_click = event.type() in _CLICKS and _is_left(event)
        if _is_key(event, Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self._button = None  # a person goes to another button
        if not is_click and not _is_key(event, Qt.Key.Key_Space):
            return False
        is_meant = is_click == self._is_by_key or self._is_meant(watched, event)
        self._pressed, self._is_by_key = event.timestamp(), not is_click
        if is_meant:
            self._button, self._effect = weakref.ref(watched), _effect(watched)
            self._place = QRect(watched.mapToGlobal(watched.rect().topLeft()), watched.size())
            self._act()
        return not is_meant

    def _is_meant(self, watched: QAbstractButton, event: QInputEvent) -> bool:
        if self._button is None:
            return True
        before = self._button()
        if before is not None and before is watched and _effect(before) == self._effect:
            return True
        if isinstance(event, QMouseEvent) and not self._is_there(event):
            return True
        interval = QGuiApplication.styleHints().mouseDoubleClickInterval()
        is_second = 0 <= event.timestamp() - self._pressed < interval
        return not is_second and time.monotonic() - self._acted >= AT_ONCE

    def _is_there(self, event: QMouseEvent) -> bool:
        """Whether the mouse is where the button was that was pressed before."""
        return bool(self._place.contains(event.globalPosition().toPoint()))

    def _act(self) -> None:
        self._acted = math.inf
        self._turn.start()

    def _note_acted(self) -> None:
        self._acted = time.monotonic()


def _effect(button: QAbstractButton) -> tuple[str, object]:
    return button.text(), button.property(ACTS_ON)


def _is_left(event: QEvent) -> bool:
    return isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton


def _is_key(event: QEvent, *keys: Qt.Key) -> bool:
    """Whether one of some keys is pressed; a key that is held counts once."""
    return (
        event.type() == QEvent.Type.KeyPress
        and isinstance(event, QKeyEvent)
        and event.key() in keys
        and not event.isAutoRepeat()
    )
