"""Text tables as they are in the file: every cell a string, every row with its line number."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from napari_cropzoom.core.errors import CropzoomError


def read_text(path: Path, what: str) -> str:
    """Text of a CSV file, without the blank lines at its end.

    Parameters
    ----------
    path : Path
    what : str
        What the file should hold, for the message: "boxes", "predictions".

    Raises
    ------
    CropzoomError
        If the file is missing, a folder, unreadable, empty or not UTF-8 text.
    """
    cure = f"Give a CSV file of {what}."
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "there is no such file"
        raise CropzoomError(f"{path}: {kind}. {cure}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}).") from error
    try:
        text = data.decode("utf-8-sig").rstrip()
    except UnicodeDecodeError as error:
        raise CropzoomError(f"{path}: is not text in UTF-8. {cure}") from error
    if "\0" in text:
        raise CropzoomError(f"{path}: is not text. {cure}")
    if not text:
        raise CropzoomError(f"{path}: is empty. {cure}")
    return text


def read_cells(path: Path, what: str) -> pd.DataFrame:
    """Every cell of a CSV file as a stripped string; row ``i`` is line ``i + 1`` of the file.

    Raises
    ------
    CropzoomError
        As :func:`read_text`, or if the rows do not make a table.
    """
    text = read_text(path, what)
    try:
        cells = pd.read_csv(
            io.StringIO(text), header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except pd.errors.ParserError as error:
        raise not_a_table(path, what, error) from error
    stripped: pd.DataFrame = cells.fillna("").apply(lambda column: column.str.strip())
    return stripped


def not_a_table(path: Path, what: str, error: Exception) -> CropzoomError:
    """Message for a file whose rows differ in length or whose quotes do not close."""
    reason = " ".join(str(error).removeprefix("Error tokenizing data. C error: ").split())
    return CropzoomError(f"{path}: is not a table ({reason}). Give a CSV file of {what}.")
