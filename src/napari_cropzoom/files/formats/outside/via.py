"""VIA tracks CSV: a row a region, shapes and attributes as JSON in its cells.

The frame is an attribute of the image or the number in its name. Format:
https://www.robots.ox.ac.uk/~vgg/software/via, as movement reads and writes it.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.formats.contents import Content, number_in_name, read_whole_text
from napari_cropzoom.files.formats.said import (
    BoxesOut,
    ImportOptions,
    Said,
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
LONGEST_CELL = 2**17


class Via:
    """See :class:`napari_cropzoom.files.formats.said.OutsideFormat`."""

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

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> Said:
        """Rectangles, frames and tracks."""
        reader = csv.DictReader(
            (line for line in read_whole_text(path).split("\n") if not line.startswith("#")),
            skipinitialspace=True,
        )
        csv.field_size_limit(LONGEST_CELL)
        boxes, frames, tracks, confidence = [], [], [], []
        for row in reader:
            shape, about = (
                _cell(path, reader, row, "region_shape_attributes"),
                _cell(path, reader, row, "region_attributes"),
            )
            if not shape:
                continue
            if shape.get("name") != "rect":
                raise refuse(
                    path,
                    f"line {reader.line_num}: the region is a {shape.get('name')!s:.20}, not a rect.",
                )
            boxes.append([float(shape[key]) for key in SIDES])
            frames.append(_frame(path, reader, row))
            tracks.append(
                next((about[key] for key in TRACKS if about.get(key) not in (None, "")), "animal")
            )
            confidence.append(float(about.get("confidence", np.nan)))
        if not boxes:
            raise refuse(path, "holds no regions. Draw some and export it again.")
        is_number = all(str(each).lstrip("-").isdigit() for each in tracks)
        names, animal = numbered([int(each) if is_number else str(each) for each in tracks])
        return Said(
            names,
            animal,
            np.asarray(frames, np.int64),
            boxes=np.asarray(boxes),
            confidence=np.asarray(confidence),
            first_frame=None,
            usual_first=0,
        )

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


def _cell(path: Path, reader: Any, row: dict[str, str], name: str) -> dict[str, Any]:
    try:
        content = json.loads(row.get(name) or "{}")
    except (ValueError, RecursionError) as error:
        raise refuse(path, f"line {reader.line_num}: {name} is not JSON. Export it again.") from error
    if not isinstance(content, dict):
        raise refuse(path, f"line {reader.line_num}: {name} is not a JSON object. Export it again.")
    return content


def _frame(path: Path, reader: Any, row: dict[str, str]) -> int:
    frame = _cell(path, reader, row, "file_attributes").get("frame")
    number = (
        int(frame)
        if frame is not None and str(frame).strip().isdigit()
        else number_in_name(row["filename"])
    )
    if number is None:
        raise refuse(
            path, f"line {reader.line_num}: {row['filename'][:60]!r} has no frame number in its name."
        )
    return number
