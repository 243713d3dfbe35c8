"""A table of boxes or points of any program, with a header: a script's own, mostly."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import check_width, quoted
from napari_cropzoom.files.formats.contents import Content, read_whole_text
from napari_cropzoom.files.formats.outside_rows import (
    Corner,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)
from napari_cropzoom.files.formats.rows import Layout, numbers_of, read_rows

if TYPE_CHECKING:
    import pandas as pd

MOST_COLUMNS = 200
NAMES: dict[str, tuple[str, ...]] = {
    "left": ("x", "left", "xmin", "minx", "xtl", "x1", "x0", "bbleft", "bboxleft", "bboxx", "bbx"),
    "top": ("y", "top", "ymin", "miny", "ytl", "y1", "y0", "bbtop", "bboxtop", "bboxy", "bby"),
    "w": ("w", "width", "bw", "bbw", "bbwidth", "bboxw", "bboxwidth"),
    "h": ("h", "height", "bh", "bbh", "bbheight", "bboxh", "bboxheight"),
    "right": ("x2", "xmax", "maxx", "xbr", "right", "bbright", "bboxright"),
    "bottom": ("y2", "ymax", "maxy", "ybr", "bottom", "bbbottom", "bboxbottom"),
    "cx": ("cx", "xc", "xcenter", "xcentre", "centerx", "centrex", "centroidx", "xcentroid"),
    "cy": ("cy", "yc", "ycenter", "ycentre", "centery", "centrey", "centroidy", "ycentroid"),
    "frame": ("frame", "frameidx", "frameindex", "framenumber", "frameno", "frameid", "frames"),
    "track": (
        *(
            "track",
            "trackid",
            "id",
            "animal",
            "animalid",
            "individual",
            "individuals",
            "name",
            "identity",
        ),
        *("object", "objectid", "objid", "instance", "mouse", "label", "class"),
    ),
    "confidence": ("confidence", "conf", "score", "likelihood", "probability", "prob"),
}
INDEX = ("", "index", "unnamed0")
OPEN_NAMES = ("x", "bboxx", "bbx")  # of a corner or a centre


class BoxesCsv:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "csv"
    label: ClassVar[str] = "Table of boxes (CSV)"
    help: ClassVar[str] = (
        "x, y, w, h or two corners or a centre, with or without frame, track and confidence"
    )
    patterns: ClassVar[tuple[str, ...]] = ("*.csv", "*.tsv")

    def recognises(self, content: Content) -> bool:
        """By the names of its columns."""
        if content.kind != "text" or not content.lines:
            return False
        layout = Layout.of("\n".join(content.lines))
        found = _places(_cells(layout.head, layout.delimiter))
        return _meaning(found) is not None

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Columns by their names."""
        text = read_whole_text(path).strip("\n")
        layout = Layout.of(text)
        check_width(path, layout.head.replace(layout.delimiter, ","), "boxes", MOST_COLUMNS)
        header = _cells(layout.head, layout.delimiter)
        first_line = layout.n_before + 2
        found = _places(header)
        meaning = _meaning(found)
        if meaning is None:
            raise refuse(
                path,
                f"line {first_line - 1}: names no columns of boxes. They are x, y, w, h, or x1, y1, "
                "x2, y2, or cx, cy.",
            )
        texts = (found["track"],) if "track" in found else ()
        table = read_rows(path, text, first_line - 1, len(header), texts, **layout.marks).dropna(
            how="all"
        )
        numbers = {
            what: numbers_of(path, table[place], header[place] or "the first column", first_line)
            for what, place in found.items()
            if what != "track"
        }
        boxes, corner = _boxes(numbers, meaning)
        names: tuple[str, ...] = ("animal",)
        animal = np.zeros(len(table), np.int64)
        if "track" in found:
            names, animal = _animals(table[found["track"]])
        lines = table.index.to_numpy() + first_line
        frame, first = _frames(path, numbers.get("frame"), lines, video, len(names))
        unused = [
            name
            for place, name in enumerate(header)
            if place not in found.values() and not (place == 0 and not name)
        ]
        notes = [f"{path.name}: not used: column {', '.join(map(quoted, unused[:5]))}"] if unused else []
        common: dict[str, Any] = {
            "names": names,
            "animal": animal,
            "frame": frame,
            "confidence": numbers.get("confidence", np.empty(0)),
            "first_frame": first,
            "notes": tuple(notes),
        }
        if meaning == "points":
            return OutsideRows(keypoints=boxes[:, None, :2], **common)
        usual: Corner | None = "corner" if _names_corner(header, found) else None
        return OutsideRows(boxes=boxes, corner=corner, usual_corner=usual, unit=None, **common)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _names_corner(header: list[str], found: dict[str, int]) -> bool:
    """Whether the columns are named as those of corners: left, or x, y, h, w as by Lightning Pose."""
    if not {"left", "w", "h"} <= set(found):
        return False
    return _plain(header)[found["left"]] not in OPEN_NAMES or found["h"] < found["w"]


