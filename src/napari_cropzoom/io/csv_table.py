"""Text tables: at once where they hold nothing but numbers, cell by cell where a message may be due.

pandas is imported where it is used: it takes longer to import than the commands on boxes take to run.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.whole_numbers import parse_rows

if TYPE_CHECKING:
    import pandas as pd


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


def quick_numbers(text: str) -> tuple[list[str], FloatArray] | None:
    """Header and numbers of a table that needs no closer look.

    Parameters
    ----------
    text : str
        As :func:`read_text` returns it.

    Returns
    -------
    names : list of C str
        Cells of the first line, stripped, in lower case.
    numbers : ndarray, (N, C)
        Finite, NaN where the cell is empty or ``nan``; the numbers that :func:`read_cells` and
        ``pandas.to_numeric`` give. None instead of both if some cell is no number, the rows differ in
        length or the header is quoted.
    """
    header, _, rows = text.partition("\n")
    if '"' in header or "\r" in header[:-1] or not rows:
        return None
    names = [name.strip().lower() for name in header.split(",")]
    whole = parse_rows(rows.encode(), len(names))
    if whole is not None:
        return names, whole.astype(np.float64)

    import pandas as pd

    try:
        table = pd.read_csv(
            io.StringIO(rows),
            header=None,
            dtype=np.float64,
            keep_default_na=False,
            na_values=["", "nan"],
            skip_blank_lines=False,
        )
    except ValueError:
        return None
    if table.shape[1] != len(names) or np.isinf(table.to_numpy()).any():
        return None
    return names, table.to_numpy()


def read_cells(path: Path, text: str, what: str) -> pd.DataFrame:
    """Every cell of a CSV file as a stripped string; row ``i`` is line ``i + 1`` of the file.

    Parameters
    ----------
    path : Path
        For the message.
    text : str
        As :func:`read_text` returns it.
    what : str
        As for :func:`read_text`.

    Raises
    ------
    CropzoomError
        If the rows do not make a table.
    """
    import pandas as pd

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
