"""Files that a person names for a verb to write."""

from __future__ import annotations

from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import check_writable

_HEAD = 200  # bytes


def check_output(output: Path, begins: str, what: str) -> None:
    """Refuse a file to write, before the work whose result it is.

    One that is there is replaced only if it is what this verb wrote before: a name that was meant for
    another option, or a tabulator too much, costs nobody the labels or the video.

    Parameters
    ----------
    output : Path
    begins : str
        What such a file begins with, whatever the blanks.
    what : str
        What it is, with its article.

    Raises
    ------
    CropzoomError
        If it is something else, or cannot be written.
    """
    if output.is_file():
        with output.open("rb") as file:
            head = file.read(_HEAD)
        there = "".join(head.decode("utf-8-sig", "replace").split())
        if there and not there.startswith("".join(begins.split())):
            raise CropzoomError(f"{output}: is there already, and is not {what}. Give another name.")
    check_writable(output)
