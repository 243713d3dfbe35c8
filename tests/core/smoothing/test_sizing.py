import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints, told_of_small

NAN = np.nan


def poses(xy, likelihood=None):
    xy = np.array(xy, float)
    if likelihood is None:
        likelihood = np.ones(xy.shape[:2])
    return Poses(tuple("abcdef"[: xy.shape[1]]), xy, np.array(likelihood, float))


def test_ratio_times_the_larger_span_round_the_mean():
    boxes = boxes_from_keypoints(poses([[[10, 10], [30, 20]]]), SizingSettings(crop_ratio=1.5))
    assert boxes.tolist() == [[20 - 15, 15 - 15, 30, 30]]


def test_an_odd_side_grows_to_even():
    boxes = boxes_from_keypoints(poses([[[0, 0], [7, 0]]]), SizingSettings(crop_ratio=3.0))
    assert boxes[0, 2] == 22


def test_corner_is_cut_towards_zero_as_litpose_does():
    boxes = boxes_from_keypoints(poses([[[0, 0], [5, 0]]]), SizingSettings(crop_ratio=2.0))
    assert boxes[0].tolist() == [-2, -5, 10, 10]  # 2.5 - 5 = -2.5, cut to -2


def test_fixed_size():
    boxes = boxes_from_keypoints(poses([[[50, 60]]]), SizingSettings(crop_ratio=None, crop_size=21))
    assert boxes.tolist() == [[39, 49, 22, 22]]


def test_only_the_anchor_keypoints_count():
    settings = SizingSettings(anchor_keypoints=("a", "b"))
    boxes = boxes_from_keypoints(poses([[[0, 0], [10, 10], [500, 500]]]), settings)
    assert boxes.tolist() == [[-5, -5, 20, 20]]


def test_nan_and_unlikely_keypoints_are_left_out():
    xy = [[[0, 0], [10, 10], [NAN, NAN], [900, 900]]]
    settings = SizingSettings(min_likelihood=0.5)
    boxes = boxes_from_keypoints(poses(xy, [[0.9, 0.9, 0.9, 0.1]]), settings)
    assert boxes.tolist() == [[-5, -5, 20, 20]]


def test_a_frame_without_keypoints_stays_missing():
    boxes = boxes_from_keypoints(poses([[[0, 0], [10, 10]], [[NAN, NAN], [NAN, NAN]]]), SizingSettings())
    assert np.isnan(boxes[1]).all()
    assert boxes[0].tolist() == [-5, -5, 20, 20]


def test_one_keypoint_alone_takes_the_usual_side():
    xy = [[[0, 0], [10, 10]], [[50, 50], [NAN, NAN]]]
    boxes = boxes_from_keypoints(poses(xy), SizingSettings())
    assert boxes[1].tolist() == [40, 40, 20, 20]


def test_boxes_too_small_for_a_model_are_told_with_the_smallest():
    boxes = np.array([[0, 0, 40, 40], [0, 0, 4, 40], [NAN] * 4, [0, 0, 15, 15], [0, 0, 16, 16]])
    told = told_of_small(boxes)
    assert told.startswith("2 of 5 boxes have a side under 16 pixels")
    assert "4 x 40 pixels, is in row 1" in told
    assert "3 of 5 boxes have a side under 32 pixels" in told_of_small(boxes, (256, 128))
    assert told_of_small(boxes[[0, 2, 4]]) == ""
    assert "Make the crop ratio" in told_of_small(boxes, in_window=True)
    few = told_of_small(np.vstack([np.tile(boxes[0], (100, 1)), boxes[1]]), in_window=True)
    assert "is in frame 100. Look at them in step Review." in few


@pytest.mark.parametrize("ratio", [1.0, 0.5, -2, float("inf"), float("nan")])
def test_a_ratio_of_one_or_less_is_refused(ratio):
    with pytest.raises(CropzoomError, match="greater than 1"):
        SizingSettings(crop_ratio=ratio)


def test_both_or_neither_of_ratio_and_size_are_refused():
    with pytest.raises(CropzoomError, match="either"):
        SizingSettings(crop_ratio=2.0, crop_size=10)
    with pytest.raises(CropzoomError, match="either"):
        SizingSettings(crop_ratio=None)
    with pytest.raises(CropzoomError, match="positive"):
        SizingSettings(crop_ratio=None, crop_size=0)


def test_an_unknown_anchor_keypoint_is_named():
    with pytest.raises(CropzoomError, match=r"tail.*This model has: a, b"):
        boxes_from_keypoints(poses([[[0, 0], [1, 1]]]), SizingSettings(anchor_keypoints=("tail",)))
