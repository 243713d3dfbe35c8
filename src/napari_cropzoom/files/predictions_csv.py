"""Keypoints as Lightning Pose and DeepLabCut write them: three header rows, then one row a frame."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import FARTHEST, FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import (
    as_floats,
    check_width,
    exact_numbers,
    first_line,
    is_empty,
    not_a_table,
    plain_path,
    quoted,
    read_text,
    taken_lines,
)

if TYPE_CHECKING:
    import pandas as pd

HEADER = ("scorer", "bodyparts", "coords")
COORDS = ("x", "y", "likelihood")
KINDS = {
    **dict.fromkeys(("median", "mean", "min", "max"), "place"),
    **dict.fromkeys(("std", "sd", "sem", "error"), "spread"),
    **dict.fromkeys(("var", "variance"), "square"),
}
"""What the last word of a derived column such as ``x_ens_median`` says."""
MOST_INDEX = 3  # columns: folder, video, image
POWERS = {"place": 1, "spread": 1, "square": 2}
FRAME = re.compile(r"[0-9]+(\.0*)?")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?|nan", re.I)


@dataclass(frozen=True, eq=False, repr=False)
class PredictionsTable:
    """A predictions file as it stands, columns that are no keypoints included.

    Attributes
    ----------
    path : Path
    header : list of three rows, each of 1 + C str
    index : list of str, length T
        First column: frame numbers, or image paths for labelled frames. The three columns that
        DeepLabCut splits a path into are one here.
    values : DataFrame, (T, C)
    lines : ndarray, (T,) int64, optional
        Where each row stands in the file, from 1.
    n_index : int
        Columns that the index takes in the file.
    """

    path: Path
    header: list[list[str]]
    index: list[str]
    values: pd.DataFrame
    lines: IntArray | None = None
    n_index: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """Body parts, in the order of the file."""
        _, parts, coords = self.header
        return tuple(part for part, coord in zip(parts[1:], coords[1:], strict=True) if coord == "x")

    @property
    def is_labeled_frames(self) -> bool:
        """Whether the rows are images rather than the frames of a video."""
        return not all(label.isdigit() for label in self.index)

    @property
    def is_plain(self) -> bool:
        """Whether Lightning Pose reads the file as it is: one index column, slashes, no empty rows."""
        has_gaps = self.lines is not None and int(self.lines[-1] - self.lines[0]) + 1 != len(self.lines)
        return self.n_index == 1 and not has_gaps and not any("\\" in label for label in self.index)

    def column(self, name: str, coord: str) -> int | None:
        """Place of a body part's coordinate among the columns, None if it has none."""
        return self._places.get((name, coord))

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        pairs = zip(self.header[1][1:], self.header[2][1:], strict=True)
        return {pair: place for place, pair in enumerate(pairs)}

    def numbers(self, coord: str) -> FloatArray:
        """(T, K) one coordinate of every body part, NaN where there is none."""
        result = np.full((len(self.values), len(self.names)), np.nan)
        for part, name in enumerate(self.names):
            if (place := self.column(name, coord)) is not None:
                result[:, part] = self._floats(place)
        return result

    def poses(self) -> Poses:
        """The keypoints alone."""
        xy = np.stack([self.numbers("x"), self.numbers("y")], axis=2)
        return Poses(self.names, xy, self.numbers("likelihood"), self.header[0][1])

    def moved(self, scale: FloatArray, offset: FloatArray) -> PredictionsTable:
        """The same table with every coordinate times ``scale`` plus ``offset``, both (T, 2).

        What is derived from a coordinate goes with it, such as the ensemble's ``x_ens_median`` and
        ``x_ens_var``: places move, spreads are only scaled. See :attr:`not_moved` for what is left.
        """
        values = self.values.copy()
        for place, (axis, kind) in self._derived().items():
            numbers = self._floats(place, FARTHEST if kind == "place" else np.inf)
            numbers = numbers * scale[:, axis] ** POWERS[kind]
            values.isetitem(place, numbers + offset[:, axis] if kind == "place" else numbers)
        return PredictionsTable(self.path, self.header, self.index, values, self.lines, self.n_index)

    def without(self, rows: Sequence[int]) -> PredictionsTable:
        """The same table without keypoints in some rows: NaN, and likelihood 0."""
        values = self.values.copy()
        likelihoods = {n for n, coord in enumerate(self.header[2][1:]) if coord == "likelihood"}
        for place in {*self._derived(), *likelihoods}:
            numbers = self._floats(place, np.inf).copy()
            numbers[list(rows)] = 0 if place in likelihoods else np.nan
            values.isetitem(place, numbers)
        return PredictionsTable(self.path, self.header, self.index, values, self.lines, self.n_index)

    @property
    def not_moved(self) -> list[str]:
        """Columns, by their name in the header, that seem to be of a coordinate but of no known kind."""
        derived = self._derived()
        return list(dict.fromkeys(
            coord for place, coord in enumerate(self.header[2][1:])
            if place not in derived and coord[:2] in ("x_", "y_")
        ))  # fmt: skip

    def _derived(self) -> dict[int, tuple[int, str]]:
        """Axis and kind, a key of :data:`POWERS`, of every column that changes with the coordinates."""
        found = {}
        for place, coord in enumerate(self.header[2][1:]):
            axis, _, what = coord.partition("_")
            kind = "place" if not what else KINDS.get(what.rpartition("_")[2])
            if axis in ("x", "y") and kind is not None:
                found[place] = ("xy".index(axis), kind)
        return found

    def write(self, path: Path) -> None:
        """Write the table, rows ending in a newline, as pandas writes it."""
        import pandas as pd

        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.header)
        values = self.values.set_axis(pd.Index(self.index, dtype=object), axis=0)
        values.to_csv(text, header=False, lineterminator="\n")
        with atomic_path(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")

    def _floats(self, place: int, most: float = FARTHEST) -> FloatArray:
        column = self.values.iloc[:, place]
        numbers = as_floats(column)
        is_wrong = np.isnan(numbers) & column.notna().to_numpy()
        bad = is_wrong | (np.abs(numbers) > most)
        if bad.any():
            row = int(bad.argmax())
            told = "not a number" if is_wrong[row] else "more than any video has pixels"
            line = row + len(HEADER) + 1 if self.lines is None else self.lines[row]
            raise CropzoomError(
                f"{self.path}: line {line}: {self.header[1][place + 1]} {self.header[2][place + 1]} is "
                f"{quoted(str(column.iloc[row]))}, {told}. Make the file again."
            )
        return np.asarray(numbers, np.float64)


def read_predictions(path: Path, n_frames: int | None = None) -> Poses:
    """Keypoints of a video or of labelled frames.

    Parameters
    ----------
    path : Path
        Header rows scorer, bodyparts, coords. Columns that are not x, y or likelihood are left out.
    n_frames : int, optional
        Frames of the video, to be met exactly.

    Raises
    ------
    CropzoomError
        With the file and the cure, if it is no such file or has another number of rows.
    """
    return read_predictions_table(path, n_frames).poses()


def plain_labels(path: Path, folder: Path, *, once: bool = False) -> Path:
    """Return labels as Lightning Pose reads them: ``path``, or a copy of that name in ``folder``.

    Raises
    ------
    CropzoomError
        If they are not a table of keypoints of images, or ``once`` and one is in two rows.
    """
    table = read_predictions_table(path)
    if not table.is_labeled_frames:
        raise CropzoomError(
            f"{path}: line {len(HEADER) + 1}: {quoted(table.index[0])} is not the path of an image. Give "
            "the labels of a Lightning Pose or DeepLabCut project."
        )
    images = [plain_path(image) for image in table.index]
    image, count = Counter(images).most_common(1)[0]
    if once and count > 1:
        raise CropzoomError(f"{path}: {quoted(image)} is in two rows. Remove one of them.")
    if table.is_plain:
        return path
    copy = folder / path.name
    PredictionsTable(copy, table.header, images, table.values).write(copy)
    return copy


def read_predictions_table(path: Path, n_frames: int | None = None) -> PredictionsTable:
    """The whole file: header, index and every column. See :func:`read_predictions`.

    Rows without a single value, which spreadsheets leave, are left out.
    """
    content = read_text(path, "predictions")
    check_width(path, first_line(content), "predictions")
    header, n_index, n_lines, begin = _header(path, content)
    values = _values(path, content[begin:], len(header[0]) + n_index - 1, n_lines + 1, n_index)
    columns = [values.iloc[:, place].fillna("").tolist() for place in range(n_index)]
    index = (
        [label.strip() for label in columns[0]]
        if n_index == 1
        else ["/".join(filter(None, map(str.strip, row))) for row in zip(*columns, strict=True)]
    )
    values = values.iloc[:, n_index:]
    lines = np.arange(n_lines + 1, n_lines + 1 + len(index))
    if not all(index):
        nameless = np.array([not label for label in index])
        written = ~nameless
        written[nameless] = values[nameless].notna().any(axis=1)
        values, lines = values[written], lines[written]
        index = [index[row] for row in np.flatnonzero(written).tolist()]
    if not index:
        raise CropzoomError(f"{path}: has a header but no rows. Make the file again.")
    index = _checked_index(path, index, lines)
    table = PredictionsTable(path, header, index, values.reset_index(drop=True), lines, n_index)
    if n_frames is not None and len(values) != n_frames:
        rows, frames = len(values), counted(n_frames, "frame")
        said = f"has {counted(rows, 'row')} but the video has {frames}. Predict this very video again."
        if table.is_labeled_frames:
            said = f"has {counted(rows, 'labeled image')}, not {frames} of a video. Give its predictions."
        raise CropzoomError(f"{path}: {said}")
    return table


def write_predictions(path: Path, poses: Poses, index: Sequence[object] | None = None) -> None:
    """Write keypoints as ``litpose predict`` does.

    Parameters
    ----------
    path : Path
    poses : Poses
        T frames, in pixels of the full frame.
    index : sequence, length T, optional
        First column, such as image paths; frame numbers by default.
    """
    import pandas as pd

    header = [
        [HEADER[0], *[poses.scorer] * (3 * len(poses.names))],
        [HEADER[1], *(name for name in poses.names for _ in COORDS)],
        [HEADER[2], *(COORDS * len(poses.names))],
    ]
    values = np.concatenate([poses.xy, poses.likelihood[..., None]], axis=2).reshape(len(poses), -1)
    labels = [str(label) for label in (range(len(poses)) if index is None else index)]
    PredictionsTable(path, header, labels, pd.DataFrame(values)).write(path)


def _header(path: Path, text: str) -> tuple[list[list[str]], int, int, int]:
    """The three header rows with one index column; how many the file has, their lines and letters.

    DeepLabCut splits the path of an image over three columns, which have empty cells in the header.
    """
    header, taken = list[list[str]](), list[str]()
    reader = csv.reader(taken_lines(text, taken))
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                check_width(path, "," * (len(row) - 1), "predictions")
                header.append([cell.strip() for cell in row])
            if len(header) == len(HEADER):
                break
    except csv.Error as error:
        raise not_a_table(path, "predictions", error) from error
    _check_header(path, header)
    n_index = 1
    while n_index < min(MOST_INDEX, len(header[0])) and all(is_empty(row[n_index]) for row in header):
        n_index += 1
    header = [[row[0], *row[n_index:]] for row in header]
    _check_columns(path, header)
    return header, n_index, reader.line_num, len("".join(taken))


def _check_header(path: Path, header: list[list[str]]) -> None:
    first = [row[0].lower() for row in header]
    if "individuals" in first:
        row = first.index("individuals")
        named = ", ".join(quoted(name) for name in list(dict.fromkeys(filter(None, header[row][1:])))[:3])
        raise CropzoomError(
            f"{path}: line {row + 1}: holds several individuals ({named}). Write one file an animal, "
            "with the header rows scorer, bodyparts, coords."
        )
    if tuple(first) != HEADER:
        is_boxes = bool(header) and {"x", "y", "w", "h"} <= {cell.lower() for cell in header[0]}
        what = "the first three lines must begin with scorer, bodyparts, coords"
        what = "this is a table of boxes, not of keypoints" if is_boxes else what
        cure = "Give a predictions file of `cropzoom predict` or `litpose predict`."
        raise CropzoomError(f"{path}: line 1: {what}. {cure}")
    if len({len(row) for row in header}) != 1 or "x" not in header[2] or "y" not in header[2]:
        raise CropzoomError(f"{path}: line 3: the header rows do not fit together. Make the file again.")


def _check_columns(path: Path, header: list[list[str]]) -> None:
    """Refuse a body part that is there twice, or has only one of x and y."""
    pairs = list(zip(header[1][1:], header[2][1:], strict=True))
    counts = Counter(pair for pair in pairs if pair[1] in COORDS)
    for (name, coord), count in counts.items():
        if count > 1:
            raise CropzoomError(
                f"{path}: line 2: {quoted(name)} has {count} columns {coord}, as in a file of two "
                "animals or two models. Write one file an animal and a model."
            )
        if coord != "likelihood" and (name, "y" if coord == "x" else "x") not in counts:
            raise CropzoomError(f"{path}: line 3: {quoted(name)} has no column for one of x and y.")


def _values(path: Path, text: str, width: int, line: int, n_index: int) -> pd.DataFrame:
    """The rows below the header, which begin on a line, numbers to the last bit."""
    import pandas as pd

    if not text or text.isspace():
        raise CropzoomError(f"{path}: has a header but no rows. Make the file again.")
    first = first_line(text.lstrip())
    check_width(path, first, "predictions")
    try:
        count = len(next(csv.reader([first]), []))
    except csv.Error as error:
        raise not_a_table(path, "predictions", error) from error
    if count != width:
        raise CropzoomError(
            f"{path}: line {line}: has {counted(count, 'cell')}, the header has {width}. Make it again."
        )
    last = text[text.rfind("\n") + 1 :]
    if '"' not in last and last.count(",") + 1 < width:
        raise CropzoomError(f"{path}: the last line is cut short. Make the file again.")
    try:
        values: pd.DataFrame = pd.read_csv(
            io.BytesIO(text.encode()),  # which pandas reads faster than text
            header=None,
            names=range(width),
            index_col=False,
            dtype=dict.fromkeys(range(n_index), str),
            skip_blank_lines=False,
            low_memory=False,
            **exact_numbers(),
        )
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise not_a_table(path, "predictions", error) from error
    return values


def _checked_index(path: Path, index: list[str], lines: IntArray) -> list[str]:
    """Frame numbers from 0, one after the other, or the paths of images; never a mixture."""
    wanted = list(map(str, range(len(index))))
    if index == wanted:
        return index
    numbers = [NUMBER.fullmatch(label) is not None for label in index]
    if not any(numbers) and all(index):
        return index
    is_video = 2 * sum(numbers) >= len(numbers)
    for row, label in enumerate(index):
        if is_video and FRAME.fullmatch(label) is None:
            what = f"{quoted(label)} is not the number of a frame"
        elif not is_video and (numbers[row] or not label):
            what = f"{quoted(label)} is not the path of an image"
        elif is_video and label.partition(".")[0].lstrip("0") != wanted[row].lstrip("0"):
            what = f"is frame {label[:20]} where frame {row} should be"
        else:
            continue
        cure = "There must be one row a frame, in order, from 0." if is_video else "Name the image."
        raise CropzoomError(f"{path}: line {lines[row]}: {what}. {cure}")
    return wanted if is_video else index
