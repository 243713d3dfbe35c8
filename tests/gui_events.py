"""Open a real napari window and drive it with mouse and keys, by whichever hands there are (`hands`).

Positions are ``(y, x)`` in data coordinates of a video; what they are on the screen depends on camera and
window at that moment.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import pytest
from pyqtgraph.functions import ndarray_from_qimage
from qtpy.QtCore import QEvent, QPoint
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QWidget

from hands import KINDS, Hands, usual_hands

if TYPE_CHECKING:
    import napari

CANVAS_CLASS = "CanvasBackendDesktop"
SETTLE = 0.05  # seconds for the X server to deliver

needs_display = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"),
    reason="needs an X display; run with xvfb-run",
)
needs_x11 = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not os.environ.get("DISPLAY"),
    reason="frames are painted without OpenGL on X11 alone",
)
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
"""What says on Linux where windows open."""
OPENS_WINDOWS = frozenset({"qapp", "shared_viewer", "new_viewer"})
"""Fixtures without which no test opens a window, but for those that are left out without a screen."""


def lacks_screen(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether Qt would end the process, with all the tests, where a window is opened."""
    return platform.startswith("linux") and not any(environment.get(each) for each in SCREENS)


by_both_hands = [
    pytest.mark.usefixtures("by_hands"),
    pytest.mark.parametrize("by_hands", sorted({"qt", usual_hands()}), indirect=True),
]
"""Marks of tests that run with the hands of this system and with Qt's, so that both are tried."""

_hands: list[Hands] = []  # the last are in use
_opened: WeakKeyDictionary[napari.Viewer, str] = WeakKeyDictionary()  # and the test that did


@contextmanager
def napari_window() -> Iterator[napari.Viewer]:
    """Open a napari window, not yet on the screen; it closes with the context, and a review in it too."""
    import napari
    from napari.settings import get_settings

    get_settings().application.save_window_geometry = False  # a new window is not as large as the last
    viewer = napari.Viewer(show=False, show_welcome_screen=False)
    _opened[viewer] = os.environ["PYTEST_CURRENT_TEST"]
    try:
        yield viewer
    finally:
        viewer.close()
        delete_now()


def windows_that_stay() -> list[str]:
    """Of each window that is still held by something, the test that opened it."""
    return list(_opened.values())


def delete_now() -> None:
    """Delete what waits for an event loop that tests do not run; piled up, it slows the window down."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QApplication.processEvents()


def hands() -> Hands:
    """Mouse and keyboard."""
    if not _hands:
        _hands.append(KINDS[usual_hands()]())
    return _hands[-1]


def xdotool(*words: object) -> None:
    """Do what xdotool does when it is given these words, with the hands in use."""
    hands().do(*words)


@contextmanager
def using(kind: str) -> Iterator[None]:
    """Use other hands for a while."""
    _hands.append(KINDS[kind]())
    try:
        yield
    finally:
        _hands.pop()


def spin(seconds: float = SETTLE) -> None:
    """Let the window handle its events for a while."""
    end = time.monotonic() + seconds
    while True:
        QApplication.processEvents()
        if time.monotonic() >= end:
            return
        time.sleep(0.005)


def wait_for(condition: Callable[[], object], timeout: float = 30.0) -> None:
    """Let the window go on until ``condition()`` holds; fails the test after ``timeout`` s."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        spin(0.01)


def canvas_of(window: QWidget | None = None) -> QWidget:
    """The widget that draws, of a window or of the only napari window."""
    windows = [window] if window is not None else QApplication.topLevelWidgets()
    found = [
        widget
        for top in windows
        for widget in top.findChildren(QWidget)
        if type(widget).__name__ == CANVAS_CLASS and widget.isVisible()
    ]
    assert len(found) == 1, f"{len(found)} canvases"
    return found[0]


def to_screen(viewer, yx: tuple[float, float], canvas: QWidget | None = None) -> tuple[int, int]:
    """Screen pixels (x, y) of a data position for the current camera."""
    canvas = canvas or canvas_of()
    camera = viewer.scene.camera
    away = (np.asarray(yx, float) - camera.center[-2:]) * camera.zoom / canvas.devicePixelRatioF()
    point = canvas.mapToGlobal(
        QPoint(round(canvas.width() / 2 + away[1]), round(canvas.height() / 2 + away[0]))
    )
    return point.x(), point.y()


