import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, BoxTrack
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.timeline.series import (
    QUANTITIES,
    FlagStrip,
    State,
    TrackSeries,
    quantities,
)

N = 400


def wandering(seed=0):
    rng = np.random.default_rng(seed)
    boxes = np.column_stack([np.cumsum(rng.normal(size=(N, 2)), axis=0) + 200, np.full((N, 2), 40.0)])
    boxes[100:110] = np.nan
    return boxes


def states(series):
    return series.states.view(0, N - 1, N)[2]


def test_quantities_of_known_boxes():
    boxes = np.array([[0, 0, 10, 40], [3, 4, 10, 40], [np.nan] * 4, [0, 0, 8, 8]], float)
    speed, size, x, y = quantities(boxes)
    np.testing.assert_allclose(speed, [np.nan, 5, np.nan, np.nan])
    np.testing.assert_allclose(size, [20, 20, np.nan, 8])
    np.testing.assert_allclose(x, [5, 8, np.nan, 4])
    np.testing.assert_allclose(y, [20, 24, np.nan, 4])
    assert quantities(boxes[:1], np.array([3.0, 4, 10, 40]))[0] == 5


@pytest.mark.parametrize("method", ["median", "savgol", "none"])
def test_an_edit_leaves_what_building_again_would_give(method):
    settings = SmoothingSettings(method, 11)
    track = BoxTrack(wandering())
    series = TrackSeries(track, settings)
    for edit in (
        lambda: edits.set_box(track, 50, Box(10, 10, 60, 60)),
        lambda: edits.set_box(track, 0, Box(10, 10, 60, 60)),
        lambda: edits.fill_gap(track, 100, 109, "interpolate"),
        lambda: edits.delete_box(track, 200),
        lambda: edits.accept(track, 300, N - 1),
        lambda: edits.revert_to_raw(track, 40, 60),
    ):
        made = edit()
        made.apply({track.name: track})
        series.renew(track, made.first, made.last)
        rebuilt = TrackSeries(track, settings)
        for name in QUANTITIES:
            for one, other in ((series.raw, rebuilt.raw), (series.final, rebuilt.final)):
                for columns in (N, 20):
                    seen = one.pyramids[name].view(0, N - 1, columns)[1]
                    wanted = other.pyramids[name].view(0, N - 1, columns)[1]
                    np.testing.assert_allclose(seen, wanted, atol=1e-3)
        np.testing.assert_array_equal(states(series), states(rebuilt))
        np.testing.assert_array_equal(series.manual, rebuilt.manual)


def test_a_flag_shows_until_a_person_has_settled_it():
    track = BoxTrack(wandering())
    series = TrackSeries(track, SmoothingSettings())
    assert states(series)[105] == State.UNSEEN  # no box, and no queue yet
    series.set_flags(
        track, [Suspect(22, 20, 25, 0.7, ("jump",)), Suspect(105, 105, 105, 1.0, ("missing",))]
    )
    assert states(series)[105] == State.FLAGGED
    assert (states(series)[18:28] == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]).all()
    edit = edits.accept(track, 20, 22)
    edit.apply({track.name: track})
    series.renew(track, 20, 22)
    assert (states(series)[20:26] == [2, 2, 2, 1, 1, 1]).all()
    series.set_flags(track, [])
    assert (states(series)[20:26] == [2, 2, 2, 0, 0, 0]).all()


def test_the_nearest_flag_and_the_next():
    strip = FlagStrip([Suspect(55, 50, 60, 0.4, ("a",)), Suspect(12, 10, 14, 0.9, ("b",))], N)
    assert strip.near(52, 0).reason == "a"
    assert strip.near(17, 3).reason == "b"
    assert strip.near(17, 2) is None
    assert strip.next_after(12, 1) == 55
    assert strip.next_after(12, -1) is None
    assert strip.next_after(100, -1) == 55
    assert FlagStrip([], N).near(5, 100) is None
