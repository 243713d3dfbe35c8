import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import BoxTrack, Snapshot, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS, SORTED_AT_MOST
from napari_cropzoom.core.smoothing.methods import (
    Shake,
    SmoothingSettings,
    jitter,
    smooth,
    smoothing_reach,
)
from napari_cropzoom.core.smoothing.track import SmoothedTrack

TOO_SHORT = "the reach of {} is too short: a frame farther away counts too"


def track(n, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([rng.normal(0, 50, (n, 2)).cumsum(0), rng.uniform(20, 90, (n, 2))])
    boxes[rng.random(n) < missing] = np.nan
    return boxes


def rolling(boxes, window):
    return pd.DataFrame(boxes).rolling(window, center=True, min_periods=1)


@pytest.mark.parametrize("window", [1, 2, 5, 6, 51, 400])
@pytest.mark.parametrize("n", [1, 7, 60, 500])
def test_median_has_the_numbers_of_pandas(window, n):
    boxes = track(n)
    expected = rolling(boxes, window).median().to_numpy()
    np.testing.assert_array_equal(smooth(boxes, SmoothingSettings("median", window)), expected)


@pytest.mark.parametrize(("window", "missing"), [(5, 0), (5, 2e-4), (5, 0.1), (6, 2e-4), (301, 2e-4)])
def test_median_of_a_long_track_has_the_numbers_of_pandas(window, missing):
    boxes = track(SORTED_AT_MOST // window + 20_000, missing=missing)
    expected = rolling(boxes, window).median().to_numpy(copy=True)
    expected[np.isnan(boxes[:, 0])] = np.nan
    np.testing.assert_array_equal(smooth(boxes, SmoothingSettings("median", window)), expected)


@pytest.mark.parametrize("missing", [0.002, 0.05, 0.6])
@pytest.mark.parametrize("window", [4, 9])
def test_missing_frames_stay_missing_and_do_not_count(window, missing):
    boxes = track(800, missing=missing)
    gone = np.isnan(boxes[:, 0])
    smoothed = smooth(boxes, SmoothingSettings("median", window))
    np.testing.assert_array_equal(np.isnan(smoothed[:, 0]), gone)
    expected = rolling(boxes, window).median().to_numpy()
    np.testing.assert_allclose(smoothed[~gone], expected[~gone])


@pytest.mark.parametrize("window", [2, 5, 6, 31])
def test_mean_is_the_rolling_mean(window):
    boxes = track(100, missing=0.1)
    gone = np.isnan(boxes[:, 0])
    expected = rolling(boxes, window).mean().to_numpy()
    smoothed = smooth(boxes, SmoothingSettings("mean", window))
    np.testing.assert_allclose(smoothed[~gone], expected[~gone], atol=1e-9)


@pytest.mark.parametrize("method", SMOOTHING_METHODS)
def test_a_box_that_moves_steadily_is_left_alone_away_from_the_ends(method):
    boxes = np.column_stack([np.arange(60.0), np.arange(60.0) * 2, np.full(60, 30), np.full(60, 40)])
    smoothed = smooth(boxes, SmoothingSettings(method, 7))
    np.testing.assert_allclose(smoothed[7:-7], boxes[7:-7], atol=1e-9)


@given(
    st.sampled_from(list(SMOOTHING_METHODS)),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.sets(st.integers(0, 119), max_size=12),
    st.sampled_from([0.0, 0.03, 0.3]),
)
@settings(max_examples=150, deadline=None)
def test_anchors_are_passed_exactly_and_one_frame_alone_gives_the_same(
    method, window, seed, anchors, missing
):
    boxes = track(120, seed, missing)
    is_manual = np.isin(np.arange(120), list(anchors))
    boxes[is_manual] = track(120, seed + 1)[is_manual]
    chosen = SmoothingSettings(method, window)
    smoothed = smooth(boxes, chosen, is_manual)
    np.testing.assert_array_equal(smoothed[is_manual], boxes[is_manual])
    edited = BoxTrack(boxes)
    edited.source[is_manual] = Source.MANUAL
    one_by_one = SmoothedTrack(edited, chosen)
    for frame in (0, 17, 60, 119):
        np.testing.assert_allclose(
            one_by_one.box(frame), smoothed[frame], 0, 1e-8, err_msg=TOO_SHORT.format(method)
        )


def test_there_is_no_step_beside_an_anchor():
    boxes = np.tile([100.0, 100, 50, 50], (101, 1))
    boxes[50] = [180, 100, 50, 50]
    is_manual = np.arange(101) == 50
    smoothed = smooth(boxes, SmoothingSettings("median", 21), is_manual)
    assert smoothed[50, 0] == 180
    assert np.abs(np.diff(smoothed[:, 0])).max() < 80 / 10
    np.testing.assert_array_equal(smoothed[[0, 29, 71, 100], 0], 100)


def test_neighbouring_anchors_are_joined_without_overshoot():
    boxes = np.tile([100.0, 100, 50, 50], (60, 1))
    boxes[[20, 26], 0] = [150, 170]
    is_manual = np.isin(np.arange(60), [20, 26])
    smoothed = smooth(boxes, SmoothingSettings("median", 15), is_manual)
    between = smoothed[20:27, 0]
    assert (np.diff(between) > 0).all()
    assert between[0] == 150
    assert between[-1] == 170


@given(
    st.sampled_from(list(SMOOTHING_METHODS)),
    st.integers(1, 30),
    st.integers(0, 99),
    st.lists(st.tuples(st.integers(0, 119), st.sampled_from(["set", "move", "take"])), max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_no_method_leaves_old_boxes_after_an_edit(method, window, seed, edits):
    """The reach that a method names is far enough, at the ends and beside missing frames too."""
    edited = BoxTrack(track(120, seed, 0.02))
    smoothed = SmoothedTrack(edited, SmoothingSettings(method, window))
    smoothed.boxes()
    for frame, what in edits:
        state = edited.snapshot(frame, frame)
        source = Source.MANUAL if what == "set" else Source.INTERPOLATED
        box = [[np.nan] * 4] if what == "take" else [[frame * 7.0, 300 - frame, 40, 60]]
        edited.put(frame, Snapshot(np.array(box), np.array([source], np.uint8), state.review))
        smoothed.renew(frame, frame)
        whole = smooth(edited.boxes, smoothed.settings, edited.is_manual)
        np.testing.assert_allclose(smoothed.boxes(), whole, 0, 1e-8, err_msg=TOO_SHORT.format(method))


def test_a_box_asked_for_by_itself_is_not_that_before_the_edit():
    edited = BoxTrack(track(120, 1))
    smoothed = SmoothedTrack(edited, SmoothingSettings("median", 9))
    before = smoothed.box(60)
    for frame in (57, 58, 59, 61, 62):
        state = edited.snapshot(frame, frame)
        edited.put(
            frame, Snapshot(np.array([[900.0, 900, 40, 60]]), np.array([Source.MANUAL]), state.review)
        )
        smoothed.renew(frame, frame)
    whole = smooth(edited.boxes, smoothed.settings, edited.is_manual)
    assert smoothed.box(60) != before
    np.testing.assert_allclose(smoothed.box(60), whole[60], rtol=0, atol=1e-8)


@given(st.integers(0, 99), st.sampled_from(list(SMOOTHING_METHODS)), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_a_change_moves_nothing_outside_its_reach(frame, method, window):
    boxes = track(100)
    chosen = SmoothingSettings(method, window)
    changed = boxes.copy()
    changed[frame] += 40
    anchor = np.arange(100) == frame
    moved = ~np.isclose(smooth(boxes, chosen), smooth(changed, chosen, anchor), rtol=0, atol=1e-9).all(
        axis=1
    )
    first, last = smoothing_reach(frame, frame, chosen, 100)
    assert not moved[:first].any(), TOO_SHORT.format(method)
    assert not moved[last + 1 :].any(), TOO_SHORT.format(method)


def test_jitter_of_known_tracks():
    steady = np.column_stack([np.arange(9.0), np.zeros(9), np.full(9, 4), np.full(9, 4)])
    assert jitter(steady) == 0
    shaking = steady.copy()
    shaking[::2, 1] += 3
    assert jitter(shaking) == pytest.approx(3)
    assert np.isnan(jitter(steady[:2]))


def test_whole_pixels_are_no_fault_of_smoothing():
    steady = np.column_stack([np.arange(99) * 0.5, np.zeros(99), np.full(99, 4), np.full(99, 4)])
    shake = Shake.of(steady, SmoothingSettings("gaussian", 5), np.zeros(99, bool))
    assert shake.after > 0.2 > 0.01 > shake.smoothed
    assert not shake.is_worse


@pytest.mark.parametrize(("method", "window"), [("magic", 5), ("median", 0)])
def test_bad_settings_are_refused(method, window):
    with pytest.raises(CropzoomError, match=r"method|window"):
        SmoothingSettings(method, window)
