"""Put the keypoints found on a crop back into the full frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.smoothing.finalize import crop_size
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.crop.record import CropRecord, read_side_file, record_path, undecodable_in
from napari_cropzoom.files.bbox_csv import read_bbox_csv, read_labeled_bbox, read_metadata
from napari_cropzoom.files.belonging import doubt_of, made_of
from napari_cropzoom.files.csv_table import plain_path, quoted
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.parsing import read_yaml
from napari_cropzoom.files.predictions_csv import PredictionsTable, read_predictions_table
from napari_cropzoom.files.review_paths import absent_frames, review_dir

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
    crops of labelled frames are never resized. Frames of which the review says that no animal is there
    get no keypoints, as where a pose model runs on the full frames.

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
    notes = []
    if table.is_labeled_frames:
        boxes = _boxes_of_images(table, bbox_file)
        scale = np.ones((len(boxes), 2))
    else:
        record_file = find_record(preds_file, bbox_file, crop)
        boxes, size, note = _video_crop(table, bbox_file, record_file)
        scale = boxes[:, 2:] / np.asarray(size, float)
        notes += [told for told in (note, doubt_of(preds_file)) if told]
        lost = [] if record_file is None else undecodable_in(record_file)
        if lost:
            notes.append(
                f"{counted(len(lost), 'frame')} could not be decoded when the crop was made: no keypoints"
            )
            table = table.without(lost)
        absent = _absent_in(bbox_file, preds_file, record_file, len(boxes))
        if absent:
            notes.append(
                f"{counted(len(absent), 'frame')} without an animal, by the review: no keypoints"
            )
            table = table.without(absent)
    path = output or preds_file.with_name(f"remapped_{preds_file.name}")
    table.moved(scale, boxes[:, :2]).write(path)
    if table.not_moved:
        notes.append(f"left in pixels of the crop: {', '.join(map(quoted, table.not_moved[:5]))}")
    return RemapResult(path, "; ".join(notes))


def _absent_in(bbox_file: Path, preds_file: Path, record_file: Path | None, n_frames: int) -> list[int]:
    """Frames without an animal, by the review that saved the boxes or lies beside them."""
    if record_file is None:
        stem = preds_file.stem.removeprefix("cropped_")
    else:
        stem = Path(read_side_file(record_file).source).stem
    for folder in (bbox_file.parent, review_dir(bbox_file)):
        if absent := absent_frames(folder, stem, n_frames):
            return absent
    return []


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
            lacks = (
                f"has no record, {path.name}, beside it" if crop.is_file() else "there is no such file"
            )
            raise CropzoomError(f"{crop}: {lacks}. Give the video that `cropzoom crop` wrote.")
        return path
    name = record_path(Path(preds_file.name)).name
    for preds in _folders_of(preds_file):
        for bbox in _folders_of(bbox_file):
            folders = [preds, bbox]
            for folder in (bbox, _smoothed_from(bbox), preds):
                folders += [folder / "cropped_videos", folder.parent / "cropped_videos"]
            folders += _trained_on(preds.parent / "config.yaml")
            for folder in folders:
                if (folder / name).is_file():
                    return folder / name
        if (found := _of_a_model_beside(preds, name)) is not None:
            return found
    return None


def _folders_of(path: Path) -> list[Path]:
    """Folder that a file lies in, then that of what a link leads to, as of DataLad and git-annex."""
    return list(dict.fromkeys((path.absolute().parent, real_path(path).parent)))


def _of_a_model_beside(preds: Path, name: str) -> Path | None:
    """The record in ``<models>/*/cropped_videos`` of predictions in ``<models>/<model>/video_preds``."""
    if preds.name != "video_preds":
        return None
    models = sorted(preds.parent.parent.iterdir())
    places = [model / "cropped_videos" / name for model in models]
    found = [place for place in places if place.is_file()]
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
        return [Path(read_yaml(config_file)["data"]["video_dir"])]
    except (CropzoomError, KeyError, TypeError):
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
            f"{record_file}: is of a crop of {counted(len(record.boxes), 'frame')}, but "
            f"{table.path} has {counted(rows, 'row')}. "
            "Predict the cropped video again."
        )
    _check_record(record_file, record)
    _check_crop(table.path, record_file, record)
    boxes = _same_length(table, bbox_file, read_bbox_csv(bbox_file, allow_missing=True))
    note = ""
    if not np.array_equal(np.rint(boxes), record.boxes):
        differ = int((np.rint(boxes) != record.boxes).any(axis=1).sum())
        note = (
            f"{bbox_file} differs in {counted(differ, 'frame')} from the boxes the crop was made with; "
            "using those of "
            f"{record_file}"
        )
    return record.boxes, record.size, note


def _check_record(record_file: Path, record: CropRecord) -> None:
    """Refuse a record that lies beside another crop than the one that it was written for."""
    crop = record_file.with_suffix(".mp4")
    told = record.making.video.get("bytes") if record.making is not None else None
    if told is not None and crop.is_file() and crop.stat().st_size != told:
        raise CropzoomError(
            f"{record_file}: is of another crop ({brief(told)} bytes) than {crop.name} "
            f"({crop.stat().st_size} bytes). Crop the video again, or put the record of this crop back."
        )


def _check_crop(predictions: Path, record_file: Path, record: CropRecord) -> None:
    """Refuse predictions of a crop that has been made again since, with other boxes."""
    identity = made_of(predictions)
    now = record.making.video.get("bytes") if record.making is not None else None
    if identity is not None and now is not None and identity["bytes"] != now:
        raise CropzoomError(
            f"{predictions}: was made of another crop ({brief(identity['bytes'])} bytes) than "
            f"{record_file.with_suffix('.mp4')} ({brief(now)} bytes). Predict the cropped video again."
        )


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
            f"{bbox_file}: has {counted(len(boxes), 'box')} but {table.path} has "
            f"{counted(len(table.index), 'row')}. Give the boxes "
            "the crop was made with."
        )
    return boxes


def _boxes_of_images(table: PredictionsTable, bbox_file: Path) -> FloatArray:
    """Box of every labelled frame of the table, found by its image path."""
    images, boxes = read_labeled_bbox(bbox_file)
    rows = {plain_path(image): row for row, image in enumerate(images)}
    wanted = [plain_path(image) for image in table.index]
    absent = [image for image in wanted if image not in rows]
    if absent:
        raise CropzoomError(
            f"{bbox_file}: has no box for {brief(absent[0])} ({len(absent)} of "
            f"{counted(len(wanted), 'image')} of {table.path} {verb(len(absent), 'are')} missing). Give "
            "the boxes the images were cropped with."
        )
    return boxes[[rows[image] for image in wanted]]
