"""Time left, as the pace changes."""

import numpy as np
import pytest

from napari_cropzoom.jobs import TimeLeft


def test_time_left_follows_a_change_of_speed():
    left = TimeLeft()
    assert left.update(0, 1000, 0.0) == -1
    for second in range(1, 21):
        steady = left.update(second * 10, 1000, float(second))
    assert steady == pytest.approx(80, rel=0.01)
    assert left.update(201, 1200, 20.1) == pytest.approx(100, rel=0.05)  # more to do was found
    left.update(201, 1000, 20.2)
    for second in range(21, 51):
        faster = left.update(200 + (second - 20) * 20, 1000, float(second))
    assert faster == pytest.approx(10, rel=0.15)
    assert left.update(0, 500, 51.0) == -1


def test_a_slow_first_part_says_nothing_of_the_rest():
    """A model was warmed up in the first 49 of 300 seconds: after it "2 h left" was said."""
    left = TimeLeft()
    left.update(0, 1200, 0.0)
    assert left.update(8, 1200, 49.0) == -1
    shown = [left.update(8 * part, 1200, 49.0 + 1.7 * (part - 1)) for part in range(2, 151)]
    assert max(shown) < 300
    assert shown[0] == pytest.approx(149 * 1.7, rel=0.05)


@pytest.mark.parametrize("period", [5, 20, 60])
def test_the_time_left_settles_where_the_pace_goes_up_and_down(period):
    """The pace is 1.3 and 0.7 of the usual by turns, as on a machine that does something else too."""
    left, done, shown = TimeLeft(), 0.0, []
    left.update(0, 20_000, 0.0)
    for second in range(1, 1800):
        done += 10 * (0.7 if second // period % 2 else 1.3)
        shown.append(left.update(int(done), 20_000, float(second)))
    late = np.array(shown[300:])
    true = 2000 - np.arange(301, 1800)
    assert np.abs(late / true - 1).max() < 0.2
    assert (np.diff(late) > 20).sum() <= 1  # it counts down; jumps up are few
