"""A detector and one that was trained on from it, compared on what a person has set right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection, anchor_likelihood, at_least
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Stage, ignore
from napari_cropzoom.core.scores import TRAINED, pixel_errors
from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.labeled_frames import predict_csv
from napari_cropzoom.engine.loop import some_frames
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.predict import is_up_to_date, predict_video
from napari_cropzoom.engine.training.config import quoted_override
from napari_cropzoom.engine.training.evaluation import sets_in_training
from napari_cropzoom.files.atomic import atomic_path, check_writable
from napari_cropzoom.files.belonging import of_images
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.leftovers import temporary_folder
from napari_cropzoom.files.predictions_csv import PredictionsTable, read_predictions_table
from napari_cropzoom.files.provenance import read_video_predictions
from napari_cropzoom.projects.corrections import Corrected, agrees
from napari_cropzoom.projects.layout import OUT_OF_TRAINING, Project
from napari_cropzoom.projects.review_labels.improving import ALL_VIDEOS, COMPARED

MUCH_WORSE = 1.25  # times the error on held-out labels, from which a new detector is not the better one
LEAST_LABELS = 20  # labels held out, below which their error says nothing


@dataclass(frozen=True)
class OnVideo:
    """Both detectors on a reviewed video.

    Attributes
    ----------
    video : str
        Name of the file.
    frames : int
        That count: those that were made labeled frames do not.
    added : int
        Frames of it that were made labeled frames.
    agree : (int, int)
        Of the old and of the new detector, frames whose box agrees with the reviewed one.
    suspects : (int, int)
    """

    video: str
    frames: int
    added: int
    agree: tuple[int, int]
    suspects: tuple[int, int]


@dataclass(frozen=True)
class Improvement:
    """What a detector is worth beside the one it was trained on from.

    Attributes
    ----------
    old, new : str
        Their folders.
    videos : tuple of OnVideo
    errors : (float, float)
        Median pixel error of both on labels that neither was trained on; NaN where there are none.
    n_labels, n_images : int
        How many keypoints in how many images those are.
    """

    old: str
    new: str
    videos: tuple[OnVideo, ...]
    errors: tuple[float, float]
    n_labels: int
    n_images: int

    @property
    def shares(self) -> tuple[float, float]:
        """Of both, the share of the frames of all videos whose box agrees with the reviewed one."""
        whole = _together(self.videos)
        return whole.agree[0] / max(whole.frames, 1), whole.agree[1] / max(whole.frames, 1)

    @property
    def is_better(self) -> bool:
        """Whether the new one agrees with the reviews more often, and is not much worse on labels."""
        old, new = self.errors
        is_worse = self.n_labels >= LEAST_LABELS and new > MUCH_WORSE * old
        return self.shares[1] > self.shares[0] and not is_worse

    def told(self) -> str:
        """The table, and a line that says which one to use."""
        rows = self.rows
        width = max(len(each.video) for each in rows)
        lines = [
            f"{'':{width}}  {'':>6}  {'':>6}  {'box as reviewed':^15}  {'suspects':^13}",
            f"{'video':{width}}  frames   added  {'before':>7} {'after':>7}  {'before':>6} {'after':>6}",
        ]
        for each in rows:
            shares = [agree / max(each.frames, 1) for agree in each.agree]
            suspects = f"{each.suspects[0]:6} {each.suspects[1]:6}"
            lines.append(
                f"{each.video:{width}}  {each.frames:6}  {each.added:6}  "
                f"{shares[0]:7.1%} {shares[1]:7.1%}  {suspects}"
            )
        return "\n".join([*lines, self.on_labels, self.verdict])

    @property
    def rows(self) -> list[OnVideo]:
        """The videos, and all of them together where there are several."""
        return [*self.videos, *([_together(self.videos)] if len(self.videos) > 1 else [])]

    @property
    def on_labels(self) -> str:
        """The errors on labels that neither detector was trained on, in a line."""
        if not self.n_labels:
            return "there is no label that neither was trained on, so no error to compare"
        return (
            f"labels that neither was trained on, {self.n_labels} in {counted(self.n_images, 'image')}: "
            f"median error {self.errors[0]:.2f} px before, {self.errors[1]:.2f} px after"
        )

    @property
    def verdict(self) -> str:
        """Which one to use, and why, in a line."""
        if self.is_better:
            return f"The new detector is the better one: use {self.new}"
        why = "the boxes of the new one agree with the reviewed ones no more often"
        if self.shares[1] > self.shares[0]:
            why = "the new one is much worse on labels that neither was trained on"
        return f"Keep the old detector, {self.old}: {why}."


def _together(videos: Sequence[OnVideo]) -> OnVideo:
    old, new = (
        (sum(each.agree[which] for each in videos), sum(each.suspects[which] for each in videos))
        for which in (0, 1)
    )
    return OnVideo(
        ALL_VIDEOS,
        sum(each.frames for each in videos),
        sum(each.added for each in videos),
        (old[0], new[0]),
        (old[1], new[1]),
    )


def compare_detectors(
    project: Project,
    labels: Path,
    old: ModelFolder,
    new: ModelFolder,
    corrected: Sequence[Corrected],
    added: Mapping[Path, Sequence[int]],
    *,
    trust: bool = False,
    notify: Notify = ignore,
) -> Stage[Improvement]:
    """Run the new detector on the reviewed videos, both on labels, and write ``compared.json`` beside it.

    Parameters
    ----------
    project : Project
    labels : Path
        Labels file of the project, before frames were added.
    old, new : ModelFolder
    corrected : sequence of Corrected
        The reviews, of boxes of ``old``.
    added : mapping
        Frames of each video that were made labeled frames; they do not count.
    trust : bool
        Whether the person trusts where the checkpoints come from.

    Raises
    ------
    CropzoomError
        If a model, a video or the labels cannot be read, or the models have no keypoint in common.
    """
    check_writable(new.output / COMPARED)
    engine, videos = None, []
    for each in corrected:
        results = project.results_of(each.video)
        model = replace(new, results=results)
        if not is_up_to_date(model, each.video):
            if engine is None:
                examples = partial(some_frames, each.video, None, "pad")
                engine = Engine.load(model, trust=trust, examples=examples, notify=notify)
            yield from predict_video(model, each.video, engine=engine, overwrite=True)
        motion = None
        if each.index.n_frames >= LEAST_FRAMES:
            try:
                motion = yield from pixel_evidence(each.video, each.index)
            except CameraMovesError as error:
                notify(str(error))
        found = read_video_predictions(model.predictions_csv(each.video), each.index.n_frames)
        videos.append(_on_video(each, found, motion, added.get(each.video, ())))
    errors, n_labels, n_images = yield from _on_labels(labels, old, new, trust, notify)
    result = Improvement(str(old.path), str(new.path), tuple(videos), errors, n_labels, n_images)
    write_compared(new, result)
    return result


def _on_video(each: Corrected, found: Poses, motion: Motion | None, added: Sequence[int]) -> OnVideo:
    """Both detectors' boxes beside the reviewed ones; the sizes are made in the same way."""
    boxes = boxes_from_keypoints(found, each.sizing)
    counts = np.ones(len(boxes), bool)
    counts[list(added)] = False
    counts[each.index.damage.numbers()] = False
    size = each.index.width, each.index.height
    agree, suspects = [], []
    for raw, poses in ((each.raw, each.poses), (boxes, found)):
        agree.append(int((agrees(raw, each.boxes) & counts).sum()))
        anchors = each.sizing.anchor_keypoints
        likelihood = None if poses is None else anchor_likelihood(poses, anchors)
        evidence = Evidence(likelihood, None if poses is None else poses.select(anchors), size, motion)
        suspects.append(len(at_least(Inspection.of(raw, evidence).suspects)))
    return OnVideo(
        each.video.name,
        int(counts.sum()),
        len(added),
        (agree[0], agree[1]),
        (suspects[0], suspects[1]),
    )


