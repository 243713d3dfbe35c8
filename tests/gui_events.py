"""Drive a real napari window with real mouse and key events, by xdotool on an X display.

Positions are ``(y, x)`` in data coordinates of a video; what they are on the screen depends on camera and
window at that moment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QWidget

CANVAS_CLASS = "CanvasBackendDesktop"
SETTLE = 0.05  # seconds for the X server to deliver

needs_display = pytest.mark.skipif(
    (sys.platform.startswith("linux") and not os.environ.get("DISPLAY")) or not shutil.which("xdotool"),
    reason="needs an X display and xdotool; run with xvfb-run",
)


def xdotool(*arguments: object) -> None:
    """Run one xdotool command."""
    subprocess.run(["xdotool", *map(str, arguments)], check=True, timeout=20)


def spin(seconds: float = SETTLE) -> None:
    """Let the window handle its events for a while."""
    end = time.monotonic() + seconds
    while True:
        QApplication.processEvents()
        if time.monotonic() >= end:
            return
        time.sleep(0.005)


def wait_for(condition: Callable[[], object], timeout: float = 5.0) -> None:
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
    xdotool("mousemove", *to_screen(viewer, yx))
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
    xdotool("mousedown", 1)
    spin()


def release() -> None:
    """Release the left button."""
    xdotool("mouseup", 1)
    spin(2 * SETTLE)


def click(viewer, yx: tuple[float, float]) -> None:
    """Press and release the left button."""
    press(viewer, yx)
    release()


def scroll(viewer, yx: tuple[float, float], clicks: int) -> None:
    """Turn the wheel over a data position, up (in) if ``clicks`` > 0."""
    move_to(viewer, yx)
    for _ in range(abs(clicks)):
        xdotool("click", 4 if clicks > 0 else 5)
        spin(0.02)
    spin()


def press_key(key: str) -> None:
    """Press a key, as xdotool names it: ``Delete``, ``ctrl+z``, ``shift+Right``; to the canvas."""
    canvas_of().setFocus()
    spin(0.02)
    xdotool("key", key)
    spin(2 * SETTLE)


def picture_of(widget: QWidget) -> np.ndarray:
    """(H, W, 3) uint8 what the display shows where a widget is."""
    place = widget.mapToGlobal(QPoint(0, 0))
    spin(0.1)
    shot = QApplication.primaryScreen().grabWindow(
        0, place.x(), place.y(), widget.width(), widget.height()
    )
    image = shot.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    rows = rows.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return rows.reshape(image.height(), image.width(), 3)
