"""Plain numbers are read all at once, with the results of the careful way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.files import csv_table
from napari_cropzoom.files.bbox_table import careful_rows, plain_rows
from napari_cropzoom.files.csv_table import read_numbers

NUMBERS = st.floats(1e-12, 1e12, allow_nan=False) | st.integers(1, 10**18)
EXACT = 2e-12 if pd.__version__.startswith("2.") else 1e-13
"""Pandas 2 cuts the last digits off, by up to 1e-12 of the number in 400,000 tries."""
CELLS = st.one_of(NUMBERS.map(repr), NUMBERS.map(lambda n: f" {n:.3e}"), NUMBERS.map(lambda n: f"+{n} "))


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_both_ways_give_the_same_numbers(rows):
    text = "x,y,h,w\n" + "\n".join(map(",".join, rows)) + "\n9,9,9,9"
    plain, careful = plain_rows(text), careful_rows(Path("v.csv"), text)
    assert plain is not None
    np.testing.assert_allclose(plain.boxes, careful.boxes, rtol=EXACT)


@pytest.mark.parametrize(
    "rows",
    [
        "1,2,3",
        "1,2,3,4,5",
        "1,2,3,4\n1,2,3,4,5",
        "1,2,3,NA",
        "1,2,3,null",
        "1,2,3,inf",
        "1,2,3,",
        "1,2,3, ",
    ],
)
def test_numbers_alone_are_taken_at_once(rows):
    found = read_numbers(f"X, y,h,w\n{rows}")
    if rows == "1,2,3,":
        assert found is not None
        assert found[0] == ["x", "y", "h", "w"]
        np.testing.assert_array_equal(found[1], [[1, 2, 3, np.nan]])
    else:
        assert found is None


FLOATS = st.floats(-1e6, 1e6) | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("few", [0, 2**20], ids=["pandas", "numpy"])
@given(numbers=st.lists(FLOATS, min_size=1, max_size=20))
def test_numbers_are_read_to_the_last_bit(few, numbers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_table, "FEW", few)
        found = read_numbers("x\n" + "\n".join(map(repr, numbers)))
    assert found is not None
    np.testing.assert_array_equal(found[1][:, 0], numbers)


def test_a_blank_line_is_a_row_without_numbers():
    for few in (0, 2**20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_table, "FEW", few)
            found = read_numbers("x,y\n1,2\n\n3,4")
        np.testing.assert_array_equal(found[1], [[1, 2], [np.nan, np.nan], [3, 4]])


@pytest.mark.filterwarnings("error")
def test_pandas_is_not_told_what_it_warns_of():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_table, "FEW", 0)
        found = read_numbers("x,y\n1,2\n3,\n")
    np.testing.assert_array_equal(found[1], [[1, 2], [3, np.nan]])
    assert pd.DataFrame(found[1]).shape == (2, 2)
