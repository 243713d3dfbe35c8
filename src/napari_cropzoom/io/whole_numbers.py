"""CSV rows of whole numbers, read and written with numpy alone, many rows at a time.

A million boxes are five million small numbers: converting them one by one takes seconds, and importing a
library that does it fast takes longer than most commands run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, IntArray

LARGEST = 2**53  # beyond it float64 does not hold every whole number
ROWS_AT_ONCE = 1 << 14  # what a processor's cache holds
BYTES_AT_ONCE = 1 << 18
ALPHABET = b"0123456789-,\n"
COMMA, NEWLINE, MINUS, ZERO = b",\n-0"


def parse_rows(text: bytes, columns: int) -> IntArray | None:
    """Numbers of lines that hold ``columns`` whole numbers each and nothing else.

    Parameters
    ----------
    text : bytes
        Lines that end in a newline, the last one with or without.
    columns : int

    Returns
    -------
    ndarray, (N, columns) or None
        None if anything is not of this plainest kind, such as an empty cell, a space or a point; it may
        be right all the same.
    """
    text = text.replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"
    parts = []
    start = 0
    while start < len(text):
        end = text.find(b"\n", start + BYTES_AT_ONCE) + 1 or len(text)
        part = _parse(text[start:end], columns)
        if part is None:
            return None
        parts.append(part)
        start = end
    return np.concatenate(parts)


def _parse(text: bytes, columns: int) -> IntArray | None:
    if text.translate(None, ALPHABET) or not _is_table(np.frombuffer(text, np.uint8), columns):
        return None
    numbers = np.fromstring(text.replace(b"\n", b","), np.int64, sep=",").reshape(-1, columns)
    return None if numbers.max() > LARGEST or numbers.min() < -LARGEST else numbers


def _is_table(text: NDArray[np.uint8], columns: int) -> bool:
    """Whether every line has so many cells, none of them empty, and signs only where they belong."""
    ends = np.flatnonzero((text == COMMA) | (text == NEWLINE))
    if len(ends) % columns or not (np.diff(ends, prepend=-1) > 1).all():
        return False
    kinds = text[ends].reshape(-1, columns)
    if (kinds[:, :-1] != COMMA).any() or (kinds[:, -1] != NEWLINE).any():
        return False
    signs = np.flatnonzero(text == MINUS)
    before, after = text[signs - 1], text[signs + 1]  # before the first cell is the last newline
    return bool((before < MINUS).all() and (after >= ZERO).all())


def format_rows(numbers: IntArray, blank: BoolArray | None = None) -> bytes:
    """Lines of whole numbers separated by commas; the inverse of :func:`parse_rows`.

    Parameters
    ----------
    numbers : ndarray, (N, C)
    blank : ndarray, (N, C) bool, optional
        Cells that stay empty.
    """
    if blank is None:
        blank = np.zeros(numbers.shape, bool)
    starts = range(0, len(numbers), ROWS_AT_ONCE)
    parts = [slice(start, start + ROWS_AT_ONCE) for start in starts]
    return b"".join(_format(numbers[part], blank[part]) for part in parts)


def _format(numbers: IntArray, blank: BoolArray) -> bytes:
    """Write every cell as wide as the widest, right-aligned, then drop what is left over."""
    rest = np.abs(numbers)
    width = len(str(rest.max()))
    rest = rest.astype(np.uint32 if width < 10 else np.uint64)
    cells = np.empty((*numbers.shape, width + 2), np.uint8)  # a sign, the digits, a comma
    keep = np.zeros(cells.shape, bool)
    for place in range(width, 0, -1):
        keep[..., place] = rest > 0
        tens = rest // 10  # much faster than divmod
        cells[..., place] = rest - 10 * tens + ZERO
        rest = tens
    keep[..., width] = True  # the last digit, of a zero too
    cells[..., 0] = MINUS
    keep[..., 0] = numbers < 0
    keep[blank] = False
    cells[..., -1] = COMMA
    cells[:, -1, -1] = NEWLINE
    keep[..., -1] = True
    return cells[keep].tobytes()
