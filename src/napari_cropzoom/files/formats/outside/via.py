"""VIA tracks CSV: a row a region, shapes and attributes as JSON in its cells.

The frame is an attribute of the image or the number in its name. Format:
https://www.robots.ox.ac.uk/~vgg/software/via, as movement reads and writes it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import lines_of
from napari_cropzoom.files.formats.contents import Content, number_in_name, read_whole_text
from napari_cropzoom.files.formats.outside_rows import (
    BoxesOut,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)

HEADER = (
    "filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
    "region_attributes",
)  # fmt: skip
TRACKS = ("name", "track", "track_id", "id")
SIDES = ("x", "y", "width", "height")
CELLS = ("file_attributes", "region_shape_attributes", "region_attributes")
LONGEST_CELL = 2**17
AT_ONCE = 500  # rows; with more, Python's search for cycles takes a third of the time


class Via:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "via"
    label: ClassVar[str] = "VIA tracks"
    help: ClassVar[str] = "CSV of the VGG Image Annotator, with a track in the attributes of each region"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def recognises(self, content: Content) -> bool:
        """By the name of a column."""
        return (
            content.kind == "text"
            and bool(content.lines)
            and "region_shape_attributes" in content.lines[0]
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Rectangles, frames and tracks."""
        csv.field_size_limit(LONGEST_CELL)
        reader = csv.reader(_without_remarks(read_whole_text(path)), skipinitialspace=True)
        regions = _Regions(path, next(reader, []))
        line = reader.line_num
        while rows := list(islice(reader, AT_ONCE)):
            if not regions.add_usual(rows):
                regions.add_each(rows, line)
            line = reader.line_num
        return regions.said()

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write the boxes; ``track`` is a number, as the format wants it, and ``name`` the animal's."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        names = list(out.tracks)
        digits = max(6, len(str(out.video.n_frames)) + 1)
        for frame in range(out.video.n_frames):
            seen = [
                (each, boxes[frame].tolist())
                for each, boxes in enumerate(out.tracks.values())
                if not np.isnan(boxes[frame, 0])
            ]
            about = [f"{frame:0{digits}d}.png", 0, json.dumps({"frame": frame}), len(seen)]
            for place, (track, box) in enumerate(seen):
                shape = json.dumps({"name": "rect", **dict(zip(SIDES, box, strict=True))})
                writer.writerow(
                    [*about, place, shape, json.dumps({"track": track, "name": names[track]})]
                )
        with atomic_path(path) as part:
            part.write_text(text.getvalue(), encoding="utf-8", newline="")


def _without_remarks(text: str) -> Iterator[str]:
    return (line for line in lines_of(text) if not line.startswith("#"))


class _Regions:
    """What the rows of a file say, below its header."""

    def __init__(self, path: Path, header: list[str]) -> None:
        self._path, self._header = path, header
        self._boxes: list[FloatArray] = []
        self._frames: list[IntArray] = []
        self._animals: list[IntArray] = []
        self._confidence: list[FloatArray] = []
        self._names: dict[str, int] = {}

    def add_usual(self, rows: list[list[str]]) -> bool:
        """Add many rows at once; adds none and returns False if one of them is not as usual.

        All their JSON is one text, with a 1 between two cells, so that a cell that is not whole shows.
        """
        places = {name: place for place, name in enumerate(self._header)}
        if set(map(len, rows)) != {len(self._header)} or not places.keys() >= set(CELLS):
            return False
        image, shape, about = ([row[places[name]] for row in rows] for name in CELLS)
        different = dict.fromkeys(about)  # few, where there is no confidence
        count = len(rows)
        try:
            parts = json.loads(f"[{',1,'.join([*image, *shape, *different])}]")
            if len(parts) != 2 * (2 * count + len(different)) - 1 or set(map(type, parts[::2])) != {dict}:
                return False
            images, shapes = parts[: 2 * count : 2], parts[2 * count : 4 * count : 2]
            said = dict(zip(different, parts[4 * count :: 2], strict=True))
            if {each.get("name") for each in shapes} != {"rect"}:
                return False
            boxes = np.array(list(map(itemgetter(*SIDES), shapes)))
            frames = np.array([each.get("frame") for each in images])
            tracks = {cell: _track(each) for cell, each in said.items()}
            chances = {cell: each.get("confidence", np.nan) for cell, each in said.items()}
            confidence = np.array([chances[cell] for cell in about])
            if frames.dtype.kind != "i" or not {boxes.dtype.kind, confidence.dtype.kind} <= {"i", "f"}:
                return False
            if boxes.shape != (count, len(SIDES)) or confidence.ndim != 1 or (frames < 0).any():
                return False
            self._add(boxes, frames, [tracks[cell] for cell in about], confidence)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return False
        return True

    def add_each(self, rows: list[list[str]], line: int) -> None:
        """Add rows one by one; the first is behind a line of the file.

        Raises
        ------
        CropzoomError
            With the line of what is wrong.
        """
        for cells in rows:
            line += 1 + sum(cell.count("\n") for cell in cells)
            row = dict(zip(self._header, cells, strict=False))
            shape = self._cell(row, "region_shape_attributes", line)
            if not shape:
                continue
            about = self._cell(row, "region_attributes", line)
            if shape.get("name") != "rect":
                raise refuse(
                    self._path, f"line {line}: the region is a {shape.get('name')!s:.20}, not a rect."
                )
            self._add(
                np.array([[float(shape[key]) for key in SIDES]]),
                np.array([self._frame(row, line)], np.int64),
                [_track(about)],
                np.array([float(about.get("confidence", np.nan))]),
            )

    def said(self) -> OutsideRows:
        """All of it.

        Raises
        ------
        CropzoomError
            If there are none.
        """
        if not self._boxes:
            raise refuse(self._path, "holds no regions. Draw some and export it again.")
        is_number = all(name.lstrip("-").isdigit() for name in self._names)
        names, places = numbered([int(name) if is_number else name for name in self._names])
        return OutsideRows(
            names,
            places[np.concatenate(self._animals)],
            np.concatenate(self._frames).astype(np.int64, copy=False),
            boxes=np.concatenate(self._boxes).astype(np.float64, copy=False),
            confidence=np.concatenate(self._confidence).astype(np.float64, copy=False),
            first_frame=None,
            usual_first=0,
        )

    def _add(
        self, boxes: FloatArray, frames: IntArray, tracks: Iterable[str], confidence: FloatArray
    ) -> None:
        names = self._names
        self._animals.append(np.array([names.setdefault(each, len(names)) for each in tracks], np.int64))
        self._boxes.append(boxes)
        self._frames.append(frames)
        self._confidence.append(confidence)

    def _cell(self, row: dict[str, str], name: str, line: int) -> dict[str, Any]:
        try:
            content = json.loads(row.get(name) or "{}")
        except (ValueError, RecursionError) as error:
            raise refuse(self._path, f"line {line}: {name} is not JSON. Export it again.") from error
        if not isinstance(content, dict):
            raise refuse(self._path, f"line {line}: {name} is not a JSON object. Export it again.")
        return content

    def _frame(self, row: dict[str, str], line: int) -> int:
        frame = self._cell(row, "file_attributes", line).get("frame")
        number = (
            int(frame)
            if frame is not None and str(frame).strip().isdigit()
            else number_in_name(row["filename"])
        )
        if number is None:
            raise refuse(
                self._path, f"line {line}: {row['filename'][:60]!r} has no frame number in its name."
            )
        return number


def _track(about: dict[str, Any]) -> str:
    for key in TRACKS:
        value = about.get(key)
        if value not in (None, ""):
            return str(value)
    return "animal"
