"""``improve``: corrected frames become labeled frames, for the next training of the detector."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import (
    Verbs,
    add_overrides,
    add_trust,
    add_verb,
    any_path,
    positive_int,
    probability,
)
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import ignore
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted
from napari_cropzoom.projects.review_labels.defaults import FRAMES, GAP, LIKELY

if TYPE_CHECKING:
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.corrections import Corrected
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.label_review import LabelReview


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    better = add_verb(
        verbs, common, "improve", improve, "frames corrected in reviews, as labels to train on"
    )
    better.add_argument("project", type=any_path, help="folder of the project, with its labels file")
    better.add_argument("--detector", type=any_path, required=True, metavar="MODEL", help="model folder")
    better.add_argument(
        "--pose",
        type=any_path,
        metavar="MODEL",
        help="finds the keypoints in reviewed boxes, for new frames",
    )
    better.add_argument(
        "--labels", type=any_path, metavar="FILE", help="labels file, where there are several"
    )
    better.add_argument(
        "--output_dir", type=any_path, metavar="DIR", help="where results were written to"
    )
    better.add_argument(
        "--frames", type=positive_int, default=FRAMES, help=f"at most so many (default: {FRAMES})"
    )
    better.add_argument(
        "--gap", type=positive_int, default=GAP, help=f"frames between two of a video (default: {GAP})"
    )
    better.add_argument(
        "--min_likelihood",
        type=probability,
        default=LIKELY,
        help=f"keypoints below it are left empty (default: {LIKELY})",
    )
    better.add_argument(
        "--unseen",
        choices=("take", "leave"),
        help="labels made by review that nobody has looked at: have them in the table to train on, as at "
        "first, or leave them out, from now on",
    )
    then = better.add_mutually_exclusive_group()
    then.add_argument(
        "--train",
        action="store_true",
        help="train the detector on from its weights, with frames added now or before; compare",
    )
    then.add_argument(
        "--compare",
        type=any_path,
        metavar="MODEL",
        help="compare a detector that was trained on from --detector with it; adds no frames",
    )
    better.add_argument(
        "--new_model", type=any_path, metavar="DIR", help="with --train (default: DETECTOR_improved)"
    )
    add_overrides(better, "with --train: change values of the config")
    add_trust(better)


def improve(args: argparse.Namespace) -> None:
    """Add labeled frames, train on them, and say which detector is the better one, as far as asked."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.improving import only_labels, read_all_corrected
    from napari_cropzoom.projects.review_labels.record import with_review, without_review

    if not args.train and (args.new_model is not None or args.overrides):
        raise CropzoomError("--new_model, --overrides: are for --train. Leave them out.")
    project = Project.open(args.project, args.output_dir)
    labels = without_review(args.labels or only_labels(project))
    detector = ModelFolder.open(args.detector)
    pose, new = (None if each is None else ModelFolder.open(each) for each in (args.pose, args.compare))
    corrected = read_all_corrected(project, detector, print_note)
    target = with_review(labels)
    if new is None:
        if args.train and target.is_file():
            print_note(f"{target}: is taken as it is; improve without --train adds frames")
        else:
            _add_frames(project, labels, detector, pose, corrected, args)
        review = _settle(labels, args)
        if not args.train:
            print(f"Train again: {_next_line(args)}")
            print(_to_look_at(review))
            return
        if review.made:
            print(_trained_on(review), flush=True)
        new = _train(detector, target, args)
    _compare(project, labels, detector, new, corrected, args)


def _add_frames(
    project: Project,
    labels: Path,
    detector: ModelFolder,
    pose: ModelFolder | None,
    corrected: list[Corrected],
    args: argparse.Namespace,
) -> None:
    """Choose corrected frames, and write images and rows."""
    from napari_cropzoom.projects.review_labels.improving import label_corrections
    from napari_cropzoom.projects.review_labels.record import record_of

    if pose is None:
        raise CropzoomError("Give --pose MODEL, a pose model that finds the keypoints in reviewed boxes.")
    stage = label_corrections(
        project,
        labels,
        detector,
        pose,
        corrected,
        count=args.frames,
        gap=args.gap,
        min_likelihood=args.min_likelihood,
        trust=args.trust_checkpoint,
        notify=print_note,
    )
    made = run_with_bar(stage, "labeling")
    for name, count in made.of_videos.most_common():
        print(f"{count:4}  {name}")
    for kind, count in made.of_kinds.most_common():
        print(f"{count:4}  {kind}")
    print(f"{counted(len(made.images), 'labeled frame')} added: {made.labels}")
    print(f"which ones: {record_of(made.labels)}", flush=True)


def _settle(labels: Path, args: argparse.Namespace) -> LabelReview:
    """Do as ``--unseen`` says, and write the table as it is to be."""
    from napari_cropzoom.projects.review_labels.label_review import LabelReview

    review = LabelReview.read(labels)
    if args.unseen is not None:
        with closing(review):
            review.start()
            review.take_unseen(args.unseen == "take")
    if review.made:
        review.write_table()
    return review


def _to_look_at(review: LabelReview) -> str:
    """How many labels nobody has looked at, and how to."""
    counts = review.counts
    if not counts.unseen:
        return f"Labels made by review: {counts.told()}."
    return (
        f"Labels made by review: {counts.told()}. They are what the pose model finds, so look at them "
        "before you train: in napari, Plugins > Cropzoom > Training, step 'Labels made by review'."
    )


def _trained_on(review: LabelReview) -> str:
    """What of the labels made by review a training takes."""
    counts = review.counts
    if not counts.unseen:
        return f"labels made by review: {counts.told()}"
    does = (
        "are trained on too (--unseen leave leaves them out)"
        if review.takes_unseen
        else "are left out (--unseen take takes them)"
    )
    return f"labels made by review: {counts.told()}; the {counts.unseen} that nobody has looked at {does}"


def _train(detector: ModelFolder, target: Path, args: argparse.Namespace) -> ModelFolder:
    """Train the detector on from its weights."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.training.train import train
    from napari_cropzoom.projects.review_labels.improving import free_folder, training_on

    folder = (args.new_model or free_folder(detector.path)).absolute()
    if (folder / "config.yaml").is_file():
        raise CropzoomError(f"{folder}: is a model already. Give another --new_model.")
    overrides = [*training_on(detector, target), *(args.overrides or ())]
    print(f"training on from {detector.path}: {folder}", flush=True)
    notify = ignore if sys.stderr.isatty() else print_line  # where there is no bar
    config, trust = detector.path / "config.yaml", args.trust_checkpoint
    run_with_bar(train(config, folder, None, overrides, trust=trust, notify=notify), "training")
    return ModelFolder.open(folder)


def _compare(
    project: Project,
    labels: Path,
    old: ModelFolder,
    new: ModelFolder,
    corrected: list[Corrected],
    args: argparse.Namespace,
) -> None:
    """Print how both do on the reviewed videos and on labels, and which is the better one."""
    from napari_cropzoom.projects.comparing import compare_detectors
    from napari_cropzoom.projects.review_labels.record import added_frames

    added = added_frames(labels, project.videos, print_note)
    trust = args.trust_checkpoint
    stage = compare_detectors(project, labels, old, new, corrected, added, trust=trust, notify=print_note)
    print(run_with_bar(stage, "comparing").told())


def _next_line(args: argparse.Namespace) -> str:
    """The command that trains the detector on, from its weights."""
    words = ["cropzoom", "improve", args.project, "--detector", args.detector]
    words += [] if args.labels is None else ["--labels", args.labels]
    words += [] if args.output_dir is None else ["--output_dir", args.output_dir]
    return shell_line([*words, "--train"])
