"""Run, progress with the time left, cancel: one row for every stage."""

from __future__ import annotations

import time
from typing import Any

from napari.utils import progress as activity
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QMovie, QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.jobs import Job
from napari_cropzoom.widgets.controls import CutLabel, button, delayed, row, thin_bar

CANCEL_HELP = "Stop; nothing half-written stays behind"
MS_BETWEEN_UPDATES = 400
"""Each change of a widget makes Qt compose the whole window again, because it holds an OpenGL canvas:
20 ms or more where OpenGL is software. A bar that moves by itself takes 2/3 of a processor there."""
CROWDED = " · other programs slow it"
TITLE_LENGTH = 48  # letters
LINES = 2  # of what is said below the button, or in its place
MS_BETWEEN_REPORTS = 2000  # to napari


class JobBar(QWidget):
    """Shows one job at a time, here and in napari's activity dock.

    How far it is stands in the place of the button, so that nothing below moves when a job begins.

    Parameters
    ----------
    name : str
        Object names are ``<name>_run``, ``<name>_cancel``, ``<name>_progress``, ``<name>_status``.
    text : str
        On the button.
    is_flat : bool
        Whether all of it is one line of a fixed height, so that nothing moves when a job begins or ends.
    what : str
        What runs, said before how far it is; empty where the step has no other job.

    Attributes
    ----------
    is_cancelling : bool
        Whether the job was asked to stop and has not stopped yet.
    written : str
        What is said of a job that is cancelled, in words; empty for that nothing was written.
    short : str
        How far it is, in a few words: ``35 % · 12 s left``.
    line : str
        What a narrow place has room for: that and, where it is not clear, what runs.
    status_changed
        That, or the line below the bar, is another one.
    """

    run_clicked = Signal()
    done = Signal(dict)
    failed = Signal(object, str)
    ended = Signal()
    status_changed = Signal()

    def __init__(self, name: str, text: str, *, is_flat: bool = False, what: str = "") -> None:
        super().__init__()
        self.what = what
        self.job: Job | None = None
        self.is_waiting = self.is_cancelling = False
        self.short = self.line = self.written = ""
        self._activity: activity | None = None
        self._since = 0.0
        self._progress: tuple[int, int, str, float] | None = None
        self._pause = delayed(self, self._show_progress, MS_BETWEEN_UPDATES)
        self._shown = 0
        self._line: QHBoxLayout | None = None  # button and what is said while it runs take turns there
        self._report = delayed(self, self._report_to_napari, MS_BETWEEN_REPORTS)
        self.run_button = button(text, f"{name}_run")
        self.cancel_button = button("Cancel", f"{name}_cancel", CANCEL_HELP)
        self.bar = thin_bar(f"{name}_progress")
        self.status = CutLabel(1 if is_flat else LINES, f"{name}_status")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1 if is_flat else 4)
        if is_flat:
            self._flatten(layout)
        else:
            self._stack(layout)
        self.run_button.clicked.connect(self.run_clicked)
        self.cancel_button.clicked.connect(self.cancel)
        self._say("")
        self._show_running(False)

    def showEvent(self, event: QShowEvent) -> None:
        """Have the button as high as what takes its place, in the font of the window."""
        super().showEvent(event)
        if self._line is not None:
            self.status.ensurePolished()
            self.run_button.setMinimumHeight(self.status.sizeHint().height())

    def _stack(self, layout: QVBoxLayout) -> None:
        self._line = row(self.run_button, self.cancel_button, stretch=0)
        layout.addLayout(self._line)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self._keep_room(self.bar)

    @staticmethod
    def _keep_room(*widgets: QWidget) -> None:
        for each in widgets:
            policy = each.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            each.setSizePolicy(policy)

    def _flatten(self, layout: QVBoxLayout) -> None:
        line = row(self.status, self.run_button, self.cancel_button, stretch=0)
        line.setAlignment(self.status, Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        self.bar.setFixedHeight(4)
        self._keep_room(self.bar, self.cancel_button)
        self.cancel_button.setStyleSheet("padding: 1px 4px")

    @property
    def is_running(self) -> bool:
        """Whether a job is queued or running, or something has to be done before it."""
        return self.job is not None or self.is_waiting

    def wait(self, text: str) -> None:
        """Show that something has to be done before the job, until `show_job` or `release`."""
        self.is_waiting = True
        self._show_running(True)
        self.bar.reset()
        self._say(text)

    def show_job(self, job: Job, title: str) -> None:
        """Show the progress of a job until it ends."""
        self.is_waiting = False
        self.job = job
        job.progress.connect(self._on_progress)
        job.done.connect(self._on_done)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self._since = time.monotonic()
        title = shortened(title, TITLE_LENGTH)
        self._show_running(True)
        self.bar.reset()
        if job.is_behind:
            self._say(f"{title}: waits until another step has ended …", "waits …")
        else:
            self._say(f"{self.what or title}: starting …")
        shown = activity(total=0, desc=title)  # runs the event loop, in which the job may end
        if self.job is not job:
            shown.close()
            return
        self._activity = shown
        for movie in self._movies():
            movie.setPaused(True)

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self.is_waiting:
            self._on_cancelled()
        if self.job is not None:
            self.is_cancelling = True
            self.cancel_button.setEnabled(False)
            self._pause.stop()
            self._progress = None
            self._say("Cancelling …", "cancelling …")
            self.job.cancel()

    def release(self) -> None:
        """Stop the job without a message, as when the dock closes."""
        job = self.job
        if self.is_running:
            self._end()
        if job is not None:
            job.cancel()

    def forget(self) -> None:
        """Say nothing more of a job that has ended."""
        if not self.is_running and self.status.text():
            self._say("")

    def _on_progress(self, done: int, total: int, text: str, eta: float) -> None:
        if self.is_cancelling:
            return
        self._progress = (done, total, text, eta)
        if not self._pause.isActive():
            self._show_progress()

    def _show_progress(self) -> None:
        """Show the latest progress here, and less often in napari.

        Both make Qt compose the whole window, and napari runs the event loop each time.
        """
        if self._progress is None:
            return
        (done, total, text, eta), self._progress = self._progress, None
        self._pause.start()
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        short = short_text(done, total, eta)
        full = progress_text(done, total, text, eta, time.monotonic() - self._since)
        is_crowded = self.job is not None and self.job.is_crowded
        more = CROWDED if is_crowded else ""
        named = f"{self.what}: {short}" if self.what else ""
        self._say(named or full, short, more)
        if total > 0 and not named:
            self.line = short
            self.status_changed.emit()
        for movie in self._movies():
            movie.jumpToFrame((movie.currentFrameNumber() + 1) % max(movie.frameCount(), 1))
        self._shown = done
        if self._activity is not None:
            if self._activity.total != total:
                self._activity.total = total
            if not self._report.isActive():
                self._report.start()

    def _report_to_napari(self) -> None:
        if self._activity is not None:
            self._activity.update(self._shown - self._activity.n)

    def _on_done(self, result: dict[str, Any]) -> None:
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
        written, self.written = self.written, ""
        self._say(f"Cancelled; {written or 'nothing was written'}.")
        self.ended.emit()

    def _end(self) -> None:
        job, self.job = self.job, None
        self.is_waiting = self.is_cancelling = False
        if job is not None:
            job.progress.disconnect(self._on_progress)
            job.done.disconnect(self._on_done)
            job.failed.disconnect(self._on_failed)
            job.cancelled.disconnect(self._on_cancelled)
        self._pause.stop()
        self._report.stop()
        self._progress = None
        if self._activity is not None:
            self._activity.close()
            self._activity = None
            for movie in self._movies():
                movie.setPaused(False)
        self._show_running(False)
        self._say("")

    def _movies(self) -> list[QMovie]:
        """Movies beside napari's activity dock, paused: each picture would have the window composed."""
        movies = (label.movie() for label in self.window().findChildren(QLabel))
        return [movie for movie in movies if movie is not None]

    def _say(self, text: str, short: str = "running …", more: str = "") -> None:
        self.line = text
        self.status.setText(text + more)
        self.status.setVisible(bool(text))
        self.short = short
        self.status_changed.emit()

    def _show_running(self, running: bool) -> None:
        self.run_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.cancel_button.setVisible(running)
        self.bar.setVisible(running)
        if self._line is not None:
            self.run_button.setVisible(not running)
            if running:
                self._line.insertWidget(0, self.status, 1)
            else:
                self.layout().addWidget(self.status)


def progress_text(done: int, total: int, text: str, eta: float, elapsed: float = 0.0) -> str:
    """``420 of 1200 frames · 12 s left``; without a total what is going on, and for how long."""
    if total <= 0:
        since = f" {elapsed_text(elapsed)}" if elapsed >= 1 else ""
        return f"{text or 'working'} …{since}"
    left = f" · {seconds(eta)} left" if eta >= 0 else ""
    return f"{done} of {counted(total, (text or 'frames').removesuffix('s'))}{left}"


def short_text(done: int, total: int, eta: float) -> str:
    """``35 % · 12 s left``; ``running …`` without a total."""
    if total <= 0:
        return "running …"
    left = f" · {seconds(eta)} left" if eta >= 0 else ""
    return f"{100 * done // total} %{left}"


def seconds(value: float) -> str:
    """``8 s``, ``45 s``, ``3 min``, ``1 h 20 min``: no finer than such an estimate is."""
    if value < 60:
        return f"{max(1, round(value)) if value < 20 else 5 * round(value / 5)} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def elapsed_text(value: float) -> str:
    """``8 s``, ``1 min 35 s``, ``1 h 20 min``: what has passed is known, and not rounded up."""
    whole = int(value)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min {whole % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
