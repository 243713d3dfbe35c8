"""Do by hand what a person would do, and count it where it comes in: for tests to import.

A gesture is a press of a mouse button (a click, a drag), a press of a key with what is held meanwhile, a
turn of the wheel by a notch, or a drop. Each key of a value that is typed counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QWindow
from qtpy.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from drag_source import drag_source
from gui_events import canvas_of, hands, spin, wait_for, wait_for_keys
from review_window import is_under_mouse

MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta)
_KINDS = {
    QEvent.Type.MouseButtonPress: "press",
    QEvent.Type.KeyPress: "key",
    QEvent.Type.ShortcutOverride: "key",
    QEvent.Type.Wheel: "wheel",
    QEvent.Type.Drop: "drop",
}


class Gestures(QObject):
    """Counts what the window system tells the windows of this program, whoever caused it.

    Attributes
    ----------
    kinds : Counter
        How many of each kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kinds: Counter[str] = Counter()
        self._asked = Qt.Key.Key_unknown  # a key that Qt has offered to shortcuts, before it is pressed

    @property
    def count(self) -> int:
        """How many so far."""
        return self.kinds.total()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count; keeps nothing back."""
        kind = _KINDS.get(event.type())
        is_from_outside = event.spontaneous() or kind == "drop"  # Qt marks all others
        if kind is not None and isinstance(watched, QWindow) and is_from_outside:
            self.kinds[kind] += 1 if kind != "key" or self._is_press(event) else 0
        return False

    def _is_press(self, event) -> bool:
        if event.isAutoRepeat() or event.key() in MODIFIERS:
            return False
        asked, self._asked = self._asked, Qt.Key.Key_unknown
        if event.type() == QEvent.Type.ShortcutOverride:
            self._asked = event.key()
            return True
        return event.key() != asked


@contextmanager
def counted() -> Iterator[Gestures]:
    """Count all gestures within the context."""
    gestures, app = Gestures(), QApplication.instance()
    app.installEventFilter(gestures)
    try:
        yield gestures
    finally:
        app.removeEventFilter(gestures)


def click(widget: QWidget) -> None:
    """Click the middle of a widget, which has to be in view: nothing is scrolled."""

    def is_reached() -> bool:
        middle = widget.mapToGlobal(widget.rect().center())
        hands().move(middle.x() + 1, middle.y())
        hands().move(middle.x(), middle.y())
        spin(0.15)
        return is_under_mouse(widget) and middle == widget.mapToGlobal(widget.rect().center())

    wait_for(lambda: widget.isVisible() and widget.isEnabled())
    wait_for(is_reached)
    hands().click()
    spin(0.15)


def press(key: str) -> None:
    """Press a key, wherever the focus is."""
    canvas_of().window().activateWindow()  # as a window manager would after a dialog
    wait_for(lambda: canvas_of().window().isActiveWindow())
    hands().key(key)
    spin(0.15)
    wait_for_keys(canvas_of().window())


def drop(path: Path, target: QWidget, then: Callable[[], None] = lambda: None) -> None:
    """Drag a file out of another program onto a widget; ``then`` goes on from within a dialog."""
    with drag_source(path) as start:
        middle = target.mapToGlobal(target.rect().center())
        hands().move(*start)
        spin(0.2)
        hands().press()
        for part in np.linspace(0, 1, 12)[1:]:
            place = np.asarray(start) + part * (np.array([middle.x(), middle.y()]) - start)
            hands().move(*place.round().astype(int))
            spin(0.1)
        spin(0.3)
        QTimer.singleShot(50, then)
        hands().release()
        spin(0.3)


def agree_to(title: str, button: str) -> Callable[[], None]:
    """Return what clicks a button of a dialog once that is there."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QDialog) or dialog.windowTitle() != title or not dialog.isVisible():
            QTimer.singleShot(50, look)
            return
        found = [one for one in dialog.findChildren(QPushButton) if one.text().strip("&") == button]
        click(found[0])

    return look
