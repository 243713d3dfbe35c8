"""``train``: a model, by Lightning Pose."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_overrides, add_trust, add_verb, any_path
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import ignore
from napari_cropzoom.core.shell import shell_word

if TYPE_CHECKING:
    from napari_cropzoom.engine.model_folder import ModelFolder


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    learn = add_verb(verbs, common, "train", train, "train a model")
    learn.add_argument("config_file", type=any_path, nargs="?", help="a Lightning Pose config, *.yaml")
    learn.add_argument("--output_dir", type=any_path, help="model directory (default: outputs/DATE/TIME)")
    learn.add_argument("--detector_model", type=any_path, help="train on the crops of this detector")
    add_overrides(learn, "change values of the config")
    add_trust(learn)
    learn.add_argument(
        "--detach", action="store_true", help="go on in the background, also without this terminal"
    )
    learn.add_argument("--status", type=any_path, metavar="FOLDER", help="say how far a training is")
    learn.add_argument(
        "--stop", type=any_path, metavar="FOLDER", help="stop a training, and keep the model"
    )


def train(args: argparse.Namespace) -> None:
    """Train a model with Lightning Pose, or look after a training."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.training.train import kept
    from napari_cropzoom.engine.training.train import train as train_model

    if args.status is not None or args.stop is not None:
        _look_after(args)
        return
    if args.config_file is None:
        raise CropzoomError("Give a config file to train with, *.yaml, or --status or --stop FOLDER.")
    if args.config_file.suffix != ".yaml" or not args.config_file.is_file():
        raise CropzoomError(f"{args.config_file}: is not a config file. Give an existing *.yaml file.")
    detector = None
    if args.detector_model is not None:
        detector = ModelFolder.open(args.detector_model, need_checkpoint=False)
    now = datetime.datetime.now()
    output = args.output_dir or Path("outputs") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}"
    print(f"output directory: {output.absolute()}", flush=True)
    overrides, trust = tuple(args.overrides or ()), args.trust_checkpoint
    if args.detach:
        _detach(args, output, detector, overrides)
        return
    notify = ignore if sys.stderr.isatty() else print_line  # where there is no bar
    stage = train_model(args.config_file, output, detector, overrides, trust=trust, notify=notify)
    try:
        print(f"model saved to {run_with_bar(stage, 'training')}", flush=True)
    except KeyboardInterrupt:
        print(f"{output}: stopped. {kept(output.absolute())}", flush=True)
        raise


def _detach(
    args: argparse.Namespace, output: Path, detector: ModelFolder | None, overrides: tuple[str, ...]
) -> None:
    from napari_cropzoom.engine.training.background import WATCH_LOG, start
    from napari_cropzoom.engine.training.train import LOG, prepare

    prepare(args.config_file, output, detector, overrides, trust=args.trust_checkpoint)
    words = [str(args.config_file.absolute()), "--output_dir", str(output.absolute())]
    words += [] if detector is None else ["--detector_model", str(detector.path.absolute())]
    words += ["--overrides", *overrides] if overrides else []
    words += ["--trust_checkpoint"] if args.trust_checkpoint else []
    status, folder = start(words, output), shell_word(output)
    print(
        f"training goes on in the background ({status.who}); {WATCH_LOG} has a line an epoch, {LOG} all "
        "that Lightning Pose says.\n"
        f"  how far it is:  cropzoom train --status {folder}\n"
        f"  to stop it:     cropzoom train --stop {folder}",
        flush=True,
    )


def _look_after(args: argparse.Namespace) -> None:
    from napari_cropzoom.engine.training.background import stop
    from napari_cropzoom.engine.training.status import TrainingStatus

    folder = args.stop or args.status
    if args.config_file is not None or (args.stop and args.status):
        raise CropzoomError("--status and --stop take a model folder each, and nothing else.")
    if not folder.is_dir():
        raise CropzoomError(f"{folder}: no such folder. Give the --output_dir of a training.")
    print(stop(folder) if args.stop else f"{folder}: {TrainingStatus.read(folder).told()}", flush=True)
