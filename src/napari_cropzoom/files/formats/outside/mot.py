"""MOTChallenge: ``frame,id,left,top,w,h,conf,x,y,z`` without a header, frames from 1.

Format: https://motchallenge.net/instructions
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.csv_table import quoted
from napari_cropzoom.files.formats.contents import Content, read_whole_text
from napari_cropzoom.files.formats.outside_rows import (
    BoxesOut,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)
from napari_cropzoom.files.formats.rows import Layout, numbers_of, read_rows

LEAST_COLUMNS, MOST_COLUMNS = 6, 10


class Mot:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "mot"
    label: ClassVar[str] = "MOTChallenge"
    help: ClassVar[str] = "Text, frame,id,left,top,w,h,conf,x,y,z, frames from 1, as most trackers write"
    patterns: ClassVar[tuple[str, ...]] = ("*.txt",)

    def recognises(self, content: Content) -> bool:
        """By rows of six to ten numbers, the first two of them whole."""
        if content.kind != "text" or not content.lines:
            return False
        layout = Layout.of("\n".join(content.lines))
        lines = content.lines[layout.n_before :][:5]
        try:
            rows = list(csv.reader(lines, delimiter=layout.delimiter))
            numbers = [[float(cell.replace(layout.decimal, ".")) for cell in row] for row in rows]
        except (ValueError, csv.Error):
            return False
        return bool(numbers) and all(
            LEAST_COLUMNS <= len(row) <= MOST_COLUMNS
            and row[0].is_integer()
            and row[1].is_integer()
            and row[0] >= 0
            for row in numbers
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Frames, ids, boxes and confidence; -1 is none."""
        text = read_whole_text(path).strip("\n")
        layout = Layout.of(text)
        line_of_first = layout.n_before + 1
        width = len(next(csv.reader([layout.head], delimiter=layout.delimiter), []))
        if not LEAST_COLUMNS <= width <= MOST_COLUMNS:
            raise refuse(
                path,
                f"line {line_of_first}: has {counted(width, 'number')}, MOTChallenge has 6 to 10 with "
                "commas between them.",
            )
        table = read_rows(path, text, layout.n_before, width, **layout.marks)
        columns = [
            numbers_of(path, table[place], f"number {place + 1}", line_of_first)
            for place in range(min(width, 7))
        ]
        values = np.column_stack(columns)
        wrong = ~np.isfinite(values[:, :6]).all(axis=1) | (values[:, 0] < 0) | (values[:, 0] % 1 != 0)
        wrong |= (np.abs(values[:, :2]) > 2**31).any(axis=1) | (values[:, 1] % 1 != 0)
        if wrong.any():
            row = int(wrong.argmax()) + layout.n_before
            line = text.split("\n", row + 1)[row]
            raise refuse(path, f"line {row + 1}: {quoted(line)} is no frame, id and box.")
        confidence = values[:, 6] if width > 6 else np.full(len(values), np.nan)
        confidence = np.where((confidence < 0) | (confidence > 1), np.nan, confidence)
        names, animal = numbered(values[:, 1])
        is_nobody = names == ("animal_-1",)
        return OutsideRows(
            ("animal",) if is_nobody else names,
            animal,
            values[:, 0].astype(np.int64),
            boxes=values[:, 2:6],
            confidence=confidence,
            first_frame=1,
        )

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write the boxes; names become numbers from 1."""
        rows = [
            (frame + 1, place, *box)
            for place, boxes in enumerate(out.tracks.values(), 1)
            for frame, box in zip(
                np.flatnonzero(~np.isnan(boxes[:, 0])).tolist(),
                boxes[~np.isnan(boxes[:, 0])].tolist(),
                strict=True,
            )
        ]
        rows.sort()
        text = "".join(
            f"{f},{k},{x:.10g},{y:.10g},{w:.10g},{h:.10g},1,-1,-1,-1\n" for f, k, x, y, w, h in rows
        )
        with atomic_path(path) as part:
            part.write_text(text, encoding="utf-8", newline="")
