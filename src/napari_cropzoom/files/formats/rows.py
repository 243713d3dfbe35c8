"""The rows of a text table of another program, below its header."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.files.csv_table import SEP_LINE, as_floats, exact_numbers, first_line, quoted

if TYPE_CHECKING:
    import pandas as pd

CURE = "Export it again."
DELIMITERS = (";", "\t", ",")
SOME = 100_000  # letters
_POINT, _COMMA = re.compile(r"\d\.\d"), re.compile(r"\d,\d")
_QUOTED_COMMA = re.compile(r'"[-+]?\d*,\d+"')


@dataclass(frozen=True)
class Layout:
    """How a table was written, which differs among the languages of a spreadsheet.

    Attributes
    ----------
    n_before : int
        Lines before the header: 1 where the first is ``sep=;``.
    head : str
        The first line of the header.
    delimiter : str
        Between the cells.
    decimal : str
        Before the fractions.
    """

    n_before: int
    head: str
    delimiter: str
    decimal: str

    @property
    def marks(self) -> dict[str, Any]:
        """For ``pandas.read_csv``."""
        return {"sep": self.delimiter, "decimal": self.decimal}

    @classmethod
    def of(cls, text: str) -> Layout:
        """By what the beginning of a table has."""
        n_before = int(SEP_LINE.fullmatch(first_line(text).strip()) is not None)
        rest = text.partition("\n")[2] if n_before else text
        head = first_line(rest)
        delimiter = max(DELIMITERS, key=head.count)
        some = rest[len(head) : len(head) + SOME]
        comma = _QUOTED_COMMA if delimiter == "," else _COMMA
        decimal = "," if comma.search(some) and not _POINT.search(some) else "."
        return cls(n_before, head, delimiter, decimal)


def read_rows(
    path: Path, text: str, n_header: int, width: int, texts: tuple[int, ...] = (), **more: Any
) -> pd.DataFrame:
    """Return the cells of a table, one row a line; empty ones and shorter rows are NaN.

    Parameters
    ----------
    path : Path
        For the message.
    text : str
    n_header : int
        Lines of it to be passed over.
    width : int
        Columns.
    texts : tuple of int
        Columns that are not numbers.
    **more
        Of ``pandas.read_csv``.

    Raises
    ------
    CropzoomError
        If there are none, or some have more cells than columns.
    """
    import pandas as pd

    if text.count("\n", 0, len(text)) < n_header:
        raise CropzoomError(f"{path}: has a header but no rows. {CURE}")
    try:
        table: pd.DataFrame = pd.read_csv(
            io.BytesIO(text.encode()),  # a StringIO would take four bytes a letter
            skiprows=n_header,
            header=None,
            names=range(width),
            dtype=dict.fromkeys(texts, str),
            skipinitialspace=True,
            skip_blank_lines=False,
            low_memory=False,
            **exact_numbers(),
            **more,
        )
    except (ValueError, OverflowError) as error:
        raise CropzoomError(f"{path}: is not a table ({brief(error)}). {CURE}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise CropzoomError(f"{path}: has rows with more cells than the {width} that are named. {CURE}")
    return table


def numbers_of(path: Path, column: pd.Series[Any], name: str, first_line: int) -> FloatArray:
    """Return a column as finite numbers, NaN where empty.

    Raises
    ------
    CropzoomError
        With the line, if a cell is no number.
    """
    if column.dtype.kind in "iu":
        return column.to_numpy(np.float64)
    numbers = column.to_numpy(np.float64) if column.dtype.kind == "f" else as_floats(column)
    wrong = np.isinf(numbers)
    if column.dtype.kind != "f":
        wrong |= np.isnan(numbers) & column.notna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        cell = quoted(str(column.iat[row]))
        raise CropzoomError(
            f"{path}: line {int(column.index[row]) + first_line}: {name} is {cell}, not a number. {CURE}"
        )
    return numbers
