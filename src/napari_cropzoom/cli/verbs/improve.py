"""``improve``: corrected frames become labeled frames, for the next training of the detector."""

from __future__ import annotations

import argparse
import itertools
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_trust, add_verb, positive_int, probability
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import print_line, run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import ignore
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.corrections import Corrected
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.said import LabelReview

FRAMES, GAP, LIKELY = 30, 15, 0.5


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    better = add_verb(
        verbs, common, "improve", improve, "frames corrected in reviews, as labels to train on"
    )
    better.add_argument("project", type=Path, help="folder of the project, with its labels file")
    better.add_argument("--detector", type=Path, required=True, metavar="MODEL", help="model folder")
    better.add_argument(
        "--pose", type=Path, metavar="MODEL", help="finds the keypoints in reviewed boxes, for new frames"
    )
    better.add_argument(
        "--labels", type=Path, metavar="FILE", help="labels file, where there are several"
    )
    better.add_argument("--output_dir", type=Path, metavar="DIR", help="where results were written to")
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
        type=Path,
        metavar="MODEL",
        help="compare a detector that was trained on from --detector with it; adds no frames",
    )
    better.add_argument(
        "--new_model", type=Path, metavar="DIR", help="with --train (default: DETECTOR_improved)"
    )
    better.add_argument(
        "--overrides", nargs="*", metavar="KEY=VALUE", help="with --train: change values of the config"
    )
    add_trust(better)


def improve(args: argparse.Namespace) -> None:
    """Add labeled frames, train on them, and say which detector is the better one, as far as asked."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.record import with_review, without_review

    if not args.train and (args.new_model is not None or args.overrides):
        raise CropzoomError("--new_model, --overrides: are for --train. Leave them out.")
    project = Project.open(args.project, args.output_dir)
    labels = without_review(args.labels or _only_labels(project))
    detector = ModelFolder.open(args.detector)
    new = None if args.compare is None else ModelFolder.open(args.compare)
    corrected = _corrected(project, detector)
    if not corrected:
        raise CropzoomError(
            f"{project.data_dir}: no video has a saved review in which a box of {detector.path.name} was "
            "corrected. Review one with `cropzoom review`, and save it in step Export."
        )
    target = with_review(labels)
    if new is None:
        if args.train and target.is_file():
            print_note(f"{target}: is taken as it is; improve without --train adds frames")
        else:
            _add_frames(project, labels, detector, corrected, args)
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
    corrected: list[Corrected],
    args: argparse.Namespace,
) -> None:
    """Choose corrected frames, and write images and rows."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.files.predictions_csv import read_predictions_table
    from napari_cropzoom.projects.corrections import check_names
    from napari_cropzoom.projects.labeling import label_frames
    from napari_cropzoom.projects.review_labels.record import record_of

    if args.pose is None:
        raise CropzoomError("Give --pose MODEL, a pose model that finds the keypoints in reviewed boxes.")
    pose = ModelFolder.open(args.pose)
    check_names(read_predictions_table(labels).names, pose)
    poses = _poses(project, pose, corrected, args.trust_checkpoint)
    stage = label_frames(
        labels,
        corrected,
        poses,
        count=args.frames,
        gap=args.gap,
        min_likelihood=args.min_likelihood,
        has_context=detector.model_type.endswith("mhcrnn"),
        pose_model=str(pose.path),
    )
    made = run_with_bar(stage, "writing images")
    if made.n_left_out:
        print_note(
            f"{counted(made.n_left_out, 'corrected frame')} left out: the pose model finds too few "
            f"keypoints with a likelihood of {args.min_likelihood:g} or more"
        )
    if not made.images:
        raise CropzoomError(
            f"{labels}: there is no corrected frame to add. Correct more, or lower --min_likelihood."
        )
    for name, count in made.of_videos.most_common():
        print(f"{count:4}  {name}")
    for kind, count in made.of_kinds.most_common():
        print(f"{count:4}  {kind}")
    print(f"{counted(len(made.images), 'labeled frame')} added: {made.labels}")
    print(f"which ones: {record_of(made.labels)}", flush=True)


