"""``train``: a model, by Lightning Pose."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_trust, add_verb
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import ignore


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    learn = add_verb(verbs, common, "train", train, "train a model")
    learn.add_argument("config_file", type=Path, help="a Lightning Pose config, *.yaml")
    learn.add_argument("--output_dir", type=Path, help="model directory (default: outputs/DATE/TIME)")
    learn.add_argument("--detector_model", type=Path, help="train on the crops of this detector")
    learn.add_argument("--overrides", nargs="*", metavar="KEY=VALUE", help="change values of the config")
    add_trust(learn)


def train(args: argparse.Namespace) -> None:
    """Train a model with Lightning Pose."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.training.train import train as train_model

    if args.config_file.suffix != ".yaml" or not args.config_file.is_file():
        raise CropzoomError(f"{args.config_file}: is not a config file. Give an existing *.yaml file.")
    detector = None
    if args.detector_model is not None:
        detector = ModelFolder.open(args.detector_model, need_checkpoint=False)
    now = datetime.datetime.now()
    output = args.output_dir or Path("outputs") / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}"
    print(f"output directory: {output.absolute()}", flush=True)
    overrides, trust = tuple(args.overrides or ()), args.trust_checkpoint
    notify = ignore if sys.stderr.isatty() else print_line  # where there is no bar
    stage = train_model(args.config_file, output, detector, overrides, trust=trust, notify=notify)
    print(f"model saved to {run_with_bar(stage, 'training')}", flush=True)