def _on_labels(
    labels: Path, old: ModelFolder, new: ModelFolder, trust: bool, notify: Notify
) -> Stage[tuple[tuple[float, float], int, int]]:
    """Median errors of both on labels that neither was trained on; how many keypoints and images."""
    names = tuple(name for name in old.keypoint_names if name in new.keypoint_names)
    if not names:
        raise CropzoomError(f"{old.path} and {new.path}: have no keypoint in common.")
    sets = [sets_in_training(model) for model in (old, new)]
    errors = []
    with temporary_folder() as folder:
        for file in (labels, *(labels.with_stem(labels.stem + end) for end in OUT_OF_TRAINING)):
            if not file.is_file() or (file is labels and not all(sets)):
                continue
            table = read_predictions_table(file)
            images = [plain_path(image) for image in table.index]
            rows = [
                row
                for row, image in enumerate(images)
                if all(each.get(image) != TRAINED for each in sets)
                and (file is not labels or all(image in each for each in sets))
                and (labels.parent / image).is_file()
            ]
            if not rows:
                continue
            held = Path(folder) / file.name
            written_rows = rows if len(rows) > 1 else rows * 2  # Lightning Pose wants two at least
            index = [table.index[row] for row in written_rows]
            values = table.values.iloc[written_rows]
            PredictionsTable(held, table.header, index, values).write(held)
            truth, both = of_images(read_predictions_table(held), [images[row] for row in rows]), []
            known = tuple(name for name in names if name in truth.names)
            for use, model in (("old", old), ("new", new)):
                placed = _with_data(model, labels.parent, folder / use)
                overrides = [quoted_override("data.data_dir", str(labels.parent))]
                written = yield from predict_csv(
                    placed, held, overrides=overrides, trust=trust, notify=notify
                )
                found = of_images(read_predictions_table(written), [images[row] for row in rows])
                both.append(pixel_errors(truth, found, known))
            errors.append(np.stack(both))
    if not errors:
        return (np.nan, np.nan), 0, 0
    n_images = sum(each.shape[1] for each in errors)
    flat = np.concatenate([each.reshape(2, -1) for each in errors], axis=1)
    flat = flat[:, ~np.isnan(flat).any(axis=0)]
    medians = np.median(flat, axis=1) if flat.size else np.full(2, np.nan)
    return (float(medians[0]), float(medians[1])), flat.shape[1], n_images


def _with_data(model: ModelFolder, data_dir: Path, results: Path) -> ModelFolder:
    config = {**model.config, "data": {**model.config["data"], "data_dir": str(data_dir)}}
    return replace(model, config=config, results=results)


def write_compared(new: ModelFolder, found: Improvement) -> None:
    """Write what was found beside the new detector.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    content = {
        "trained_on_from": found.old,
        "is_better": found.is_better,
        "videos": [asdict(each) for each in found.videos],
        "median_error": [None if error != error else error for error in found.errors],
        "labels": found.n_labels,
        "images": found.n_images,
    }
    with atomic_path(new.output / COMPARED) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
