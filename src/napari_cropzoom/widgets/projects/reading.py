"""Reads a project and the states of its videos in a thread; shows what is known as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.jobs import ThreadHandle, run_in_thread
from napari_cropzoom.projects.known_states import KnownStates, open_project
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.states import VideoState

SECONDS_BETWEEN = 0.2  # in which states are gathered before they are shown


class ProjectReader(QObject):
    """One project at a time; a newer question stops the one before.

    Attributes
    ----------
    found : Signal
        The :class:`Project`, before its states are known.
    states : Signal
        Some :class:`VideoState` in a list.
    ended : Signal
        All states are known.
    failed : Signal
        An exception.
    """

    found = Signal(object)
    states = Signal(object)
    ended = Signal()
    failed = Signal(object)
    _said = Signal(int, object, object)  # from the thread

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._generation = 0
        self._stop = Event()
        self._handle: ThreadHandle | None = None
        self._said.connect(self._take)

    @property
    def is_reading(self) -> bool:
        """Whether states are still to come."""
        return self._handle is not None

    def read(self, folder: Path) -> None:
        """Read a project, or read it again."""
        self.stop()
        self._stop, generation = Event(), self._generation
        stop, say = self._stop, self._said.emit

        def work() -> None:
            read_project(folder, stop, lambda project, states: say(generation, project, states))

        self._handle = run_in_thread(
            work,
            on_done=lambda _: self._end(generation),
            on_error=lambda error: self._fail(generation, error),
        )

    def stop(self) -> None:
        """Let go of what is being read."""
        self._stop.set()
        self._generation += 1
        if self._handle is not None:
            self._handle.ignore()
            self._handle = None

    def _take(self, generation: int, project: Project | None, states: list[VideoState]) -> None:
        if generation != self._generation:
            return
        if project is not None:
            self.found.emit(project)
        if states:
            self.states.emit(states)

    def _end(self, generation: int) -> None:
        if generation == self._generation:
            self._handle = None
            self.ended.emit()

    def _fail(self, generation: int, error: Exception) -> None:
        if generation == self._generation:
            self._handle = None
            self.failed.emit(error)


def read_project(
    folder: Path,
    stop: Event,
    say: Callable[[Project | None, list[VideoState]], object],
) -> None:
    """Read a project, say what is in it, and then how far its videos are; for a thread.

    Raises
    ------
    CropzoomError
        If it is no project.
    """
    project = open_project(folder)
    say(project, [])
    known, ready, since = KnownStates(project.data_dir), list[VideoState](), time.monotonic()
    for video in project.videos:
        if stop.is_set():
            return
        ready.append(known.look(project, video))
        if time.monotonic() - since > SECONDS_BETWEEN:
            say(None, ready)
            ready, since = [], time.monotonic()
    say(None, ready)
    known.save()
