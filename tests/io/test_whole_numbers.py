"""The quick road gives what the careful one gives, or nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_cropzoom.io.bbox_table import careful_boxes, quick_boxes
from napari_cropzoom.io.csv_table import quick_numbers
from napari_cropzoom.io.whole_numbers import LARGEST, format_rows, parse_rows

WHOLE = st.integers(-LARGEST, LARGEST) | st.integers(-999, 999)
TABLES = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=WHOLE)


@given(TABLES)
def test_written_as_pandas_writes_and_read_back(numbers):
    text = format_rows(numbers)
    assert text == pd.DataFrame(numbers).to_csv(index=False, header=False, lineterminator="\n").encode()
    for variant in (text, text[:-1], text.replace(b"\n", b"\r\n")):
        np.testing.assert_array_equal(parse_rows(variant, numbers.shape[1]), numbers)


def test_more_rows_than_go_at_once():
    rng = np.random.default_rng(0)
    numbers = rng.integers(-2000, 2000, (50_000, 5)) * rng.integers(0, 3, (50_000, 1))
    blank = rng.uniform(size=numbers.shape) < 0.1
    text = format_rows(numbers, blank)
    table = pd.DataFrame(numbers).astype("Int64").mask(blank)
    assert text == table.to_csv(index=False, header=False, lineterminator="\n").encode()
    assert parse_rows(text, 5) is None
    np.testing.assert_array_equal(parse_rows(format_rows(numbers), 5), numbers)
    assert parse_rows(format_rows(numbers) + b"1,2,3,4\n", 5) is None


@pytest.mark.parametrize(
    "text",
    [
        b"1,2\n3\n4", b"1,2\n3,4,5,6", b"1\n2,3,4", b"1,,2,3", b"1,2\n\n3,4", b"1,2\n3,", b",1\n2,3", b"",
        b"1-2,3", b"--1,2", b"-,2", b"1,2-", b"1,-\n3,4", b"1, 2", b"1.0,2", b"+1,2", b"1e3,2", b'"1",2',
        b"1,\xc2\xb2", b"1,99999999999999999999", b"1,-9007199254740993",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_others(text):
    assert parse_rows(text, 2) is None


NUMBERS = st.floats(1e-12, 1e12, allow_nan=False) | st.integers(1, 10**18)
CELLS = st.one_of(NUMBERS.map(repr), NUMBERS.map(lambda n: f" {n:.3e}"), NUMBERS.map(lambda n: f"+{n} "))


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_floats_are_the_same_to_the_bit(rows):
    text = "x,y,h,w\n" + "\n".join(map(",".join, rows)) + "\n9,9,9,9"
    quick, careful = quick_boxes(text), careful_boxes(Path("v.csv"), text, False)
    assert quick is not None
    np.testing.assert_array_equal(quick[0], careful[0])


@pytest.mark.parametrize(
    "rows",
    [
        "1,2,3",
        ["1,2,3", "1,2,3,4,5", "1,2,3,4\n1,2,3,4,5", "1,2,3,NA", "1,2,3,null", "1,2,3,inf", "1,2,3,"],
        "1,2,3,4\n1,2,3,4,5",
        "1,2,3,NA",
        "1,2,3,null",
        "1,2,3,inf",
        "1,2,3,",
        "1,2,3, ",
    ],
)
def test_numbers_alone_are_taken_quickly(rows):
    found = quick_numbers(f"X, y,h,w\n{rows}")
    if rows == "1,2,3,":
        assert found is not None
        assert found[0] == ["x", "y", "h", "w"]
        np.testing.assert_array_equal(found[1], [[1, 2, 3, np.nan]])
    else:
        assert found is None
