"""Text tables: all at once where they hold nothing but numbers, else cell by cell for the message.

pandas is imported where it is used: that takes longer than the commands on boxes take to run.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief

if TYPE_CHECKING:
    import pandas as pd


FEW = 2**20
"""Characters that numpy alone reads faster than pandas is imported."""

MOST_COLUMNS = 30_000  # 10,000 keypoints
LONGEST_NUMBER = 309  # digits of the largest float64
MOST_QUOTED = 76
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TAKEN = "`cropzoom import_bbox` reads such a table and writes one that fits."
SEP_LINE = re.compile(r'"?sep=.?"?[,;\t]*', re.IGNORECASE)
"""What a spreadsheet is told in the first line of a table: by what its cells are separated."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")


def quoted(text: str) -> str:
    """Return a cell for a message, in quotes and not longer than a person wants to read."""
    return f"'{brief(text, MOST_QUOTED)}'" if text else "''"


def is_empty(cell: str) -> bool:
    """Whether a cell of the header says nothing; pandas names such columns."""
    return not cell or cell.startswith("Unnamed: ")


def plain_path(image: str) -> str:
    """The path of an image with slashes, whatever system it was written on."""
    return image.replace("\\", "/")


def first_line(text: str) -> str:
    """The first line of a long text, which is not copied for it."""
    end = text.find("\n")
    return text if end < 0 else text[:end]


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a long text, with their ends, one at a time."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        yield text[at:end]
        at = end


def taken_lines(text: str, taken: list[str]) -> Iterator[str]:
    """Yield the lines of a long text, with their ends, and add each to ``taken``."""
    for line in lines_of(text):
        taken.append(line)
        yield line


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
        if path.exists() and not path.is_dir():
            kind = "is a pipe or a device, not a file"
        raise CropzoomError(f"{path}: {kind}. {cure}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}).") from error
    try:
        text = data.decode("utf-8-sig").rstrip()
        if "\r" in text:  # lines of Windows and of the first Macs
            text = text.replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        if data.startswith(UTF16):
            taken = f" {TAKEN}" if what == "boxes" else ""
            raise CropzoomError(
                f"{path}: is not text in UTF-8, but in UTF-16. Save it as CSV in UTF-8.{taken}"
            ) from error
        raise CropzoomError(f"{path}: is not text in UTF-8. {cure}") from error
    if "\0" in text:
        raise CropzoomError(f"{path}: is not text. {cure}")
    if not text:
        raise CropzoomError(f"{path}: is empty. {cure}")
    return text


def read_numbers(text: str) -> tuple[list[str], FloatArray] | None:
    """Header and numbers of a table in which every cell is a number or empty.

    Parameters
    ----------
    text : str
        As :func:`read_text` returns it.

    Returns
    -------
    names : list of C str
        Cells of the first line, stripped, in lower case.
    numbers : ndarray, (N, C)
        Finite, NaN where the cell is empty or ``nan``. None instead of both if some cell is no number,
        the rows differ in length or the header is quoted.
    """
    header, _, rows = text.partition("\n")
    if header.count(",") >= MOST_COLUMNS or '"' in header or not rows:
        return None
    if first_line(rows).count(",") > header.count(","):
        return None
    names = [name.strip().lower() for name in header.split(",")]
    numbers = _few_numbers(rows) if len(rows) < FEW else None
    if numbers is None:
        numbers = _many_numbers(rows)
    if numbers is None or numbers.shape[1] != len(names) or np.isinf(numbers).any():
        return None
    return names, numbers


def _few_numbers(rows: str) -> FloatArray | None:
    """Without pandas; None where a cell is empty or no number."""
    try:
        numbers = np.loadtxt(io.StringIO(rows), np.float64, comments=None, delimiter=",", ndmin=2)
    except ValueError:
        return None
    return numbers if len(numbers) == rows.count("\n") + 1 else None  # blank lines are left out


def _many_numbers(rows: str) -> FloatArray | None:
    import pandas as pd

    try:
        table = pd.read_csv(
            io.BytesIO(rows.encode()),  # which pandas reads faster than text
            header=None,
            dtype=np.float64,
            keep_default_na=False,
            na_values=["", "nan"],
            skip_blank_lines=False,
            **exact_numbers(),
        )
    except ValueError:
        return None
    return np.asarray(table.to_numpy(), np.float64)


def as_floats(column: pd.Series[Any]) -> FloatArray:
    """A column as numbers, NaN where it is none; whole ones too long for a number count as infinite.

    pandas refuses such a column from version 3 on; before it calls the number none.
    """
    import pandas as pd

    try:
        numbers = np.array(pd.to_numeric(column, errors="coerce"), np.float64)
    except OverflowError:
        return np.array([_float(cell) for cell in column.tolist()], np.float64)
    for row in np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy()).tolist():
        cell = column.iat[row]
        if isinstance(cell, int) or (isinstance(cell, str) and len(cell) >= LONGEST_NUMBER):
            numbers[row] = _float(cell)
    return numbers


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        return np.nan


def exact_numbers() -> dict[str, Any]:
    """Return what ``pandas.read_csv`` is told to read numbers to the last bit.

    From version 3.1 on it always does, and warns where it is told.
    """
    import pandas as pd

    version = tuple(int(part) for part in pd.__version__.split(".")[:2])
    return {} if version >= (3, 1) else {"float_precision": "round_trip"}


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

    check_width(path, first_line(text), what)
    try:
        cells = pd.read_csv(
            io.StringIO(text), header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except (pd.errors.ParserError, ValueError) as error:
        raise not_a_table(path, what, error) from error
    stripped: pd.DataFrame = cells.fillna("").apply(lambda column: column.str.strip())
    return stripped


def check_width(path: Path, line: str, what: str, most: int = MOST_COLUMNS) -> None:
    """Refuse a line of more cells than any table of boxes or keypoints has, before it is parsed.

    Raises
    ------
    CropzoomError
    """
    count = line.count(",") + 1
    if count > most:
        raise CropzoomError(
            f"{path}: has {count} columns, which no table has. Give a CSV file of {what}."
        )


def check_separated(path: Path, text: str) -> None:
    """Refuse a table that a spreadsheet wrote with other marks than commas between its cells.

    Raises
    ------
    CropzoomError
    """
    head = first_line(text)
    marks = {"semicolons": head.count(";"), "tabs": head.count("\t"), "commas": head.count(",")}
    usual = max(marks, key=lambda name: marks[name])
    if SEP_LINE.fullmatch(head.strip()):
        raise CropzoomError(f"{path}: line 1: is {quoted(head.strip())}, for a spreadsheet. {TAKEN}")
    if usual != "commas" and marks[usual]:
        raise CropzoomError(f"{path}: line 1: cells must be separated by commas, not {usual}. {TAKEN}")


def why_no_number(name: str, cell: str) -> str:
    """What is wrong with a cell of a box that is no number, and the cure."""
    if _DECIMAL_COMMA.fullmatch(cell):
        return f"{name} is {quoted(cell)}, with a comma for the decimal point. {TAKEN}"
    return f"{name} is {quoted(cell)}, not a number. Write it in pixels."


def not_a_table(path: Path, what: str, error: Exception) -> CropzoomError:
    """Message for a file whose rows differ in length or whose quotes do not close."""
    reason = brief(str(error).removeprefix("Error tokenizing data. C error: "))
    return CropzoomError(f"{path}: is not a table ({reason}). Give a CSV file of {what}.")
