"""Stages in a warm process of their own, one after the other."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from qtpy.compat import isalive
from qtpy.QtCore import (
    QCoreApplication,
    QObject,
    QProcess,
    QProcessEnvironment,
    QTimer,
    Signal,
)

from napari_cropzoom.jobs.crowding import Crowding
from napari_cropzoom.jobs.time_left import TimeLeft

WORKER_MODULE = "napari_cropzoom.worker.server"
GRACE_MS = 700
LOG_LINES = 200


class Job(QObject):
    """One run of a stage, queued or running.

    Ends with exactly one of ``done``, ``failed`` and ``cancelled``.

    Attributes
    ----------
    id : int
    stage : str
    text : str
        What is being counted, from the last progress.
    kind : str
        After ``failed``: ``user`` for what the person can correct, ``bug`` or ``crash``.
    detail : str
        After ``failed``: the traceback or the end of the log, for a "details" button.
    is_crowded : bool
        Whether other programs have most of the processor, as of the last progress.
    """

    progress = Signal(int, int, str, float)
    done = Signal(dict)
    failed = Signal(str)
    cancelled = Signal()

    def __init__(self, worker: Worker, number: int, stage: str, args: dict[str, Any]) -> None:
        super().__init__()
        self.id = number
        self.stage = stage
        self.args = args
        self.text = ""
        self.kind = ""
        self.detail = ""
        self.is_running = True
        self._worker = worker
        self._time_left = TimeLeft()
        self._crowding = Crowding()
        self.is_crowded = False

    @property
    def is_behind(self) -> bool:
        """Whether another job has to end before this one begins."""
        return self._worker.is_behind(self)

    def cancel(self) -> None:
        """Stop within a second; ``cancelled`` follows unless the job ended first."""
        if self.is_running:
            self._worker.cancel(self)

    def pause(self) -> None:
        """Have the process wait at its next progress; of no effect on a job that does not run yet."""
        self._worker.steer(self, "pause")

    def resume(self) -> None:
        """Go on after `pause`."""
        self._worker.steer(self, "resume")

    def report(self, done: int, total: int, text: str) -> None:
        """Pass a progress of the process on, with the seconds left."""
        self.text, now = text, time.monotonic()
        self.is_crowded = self._crowding.update(self._worker.pid, now)
        self.progress.emit(done, total, text, self._time_left.update(done, total, now))

    def finish(self, result: dict[str, Any]) -> None:
        """End with a result."""
        self.is_running = False
        self.done.emit(result)

    def fail(self, message: str, kind: str, detail: str) -> None:
        """End with a message for the person."""
        self.is_running = False
        self.kind, self.detail = kind, detail
        self.failed.emit(message)

    def end_cancelled(self) -> None:
        """End without a result."""
        self.is_running = False
        self.cancelled.emit()


class Worker(QObject):
    """A warm process that runs one job after the other; starts with the first job.

    Parameters
    ----------
    parent : QObject, optional
    options : sequence of str
        More arguments for the process.
    """

    def __init__(self, parent: QObject | None = None, *, options: Sequence[str] = ()) -> None:
        super().__init__(parent)
        self._options = list(options)
        self._numbers = count(1)
        self._process: QProcess | None = None
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._cancelling = False
        self._temporaries: set[Path] = set()
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(GRACE_MS)
        self._grace.timeout.connect(self._kill)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._advance)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.close)

    @property
    def log_tail(self) -> list[str]:
        """The last lines the process wrote to standard error."""
        return list(self._log)

    @property
    def is_busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._current is not None or bool(self._waiting)

    @property
    def stages(self) -> list[str]:
        """Names of the stages that run or wait, in their order."""
        return [job.stage for job in (self._current, *self._waiting) if job is not None]

    @property
    def pid(self) -> int | None:
        """Process number while the process runs."""
        return (self._process.processId() or None) if self._process is not None else None

    def start(self, stage: str, args: dict[str, Any]) -> Job:
        """Queue a stage; it runs when those before it have ended.

        Parameters
        ----------
        stage : str
            A name in `napari_cropzoom.worker.stages`.
        args : dict
            Its arguments, what JSON can hold; paths may be `Path`.
        """
        job = Job(self, next(self._numbers), stage, args)
        self._waiting.append(job)
        self._next.start()
        return job

    def is_behind(self, job: Job) -> bool:
        """Whether a job waits for another."""
        return job in self._waiting and (self._current is not None or self._waiting[0] is not job)

    def cancel(self, job: Job) -> None:
        """Take a job out of the queue, or stop it: by a message first, then by ending the process."""
        if job in self._waiting:
            self._waiting.remove(job)
            job.end_cancelled()
        elif job is self._current and not self._cancelling:
            self._cancelling = True
            self._write({"cancel": job.id})
            self._grace.start()

    def steer(self, job: Job, how: str) -> None:
        """Tell the process to ``pause`` or ``resume`` a job, if that is the one that runs."""
        if job is self._current and not self._cancelling:
            self._write({how: job.id})

    def close(self) -> None:
        """End the process and every job; waits up to a second. A later `start` starts another."""
        jobs = [job for job in (self._current, *self._waiting) if job is not None]
        self._waiting.clear()
        self._current = None
        if self._process is not None and not isalive(self._process):
            atexit.unregister(self.close)  # Qt has deleted it, and the window with it
            self._process = None
            return
        if self._process is not None:
            self._process.blockSignals(True)
            self._process.closeWriteChannel()
            if not self._process.waitForFinished(GRACE_MS):
                kill_tree(self._process.processId())
                self._process.waitForFinished(GRACE_MS)
            self._read_events()
            self._read_log()
        self._forget_process()
        self._job_over()
        for job in jobs:
            job.end_cancelled()

    def _advance(self) -> None:
        if self._current is not None or not self._waiting:
            return
        if self._process is None:
            self._process = self._launch()
        self._current = job = self._waiting.popleft()
        self._temporaries.clear()
        self._write({"id": job.id, "stage": job.stage, "args": job.args})

    def _launch(self) -> QProcess:
        atexit.register(self.close)
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("PYTHONUTF8", "1")
        environment.insert("MPLBACKEND", "Agg")
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._read_events)
        process.readyReadStandardError.connect(self._read_log)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self.destroyed.connect(partial(_end, process))
        process.start(sys.executable, ["-P", "-m", WORKER_MODULE, *self._options])
        return process

    def _write(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.write(json.dumps(message, default=os.fspath).encode() + b"\n")

    def _read_events(self) -> None:
        while self._process is not None and self._process.canReadLine():
            line = bytes(self._process.readLine()).decode("utf-8", "replace")
            try:
                event = json.loads(line)
                number, name = event["id"], event["event"]
            except (ValueError, TypeError, KeyError):
                self._log.append(line.rstrip())
                continue
            if name == "temporary":
                self._temporaries.add(Path(event["path"]))
            elif self._current is not None and number == self._current.id:
                self._handle(self._current, name, event)

    def _handle(self, job: Job, name: str, event: dict[str, Any]) -> None:
        if name == "progress":
            if not self._cancelling:
                job.report(event["done"], event["total"], event["text"])
            return
        self._job_over()
        if name == "done":
            job.finish(event["result"])
        elif name == "error":
            job.fail(event["message"], event["kind"], event["detail"])
        else:
            job.end_cancelled()

    def _job_over(self) -> None:
        self._grace.stop()
        self._current = None
        self._cancelling = False
        self._next.start()

    def _read_log(self) -> None:
        if self._process is not None:
            text = bytes(self._process.readAllStandardError()).decode("utf-8", "replace")
            self._log.extend(line for line in text.splitlines() if line.strip())

    def _kill(self) -> None:
        if self._process is not None:
            kill_tree(self._process.processId())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._log.append(f"{sys.executable}: {self._process.errorString()}")
            self._process_over("could not be started")

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_events()
        self._read_log()
        crashed = status == QProcess.ExitStatus.CrashExit
        self._process_over(f"stopped unexpectedly (exit {-abs(code) if crashed else code})")

    def _process_over(self, what: str) -> None:
        """Tell the job that ran, and let the next one start a process of its own."""
        job, was_cancelling = self._current, self._cancelling
        self._forget_process()
        self._job_over()
        if job is None:
            return
        if was_cancelling:
            job.end_cancelled()
        else:
            message = f"The process that runs {job.stage!r} {what}. {crash_cure(what)}"
            job.fail(message, "crash", "\n".join(self._log))

    def _forget_process(self) -> None:
        """Let go of a process that has ended and remove what it left."""
        atexit.unregister(self.close)
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
        for path in sorted(self._temporaries, key=lambda each: -len(each.parts)):
            with contextlib.suppress(OSError):
                if not path.is_dir():
                    path.unlink(missing_ok=True)
                elif path.name.startswith((".", "cropzoom-")):
                    shutil.rmtree(path)
                else:
                    path.rmdir()  # made for what has not come; one that holds anything stays
        self._temporaries.clear()


def crash_cure(what: str) -> str:
    """Return what to do after the process ended by itself."""
    if "exit -9)" in what:
        return (
            "It was probably out of memory: close other programs or choose a smaller batch size, "
            "and start it again."
        )
    return "Nothing half-written is left. Start it again; if it happens again, report the details."


def _end(process: QProcess, *_: object) -> None:
    """End a process whose worker Qt deletes, as it does when a window is closed by a script."""
    if isalive(process) and process.state() != QProcess.ProcessState.NotRunning:
        process.blockSignals(True)
        kill_tree(process.processId())
        process.waitForFinished(GRACE_MS)


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, at once."""
    if pid <= 0:
        return
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                each.kill()
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
