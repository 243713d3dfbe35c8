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
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import compose, vetted
from napari_cropzoom.engine.training.losses import Losses, told
from napari_cropzoom.files.atomic import cannot_write
from napari_cropzoom.files.locks import BlockedError, PathLock
from napari_cropzoom.files.parsing import parse_json

LITPOSE = (
    "from napari_cropzoom.core.children import end_with_input; end_with_input(); "
    "from lightning_pose.cli.main import main; main()"
)
LOG = "train.log"


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

    Closing the stage ends the training and keeps the checkpoints there are.

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
        Called after every epoch with a line that says which, and the losses.

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
    config, output_dir = Path(config).absolute(), Path(output_dir).absolute()
    if not config.is_file():
        raise CropzoomError(f"{config}: no such file. Give the configuration to train with.")
    settings = compose(config, overrides)
    overrides = [*overrides, *vetted(config, settings, output_dir, trust=trust)]
    # -P: no module is taken from the folder it is run in
    command = [sys.executable, "-P", "-c", LITPOSE, "train", str(config), "--output_dir", str(output_dir)]
    if detector_model is not None:
        check_cropped(config, settings, detector_model)
        command += ["--detector_model", str(detector_model.path)]
    if overrides:
        command += ["--overrides", *overrides]
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(output_dir, error) from error
    with _only_one(output_dir):
        yield from _run(command, config, output_dir, notify)
    return output_dir


@contextlib.contextmanager
def _only_one(output_dir: Path) -> Iterator[None]:
    """Find a training that writes into this folder already, of this machine or another."""
    lock = PathLock(output_dir / ".train.lock")
    try:
        lock.acquire()
    except BlockedError as error:
        raise CropzoomError(
            f"{output_dir}: a training is running there already; {LOG} says how far it is. Wait until it "
            "ends, or choose another --output_dir."
        ) from error
    except OSError as error:
        raise cannot_write(output_dir, error) from error
    try:
        yield
    finally:
        lock.release()


def _run(command: list[str], config: Path, output_dir: Path, notify: Notify) -> Stage[None]:
    """Run the training, whose standard input tells it by closing that this process has ended."""
    status, log = output_dir / "train_status.json", output_dir / LOG
    status.unlink(missing_ok=True)
    losses, epoch = Losses(output_dir), 0
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
            while process.poll() is None:
                progress = _progress(status)
                if progress.done > epoch:
                    epoch = progress.done
                    notify(_epoch_line(progress, losses))
                yield progress
                _wait(process)
        finally:
            _end(process)
    if process.returncode != 0:
        raise CropzoomError(
            f"{config}: litpose train ended with exit code {process.returncode}: {_last_line(log)} "
            f"Everything it said is in {log}."
        )
    yield _progress(status)


def _epoch_line(progress: Progress, losses: Losses) -> str:
    """``epoch 3 of 300: loss 0.0123, validation 0.0145, 5.2 px``."""
    line, known = f"epoch {progress.done} of {progress.total}", told(losses.latest())
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


def _progress(status: Path) -> Progress:
    """Read how far Lightning Pose says it is, which it writes after every epoch."""
    try:
        progress = parse_json(status.read_text())["progress"]
        return Progress(int(progress["completed"]), int(progress["total"]), "epochs")
    except (OSError, ValueError, KeyError, TypeError):
        return Progress(0, 0, "starting")


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(SECONDS_BETWEEN_REPORTS)
    except subprocess.TimeoutExpired:
        return


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the training and the data loaders it has started."""
    if process.poll() is not None:
        return
    if sys.platform != "win32":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
        process.kill()
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else "it said nothing."
