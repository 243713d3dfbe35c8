"""Rows of a table of labels, and the table of a project's labels with those made by review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.files.csv_table import plain_path
from napari_cropzoom.files.predictions_csv import PredictionsTable
from napari_cropzoom.projects.review_labels.record import Places

SAME = 0.002  # pixels; places are written with three digits


def rows_of(table: PredictionsTable) -> dict[str, Places]:
    """Keypoints in a table, by image."""
    xy = np.stack([table.numbers("x"), table.numbers("y")], axis=2)
    is_there: BoolArray = np.asarray(np.isfinite(xy).all(axis=2))
    return {
        plain_path(image): {
            name: (float(xy[row, k, 0]), float(xy[row, k, 1]))
            for k, name in enumerate(table.names)
            if is_there[row, k]
        }
        for row, image in enumerate(table.index)
    }


def are_same(one: Places, other: Places) -> bool:
    """Whether the same keypoints are visible, at the same places."""
    return one.keys() == other.keys() and all(
        abs(a - b) <= SAME for name in one for a, b in zip(one[name], other[name], strict=True)
    )


def in_order(xy: Mapping[str, tuple[float, float]], names: Iterable[str]) -> Places:
    """The keypoints that labels have, in their order."""
    return {name: xy[name] for name in names if name in xy}


def write_rows(
    target: Path,
    table: PredictionsTable,
    before: PredictionsTable | None,
    made: Iterable[str],
    taken: Mapping[str, Places],
) -> None:
    """Write the labels of a project, rows of nobody we know, and those made by review.

    Parameters
    ----------
    target : Path
    table : PredictionsTable
        The labels of the project.
    before : PredictionsTable or None
        What ``target`` holds now.
    made : iterable of str
        Images that are not to be kept from there.
    taken : mapping
        Keypoints of images, whose rows come last.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    import pandas as pd

    mine = {plain_path(image) for image in table.index} | {*made}
    columns = table.values.columns
    parts, index = [table.values], [plain_path(image) for image in table.index]
    if before is not None:
        names = [plain_path(image) for image in before.index]
        kept = [row for row, image in enumerate(names) if image not in mine]
        parts.append(before.values.iloc[kept].set_axis(columns, axis=1))
        index += [names[row] for row in kept]
    parts.append(pd.DataFrame([_cells(table, xy) for xy in taken.values()], columns=columns))
    values: pd.DataFrame = pd.concat([part.astype(object) for part in parts], ignore_index=True)
    PredictionsTable(target, table.header, [*index, *taken], values).write(target)


def _cells(table: PredictionsTable, xy: Places) -> list[object]:
    """Cells of a row; x and y of a keypoint are both there or both empty."""
    cells: list[object] = [None] * table.values.shape[1]
    for name, place in xy.items():
        for coord, value in zip("xy", place, strict=True):
            column = table.column(name, coord)
            if column is not None:
                cells[column] = round(value, 3)
    return cells
