"""The rows of a file of boxes as numbers, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults, FrameSize, bad_rows, table_doubt, table_fault, why_bad
from napari_cropzoom.core.progress import Notify
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.csv_table import (
    check_separated,
    check_width,
    first_line,
    quoted,
    read_cells,
    read_numbers,
    why_no_number,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("x", "y", "w", "h")
FILE_COLUMNS = ("x", "y", "h", "w")
INDEX_NAMES = ("", "index", "unnamed: 0")
IGNORED = ("confidence", "conf", "likelihood", "score")
MOST_COLUMNS = 100
NOT_KNOWN = -1
MOST_FRAMES = 10_000_000  # 92 hours at 30 frames a second
FRAMES_A_ROW, FRAMES_ANYWAY = 1000, 100_000  # in a table with gaps, where no video is given


@dataclass(frozen=True, eq=False)
class BoxRows:
    """The rows of a file of boxes, as they stand.

    Attributes
    ----------
    boxes : ndarray, (N, 4)
        ``x, y, w, h``, NaN where the cell is empty or no number.
    frames : ndarray, (N,) int64, or None
        Number of the frame of each row, :data:`NOT_KNOWN` where that is none; None if the file
        does not say.
    lines : ndarray, (N,) int64
        Where each row stands in the file, from 1.
    unreadable : ndarray, (N,) bool
        Rows with a cell that is not what it should be.
    why : callable
        Of the place of such a row: what is wrong, and the cure.
    is_sparse : bool
        Whether the file has a column ``frame``, so that frames without a row are meant to have no box.
    """

    boxes: FloatArray
    frames: IntArray | None
    lines: IntArray
    unreadable: BoolArray
    why: Callable[[int], str]
    is_sparse: bool = False

    def keep(self, rows: BoolArray) -> BoxRows:
        """Only some of the rows, (N,) bool."""
        if rows.all():
            return self
        places = np.flatnonzero(rows)
        return BoxRows(
            self.boxes[rows],
            None if self.frames is None else self.frames[rows],
            self.lines[rows],
            self.unreadable[rows],
            lambda row: self.why(int(places[row])),
            self.is_sparse,
        )

    def within(self, n_frames: int) -> BoxRows:
        """Without the empty rows behind the last frame that a spreadsheet leaves, if rows are frames."""
        if self.frames is not None or len(self.boxes) <= n_frames:
            return self
        surplus = np.isnan(self.boxes[n_frames:]).all() and not self.unreadable[n_frames:].any()
        return self.keep(np.arange(len(self.boxes)) < n_frames) if surplus else self


def rows_of(path: Path, text: str) -> BoxRows:
    """Return the rows of a file of boxes.

    Raises
    ------
    CropzoomError
        If it is no table, or its columns are not those of boxes.
    """
    return plain_rows(text) or careful_rows(path, text)


def plain_rows(text: str) -> BoxRows | None:
    """Rows of a file with nothing wrong in any single cell; None for any other."""
    is_narrow = first_line(text).count(",") < MOST_COLUMNS
    table = read_numbers(text) if is_narrow else None
    if table is None or _header_fault(table[0]) is not None:
        return None
    names, numbers = table
    boxes = numbers[:, [names.index(name) for name in COLUMNS]]
    place, frames = _frame_place(names), None
    if place is not None:
        if _no_frame(numbers[:, place]).any():
            return None
        frames = numbers[:, place].astype(np.int64)
    lines, unreadable = np.arange(2, len(boxes) + 2), np.zeros(len(boxes), bool)
    return BoxRows(boxes, frames, lines, unreadable, str, "frame" in names)


def careful_rows(path: Path, text: str) -> BoxRows:
    """Rows cell by cell, so that a message can quote what is wrong.

    Rows without a single value are left out, unless rows are frames: there they are missing boxes.
    """
    cells, names = table_of(path, text)
    place = _frame_place(names)
    if place is None:
        return _rows(path, cells, names, None, lambda _row: "")
    frames, wrong = _frames(cells, place)

    def why(row: int) -> str:
        return _why_no_frame(str(cells.iat[row + 1, place]), names[place])

    rows = _rows(path, cells, names, wrong, why)
    return replace(rows, frames=frames[rows.lines - 2], is_sparse="frame" in names)


def labelled_rows(path: Path, text: str) -> tuple[list[str], BoxRows]:
    """Image paths, of the first column, and rows of a file of boxes of labelled frames.

    Raises
    ------
    CropzoomError
        If it is no table, its columns are not those of boxes, or it names no images.
    """
    cells, names = table_of(path, text)
    if names[0] in COLUMNS:
        raise CropzoomError(
            f"{path}: line 1: the first column should hold the image paths, not {names[0]!r}. "
            "Write the file with `cropzoom create_bbox` on the label CSV."
        )
    nameless = (cells[0].iloc[1:] == "").to_numpy()
    rows = _rows(path, cells, names, nameless, lambda _row: "no image path. Name the image of the row.")
    return [str(cells.iat[line - 1, 0]) for line in rows.lines.tolist()], rows


def _rows(
    path: Path,
    cells: pd.DataFrame,
    names: list[str],
    unnamed: BoolArray | None,
    why: Callable[[int], str],
) -> BoxRows:
    """Rows without their frames; ``unnamed`` are those whose name, in one of the columns, is none."""
    boxes, not_numbers = boxes_of(cells, names)
    written = np.ones(len(boxes), bool)
    bad: BoolArray = not_numbers.max(axis=1)
    if unnamed is not None:
        written = (cells.iloc[1:] != "").any(axis=1).to_numpy()
        bad |= unnamed

    def reason(row: int) -> str:
        if unnamed is not None and unnamed[row]:
            return why(row)
        name = COLUMNS[int(not_numbers[row].argmax())]
        return why_no_number(name, str(cells.iat[row + 1, names.index(name)]))

    rows = BoxRows(boxes, None, np.arange(2, len(boxes) + 2), bad, reason).keep(written)
    if not len(rows.boxes):
        raise CropzoomError(f"{path}: has a header but no boxes. Give one row a frame.")
    return rows


def table_of(path: Path, text: str) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the file and the names in its header, in lower case."""
    check_width(path, first_line(text), "boxes", MOST_COLUMNS)
    check_separated(path, text)
    cells = read_cells(path, text, "boxes")
    names = [name.lower() for name in cells.iloc[0]]
    fault = _header_fault(names)
    if fault is not None:
        raise CropzoomError(f"{path}: line 1: {fault}")
    return cells, names


