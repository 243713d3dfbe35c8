"""Tells keys that are held down from keys that are pressed again."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QWidget

from napari_cropzoom.widgets.shortcuts_dialog import shortcut_of

PAIR = 60  # milliseconds; who presses a key again takes longer from one press to the next


class HeldKeys(QObject):
    """Holds back repeats of keys that act once, by the time of their events.

    Some systems say which events are repeats. Many remote desktops send a held key as pairs of up and
    down that follow each other at once, as if a person had pressed it again and again, and so does a
    display under load. A tool acts when its key comes up; so that is handed on only once no press has
    followed at once, or anything else is done.

    Parameters
    ----------
    parent : QObject
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._let_go: dict[int, int] = {}
        self._tool: int | None = None  # key that acts when it comes up
        self._up: tuple[QWidget, QKeyEvent] | None = None  # that key has, unless it is a repeat
        self._is_handing_on = False
        self._pause = QTimer(self, singleShot=True, interval=PAIR)
        self._turn = QTimer(self, singleShot=True, interval=0)  # a press may wait behind the pause
        self._pause.timeout.connect(self._turn.start)
        self._turn.timeout.connect(self.settle)

    def holds_back(self, watched: QWidget, event: QKeyEvent) -> bool:
        """Take note of a key; whether it is a repeat that means nothing, or may be one."""
        if self._is_handing_on:
            return False
        if event.type() == QEvent.Type.KeyPress:
            return self._holds_press(event)
        return self._holds_release(watched, event)

    @property
    def is_waiting(self) -> bool:
        """Whether it is not known yet if a key is up."""
        return self._up is not None

    def settle(self) -> None:
        """Hand on that a key has come up, if that waits."""
        self._pause.stop()
        self._turn.stop()
        waiting, self._up = self._up, None
        if waiting is None:
            return
        self._tool = None
        watched, event = waiting
        if isalive(watched):
            self._is_handing_on = True
            try:
                QApplication.sendEvent(watched, event)
            finally:
                self._is_handing_on = False

    def _holds_press(self, event: QKeyEvent) -> bool:
        key, now = event.key(), event.timestamp()
        since = now - self._let_go.get(key, now - PAIR)
        is_repeat = event.isAutoRepeat() or 0 <= since < PAIR
        found = shortcut_of(event)
        if is_repeat and key == self._tool:  # whatever it would mean without a modifier that is up first
            self._up = None
            self._pause.stop()
            self._turn.stop()
            return True
        self.settle()
        if is_repeat:
            return found is not None and not found.repeats
        if found is not None:
            self._tool = key if found.edit is not None else None
        return False

    def _holds_release(self, watched: QWidget, event: QKeyEvent) -> bool:
        key = event.key()
        self._let_go[key] = event.timestamp()
        if key != self._tool or event.isAutoRepeat():
            return False
        self._up = watched, _copy(event)
        self._pause.start()
        return True


def _copy(event: QKeyEvent) -> QKeyEvent:
    """An event as it was; Qt deletes its own once it has been handled."""
    return QKeyEvent(
        event.type(),
        event.key(),
        event.modifiers(),
        event.nativeScanCode(),
        event.nativeVirtualKey(),
        event.nativeModifiers(),
        event.text(),
        event.isAutoRepeat(),
        event.count(),
    )
