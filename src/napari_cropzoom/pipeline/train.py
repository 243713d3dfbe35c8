"""Train a model as `litpose train` does, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.pipeline.progress import Progress, Stage

LITPOSE = "from lightning_pose.cli.main import main; main()"
LOG = "train.log"


def train(
    config: Path,
    output_dir: Path,
    detector_model: ModelFolder | None = None,
    overrides: Sequence[str] = (),
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

    Returns
    -------
    Path
        ``output_dir``.

    Raises
    ------
    CropzoomError
        If the configuration is missing or asks for what cropped frames cannot give, the frames are
        not cropped yet, or the training fails.
    """
    config, output_dir = Path(config).absolute(), Path(output_dir).absolute()
    settings = _read(config)
    command = [sys.executable, "-c", LITPOSE, "train", str(config), "--output_dir", str(output_dir)]
    if detector_model is not None:
        check_cropped(config, settings, detector_model, overrides)
        command += ["--detector_model", str(detector_model.path)]
    if overrides:
        command += ["--overrides", *overrides]
    output_dir.mkdir(parents=True, exist_ok=True)
    status = output_dir / "train_status.json"
    status.unlink(missing_ok=True)
    log = output_dir / LOG
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
        try:
            while process.poll() is None:
                yield _progress(status)
                _wait(process)
        finally:
            _end(process)
    if process.returncode != 0:
        raise CropzoomError(
            f"{config}: litpose train ended with exit code {process.returncode}: {_last_line(log)} "
            f"Everything it said is in {log}."
        )
    yield _progress(status)
    return output_dir


def check_cropped(
    config: Path, settings: dict[str, Any], detector: ModelFolder, overrides: Sequence[str] = ()
) -> None:
    """Refuse what training on crops cannot do, before anything is started.

    Raises
    ------
    CropzoomError
        If the loss ``pca_multiview`` is on, which compares the views within a whole frame, or the labeled
        frames have not been cropped with this detector.
    """
    losses = str((settings.get("model") or {}).get("losses_to_use") or "")
    for override in overrides:
        name, _, value = override.partition("=")
        if name.lstrip("+") == "model.losses_to_use":
            losses = value
    if "pca_multiview" in losses:
        raise CropzoomError(
            f"{config}: the loss pca_multiview compares the views of a whole frame and cannot be used "
            "on crops. Take it out of model.losses_to_use."
        )
    files = (settings.get("data") or {}).get("csv_file") or ()
    for file in [files] if isinstance(files, str) else files:
        if not detector.cropped_csv(file).is_file():
            raise CropzoomError(
                f"{detector.cropped_csv(file)}: not found. Crop the labeled frames first: "
                f"cropzoom predict, create_bbox and crop, each with {detector.path} {Path(file).name}."
            )


def _read(config: Path) -> dict[str, Any]:
    if not config.is_file():
        raise CropzoomError(f"{config}: no such file. Give the configuration to train with.")
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CropzoomError(
            f"{config}: is not readable YAML ({' '.join(str(error).split())})."
        ) from error
    if not isinstance(settings, dict):
        raise CropzoomError(f"{config}: is not a Lightning Pose configuration, which has sections.")
    return settings


def _progress(status: Path) -> Progress:
    """Read how far Lightning Pose says it is, which it writes after every epoch."""
    try:
        progress = json.loads(status.read_text())["progress"]
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
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else "it said nothing."
