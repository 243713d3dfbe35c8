"""Keypoints as Lightning Pose and DeepLabCut write them: three header rows, then one row a frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.csv_table import not_a_table, read_text

if TYPE_CHECKING:
    import pandas as pd

HEADER = ("scorer", "bodyparts", "coords")
COORDS = ("x", "y", "likelihood")


@dataclass(frozen=True, eq=False)
class PredictionsTable:
    """A predictions file as it stands, columns that are no keypoints included.

    Attributes
    ----------
    path : Path
    header : list of three rows, each of 1 + C str
    index : list of str, length T
        First column: frame numbers, or image paths for labelled frames.
    values : DataFrame, (T, C)
    """

    path: Path
    header: list[list[str]]
    index: list[str]
    values: pd.DataFrame

    @property
    def names(self) -> tuple[str, ...]:
        """Body parts, in the order of the file."""
        _, parts, coords = self.header
        return tuple(part for part, coord in zip(parts[1:], coords[1:], strict=True) if coord == "x")

    @property
    def is_labeled_frames(self) -> bool:
        """Whether the rows are images rather than the frames of a video."""
        return not all(label.isdigit() for label in self.index)

    def column(self, name: str, coord: str) -> int | None:
        """Place of a body part's coordinate among the columns, None if it has none."""
        pairs = list(zip(self.header[1][1:], self.header[2][1:], strict=True))
        return pairs.index((name, coord)) if (name, coord) in pairs else None

    def numbers(self, coord: str) -> FloatArray:
        """(T, K) one coordinate of every body part, NaN where there is none."""
        result = np.full((len(self.values), len(self.names)), np.nan)
        for part, name in enumerate(self.names):
            place = self.column(name, coord)
            if place is not None:
                result[:, part] = self._floats(place)
        return result

    def poses(self) -> Poses:
        """The keypoints alone."""
        xy = np.stack([self.numbers("x"), self.numbers("y")], axis=2)
        return Poses(self.names, xy, self.numbers("likelihood"), self.header[0][1])

    def with_xy(self, xy: FloatArray) -> PredictionsTable:
        """The same table with other (T, K, 2) coordinates."""
        values = self.values.copy()
        for part, name in enumerate(self.names):
            for axis, coord in enumerate("xy"):
                values.isetitem(_place(self, name, coord), xy[:, part, axis])
        return PredictionsTable(self.path, self.header, self.index, values)

    def write(self, path: Path) -> None:
        """Write the table, rows ending in a newline, as pandas writes it."""
        import pandas as pd

        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.header)
        values = self.values.set_axis(pd.Index(self.index, dtype=object), axis=0)
        values.to_csv(text, header=False, lineterminator="\n")
        with atomic_path(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")

    def _floats(self, place: int) -> FloatArray:
        import pandas as pd

        column = self.values.iloc[:, place]
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        bad = np.isnan(numbers) & column.notna().to_numpy()
        if bad.any():
            row = int(bad.argmax())
            raise CropzoomError(
                f"{self.path}: line {row + len(HEADER) + 1}: {self.header[1][place + 1]} "
                f"{self.header[2][place + 1]} is {column.iloc[row]!r}, not a number. Predict "
                "the video again."
            )
        return np.asarray(numbers, np.float64)


def read_predictions(path: Path, n_frames: int | None = None, *, exact: bool = False) -> Poses:
    """Keypoints of a video or of labelled frames.

    Parameters
    ----------
    path : Path
        Header rows scorer, bodyparts, coords. Columns that are not x, y or likelihood are left out.
    n_frames : int, optional
        Frames of the video, to be met exactly.
    exact : bool
        Whether numbers are those that were written to the last bit, which pandas' default may miss. For
        the frames of a video only.

    Raises
    ------
    CropzoomError
        With the file and the cure, if it is no such file or has another number of rows.
    """
    return read_predictions_table(path, n_frames, exact=exact).poses()


def read_predictions_table(
    path: Path, n_frames: int | None = None, *, exact: bool = False
) -> PredictionsTable:
    """The whole file: header, index and every column. See :func:`read_predictions`."""
    text = read_text(path, "predictions")
    header = [row for _, row in zip(HEADER, csv.reader(io.StringIO(text)), strict=False)]
    _check_header(path, header)
    values = _exact_values(path, text, len(header[0])) if exact else _values(path, text, len(header[0]))
    index = values.iloc[:, 0].astype(str).tolist()
    table = PredictionsTable(path, header, index, values.iloc[:, 1:].reset_index(drop=True))
    if not table.is_labeled_frames:
        _check_frames(path, index)
    if n_frames is not None and len(values) != n_frames:
        raise CropzoomError(
            f"{path}: has {len(values)} rows but the video has {n_frames} frames. "
            "Predict this very video again."
        )
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


def _place(table: PredictionsTable, name: str, coord: str) -> int:
    place = table.column(name, coord)
    if place is None:
        raise CropzoomError(f"{table.path}: {name} has no column {coord}. Predict the video again.")
    return place


def _check_header(path: Path, header: list[list[str]]) -> None:
    first = [row[0].strip().lower() if row else "" for row in header]
    if "individuals" in first:
        raise CropzoomError(
            f"{path}: line {first.index('individuals') + 1}: holds several individuals. "
            "Write one file an "
            "animal, with the header rows scorer, bodyparts, coords."
        )
    if tuple(first) != HEADER:
        raise CropzoomError(
            f"{path}: line 1: the first three lines must begin with scorer, bodyparts, coords. Give a "
            "predictions file of `cropzoom predict` or `litpose predict`."
        )
    if len({len(row) for row in header}) != 1 or "x" not in header[2] or "y" not in header[2]:
        raise CropzoomError(
            f"{path}: line 3: the header rows do not fit together. Predict the video again."
        )


def _exact_values(path: Path, text: str, width: int) -> pd.DataFrame:
    """The rows below the header of a table of numbers alone, each the nearest to what is written."""
    import pandas as pd

    rows = text.split("\n", len(HEADER))[-1]
    for empty, filled in ((",,", ",nan,"), (",,", ",nan,"), (",\n", ",nan\n")):
        rows = rows.replace(empty, filled)
    try:
        numbers = np.loadtxt(io.StringIO(rows), np.float64, comments=None, delimiter=",", ndmin=2)
    except ValueError as error:
        raise not_a_table(path, "predictions", error) from error
    if numbers.shape[1] != width:
        raise not_a_table(path, "predictions", ValueError(f"{numbers.shape[1]} columns, not {width}"))
    values = pd.DataFrame(numbers[:, 1:])
    values.insert(0, "frame", numbers[:, 0].astype(int).astype(str))
    return values


def _values(path: Path, text: str, width: int) -> pd.DataFrame:
    """The rows below the header; numbers parsed as pandas does by default, and so Lightning Pose."""
    import pandas as pd

    try:
        values = pd.read_csv(
            io.StringIO(text),
            skiprows=len(HEADER),
            header=None,
            dtype={0: str},
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError as error:
        raise CropzoomError(f"{path}: has a header but no rows. Predict the video again.") from error
    except pd.errors.ParserError as error:
        raise not_a_table(path, "predictions", error) from error
    if values.shape[1] != width:
        raise CropzoomError(
            f"{path}: line {len(HEADER) + 1}: has {values.shape[1]} cells where the header has {width}. "
            "Predict the video again."
        )
    return values


def _check_frames(path: Path, index: list[str]) -> None:
    frames = np.array(index, np.int64)
    wrong = frames != np.arange(len(frames))
    if wrong.any():
        row = int(wrong.argmax())
        raise CropzoomError(
            f"{path}: line {row + len(HEADER) + 1}: is frame {index[row]} where frame {row} should be. "
            "There must be one row a frame, in order, from 0."
        )
