"""Run, progress with the time left, cancel: one row for every stage."""

from __future__ import annotations

import time

from napari.utils import progress as activity
from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_cropzoom.jobs import Job
from napari_cropzoom.widgets.controls import button, note, row

MS_BETWEEN_NEWS = 400
"""Whatever changes in a window with a canvas makes Qt put the whole window together anew, 20 ms or more
where OpenGL is software. A bar that moves by itself takes two thirds of a processor there."""
MS_BETWEEN_TELLS = 2000  # to napari


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
        self._since = 0.0
        self._news: tuple[int, int, str, float] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(MS_BETWEEN_NEWS)
        self._pause.timeout.connect(self._show_news)
        self._told = 0
        self._relay = QTimer(self)
        self._relay.setSingleShot(True)
        self._relay.setInterval(MS_BETWEEN_TELLS)
        self._relay.timeout.connect(self._tell_napari)
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
        self.bar.reset()
        self._say(text)

    def follow(self, job: Job, title: str) -> None:
        """Show the progress of a job until it ends."""
        self.is_waiting = False
        self.job = job
        self._since = time.monotonic()
        self._show_running(True)
        self.bar.reset()
        self._say(f"{title}: starting …")
        self._activity = activity(total=0, desc=title)
        for wheel in self._wheels():
            wheel.setPaused(True)
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
        self._news = (done, total, text, eta)
        if not self._pause.isActive():
            self._show_news()

    def _show_news(self) -> None:
        """Show the latest progress here, and now and then in napari.

        Either has the whole window put together, and napari runs the event loop at each.
        """
        if self._news is None:
            return
        (done, total, text, eta), self._news = self._news, None
        self._pause.start()
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self._say(progress_text(done, total, text, eta, time.monotonic() - self._since))
        for wheel in self._wheels():
            wheel.jumpToFrame((wheel.currentFrameNumber() + 1) % max(wheel.frameCount(), 1))
        self._told = done
        if self._activity is not None:
            if self._activity.total != total:
                self._activity.total = total
            if not self._relay.isActive():
                self._relay.start()

    def _tell_napari(self) -> None:
        if self._activity is not None:
            self._activity.update(self._told - self._activity.n)

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
        self._pause.stop()
        self._relay.stop()
        self._news = None
        if self._activity is not None:
            self._activity.close()
            self._activity = None
            for wheel in self._wheels():
                wheel.setPaused(False)
        self._say("")
        self._show_running(False)

    def _wheels(self) -> list[QMovie]:
        """What turns beside napari's activity dock; by itself it would have the window painted apart."""
        movies = (label.movie() for label in self.window().findChildren(QLabel))
        return [movie for movie in movies if movie is not None]

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _show_running(self, running: bool) -> None:
        self.run_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.cancel_button.setVisible(running)
        self.bar.setVisible(running)


def progress_text(done: int, total: int, text: str, eta: float, elapsed: float = 0.0) -> str:
    """``420 of 1200 frames · 12 s left``; without a total what is going on, and for how long."""
    if total <= 0:
        since = f" {seconds(elapsed)}" if elapsed >= 1 else ""
        return f"{text or 'working'} …{since}"
    left = f" · {seconds(eta)} left" if eta >= 0 else ""
    return f"{done} of {total} {text or 'frames'}{left}"


def seconds(value: float) -> str:
    """``8 s``, ``3 min``, ``1 h 20 min``."""
    if value < 60:
        return f"{max(1, round(value))} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
