"""Lines and colours of the timeline, without a window."""

import numpy as np
import pytest

from napari_cropzoom.core.series import State
from napari_cropzoom.widgets.timeline_looks import DARK, LIGHT
from napari_cropzoom.widgets.timeline_raster import draw_spans, hatch, packed, spans


def test_states_differ_in_lightness_on_both_themes():
    for looks in (DARK, LIGHT):
        values = [int(pixel) for pixel in looks.state_table()]
        light = [0.3 * (v >> 16 & 255) + 0.59 * (v >> 8 & 255) + 0.11 * (v & 255) for v in values]
        marked = light[State.FLAGGED]
        assert all(abs(marked - one) > 15 for state, one in zip(State, light, strict=True) if state != 1)


def test_a_line_spans_what_it_passes_in_every_column():
    low, high = spans(np.array([0.5, 2.5, 3.0, 3.2]), np.array([0.0, 8, 100, 8]), 5)
    np.testing.assert_allclose(low, [0, 2, 6, 8, np.nan], atol=1e-5)
    np.testing.assert_allclose(high, [2, 6, 100, 100, np.nan], atol=1e-5)


def test_a_break_in_a_line_is_seen_and_a_lone_frame_is_a_dot():
    low, _ = spans(np.arange(8) + 0.5, np.array([1, 1, np.nan, 1, np.nan, 1, 1, 1.0]), 8)
    assert np.isfinite(low).tolist() == [True, True, False, True, False, True, True, True]


def test_a_line_covers_as_much_as_it_is_thick():
    picture = np.full((20, 10), packed("#000000"), np.uint32)
    level = np.full(10, 7.25, np.float32)
    draw_spans(picture, level, level, "#ffffff", 2.0)
    assert ((picture & 255).sum(axis=0) / 255).tolist() == pytest.approx([2.0] * 10, abs=0.02)
    assert (picture[7] == packed("#ffffff")).all()
    hatch(picture, -5, -1, "#ff0000", 8)
    assert not (picture == packed("#ff0000")).any()
