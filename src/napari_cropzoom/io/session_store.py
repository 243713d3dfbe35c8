"""The review of one video on disk: final boxes for ``litpose``, and the edits to go on with.

In ``bboxes_reviewed/`` beside the raw boxes lie

``<stem>_bbox.csv``
    the final boxes, in the form that ``litpose crop --bbox_dir`` takes;
``metadata.json``
    the keys of ``litpose smooth_bbox`` (method, window, source) and, per video, what was done;
``<stem>_session.json``
    the history of edits and the hash of the raw file they belong to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.edits import History
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.sizing import SizingSettings
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.bbox_csv import write_bbox_csv

REVIEW_DIR = "bboxes_reviewed"
VERSION = 1


@dataclass(frozen=True)
class ReviewRecord:
    """What a saved review says besides the boxes.

    Attributes
    ----------
    n_frames : int
        Frames of the video.
    raw_file, raw_sha256 : str
        Name and hash of the raw boxes that the edits belong to.
    sizing : SizingSettings or None
        How the raw boxes were made of keypoints, None if they came from elsewhere.
    smoothing : SmoothingSettings
    fill : str
        How frames without a box were filled in the final boxes.
    history : dict
        See :meth:`napari_cropzoom.core.edits.History.to_json`.
    """

    n_frames: int
    raw_file: str
    raw_sha256: str
    sizing: SizingSettings | None
    smoothing: SmoothingSettings
    fill: str
    history: dict[str, Any]

    def restore_history(self) -> History:
        """History of the saved edits, not yet applied to any track."""
        return History.from_json(self.history, self.n_frames)


def review_dir(raw_csv: Path) -> Path:
    """Folder of the reviewed boxes of ``raw_csv``."""
    return raw_csv.parent / REVIEW_DIR


def session_file(raw_csv: Path) -> Path:
    """Path of the saved edits on ``raw_csv``."""
    return review_dir(raw_csv) / f"{_stem(raw_csv)}_session.json"


def reviewed_csv(raw_csv: Path) -> Path:
    """Path of the final boxes made of ``raw_csv``."""
    return review_dir(raw_csv) / f"{_stem(raw_csv)}_bbox.csv"


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_review(raw_csv: Path, final: FloatArray, record: ReviewRecord, summary: dict[str, Any]) -> Path:
    """Write the final boxes, ``metadata.json`` and the edits.

    Parameters
    ----------
    raw_csv : Path
        ``<stem>_bbox.csv`` of the raw boxes; it is not touched.
    final : ndarray, (T, 4)
        ``x, y, w, h``, whole pixels, no gaps.
    record : ReviewRecord
    summary : dict
        What ``metadata.json`` says of this video, e.g. which frames were filled.

    Returns
    -------
    Path
        The CSV of the final boxes.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to.
    """
    target = reviewed_csv(raw_csv)
    write_bbox_csv(target, final)
    metadata_path = target.parent / "metadata.json"
    metadata = {
        "method": record.smoothing.method,
        "window": record.smoothing.window,
        "source": str(raw_csv.parent.resolve()),
        "videos": {**_known_videos(metadata_path), _stem(raw_csv): summary},
    }
    _write_json(metadata_path, metadata)
    _write_json(session_file(raw_csv), {"version": VERSION, **asdict(record)})
    return target


def load_review(raw_csv: Path, n_frames: int) -> ReviewRecord | None:
    """Saved review of ``raw_csv``, None if there is none.

    Raises
    ------
    CropzoomError
        If the file is broken, of a later version, or of a video with another number of frames.
    """
    path = session_file(raw_csv)
    if not path.exists():
        return None
    cure = "Move the file away to start the review anew; the reviewed boxes beside it stay as they are."
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise CropzoomError(
                f"{path}: written by another version of napari-cropzoom ({data['version']}). {cure}"
            )
        sizing = data["sizing"]
        if sizing is not None:
            sizing = SizingSettings(**{**sizing, "anchor_keypoints": tuple(sizing["anchor_keypoints"])})
        record = ReviewRecord(
            n_frames=int(data["n_frames"]),
            raw_file=str(data["raw_file"]),
            raw_sha256=str(data["raw_sha256"]),
            sizing=sizing,
            smoothing=SmoothingSettings(**data["smoothing"]),
            fill=str(data["fill"]),
            history=data["history"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CropzoomError(f"{path}: not a saved review ({error!r}). {cure}") from error
    if record.n_frames != n_frames:
        raise CropzoomError(
            f"{path}: belongs to a video of {record.n_frames} frames, this one has {n_frames}. {cure}"
        )
    return record


def _stem(raw_csv: Path) -> str:
    return raw_csv.stem.removesuffix("_bbox")


def _known_videos(metadata: Path) -> dict[str, Any]:
    try:
        videos = json.loads(metadata.read_text(encoding="utf-8")).get("videos", {})
    except (OSError, ValueError, AttributeError):
        return {}
    return videos if isinstance(videos, dict) else {}


def _write_json(path: Path, data: dict[str, Any]) -> None:
    with atomic_path(path) as part:
        part.write_text(json.dumps(data, indent=2, allow_nan=False), encoding="utf-8")
