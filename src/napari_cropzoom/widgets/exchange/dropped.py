"""What a dropped or chosen file is to the review, by a first look that takes no time."""

from __future__ import annotations

import json
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.belonging import check_identity, made_of
from napari_cropzoom.files.formats.base import LONGEST_LINE, header_cells
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.importing import recognise
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.parsing import MISSHAPEN, size_of
from napari_cropzoom.files.review_paths import REVIEW_DIR

JOURNAL = "_journal.jsonl"
ALSO = (".hdf5", ".pickle", ".pkl", ".npy", ".tiff")  # refused with the cure, or read
QUICK = ("text", "json", "xml", "folder", "zip", "netcdf3")  # recognised without a package
ARRAYS = tuple(names for each in OUTSIDE for names in getattr(each, "arrays", ()))
SUFFIXES = {Path(pattern).suffix for each in OUTSIDE for pattern in each.patterns} | set(ALSO)
IMAGES = (".tif", ".tiff")  # napari's own; label images are dropped on the dock
OURS = (".slp", ".nwb")  # no program but those that know animals writes these
OWN_COLUMNS = ["x", "y", "h", "w"]
INDEX = ("", "frame", "index")
LEVELS = 5  # folders above a file, in which its video is looked for


class Kind(Enum):
    """What a file is."""

    JOURNAL = "review"
    TABLE = "table of boxes"
    OUTSIDE = "file of another program"


def kind_of(path: Path) -> Kind:
    """A journal by its name, a table of ours or of litpose by its columns; else another program's."""
    if path.name.endswith(JOURNAL):
        return Kind.JOURNAL
    cells = header_cells(path) if path.is_file() else []
    if cells and cells[0] in INDEX:
        cells = cells[1:]
    return Kind.TABLE if cells == OWN_COLUMNS else Kind.OUTSIDE


def may_be_boxes(path: Path) -> bool:
    """Whether a file that is dropped on the dock can be boxes, by its name; a folder by what is in it."""
    if path.is_dir():
        return is_boxes(path)
    return path.name.endswith(JOURNAL) or path.suffix.lower() in SUFFIXES


def is_boxes(path: Path) -> bool:
    """Whether a file is boxes for certain, so that napari need not open it."""
    if path.name.endswith(JOURNAL) or path.suffix.lower() in OURS:
        return path.is_file()
    try:
        content = Content(path)
        if content.kind == "hdf5":
            return any(names <= content.certain_names for names in ARRAYS)
        return content.kind in QUICK and recognise(path) is not None
    except (CropzoomError, OSError):
        return False


def is_recognised(path: Path) -> bool:
    """Whether a file is boxes, keypoints or a review, whatever it takes to tell."""
    if path.is_dir() or path.suffix.lower() in IMAGES:
        return False
    try:
        return is_boxes(path) or recognise(path) is not None
    except (CropzoomError, OSError):
        return False


def reviewed_by(journal: Path) -> Path:
    """Raw boxes whose review a journal is.

    Raises
    ------
    CropzoomError
        If they are not there.
    """
    raw_csv = journal.parent.parent / f"{journal.name.removesuffix(JOURNAL)}_bbox.csv"
    if journal.parent.name != REVIEW_DIR or not raw_csv.is_file():
        raise CropzoomError(
            f"{journal}: is the journal of a review, but the boxes that it is of are not in the folder "
            f"above ({raw_csv.name}). Put the folder {REVIEW_DIR} back beside them."
        )
    return raw_csv


def video_of(path: Path) -> Path | None:
    """The video that boxes or a review say they are of, if it lies near: in folders above it.

    It counts only if it is the very file: its size and a sample of its bytes are compared.
    """
    identity = journal_identity(path) if path.name.endswith(JOURNAL) else made_of(path)
    name = Path(str(identity.get("name", ""))).name if identity else ""
    if not identity or not name:
        return None
    for folder in list(path.absolute().parents)[:LEVELS]:
        for place in (folder / name, folder / "videos" / name):
            with suppress(CropzoomError, OSError):
                if place.is_file():
                    check_identity(path, identity, place)
                    return place
    return None


def journal_identity(journal: Path) -> dict[str, Any] | None:
    """What the first line of a journal says of its video."""
    try:
        size_of(journal)
        with journal.open("rb") as file:
            head = json.loads(file.readline(LONGEST_LINE))
        identity = head["made_of"]
    except (OSError, *MISSHAPEN):
        return None
    return identity if isinstance(identity, dict) else None
