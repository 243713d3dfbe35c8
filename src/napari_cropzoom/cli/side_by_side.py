"""Several stages at a time, a line each; one that fails does not stop the others."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Stage

SECONDS_DEAF = 0.2
"""A signal that reaches another thread does not wake this one, which alone may answer it."""


@dataclass(frozen=True)
class NamedStage:
    """A stage to run.

    Attributes
    ----------
    name : str
    start : callable
        Returns the stage, whose result is what to say when it is done.
    """

    name: str
    start: Callable[[], Stage[str]]


class _Stopped(Exception):
    """Somebody interrupted the others."""


def run_side_by_side(tasks: Sequence[NamedStage], jobs: int, verb: str) -> list[CropzoomError]:
    """Run the tasks, at most ``jobs`` at a time, and say what became of each.

    Parameters
    ----------
    tasks : sequence of NamedStage
    jobs : int
        With 1, each runs in this thread.
    verb : str
        What is being done, for the line of each.

    Returns
    -------
    list of CropzoomError
        Of the tasks that failed, in the order they were given.
    """
    if min(jobs, len(tasks)) <= 1:
        return [error for task in tasks if (error := _attempt(task, verb)) is not None]
    stop = threading.Event()
    places: queue.SimpleQueue[int] = queue.SimpleQueue()
    for place in range(jobs):
        places.put(place)
    running: list[Future[CropzoomError | None]] = []
    with ThreadPoolExecutor(jobs, thread_name_prefix="job") as pool:
        try:
            running += [pool.submit(_attempt, task, verb, places, stop) for task in tasks]
            pending = set(running)
            while pending:
                done, pending = wait(pending, SECONDS_DEAF, FIRST_COMPLETED)
                for ended in done:
                    ended.result()
        except BaseException:
            _give_up(running, stop)
            raise
    return [error for ended in running if (error := ended.result()) is not None]


def _attempt(
    task: NamedStage,
    verb: str,
    places: queue.SimpleQueue[int] | None = None,
    stop: threading.Event | None = None,
) -> CropzoomError | None:
    """Run one task; a `CropzoomError` is returned, so that the others go on."""
    place = places.get() if places is not None else 0
    try:
        print(f"{verb} {task.name}", flush=True)
        said = run_with_bar(_until(stop, task.start()), f"{verb} {task.name}", place=place)
        print(said, flush=True)
    except CropzoomError as error:
        return error
    finally:
        if places is not None:
            places.put(place)
    return None


def _until(stop: threading.Event | None, stage: Stage[str]) -> Stage[str]:
    """The same stage, but one that ends with an error when the event is set."""
    with contextlib.closing(stage):
        while True:
            try:
                progress = next(stage)
            except StopIteration as end:
                return str(end.value)
            if stop is not None and stop.is_set():
                raise _Stopped
            yield progress


def _give_up(running: Sequence[Future[CropzoomError | None]], stop: threading.Event) -> None:
    stop.set()
    for waiting in running:
        waiting.cancel()
