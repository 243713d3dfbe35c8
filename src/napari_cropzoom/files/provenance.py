"""What predictions were made with: ``<stem>_made_with.npz`` beside ``<stem>.csv``.

Arrays, without pickled objects:

``about``
    JSON: version, model (see :mod:`napari_cropzoom.engine.fingerprint`), device, video, the SHA-256
    of the predictions file, and whether the model looked at whole frames;
``boxes``
    (T, 4) float64 ``x, y, w, h`` as the network saw them, NaN rows where there was none; (0, 4) for
    whole frames;
``interpolated``
    (T,) bool, frames that the network did not see, whose keypoints lie between those of others; (0,)
    or no such array where it saw all;
``sha256``
    of ``about`` in UTF-8 and the bytes of ``boxes`` and ``interpolated``, so that damage is noticed. A
    reader that knows nothing of ``interpolated`` finds it wrong, and does not take guesses for results.

A record of other predictions counts as none. So does one that cannot be read, for nobody needs it to go
on; but it is said where predictions are compared with a video (:mod:`napari_cropzoom.files.belonging`).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.parsing import (
    UNREADABLE_ARRAYS,
    OtherVersionError,
    load_arrays,
    parse_json,
    why_not_read,
)
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.review_paths import file_sha256

if TYPE_CHECKING:
    from napari_cropzoom.video.index import VideoIndex

VERSION = 6
"""To be raised when a full run of the same video gives other numbers than before."""
READABLE = (4, 5, VERSION)

SAMPLES, SAMPLE_BYTES = 64, 65536

Array = TypeVar("Array", BoolArray, FloatArray)


@dataclass(frozen=True, eq=False)
class MadeWith:
    """Everything that the numbers in a predictions file depend on.

    Attributes
    ----------
    model : dict of str to str
        Network, configuration and settings.
    device : str
        What the network ran on, such as ``cpu``: another kind rounds differently.
    video : dict of str to int or str
        See :func:`video_identity`.
    boxes : ndarray, (T, 4), or None
        ``x, y, w, h`` in whole pixels as the network saw them, NaN rows where there was none; None for
        whole frames.
    predictions : str
        SHA-256 of the predictions file.
    interpolated : ndarray, (T,) bool, or None
        Frames that the network did not see (see
        :mod:`napari_cropzoom.core.sampling.sparse`); None where it saw all.
    version : int
        Of the program that predicted; with an older one, numbers of a new run differ.
    video_name : str
        File name of the video, for messages; empty in the records of older versions.
    """

    model: dict[str, str]
    device: str
    video: dict[str, int | str]
    boxes: FloatArray | None
    predictions: str = ""
    interpolated: BoolArray | None = None
    version: int = VERSION
    video_name: str = ""


def made_with_path(predictions: Path) -> Path:
    """Where the record of a predictions file lies."""
    return predictions.with_name(f"{predictions.stem}_made_with.npz")


def write_made_with(path: Path, record: MadeWith) -> None:
    """Write the record to ``path``, which is to be a temporary one."""
    whole = record.boxes is None
    boxes = np.empty((0, 4)) if record.boxes is None else np.ascontiguousarray(record.boxes, np.float64)
    about = json.dumps(
        {
            "version": record.version,
            "model": record.model,
            "device": record.device,
            "video": record.video,
            "video_name": record.video_name,
            "predictions": record.predictions,
            "whole_frames": whole,
        }
    )
    guessed = np.empty(0, bool) if record.interpolated is None else np.asarray(record.interpolated, bool)
    digest = _digest(about, boxes, guessed)
    with path.open("wb") as file:
        np.savez_compressed(file, about=about, boxes=boxes, interpolated=guessed, sha256=digest)


def read_made_with(path: Path) -> MadeWith | None:
    """Read a record; None if there is none, or it is damaged, of another kind or a newer version."""
    try:
        return _read(path)
    except UNREADABLE_ARRAYS:
        return None


def why_unreadable(path: Path) -> str:
    """Why a record that is there cannot be read, in words; empty if it can be, or there is none."""
    if not os.path.lexists(path):
        return ""
    try:
        _read(path)
    except UNREADABLE_ARRAYS as error:
        return why_not_read(error)
    return ""


def _read(path: Path) -> MadeWith:
    """Read a record; raises ``UNREADABLE_ARRAYS``."""
    with load_arrays(path) as arrays:
        about, boxes = str(arrays["about"][()]), np.asarray(arrays["boxes"])
        named = "interpolated" in arrays.files
        guessed = np.asarray(arrays["interpolated"]) if named else np.empty(0, bool)
        content: dict[str, Any] = parse_json(about)
        if content["version"] not in READABLE:
            raise OtherVersionError(content["version"])
        if boxes.dtype != np.float64 or guessed.dtype != np.bool_:
            raise ValueError("arrays of another kind")
        if str(arrays["sha256"][()]) != _digest(about, boxes, guessed):
            raise ValueError("not as it was written")
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError("boxes of another shape")
    seen = None if content["whole_frames"] else boxes
    model, video = dict(content["model"]), dict(content["video"])
    predictions, rows = str(content["predictions"]), guessed if guessed.any() else None
    device, version = str(content["device"]), int(content["version"])
    name = str(content.get("video_name", ""))
    return MadeWith(model, device, video, seen, predictions, rows, version, name)


def read_video_predictions(path: Path, n_frames: int) -> Poses:
    """Keypoints of a video, with the frames marked that the network has not seen, and the boxes it saw.

    Parameters
    ----------
    path : Path
        Predictions; neither is known if their record is not there or of other ones.
    n_frames : int

    Raises
    ------
    CropzoomError
        If it is not a predictions file with one row a frame.
    """
    poses, record = read_predictions(path, n_frames), _record_of(path)
    if record is None:
        return poses
    interpolated, boxes = _of_video(record.interpolated, n_frames), _of_video(record.boxes, n_frames)
    if boxes is not None and interpolated is not None:
        boxes = np.where(interpolated[:, None], np.nan, boxes)
    return replace(poses, interpolated=interpolated, boxes=boxes)


def interpolated_rows(predictions: Path, n_frames: int) -> BoolArray | None:
    """(T,) bool: frames that the network did not see, by the record of these very predictions.

    None if it saw all of them, or there is no such record or no such file.
    """
    record = _record_of(predictions)
    return None if record is None else _of_video(record.interpolated, n_frames)


def _record_of(predictions: Path) -> MadeWith | None:
    """The record of these very predictions; None where there is none, or no such file."""
    record = read_made_with(made_with_path(predictions))
    try:
        is_same = record is not None and file_sha256(predictions) == record.predictions
    except OSError:
        return None
    return record if is_same else None


def _of_video(rows: Array | None, n_frames: int) -> Array | None:
    return rows if rows is not None and len(rows) == n_frames else None


def video_identity(index: VideoIndex) -> dict[str, int | str]:
    """Return what tells a video from another one of the same name: frames, size, and its file's identity.

    Raises
    ------
    OSError
        If the file has gone.
    """
    size = {"frames": index.n_frames, "width": index.width, "height": index.height}
    return {**size, **file_identity(index.path)}


def file_identity(path: Path) -> dict[str, int | str]:
    """Return what tells a video file from another one of the same name, at a cost of a few megabytes.

    ``bytes``, its size, and ``sample``, a hash of 64 pieces evenly spread. Compressed video that differs
    anywhere differs in length as well, but for a copy that is under way. They are read again once the
    size of the file or its time of change is another one.

    Raises
    ------
    OSError
        If the file has gone.
    """
    stat = path.stat()
    if not S_ISREG(stat.st_mode):
        raise OSError(errno.EINVAL, "is no file", str(path))
    return dict(_known_identity(path, stat.st_size, stat.st_mtime_ns))


def is_same_file(identity: Mapping[str, object], path: Path) -> bool:
    """Whether a file is the one of an identity.

    Raises
    ------
    OSError
        If the file has gone.
    """
    mine = file_identity(path)
    return all(identity.get(name) == mine[name] for name in ("bytes", "sample"))


@lru_cache(maxsize=1024)
def _known_identity(path: Path, size: int, time: int) -> dict[str, int | str]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start in np.linspace(0, max(size - SAMPLE_BYTES, 0), SAMPLES).astype(np.int64).tolist():
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))
    return {"bytes": size, "sample": digest.hexdigest()}


def _digest(about: str, boxes: FloatArray, interpolated: BoolArray) -> str:
    return hashlib.sha256(about.encode() + boxes.tobytes() + interpolated.tobytes()).hexdigest()
