"""The tour by itself: every task is done in the window, at a speed that one can talk over."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from qtpy.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QWidget

from napari_cropzoom.core.boxes import Box, Source, iou
from napari_cropzoom.widgets.gl_context import canvas_near, top_of
from napari_cropzoom.widgets.tour.pointer import Pointer
from napari_cropzoom.widgets.tour.tasks import TASKS, Dock
from napari_cropzoom.widgets.tour.tour import Tour

TICK_MS = 15
WORDS_A_SECOND = 2.4  # that a person reads
AFTER_TASK, AFTER_CLICK = 1.5, 0.6  # seconds
SHORT = 0.25  # seconds: what lasts less is part of a movement, which is not cut short
WRONG = 0.75  # overlap (IoU) of a wrong box with the right one, at most
SAME_SIZE = 1.15  # times: boxes that are moved only
PLAYED = 8.0  # seconds of the video at the end
RATIO = 1.75
KEYS = "Space: pause    →: go on    Esc: leave"
PAUSED = "Paused. Space: go on    Esc: leave"

Wait = float | Callable[[], object]
"""Seconds, or something that becomes true."""


class Presenter(QObject):
    """Does the tasks one after the other.

    Parameters
    ----------
    dock : Dock
        In a window that shows.
    open_video : callable
        Opens the sample with its models in the dock.
    right_box : callable
        Takes a frame; where the animal is in it, a missing box where it is not seen.
    pace : float
        2 waits half as long between what it does.
    """

    finished = Signal()  # all was shown; the last panel stays
    ended = Signal()

    def __init__(
        self,
        dock: Dock,
        open_video: Callable[[], None],
        right_box: Callable[[int], Box],
        pace: float = 1.0,
    ) -> None:
        super().__init__(dock)
        self._dock, self._open_video, self._right_box = dock, open_video, right_box
        self._pace = pace
        self.tour = Tour(dock, by_itself=True)
        self.pointer = Pointer(top_of(dock))
        self.is_paused = self._is_busy = self._is_over = False
        self._script = self._all()
        self._wait: Wait = 0.0
        self._since = 0.0
        self._ticking = QTimer(self, interval=TICK_MS)
        self._ticking.timeout.connect(self._tick)
        self.tour.ended.connect(self._end)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def begin(self) -> None:
        """Start with the first task."""
        self.tour.begin()
        self._say_keys()
        self._ticking.start()

    def pause(self) -> None:
        """Wait until `go_on`."""
        self.is_paused = True
        self._say_keys()

    def go_on(self) -> None:
        """End a pause; else wait no longer for the person to read, only for what has to be done."""
        if self.is_paused:
            self.is_paused = False
            self._say_keys()
        elif not callable(self._wait) and self._wait > SHORT:
            self._wait = 0.0

    def leave(self) -> None:
        """End it; the window stays as it is."""
        self.tour.leave()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Space and the right arrow, wherever the focus is; Esc is the tour's."""
        if not isinstance(event, QKeyEvent) or not self.tour.takes_keys():
            return False
        key, kind = event.key(), event.type()
        if key not in (Qt.Key.Key_Space, Qt.Key.Key_Right):
            return False
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
        elif kind == QEvent.Type.KeyPress and not event.isAutoRepeat():
            if key == Qt.Key.Key_Space and not self.is_paused:
                self.pause()
            else:
                self.go_on()
        return True

    # ---- inside --------------------------------------------------------------------------------

    def _end(self) -> None:
        self._ticking.stop()
        self._is_over = True
        if not self._is_busy:
            self._script.close()
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        self.pointer.hide()
        self.pointer.deleteLater()
        self.ended.emit()
        self.deleteLater()

    def _tick(self) -> None:
        if self.is_paused:
            self._since += TICK_MS / 1000
            return
        if self._is_busy:  # with what runs the event loop itself
            return
        if callable(self._wait):
            if not self._wait():
                return
        elif time.monotonic() - self._since < self._wait:
            return
        self._since = time.monotonic()
        self._is_busy = True
        try:
            self._wait = next(self._script)
        except StopIteration:
            self._ticking.stop()
            self.finished.emit()
        finally:
            self._is_busy = False
        if self._is_over:
            self._script.close()

    def _say_keys(self) -> None:
        self.tour.panel.show_keys(PAUSED if self.is_paused else KEYS)

    def _all(self) -> Generator[Wait, None, None]:
        acts: dict[str, Callable[[], Iterator[Wait]]] = {
            "video": self._video,
            "detect": lambda: self._press_in("detect"),
            "boxes": lambda: self._slide("boxes_ratio", RATIO),
            "review": self._correct,
            "smooth": self._smooth,
            "pose": lambda: self._press_in("pose"),
        }
        for number, task in enumerate(TASKS):
            if number:
                self.tour.show_task(number)
            yield self._reading(task.told)
            yield from acts[task.step]()
            yield lambda: self.tour.is_done
            self.tour.say_done()
            yield AFTER_TASK / self._pace
        self.tour.show_task(len(TASKS))
        yield from self._play()

    def _reading(self, text: str) -> float:
        return len(text.split()) / WORDS_A_SECOND / self._pace

    def _video(self) -> Iterator[Wait]:
        """The sample's menu would be opened by the desk's mouse only, so that is left out."""
        menu = TASKS[0].control(self._dock)
        if menu is not None:
            yield from self.pointer.go_to(menu, QPoint(20, menu.height() // 2))
        self._open_video()
        yield AFTER_CLICK

    def _press_in(self, key: str) -> Iterator[Wait]:
        """Press the button of a task: run, or use what is there."""
        task = next(task for task in TASKS if task.step == key)
        control = task.control(self._dock)
        if isinstance(control, QAbstractButton):
            yield from self.pointer.click(control)

    def _slide(self, name: str, goal: float) -> Iterator[Wait]:
        slider: Any = self._dock.findChild(QWidget, name)
        yield from self.pointer.go_to(slider)
        start, count = float(slider.value()), 20
        is_whole = isinstance(slider.value(), int)
        for number in range(1, count + 1):
            value = start + (goal - start) * number / count
            slider.setValue(round(value) if is_whole else value)
            yield 0.06

    def _smooth(self) -> Iterator[Wait]:
        """Move the window, and take the smoothing that is offered where the boxes shake more with it."""
        yield from self._slide("smooth_window", 15)
        step: Any = self._dock["smooth"]
        yield lambda: step.is_measured
        if step.better.isVisible():
            yield 2 * AFTER_CLICK / self._pace
            yield from self.pointer.click(step.better)
            yield lambda: step.is_measured

    def _correct(self) -> Iterator[Wait]:
        """Go to a box that is wrong, drag it right, join the frames beside."""
        dock, canvas = self._dock, canvas_near(self._dock)
        session = dock.controller.session
        if session is None or canvas is None:
            return
        yield lambda: session.suspects.is_inspected
        frame = self._wrong_frame()
        if frame is None:
            return
        review: Any = dock["review"]
        yield from self.pointer.click(review.worst)
        yield AFTER_CLICK / self._pace
        dock.controller.go_to(frame)
        yield 2 * AFTER_CLICK / self._pace
        right = self._right_box(frame)
        box = session.track.box(frame)
        sides = sorted((max(box.w, box.h), max(right.w, right.h)))
        is_moved = sides[1] < SAME_SIZE * sides[0]
        for x, y in ((0.5, 0.5),) if is_moved else ((0.0, 0.0), (1.0, 1.0)):  # its middle, or two corners
            box = session.track.box(frame)
            start, end = (
                self._on_canvas(canvas, each.x + x * each.w, each.y + y * each.h) for each in (box, right)
            )
            yield from self.pointer.drag(canvas, start, end)
            yield AFTER_CLICK / self._pace
        is_right = iou(session.track.box(frame), right) > WRONG
        if session.track.source[frame] != Source.MANUAL or not is_right:
            session.set_box(frame, right)  # the drag did not take, e.g. in another mode
        button = dock.findChild(QAbstractButton, "range_interpolate")
        if button is not None and button.isEnabled():
            yield from self.pointer.click(button)
            yield 2 * AFTER_CLICK / self._pace

    def _wrong_frame(self) -> int | None:
        """The frame of the suspects whose box is there and the farthest off the animal that is seen."""
        session = self._dock.controller.session
        assert session is not None
        overlaps = {}
        for suspect in session.queue():
            for frame in range(suspect.first, suspect.last + 1):
                box, right = session.track.box(frame), self._right_box(frame)
                if not (box.is_missing() or right.is_missing()):
                    overlaps[frame] = float(iou(box, right))
        worst = min(overlaps, key=lambda frame: overlaps[frame], default=None)
        return worst if worst is not None and overlaps[worst] < WRONG else None

    def _on_canvas(self, canvas: QWidget, x_frame: float, y_frame: float) -> QPoint:
        """Where a place of the frame is on the canvas."""
        controller = self._dock.controller
        assert controller.layers is not None
        camera = controller.viewer.scene.camera
        down, right = controller.layers.world_point(x_frame, y_frame)
        scale = camera.zoom / canvas.devicePixelRatioF()
        x = canvas.width() / 2 + (right - camera.center[-1]) * scale
        y = canvas.height() / 2 + (down - camera.center[-2]) * scale
        return QPoint(round(x), round(y))

    def _play(self) -> Iterator[Wait]:
        """Show the keypoints in motion for a while."""
        layers = self._dock.controller.layers
        if layers is not None:
            layers.play_toggled.emit()
            yield PLAYED / self._pace
            layers.play_toggled.emit()
