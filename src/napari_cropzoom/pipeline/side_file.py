"""What a crop was made with: ``cropped_<stem>.json`` beside ``cropped_<stem>.mp4``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from napari_cropzoom.core.boxes import FloatArray, as_boxes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_path

VERSION = 1


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
    """

    source: str
    boxes: FloatArray
    size: tuple[int, int]
    fps: float


def record_path(video: Path) -> Path:
    """Where the record of a cropped video lies."""
    return video.with_suffix(".json")


def write_side_file(path: Path, record: CropRecord) -> None:
    """Write the record as JSON."""
    content = {
        "version": VERSION,
        "source": record.source,
        "source_frames": len(record.boxes),
        "width": record.size[0],
        "height": record.size[1],
        "fps": record.fps,
        "boxes": record.boxes.astype(int).tolist(),
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
        record = CropRecord(content["source"], as_boxes(content["boxes"]), size, float(content["fps"]))
    except OSError as error:
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}). {cure}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CropzoomError(f"{path}: is not the record of a crop ({error!r}). {cure}") from error
    except CropzoomError as error:
        raise CropzoomError(f"{path}: {error} {cure}") from error
    if version != VERSION:
        raise CropzoomError(f"{path}: was written by a newer cropzoom (version {version}). Upgrade.")
    return record
