"""The videos and models of a project as tables, on the screen and as CSV."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import ModelState
from napari_cropzoom.projects.states import STAGES, VideoState

WITH = {"boxes": "with boxes"}
"""States whose names are no word after a number."""
LONGEST_NAME, LONGEST_WHY = 60, 100  # letters, on the screen
COLUMNS = (
    "video", "state", "out_of_date", "frames", "detected", "boxes", "frames_without_box", "suspects",
    "suspects_left", "frames_looked_at", "edits", "animals", "reviewed", "smoothed", "cropped", "posed",
    "why",
)  # fmt: skip


def write_csv(path: Path, states: Sequence[VideoState]) -> None:
    """Write a row a video, whole or not at all.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_row(state) for state in states)


def told(project: Project, states: Sequence[VideoState]) -> str:
    """What is in the project, its models, and a line a video, for a person."""
    lines = [f"{project.name}: {project.kind}, {counted(len(states), 'video')}"]
    lines += [
        f"labels: {labels.path.name}, {counted(labels.n_images, 'image')}, "
        f"{counted(len(labels.keypoint_names), 'keypoint')}"
        for labels in project.labels
    ]
    if project.view_names:
        lines.append(f"views: {', '.join(project.view_names)}")
    lines += ["", *_models(project.models), "", *_videos(project, states)]
    counts = Counter(state.stage for state in states)
    told_counts = ", ".join(
        f"{counts[stage]} {WITH.get(stage, stage)}" for stage in STAGES if counts[stage]
    )
    old = sum(bool(state.outdated) for state in states)
    return "\n".join([*lines, f"{told_counts}; {old} out of date" if old else told_counts]).rstrip()


def error_text(model: ModelState) -> str:
    """``4.8 px on 12 images``; empty where nothing says."""
    return "" if model.error is None else f"{model.error:.1f} px on {counted(model.n_labels, 'image')}"


def model_notes(model: ModelState) -> str:
    """How far it is trained, and what is wrong."""
    return "; ".join(filter(None, (model.training, *model.problems)))


def _models(models: Sequence[ModelState]) -> list[str]:
    if not models:
        return ["no model in models or outputs"]
    names = [shortened(model.name, LONGEST_NAME) for model in models]
    width = max(len("model"), *map(len, names))
    lines = [f"{'model':{width}}  {'kind':10}  keypoints  {'held-out error':22}  notes"]
    for name, model in zip(names, models, strict=True):
        keypoints = str(len(model.keypoint_names) or "")
        notes = shortened(model_notes(model), LONGEST_WHY)
        lines.append(
            f"{name:{width}}  {model.kind:10}  {keypoints:>9}  {error_text(model):22}  {notes}".rstrip()
        )
    return lines


def _videos(project: Project, states: Sequence[VideoState]) -> list[str]:
    if not states:
        return ["no video"]
    names = [shortened(project.shown(state.video), LONGEST_NAME) for state in states]
    width = max(len("video"), *map(len, names))
    lines = [f"{'video':{width}}  {'state':9}  {'frames':>7}  {'reviewed':>12}  why"]
    for name, state in zip(names, states, strict=True):
        frames = "" if state.n_frames is None else str(state.n_frames)
        why = shortened(state.why, LONGEST_WHY)
        lines.append(f"{name:{width}}  {state.stage:9}  {frames:>7}  {state.review:>12}  {why}".rstrip())
    return lines


def _row(state: VideoState) -> list[str]:
    def number(value: int | None) -> str:
        return "" if value is None else str(value)

    def yes(value: bool) -> str:
        return "yes" if value else "no"

    return [
        str(state.video),
        state.stage,
        yes(bool(state.outdated)),
        number(state.n_frames),
        " ".join(state.detected),
        state.boxes,
        str(state.n_missing) if state.boxes else "",
        number(state.suspects),
        number(state.suspects_left),
        str(state.n_seen),
        str(state.n_edits),
        str(state.n_animals),
        yes(state.is_reviewed),
        yes(state.is_smoothed),
        yes(state.is_cropped),
        " ".join(state.posed),
        state.why,
    ]
