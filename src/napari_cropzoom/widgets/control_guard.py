"""Keeps the wheel, the keys and the focus where a person means them, over all controls of a widget."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.compat import isalive
from qtpy.QtCore import QChildEvent, QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QScrollBar,
    QSplitter,
    QTextEdit,
    QWidget,
)

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.widgets.gl_context import canvas_near
from napari_cropzoom.widgets.shortcuts_dialog import act_on_key, shortcut_of
from napari_cropzoom.widgets.window.focus_ring import FocusRing
from napari_cropzoom.widgets.window.held_keys import HeldKeys
from napari_cropzoom.widgets.window.second_press import SecondPress

SCROLL_PAUSE = 0.5  # seconds without the wheel before it can mean a control
_TURNED = (QComboBox, QAbstractSpinBox, QAbstractSlider)  # the wheel would change these
_CLICKED = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractItemView)
_FOCUSED = (*_CLICKED, QAbstractSpinBox, QLineEdit)
_TEXT = (QLineEdit, QTextEdit, QPlainTextEdit)
_TYPED = (QAbstractSpinBox, *_TEXT)
_OF_THE_WINDOW = (QOpenGLWidget, QMainWindow, QDockWidget, QSplitter)  # napari has keys act there itself
_KEYS = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_ENDS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
_OF_THE_CONTROL = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Space,
    Qt.Key.Key_Delete,
)
_OF_NAPARI = (Qt.Key.Key_R, Qt.Key.Key_S)  # its own tools, by the keys of the canvas


class ControlGuard(QObject):
    """Watches the controls of a widget, those that come later too.

    - The wheel changes a control only while that has the focus, and not when it comes there by scrolling:
      else what is around it scrolls.
    - The mouse gives the focus to what can be typed into, and to nothing else. After a number was typed
      (Return or Escape), anything else was clicked, or Escape was pressed, the canvas has it.
    - Tab goes on from every control, lists and tables too.
    - Keys of the table act wherever the focus is, but for those that a control needs itself.
    - A ring shows which control has the focus.
    - A key that is held acts once, unless it steps from frame to frame; not at all if it is let go in
      another window.
    - The second press of a double click acts on no button of another effect, see :class:`SecondPress`.

    Parameters
    ----------
    layers : callable
        Returns the :class:`LayerSet` that the keys act on, None while there is none.
    parent : QWidget
    """

    def __init__(self, layers: Callable[[], LayerSet | None], parent: QWidget) -> None:
        super().__init__(parent)
        self._layers = layers
        self._held_keys = HeldKeys(self)
        self._second_press = SecondPress(self)
        self._scrolled = -SCROLL_PAUSE
        self._ring = FocusRing()

    def watch(self, widget: QWidget) -> None:
        """Guard a widget and all within it."""
        for each in (widget, *widget.findChildren(QWidget)):
            if isinstance(each, QLabel | QScrollBar) or _is_in_list(each):
                continue
            each.installEventFilter(self)
            if isinstance(each, QAbstractItemView):
                each.setTabKeyNavigation(False)  # a table would keep Tab to itself, with no way out
            if isinstance(each, _CLICKED) and each.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            elif each.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                each.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def watch_keys(self, widget: QWidget) -> None:
        """Hold back repeats of keys that go to a widget by which napari hears of them."""
        widget.removeEventFilter(self)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Decide who gets the wheel and the keys, and give the focus back."""
        kind = event.type()
        self._show_focus(watched, kind)
        if self._second_press.holds_back(watched, event):
            return True
        if kind == QEvent.Type.ChildPolished and not isinstance(watched, _OF_THE_WINDOW):
            # PyQt takes the event for one that lay at its address before, while somebody holds that one
            for child in [event.child()] if isinstance(event, QChildEvent) else watched.children():
                if isinstance(child, QWidget) and not child.isWindow():
                    self.watch(child)
        elif not isinstance(watched, QWidget):
            pass
        elif kind == QEvent.Type.Wheel:
            if isinstance(watched, _TURNED) and (not watched.hasFocus() or self._is_scrolling):
                event.ignore()
                return True
            if not isinstance(watched, _TURNED) and not isinstance(watched.parentWidget(), _TURNED):
                self._scrolled = time.monotonic()
        elif kind == QEvent.Type.MouseButtonPress and (
            isinstance(watched, _CLICKED) or isinstance(watched.parentWidget(), QAbstractItemView)
        ):
            self._go_back(watched)
        elif (
            kind in _KEYS
            and not isinstance(watched, _TEXT)
            and self._held_keys.holds_back(watched, event)
        ):
            return True
        elif kind == QEvent.Type.FocusOut and event.reason() == Qt.FocusReason.ActiveWindowFocusReason:
            self._held_keys.settle()
            if (layers := self._layers()) is not None:
                layers.keys.forget()  # the release of a key goes to another window
        elif isinstance(watched, _OF_THE_WINDOW):
            pass
        elif kind == QEvent.Type.KeyPress:
            return self._on_key(watched, event)
        elif kind == QEvent.Type.KeyRelease and (layers := self._layers()) is not None:
            act_on_key(event, layers)
        return bool(super().eventFilter(watched, event))

    def _show_focus(self, watched: QObject, kind: QEvent.Type) -> None:
        if not isinstance(watched, _FOCUSED):
            return
        if not isalive(self._ring):  # it went with the control
            self._ring = FocusRing()
        if kind == QEvent.Type.FocusIn:
            self._ring.put_round(watched)
        elif kind == QEvent.Type.FocusOut:
            self._ring.leave()

    @property
    def _is_scrolling(self) -> bool:
        """Whether the wheel turns what is around the controls."""
        is_scrolling = time.monotonic() - self._scrolled < SCROLL_PAUSE
        if is_scrolling:
            self._scrolled = time.monotonic()
        return is_scrolling

    def _on_key(self, watched: QWidget, event: QKeyEvent) -> bool:
        layers, key = self._layers(), event.key()
        if isinstance(watched, _TYPED) and key in _ENDS:
            QTimer.singleShot(0, lambda: self._go_back(watched))  # once it has taken what was typed
            return False
        if key == Qt.Key.Key_Escape and isinstance(watched, _CLICKED):
            self._go_back(watched)
            return True
        if layers is None or not isinstance(watched, (*_TURNED, *_CLICKED)):
            return False
        if key in _OF_NAPARI and not event.modifiers() and (canvas := canvas_near(watched)) is not None:
            self._go_back(watched)
            QApplication.sendEvent(canvas, event)
            return True
        if key in _OF_THE_CONTROL or shortcut_of(event) is None:
            return False
        return act_on_key(event, layers)

    def _go_back(self, widget: QWidget) -> None:
        """Give the focus to the canvas, if a control of the same window has it."""
        here, canvas = QApplication.focusWidget(), canvas_near(widget)
        if here is not None and canvas is not None and here is not canvas:
            canvas.setFocus(Qt.FocusReason.OtherFocusReason)


def _is_in_list(widget: QWidget) -> bool:
    """Whether a widget is part of what a list to choose from opens."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QComboBox):
        parent = parent.parentWidget()
    return parent is not None
