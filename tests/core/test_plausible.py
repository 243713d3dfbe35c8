"""What can be boxes of a video, row by row and as a whole."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.plausible import bad_rows, table_doubt, table_fault, why_bad

FRAME = (640, 480)
GOOD = [100.0, 80, 60, 50]


def walk(n: int = 600, side: float = 80.0) -> np.ndarray:
    """Boxes round an animal that goes everywhere in the frame, (n, 4)."""
    t = np.linspace(0, 8 * np.pi, n)
    centre = np.column_stack([320 + 300 * np.sin(t), 240 + 220 * np.sin(1.37 * t + 1)])
    return np.column_stack([centre - side / 2, np.full((n, 2), side)])


def as_centres(boxes: np.ndarray) -> np.ndarray:
    return np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]])


def as_corners(boxes: np.ndarray) -> np.ndarray:
    return np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([np.inf, 0, 10, 10], "x is inf"),
        ([0, -np.inf, 10, 10], "y is -inf"),
        ([0, 0, 1e300, 10], "w is 1e.300"),
        ([1e308, 0, 1e308, 10], "x is 1e.308"),
        ([0, 0, 10, 2e9], "h is 2e.09"),
        ([0, 0, 0, 10], "no area"),
        ([0, 0, 10, -1], "no area"),
        ([np.nan, 0, 10, 10], "no value for x"),
        ([np.nan, 0, np.nan, np.nan], "no value for x, w, h"),
        ([-2000, 0, 10, 10], "frame sizes outside a frame of 640 x 480"),
        ([0, 2000, 10, 10], "frame sizes outside a frame of 640 x 480"),
        ([0, 0, 10, 2000], "frame sizes outside a frame of 640 x 480"),
    ],
)
def test_a_row_that_is_no_box_is_known_with_its_reason(row, words):
    boxes = np.array([GOOD, row, [np.nan] * 4])
    assert bad_rows(boxes, FRAME).tolist() == [False, True, False]
    assert re.search(words, why_bad(boxes[1], FRAME))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4))
def test_what_is_no_bad_row_can_be_cropped(row):
    box = np.array([row])
    if not bad_rows(box)[0] and not np.isnan(box).all():
        assert np.isfinite(box).all()
        assert (np.rint(box).astype(np.int64) == np.rint(box)).all()
        assert (box[0, 2:] > 0).all()


@pytest.mark.parametrize("side", [20.0, 80, 200, 470])
def test_boxes_of_an_animal_in_the_frame_are_taken(side):
    boxes = walk(side=side)
    boxes[50:90] = np.nan
    assert not bad_rows(boxes, FRAME).any()
    assert table_fault(boxes, FRAME) == ""
    assert table_doubt(boxes, FRAME) == ""
    assert table_fault(np.full((5, 4), np.nan), FRAME) == ""


def test_an_animal_that_leaves_on_one_side_is_taken():
    boxes = walk()
    boxes[:60, 0] = np.linspace(600, 680, 60)
    assert table_fault(boxes, FRAME) == ""


@pytest.mark.parametrize("size", [FRAME, None])
@pytest.mark.parametrize("overhang", [0.0, 0.4])
def test_fractions_of_the_frame_are_recognised(size, overhang):
    boxes = walk() / np.array([*FRAME, *FRAME])
    boxes[::7, 2:] += overhang + 0.7  # also where some are larger than 1
    assert "look normalised" in table_fault(boxes, size)


def test_sides_as_fractions_are_recognised():
    boxes = walk()
    boxes[:, 2:] /= FRAME
    assert "no sizes in pixels" in table_fault(boxes, FRAME)


@pytest.mark.parametrize("side", [80.0, 200])
def test_centres_taken_for_corners_are_recognised(side):
    boxes = as_centres(walk(side=side))
    assert "x and y look like the centre" in table_fault(boxes, FRAME) + table_doubt(boxes, FRAME)


def test_corners_taken_for_sizes_are_recognised():
    boxes = as_corners(np.clip(walk(), 0, [560, 400, 80, 80]))
    assert "opposite corner" in table_fault(boxes, FRAME) + table_doubt(boxes, FRAME)


def test_swapped_axes_are_recognised():
    boxes = walk() * [0.25, 1, 1, 1] + [440, 0, 0, 0]
    assert "look swapped" in table_fault(boxes[:, [1, 0, 3, 2]], FRAME)


def test_boxes_of_another_video_are_refused():
    assert "outside the frame of 160 x 120" in table_fault(walk(), (160, 120))
    assert "far more than the frame" in table_fault(walk(side=900), (160, 120))
