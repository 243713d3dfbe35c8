"""Smoothing with too large a window moves boxes off the animal: how many is counted."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.inspection.inspection import doubtful_frames
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.core.smoothing.leaving import frames_left, leaves, told_of_left
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from walks import walk

N = 2000
METHODS = [name for name, each in SMOOTHING_METHODS.items() if each.filter is not None]
NOBODY = np.zeros(N, bool)


@pytest.fixture
def boxes():
    return walk(N)


def test_a_box_is_left_where_over_a_third_of_it_is_outside_on_one_side():
    box = np.tile([100.0, 100, 60, 90], (6, 1))
    final = box + np.array([[19, 0], [21, 0], [0, -31], [0, 29], [-200, 0], [np.nan, 0]]).repeat(2, 1)[
        :, [0, 2, 1, 3]
    ] * [1, 1, 0, 0]
    assert leaves(box, final).tolist() == [False, True, True, False, True, False]
    assert leaves(box, np.tile([90.0, 90, 200, 200], (6, 1))).sum() == 0  # larger: nothing is outside
    assert leaves(box, np.tile([110.0, 120, 42, 50], (6, 1))).sum() == 0  # smaller, by less on each side
    assert leaves(box, np.tile([110.0, 120, 25, 50], (6, 1))).all()


@pytest.mark.parametrize("method", METHODS)
def test_sensible_windows_leave_none_and_large_ones_many(boxes, method):
    for window in (3, 5, 9):
        assert frames_left(boxes, SmoothingSettings(method, window), NOBODY, NOBODY) == 0
    if method != "savgol":  # which follows a circle
        assert frames_left(boxes, SmoothingSettings(method, 301), NOBODY, NOBODY) > 200


def test_boxes_that_smoothing_is_to_take_away_do_not_count(boxes):
    boxes[500:504] += [300, 0, 0, 0]
    doubtful = doubtful_frames(boxes)
    assert doubtful[500:504].all()
    settings = SmoothingSettings("gaussian", 9)
    assert frames_left(boxes, settings, NOBODY, doubtful) == 0
    assert frames_left(boxes, settings, NOBODY, NOBODY) > 4  # once a person has accepted them, they do


def test_boxes_set_by_hand_are_passed_and_those_beside_are_not(boxes):
    settings, is_manual = SmoothingSettings("median", 301), np.zeros(N, bool)
    is_manual[::2] = True
    before = frames_left(boxes, settings, NOBODY, NOBODY)
    assert frames_left(boxes, settings, is_manual, NOBODY) < before / 2


def test_what_is_said():
    assert told_of_left(0, N) == ""
    assert told_of_left(3, N).startswith("in 3 of 2000 frames the smoothed box leaves out over a third")
