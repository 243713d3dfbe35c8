"""Leads a person through the tasks: points, waits until each is done, goes on."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication

from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.gl_context import top_of
from napari_cropzoom.widgets.steps.parts.sample_button import SAMPLE
from napari_cropzoom.widgets.tour.highlight import Highlight, Panel
from napari_cropzoom.widgets.tour.tasks import END, TASKS, Dock, TourTask

LOOK_MS = 120  # between looks at where the control is, and whether the task is done
DONE_MS = 1200  # in which a person reads that it is done
BUTTON_TOO = " The button below does it for you."
DONE, ALREADY = "✓ Done.", "✓ This is done already."


class Tour(QObject):
    """Points at the control of one task after the other.

    Parameters
    ----------
    dock : Dock
        It is part of a window.
    by_itself : bool
        Whether somebody else does the tasks, and calls `show_task` and `say_done`.

    Attributes
    ----------
    number : int
        Of the task that is shown; as many as there are tasks at the end.
    """

    ended = Signal()

    def __init__(self, dock: Dock, *, by_itself: bool = False) -> None:
        super().__init__(dock)
        self._dock, self._by_itself = dock, by_itself
        self.highlight, self.panel = Highlight(), Panel()
        self.number = 0
        self._before: object = None
        self._is_over = False
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look)
        self._next_later = delayed(self, self.go_on, DONE_MS)
        self.panel.left.connect(self.leave)
        self.panel.skipped.connect(self.go_on)
        self.panel.open_asked.connect(self._open_sample)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def begin(self) -> None:
        """Show the first task."""
        self.show_task(0)
        self._looking.start()

    @property
    def task(self) -> TourTask | None:
        """The task that is shown, None at the end."""
        return TASKS[self.number] if self.number < len(TASKS) else None

    @property
    def is_done(self) -> bool:
        """Whether the task that is shown is done."""
        return self.task is not None and self.task.is_done(self._dock, self._before)

    def show_task(self, number: int) -> None:
        """Open the step of a task and say what to do; after the last one, say how to go on."""
        self.number = number
        self._next_later.stop()
        task = self.task
        skip = "" if self._by_itself else "Skip"
        if task is None:
            self.panel.say(*END, skip="" if self._by_itself else "Close")
            self._look()
            return
        self._dock.open_step(task.step)
        self._before = task.state(self._dock)
        if self.is_done and not self._by_itself:
            skip = "Next"
        title = f"{number + 1} of {len(TASKS)} · {task.title}"
        opens = number == 0 and skip == "Skip"
        text = task.told if self._by_itself else f"{task.text}{BUTTON_TOO if opens else ''}"
        self.panel.say(title, text, ALREADY if skip == "Next" else "", skip, opens)
        self._look()

    def say_done(self) -> None:
        """Say that the task is done."""
        self.panel.tell(DONE)

    def go_on(self) -> None:
        """Show the next task, or end after the last."""
        if self.task is None:
            self.leave()
        else:
            self.show_task(self.number + 1)

    def leave(self) -> None:
        """End the tour; what was done stays."""
        if self._is_over:
            return
        self._is_over = True
        self._looking.stop()
        self._next_later.stop()
        app = QApplication.instance()
        if app is not None:
            app.removeEventFilter(self)
        for each in (self.highlight, self.panel):
            each.hide()
            each.setParent(None)
            each.deleteLater()
        self.ended.emit()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave with Esc, unless a menu or a dialog is open, which it closes."""
        if not isinstance(event, QKeyEvent) or not self.takes_keys():
            return False
        if event.key() == Qt.Key.Key_Escape and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # as a key, which comes next
            return True
        if event.key() == Qt.Key.Key_Escape and event.type() == QEvent.Type.KeyPress:
            self.leave()
            return True
        return False

    def takes_keys(self) -> bool:
        """Whether keys go to the window of the tour."""
        if QApplication.activePopupWidget() is not None or QApplication.activeModalWidget() is not None:
            return False
        active = QApplication.activeWindow()
        return active is not None and active is top_of(self._dock)

    # ---- inside --------------------------------------------------------------------------------

    def _look(self) -> None:
        """Follow the control, and go on once the task is done."""
        task = self.task
        control = None if task is None else task.control(self._dock)
        missing = "" if task is None else self._dock[task.step].missing()
        if task is not None and missing:
            self.panel.tell(missing)
            control = self._dock[task.step].header
        elif not self._by_itself and self.is_done and not self._next_later.isActive():
            if self.panel.skip.text() == "Skip":
                self.say_done()
                self._next_later.start()
        self.highlight.put_round(control)
        is_aside = task is None or (task.is_watched and not missing)
        self.panel.show_beside(top_of(self._dock), control, self._dock, is_aside=is_aside)

    def _open_sample(self) -> None:
        self._dock.controller.viewer.open_sample(*SAMPLE)
