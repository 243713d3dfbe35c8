"""YOLO labels: a folder with one text a frame, ``class xc yc w h [confidence] [id]`` in fractions.

Format: https://docs.ultralytics.com/datasets/detect, and ``Results.save_txt`` of ultralytics, which
numbers the frames of a video from 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import isfinite
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import quoted
from napari_cropzoom.files.formats.contents import Content, number_in_name
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)

LEAST, MOST = 5, 7
MOST_BYTES_A_FRAME = 1_000_000
MOST_EMPTY = 1000
"""Labels without a box, behind which no more are looked at to recognise a folder."""
NOT_LABELS = (
    "classes.txt",
    "labels.txt",
    "names.txt",
    "readme.txt",
    "notes.txt",
    "predefined_classes.txt",
)


class Yolo:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "yolo"
    label: ClassVar[str] = "YOLO labels"
    help: ClassVar[str] = (
        "Folder with a text file a frame, class and box in fractions, as Ultralytics writes it"
    )
    patterns: ClassVar[tuple[str, ...]] = ()

    def recognises(self, content: Content) -> bool:
        """By rows of a class and four fractions in the texts of a folder, or in one text."""
        if content.kind == "text":
            return bool(content.lines) and all(_is_row(line) for line in content.lines[:5])
        if not content.is_folder:
            return False
        for name in _labels(content.names)[:MOST_EMPTY]:
            file = content.path / name
            lines = Content(file).lines if file.stat().st_size else []
            if lines:
                return all(_is_row(line) for line in lines[:5])
        return False

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """All files, the frame by the number in their name."""
        if not path.is_dir():
            raise refuse(
                path, "is the labels of one frame. Give the folder that holds those of all frames."
            )
        rows: list[list[float]] = []
        frames: list[int] = []
        for name in _labels(os.listdir(path)):
            file = path / name
            if not file.is_file():
                raise refuse(file, "is a pipe, a device or a folder, not the labels of one frame.")
            with file.open("rb") as opened:
                content = opened.read(MOST_BYTES_A_FRAME + 1)
            if len(content) > MOST_BYTES_A_FRAME:
                raise refuse(file, "is too large for the labels of one frame.")
            number = number_in_name(file.name)
            if number is None:
                raise refuse(file, "has no frame number in its name, as in clip_12.txt.")
            for place, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
                if line.strip():
                    rows.append(_row(file, place, line))
                    frames.append(number)
        if not rows:
            raise refuse(
                path, "holds no labels. Give the folder labels that Ultralytics writes with save_txt."
            )
        width = max(map(len, rows))
        values = np.full((len(rows), MOST), np.nan)
        for length in range(LEAST, MOST + 1):
            these = [place for place, row in enumerate(rows) if len(row) == length]
            if these:
                values[these, :length] = [rows[place] for place in these]
        confidence, ids = values[:, 5], values[:, 6]
        notes = []
        if width == 6 and _are_ids(confidence, frames):
            confidence, ids = np.full(len(values), np.nan), confidence
        if np.isnan(ids).all():
            names, animal = numbered(values[:, 0])
            names = tuple(name.replace("animal", "class") for name in names)
            if len(names) > 1:
                notes.append(f"{path.name}: has no track ids, so each class is taken for one animal")
        elif np.isnan(ids).any():
            keep = np.isfinite(ids)
            notes.append(f"{path.name}: {counted(int((~keep).sum()), 'box')} without a track id left out")
            values, confidence, ids = values[keep], confidence[keep], ids[keep]
            frames = [frame for frame, is_kept in zip(frames, keep.tolist(), strict=True) if is_kept]
            names, animal = numbered(ids)
        else:
            names, animal = numbered(ids)
        return OutsideRows(
            names,
            animal,
            np.asarray(frames, np.int64),
            boxes=values[:, 1:5],
            confidence=confidence,
            first_frame=None,
            usual_first=1,
            corner="centre",
            unit="fractions",
            notes=tuple(notes),
        )


def _labels(names: Iterable[str]) -> list[str]:
    """Of all frames."""
    texts = sorted(name for name in names if name.lower().endswith(".txt"))
    return [name for name in texts if name[0] != "." and name.lower() not in NOT_LABELS]


def _is_row(line: str) -> bool:
    cells = line.split()
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return False
    return (
        LEAST <= len(numbers) <= MOST
        and numbers[0].is_integer()
        and all(-1 <= each <= 2 for each in numbers[1:5])
    )


def _row(file: Path, place: int, line: str) -> list[float]:
    try:
        row = [float(cell) for cell in line.split()]
    except ValueError as error:
        raise refuse(file, f"line {place}: {quoted(line)} is not a row of numbers.") from error
    if not LEAST <= len(row) <= MOST or not all(map(isfinite, row)):
        raise refuse(
            file,
            f"line {place}: has {counted(len(row), 'number')}; class, xc, yc, w, h and, if known, "
            "confidence and id make 5 to 7.",
        )
    if max(map(abs, row[1:5])) > 2:
        raise refuse(file, f"line {place}: {quoted(line)} holds more than fractions of the frame.")
    return row


def _are_ids(values: FloatArray, frames: list[int]) -> bool:
    """Whether a sixth number is an id, as without ``save_conf``, rather than a confidence.

    Of one animal alone it is 1 throughout, which no network is so sure of.
    """
    known = values[np.isfinite(values)]
    if not len(known) or not (known == np.floor(known)).all():
        return False
    is_one = bool((known == 1).all()) and len(set(frames)) == len(frames) > 1
    return is_one or known.max() > 1 or len(set(known.tolist())) > 1
