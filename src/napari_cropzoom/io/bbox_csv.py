"""Boxes as Lightning Pose writes them: ``,x,y,h,w``, one row a frame.

The order h before w exists here and in `bbox_table` only; everywhere else a box is ``x, y, w, h``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.bbox_table import (
    COLUMNS,
    FILE_COLUMNS,
    boxes_of,
    careful_boxes,
    check_boxes,
    dense,
    in_order,
    quick_boxes,
    table_of,
)
from napari_cropzoom.io.csv_table import read_text
from napari_cropzoom.io.whole_numbers import format_rows

METADATA = "metadata.json"
_HEADER = f",{','.join(FILE_COLUMNS)}\n"


def read_bbox_csv(path: Path, n_frames: int | None = None, *, allow_missing: bool = False) -> FloatArray:
    """Boxes of a video, one row a frame.

    Parameters
    ----------
    path : Path
        Columns x, y, h, w in any order, integers or floats, with or without an index or ``frame``
        column; rows are put in the order of that column.
    n_frames : int, optional
        Frames of the video, to be met exactly.
    allow_missing : bool
        Accept frames without a box: rows whose four cells are empty, and gaps in the frame column.

    Returns
    -------
    ndarray, (T, 4) float64
        ``x, y, w, h`` in pixels, NaN rows where missing.

    Raises
    ------
    CropzoomError
        With the file, the line and the cure, if the file cannot be taken as it is.
    """
    text = read_text(path, "boxes")
    boxes, frames = quick_boxes(text) or careful_boxes(path, text, allow_missing)
    check_boxes(path, boxes, allow_missing)
    if frames is not None and not in_order(frames, n_frames):
        boxes = dense(path, boxes, frames, n_frames, allow_missing)
    if n_frames is not None and len(boxes) != n_frames:
        raise CropzoomError(_count_message(path, len(boxes), n_frames))
    return boxes


def read_labeled_bbox(path: Path) -> tuple[list[str], FloatArray]:
    """Boxes of labelled frames: image paths and (N, 4) ``x, y, w, h`` in the order of the file.

    Raises
    ------
    CropzoomError
        As :func:`read_bbox_csv`, or if there is no column of image paths or one occurs twice.
    """
    cells, names = table_of(path, read_text(path, "boxes"))
    if names[0] in COLUMNS:
        raise CropzoomError(
            f"{path}: line 1: the first column should hold the image paths, not {names[0]!r}. "
            "Write the file with `cropzoom create_bbox` on the label CSV."
        )
    index = cells[0].iloc[1:]
    twice = index.duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: {index.iloc[row]} occurs twice. Remove one of the rows."
        )
    boxes = boxes_of(path, cells, names)
    check_boxes(path, boxes, allow_missing=True)
    return index.tolist(), boxes


def write_bbox_csv(path: Path, boxes: FloatArray, index: Sequence[object] | None = None) -> None:
    """Write boxes as ``litpose create_bbox`` does: ``,x,y,h,w``, whole numbers, rows end in a newline.

    Parameters
    ----------
    path : Path
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, rounded to whole ones (halves to even); NaN rows become empty cells.
    index : sequence, length T, optional
        First column, such as image paths; frame numbers by default.
    """
    whole = np.rint(np.asarray(boxes, np.float64)[:, [0, 1, 3, 2]])
    missing = np.asarray(np.isnan(whole).any(axis=1))
    numbers = np.where(missing[:, None], 0, whole).astype(np.int64)
    with atomic_path(path) as part:
        if index is None:
            part.write_bytes(_HEADER.encode() + _numbered(numbers, missing))
        else:
            part.write_text(_HEADER + _labelled(numbers, missing, index), encoding="utf-8", newline="")


def read_metadata(directory: Path) -> dict[str, Any]:
    """How the boxes of a directory were smoothed; empty if nobody says.

    Raises
    ------
    CropzoomError
        If ``metadata.json`` is there but is not a JSON object.
    """
    path = directory / METADATA
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CropzoomError(
            f"{path}: is not JSON ({error}). Delete it or smooth the boxes again."
        ) from error
    if not isinstance(content, dict):
        raise CropzoomError(f"{path}: is not a JSON object. Delete it or smooth the boxes again.")
    return content


def write_metadata(directory: Path, method: str, window: int, source: Path, **more: object) -> None:
    """Write ``metadata.json`` as ``litpose smooth_bbox`` does; ``more`` are further keys."""
    content = {"method": method, "window": window, "source": str(source.resolve()), **more}
    with atomic_path(directory / METADATA) as part:
        part.write_text(json.dumps(content, indent=2), encoding="utf-8", newline="")


def _numbered(numbers: IntArray, missing: BoolArray) -> bytes:
    """Rows that begin with the number of the frame."""
    table = np.column_stack([np.arange(len(numbers)), numbers])
    blank = np.zeros(table.shape, bool)
    blank[missing, 1:] = True
    return format_rows(table, blank)


def _labelled(numbers: IntArray, missing: BoolArray, labels: Sequence[object]) -> str:
    """Rows that begin with labels."""
    rows: list[list[object]] = numbers.tolist()
    for row in np.flatnonzero(missing):
        rows[row] = ["", "", "", ""]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([label, *row] for label, row in zip(labels, rows, strict=True))
    return text.getvalue()


def _count_message(path: Path, rows: int, n_frames: int) -> str:
    message = f"{path}: has {rows} boxes but the video has {n_frames} frames. "
    if abs(rows - n_frames) == 1:
        return message + (
            "They differ by one, as when a tool reckons the frames from duration x rate; "
            "`cropzoom info` counts them. Make the boxes again from this video."
        )
    return message + "Give the boxes of this very video, one row a frame."
