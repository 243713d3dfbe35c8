"""The steps from corrected videos to a better detector, for `cropzoom improve` and the dock Training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Stage, ignore
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import going_on, quoted_override
from napari_cropzoom.files.atomic import check_writable
from napari_cropzoom.files.belonging import doubt_of
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.projects.corrections import Corrected, check_names, read_corrected
from napari_cropzoom.projects.labeling import WrittenLabels, label_frames
from napari_cropzoom.projects.layout import OUT_OF_TRAINING, Project
from napari_cropzoom.projects.review_labels.defaults import FRAMES, GAP, LIKELY
from napari_cropzoom.projects.review_labels.record import with_review

COMPARED = "compared.json"
"""In the folder of a model that was trained on from another: what both are worth."""
ALL_VIDEOS = "all reviewed videos"
"""Stands for the name of a video in the last line of a comparison."""


def only_labels(project: Project) -> Path:
    """The labels file of a project; those that go with another one are not meant.

    Raises
    ------
    CropzoomError
        If there is none, or more than one.
    """
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


def read_all_corrected(
    project: Project, detector: ModelFolder, notify: Notify = ignore
) -> list[Corrected]:
    """Reviewed videos with corrections; why others are left out is told.

    Raises
    ------
    CropzoomError
        If there is none.
    """
    found = []
    for video in project.videos:
        model = replace(detector, results=project.results_of(video))
        try:
            told = read_corrected(model, video)
        except CropzoomError as error:
            notify(f"{error} It is left out.")
            continue
        if isinstance(told, str):
            if told != "no review":
                notify(f"{video}: {told}; it is left out")
        elif told.is_wrong.any():
            found.append(told)
            for file in (model.bbox_csv(video), model.predictions_csv(video)):
                if doubt := doubt_of(file):
                    notify(doubt)
    if not found:
        raise CropzoomError(
            f"{project.data_dir}: no video has a saved review in which a box of {detector.path.name} was "
            "corrected. Review one in the window (`cropzoom review`), and save it in step Export."
        )
    return found


def poses_in_boxes(
    project: Project,
    pose: ModelFolder,
    corrected: Sequence[Corrected],
    *,
    trust: bool = False,
    notify: Notify = ignore,
) -> Stage[list[Poses]]:
    """Keypoints in the reviewed boxes, in the full frame; only frames with another box are run."""
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
                engine = Engine.load(model, trust=trust, examples=examples, notify=notify)
            path = yield from predict_video(
                model, each.video, each.boxes, engine=engine, only_changed=True
            )
        result.append(read_video_predictions(path, each.index.n_frames))
    return result


def label_corrections(
    project: Project,
    labels: Path,
    detector: ModelFolder,
    pose: ModelFolder,
    corrected: Sequence[Corrected],
    *,
    count: int = FRAMES,
    gap: int = GAP,
    min_likelihood: float = LIKELY,
    trust: bool = False,
    notify: Notify = ignore,
) -> Stage[WrittenLabels]:
    """Choose corrected frames, find their keypoints, and write images, record and table.

    Raises
    ------
    CropzoomError
        If the pose model has other keypoints, a file cannot be read or written, or no frame is left
        to add.
    """
    check_names(read_predictions_table(labels).names, pose)
    check_writable(with_review(labels))
    poses = yield from poses_in_boxes(project, pose, corrected, trust=trust, notify=notify)
    made = yield from label_frames(
        labels,
        corrected,
        poses,
        count=count,
        gap=gap,
        min_likelihood=min_likelihood,
        has_context=detector.model_type.endswith("mhcrnn"),
        pose_model=str(pose.path),
    )
    if made.n_left_out:
        notify(
            f"{counted(made.n_left_out, 'corrected frame')} left out: the pose model finds too few "
            f"keypoints with a likelihood of {min_likelihood:g} or more"
        )
    if not made.images:
        raise CropzoomError(
            f"{labels}: there is no corrected frame to add. Correct more, or lower --min_likelihood."
        )
    return made


def free_folder(detector: Path) -> Path:
    """``<detector>_improved``, with a number where that is taken."""
    first = detector.with_name(f"{detector.name}_improved")
    others = (first.with_name(f"{first.name}_{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([first], others) if not folder.exists())


def training_on(detector: ModelFolder, labels: Path) -> list[str]:
    """Overrides of a detector's own configuration: from its weights, with other labels."""
    return [
        quoted_override("data.data_dir", str(labels.parent.absolute())),
        quoted_override("data.csv_file", labels.name),
        *going_on(detector),
    ]


def trained_on_from(folder: Path, config: dict[str, Any]) -> Path | None:
    """Folder of the model whose weights a training began with; None if it began with none of a model.

    Parameters
    ----------
    folder : Path
        Of the model that was trained.
    config : dict
        Its configuration.
    """
    begun = (config.get("model") or {}).get("checkpoint")
    if not isinstance(begun, str):
        return None
    parents = [each for each in Path(begun).parents if (each / "config.yaml").is_file()]
    return parents[0] if parents and parents[0] != folder else None
