"""Runs a batch on many videos in a worker's process, one after the other; one that fails stops nobody."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.batch.cluster.stage import CLUSTER
from napari_cropzoom.batch.cluster.stage import NAME as CLUSTER_NAME
from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.results import (
    FAILED,
    FOR_REVIEW,
    NOT_DONE,
    Result,
    write_results,
)
from napari_cropzoom.batch.stages import CHECK, NAME, VIDEO, outcome_of
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.jobs import Job, Latest, Worker
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar
from napari_cropzoom.widgets.steps.parts.model_picker import is_about_trust

RUNNING, WAITING, CANCELLED = "running", "waiting", "cancelled"


class ProjectRun(QObject):
    """One run at a time; the process and the models it has loaded stay for the next.

    Parameters
    ----------
    bar : JobBar
        Shows progress, and cancels.
    ask_trust : callable
        Asks a person whether to trust a checkpoint: message -> bool.

    Attributes
    ----------
    told : Signal
        A video and what became of it, or how far it is: path and text.
    finished_one : Signal
        A video whose files may be others now: its path.
    ended : Signal
        A sentence that sums up, and whether something failed.
    """

    told = Signal(object, str)
    finished_one = Signal(object)
    ended = Signal(str, bool)

    def __init__(self, bar: JobBar, ask_trust: Callable[[str], bool]) -> None:
        super().__init__(bar)
        self._bar, self._ask_trust = bar, ask_trust
        self._worker: Worker | None = None
        self._args: dict[str, Any] = {}
        self._table: Path | None = None
        self._waiting: deque[BatchVideo] = deque()
        self._current: BatchVideo | None = None
        self._results: dict[Path, Result] = {}
        self._goes_on = False
        self._next = delayed(self, self._advance)
        self._writing = Latest(lambda _: None, self._on_not_written)
        bar.done.connect(self._on_done)
        bar.failed.connect(self._on_failed)
        bar.ended.connect(self._on_ended)

    @property
    def is_running(self) -> bool:
        """Whether videos are worked on, or wait for it."""
        return bool(self._results) and (self._bar.is_running or self._next.isActive())

    @property
    def pid(self) -> int | None:
        """Process number while there is a process."""
        return None if self._worker is None else self._worker.pid

    def start(
        self,
        videos: Sequence[BatchVideo],
        detector: Path,
        pose: Path | None,
        settings: dict[str, Any],
        table: Path,
        scheduler: str = "",
    ) -> None:
        """Check all videos, then work on them; the table is written after each, of a cluster at the end.

        Parameters
        ----------
        videos : sequence of BatchVideo
        detector : Path
        pose : Path or None
        settings : dict
            See :func:`napari_cropzoom.batch.settings.settings_of`.
        table : Path
            CSV of the results; rows of other videos in it stay.
        scheduler : str
            Of a cluster, see :func:`napari_cropzoom.batch.cluster.run_on`; empty for this computer.
        """
        if self.is_running:
            return
        self._args = {"detector": str(detector), "pose": pose and str(pose), "settings": settings}
        self._table = table
        self._results = {video.path: Result(video.path) for video in videos}
        self._waiting, self._current = deque(videos), None
        for video in videos:
            self.told.emit(video.path, WAITING)
        asked = [{"video": str(v.path), "results": v.results and str(v.results)} for v in videos]
        if scheduler:
            self._waiting.clear()
            title = f"{counted(len(videos), 'video')} on {scheduler}"
            self._run(CLUSTER, {"videos": asked, "scheduler": scheduler}, title)
        else:
            self._run(CHECK, {"videos": asked}, f"Checking {counted(len(videos), 'video')}")

    def release(self) -> None:
        """End the run and the process without a message."""
        self._next.stop()
        self._waiting.clear()
        self._bar.release()
        if self._worker is not None:
            self._worker.close()
            self._worker.deleteLater()
            self._worker = None

    # ---- inside --------------------------------------------------------------------------------

    def _run(self, stage: str, args: dict[str, Any], title: str) -> None:
        if self._worker is None:
            self._worker = Worker(self, options=("--stages", NAME, "--stages", CLUSTER_NAME))
        self._goes_on = False
        self._bar.show_job(self._worker.start(stage, {**self._args, **args}), title)

    def _advance(self) -> None:
        """Work on the next video, or say what became of all."""
        if not self._waiting:
            self._finish()
            return
        self._current = video = self._waiting.popleft()
        self.told.emit(video.path, RUNNING)
        total = len(self._results)
        title = f"{total - len(self._waiting)} of {total}: {video.path.name}"
        self._run(VIDEO, {"video": str(video.path), "results": video.results}, title)

    def _on_done(self, result: dict[str, Any]) -> None:
        self._goes_on = True
        if "results" in result:
            for each in result["results"]:
                self._take(outcome_of(each))
        elif self._current is None:
            failed = result["failed"]
            for video in list(self._waiting):
                if str(video.path) in failed:
                    self._waiting.remove(video)
                    self._take(Result(video.path, FAILED, failed[str(video.path)]))
        else:
            found = outcome_of(result)
            why = "; ".join(filter(None, (found.why, str(result.get("note") or ""))))
            self._take(replace(found, why=why))

    def _on_failed(self, job: Job, message: str) -> None:
        self._goes_on = True
        video = self._current
        if is_about_trust(job) and self._ask_trust(message):
            how = {**self._args["settings"].get("how", {}), "trust": True}
            self._args["settings"] = {**self._args["settings"], "how": how}
            if video is not None:
                self._waiting.appendleft(video)
        elif video is not None:
            self._take(Result(video.path, FAILED, message))
        else:
            self._waiting.clear()
            for path in list(self._results):
                if self._results[path].state == NOT_DONE:
                    self._take(Result(path, FAILED, message))

    def _on_ended(self) -> None:
        if not self._results:
            return
        if self._goes_on:
            self._next.start()
            return
        self._waiting.clear()
        for path, result in self._results.items():
            if result.state == NOT_DONE:
                self.told.emit(path, CANCELLED)
        self._finish(is_cancelled=True)

    def _take(self, result: Result) -> None:
        self._results[result.video] = result
        self.told.emit(result.video, as_text(result))
        self.finished_one.emit(result.video)
        self._write()

    def _write(self) -> None:
        """Write the table in a thread; what cannot be written is told."""
        if self._table is None:
            return
        self._writing.request(write_results, self._table, list(self._results.values()))

    def _on_not_written(self, error: Exception) -> None:
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self.ended.emit(str(error), True)

    def _finish(self, *, is_cancelled: bool = False) -> None:
        results, self._results, self._current = list(self._results.values()), {}, None
        states = [result.state for result in results]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        head = "Cancelled" if is_cancelled else counted(len(results), "video")
        more = " Double-click those for review, save in step Export, and run again." * (
            FOR_REVIEW in states
        )
        self.ended.emit(f"{head}: {counts}.{more} Table: {self._table}", FAILED in states)


def as_text(result: Result) -> str:
    """What became of a video, for a cell: ``done``, ``failed: why``, ``for review: why``."""
    why = result.why.removeprefix(f"{result.video}: ")
    return f"{result.state}: {why}" if why else result.state