def _places(header: list[str]) -> dict[str, int]:
    """Which column is what, the likeliest name first."""
    plain = _plain(header)
    found: dict[str, int] = {}
    for what, names in NAMES.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is not None:
            found[what] = place
    if {"x0", "y0", "x1", "y1"} <= set(plain):
        found.update(
            left=plain.index("x0"),
            top=plain.index("y0"),
            right=plain.index("x1"),
            bottom=plain.index("y1"),
        )
    if "frame" not in found and plain and plain[0] in INDEX:
        found["frame"] = 0
    return found


def _plain(header: list[str]) -> list[str]:
    """Names without their marks and units, in lower case."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    return [re.sub(r"(px|pixels?)$", "", name) or name for name in plain]


def _meaning(found: dict[str, int]) -> str | None:
    """What the columns make: boxes by corner and size, by two corners, by centre and size, or points."""
    if {"left", "top", "w", "h"} <= set(found):
        return "sized"
    if {"left", "top", "right", "bottom"} <= set(found):
        return "corners"
    if {"cx", "cy"} <= set(found):
        return "centred" if {"w", "h"} <= set(found) else "points"
    return "points" if {"left", "top"} <= set(found) else None


def _boxes(numbers: dict[str, FloatArray], meaning: str) -> tuple[FloatArray, Corner | None]:
    if meaning == "sized":
        return np.column_stack([numbers[name] for name in ("left", "top", "w", "h")]), None
    if meaning == "corners":
        left, top, right, bottom = (numbers[name] for name in ("left", "top", "right", "bottom"))
        return np.column_stack([left, top, right - left, bottom - top]), "corner"
    x, y = (numbers["cx"], numbers["cy"]) if "cx" in numbers else (numbers["left"], numbers["top"])
    if meaning == "points":
        return np.column_stack([x, y, x, y]), "centre"
    return np.column_stack([x, y, numbers["w"], numbers["h"]]), "centre"


def _animals(column: pd.Series[Any]) -> tuple[tuple[str, ...], IntArray]:
    """Names, which are numbers only where all are."""
    import pandas as pd

    places, words = pd.factorize(column.fillna("").str.strip())
    texts = [str(word) for word in words]
    if all(re.fullmatch(r"-?\d{1,15}(\.0*)?", word) for word in texts):
        names, order = numbered([float(word) for word in texts])
        return names, order[places]
    return tuple(word or "nameless" for word in texts), np.asarray(places, np.int64)


def _frames(
    path: Path, numbers: FloatArray | None, lines: IntArray, video: VideoFacts, n_animals: int
) -> tuple[IntArray, int | None]:
    """Frames of the rows; the first one's number is 0 where rows are frames; ``lines`` are theirs."""
    n_rows = len(lines)
    if numbers is None:
        if n_rows != video.n_frames or n_animals != 1:
            raise refuse(
                path,
                f"has no column frame, {counted(n_rows, 'row')} and {counted(n_animals, 'animal')}; "
                f"{video.name} has "
                f"{counted(video.n_frames, 'frame')}. Add a column frame.",
            )
        return np.arange(n_rows), 0
    wrong = ~((numbers >= 0) & (numbers == np.floor(numbers)) & (numbers < 2**31))
    if wrong.any():
        row = int(wrong.argmax())
        raise refuse(path, f"line {lines[row]}: {numbers[row]:g} is not the number of a frame.")
    return numbers.astype(np.int64), None
