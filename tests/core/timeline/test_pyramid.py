import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_cropzoom.core.timeline.pyramid import Pyramid, RankStrip

ONE_MILLION = 1_000_000

values = hnp.arrays(
    np.float64,
    st.integers(1, 400),
    elements=st.one_of(st.just(np.nan), st.floats(-1e6, 1e6)),
)


def lowest_and_highest(part):
    known = part[np.isfinite(part)]
    return (known.min(), known.max()) if len(known) else (np.nan, np.nan)


def check_view(series, first, last, columns, frames, points):
    """Every point is what brute force finds in the block it stands for."""
    count = last - first + 1
    assert len(points) == len(frames) <= 2 * columns + 4
    if count <= 2 * columns:
        np.testing.assert_array_equal(frames, np.arange(first, last + 1))
        np.testing.assert_array_equal(points, series[first : last + 1])
        return
    blocks = len(points) // 2
    step = 1
    while -(-count // step) > columns and step < len(series):
        step *= 2
    start = first // step
    assert blocks == last // step - start + 1
    for block in range(blocks):
        begin, end = (start + block) * step, min((start + block + 1) * step, len(series))
        assert begin - 0.5 < frames[2 * block] < frames[2 * block + 1] < begin + step - 0.5
        np.testing.assert_array_equal(
            points[2 * block : 2 * block + 2], lowest_and_highest(series[begin:end])
        )


@given(values, st.data())
def test_a_view_is_the_brute_force_envelope(series, data):
    first = data.draw(st.integers(0, len(series) - 1))
    last = data.draw(st.integers(first, len(series) - 1))
    columns = data.draw(st.integers(1, 60))
    frames, points = Pyramid(series).view(first, last, columns)
    check_view(series, first, last, columns, frames, points)


@given(values, st.data())
def test_an_edit_renews_what_it_changes_and_nothing_else(series, data):
    series = series.copy()
    pyramid = Pyramid(series)
    for _ in range(3):
        first = data.draw(st.integers(0, len(series) - 1))
        last = data.draw(st.integers(first, len(series) - 1))
        series[first : last + 1] = data.draw(
            hnp.arrays(
                np.float64, last - first + 1, elements=st.one_of(st.just(np.nan), st.floats(-9, 9))
            )
        )
        pyramid.renew(first, last)
        for columns in (1, 3, 17):
            frames, points = pyramid.view(0, len(series) - 1, columns)
            check_view(series, 0, len(series) - 1, columns, frames, points)


@settings(max_examples=30)
@given(st.integers(0, ONE_MILLION - 1), st.integers(10, 2000), st.floats(0, 1), st.floats(0, 1))
def test_a_spike_of_one_frame_is_seen_at_any_zoom(spike, columns, left, right):
    series = long_series().values
    before, series[spike] = series[spike], 1e9
    pyramid = long_series()
    pyramid.renew(spike, spike)
    first, last = int(left * spike), int(spike + right * (ONE_MILLION - 1 - spike))
    frames, points = pyramid.view(first, last, columns)
    assert points.max() == 1e9
    series[spike] = before
    pyramid.renew(spike, spike)
    width = max(1, (last - first + 1) / columns)
    assert abs(frames[int(points.argmax())] - spike) <= 2 * width


def long_series(made=[]):  # noqa: B006  made once for all examples
    if not made:
        made.append(Pyramid(np.random.default_rng(0).normal(size=ONE_MILLION)))
    return made[0]


def test_beyond_the_ends_there_is_nothing():
    pyramid = Pyramid(np.arange(10.0))
    frames, points = pyramid.view(-5, 100, 50)
    np.testing.assert_array_equal(frames, np.arange(10))
    np.testing.assert_array_equal(points, np.arange(10))
    assert len(pyramid.view(20, 30, 5)[0]) == 0
    assert len(Pyramid(np.empty(0)).view(0, 10, 5)[0]) == 0


def test_an_edit_renews_a_few_numbers_of_every_level():
    pyramid = Pyramid(np.zeros(ONE_MILLION))
    pyramid.values[:] = 1  # what is renewed is seen
    pyramid.renew(500_000, 500_010)
    assert all(1 <= level.sum() <= 3 for level in pyramid._high._levels)


RANKS = (1, 4, 0, 2, 3)


@given(hnp.arrays(np.uint8, st.integers(1, 400), elements=st.integers(0, 4)), st.data())
def test_of_the_frames_that_share_a_cell_the_most_important_shows(states, data):
    strip = RankStrip(states, RANKS)
    first = data.draw(st.integers(0, len(states) - 1))
    last = data.draw(st.integers(first, len(states) - 1))
    columns = data.draw(st.integers(1, 60))
    changed = data.draw(hnp.arrays(np.uint8, last - first + 1, elements=st.integers(0, 4)))
    for part in (states[first : last + 1], changed):
        strip.renew(first, part)
        states[first : last + 1] = part
        start, step, cells = strip.view(first, last, columns)
        assert len(cells) <= columns + 1
        for cell, shown in enumerate(cells):
            frames = states[start + cell * step : start + (cell + 1) * step]
            assert RANKS[shown] == max(RANKS[state] for state in frames)
        assert start <= first
        assert start + len(cells) * step > last


def test_one_flagged_frame_among_a_million_accepted_ones_stays_visible():
    states = np.full(ONE_MILLION, 2, np.uint8)
    states[777_777] = 1
    strip = RankStrip(states, RANKS)
    for columns in (50, 500, 1500):
        start, step, cells = strip.view(0, ONE_MILLION - 1, columns)
        assert (cells == 1).sum() == 1
        cell = int(np.flatnonzero(cells == 1)[0])
        assert start + cell * step <= 777_777 < start + (cell + 1) * step
