"""A review in a real napari window, for tests to import: a short video and boxes with known faults."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from qtpy.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget

from gui_events import canvas_of, hands, napari_window, spin, wait_for, wait_until_still
from napari_cropzoom.app import find_dock, open_review
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.dock import CropzoomDock
from videos import make_numbered_video

N = 120
SIZE = (1400, 900)
BESIDE = (1590, 990)  # on the screen, beside the window
BETWEEN_CLICKS = 0.5  # seconds; what follows sooner may be the second half of a double click
_clicked = [0.0]  # when the last one was, of `time.monotonic`
JUMP, GAP, LARGE = (40, 42), (70, 75), (95, 99)


def faulty_boxes() -> np.ndarray:
    """(N, 4) boxes that move smoothly but for a jump, a gap and a stretch where they are too large."""
    t = np.arange(N)
    boxes = np.column_stack([20 + 1.6 * t, 80 + 20 * np.sin(t / 9), np.full(N, 48.0), np.full(N, 40.0)])
    boxes = boxes.round()
    boxes[JUMP[0] : JUMP[1] + 1, :2] += 60, -50
    boxes[GAP[0] : GAP[1] + 1] = np.nan
    boxes[LARGE[0] : LARGE[1] + 1, 2:] *= 2
    return boxes


def make_review(folder: Path) -> tuple[Path, Path]:
    """Write the video and its faulty boxes; returns their paths."""
    video = make_numbered_video(folder / "v.mp4", N, size=(320, 240), gop=10)
    boxes = folder / "preds" / "v_bbox.csv"
    write_bbox_csv(boxes, faulty_boxes())
    return video, boxes


@contextmanager
def review_window(video: Path, boxes: Path) -> Iterator[CropzoomDock]:
    """Open a review in a window of its own, which closes with the context."""
    with napari_window() as viewer:
        # In mid-screen it may be over a button while the window is laid out. Xvfb puts it back there when
        # its last client goes, so not before there is an application.
        hands().move(*BESIDE)
        open_review(viewer, video, boxes)
        dock = find_dock(viewer)
        assert dock is not None
        viewer.window.show()
        window_of(dock).setGeometry(0, 0, *SIZE)
        wait_for(lambda: canvas_of(window_of(dock)).isVisible())
        window_of(dock).activateWindow()
        wait_until_still(window_of(dock))
        assert not window_of(dock).geometry().contains(hands().place())
        yield dock


def begin_again(dock: CropzoomDock, frame: int = 0) -> CropzoomDock:
    """Bring a review back to how it was opened, at a frame: one animal, no edit, nothing selected."""
    controller = dock.controller
    session, review = controller.session, dock["review"]
    session.go_to_edit(0)
    session.select_track("animal")
    others = [each for each in session.tracks if each != "animal"]
    if others:
        session.accept(0, 0)  # what was undone is forgotten, which may touch them
        session.undo()
    for name in others:
        session.remove_track(name)
    controller.selection = controller.proposal = None
    controller.go_to(frame)
    dock.open_step("review")
    review.message.clear()
    review.range_buttons.more.setChecked(False)
    canvas = canvas_of(window_of(dock))
    canvas.activateWindow()  # without a window manager keys go where the mouse is
    canvas.setFocus()
    wait_for(canvas.hasFocus)
    spin(0.1)
    return dock


def window_of(dock: QWidget) -> QWidget:
    """The window that a dock is part of."""
    return dock.window()


def button(dock: QWidget, name: str) -> QPushButton:
    """The button of an object name."""
    found = dock.findChild(QPushButton, name)
    assert found is not None, name
    return found


def point_at(widget: QWidget) -> None:
    """Move the mouse to the middle of a widget, scrolled into view, and follow it till it rests."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()
    before = None
    while before != (middle := widget.mapToGlobal(widget.rect().center())):
        before = middle
        hands().move(middle.x() + 1, middle.y())  # it may be there already, over another window
        hands().move(middle.x(), middle.y())
        spin(0.15)


def is_under_mouse(widget: QWidget) -> bool:
    """Whether a click would go to the widget, or into it."""
    there = QApplication.widgetAt(hands().place())
    return there is widget or (there is not None and widget.isAncestorOf(there))


def click_on(widget: QWidget) -> None:
    """Click the middle of a widget with the mouse."""
    wait_for(lambda: widget.isVisible() and widget.isEnabled())
    widget.window().raise_()  # no window manager, and there may be two windows
    wait_for(lambda: point_at(widget) or is_under_mouse(widget))  # docks may still take their places
    spin(max(0.0, _clicked[-1] + BETWEEN_CLICKS - time.monotonic()))
    _clicked[:] = [time.monotonic()]
    hands().click()
    spin(0.15)
