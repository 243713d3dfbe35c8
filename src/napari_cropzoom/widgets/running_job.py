"""The line at the foot of the dock: a job whose step is folded, and what undo has just changed."""

from __future__ import annotations

from napari.utils.notifications import show_info
from qtpy.QtCore import QEvent, QObject, QSize, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from napari_cropzoom.widgets.controls import LineLabel, button, delayed
from napari_cropzoom.widgets.steps.parts.job_bar import CANCEL_HELP, MS_BETWEEN_REPORTS, JobBar
from napari_cropzoom.widgets.undone_line import UndoneLine


class RunningJob(QFrame):
    """Keeps a job that runs in reach, whatever step is open; hidden otherwise.

    Object names: ``running_job``, ``running_job_text``, ``running_job_open``, ``running_job_cancel``.

    Attributes
    ----------
    asked : Signal
        Key of the step that a person wants to see.
    unseen : Signal
        What it says, now and then while the dock is closed or behind another one.
    """

    asked, unseen = Signal(str), Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("running_job")
        self._bars: list[tuple[str, str, JobBar]] = []
        self._shown: tuple[str, JobBar] | None = None
        self._unseen_later = delayed(self, self._tell_unseen, MS_BETWEEN_REPORTS)
        self.text = LineLabel()
        self.text.setObjectName("running_job_text")
        self.open_button = button("Go to", "running_job_open", "Open the step that runs")
        self.cancel_button = button("Cancel", "running_job_cancel", CANCEL_HELP)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 4, 0)
        layout.setSpacing(4)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.open_button)
        layout.addWidget(self.cancel_button)
        for each in (self.open_button, self.cancel_button):
            each.setStyleSheet("padding: 1px 4px")  # its room is kept, so it is to be low
        self.open_button.clicked.connect(self._ask)
        self.cancel_button.clicked.connect(self._cancel)
        self.hide()

    def watch(self, key: str, title: str, bar: JobBar) -> None:
        """Show the jobs of a bar while that is out of sight; ``key`` and ``title`` are its step's."""
        self._bars.append((key, title, bar))
        bar.status_changed.connect(self.refresh)
        if not bar.what:  # a job that a person has asked for
            bar.done.connect(lambda _: self._tell_end(f"{title} has ended."))
            bar.failed.connect(lambda _, why: self._tell_end(f"{title} has failed. {why}"))

    def refresh(self) -> None:
        """Show the first job that runs out of sight, if there is one."""
        running = [each for each in self._bars if each[2].is_running]
        hidden = [each for each in running if not each[2].isVisibleTo(self.window())]
        if not hidden:
            self._shown = None
            self.hide()
            return
        key, title, bar = min(hidden, key=lambda each: bool(each[2].what))  # a person's own job first
        self._shown = key, bar
        self.text.setText(bar.line if bar.what else f"{title}: {bar.line}")
        self.text.setToolTip(bar.status.text())
        self.cancel_button.setEnabled(not bar.is_cancelling)
        self.show()
        if not self.isVisible() and not self._unseen_later.isActive():
            self._unseen_later.start()

    def _tell_unseen(self) -> None:
        if self._shown is not None and not self.isVisible():
            self.unseen.emit(f"Cropzoom: {self.text.text()}")

    def _tell_end(self, said: str) -> None:
        """Say in a corner of napari's window how a job has ended that nobody sees the dock of."""
        if not self.parentWidget().isVisible():
            show_info(" ".join(f"Cropzoom: step {said}".split()))

    def _ask(self) -> None:
        if self._shown is not None:
            self.asked.emit(self._shown[0])

    def _cancel(self) -> None:
        if self._shown is not None:
            self._shown[1].cancel()


class Foot(QWidget):
    """Both lines in the place of one, whose room is kept: nothing above moves when a job begins or ends.

    What was undone is said in the place of how far the job is; the job's buttons stay.

    Parameters
    ----------
    undone : UndoneLine
    running : RunningJob
    """

    def __init__(self, undone: UndoneLine, running: RunningJob) -> None:
        super().__init__()
        self._undone, self._running = undone, running
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(undone, 1)
        layout.addWidget(running, 1)
        running.installEventFilter(self)
        undone.said.connect(self._arrange)

    def sizeHint(self) -> QSize:
        """As high as the higher of the two, shown or not."""
        return QSize(0, max(self._undone.sizeHint().height(), self._running.sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for a job, and take it back."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            self._arrange()
        return False

    def _arrange(self) -> None:
        is_said, runs = bool(self._undone.text()), not self._running.isHidden()
        self._undone.setVisible(is_said or not runs)
        self._running.text.setVisible(not is_said)
        layout = self.layout()
        assert isinstance(layout, QHBoxLayout)
        layout.setStretch(1, 0 if is_said else 1)
