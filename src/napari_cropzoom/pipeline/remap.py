"""Put the keypoints found on a crop back into the full frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import crop_size
from napari_cropzoom.core.geometry import crop_to_frame
from napari_cropzoom.io.bbox_csv import read_bbox_csv, read_labeled_bbox, read_metadata
from napari_cropzoom.io.predictions_csv import PredictionsTable, read_predictions_table
from napari_cropzoom.pipeline.side_file import CropRecord, read_side_file, record_path

MOST_OUTSIDE = 0.5  # share of keypoints far beyond the crop that a poor model may still give


@dataclass(frozen=True)
class RemapResult:
    """Where the remapped predictions are, and what a person should know of how they were made."""

    path: Path
    note: str = ""


def remap_predictions(
    preds_file: Path, bbox_file: Path, output: Path | None = None, *, crop: Path | None = None
) -> RemapResult:
    """Write ``remapped_<name>`` beside the predictions: ``x_box + x_crop * w_box / W_crop``.

    The size of the crop and its boxes come from the record that ``cropzoom crop`` wrote. Without one, as
    after ``litpose crop``, the boxes are those of ``bbox_file`` and the size is their even median. The
    crops of labelled frames are never resized.

    Parameters
    ----------
    preds_file : Path
        Predictions in pixels of the crop, of a video or of labelled frames.
    bbox_file : Path
        Boxes the crop was made with.
    output : Path, optional
    crop : Path, optional
        The cropped video or its record, where it is not found by itself: beside the predictions, beside
        the boxes, in ``cropped_videos`` next to either's folder or next to what the boxes were smoothed
        from, where the pose model was trained, or in ``cropped_videos`` of a model beside the one that
        predicted.

    Raises
    ------
    CropzoomError
        If a file is not what it should be, or they do not belong together.
    """
    table = read_predictions_table(preds_file)
    xy = table.poses().xy
    note = ""
    if table.is_labeled_frames:
        remapped = xy + _boxes_of_images(table, bbox_file)[:, None, :2]
    else:
        boxes, size, note = _video_crop(table, bbox_file, find_record(preds_file, bbox_file, crop))
        remapped = crop_to_frame(xy, boxes, size)
    path = output or preds_file.with_name(f"remapped_{preds_file.name}")
    table.with_xy(remapped).write(path)
    return RemapResult(path, note)


def find_record(preds_file: Path, bbox_file: Path, crop: Path | None = None) -> Path | None:
    """Where the record of the crop lies, None if there is none.

    Raises
    ------
    CropzoomError
        If ``crop`` is given and has no record, or it could be that of several models.
    """
    if crop is not None:
        path = record_path(crop)
        if not path.is_file():
            raise CropzoomError(
                f"{path}: there is no such file. Give the video that `cropzoom crop` wrote."
            )
        return path
    preds, bbox = preds_file.resolve().parent, bbox_file.resolve().parent
    folders = [preds, bbox]
    for folder in (bbox, _smoothed_from(bbox), preds):
        folders += [folder / "cropped_videos", folder.parent / "cropped_videos"]
    folders += _trained_on(preds.parent / "config.yaml")
    name = record_path(Path(preds_file.name)).name
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    return found or _of_a_model_beside(preds, name)


def _of_a_model_beside(preds: Path, name: str) -> Path | None:
    """The record in ``<models>/*/cropped_videos`` of predictions in ``<models>/<model>/video_preds``."""
    if preds.name != "video_preds":
        return None
    found = sorted(preds.parent.parent.glob(f"*/cropped_videos/{name}"))
    if len(found) > 1:
        raise CropzoomError(
            f"{preds}: the crop can be {found[0].with_suffix('.mp4')} or {found[1].with_suffix('.mp4')}. "
            "Say which with --crop."
        )
    return found[0] if found else None


def _smoothed_from(bbox_dir: Path) -> Path:
    """Directory of the raw boxes that ``bbox_dir`` was smoothed from; itself if none is known."""
    source = read_metadata(bbox_dir).get("source")
    return Path(source) if isinstance(source, str) else bbox_dir


def _trained_on(config_file: Path) -> list[Path]:
    """Where a pose model's videos lie: the detector's cropped videos if it was trained on its crops."""
    try:
        config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
        return [Path(config["data"]["video_dir"])]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return []  # no model folder, so it gives no hint


def _video_crop(
    table: PredictionsTable, bbox_file: Path, record_file: Path | None
) -> tuple[FloatArray, tuple[int, int], str]:
    """Boxes and size of the crop, and what to say of them."""
    rows = len(table.index)
    if record_file is None:
        boxes = np.rint(_same_length(table, bbox_file, read_bbox_csv(bbox_file)))
        size = crop_size(boxes)
        _refuse_full_frame(table, size)
        note = (
            f"no record of the crop found: taking its size for {size[0]} x {size[1]}, the median of the "
            "boxes, as litpose crop does. If the crop is elsewhere, name it with --crop"
        )
        return boxes, size, note
    record: CropRecord = read_side_file(record_file)
    if len(record.boxes) != rows:
        raise CropzoomError(
            f"{record_file}: is of a crop of {len(record.boxes)} frames, but {table.path} "
            f"has {rows} rows. "
            "Predict the cropped video again."
        )
    boxes = _same_length(table, bbox_file, read_bbox_csv(bbox_file, allow_missing=True))
    note = ""
    if not np.array_equal(np.rint(boxes), record.boxes):
        differ = int((np.rint(boxes) != record.boxes).any(axis=1).sum())
        note = (
            f"{bbox_file} differs in {differ} frames from the boxes the crop was made with; "
            "using those of "
            f"{record_file}"
        )
    return record.boxes, record.size, note


def _refuse_full_frame(table: PredictionsTable, size: tuple[int, int]) -> None:
    """Keypoints of a crop lie in it; many beyond it are those of the full frame."""
    xy = table.poses().xy
    known = np.isfinite(xy).all(axis=2)
    outside = (known & ((xy > np.array(size) * 1.5).any(axis=2))).sum() / max(1, known.sum())
    if outside > MOST_OUTSIDE:
        width, height = size
        raise CropzoomError(
            f"{table.path}: {outside:.0%} of the keypoints lie far outside a crop of {width} x {height} "
            "pixels, so these are not predictions of the cropped video. Predict the cropped video and "
            "give that file."
        )


def _same_length(table: PredictionsTable, bbox_file: Path, boxes: FloatArray) -> FloatArray:
    if len(boxes) != len(table.index):
        raise CropzoomError(
            f"{bbox_file}: has {len(boxes)} boxes but {table.path} has {len(table.index)} "
            "rows. Give the boxes "
            "the crop was made with."
        )
    return boxes


def _boxes_of_images(table: PredictionsTable, bbox_file: Path) -> FloatArray:
    """Box of every labelled frame of the table, found by its image path."""
    images, boxes = read_labeled_bbox(bbox_file)
    rows = {image: row for row, image in enumerate(images)}
    absent = [image for image in table.index if image not in rows]
    if absent:
        raise CropzoomError(
            f"{bbox_file}: has no box for {absent[0]} ({len(absent)} of {len(table.index)} images of "
            f"{table.path} are missing). Give the boxes the images were cropped with."
        )
    return boxes[[rows[image] for image in table.index]]
