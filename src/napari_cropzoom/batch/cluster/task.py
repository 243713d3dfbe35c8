"""What happens in a worker: one stage of one video, which can be stopped at each progress."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from distributed import WorkerPlugin, get_worker

from napari_cropzoom.batch.parts import Joined
from napari_cropzoom.batch.stages import stages
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Stage
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.engine.network.executor import allow_cores
from napari_cropzoom.files.leftovers import remove_leftovers
from napari_cropzoom.worker.server import describe

PACKAGE = "napari-cropzoom"
CHECK, ADVANCE, PART = "check", "advance", "part"
SECONDS_TO_STOP = 20
SECONDS_BETWEEN_EVENTS = 0.5

_one_at_a_time = threading.Lock()
_running: Counter[str] = Counter()
_stopped: set[str] = set()


@dataclass(frozen=True)
class Failed:
    """What a task returns that failed: Dask would tell an exception in many lines."""

    why: str


STOPPED = Failed("stopped")


class DeafToInterrupts(WorkerPlugin):
    """Leaves Ctrl-C to who started the workers in this terminal, where each gets it too."""

    name = PACKAGE

    def setup(self, worker: Any) -> None:
        """Prepare a worker."""
        with contextlib.suppress(ValueError):  # not the main thread of its process
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def task(job: str, number: int, what: str, args: dict[str, Any]) -> Any:
    """Run a stage of :class:`.stages.BatchStages`.

    Parameters
    ----------
    job : str
        Who stops it.
    number : int
        Of the video, for its progress.
    what : str
        ``check``, ``advance`` or ``part``.
    args : dict
        Of the stage; ``of`` is the version of this package that asks, and ``made`` what came of parts.

    Returns
    -------
    object
        What the stage returns, or `Failed`.
    """
    worker = get_worker()
    allow_cores(int(worker.state.nthreads))
    remove_leftovers()
    while not _one_at_a_time.acquire(timeout=SECONDS_BETWEEN_REPORTS):
        if job in _stopped:
            return STOPPED
    _running[job] += 1
    try:
        _check_place(args)
        if "made" in args:
            args = {**args, "joined": Joined.of(*args["made"])}
        return _drive(worker, job, number, what, getattr(stages, what)(args))
    except (Exception, SystemExit) as error:
        return Failed(describe(error)["message"])
    finally:
        _running[job] -= 1
        _one_at_a_time.release()


async def stop(job: str) -> None:
    """Have the tasks of a job end at their next progress, and wait until they have cleaned up."""
    _stopped.add(job)
    end = time.monotonic() + SECONDS_TO_STOP
    while _running[job] > 0 and time.monotonic() < end:
        await asyncio.sleep(0.05)


def _check_place(args: dict[str, Any]) -> None:
    """Refuse work that this machine cannot do as the one that asks for it."""
    here = f"a worker on {platform.node()}"
    if (mine := version(PACKAGE)) != args["of"]:
        raise CropzoomError(
            f"{here} has {PACKAGE} {mine}, and this command is of {args['of']}. Install one and the same."
        )
    for path in filter(None, (args.get("video"), args["detector"], args["pose"])):
        if not os.path.exists(path):
            raise CropzoomError(
                f"{path}: is not there for {here}. Put videos and models where all machines have them "
                "under one path."
            )


def _drive(worker: Any, job: str, number: int, what: str, stage: Stage[Any]) -> Any:
    """Run a stage until it is done or its job is stopped, and report how far it is."""
    reported, passes, last = 0.0, 0, 0.0
    with contextlib.closing(stage):
        while job not in _stopped:
            try:
                progress = next(stage)
            except StopIteration as end:
                return end.value
            share = progress.done / progress.total if progress.total > 0 else 0.0
            passes, last = passes + (share < last), share
            now = time.monotonic()
            if what == ADVANCE and now - reported >= SECONDS_BETWEEN_EVENTS:
                reported = now
                worker.log_event(job, [number, passes + share])
    return STOPPED
