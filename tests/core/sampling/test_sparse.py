"""Which frames run first, what is put between, and where that is not good enough."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.sampling.sparse import frames_first, frames_next, interpolated

SIZE = (1280, 720)
NAMES = ("nose", "back", "tail")
SHAPE = np.array([[-20, -10], [0, 5], [20, 10]], float)  # spans 40 px, so its box is 80 px wide


def poses_along(center: np.ndarray, likelihood: float = 0.9) -> Poses:
    xy = center[:, None] + SHAPE
    return Poses(NAMES, xy, np.full(xy.shape[:2], likelihood))


def straight(n_frames: int, speed: float = 1.0) -> Poses:
    t = np.arange(n_frames)
    return poses_along(np.column_stack([100 + speed * t, np.full(n_frames, 300.0)]))


def next_of(poses: Poses, every: int = 10) -> np.ndarray:
    """Numbers of the frames asked for after the first ones of ``poses`` were run."""
    first = frames_first(len(poses), every)
    return np.flatnonzero(frames_next(interpolated(poses, first), first, first, SIZE))


def between(*gaps: int) -> list[int]:
    return [frame for gap in gaps for frame in range(10 * gap + 1, 10 * gap + 10)]


def test_every_nth_frame_and_the_last_one():
    assert np.flatnonzero(frames_first(24, 10)).tolist() == [0, 10, 20, 23]
    assert np.flatnonzero(frames_first(21, 10)).tolist() == [0, 10, 20]
    assert frames_first(5, 1).all()
    assert np.flatnonzero(frames_first(5, 99)).tolist() == [0, 4]
    assert frames_first(1, 7).tolist() == [True]


def test_frames_move_on_so_that_a_batch_is_full():
    assert np.flatnonzero(frames_first(34, 4, 4)).tolist() == [0, 5, 10, 15, 19, 22, 25, 28, 32, 33]
    assert np.flatnonzero(frames_first(21, 10, 4)).tolist() == [0, 10, 20]
    assert np.flatnonzero(frames_first(61, 10, 4)).tolist() == [0, 10, 21, 31, 41, 51, 60]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 20), st.integers(1, 32))
def test_first_frames_are_evenly_spread_over_video_and_batch(n_frames, every, batch_size):
    frames = np.flatnonzero(frames_first(n_frames, every, batch_size))
    assert frames[0] == 0
    assert frames[-1] == n_frames - 1
    steps = np.diff(frames)
    assert (steps <= every + 1).all()
    assert (steps[:-1] >= every - 1).all()
    round_ = frames[:-1][:batch_size]
    if len(round_) == batch_size and round_[-1] < n_frames - 1:
        assert sorted(round_ % batch_size) == list(range(batch_size))


def test_between_two_frames_each_keypoint_goes_straight_and_is_as_likely_as_the_worse():
    poses = poses_along(np.array([[0.0, 0], [9, 9], [9, 9], [9, 9], [40, -8]]))
    poses.likelihood[0] = 0.5, 0.9, 0.8
    poses.likelihood[4] = 0.7, 0.2, np.nan
    poses.xy[4, 0] = np.nan
    run = np.array([True, False, False, False, True])
    filled = interpolated(poses, run)
    way = [[0, 0], [10, -2], [20, -4], [30, -6], [40, -8]]
    np.testing.assert_array_equal(filled.xy[:, 1], SHAPE[1] + way)
    np.testing.assert_array_equal(filled.likelihood[1:4], [[0, 0.2, 0]] * 3)
    assert np.isnan(filled.xy[1:4, 0]).all()
    np.testing.assert_array_equal(filled.xy[run], poses.xy[run])
    np.testing.assert_array_equal(filled.likelihood[run], poses.likelihood[run])
    assert filled.interpolated.tolist() == [False, True, True, True, False]
    assert filled.select(("back",)).interpolated is filled.interpolated


@st.composite
def tracks(draw):
    """Keypoints of few frames, some missing, some unlikely, with the first frames that were run."""
    n_frames = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    poses = poses_along(rng.integers(0, 700, (n_frames, 2)).astype(float))
    poses.likelihood[:] = rng.random(poses.likelihood.shape)
    poses.xy[rng.random(n_frames) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    return poses, frames_first(n_frames, draw(st.integers(1, 12)), draw(st.integers(1, 8)))


@settings(deadline=None)
@given(tracks())
def test_what_was_run_stays_and_what_was_not_lies_between(track):
    poses, run = track
    filled = interpolated(poses, run)
    np.testing.assert_array_equal(filled.xy[run], poses.xy[run])
    assert (filled.interpolated is None) == run.all()
    ends = np.flatnonzero(run)
    for a, b in pairwise(ends.tolist()):
        low, high = np.sort(poses.xy[[a, b]], axis=0)
        inside = filled.xy[a + 1 : b]
        known = ~np.isnan(low + high)
        assert ((inside >= low - 1e-9) & (inside <= high + 1e-9))[:, known].all()
        assert np.isnan(inside[:, ~known]).all()


@settings(deadline=None)
@given(tracks())
def test_asking_again_ends_and_asks_for_whole_gaps(track):
    poses, first = track
    run, rounds = first.copy(), 0
    while (more := frames_next(interpolated(poses, run), run, first, SIZE)).any():
        assert not (more & run).any()
        run |= more
        rounds += 1
        ends = np.flatnonzero(first)
        for a, b in pairwise(ends.tolist()):
            assert len(set(run[a + 1 : b].tolist())) <= 1
    assert rounds <= len(np.flatnonzero(first))


def test_a_steady_track_asks_for_nothing():
    assert next_of(straight(201)).tolist() == []
    assert next_of(straight(201, speed=3.1)).tolist() == []


def test_a_long_way_between_two_frames_asks_for_it_and_one_gap_on_either_side():
    """The review names the frames at both ends of a jump, each of which ends another gap too."""
    center = straight(201).xy[:, 1] - SHAPE[1]
    center[100:] += (100.0, 0)
    assert next_of(poses_along(center)).tolist() == between(7, 8, 9, 10, 11)
    fast = straight(201, speed=3.3)  # 33 px of a box of 80 px in each gap: more than 0.4 of it
    assert next_of(fast).tolist() == between(*range(20))


def test_an_unlikely_keypoint_asks_for_the_gaps_it_ends_and_one_more_on_either_side():
    poses = straight(201)
    poses.likelihood[50, 2] = 0.4
    assert next_of(poses).tolist() == between(3, 4, 5, 6)
    poses.likelihood[:, 2] = 0.4  # usual for this keypoint
    assert next_of(poses).tolist() == []


def test_a_missing_frame_asks_for_the_gaps_it_ends():
    poses = straight(201)
    poses.xy[120] = np.nan
    assert next_of(poses).tolist() == between(10, 11, 12, 13)


def test_a_place_the_animal_cannot_have_been_at_asks_for_the_gaps_it_ends():
    """A step of 0.35 of the box is no long way, but the review sees that it fits neither side."""
    center = straight(201).xy[:, 1] - SHAPE[1]
    center[80] += (0, 27)
    assert {*between(7, 8)} <= {*next_of(poses_along(center)).tolist()}
    assert max(next_of(poses_along(center))) < 110


def test_a_fault_that_reaches_the_end_of_what_was_run_goes_on():
    """Unlikely on from a frame between: seen only once the gap has been run, so the next one is too."""
    poses = straight(401)
    poses.likelihood[50, 0] = 0.1
    first = frames_first(401, 10)
    run = first.copy()
    more = frames_next(interpolated(poses, run), run, first, SIZE)
    assert np.flatnonzero(more).tolist() == between(3, 4, 5, 6)
    poses.likelihood[66:70] = 0.02  # inside gap 6, which was run as a margin
    run |= more
    more = frames_next(interpolated(poses, run), run, first, SIZE)
    assert np.flatnonzero(more).tolist() == between(7)
