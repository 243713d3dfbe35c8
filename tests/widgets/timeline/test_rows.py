"""Rows of the timeline: what their items draw of what is in view, without a window."""

import numpy as np
import pytest

from napari_cropzoom.core.timeline.pyramid import Pyramid, RankStrip
from napari_cropzoom.core.timeline.series import STATE_RANKS, State
from napari_cropzoom.widgets.timeline.colors import DARK, LIGHT, Colors
from napari_cropzoom.widgets.timeline.rows import MARGIN, BoxRow, CurveRow, StripRow, Window

pytestmark = pytest.mark.gui
TOP, BOTTOM = 100.0, 150.0


def drawn(row, left, right, columns=1000):
    row.top, row.bottom = TOP, BOTTOM
    row.set_colors(DARK, DARK.band)
    row.draw(Window(left, right, columns))
    return row


def test_states_differ_in_lightness_on_both_themes():
    for colors in (DARK, LIGHT):
        light = colors.state_table()[:, :3] @ [0.3, 0.59, 0.11]
        marked = light[State.FLAGGED]
        assert all(abs(marked - one) > 15 for state, one in zip(State, light, strict=True) if state != 1)


def test_a_peak_of_one_frame_is_drawn_at_every_zoom(qapp):
    values = np.zeros(1_000_000, "f4")
    values[654_321] = 50
    row = CurveRow("size", "size", None, "px")
    row.final = Pyramid(values)
    for left, right in ((-0.5, 999_999.5), (650_000, 660_000), (654_300, 654_340)):
        drawn(row, left, right)
        frames, y = row.items[1].getData()
        assert len(frames) <= 2 * 1000 + 10
        assert y.min() == pytest.approx(TOP + MARGIN)
        assert y.max() == pytest.approx(BOTTOM - MARGIN)
        assert abs(frames[y.argmin()] - 654_321) <= (right - left) / 500
        assert row.scale == ("50", "0")


def test_a_gap_is_a_gap_and_a_lone_frame_between_gaps_is_seen(qapp):
    values = np.array([1, 2, np.nan, 3, np.nan, 4, 5], "f4")
    row = CurveRow("size", "size", None, "px")
    row.final = Pyramid(values)
    frames, y = drawn(row, -0.5, 6.5).items[1].getData()
    assert np.isnan(y[frames == 2]).all()
    near = np.abs(frames - 3) < 0.5
    assert np.isfinite(y[near]).sum() == 2  # a short line
    assert np.ptp(frames[near]) > 0


def test_a_proposal_begins_at_its_first_frame(qapp):
    row = CurveRow("size", "size", None, "px")
    row.final = Pyramid(np.full(100, 10.0, "f4"))
    row.proposed = (40, Pyramid(np.full(5, 12.0, "f4")))
    frames, _ = drawn(row, -0.5, 99.5).items[2].getData()
    assert (frames[0], frames[-1]) == (40, 44)


def test_a_row_that_is_off_draws_nothing(qapp):
    row = CurveRow("size", "size", None, "px")
    row.final = Pyramid(np.zeros(10, "f4"))
    row.is_shown = False
    assert not any(item.isVisible() for item in drawn(row, -0.5, 9.5).items)


@pytest.mark.parametrize(("left", "right"), [(-0.5, 999_999.5), (400_000, 401_000), (399_990, 400_010)])
def test_a_strip_shows_a_suspect_of_one_frame_where_it_is(qapp, left, right):
    states = np.zeros(1_000_000, np.uint8)
    states[400_005] = State.FLAGGED
    row = StripRow("review", "review", 15, Colors.state_table)
    row.strip = RankStrip(states, STATE_RANKS)
    image = drawn(row, left, right).items[0]
    color = DARK.state_table()[State.FLAGGED]
    cells = np.flatnonzero((image.image[0] == color).all(axis=1))
    assert len(cells) == 1
    corner, width = image.mapToParent(0, 0), image.mapToParent(1, 0).x() - image.mapToParent(0, 0).x()
    start = corner.x() + cells[0] * width
    assert start <= 400_005 < start + width
    assert corner.y() == TOP + 1


def test_marks_are_diamonds_where_few_and_ticks_where_dense(qapp):
    row = BoxRow("box", "box", 15)
    row.frames = np.arange(0, 100_000, 10)
    _strip, diamonds, ticks = drawn(row, -0.5, 99_999.5).items
    assert (diamonds.isVisible(), ticks.isVisible()) == (False, True)
    assert len(ticks.getData()[0]) <= 2 * 1001
    _strip, diamonds, ticks = drawn(row, 1000, 1100).items
    assert (diamonds.isVisible(), ticks.isVisible()) == (True, False)
    assert diamonds.getData()[0].tolist() == list(range(1000, 1101, 10))
