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

from napari_cropzoom.core.boxes import FARTHEST, BoolArray, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.plausible import Faults, FrameSize, why_bad
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.bbox_table import (
    FILE_COLUMNS,
    check_complete,
    checked,
    dense,
    in_order,
    labelled_rows,
    rows_of,
)
from napari_cropzoom.files.csv_table import plain_path, quoted, read_text
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.parsing import MISSHAPEN, read_json

METADATA = "metadata.json"
ROWS_AT_ONCE = 1 << 14
_HEADER = f",{','.join(FILE_COLUMNS)}\n"


def read_bbox_csv(
    path: Path,
    n_frames: int | None = None,
    *,
    allow_missing: bool = False,
    frame_size: FrameSize | None = None,
    faults: Faults = "refuse",
    notify: Notify = ignore,
) -> FloatArray:
    """Boxes of a video, one row a frame.

    Parameters
    ----------
    path : Path
        Columns x, y, h, w in any order, integers or floats, with or without an index or ``frame``
        column; rows are put in the order of that column.
    n_frames : int, optional
        Frames of the video, to be met exactly.
    allow_missing : bool
        Accept frames without a box: rows whose four cells are empty, gaps in the frame column, and with
        a column ``frame`` an end before the last frame.
    frame_size : (int, int), optional
        Width and height of the video in pixels, see :mod:`napari_cropzoom.core.plausible`.
    faults : {"refuse", "skip", "tell"}
        What becomes of a file in which some rows are no box: it is refused, or they are missing frames,
        if those are accepted. With "tell" it is also taken where as a whole it can hardly be boxes of
        this video, as when a person goes on with a review of it.
    notify : callable
        Takes a line for a person: how many rows were bad, what is doubtful.

    Returns
    -------
    ndarray, (T, 4) float64
        ``x, y, w, h`` in pixels, NaN rows where missing.

    Raises
    ------
    CropzoomError
        With the file, the line and the cure, if the file cannot be taken as it is.
    """
    rows = rows_of(path, read_text(path, "boxes"))
    if n_frames is not None:
        rows = rows.within(n_frames)
    rows = checked(path, rows, frame_size, faults if allow_missing else "refuse", notify)
    if not allow_missing:
        check_complete(path, rows)
    boxes = rows.boxes
    is_table_of_all = rows.frames is None or (not rows.is_sparse and in_order(rows.frames, None))
    if is_table_of_all and n_frames is not None and len(boxes) < n_frames:
        raise CropzoomError(_count_message(path, len(boxes), n_frames))
    if rows.frames is not None and not in_order(rows.frames, n_frames):
        boxes = dense(path, rows, n_frames, allow_missing)
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
    images, rows = labelled_rows(path, read_text(path, "boxes"))
    seen: set[str] = set()
    for line, image in zip(rows.lines.tolist(), images, strict=True):
        if image in seen:
            raise CropzoomError(
                f"{path}: line {line}: {quoted(image)} occurs twice. Remove one of the rows."
            )
        seen.add(image)
    return images, checked(path, rows, None, "refuse", ignore).boxes


def read_bbox_of(path: Path, images: Sequence[str], notify: Notify = ignore) -> FloatArray:
    """Boxes of given images, in their order: (N, 4) ``x, y, w, h``, NaN where the file has none.

    Raises
    ------
    CropzoomError
        As :func:`read_labeled_bbox`, or if the file has none of these images.
    """
    names, values = read_labeled_bbox(path)
    place = {plain_path(name): row for row, name in enumerate(names)}
    rows = [place.get(plain_path(image)) for image in images]
    found = [row for row in rows if row is not None]
    if not found:
        raise CropzoomError(
            f"{path}: has boxes of other images, such as {quoted(names[0])}. Give those of these labels."
        )
    if len(found) < len(images):
        notify(f"{path.name}: {len(images) - len(found)} of {counted(len(images), 'image')} have no row.")
    boxes = np.full((len(images), 4), np.nan)
    boxes[[row is not None for row in rows]] = values[found]
    return boxes


def plain_bbox(path: Path, folder: Path) -> Path:
    """Boxes of images as Lightning Pose reads them: ``path``, or a copy with slashes in ``folder``.

    Raises
    ------
    CropzoomError
        As :func:`read_labeled_bbox`.
    """
    images, boxes = read_labeled_bbox(path)
    if not any("\\" in image for image in images):
        return path
    copy = folder / path.name
    write_bbox_csv(copy, boxes, [plain_path(image) for image in images])
    return copy


