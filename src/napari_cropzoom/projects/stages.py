"""Stages for the worker's process: labeled images step by step, and what models are worth."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.worker.stages import Args, Result, StageFunction, optional_path, required_path

NAME = __name__
"""What the worker is told with ``--stages``."""
PREDICT, BOXES, CROP, EVALUATE = "label_predict", "label_boxes", "label_crop", "evaluate"
IMPROVE, OLD_AND_NEW = "label_corrections", "old_and_new"


def predict(args: Args) -> Stage[Result]:
    """Keypoints of the labeled images, as ``cropzoom predict MODEL LABELS``."""
    from napari_cropzoom.engine.labeled_frames import predict_csv
    from napari_cropzoom.engine.model_folder import ModelFolder

    model, notes = ModelFolder.open(required_path(args, "model")), list[str]()
    written = yield from predict_csv(
        model, required_path(args, "labels"), trust=bool(args.get("trust")), notify=notes.append
    )
    return {"path": str(written), "note": " ".join(notes)}


def boxes(args: Args) -> Stage[Result]:
    """Boxes round the detector's keypoints, as ``cropzoom create_bbox MODEL LABELS``.

    Images in which nothing was found have no box, for a person to draw.
    """
    import numpy as np

    from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints, told_of_small
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.files.belonging import check_made_of, images_of, of_images, sign
    from napari_cropzoom.files.predictions_csv import read_predictions_table
    from napari_cropzoom.projects.label_images import raw_boxes_of

    model, labels = ModelFolder.open(required_path(args, "model")), required_path(args, "labels")
    yield Progress(0, 0, "making boxes")
    preds = model.image_preds_dir / labels.name / "predictions.csv"
    if not preds.is_file():
        raise CropzoomError(f"{preds}: not there. Predict the labeled images first.")
    check_made_of(preds, labels)
    images = images_of(labels)
    if images is None:
        raise CropzoomError(f"{labels}: is no labels file. Give a CSV of labeled images.")
    poses = of_images(read_predictions_table(preds), images)
    made = boxes_from_keypoints(poses, _sizing(args))
    if np.isnan(made[:, 0]).all():
        raise CropzoomError(f"{preds}: no image has a keypoint, so there would be no box at all.")
    target = raw_boxes_of(model, labels)
    write_bbox_csv(target, made, images)
    sign(target, labels)
    return {
        "path": str(target),
        "missing": int(np.isnan(made[:, 0]).sum()),
        "note": told_of_small(made, model.image_size) or "",
    }


def crop(args: Args) -> Stage[Result]:
    """Labeled images cropped to the reviewed boxes, or the detector's, as ``cropzoom crop``."""
    from napari_cropzoom.engine.labeled_frames import crop_csv
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.label_images import boxes_to_crop

    model, labels = ModelFolder.open(required_path(args, "model")), required_path(args, "labels")
    folder = boxes_to_crop(model, labels)
    written = yield from crop_csv(model, labels, folder)
    return {"path": str(written), "bbox_dir": str(folder)}


def evaluate(args: Args) -> Stage[Result]:
    """Pixel errors of full frame and cropzoom, as ``cropzoom evaluate``."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.training.evaluation import evaluate as run_evaluation

    full, notes = optional_path(args, "full_frame"), list[str]()
    found = yield from run_evaluation(
        required_path(args, "labels"),
        ModelFolder.open(required_path(args, "detector")),
        ModelFolder.open(required_path(args, "pose")),
        None if full is None else ModelFolder.open(full),
        sizing=_sizing(args),
        trust=bool(args.get("trust")),
        notify=notes.append,
    )
    return {
        "table": found.table(),
        "frames": len(found.images),
        "held_out": int(found.held_out.sum()) if found.is_split_known else None,
        "scales": [found.full_frame_scale, found.cropzoom_scale],
        "note": " ".join(notes),
    }


def improve(args: Args) -> Stage[Result]:
    """Frames corrected in reviews as labels, as ``cropzoom improve PROJECT --detector --pose``."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.improving import label_corrections, read_all_corrected

    project, notes = Project.open(required_path(args, "project")), list[str]()
    detector, pose = (ModelFolder.open(required_path(args, name)) for name in ("detector", "pose"))
    yield Progress(0, 0, "reading reviews")
    corrected = read_all_corrected(project, detector, notes.append)
    made = yield from label_corrections(
        project,
        required_path(args, "labels"),
        detector,
        pose,
        corrected,
        trust=bool(args.get("trust")),
        notify=notes.append,
    )
    return {"path": str(made.labels), "added": len(made.images), "note": " ".join(notes)}


def old_and_new(args: Args) -> Stage[Result]:
    """A detector beside the one it was trained on from, as ``cropzoom improve PROJECT --compare``."""
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.projects.comparing import compare_detectors
    from napari_cropzoom.projects.layout import Project
    from napari_cropzoom.projects.review_labels.improving import read_all_corrected
    from napari_cropzoom.projects.review_labels.record import added_frames

    project, labels = Project.open(required_path(args, "project")), required_path(args, "labels")
    old, new = (ModelFolder.open(required_path(args, name)) for name in ("old", "new"))
    notes = list[str]()
    yield Progress(0, 0, "reading reviews")
    corrected, added = (
        read_all_corrected(project, old, notes.append),
        added_frames(labels, project.videos, notes.append),
    )
    found = yield from compare_detectors(
        project, labels, old, new, corrected, added, trust=bool(args.get("trust")), notify=notes.append
    )
    return {
        "rows": [asdict(each) for each in found.rows],
        "on_labels": found.on_labels,
        "verdict": found.verdict,
        "better": found.new if found.is_better else found.old,
        "shares": list(found.shares),
        "note": " ".join(notes),
    }


STAGES: dict[str, StageFunction] = {
    PREDICT: predict,
    BOXES: boxes,
    CROP: crop,
    EVALUATE: evaluate,
    IMPROVE: improve,
    OLD_AND_NEW: old_and_new,
}


def _sizing(args: Args) -> Any:
    from napari_cropzoom.core.smoothing.sizing import SizingSettings

    ratio = args.get("crop_ratio")
    return SizingSettings() if ratio is None else SizingSettings(crop_ratio=float(ratio))


def write_comparison(path: Path, table: list[dict[str, Any]]) -> None:
    """Write the table of an evaluation: a row a body part.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    from napari_cropzoom.files.atomic import atomic_path

    with atomic_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
