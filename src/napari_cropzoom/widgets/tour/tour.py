"""Leads a person through the tasks: points, waits until each is done, goes on."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QProgressBar, QWidget

from napari_cropzoom.core.words import shortened
from napari_cropzoom.projects.sample_place import sample_root
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.gl_context import top_of
from napari_cropzoom.widgets.steps.parts.sample_button import SAMPLE
from napari_cropzoom.widgets.tour.highlight import Highlight, Panel
from napari_cropzoom.widgets.tour.tasks import END, RUNS, TASKS, USES, Dock, TourTask, is_sample

LOOK_MS = 120  # between looks at where the control is, and whether the task is done
DONE_MS = 1200  # in which a person reads that it is done
BUTTON_TOO = " The button below does it for you."
OTHER_OPEN = (
    "“{name}” is open, which is not the sample. The button below opens the sample in its place; your "
    "edits are kept. Or press Skip: the tour goes on with your video."
)
NO_SAMPLE = (
    "“{name}” is open. The sample is not here: it comes with napari-cropzoom's source. Press Skip: the "
    "tour goes on with your video."
)
NOT_SAMPLE = " (This is “{name}”, not the sample.)"
NAME_LENGTH = 28
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
        self._was_done = False  # when it was shown first
        self._is_over = False
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look)
        self._next_later = delayed(self, self.go_on, DONE_MS)
        dock.controller.session_changed.connect(self._on_session)
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
        """Whether the task that is shown is done in the video that is open."""
        session = self._dock.controller.session
        if self.task is None or session is None:
            return False
        return (self.number == 0 and self._by_itself) or self.task.is_done(session)

    def show_task(self, number: int) -> None:
        """Open the step of a task and say what to do; after the last one, say how to go on."""
        self.number = number
        self._next_later.stop()
        task = self.task
        if task is None:
            self.panel.say(*END, skip="" if self._by_itself else "Close")
            self._look()
            return
        self._dock.open_step(task.step)
        self._was_done = self.is_done
        title = f"{number + 1} of {len(TASKS)} · {task.title}"
        self.panel.say(title, task.told, skip="" if self._by_itself else "Skip")
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
        """Follow the control, say what can be done with it, and go on once the task is done."""
        task = self.task
        if task is None:
            self._point_at(None, is_aside=True)
            return
        step = self._dock[task.step]
        missing = step.missing()
        control = task.control(self._dock)
        if missing or (
            control is not None and not control.isVisible() and step.body.isAncestorOf(control)
        ):
            control = step.header
        if self._by_itself:
            if missing:
                self.panel.tell(missing)
        else:
            self._say(task, missing, control)
            if self.is_done and not self._was_done and not self._next_later.isActive():
                self._next_later.start()
        self._point_at(control, is_aside=task.is_watched and not missing)

    def _say(self, task: TourTask, missing: str, control: QWidget | None) -> None:
        """Bring the panel up to date with the window."""
        session = self._dock.controller.session
        is_other = session is not None and not is_sample(session)
        name = shortened(session.video.path.name, NAME_LENGTH) if session is not None else ""
        is_done, opens = self.is_done, self.number == 0 or is_other
        if self.number == 0:
            whose = OTHER_OPEN if sample_root() is not None else NO_SAMPLE
            text = whose.format(name=name) if is_other else task.text + ("" if is_done else BUTTON_TOO)
            opens = not is_done
        elif missing:
            text = f"{missing} Or press Skip."
        elif is_done:
            text = task.text
        else:
            folded = f"Open step {self._dock[task.step].title} for it: its line has a frame round it."
            is_folded = control is self._dock[task.step].header
            text = (
                folded if is_folded else task.why_not(self._dock) or self._text(task, control, is_other)
            )
        if is_other and self.number:
            text += NOT_SAMPLE.format(name=name)
        said = (ALREADY if self._was_done else DONE) if is_done and not missing else ""
        skip = "Next" if is_done and self._was_done and not missing else "Skip"
        self.panel.update_task(text, said, skip, opens=opens and sample_root() is not None)

    @staticmethod
    def _text(task: TourTask, control: QWidget | None, is_other: bool) -> str:
        """What to do with a control that is there."""
        if isinstance(control, QProgressBar):
            return RUNS
        if control is not None and control.objectName().endswith("_use"):
            return USES
        return task.other if is_other and task.other else task.text

    def _point_at(self, control: QWidget | None, *, is_aside: bool) -> None:
        self.highlight.put_round(control)
        self.panel.show_beside(top_of(self._dock), control, self._dock, is_aside=is_aside)

    def _on_session(self) -> None:
        """What was done in the video before is not done in this one."""
        if self._is_over or self._by_itself:
            return
        self._next_later.stop()
        self._was_done = self.is_done and (self.number > 0 or self._was_done)
        self._look()

    def _open_sample(self) -> None:
        self.show_task(0)
        self._dock.controller.viewer.open_sample(*SAMPLE)