def write_bbox_csv(
    path: Path, boxes: FloatArray, index: Sequence[object] | None = None, *, check_first: bool = True
) -> None:
    """Write boxes as ``litpose create_bbox`` does: ``,x,y,h,w``, whole numbers, rows end in a newline.

    Parameters
    ----------
    path : Path
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, rounded to whole ones (halves to even); NaN rows become empty cells.
    index : sequence, length T, optional
        First column, such as image paths; frame numbers by default.
    check_first : bool
        See :func:`napari_cropzoom.files.atomic.atomic_path`: False for what long work has made.

    Raises
    ------
    CropzoomError
        If a number is larger than any box has, or the file cannot be written.
    """
    _check_writable(path, boxes)
    whole = np.rint(np.asarray(boxes, np.float64)[:, [0, 1, 3, 2]])
    missing = np.asarray(np.isnan(whole).any(axis=1))
    numbers = np.where(missing[:, None], 0, whole).astype(np.int64)
    with atomic_path(path, check_first=check_first) as part:
        rows = _numbered(numbers, missing) if index is None else _labelled(numbers, missing, index)
        part.write_text(_HEADER + rows, encoding="utf-8", newline="")


def write_exact_bbox_csv(path: Path, boxes: FloatArray, images: Sequence[str] | None = None) -> None:
    """Write boxes with their fractions of pixels, where they have any; else as :func:`write_bbox_csv`.

    Those of ``images`` have their fractions rounded: Lightning Pose takes none there.
    """
    whole = np.rint(boxes)
    if images is not None or np.array_equal(whole, boxes, equal_nan=True):
        write_bbox_csv(path, boxes, images)
        return
    rows = boxes[:, [0, 1, 3, 2]].tolist()
    cells = (["" if value != value else repr(value) for value in row] for row in rows)
    with atomic_path(path) as part:
        lines = (f"{frame},{','.join(row)}\n" for frame, row in enumerate(cells))
        part.write_text(_HEADER + "".join(lines), encoding="utf-8", newline="")


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
        content = read_json(path)
    except (OSError, *MISSHAPEN) as error:
        raise CropzoomError(
            f"{path}: is not JSON ({brief(error)}). Delete it or smooth the boxes again."
        ) from error
    if not isinstance(content, dict):
        raise CropzoomError(f"{path}: is not a JSON object. Delete it or smooth the boxes again.")
    return content


def write_metadata(directory: Path, method: str, window: int, source: Path, **more: object) -> None:
    """Write ``metadata.json`` as ``litpose smooth_bbox`` does; ``more`` are further keys."""
    content = {"method": method, "window": window, "source": str(real_path(source)), **more}
    with atomic_path(directory / METADATA) as part:
        part.write_text(json.dumps(content, indent=2), encoding="utf-8", newline="")


def _numbered(numbers: IntArray, missing: BoolArray) -> str:
    """Rows that begin with the number of the frame."""
    parts = []
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        part = numbers[start : start + ROWS_AT_ONCE]
        frames = np.arange(start, start + len(part))
        lines = "%d,%d,%d,%d,%d\n" * len(part) % tuple(np.column_stack([frames, part]).ravel().tolist())
        empty = np.flatnonzero(missing[start : start + ROWS_AT_ONCE]).tolist()
        if empty:
            rows = lines.splitlines(keepends=True)
            for row in empty:
                rows[row] = f"{start + row},,,,\n"
            lines = "".join(rows)
        parts.append(lines)
    return "".join(parts)


def _labelled(numbers: IntArray, missing: BoolArray, labels: Sequence[object]) -> str:
    """Rows that begin with labels."""
    rows: list[list[object]] = numbers.tolist()
    for row in np.flatnonzero(missing):
        rows[row] = ["", "", "", ""]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([label, *row] for label, row in zip(labels, rows, strict=True))
    return text.getvalue()


def _check_writable(path: Path, boxes: FloatArray) -> None:
    beyond = np.abs(boxes) > FARTHEST
    if beyond.any():
        row = int(beyond.any(axis=1).argmax())
        raise CropzoomError(f"{path}: is not written: in row {row}, {why_bad(np.asarray(boxes)[row])}")


def _count_message(path: Path, rows: int, n_frames: int) -> str:
    message = f"{path}: has {counted(rows, 'box')} but the video has {counted(n_frames, 'frame')}. "
    if abs(rows - n_frames) == 1:
        return message + (
            "They differ by one, as when a tool reckons the frames from duration x rate; "
            "`cropzoom info` counts them. Make the boxes again from this video."
        )
    return message + (
        "Give the boxes of this very video, one row a frame; where only some frames have a box, a column "
        "`frame` says which."
    )
