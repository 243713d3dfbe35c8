import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.geometry import crop_to_frame, frame_to_crop
from napari_cropzoom.core.smoothing.finalize import crop_size, fill_missing, finalize, out_of_frame

NAN = [np.nan] * 4


def test_interpolating_moves_the_centre_and_the_size_linearly():
    boxes = np.array([[0, 0, 10, 10], NAN, [20, 40, 30, 10], NAN])
    filled = fill_missing(boxes, "interpolate")
    assert filled[1].tolist() == [10, 20, 20, 10]
    assert filled[3].tolist() == [20, 40, 30, 10]
    assert filled[[0, 2]].tolist() == boxes[[0, 2]].tolist()


def test_holding_repeats_the_last_box_and_the_first_before_it():
    boxes = np.array([NAN, [1, 2, 3, 4], NAN, [5, 6, 7, 8]])
    assert fill_missing(boxes, "hold")[:, 0].tolist() == [1, 1, 1, 5]


def test_a_track_without_boxes_stays_so_and_an_unknown_way_is_refused():
    assert np.isnan(fill_missing(np.full((3, 4), np.nan))).all()
    with pytest.raises(CropzoomError, match="guess"):
        fill_missing(np.zeros((1, 4)), "guess")


def test_final_boxes_are_whole_and_even():
    boxes = np.array([[0.5, 1.5, 3.2, 4.6], NAN, [-7.4, 2, 0.1, 8]])
    final = finalize(boxes)
    assert final[0].tolist() == [0, 2, 4, 6]
    assert final[2].tolist() == [-7, 2, 2, 8]
    assert np.isnan(final[1]).all()


def test_crop_size_is_the_even_median():
    boxes = np.array([[0, 0, 10, 20], [0, 0, 31, 24], NAN, [0, 0, 30, 27]])
    assert crop_size(boxes) == (30, 24)
    with pytest.raises(CropzoomError, match="no box"):
        crop_size(np.array([NAN]))


def test_out_of_frame_at_each_edge():
    boxes = np.array([[0, 0, 10, 8], [-1, 0, 5, 5], [0, -1, 5, 5], [6, 0, 5, 5], [0, 4, 5, 5]], float)
    assert out_of_frame(boxes, 10, 8).tolist() == [False, True, True, True, True]


@given(
    st.lists(
        st.tuples(
            st.integers(-200, 900), st.integers(-200, 900), st.integers(2, 700), st.integers(2, 700)
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(2, 500),
    st.integers(2, 500),
    st.integers(0, 2**31),
)
def test_crop_and_frame_are_inverse_for_boxes_of_changing_size(boxes, width, height, seed):
    boxes = np.array(boxes, float)
    xy = np.random.default_rng(seed).uniform(-50, 900, (len(boxes), 3, 2))
    there = frame_to_crop(xy, boxes, (width, height))
    np.testing.assert_allclose(crop_to_frame(there, boxes, (width, height)), xy, rtol=0, atol=1e-6)


def test_the_corners_of_the_crop_are_the_corners_of_the_box():
    boxes = np.array([[100.0, 50, 40, 20], [0, 0, 80, 60]])
    corners = np.array([[[0, 0], [64, 32]]] * 2, float)
    assert crop_to_frame(corners, boxes, (64, 32)).tolist() == [
        [[100, 50], [140, 70]],
        [[0, 0], [80, 60]],
    ]


def test_an_unresized_crop_only_shifts_to_the_bit():
    xy = np.random.default_rng(0).normal(100, 30, (50, 4, 2))
    boxes = np.tile([13.0, 7, 64, 48], (50, 1))
    assert (crop_to_frame(xy, boxes, (64, 48)) == xy + np.array([13, 7])).all()
