"""Where a review lies on disk, and the final boxes for ``litpose``.

In ``bboxes_reviewed/`` beside the raw boxes lie

``<video>_bbox.csv``, or ``bbox.csv`` of labeled frames
    the final boxes, named after the video whatever the raw file is called, in the form that
    ``litpose crop --bbox_dir`` takes;
``metadata.json``
    the keys of ``litpose smooth_bbox`` (method, window, source) and, per video, what was done;
``<stem>_journal.jsonl``
    every edit and the hash of the raw file, see :mod:`napari_cropzoom.files.journal`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.atomic import atomic_path, cannot_write
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.parsing import MISSHAPEN, read_json

REVIEW_DIR = "bboxes_reviewed"


def review_dir(raw_csv: Path) -> Path:
    """Folder of the reviewed boxes of ``raw_csv``."""
    return raw_csv.parent / REVIEW_DIR


def journal_file(raw_csv: Path) -> Path:
    """Path of the journal of the review of ``raw_csv``."""
    return review_dir(raw_csv) / f"{stem(raw_csv)}_journal.jsonl"


def is_labels(source: Path) -> bool:
    """Whether boxes are of the images of a labels file, not of the frames of a video."""
    return source.suffix.lower() == ".csv"


def reviewed_csv(raw_csv: Path, video: Path) -> Path:
    """Path of the final boxes made of ``raw_csv``, named as ``litpose`` has it: after the video.

    Of a labels file they are ``bbox.csv``, which ``litpose crop --bbox_dir`` looks for.
    """
    return review_dir(raw_csv) / ("bbox.csv" if is_labels(video) else f"{video.stem}_bbox.csv")


def stem(raw_csv: Path) -> str:
    """Name of the video that boxes belong to."""
    return raw_csv.stem.removesuffix("_bbox")


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(path: Path) -> Path:
    """Give a file another name beside it, that nothing has yet; returns the new path.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to, or the file is open in another program.
    """
    number = 1
    while (other := path.with_name(f"{path.stem}_{number}{path.suffix}")).exists():
        number += 1
    try:
        return path.rename(other)
    except OSError as error:
        raise cannot_write(path, error) from error


def save_final(
    raw_csv: Path,
    video: Path,
    final: FloatArray,
    smoothing: SmoothingSettings,
    summary: dict[str, Any],
    images: Sequence[str] | None = None,
) -> Path:
    """Write the final boxes and ``metadata.json``.

    Parameters
    ----------
    raw_csv : Path
        The raw boxes; the file is not touched.
    video : Path
        The video they belong to.
    final : ndarray, (T, 4)
        ``x, y, w, h``, whole pixels, no gaps.
    smoothing : SmoothingSettings
        As used.
    summary : dict
        What ``metadata.json`` says of this video, e.g. which frames were filled.
    images : sequence of str, optional
        Names of the images, where ``video`` is a labels file.

    Returns
    -------
    Path
        The CSV of the final boxes.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to.
    """
    target = reviewed_csv(raw_csv, video)
    write_bbox_csv(target, final, images)
    metadata_path = target.parent / "metadata.json"
    metadata = {
        "method": smoothing.method,
        "window": smoothing.window,
        "source": str(raw_csv.parent.resolve()),
        "videos": {**_known_videos(metadata_path), video.stem: summary},
    }
    with atomic_path(metadata_path) as part:
        part.write_text(json.dumps(metadata, indent=2, allow_nan=False), encoding="utf-8")
    return target


def _known_videos(metadata: Path) -> dict[str, Any]:
    try:
        videos = read_json(metadata).get("videos", {})
    except (OSError, *MISSHAPEN):
        return {}
    return videos if isinstance(videos, dict) else {}


def without_absent(boxes: FloatArray, bbox_csv: Path, video: Path) -> FloatArray:
    """Boxes for a pose model: none in the frames of which the review says that no animal is there.

    ``litpose crop`` wants a box in every frame, so the file has one there too, filled from its
    neighbours; a pose model would find keypoints in it with confidence.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        As read of ``bbox_csv``.
    bbox_csv : Path
        Boxes of one video; only those that a review has saved say anything.
    video : Path

    Returns
    -------
    ndarray, (T, 4)
        NaN where there is no animal; ``boxes`` itself where that is nowhere.
    """
    frames = absent_frames(bbox_csv.parent, video.stem, len(boxes))
    if not frames:
        return boxes
    boxes = boxes.copy()
    boxes[frames] = np.nan
    return boxes


def absent_frames(folder: Path, video_stem: str, n_frames: int) -> list[int]:
    """Frames of which a review says that no animal is there; none where it does not know the video.

    Parameters
    ----------
    folder : Path
        Where the review has saved its boxes.
    video_stem : str
        Name of the full-frame video without its suffix.
    n_frames : int
        Of the video.
    """
    said = _known_videos(folder / "metadata.json").get(video_stem)
    absent = said.get("absent") if isinstance(said, dict) else None
    numbers = absent if isinstance(absent, list) else []
    return [each for each in numbers if isinstance(each, int) and 0 <= each < n_frames]
