"""``improve``: corrected frames become labeled frames, for the next training of the detector."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_trust, add_verb, positive_int, probability
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.corrections import Corrected
    from napari_cropzoom.projects.layout import Project

FRAMES, GAP, LIKELY = 30, 15, 0.5


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    better = add_verb(
        verbs, common, "improve", improve, "frames corrected in reviews, as labels to train on"
    )
    better.add_argument("project", type=Path, help="folder of the project, with its labels file")
    better.add_argument("--detector", type=Path, required=True, metavar="MODEL", help="model folder")
    better.add_argument(
        "--pose", type=Path, required=True, metavar="MODEL", help="finds the keypoints in reviewed boxes"
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
    add_trust(better)


def improve(args: argparse.Namespace) -> None:
    """Choose corrected frames, write images and rows, and say how to train on them."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.files.predictions_csv import read_predictions_table
    from napari_cropzoom.projects.corrections import check_names
    from napari_cropzoom.projects.labeling import label_frames, record_of
    from napari_cropzoom.projects.layout import Project

    project = Project.open(args.project, args.output_dir)
    labels = args.labels or _only_labels(project)
    detector, pose = ModelFolder.open(args.detector), ModelFolder.open(args.pose)
    check_names(read_predictions_table(labels).names, pose)
    corrected = _corrected(project, detector)
    if not corrected:
        raise CropzoomError(
            f"{project.data_dir}: no video has a saved review in which a box of {detector.path.name} was "
            "corrected. Review one with `cropzoom review`, and save it in step Export."
        )
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
    print(f"which ones: {record_of(made.labels)}")
    print("Look at the keypoints before you train on them: they are what the pose model finds.")
    print(f"Train again: {_train_line(detector, made.labels)}")


def _only_labels(project: Project) -> Path:
    files = [each.path for each in project.labels if not each.path.stem.endswith("_with_review")]
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


def _train_line(detector: ModelFolder, labels: Path) -> str:
    """The command that trains the detector on, from its weights."""
    from napari_cropzoom.engine.training.config import quoted_override

    overrides = [
        quoted_override("data.data_dir", str(labels.parent)),
        quoted_override("data.csv_file", labels.name),
        quoted_override("model.checkpoint", str(detector.checkpoint)),
    ]
    output = detector.path.with_name(f"{detector.path.name}_improved")
    words = ["cropzoom", "train", detector.path / "config.yaml", "--output_dir", output, "--overrides"]
    return shell_line([*words, *overrides])