def _settle(labels: Path, args: argparse.Namespace) -> LabelReview:
    """Do as ``--unseen`` says, and write the table as it is to be."""
    from napari_cropzoom.projects.review_labels.said import LabelReview

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
    from napari_cropzoom.engine.training.config import going_on, quoted_override
    from napari_cropzoom.engine.training.train import train

    folder = (args.new_model or _free_folder(detector.path)).absolute()
    if (folder / "config.yaml").is_file():
        raise CropzoomError(f"{folder}: is a model already. Give another --new_model.")
    overrides = [
        quoted_override("data.data_dir", str(target.parent.absolute())),
        quoted_override("data.csv_file", target.name),
        *going_on(detector),
        *(args.overrides or ()),
    ]
    print(f"training on from {detector.path}: {folder}", flush=True)
    notify = ignore if sys.stderr.isatty() else print_line  # where there is no bar
    config, trust = detector.path / "config.yaml", args.trust_checkpoint
    run_with_bar(train(config, folder, None, overrides, trust=trust, notify=notify), "training")
    return ModelFolder.open(folder)


def _free_folder(detector: Path) -> Path:
    """``<detector>_improved``, with a number where that is taken."""
    first = detector.with_name(f"{detector.name}_improved")
    others = (first.with_name(f"{first.name}_{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([first], others) if not folder.exists())


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

    added = added_frames(labels)
    trust = args.trust_checkpoint
    stage = compare_detectors(project, labels, old, new, corrected, added, trust=trust, notify=print_note)
    print(run_with_bar(stage, "comparing").told())


def _only_labels(project: Project) -> Path:
    """The labels file of a project; those that go with another one are not meant."""
    from napari_cropzoom.projects.layout import OUT_OF_TRAINING

    stems = {each.path.stem for each in project.labels}
    ends = (*OUT_OF_TRAINING, "_with_review")
    files = [
        each.path
        for each in project.labels
        if not any(each.path.stem.removesuffix(end) in stems - {each.path.stem} for end in ends)
    ]
    if len(files) != 1:
        there = ", ".join(path.name for path in files) or "none"
        raise CropzoomError(f"{project.data_dir}: which labels file is it ({there})? Give --labels FILE.")
    return files[0]


def _corrected(project: Project, detector: ModelFolder) -> list[Corrected]:
    """Reviewed videos with corrections; why others are left out is told."""
    from dataclasses import replace

    from napari_cropzoom.projects.corrections import read_corrected

    found = []
    for video in project.videos:
        try:
            told = read_corrected(replace(detector, results=project.results_of(video)), video)
        except CropzoomError as error:
            print_note(f"{error} It is left out.")
            continue
        if isinstance(told, str):
            if told != "no review":
                print_note(f"{video}: {told}; it is left out")
        elif told.is_wrong.any():
            found.append(told)
    return found


def _poses(project: Project, pose: ModelFolder, corrected: list[Corrected], trust: bool) -> list[Poses]:
    """Keypoints in the reviewed boxes; only the frames whose box is another one are run."""
    from dataclasses import replace
    from functools import partial

    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.loop import some_frames
    from napari_cropzoom.engine.predict import is_up_to_date, predict_video
    from napari_cropzoom.files.provenance import read_video_predictions

    engine, result = None, []
    for each in corrected:
        model = replace(pose, results=project.results_of(each.video))
        path = model.predictions_csv(each.video)
        if not is_up_to_date(model, each.video, each.boxes):
            if engine is None:
                examples = partial(some_frames, each.video, each.boxes, "pad")
                engine = Engine.load(model, trust=trust, examples=examples, notify=print_note)
            stage = predict_video(model, each.video, each.boxes, engine=engine, only_changed=True)
            path = run_with_bar(stage, each.video.name)
        result.append(read_video_predictions(path, each.index.n_frames))
    return result


def _next_line(args: argparse.Namespace) -> str:
    """The command that trains the detector on, from its weights."""
    words = ["cropzoom", "improve", args.project, "--detector", args.detector]
    words += [] if args.labels is None else ["--labels", args.labels]
    words += [] if args.output_dir is None else ["--output_dir", args.output_dir]
    return shell_line([*words, "--train"])
