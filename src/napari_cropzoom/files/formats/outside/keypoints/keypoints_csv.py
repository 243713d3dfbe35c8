"""Keypoints of Lightning Pose, DeepLabCut and EKS: CSV with three or four header rows."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import check_width, quoted
from napari_cropzoom.files.formats.contents import Content, number_in_name, read_whole_text
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideRows,
    PosesOut,
    VideoFacts,
    refuse,
)
from napari_cropzoom.files.formats.rows import Layout, numbers_of, read_rows
from napari_cropzoom.files.predictions_csv import write_predictions

ROWS = ("scorer", "individuals", "bodyparts", "coords")
COORDS = ("x", "y", "likelihood")
MOST_INDEX = 3
SINGLE = "single"
"""What DeepLabCut calls body parts that are of no animal."""

Column = tuple[str, str, str]
"""Individual, body part, coordinate."""


class KeypointsCsv:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "keypoints"
    label: ClassVar[str] = "Lightning Pose or DeepLabCut CSV"
    help: ClassVar[str] = (
        "Keypoints under header rows scorer, individuals (if several), bodyparts, coords"
    )
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def recognises(self, content: Content) -> bool:
        """By the first cell."""
        return (
            content.kind == "text"
            and bool(content.lines)
            and Layout.of("\n".join(content.lines)).head.lower().lstrip('"').startswith(ROWS[0])
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Keypoints of all animals."""
        text = read_whole_text(path).strip("\n")
        layout = Layout.of(text)
        check_width(path, layout.head.replace(layout.delimiter, ","), "keypoints")
        header, n_lines = _header(path, text, layout)
        width = len(next(iter(header.values())))
        n_index = 1
        while n_index < min(MOST_INDEX, width) and all(
            _is_empty(row[n_index]) for row in header.values()
        ):
            n_index += 1
        index, values = _values(path, text, width, n_index, n_lines, layout)
        frames, first = frames_of(path, index)
        parts, coords = header["bodyparts"], header["coords"]
        animals = header.get("individuals", ["animal"] * width)
        columns = [(animals[place], parts[place], coords[place]) for place in range(n_index, width)]
        return said_of_columns(path, columns, values, frames, first)


class LightningPoseCsv:
    """Keypoints as ``litpose predict`` writes them; of one animal."""

    name: ClassVar[str] = "lightning_pose"
    label: ClassVar[str] = "Lightning Pose CSV"
    help: ClassVar[str] = "Keypoints under three header rows; one animal"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def write(self, path: Path, out: PosesOut) -> None:
        """Write the one animal."""
        if len(out.animals) != 1:
            raise refuse(path, "Lightning Pose's files hold one animal each. Export them one at a time.")
        write_predictions(path, next(iter(out.animals.values())))


