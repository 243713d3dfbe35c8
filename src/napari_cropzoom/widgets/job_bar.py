"""Run, progress with the time left, cancel: one row for every stage."""

from __future__ import annotations

import time

from napari.utils import progress as activity
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_cropzoom.jobs import Job
from napari_cropzoom.widgets.controls import button, note, row

SECONDS_BETWEEN_ACTIVITY = 0.5


class JobBar(QWidget):
    """Starts and follows one job at a time, here and in napari's activity dock.

    Parameters
    ----------
    name : str
        Object names are ``<name>_run``, ``<name>_cancel``, ``<name>_progress``, ``<name>_status``.
    text : str
        On the button.
    """

    run_clicked = Signal()
    done = Signal(dict)
    failed = Signal(object, str)
    ended = Signal()

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self.job: Job | None = None
        self.is_waiting = False
        self._activity: activity | None = None
        self._told = 0.0
        self.run_button = button(text, f"{name}_run")
        self.cancel_button = button("Cancel", f"{name}_cancel", "Stop; nothing half-written stays behind")
        self.bar = QProgressBar()
        self.bar.setObjectName(f"{name}_progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.status = note("", f"{name}_status")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row(self.run_button, self.cancel_button, stretch=0))
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self.run_button.clicked.connect(self.run_clicked)
        self.cancel_button.clicked.connect(self.cancel)
        self._say("")
        self._show_running(False)

    @property
    def is_running(self) -> bool:
        """Whether a job is queued or running, or something has to be done before it."""
        return self.job is not None or self.is_waiting

    def wait(self, text: str) -> None:
        """Show that something has to be done before the job, until `follow` or `let_go`."""
        self.is_waiting = True
        self._show_running(True)
        self.bar.setRange(0, 0)
        self._say(text)

    def follow(self, job: Job, title: str) -> None:
        """Show the progress of a job until it ends."""
        self.is_waiting = False
        self.job = job
        self._show_running(True)
        self.bar.setRange(0, 0)
        self._say(f"{title}: starting …")
        self._activity = activity(total=0, desc=title)
        job.progress.connect(self._on_progress)
        job.done.connect(self._on_done)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self.is_waiting:
            self._on_cancelled()
        if self.job is not None:
            self.cancel_button.setEnabled(False)
            self._say("Stopping …")
            self.job.cancel()

    def let_go(self) -> None:
        """Stop without a word, for when the dock closes."""
        job = self.job
        if self.is_running:
            self._end()
        if job is not None:
            job.cancel()

    def _on_progress(self, done: int, total: int, text: str, eta: float) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self._say(progress_text(done, total, text, eta))
        self._tell_activity(done, total)

    def _tell_activity(self, done: int, total: int) -> None:
        """Pass progress on to napari, which runs the event loop at each, so only now and then."""
        now = time.monotonic()
        if self._activity is None or now - self._told < SECONDS_BETWEEN_ACTIVITY:
            return
        self._told = now
        if self._activity.total != total:
            self._activity.total = total
        self._activity.update(done - self._activity.n)

    def _on_done(self, result: dict) -> None:
        self._end()
        self.done.emit(result)
        self.ended.emit()

    def _on_failed(self, message: str) -> None:
        job = self.job
        self._end()
        self._say("")
        self.failed.emit(job, message)
        self.ended.emit()

    def _on_cancelled(self) -> None:
        self._end()
        self._say("Cancelled; nothing was written.")
        self.ended.emit()

    def _end(self) -> None:
        job, self.job = self.job, None
        self.is_waiting = False
        if job is not None:
            job.progress.disconnect(self._on_progress)
            job.done.disconnect(self._on_done)
            job.failed.disconnect(self._on_failed)
            job.cancelled.disconnect(self._on_cancelled)
        if self._activity is not None:
            self._activity.close()
            self._activity = None
        self._say("")
        self._show_running(False)

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _show_running(self, running: bool) -> None:
        self.run_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.cancel_button.setVisible(running)
        self.bar.setVisible(running)


def progress_text(done: int, total: int, text: str, eta: float) -> str:
    """``420 of 1200 frames · 12 s left``; without a total only what is going on."""
    if total <= 0:
        return f"{text} …" if text else "Working …"
    left = f" · {seconds(eta)} left" if eta >= 0 else ""
    return f"{done} of {total} {text or 'frames'}{left}"


def seconds(value: float) -> str:
    """``8 s``, ``3 min``, ``1 h 20 min``."""
    if value < 60:
        return f"{max(1, round(value))} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
