"""What a crop was made with: ``cropped_<stem>.json`` beside ``cropped_<stem>.mp4``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.boxes import FloatArray, as_boxes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_path

VERSION = 1
ENDS = 2**20  # bytes

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
    """

    source: str
    boxes: FloatArray
    size: tuple[int, int]
    fps: float
    making: Making | None = None


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
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["version"]
        size = int(content["width"]), int(content["height"])
        boxes, fps = as_boxes(content["boxes"]), float(content["fps"])
        making = Making(**content["making"]) if "making" in content else None
        record = CropRecord(content["source"], boxes, size, fps, making)
    except OSError as error:
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}). {cure}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CropzoomError(f"{path}: is not the record of a crop ({error!r}). {cure}") from error
    except CropzoomError as error:
        raise CropzoomError(f"{path}: {error} {cure}") from error
    if version != VERSION:
        raise CropzoomError(f"{path}: was written by a newer cropzoom (version {version}). Upgrade.")
    return record


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