class DeepLabCutCsv:
    """Keypoints as DeepLabCut writes them, with a row for the individuals where there are several."""

    name: ClassVar[str] = "deeplabcut"
    label: ClassVar[str] = "DeepLabCut CSV"
    help: ClassVar[str] = "Keypoints under three header rows, four where there are several animals"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def write(self, path: Path, out: PosesOut) -> None:
        """Write all animals, NaN where one has no such body part."""
        if len(out.animals) == 1:
            write_predictions(path, next(iter(out.animals.values())))
            return
        columns = [
            (name, part, coord)
            for name, poses in out.animals.items()
            for part in poses.names
            for coord in COORDS
        ]
        scorer = next(iter(out.animals.values())).scorer
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([ROWS[0], *[scorer] * len(columns)])
        for place, row in enumerate(ROWS[1:]):
            writer.writerow([row, *(column[place] for column in columns)])
        numbers = np.concatenate([_flat(poses) for poses in out.animals.values()], axis=1)
        for frame, values in enumerate(numbers.tolist()):
            writer.writerow([frame, *("" if value != value else value for value in values)])
        with atomic_path(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")


def _flat(poses: Poses) -> FloatArray:
    return np.concatenate([poses.xy, poses.likelihood[..., None]], axis=2).reshape(len(poses), -1)


def said_of_columns(
    path: Path, columns: Sequence[Column], values: FloatArray, frames: IntArray, first: int | None
) -> OutsideRows:
    """Keypoints of all animals from the columns of a table, values (T, C)."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for place, (animal, part, coord) in enumerate(columns):
        if coord in COORDS:
            there = found.setdefault(animal, {}).setdefault(part, {})
            if coord in there:
                raise refuse(
                    path, f"{quoted(animal)} has two columns {quoted(part)} {coord}. Export it again."
                )
            there[coord] = place
    found = {
        animal: {part: places for part, places in parts.items() if {"x", "y"} <= set(places)}
        for animal, parts in found.items()
    }
    notes: tuple[str, ...] = ()
    if SINGLE in found and len(found) > 1:
        del found[SINGLE]
        notes = (f"{path.name}: body parts of no animal ({SINGLE}) are left out",)
    found = {animal: parts for animal, parts in found.items() if parts}
    if not found:
        raise refuse(path, "has no columns x and y of a body part. Export it again.")
    most = max(map(len, found.values()))
    xy = np.full((len(values), len(found), most, 2), np.nan)
    likelihood = np.full((len(values), len(found), most), np.nan)
    for animal_place, parts in enumerate(found.values()):
        for part_place, places in enumerate(parts.values()):
            xy[:, animal_place, part_place] = values[:, [places["x"], places["y"]]]
            if "likelihood" in places:
                likelihood[:, animal_place, part_place] = values[:, places["likelihood"]]
    said = OutsideRows.dense(
        [name or "animal" for name in found],
        xy,
        mean_likelihood(likelihood),
        first_frame=first,
        usual_first=0,
        notes=notes,
    )
    return replace(said, frame=frames[said.frame])


def mean_likelihood(likelihood: FloatArray) -> FloatArray:
    """Mean over the last axis, NaN where nothing is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(likelihood, axis=-1), np.float64)


def frames_of(path: Path, index: Sequence[str]) -> tuple[IntArray, int | None]:
    """Frames of rows that begin with a number or the path of an image, and the first one's number."""
    if all(
        label.partition(".")[0].isdigit() and label.partition(".")[2].strip("0") == "" for label in index
    ):
        return np.array([int(label.partition(".")[0][:15]) for label in index], np.int64), 0
    numbers = [number_in_name(label) for label in index]
    if None in numbers:
        row = numbers.index(None)
        raise refuse(
            path, f"row {row}: {quoted(index[row])} is neither a frame nor an image with its number."
        )
    return np.array(numbers, np.int64), None


def _header(path: Path, text: str, layout: Layout) -> tuple[dict[str, list[str]], int]:
    """Header rows by their first cell, of one width, and the lines they take."""
    header: dict[str, list[str]] = {}
    reader = csv.reader(io.StringIO(text), delimiter=layout.delimiter)
    for _ in range(layout.n_before):
        next(reader)
    for row in reader:
        name = row[0].strip().lower() if row else ""
        if name not in ROWS:
            raise refuse(
                path,
                f"line {reader.line_num}: {quoted(name)} is no header row; these are {', '.join(ROWS)}.",
            )
        header[name] = [cell.strip() for cell in row]
        if name == ROWS[-1]:
            break
    if not {"bodyparts", "coords"} <= set(header) or len({len(row) for row in header.values()}) != 1:
        raise refuse(path, "the header rows do not fit together. Export it again.")
    return header, reader.line_num


def _is_empty(cell: str) -> bool:
    return not cell or cell.startswith("Unnamed: ")


def _values(
    path: Path, text: str, width: int, n_index: int, n_lines: int, layout: Layout
) -> tuple[list[str], FloatArray]:
    table = read_rows(path, text, n_lines, width, tuple(range(n_index)), **layout.marks)
    columns: list[list[str]] = [table[place].fillna("").tolist() for place in range(n_index)]
    index = ["/".join(filter(None, map(str.strip, row))) for row in zip(*columns, strict=True)]
    numbers = [numbers_of(path, table[place], "a cell", n_lines + 1) for place in range(n_index, width)]
    return index, np.column_stack(numbers)
