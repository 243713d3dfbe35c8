"""Does cropzoom pay: a full-frame model against detector, boxes and pose model, on labeled frames."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Stage, ignore
from napari_cropzoom.core.scores import TRAINED, Comparison, input_scale, pixel_errors
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints, told_of_small
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.engine.labeled_frames import predict_csv
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import quoted_override
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import of_images
from napari_cropzoom.files.csv_table import plain_path, read_text
from napari_cropzoom.files.leftovers import temporary_folder
from napari_cropzoom.files.predictions_csv import PredictionsTable, read_predictions_table

SET = "set"
CROPPED = "cropped_"


def labels_of(project: Path, model: ModelFolder) -> Path:
    """Labels of a project: the file itself, or the one in the folder that the model was trained on.

    Raises
    ------
    CropzoomError
        If there is none, or it is not clear which.
    """
    if project.is_file():
        return project
    if not project.is_dir():
        raise CropzoomError(f"{project}: no such folder. Give the project's folder or its labels file.")
    named = model.config["data"].get("csv_file") or ()
    names = [named] if isinstance(named, str) else [str(each) for each in named]
    found = [project / Path(name).name.removeprefix(CROPPED) for name in names]
    found = [each for each in found if each.is_file()]
    if len(found) == 1:
        return found[0]
    there = found or sorted(project.glob("*.csv"))
    listed = ", ".join(brief(each.name) for each in there[:8]) or "no CSV file"
    raise CropzoomError(f"{project}: cannot tell which file has the labels ({listed}). Give that file.")


def evaluate(
    project: Path,
    detector: ModelFolder,
    pose: ModelFolder,
    full_frame: ModelFolder | None = None,
    *,
    sizing: SizingSettings | None = None,
    trust: bool = False,
    notify: Notify = ignore,
) -> Stage[Comparison]:
    """Predict the labeled frames both ways and measure the distances to the labels.

    Nothing is written into the project or the models.

    Parameters
    ----------
    project : Path
        Its folder, in which the paths of the labels begin, or its labels file.
    detector, pose : ModelFolder
    full_frame : ModelFolder or None
        What cropzoom is compared with; None for the detector.
    sizing : SizingSettings or None
        How boxes are put round the detector's keypoints; None as ``create_bbox`` does by itself.
    trust : bool
        Whether the person trusts where the checkpoints come from.

    Raises
    ------
    CropzoomError
        If labels, images or models are missing, or have no body part in common.
    """
    labels = labels_of(project, detector).absolute()
    truth = _labels(labels)
    other = full_frame or detector
    names = _common(truth.names, other, pose)
    images = [plain_path(each) for each in truth.index]
    _check_images(labels, images)
    with temporary_folder() as folder:

        def predict(model: ModelFolder, use: str, bbox_dir: Path | None = None) -> Stage[Poses]:
            config = {**model.config, "data": {**model.config["data"], "data_dir": str(labels.parent)}}
            placed = replace(model, config=config, results=folder / use)
            overrides = [quoted_override("data.data_dir", str(labels.parent))]
            written = yield from predict_csv(
                placed, labels, bbox_dir, overrides=overrides, trust=trust, notify=notify
            )
            return of_images(read_predictions_table(written), images)

        found = yield from predict(detector, "detector")
        boxes = boxes_from_keypoints(found, sizing or SizingSettings())
        has_box = np.asarray(~np.isnan(boxes).any(axis=1))
        if not has_box.any():
            raise CropzoomError(f"{detector.path}: finds no keypoint in {labels}. Use another detector.")
        if small := told_of_small(boxes[has_box], pose.image_size):
            notify(small)
        usual = np.median(boxes[has_box], axis=0)  # crops want a box; what is found there is left out
        bbox_dir = folder / "boxes"
        bbox_dir.mkdir()
        write_bbox_csv(bbox_dir / "bbox.csv", np.where(has_box[:, None], boxes, usual), images)
        cropped = yield from predict(pose, "pose", bbox_dir)
        full = found if other is detector else (yield from predict(other, "full_frame"))
    cropped.xy[~has_box] = np.nan
    true = truth.poses()
    return Comparison(
        tuple(images),
        names,
        pixel_errors(true, full, names),
        pixel_errors(true, cropped, names),
        _sets([detector, pose, other], images),
        input_scale(*_usual_size(labels.parent, images), other.image_size),
        input_scale(usual[3], usual[2], pose.image_size),
    )


def _usual_size(folder: Path, images: Sequence[str], most: int = 50) -> tuple[float, float]:
    """Median height and width of the first labeled images, in pixels."""
    from PIL import Image

    sizes = []
    for image in images[:most]:
        with Image.open(folder / image) as picture:
            sizes.append((picture.height, picture.width))
    height, width = np.median(sizes, axis=0)
    return float(height), float(width)


def _labels(path: Path) -> PredictionsTable:
    cure = "Give the labels file of the project, such as CollectedData.csv."
    try:
        table = read_predictions_table(path)
    except CropzoomError as error:
        raise CropzoomError(f"{path}: is no labels file ({brief(error, 200)}). {cure}") from error
    if not table.is_labeled_frames:
        raise CropzoomError(f"{path}: has frames of a video, not labeled images. {cure}")
    return table


def _check_images(labels: Path, images: Sequence[str]) -> None:
    missing = [image for image in images if not (labels.parent / image).is_file()]
    if missing:
        them = f"{len(missing)} of {counted(len(images), 'image')} {verb(len(missing), 'are')}"
        raise CropzoomError(
            f"{labels}: {them} not there, the first {labels.parent / missing[0]}. Copy them there, or "
            "take their rows out of a copy of the labels beside the file."
        )


def _common(labeled: Sequence[str], *models: ModelFolder) -> tuple[str, ...]:
    names = tuple(name for name in labeled if all(name in each.keypoint_names for each in models))
    if not names:
        told = "; ".join(f"{each.path.name}: {_some(each.keypoint_names)}" for each in models)
        raise CropzoomError(
            f"The labels ({_some(labeled)}) and the models ({told}) have no body part in common. Use "
            "models that were trained on these labels."
        )
    return names


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(brief(name) for name in names[:most]) + (", ..." if len(names) > most else "")


def _sets(models: Sequence[ModelFolder], images: Sequence[str]) -> tuple[str | None, ...]:
    """What each image was to the models in training; ``train`` if it was so to one of them."""
    told = [sets_in_training(model) for model in models]
    result: list[str | None] = []
    for image in images:
        here = [sets[image] for sets in told if image in sets]
        result.append(TRAINED if TRAINED in here else here[0] if here else None)
    return tuple(result)


def sets_in_training(model: ModelFolder) -> dict[str, str]:
    """Image -> ``train``, ``validation``, ``test`` or ``unused``, as Lightning Pose wrote in training.

    It adds a column ``set`` to the predictions of its labeled frames. Empty where there are none.
    """
    found: dict[str, str] = {}
    inner = sorted(model.path.glob("image_preds/*/predictions.csv"))
    for file in (*inner, model.path / "predictions.csv"):
        if not file.is_file():
            continue
        rows = csv.reader(read_text(file, "predictions").splitlines())
        header = next(rows, [])
        if SET not in header:
            continue
        place = header.index(SET)
        for row in rows:
            if len(row) > place and row[place] in (TRAINED, "validation", "test", "unused"):
                found.setdefault(plain_path(row[0]), row[place])
    return found


def write_errors(path: Path, found: Comparison) -> None:
    """Write the errors of every frame: image, set, and a column of each way for each body part.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    columns = [f"{name} {way}" for name in found.names for way in ("full_frame", "cropzoom")]
    numbers = np.stack([found.full_frame, found.cropzoom], axis=2).reshape(len(found.images), -1)
    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["image", "set", *columns])
        for image, kind, row in zip(found.images, found.sets, numbers.tolist(), strict=True):
            writer.writerow([image, kind or "", *("" if each != each else f"{each:.3f}" for each in row)])
