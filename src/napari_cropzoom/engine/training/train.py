"""Train a model as `litpose train` does, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from napari_cropzoom.core.children import no_console
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Notify, Progress, Stage, ignore
from napari_cropzoom.core.shell import shell_word
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.checks import refuse
from napari_cropzoom.engine.training.child import PATIENCE
from napari_cropzoom.engine.training.config import compose, vetted
from napari_cropzoom.engine.training.losses import Losses, told
from napari_cropzoom.engine.training.status import CANCELED, FAILED, TrainingStatus, begin, end
from napari_cropzoom.engine.training.weights import why_ended
from napari_cropzoom.files.atomic import cannot_write
from napari_cropzoom.files.locks import BlockedError, PathLock

CHILD = "napari_cropzoom.engine.training.child"
LOG = "train.log"
STOP = ".train.stop"  # a file that asks the process that watches over the training to end it
MOST_LINES = 100  # that tell how far a training is which counts steps
_LITTLE_MORE = 10.0  # seconds


def train(
    config: Path,
    output_dir: Path,
    detector_model: ModelFolder | None = None,
    overrides: Sequence[str] = (),
    *,
    trust: bool = False,
    notify: Notify = ignore,
) -> Stage[Path]:
    """Run `litpose train`; its output goes to ``train.log`` in the output folder.

    Closing the stage ends the training after the batch at hand and keeps the best checkpoint, or, before
    the first validation, the weights as they are.

    Parameters
    ----------
    config : Path
        Lightning Pose's configuration.
    output_dir : Path
        The model folder to write.
    detector_model : ModelFolder or None
        Train on the labeled frames that were cropped with this detector.
    overrides : sequence of str
        ``key=value`` in Hydra's grammar.
    trust : bool
        Whether the person trusts where the checkpoints come from that these name.
    notify : callable
        Called after every epoch, or hundredth of the steps, with a line that says which, and the losses.

    Returns
    -------
    Path
        ``output_dir``.

    Raises
    ------
    CropzoomError
        If the configuration is missing, names a checkpoint that would run code of its own and is not
        trusted, or asks for what cropped frames cannot give, the frames are not cropped yet, or the
        training fails.
    """
    command = prepare(config, output_dir, detector_model, overrides, trust=trust)
    output_dir = Path(output_dir).absolute()
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(output_dir, error) from error
    with _only_one(output_dir):
        yield from _run(command, Path(config).absolute(), output_dir, notify)
    return output_dir


def prepare(
    config: Path,
    output_dir: Path,
    detector_model: ModelFolder | None = None,
    overrides: Sequence[str] = (),
    *,
    trust: bool = False,
) -> list[str]:
    """Check all that :func:`train` is given; return the command of the process that trains.

    Raises
    ------
    CropzoomError
        As :func:`train` does before it starts anything.
    """
    config, output_dir = Path(config).absolute(), Path(output_dir).absolute()
    if not config.is_file():
        raise CropzoomError(f"{config}: no such file. Give the configuration to train with.")
    settings = compose(config, overrides)
    overrides = [*overrides, *vetted(config, settings, output_dir, trust=trust)]
    # -P: no module is taken from the folder it is run in
    command = [sys.executable, "-P", "-m", CHILD, "train", str(config), "--output_dir", str(output_dir)]
    if detector_model is not None:
        check_cropped(config, settings, detector_model)
        command += ["--detector_model", str(detector_model.path)]
    refuse(config, settings, output_dir)
    if overrides:
        command += ["--overrides", *overrides]
    return command


@contextlib.contextmanager
def _only_one(output_dir: Path) -> Iterator[None]:
    """Find a training that writes into this folder already, of this machine or another."""
    lock = PathLock(output_dir / ".train.lock")
    try:
        lock.acquire()
    except BlockedError as error:
        raise _is_running(output_dir) from error
    except OSError as error:
        in_the_way = lock.file if os.path.lexists(lock.file) else output_dir
        raise cannot_write(in_the_way, error) from error
    try:
        refuse_if_running(output_dir)  # one that goes on, or was started by another program
        yield
    finally:
        lock.release()


def refuse_if_running(output_dir: Path) -> None:
    """Raise CropzoomError if a training of this computer is known to run in a folder."""
    if TrainingStatus.read(output_dir).is_running:
        raise _is_running(output_dir)


def _is_running(output_dir: Path) -> CropzoomError:
    who = TrainingStatus.read(output_dir).who
    return CropzoomError(
        f"{output_dir}: a training is running there already{f' ({who})' if who else ''}; {LOG} says how "
        "far it is. Wait until it ends, stop it with "
        f"`cropzoom train --stop {shell_word(output_dir)}`, or choose another --output_dir."
    )


def _run(command: list[str], config: Path, output_dir: Path, notify: Notify) -> Stage[None]:
    """Run the training, whose standard input tells it by closing that this process has ended."""
    log, stop = output_dir / LOG, output_dir / STOP
    stop.unlink(missing_ok=True)
    losses, told_of = Losses(output_dir), 0
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            **no_console(),
        )
        try:
            begin(output_dir, process.pid)
            while process.poll() is None:
                if stop.exists():
                    _end(process)
                    raise CropzoomError(f"{output_dir}: the training was stopped. {kept(output_dir)}")
                progress = TrainingStatus.read(output_dir).progress
                if progress.done - told_of >= _often(progress):
                    told_of = progress.done
                    notify(_progress_line(progress, losses))
                yield progress
                _wait(process)
        except BaseException:
            _end(process)
            end(output_dir, CANCELED)
            raise
        finally:
            stop.unlink(missing_ok=True)
    if process.returncode != 0:
        end(output_dir, FAILED)
        if sys.platform != "win32" and process.returncode == -signal.SIGKILL:
            _kill_group(process)
            raise CropzoomError(
                f"{output_dir}: the training was killed, by a person or for want of memory: close other "
                f"programs, or set a smaller training.train_batch_size. {kept(output_dir)}"
            )
        raise CropzoomError(
            f"{config}: litpose train ended with exit code {process.returncode}: {last_line(log)} "
            f"Everything it said is in {log}."
        )
    yield TrainingStatus.read(output_dir).progress


def kept(output_dir: Path) -> str:
    """Say what there is of a training that was stopped."""
    found = sorted(output_dir.glob("tb_logs/*/version_*/checkpoints/*.ckpt"))
    if not found:
        return "There is no checkpoint: not one batch was trained on."
    return f"The model can be used as it is ({found[-1].name})."


def _often(progress: Progress) -> int:
    """After how many epochs, or steps, it is told how far it is."""
    return 1 if progress.text == "epochs" else max(progress.total // MOST_LINES, 1)


def _progress_line(progress: Progress, losses: Losses) -> str:
    """``epoch 3 of 300: loss 0.0123, validation 0.0145, 5.2 px``."""
    line = f"{progress.text.removesuffix('s')} {progress.done} of {progress.total}"
    known = told(losses.latest())
    return f"{line}: {known}" if known else line


def check_cropped(config: Path, settings: dict[str, Any], detector: ModelFolder) -> None:
    """Refuse what training on crops cannot do, before anything is started.

    Parameters
    ----------
    config : Path
        Named in messages.
    settings : dict
        As :func:`.config.compose` gives them.
    detector : ModelFolder

    Raises
    ------
    CropzoomError
        If the loss ``pca_multiview`` is on, which compares the views within a whole frame, or the labeled
        frames have not been cropped with this detector.
    """
    losses = str(settings["model"].get("losses_to_use") or "")
    if "pca_multiview" in losses:
        raise CropzoomError(
            f"{config}: the loss pca_multiview compares the views of a whole frame and cannot be used "
            "on crops. Take it out of model.losses_to_use."
        )
    files = settings["data"].get("csv_file") or ()
    for file in map(str, [files] if isinstance(files, str) else files):
        if not detector.cropped_csv(file).is_file():
            raise CropzoomError(
                f"{detector.cropped_csv(file)}: not found. Crop the labeled frames first: "
                f"cropzoom predict, create_bbox and crop, each with {detector.path} {Path(file).name}."
            )


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(SECONDS_BETWEEN_REPORTS)
    except subprocess.TimeoutExpired:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the training to end, and end it where it does not, or at the next Ctrl-C."""
    try:
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        process.wait(PATIENCE + _LITTLE_MORE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the training and the data loaders it has started, if it still runs."""
    if process.poll() is not None:
        return
    if sys.platform != "win32":
        _kill_group(process)
    else:
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
        process.kill()
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End what the training has started too; its session is its own."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # nothing is left of it
            os.killpg(process.pid, signal.SIGKILL)


def last_line(log: Path) -> str:
    """Return what a log ends with, for a message."""
    return why_ended(log.read_text(encoding="utf-8", errors="replace"))
