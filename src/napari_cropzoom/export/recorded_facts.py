"""What the records beside boxes and keypoints say of their video, for who has the video no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.crop.record import read_side_file
from napari_cropzoom.crop.record import record_path as crop_record_path
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.belonging import made_of
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import REVIEW_DIR, stem

FINEST = 1001  # of a rate's denominator, as of 30000/1001


@dataclass(frozen=True)
class Known:
    """What is known of a video that is not there.

    Attributes
    ----------
    n_frames : int
    size : (int, int) or None
        Width and height in pixels.
    rate : Fraction or None
        Frames a second.
    size_from, rate_from : Path or None
        The files that say so.
    """

    n_frames: int
    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    size_from: Path | None = None
    rate_from: Path | None = None


def known_of(bbox: Path | None, preds: Path | None) -> Known:
    """Look what is known of the video of boxes and keypoints.

    The number of frames is that of their rows. The size is in the record of the keypoints
    (``<stem>_made_with.npz``), of these or of the detector's beside the boxes; the rate in that of a
    crop (``cropped_<stem>.json``). A record of another video, by its bytes, does not count.

    Parameters
    ----------
    bbox : Path or None
        Boxes, a row a frame.
    preds : Path or None
        Keypoints in the full frame.

    Raises
    ------
    CropzoomError
        If both are missing, or one cannot be read.
    """
    if preds is not None:
        n_frames = len(read_predictions_table(preds).index)
    elif bbox is not None:
        n_frames = len(read_bbox_csv(bbox, allow_missing=True, faults="skip"))
    else:
        raise CropzoomError(
            "There is no video, and nothing to draw. Give the video, or keypoints with --preds or boxes "
            "with --bbox."
        )
    identities = [made_of(file) for file in (bbox, preds) if file is not None]
    n_bytes = next((each["bytes"] for each in identities if each), None)
    size, size_from = _size(bbox, preds, n_frames, n_bytes)
    rate, rate_from = _rate(bbox, preds, n_frames, n_bytes)
    return Known(n_frames, size, rate, size_from, rate_from)


def _size(
    bbox: Path | None, preds: Path | None, n_frames: int, n_bytes: int | None
) -> tuple[tuple[int, int] | None, Path | None]:
    for predictions in _predictions(bbox, preds):
        video = made_of(predictions) or {}
        size = _whole(video.get("width")), _whole(video.get("height"))
        if n_bytes in (None, video.get("bytes")) and video.get("frames") == n_frames and min(size) > 0:
            return size, made_with_path(predictions)
    return None, None


def _rate(
    bbox: Path | None, preds: Path | None, n_frames: int, n_bytes: int | None
) -> tuple[Fraction | None, Path | None]:
    for predictions in _predictions(bbox, preds):
        crops = predictions.parent.parent / "cropped_videos"
        path = crop_record_path(crops / f"cropped_{predictions.stem}.mp4")
        try:
            record = read_side_file(path)
        except CropzoomError:
            continue
        source = None if record.making is None else record.making.source.get("bytes")
        is_same = n_bytes is None or source in (None, n_bytes)
        if is_same and len(record.boxes) == n_frames:
            return Fraction(record.fps).limit_denominator(FINEST), path
    return None, None


def _predictions(bbox: Path | None, preds: Path | None) -> Iterator[Path]:
    """Where keypoints of the video may lie, whether they are there or not."""
    if preds is not None:
        yield preds
    if bbox is not None:
        folder = bbox.parent.parent if bbox.parent.name == REVIEW_DIR else bbox.parent
        yield folder / f"{stem(bbox)}.csv"


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