def move_to(viewer, yx: tuple[float, float]) -> None:
    """Move the mouse there."""
    hands().move(*to_screen(viewer, yx))
    spin()


def drag(viewer, start: tuple[float, float], end: tuple[float, float], steps: int = 5) -> None:
    """Press the left button at one data position and release it at another."""
    press(viewer, start)
    for part in np.linspace(0, 1, steps + 1)[1:]:
        move_to(viewer, tuple(np.asarray(start) + part * (np.asarray(end) - start)))
    release()


def press(viewer, yx: tuple[float, float]) -> None:
    """Move there and press the left button."""
    move_to(viewer, yx)
    hands().press()
    spin()


def release() -> None:
    """Release the left button."""
    hands().release()
    spin(2 * SETTLE)


def click(viewer, yx: tuple[float, float]) -> None:
    """Press and release the left button."""
    press(viewer, yx)
    release()


def scroll(viewer, yx: tuple[float, float], clicks: int) -> None:
    """Turn the wheel over a data position, up (in) if ``clicks`` > 0."""
    move_to(viewer, yx)
    for _ in range(abs(clicks)):
        hands().wheel(1 if clicks > 0 else -1)
        spin(0.02)
    spin()


def x_key(key: str) -> str:
    """Return a key of the table of shortcuts as X names it."""
    names = {"Control": "ctrl", "Shift": "shift", "PageUp": "Prior", "PageDown": "Next", "/": "slash"}
    *modifiers, last = key.split("-")
    last = names.get(last, last.lower() if len(last) == 1 else last)
    return "+".join([*(names[each] for each in modifiers), last])


def press_key(key: str) -> None:
    """Press a key with the canvas listening, as X names it: ``Delete``, ``ctrl+z``, ``shift+Right``."""
    canvas = canvas_of()
    canvas.activateWindow()  # without a window manager keys go where the mouse is
    canvas.setFocus()
    wait_for(canvas.hasFocus)
    hands().key(key)
    spin(2 * SETTLE)
    wait_for_keys(canvas.window())


def wait_for_keys(window: QWidget) -> None:
    """Let the window find out that a key of a tool, which has come up, is no repeat."""
    from napari_cropzoom.widgets.window.held_keys import HeldKeys

    wait_for(lambda: not any(each.is_waiting for each in window.findChildren(HeldKeys)))


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, as long as any XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("_rest", ctypes.c_long * 24),
    )


def close_window(window: QWidget) -> None:
    """Close a window as its cross does: by the message that a window manager sends."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XSendEvent.argtypes = (
        ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p
    )  # fmt: skip
    x11.XCloseDisplay.argtypes = (ctypes.c_void_p,)
    display = x11.XOpenDisplay(None)
    kind, delete = (
        x11.XInternAtom(display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = _ClientMessage(type=33, window=int(window.winId()), message_type=kind, format=32)
    event.data[0] = delete
    assert x11.XSendEvent(display, event.window, False, 0, ctypes.byref(event))
    x11.XCloseDisplay(display)  # sends it


def wait_until_still(widget: QWidget, rest: float = 0.25, timeout: float = 10.0) -> None:
    """Let the window go on until what the display shows of a widget has not changed for ``rest`` s."""
    end = time.monotonic() + timeout
    before, since = _grab(widget), time.monotonic()
    while time.monotonic() - since < rest:
        assert time.monotonic() < end, "never still"
        spin(0.03)
        now = _grab(widget)
        if not np.array_equal(now, before):
            before, since = now, time.monotonic()


def picture_of(widget: QWidget) -> np.ndarray:
    """(H, W, 3) uint8 what the display shows where a widget is."""
    spin(0.1)
    return _grab(widget)


def _grab(widget: QWidget) -> np.ndarray:
    place = widget.mapToGlobal(QPoint(0, 0))
    screen = QApplication.primaryScreen()
    shot = screen.grabWindow(0, place.x(), place.y(), widget.width(), widget.height())
    image = shot.toImage().convertToFormat(QImage.Format.Format_RGB888)
    return ndarray_from_qimage(image).copy()