def boxes_of(cells: pd.DataFrame, names: list[str]) -> tuple[FloatArray, BoolArray]:
    """The four columns as numbers, (N, 4), NaN where empty or no number; and where they are no number."""
    import pandas as pd

    boxes, wrong = np.empty((len(cells) - 1, 4)), np.zeros((len(cells) - 1, 4), bool)
    for place, name in enumerate(COLUMNS):
        text = cells[names.index(name)].iloc[1:]
        values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
        empty = (text == "").to_numpy() | (text.str.lower() == "nan").to_numpy()
        wrong[:, place] = ~np.isfinite(values) & ~empty
        boxes[:, place] = np.where(np.isfinite(values), values, np.nan)
    return boxes, wrong


def checked(
    path: Path, rows: BoxRows, frame_size: FrameSize | None, faults: Faults, notify: Notify
) -> BoxRows:
    """Return the rows without what cannot be boxes.

    Parameters
    ----------
    path : Path
    rows : BoxRows
    frame_size : (int, int) or None
    faults : {"refuse", "skip", "tell"}
        As in :func:`napari_cropzoom.files.bbox_csv.read_bbox_csv`. Missing rows stay.
    notify : callable
        Takes a line for the person.

    Raises
    ------
    CropzoomError
        If a row is bad, all are, or the table as a whole cannot be boxes of such a video.
    """
    bad = rows.unreadable | bad_rows(rows.boxes, frame_size)
    if bad.any():
        first = int(bad.argmax())
        is_readable = not rows.unreadable[first]
        reason = why_bad(rows.boxes[first], frame_size) if is_readable else rows.why(first)
        place = f"line {rows.lines[first]}: {reason}"
        _refuse_bad(f"{path}: {place}", bad, rows.boxes, faults)
        boxes = np.where(bad[:, None], np.nan, rows.boxes)
        rows = replace(rows, boxes=boxes, unreadable=np.zeros(len(boxes), bool))
        n = int(bad.sum())
        count = f"{n} of {counted(len(bad), 'row')} {verb(n, 'hold')} no box that can be used"
        notify(f"{path.name}: {count} and {verb(n, 'count')} as missing. The first is {place}")
        if rows.frames is not None:
            rows = rows.keep(rows.frames != NOT_KNOWN)
            if not len(rows.boxes):
                raise CropzoomError(f"{path}: {place}")
    check_table(path, rows.boxes, frame_size, faults, notify)
    return rows


def checked_frames(
    path: Path, boxes: FloatArray, frame_size: FrameSize | None, faults: Faults, notify: Notify
) -> FloatArray:
    """As :func:`checked`, of boxes, (T, 4), one a frame, that a file was made into."""
    bad = bad_rows(boxes, frame_size)
    if bad.any():
        first = int(bad.argmax())
        reason = f"frame {first}: {why_bad(boxes[first], frame_size)}"
        _refuse_bad(f"{path}: {reason}", bad, boxes, faults)
        boxes = np.where(bad[:, None], np.nan, boxes)
        n = int(bad.sum())
        count = f"{n} of {counted(len(bad), 'frame')} {verb(n, 'have')} no box that can be used"
        notify(f"{path.name}: {count}. The first is {reason}")
    check_table(path, boxes, frame_size, faults, notify)
    return boxes


