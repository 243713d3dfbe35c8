"""What a crop was made with: ``cropped_<stem>.json`` beside ``cropped_<stem>.mp4``."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.boxes import FloatArray, as_boxes
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.belonging import CURE
from napari_cropzoom.files.parsing import MISSHAPEN, read_json

VERSION = 1
PREFIX = "cropped_"
ENDS = 2**20  # bytes
LARGEST_SIDE = 65536  # pixels of a cropped video

Fingerprint = dict[str, Any]


@dataclass(frozen=True)
class Making:
    """What tells whether parts of a cropped video can be used again.

    Attributes
    ----------
    encoding : dict
        All that decides on the bytes but the boxes; compared as a whole.
    source, video : dict
        Fingerprints of the full-frame video and of the cropped one.
    """

    encoding: Mapping[str, Any]
    source: Fingerprint
    video: Fingerprint


@dataclass(frozen=True, eq=False)
class CropRecord:
    """Boxes and size of a cropped video.

    Attributes
    ----------
    source : str
        File name of the full-frame video.
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in whole pixels of the full frame, as cut.
    size : (int, int)
        Width and height of the cropped video in pixels.
    fps : float
    making : Making, optional
        Absent in the records of older versions.
    undecodable : tuple of int
        Frames that are black since they could not be decoded, sorted.
    """

    source: str
    boxes: FloatArray
    size: tuple[int, int]
    fps: float
    making: Making | None = None
    undecodable: tuple[int, ...] = ()


def record_path(video: Path) -> Path:
    """Where the record of a cropped video lies."""
    return video.with_suffix(".json")


def write_side_file(path: Path, record: CropRecord) -> None:
    """Write the record as JSON."""
    content: dict[str, Any] = {
        "version": VERSION,
        "source": record.source,
        "source_frames": len(record.boxes),
        "width": record.size[0],
        "height": record.size[1],
        "fps": record.fps,
        "boxes": record.boxes.astype(int).tolist(),
    }
    if record.undecodable:
        content["undecodable"] = list(record.undecodable)
    if record.making is not None:
        content["making"] = {
            "encoding": record.making.encoding,
            "source": record.making.source,
            "video": record.making.video,
        }
    with atomic_path(path) as part:
        part.write_text(json.dumps(content), encoding="utf-8")


def read_side_file(path: Path) -> CropRecord:
    """Read the record.

    Raises
    ------
    CropzoomError
        If the file is not one that `cropzoom crop` wrote.
    """
    cure = "Crop the video again with `cropzoom crop`, or delete the file."
    try:
        content = read_json(path)
        version = content["version"]
        size = int(content["width"]), int(content["height"])
        boxes, fps = as_boxes(content["boxes"]), float(content["fps"])
        if not 0 < min(size) <= max(size) <= LARGEST_SIDE or not 0 < fps < math.inf:
            raise ValueError(f"a video of {size[0]} x {size[1]} pixels and {fps} frames a second")
        making = _making(content["making"]) if "making" in content else None
        lost = tuple(int(number) for number in content.get("undecodable", ()))
        if not all(0 <= number < len(boxes) for number in lost):
            raise ValueError("frames that are not there")
        record = CropRecord(str(content["source"]), boxes, size, fps, making, lost)
    except OSError as error:
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}). {cure}") from error
    except MISSHAPEN as error:
        raise CropzoomError(f"{path}: is not the record of a crop ({brief(error)}). {cure}") from error
    except CropzoomError as error:
        raise CropzoomError(f"{path}: {error} {cure}") from error
    if version != VERSION:
        raise CropzoomError(
            f"{path}: was written by a newer cropzoom (version {brief(version)}). Upgrade."
        )
    return record


def _making(content: dict[str, Any]) -> Making:
    making = Making(**content)
    if not all(isinstance(each, dict) for each in (making.encoding, making.source, making.video)):
        raise TypeError("what it was made with are no objects")
    return making


def undecodable_in(video: Path) -> list[int]:
    """Frames of a crop that are black since they could not be decoded, by its record if there is one."""
    try:
        return list(read_side_file(record_path(video)).undecodable)
    except CropzoomError:
        return []


def doubt_of_crop(video: Path) -> str:
    """Say that the record of a crop is there but cannot be read, and what to do; empty if it is not so.

    What lies beside a video that is no crop by its name may be anything.
    """
    record = record_path(video)
    if not video.name.startswith(PREFIX) or not os.path.lexists(record):
        return ""
    try:
        read_side_file(record)
    except CropzoomError as error:
        return str(error)
    return ""


def check_crop_of(output: Path, video: Path) -> str:
    """Refuse to replace the crop of another video, by the record beside it.

    Returns
    -------
    str
        That the record is there but cannot be read, for a person; the crop is made again then.

    Raises
    ------
    CropzoomError
    """
    file = record_path(output)
    if not os.path.lexists(file):
        return ""  # a crop without a record is made again, as ever
    try:
        record = read_side_file(file)
    except CropzoomError:
        return (
            f"{file}: cannot be read, so nothing says which video the crop there was of; it is replaced."
        )
    before = record.making.source if record.making is not None else {}
    now = source_fingerprint(video)
    if any(before.get(name, now[name]) != now[name] for name in ("bytes", "ends")):
        name, size = brief(record.source), brief(before.get("bytes"))
        raise CropzoomError(
            f"{output}: is the crop of another file ({name}, {size} bytes) "
            f"than {video} ({now['bytes']} bytes). {CURE}"
        )
    return ""


def source_fingerprint(path: Path) -> Fingerprint:
    """What changes when a large file does: size, time of the last change, its first and last bytes."""
    stat = path.stat()
    with path.open("rb") as file:
        digest = hashlib.blake2b(file.read(ENDS), digest_size=16)
        file.seek(max(0, stat.st_size - ENDS))
        digest.update(file.read(ENDS))
    return {"bytes": stat.st_size, "changed_ns": stat.st_mtime_ns, "ends": digest.hexdigest()}


def content_fingerprint(path: Path) -> Fingerprint:
    """Size and hash of all the bytes of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    return {"bytes": path.stat().st_size, "content": digest.hexdigest()}
