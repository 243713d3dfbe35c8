"""What a format of boxes, and an export of boxes, say of themselves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import ClassVar, Protocol

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.plausible import Faults, FrameSize
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.csv_table import MOST_COLUMNS
from napari_cropzoom.files.formats.outside_rows import BoxesOut, PosesOut

LONGEST_LINE = 2**20  # characters of a header


class BoxFormat(Protocol):
    """A kind of file that boxes are read from.

    Attributes
    ----------
    name : str
        In file names: lower case, without spaces.
    label : str
        In the window.
    help : str
        What is in such a file, in a sentence.
    patterns : tuple of str
        Of file names, such as ``*.csv``.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]

    def recognises(self, path: Path) -> bool:
        """Whether a file is of this format, by its first lines; never raises."""
        ...

    def read(
        self,
        path: Path,
        n_frames: int | None,
        allow_missing: bool,
        *,
        frame_size: FrameSize | None = None,
        faults: Faults = "refuse",
        notify: Notify = ignore,
    ) -> FloatArray:
        """Return the boxes, (T, 4) ``x, y, w, h`` in pixels of the frame, NaN rows where missing.

        Parameters
        ----------
        path : Path
        n_frames : int or None
            Frames of the video, to be met exactly; None if that is not known.
        allow_missing : bool
            Whether frames without a box are accepted.
        frame_size : (int, int), optional
            Width and height of the video in pixels, to check the boxes against.
        faults : {"refuse", "skip", "tell"}
            What becomes of a file in which some rows are no box, see
            :func:`napari_cropzoom.files.bbox_csv.read_bbox_csv`.
        notify : callable
            Takes a line for a person.

        Raises
        ------
        CropzoomError
            With the file, the line and the cure.
        """
        ...


class BoxExport(Protocol):
    """A kind of file that final boxes are written to; attributes as of :class:`BoxFormat`.

    Without ``patterns`` it is a folder.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write the boxes of one or several animals.

        Raises
        ------
        CropzoomError
            If the file cannot be written, or the format cannot hold them.
        """
        ...


class PoseExport(Protocol):
    """The same of keypoints.

    One that needs more than this package does has them in ``packages``: names of modules.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    patterns: ClassVar[tuple[str, ...]]

    def write(self, path: Path, out: PosesOut) -> None:
        """Write the keypoints of one or several animals.

        Raises
        ------
        CropzoomError
            As for boxes, or if a package is not installed.
        """
        ...


def header_cells(path: Path) -> list[str]:
    """Return the cells of a text file's first line, stripped, in lower case; one empty if none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(LONGEST_LINE)
        if line.count(",") >= MOST_COLUMNS:  # no table; who reads it says so
            line = line.partition(",")[0]
        cells = next(csv.reader([line]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        cells = []
    return [cell.strip().lower() for cell in cells] or [""]
