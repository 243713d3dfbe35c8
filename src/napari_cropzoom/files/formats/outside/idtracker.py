"""idtracker.ai: centres of all animals, as ``trajectories.h5`` or the folder ``trajectories_csv``.

Format: ``idtrackerai.utils.trajectories_io`` of idtracker.ai 6. Its ``.npy`` and ``.pickle`` are pickles
and are not opened.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import check_width
from napari_cropzoom.files.formats.contents import (
    Content,
    as_text,
    hdf5_numbers,
    opened_hdf5,
    read_bounded_json,
    read_whole_text,
)
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts, refuse
from napari_cropzoom.files.formats.rows import Layout, numbers_of, read_rows

TABLE, ABOUT, CHANCES = "trajectories.csv", "attributes.json", "id_probabilities.csv"
FOLDERS = ("trajectories", "validated", "without_gaps", "with_gaps")
LONGEST_BODY = 1e5
_PLACE = re.compile(r"x\d+|trajectories1")
"""First column of places: of a single animal they are named otherwise."""
_HEADER = re.compile(r"(seconds|time),(trajectories1,trajectories2|x\d+,y\d+(,x\d+,y\d+)*)")


class Idtracker:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "idtracker"
    label: ClassVar[str] = "idtracker.ai"
    help: ClassVar[str] = (
        "trajectories.h5, trajectories.csv or their folder; centres, so a crop size is needed"
    )
    patterns: ClassVar[tuple[str, ...]] = ("*.h5", "*.csv")
    arrays: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"trajectories", "id_probabilities"}),)

    def recognises(self, content: Content) -> bool:
        """By the array ``trajectories``, a header of x1, y1, ..., or these files in a folder."""
        if content.is_folder:
            return _inside(content.path) is not None
        if content.kind == "hdf5":
            return "trajectories" in content.names
        return content.kind == "text" and bool(content.lines) and _is_header(content.lines)

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Centres, how sure the identities are, names, and the length of the body."""
        file = path
        if path.is_dir():
            found = _inside(path)
            if found is None:
                raise refuse(
                    path, "holds no trajectories.h5 and no trajectories_csv. Export the session again."
                )
            file = found
        xy, chances, about = _from_hdf5(file) if Content(file).kind == "hdf5" else _from_csv(file)
        if len(xy) != video.n_frames:
            raise refuse(
                path,
                f"has {counted(len(xy), 'frame')} but {video.name} has "
                f"{counted(video.n_frames, 'frame')}. Give the "
                "video that was tracked, whole.",
            )
        wanted = [about.get("width"), about.get("height")]
        if all(isinstance(each, int | np.integer) for each in wanted) and tuple(wanted) != video.size:
            raise refuse(
                path,
                f"was tracked in frames of {wanted[0]} x {wanted[1]}, {video.name} has {video.width} x "
                f"{video.height}.",
            )
        body_length = _length(about.get("body_length"))
        if body_length is None and options.crop_ratio is not None:
            raise refuse(
                file,
                "lacks the length of the body, in which --crop_ratio counts. That is in trajectories.h5, "
                f"and in the {ABOUT} beside {TABLE}: give the folder of the session, or --crop_size N in "
                "pixels.",
            )
        labels = about.get("identities_labels")
        names = (
            [as_text(each) for each in labels]
            if labels is not None and len(labels) == xy.shape[1]
            else None
        )
        if names is None or all(name.isdigit() for name in names):
            names = [f"animal_{place}" for place in range(1, xy.shape[1] + 1)]
        return OutsideRows.dense(names, xy[:, :, None], chances, body_length=body_length)


def _length(value: Any) -> float | None:
    """Length of the body in pixels, None if that is none."""
    is_number = isinstance(value, int | float | np.number)
    return float(value) if is_number and 0 < float(value) < LONGEST_BODY else None


def _inside(folder: Path) -> Path | None:
    """The trajectories in the folder of a session, of its trajectories, or of a CSV export."""
    if (folder / TABLE).is_file():
        return folder / TABLE
    for place in (folder, folder / "trajectories"):
        for name in FOLDERS:
            for each in (place / f"{name}.h5", place / f"{name}_csv" / TABLE):
                if each.is_file():
                    return each
    return None


def _is_header(lines: list[str]) -> bool:
    layout = Layout.of("\n".join(lines))
    names = layout.head.strip().lower().replace(" ", "").replace(layout.delimiter, ",")
    return _HEADER.fullmatch(names) is not None


def _from_hdf5(path: Path) -> tuple[FloatArray, FloatArray, dict[str, Any]]:
    with opened_hdf5(path) as file:
        xy = hdf5_numbers(file, "trajectories")
        if xy.ndim != 3 or xy.shape[2] != 2:
            raise refuse(path, f"trajectories has the shape {xy.shape}, not (frames, animals, 2).")
        chances = np.full(xy.shape[:2], np.nan)
        if "id_probabilities" in file:
            chances = hdf5_numbers(file, "id_probabilities").reshape(xy.shape[:2])
        about = {
            key: file.attrs[key]
            for key in ("identities_labels", "body_length", "width", "height")
            if key in file.attrs
        }
    return xy, chances, about


def _from_csv(path: Path) -> tuple[FloatArray, FloatArray, dict[str, Any]]:
    header, values = _table(path)
    first = next((place for place, name in enumerate(header) if _PLACE.fullmatch(name)), None)
    if first is None or (len(header) - first) % 2:
        raise refuse(path, "names no columns x1, y1 of places. Export the session again.")
    xy = values[:, first:].reshape(len(values), -1, 2)
    chances = np.full(xy.shape[:2], np.nan)
    beside = path.with_name(CHANCES)
    if path.name == TABLE and beside.is_file():
        found = _table(beside)[1][:, first:]
        if found.shape == chances.shape:
            chances = found
    about: dict[str, Any] = {}
    if path.name == TABLE and path.with_name(ABOUT).is_file():
        content = read_bounded_json(path.with_name(ABOUT))
        about = content if isinstance(content, dict) else {}
        if not isinstance(about.get("identities_labels"), list):
            about.pop("identities_labels", None)
    return xy, chances, about


def _table(path: Path) -> tuple[list[str], FloatArray]:
    text = read_whole_text(path).strip("\n")
    layout = Layout.of(text)
    header = [name.strip().lower() for name in layout.head.split(layout.delimiter)]
    check_width(path, ",".join(header), "trajectories")
    table = read_rows(path, text, layout.n_before + 1, len(header), **layout.marks)
    columns = (numbers_of(path, table[k], name, layout.n_before + 2) for k, name in enumerate(header))
    return header, np.column_stack(list(columns))
