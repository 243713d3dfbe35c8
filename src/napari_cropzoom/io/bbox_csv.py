"""Boxes as Lightning Pose writes them: ``,x,y,h,w``, one row a frame.

The order h before w exists in this file only; everywhere else a box is ``x, y, w, h``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.csv_table import read_cells

COLUMNS = ("x", "y", "w", "h")
FILE_COLUMNS = ("x", "y", "h", "w")
INDEX_NAMES = ("", "index", "unnamed: 0")
IGNORED = ("confidence", "conf", "likelihood", "score")
METADATA = "metadata.json"


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
    cells, names = _table(path)
    boxes = _boxes(path, cells, names, allow_missing)
    frames = _frames(path, cells, names)
    if frames is not None:
        boxes = _dense(path, boxes, frames, n_frames, allow_missing)
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
    cells, names = _table(path)
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
    return index.tolist(), _boxes(path, cells, names, allow_missing=True)


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
    missing = np.isnan(whole[:, 0]) | np.isnan(whole[:, 1:]).any(axis=1)
    rows: list[list[object]] = np.where(missing[:, None], 0, whole).astype(np.int64).tolist()
    for row in np.flatnonzero(missing):
        rows[row] = ["", "", "", ""]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["", *FILE_COLUMNS])
    labels = range(len(rows)) if index is None else index
    writer.writerows([label, *row] for label, row in zip(labels, rows, strict=True))
    with atomic_path(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")


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


def _table(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the file and the names in its header, in lower case."""
    cells = read_cells(path, "boxes")
    names = [name.lower() for name in cells.iloc[0]]
    absent = [name for name in FILE_COLUMNS if name not in names]
    if absent:
        raise CropzoomError(
            f"{path}: line 1: no column {', '.join(absent)}. The first line must name the columns "
            "x, y, h, w, separated by commas."
        )
    repeated = [name for name in (*COLUMNS, "frame") if names.count(name) > 1]
    if repeated:
        raise CropzoomError(f"{path}: line 1: the column {repeated[0]} occurs twice. Remove one of them.")
    known = {*COLUMNS, *IGNORED, "frame"}
    unknown = [n for i, n in enumerate(names) if n not in known and not (i == 0 or n in INDEX_NAMES)]
    if unknown:
        raise CropzoomError(
            f"{path}: line 1: unknown column {unknown[0]!r}. Keep only x, y, h, w and, if you like, "
            "frame and confidence."
        )
    if len(cells) == 1:
        raise CropzoomError(f"{path}: has a header but no boxes. Give one row a frame.")
    return cells, names


def _numbers(path: Path, column: pd.Series, name: str) -> FloatArray:
    """One column as float64, empty cells as NaN."""
    text = column.iloc[1:]
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    empty = (text == "").to_numpy() | (text.str.lower() == "nan").to_numpy()
    wrong = (np.isnan(values) & ~empty) | np.isinf(values)
    if wrong.any():
        row = int(wrong.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: {name} is {text.iloc[row]!r}, not a number. Write it in pixels."
        )
    return np.asarray(values, np.float64)


def _boxes(path: Path, cells: pd.DataFrame, names: list[str], allow_missing: bool) -> FloatArray:
    """The four columns, checked; rows as in the file."""
    columns = [_numbers(path, cells[names.index(name)], name) for name in COLUMNS]
    boxes = np.column_stack(columns)
    empty = np.isnan(boxes)
    bad = empty.any(axis=1) & ~(allow_missing & empty.all(axis=1))
    if bad.any():
        row = int(bad.argmax())
        which = ", ".join(name for name, gone in zip(COLUMNS, empty[row], strict=True) if gone)
        raise CropzoomError(
            f"{path}: line {row + 2}: no value for {which}. Give the frame a whole box: open the video "
            "with `cropzoom review` and fill the gap."
        )
    flat = (boxes[:, 2:] <= 0).any(axis=1)
    if flat.any():
        row = int(flat.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: the box has no area (w = {boxes[row, 2]:g}, h = "
            f"{boxes[row, 3]:g}). "
            "Width and height must be greater than 0."
        )
    if not empty.all() and np.nanmax(boxes) <= 1:
        raise CropzoomError(
            f"{path}: line 2: no value is above 1, so the boxes look normalised. Multiply x and w by the "
            "frame's width, y and h by its height."
        )
    return boxes


def _frames(path: Path, cells: pd.DataFrame, names: list[str]) -> IntArray | None:
    """Frame number of every row, or None if the file does not say."""
    if "frame" in names:
        place = names.index("frame")
    elif names[0] not in (*COLUMNS, *IGNORED):
        place = 0
    else:
        return None
    text = cells[place].iloc[1:]
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    bad = ~(values >= 0) | (values != np.floor(values)) | (values > np.iinfo(np.int32).max)
    if bad.any():
        row = int(bad.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: {text.iloc[row]!r} is not a frame number. Frames are whole numbers "
            "from 0."
        )
    frames = values.astype(np.int64)
    twice = pd.Series(frames).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: frame {frames[row]} occurs twice. Keep one box a "
            "frame, and one file "
            "an animal."
        )
    return frames


def _dense(
    path: Path, boxes: FloatArray, frames: IntArray, n_frames: int | None, allow_missing: bool
) -> FloatArray:
    """Boxes in the order of the frames, gaps as NaN rows."""
    last = int(frames.max())
    if n_frames is not None and last >= n_frames and (allow_missing or len(frames) <= n_frames):
        row = int((frames >= n_frames).argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: there is no frame {frames[row]}: the video has {n_frames} frames, "
            "numbered from 0. Number the rows from 0, or give the right video."
        )
    if not allow_missing and last + 1 != len(frames):
        absent = int(np.setdiff1d(np.arange(last + 1), frames)[0])
        raise CropzoomError(
            f"{path}: frame {absent} has no row ({last + 1 - len(frames)} frames are "
            "missing). Frames are "
            "numbered from 0; open the video with `cropzoom review` and fill the gap."
        )
    size = last + 1
    if allow_missing and n_frames is not None:
        size = max(size, n_frames)
    dense = np.full((size, 4), np.nan)
    dense[frames] = boxes
    return dense


def _count_message(path: Path, rows: int, n_frames: int) -> str:
    message = f"{path}: has {rows} boxes but the video has {n_frames} frames. "
    if abs(rows - n_frames) == 1:
        return message + (
            "They differ by one, as when a tool reckons the frames from duration x rate; "
            "`cropzoom info` counts them. Make the boxes again from this video."
        )
    return message + "Give the boxes of this very video, one row a frame."
