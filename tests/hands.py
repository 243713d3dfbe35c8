"""Two ways to move the mouse and press keys: as the window system's own, or as Qt's, on any system.

Positions are whole pixels of the screen, as Qt counts them. Keys have the names of X: ``Delete``,
``ctrl+z``, ``shift+Right``, ``question``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import deque
from functools import partial
from typing import Protocol

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QCursor, QEnterEvent, QGuiApplication, QWheelEvent, QWindow
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

LEFT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
NOTCH = 120  # eighths of a degree that a notch of a wheel turns
_MODIFIERS = {
    "ctrl": Qt.KeyboardModifier.ControlModifier,
    "shift": Qt.KeyboardModifier.ShiftModifier,
    "alt": Qt.KeyboardModifier.AltModifier,
}
# without Shift for "?": Qt asks a real keyboard whether it needs that
_KEYS = {
    "Prior": "PageUp",
    "Next": "PageDown",
    "space": "Space",
    "slash": "Slash",
    "question": "Question",
}


class Hands(Protocol):
    """What a person has on the desk. Events are on their way when a method returns, not yet handled."""

    def move(self, x: int, y: int) -> None:
        """Move the mouse there."""

    def press(self) -> None:
        """Press the left button where the mouse is."""

    def release(self) -> None:
        """Release the left button."""

    def click(self, times: int = 1) -> None:
        """Press and release the left button; twice for a double click."""

    def wheel(self, notches: int) -> None:
        """Turn the wheel, away from the person if positive."""

    def key_down(self, key: str) -> None:
        """Press a key and hold it."""

    def key_up(self, key: str) -> None:
        """Let go of a key."""

    def key(self, *keys: str) -> None:
        """Press and release keys, one after the other."""

    def do(self, *words: object) -> None:
        """Do what xdotool does when it is given these words."""

    def place(self) -> QPoint:
        """Where the mouse is."""


class WindowSystemHands:
    """The mouse and the keyboard of an X display, moved by xdotool."""

    def move(self, x: int, y: int) -> None:
        self.do("mousemove", x, y)

    def press(self) -> None:
        self.do("mousedown", 1)

    def release(self) -> None:
        self.do("mouseup", 1)

    def click(self, times: int = 1) -> None:
        self.do("click", "--repeat", times, "--delay", 40, 1)

    def wheel(self, notches: int) -> None:
        for _ in range(abs(notches)):
            self.do("click", 4 if notches > 0 else 5)

    def key_down(self, key: str) -> None:
        self.do("keydown", key)

    def key_up(self, key: str) -> None:
        self.do("keyup", key)

    def key(self, *keys: str) -> None:
        self.do("key", *keys)

    def place(self) -> QPoint:
        return QCursor.pos()

    def do(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], check=True, timeout=20)


class QtHands:
    """Events put into Qt where those of the window system come in, so that Qt finds where they go.

    The mouse of the desk stays where it is. A click makes a window the active one, as on a desk.
    """

    def __init__(self) -> None:
        self._place = QPoint(0, 0)
        self._held: QWindow | None = None  # gets all of the mouse until the button is released
        self._entered: QWindow | None = None

    def move(self, x: int, y: int) -> None:
        self._place = QPoint(x, y)
        window = self._window()
        if self._entered is not window:
            self._enter(window)
        if window is None:
            QCursor.setPos(self._place)  # the other mouse is not to lie on a window that opens
        else:
            QTest.mouseMove(window, window.mapFromGlobal(self._place))

    def press(self) -> None:
        window = self._held = self._window()
        if window is not None:
            if QGuiApplication.focusWindow() is not window and QApplication.activePopupWidget() is None:
                window.requestActivate()
            QTest.mousePress(window, LEFT, NO_MODIFIER, window.mapFromGlobal(self._place))

    def release(self) -> None:
        window, self._held = self._held, None  # before: what it starts may use these hands
        if window is not None and isalive(window):
            QTest.mouseRelease(window, LEFT, NO_MODIFIER, window.mapFromGlobal(self._place))

    def click(self, times: int = 1) -> None:
        window = self._window()
        if times == 1 or window is None:
            self.press()
            self.release()
        else:
            QTest.mouseDClick(window, LEFT, NO_MODIFIER, window.mapFromGlobal(self._place))

    def wheel(self, notches: int) -> None:
        turned = QPoint(0, NOTCH if notches > 0 else -NOTCH)
        for _ in range(abs(notches)):
            widget = QApplication.widgetAt(self._place)
            while widget is not None:  # Qt has only the window system's turns go on to what lies behind
                here = QPointF(widget.mapFromGlobal(self._place))
                event = QWheelEvent(
                    here, QPointF(self._place), QPoint(), turned,
                    NO_BUTTON, NO_MODIFIER, Qt.ScrollPhase.NoScrollPhase, False,
                )  # fmt: skip
                QCoreApplication.sendEvent(widget, event)
                widget = None if event.isAccepted() or widget.isWindow() else widget.parentWidget()

    def key_down(self, key: str) -> None:
        QTest.keyPress(self._listening(), *_qt_key(key))

    def key_up(self, key: str) -> None:
        QTest.keyRelease(self._listening(), *_qt_key(key))

    def key(self, *keys: str) -> None:
        for key in keys:
            self.key_down(key)
            self.key_up(key)

    def do(self, *words: object) -> None:
        given = deque(map(str, words))
        while given:
            self._do(given.popleft(), given)

    def place(self) -> QPoint:
        return QPoint(self._place)

    def _do(self, command: str, given: deque[str]) -> None:
        """One command of xdotool, with the words it takes."""
        if command == "mousemove":
            self.move(int(given.popleft()), int(given.popleft()))
            return
        times = 1
        while given and given[0].startswith("--"):
            option, value = given.popleft(), given.popleft()
            times = int(value) if option == "--repeat" else times
        buttons = {"click": partial(self.click, times), "mousedown": self.press, "mouseup": self.release}
        keys = {"key": self.key, "keydown": self.key_down, "keyup": self.key_up}
        if command == "click" and given[0] in ("4", "5"):
            self.wheel(times if given.popleft() == "4" else -times)
        elif command in buttons:
            assert given.popleft() == "1", "only the left button is known here"
            buttons[command]()
        elif command == "type":
            QTest.keyClicks(QApplication.focusWidget(), given.popleft())
        else:
            while given and given[0] not in {*keys, *buttons, "mousemove", "type"}:
                keys[command](given.popleft())

    def _enter(self, window: QWindow | None) -> None:
        """Have the mouse leave the window it was in, and come into another."""
        if self._entered is not None and isalive(self._entered):
            QCoreApplication.sendEvent(self._entered, QEvent(QEvent.Type.Leave))
        self._entered = window
        if window is not None:
            here, there = QPointF(window.mapFromGlobal(self._place)), QPointF(self._place)
            QCoreApplication.sendEvent(window, QEnterEvent(here, here, there))

    def _window(self) -> QWindow | None:
        """The window that hears of the mouse."""
        if self._held is not None and isalive(self._held):
            return self._held
        window = QGuiApplication.topLevelAt(self._place)
        while window is not None and window.parent() is not None:
            window = window.parent()
        return window

    def _listening(self) -> QWindow:
        """The window that hears of keys."""
        window = QGuiApplication.focusWindow() or QApplication.activeWindow().windowHandle()
        assert window is not None, "no window is active"
        return window


def _qt_key(name: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    """A key and its modifiers for Qt."""
    *held, last = name.split("+")
    modifiers = NO_MODIFIER
    for each in held:
        modifiers |= _MODIFIERS[each]
    last = _KEYS.get(last, last)
    return getattr(Qt.Key, f"Key_{last.upper() if len(last) == 1 else last}"), modifiers


KINDS = {"xdotool": WindowSystemHands, "qt": QtHands}


def usual_hands() -> str:
    """Which hands this system has, unless ``CROPZOOM_HANDS`` says which to take."""
    has_xdotool = sys.platform.startswith("linux") and shutil.which("xdotool")
    return os.environ.get("CROPZOOM_HANDS") or ("xdotool" if has_xdotool else "qt")
