"""Which frames have to run, against the definition by brute force."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.sampling.batches import batches
from napari_cropzoom.core.sampling.changed import (
    SIDE,
    changed_frames,
    frames_to_run,
    frames_to_see,
    result_of,
)


def test_a_box_changes_when_any_number_does_and_when_it_comes_or_goes():
    before = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [np.nan] * 4, [np.nan] * 4, [1, 2, 3, 4]])
    after = np.array([[1, 2, 3, 4], [1, 2, 3, 5], [np.nan] * 4, [1, 2, 3, 4], [np.nan] * 4])
    assert changed_frames(before, after).tolist() == [False, True, False, True, True]


def made(picture: np.ndarray, present: np.ndarray, context: bool) -> list[tuple[int, ...] | None]:
    """What each frame's keypoints follow from: the pictures its result looked at, None without box."""
    total, rows = len(picture), []
    for frame in range(total):
        middle = int(result_of(total, context)[frame])
        side = SIDE if context else 0
        seen = picture[max(middle - side, 0) : middle + side + 1]
        rows.append(tuple(seen.tolist()) if present[frame] else None)
    return rows


@st.composite
def two_tracks(draw):
    """Boxes as one number a frame, 0 where there is none."""
    total = draw(st.integers(1, 14))
    numbers = st.lists(st.integers(0, 2), min_size=total, max_size=total)
    return np.array(draw(numbers)), np.array(draw(numbers))


@given(two_tracks(), st.booleans())
def test_only_what_is_needed_runs_and_all_of_it(tracks, context):
    before, after = tracks
    present = after > 0
    run = frames_to_run(before != after, present, context)
    middle = result_of(len(after), context)
    old, new = made(before, before > 0, context), made(after, present, context)
    for frame in range(len(after)):
        if present[frame] and new[frame] != old[frame]:
            assert run[middle[frame]]
    for frame in np.flatnonzero(run):
        takers = np.flatnonzero((middle == frame) & present)
        assert len(takers) > 0
    seen = frames_to_see(run, context)
    side = SIDE if context else 0
    for frame in range(len(after)):
        near = run[max(frame - side, 0) : frame + side + 1]
        assert seen[frame] == near.any()


def test_edge_frames_repeat_their_neighbour():
    assert result_of(7, True).tolist() == [2, 2, 2, 3, 4, 4, 4]
    assert result_of(3, True).tolist() == [2, 2, 2]
    assert result_of(1, True).tolist() == [0]
    assert result_of(3, False).tolist() == [0, 1, 2]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 9), st.booleans())
def test_every_result_is_made_once_at_its_own_place(present, size, context):
    present = np.array(present)
    total = len(present)
    run = frames_to_run(np.ones(total, bool), present, context)
    found = []
    for batch in batches(run, size, context):
        assert batch.frames.shape == (size + (2 * SIDE if context else 0),)
        for place, frame in enumerate(batch.results):
            if frame < 0:
                continue
            found.append(int(frame))
            start = max(frame - SIDE, 0) if context else frame
            assert place == start % size
            seen = batch.frames[place : place + 2 * SIDE + 1] if context else batch.frames[[place]]
            assert seen.tolist() == np.minimum(np.arange(start, start + len(seen)), total - 1).tolist()
    assert sorted(found) == np.flatnonzero(run).tolist()


def test_scattered_frames_share_batches():
    run = np.zeros(10_000, bool)
    run[np.linspace(0, 9_990, 50).astype(int)[:, None] + np.arange(2)] = True
    assert len(list(batches(run, 96, False))) <= 10
    assert len(list(batches(np.ones(10_000, bool), 96, False))) == 105
