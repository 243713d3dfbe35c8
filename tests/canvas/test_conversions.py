import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.canvas.conversions import box_to_dashes, box_to_rectangle, rectangle_to_box
from napari_cropzoom.core.boxes import MISSING_BOX, Box

boxes = st.builds(
    Box,
    *[st.integers(-5000, 5000).map(lambda v: v / 4)] * 2,
    *[st.integers(1, 5000).map(lambda v: v / 4)] * 2,
)


def test_a_box_covers_whole_pixels_whose_centres_napari_puts_at_whole_numbers():
    assert box_to_rectangle(Box(10, 20, 4, 2)).tolist() == [
        [19.5, 9.5],
        [19.5, 13.5],
        [21.5, 13.5],
        [21.5, 9.5],
    ]


@given(boxes)
def test_round_trip(box):
    assert rectangle_to_box(box_to_rectangle(box)) == box


@given(boxes, st.permutations(range(4)))
def test_any_order_of_corners(box, order):
    assert rectangle_to_box(box_to_rectangle(box)[list(order)]) == box


def test_a_turned_rectangle_becomes_the_box_round_it():
    diamond = [[0, 10], [10, 20], [20, 10], [10, 0]]
    assert rectangle_to_box(diamond) == Box(0.5, 0.5, 20, 20)


@given(boxes)
def test_dashes_run_along_the_outline_and_reach_its_corners(box):
    dashes = box_to_dashes(box)
    assert dashes.shape == (36, 2, 2)
    ends = np.concatenate([dashes[:, 0], dashes.sum(axis=1)])
    np.testing.assert_allclose(rectangle_to_box(ends), box, atol=1e-6)
    rectangle = box_to_rectangle(box)
    low, high = rectangle.min(axis=0), rectangle.max(axis=0)
    near = np.isclose(ends, low, atol=1e-6) | np.isclose(ends, high, atol=1e-6)
    assert near.any(axis=1).all()


def test_no_dashes_without_a_box():
    assert box_to_dashes(MISSING_BOX).shape == (0, 2, 2)