def _refuse_bad(message: str, bad: BoolArray, boxes: FloatArray, faults: Faults) -> None:
    """Refuse bad rows unless they are to be skipped; where no row is good, also then."""
    if faults == "refuse" or (faults == "skip" and (bad | np.isnan(boxes[:, 0])).all()):
        raise CropzoomError(message)


def check_table(
    path: Path, boxes: FloatArray, frame_size: FrameSize | None, faults: Faults, notify: Notify
) -> None:
    """Refuse boxes, none of them bad, that as a whole cannot be of such a video; say what is doubtful.

    Raises
    ------
    CropzoomError
    """
    fault = table_fault(boxes, frame_size)
    if fault and faults != "tell":
        raise CropzoomError(f"{path}: {fault}")
    doubt = fault or table_doubt(boxes, frame_size)
    if doubt:
        notify(f"{path.name}: {doubt}")


def check_complete(path: Path, rows: BoxRows) -> None:
    """Refuse a row without a box.

    Raises
    ------
    CropzoomError
    """
    missing = np.isnan(rows.boxes[:, 0])
    if missing.any():
        row = int(missing.argmax())
        raise CropzoomError(f"{path}: line {rows.lines[row]}: {why_bad(rows.boxes[row])}")


def _header_fault(names: list[str]) -> str | None:
    """What is wrong with the names of the columns, and its cure."""
    if names[0] == "scorer":
        return "this is a table of keypoints. `cropzoom create_bbox` puts boxes round keypoints."
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
            f"unknown column {quoted(unknown[0])}. Keep only x, y, h, w and, if you like, frame and "
            "confidence."
        )
    return None


def _frame_place(names: list[str]) -> int | None:
    """Which column holds the frame numbers, None if the file does not say."""
    if "frame" in names:
        return names.index("frame")
    return 0 if names[0] not in (*COLUMNS, *IGNORED) else None


def _no_frame(values: FloatArray) -> BoolArray:
    """Where a number is no frame number: whole, from 0, of a size that a video can have."""
    bad: BoolArray = ~(values >= 0) | (values != np.floor(values)) | (values > np.iinfo(np.int32).max)
    return bad


def _frames(cells: pd.DataFrame, place: int) -> tuple[IntArray, BoolArray]:
    """Frame number of every row, and which rows have none."""
    import pandas as pd

    values = pd.to_numeric(cells[place].iloc[1:], errors="coerce").to_numpy(np.float64)
    bad = _no_frame(values)
    return np.where(bad, NOT_KNOWN, values).astype(np.int64), bad


def _why_no_frame(cell: str, name: str) -> str:
    column = f"the column {quoted(name)}" if name not in ("frame", *INDEX_NAMES) else "the first column"
    if name == "frame":
        column = "the column frame"
    return (
        f"{quoted(cell)} is not a frame number. Frames are whole numbers from 0; if {column} holds "
        "something else, such as a time, remove it."
    )


def in_order(frames: IntArray, n_frames: int | None) -> bool:
    """Whether row *i* is frame *i*, for every frame of the video."""
    complete = n_frames is None or len(frames) == n_frames
    return complete and np.array_equal(frames, np.arange(len(frames)))


def dense(path: Path, rows: BoxRows, n_frames: int | None, allow_missing: bool) -> FloatArray:
    """Boxes in the order of the frames, gaps as NaN rows."""
    assert rows.frames is not None
    frames, lines = rows.frames, rows.lines
    order = np.argsort(frames, kind="stable")
    ascending = frames[order]
    again = order[1:][np.diff(ascending) == 0]
    if len(again):
        row = int(again.min())
        raise CropzoomError(
            f"{path}: line {lines[row]}: frame {frames[row]} occurs twice. Keep one box a frame, and one "
            "file an animal. If the first column is no frame number, remove it."
        )
    last = int(ascending[-1])
    if n_frames is not None and last >= n_frames and (allow_missing or len(frames) <= n_frames):
        row = int((frames >= n_frames).argmax())
        raise CropzoomError(
            f"{path}: line {lines[row]}: there is no frame {frames[row]}: the video has "
            f"{counted(n_frames, 'frame')}, numbered from 0. Number the rows from 0, or give the right "
            "video."
        )
    if not allow_missing and last + 1 != len(frames):
        n = last + 1 - len(frames)
        absent = int((ascending != np.arange(len(ascending))).argmax())
        raise CropzoomError(
            f"{path}: frame {absent} has no row ({counted(n, 'frame')} {verb(n, 'are')} missing). "
            "Frames are numbered from 0; open the video with `cropzoom review` and fill the gap."
        )
    size = last + 1 if n_frames is None or not allow_missing else n_frames
    if size > min(MOST_FRAMES, FRAMES_A_ROW * len(frames) + FRAMES_ANYWAY) and n_frames is None:
        raise CropzoomError(
            f"{path}: line {lines[int(order[-1])]}: frame {last} is far beyond what "
            f"{counted(len(frames), 'row')} "
            "can be of. If the first column is a time or an id, remove it; else name the video as well."
        )
    result = np.full((size, 4), np.nan)
    result[frames] = rows.boxes
    return result
