"""Trainings that go on without the command that started them: starting, watching and stopping them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from napari_cropzoom.core.children import no_console
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.training.child import PATIENCE
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.engine.training.train import STOP, kept, last_line, refuse_if_running
from napari_cropzoom.files.atomic import cannot_write

WATCH_LOG = "train_progress.log"
_START = 60.0  # seconds that checking the configuration again may take
_LOOK = 0.2  # seconds


def start(words: Sequence[str], output_dir: Path) -> TrainingStatus:
    """Start ``cropzoom train`` so that it outlives its parent and the terminal.

    It has a session of its own and no terminal, so no hang-up reaches it; what it says, a line an epoch,
    goes to ``train_progress.log`` in the output folder.

    Parameters
    ----------
    words : sequence of str
        Arguments of ``cropzoom train``, with ``--output_dir``; they have been checked.
    output_dir : Path

    Returns
    -------
    TrainingStatus
        Of the training, which has begun.

    Raises
    ------
    CropzoomError
        If a training runs there already, or this one ends before it has begun.
    """
    output_dir = output_dir.absolute()
    refuse_if_running(output_dir)
    log = output_dir / WATCH_LOG
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        sink = log.open("wb")
    except OSError as error:
        raise cannot_write(output_dir, error) from error
    before = TrainingStatus.read(output_dir).started
    with sink:
        watcher = subprocess.Popen(
            [sys.executable, "-P", "-m", "napari_cropzoom.cli", "train", *words],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            **no_console(),
        )
    until = time.monotonic() + _START
    while (status := TrainingStatus.read(output_dir)).started in (None, before):
        if watcher.poll() is not None:
            raise CropzoomError(f"{output_dir}: the training ended before it began: {last_line(log)}")
        if time.monotonic() > until:
            raise CropzoomError(f"{output_dir}: the training has not begun yet. Look into {log}.")
        time.sleep(_LOOK)
    watcher.returncode = 0  # it goes on: nobody here waits for it
    return status


def stop(folder: Path) -> str:
    """Ask the training of a folder to stop, wait until it has, and say what there is of it.

    Raises
    ------
    CropzoomError
        If none runs there, or it does not stop.
    """
    status = TrainingStatus.read(folder)
    if status.is_over or (status.is_here and not status.is_running):
        raise CropzoomError(f"{folder}: no training runs there: {status.told()}.")
    note = folder / STOP
    try:
        note.touch()
    except OSError as error:
        raise cannot_write(folder, error) from error
    until = time.monotonic() + 2 * PATIENCE
    while not (status := TrainingStatus.read(folder)).is_over and (
        status.is_running or not status.is_here
    ):
        if time.monotonic() > until:
            note.unlink(missing_ok=True)
            raise CropzoomError(
                f"{folder}: the training does not stop ({status.who}). It was not started by "
                "`cropzoom train`, or its computer cannot be reached; end that process there."
            )
        time.sleep(_LOOK)
    note.unlink(missing_ok=True)
    return f"{folder}: stopped. {kept(folder)}"
