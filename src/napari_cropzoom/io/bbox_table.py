"""The rows of a file of boxes as numbers, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.csv_table import quick_numbers, read_cells

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("x", "y", "w", "h")
FILE_COLUMNS = ("x", "y", "h", "w")
INDEX_NAMES = ("", "index", "unnamed: 0")
IGNORED = ("confidence", "conf", "likelihood", "score")


def quick_boxes(text: str) -> tuple[FloatArray, IntArray | None] | None:
    """Boxes and frames of a file with nothing wrong in any single cell; None for any other."""
    table = quick_numbers(text)
    if table is None or _header_fault(table[0]) is not None:
        return None
    names, numbers = table
    boxes = numbers[:, [names.index(name) for name in COLUMNS]]
    place = _frame_place(names)
    if place is None:
        return boxes, None
    frames = numbers[:, place]
    return None if _no_frame(frames).any() else (boxes, frames.astype(np.int64))


def careful_boxes(path: Path, text: str, allow_missing: bool) -> tuple[FloatArray, IntArray | None]:
    """Boxes and frames, cell by cell, so that a message can quote what is wrong."""
    cells, names = table_of(path, text)
    boxes = boxes_of(path, cells, names)
    check_boxes(path, boxes, allow_missing)
    return boxes, _frames(path, cells, names)


def table_of(path: Path, text: str) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the file and the names in its header, in lower case."""
    cells = read_cells(path, text, "boxes")
    names = [name.lower() for name in cells.iloc[0]]
    fault = _header_fault(names)
    if fault is not None:
        raise CropzoomError(f"{path}: line 1: {fault}")
    if len(cells) == 1:
        raise CropzoomError(f"{path}: has a header but no boxes. Give one row a frame.")
    return cells, names


def _header_fault(names: list[str]) -> str | None:
    """What is wrong with the names of the columns, and its cure."""
    absent = [name for name in FILE_COLUMNS if name not in names]
    if absent:
        return (
            f"no column {', '.join(absent)}. The first line must name the columns x, y, h, w, separated "
            "by commas."
        )
    repeated = [name for name in (*COLUMNS, "frame") if names.count(name) > 1]
    if repeated:
        return f"the column {repeated[0]} occurs twice. Remove one of them."
    known = {*COLUMNS, *IGNORED, "frame"}
    unknown = [n for i, n in enumerate(names) if n not in known and not (i == 0 or n in INDEX_NAMES)]
    if unknown:
        return (
            f"unknown column {unknown[0]!r}. Keep only x, y, h, w and, if you like, frame and confidence."
        )
    return None


def _numbers(path: Path, column: pd.Series, name: str) -> FloatArray:
    """One column as float64, empty cells as NaN."""
    import pandas as pd

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


def boxes_of(path: Path, cells: pd.DataFrame, names: list[str]) -> FloatArray:
    """The four columns as numbers; rows as in the file."""
    return np.column_stack([_numbers(path, cells[names.index(name)], name) for name in COLUMNS])


def check_boxes(path: Path, boxes: FloatArray, allow_missing: bool) -> None:
    """Refuse boxes that are half there, have no area or are no pixels; row ``i`` is line ``i + 2``."""
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
            f"{boxes[row, 3]:g}). Width and height must be greater than 0."
        )
    if not empty.all() and np.nanmax(boxes) <= 1:
        raise CropzoomError(
            f"{path}: line 2: no value is above 1, so the boxes look normalised. Multiply x and w by the "
            "frame's width, y and h by its height."
        )


def _frame_place(names: list[str]) -> int | None:
    """Which column holds the frame numbers, None if the file does not say."""
    if "frame" in names:
        return names.index("frame")
    return 0 if names[0] not in (*COLUMNS, *IGNORED) else None


def _no_frame(values: FloatArray) -> BoolArray:
    """Where a number is no frame number: whole, from 0, of a size that a video can have."""
    bad: BoolArray = ~(values >= 0) | (values != np.floor(values)) | (values > np.iinfo(np.int32).max)
    return bad


def _frames(path: Path, cells: pd.DataFrame, names: list[str]) -> IntArray | None:
    """Frame number of every row, or None if the file does not say."""
    import pandas as pd

    place = _frame_place(names)
    if place is None:
        return None
    text = cells[place].iloc[1:]
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    bad = _no_frame(values)
    if bad.any():
        row = int(bad.argmax())
        raise CropzoomError(
            f"{path}: line {row + 2}: {text.iloc[row]!r} is not a frame number. Frames are whole numbers "
            "from 0."
        )
    return values.astype(np.int64)


def _check_repeated(path: Path, frames: IntArray) -> None:
    order = np.argsort(frames, kind="stable")
    again = order[1:][np.diff(frames[order]) == 0]
    if len(again):
        row = int(again.min())
        raise CropzoomError(
            f"{path}: line {row + 2}: frame {frames[row]} occurs twice. Keep one box a frame, and one "
            "file an animal."
        )


def in_order(frames: IntArray, n_frames: int | None) -> bool:
    """Whether row *i* is frame *i*, for every frame of the video."""
    complete = n_frames is None or len(frames) == n_frames
    return complete and np.array_equal(frames, np.arange(len(frames)))


def dense(
    path: Path, boxes: FloatArray, frames: IntArray, n_frames: int | None, allow_missing: bool
) -> FloatArray:
    """Boxes in the order of the frames, gaps as NaN rows."""
    _check_repeated(path, frames)
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
