"""TRex: one ``<video>_fish<N>.npz`` an animal, or ``_id<N>``, or the same as CSV; centres in cm.

Format: https://trex.run/docs/formats.html, and ``Export.cpp`` of TRex, which lays files of postures
beside them and writes places that it does not know as infinite.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.csv_table import quoted
from napari_cropzoom.files.formats.contents import MOST_ARRAY, Content, as_numbers, read_whole_text
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts, refuse
from napari_cropzoom.files.formats.rows import Layout, numbers_of, read_rows
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, load_arrays

MOST_OUTSIDE = 0.1  # share of places
LEAST_REACH = 0.25  # share of the frame's width and height
X, Y = ("X#wcentroid", "X#pcentroid", "X"), ("Y#wcentroid", "Y#pcentroid", "Y")
UNIT = " (cm)"
"""Behind the names of columns in a CSV."""
_FILE = re.compile(r"(?:.*_)?([^\W\d_]+\d+)\.(npz|csv)")
_BESIDE = ("_posture_", "_recognition_")


class Trex:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "trex"
    label: ClassVar[str] = "TRex"
    help: ClassVar[str] = (
        "npz or CSV an animal, or their folder; centres in cm, so a crop size and cm per pixel are needed"
    )
    patterns: ClassVar[tuple[str, ...]] = ("*.npz", "*.csv")

    def recognises(self, content: Content) -> bool:
        """By the arrays or columns frame and X; of a CSV with the unit."""
        if content.is_folder:
            names = _of_animals(content.names)
            return bool(names) and self.recognises(Content(content.path / names[0]))
        if content.kind == "text" and content.lines:
            names = _columns(Layout.of("\n".join(content.lines)))
            return "frame" in names and any(name + UNIT in names for name in X)
        return (
            content.kind == "zip"
            and "frame" in content.names
            and any(name in content.names for name in X)
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """All animals."""
        files = [path / name for name in _of_animals(os.listdir(path))] if path.is_dir() else [path]
        names = [_name(file) for file in files]
        frames: list[IntArray] = []
        points: list[FloatArray] = []
        notes: list[str] = []
        animal: list[IntArray] = []
        for place, file in enumerate(files):
            number, xy, scale = _read(file) if Content(file).kind == "zip" else _read_table(file)
            scale = options.cm_per_pixel or scale
            if scale is None:
                raise refuse(
                    path,
                    "has places in cm. Say how large a pixel is: --cm_per_pixel C (cm_per_pixel in "
                    "TRex).",
                )
            frames.append(number)
            points.append(xy / scale)
            animal.append(np.full(len(number), place, np.int64))
        if not files:
            raise CropzoomError(f"{path}: holds no npz or CSV of TRex.")
        if options.cm_per_pixel is None:
            notes.append(f"{path.name}: cm are pixels by the file's own cm_per_pixel")
        places = np.concatenate(points)
        notes += _doubts(path, places, video, scale)
        return OutsideRows(
            tuple(names),
            np.concatenate(animal),
            np.concatenate(frames),
            keypoints=places[:, None],
            notes=tuple(notes),
        )


def _doubts(path: Path, points: FloatArray, video: VideoFacts, scale: float | None) -> list[str]:
    """Notes where places (N, 2) in pixels fill little of the frame, as by a pixel taken for too large.

    Raises
    ------
    CropzoomError
        If many lie outside of it, as by one taken for too small.
    """
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return []
    cure = f"Look up cm_per_pixel in TRex and give it: --cm_per_pixel C (here it was {scale:g})"
    inside = ((known >= 0) & (known <= video.size)).all(axis=1).mean()
    if inside < 1 - MOST_OUTSIDE:
        raise refuse(
            path,
            f"{1 - inside:.0%} of the places lie outside the frame of {video.width} x {video.height} "
            f"pixels. The cm per pixel may be wrong, or the video is another. {cure}.",
        )
    reach = known.max(axis=0)
    if (reach < np.array(video.size) * LEAST_REACH).all():
        return [
            f"{path.name}: all places lie in the first {reach[0]:.0f} x {reach[1]:.0f} pixels of the "
            f"frame, so the cm per pixel may be wrong. {cure}"
        ]
    return []


def _of_animals(names: Iterable[str]) -> list[str]:
    """The npz, or the CSV where there are none."""
    mine = sorted(
        each for each in names if _FILE.fullmatch(each) and not any(part in each for part in _BESIDE)
    )
    return [name for name in mine if name.endswith(".npz")] or mine


def _name(file: Path) -> str:
    found = _FILE.fullmatch(file.name)
    return found[1] if found else file.stem


def _columns(layout: Layout) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([layout.head], delimiter=layout.delimiter), [])]


def _read_table(file: Path) -> tuple[np.ndarray, np.ndarray, float | None]:
    """The same as :func:`_read` of a CSV, which does not say how large a pixel is."""
    text = read_whole_text(file).strip("\n")
    layout = Layout.of(text)
    names = _columns(layout)
    wanted = [next((name + UNIT for name in axis if name + UNIT in names), "") for axis in (X, Y)]
    if not all(wanted) or "frame" not in names:
        raise refuse(file, "lacks the column frame, X or Y. Add X and Y to output_fields in TRex.")
    table = read_rows(file, text, layout.n_before + 1, len(names), **layout.marks)

    def column(name: str) -> FloatArray:
        cells = table[names.index(name)].replace([np.inf, -np.inf], np.nan)
        return numbers_of(file, cells, quoted(name), layout.n_before + 2)

    frames = column("frame")
    if not np.isfinite(frames).all() or (np.abs(frames) >= 2**31).any() or (frames % 1 != 0).any():
        raise refuse(file, "its column frame has cells that are no whole numbers. Export it again.")
    xy = np.column_stack([column(name) for name in wanted])
    xy[np.isnan(xy).any(axis=1)] = np.nan
    if "missing" in names:
        xy[column("missing") == 1] = np.nan
    return frames.astype(np.int64), xy, None


def _read(file: Path) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Frames, places (N, 2) in cm and cm per pixel if the file says it."""
    try:
        with load_arrays(file, MOST_ARRAY) as arrays:
            frames = as_numbers("frame", arrays["frame"]).ravel()
            x, y = (
                as_numbers(names[-1], arrays[next(n for n in names if n in arrays)]).ravel()
                for names in (X, Y)
            )
            missing = (
                np.asarray(arrays["missing"]).ravel() != 0
                if "missing" in arrays
                else np.zeros(len(x), bool)
            )
            scale = float(np.ravel(arrays["cm_per_pixel"])[0]) if "cm_per_pixel" in arrays else None
    except (*UNREADABLE_ARRAYS, StopIteration) as error:
        raise refuse(
            file, f"is not a readable npz of TRex ({' '.join(str(error).split())[:80]})."
        ) from error
    if (
        not len(frames) == len(x) == len(y) == len(missing)
        or not (np.isfinite(frames) & (np.abs(frames) < 2**31)).all()
    ):
        raise refuse(file, "its arrays X, Y, frame and missing do not fit together.")
    xy = np.column_stack([x, y])
    xy[missing | ~np.isfinite(xy).all(axis=1)] = np.nan
    return frames.astype(np.int64), xy, scale if scale is not None and scale > 0 else None
