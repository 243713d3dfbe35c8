"""Tracks stand alone: no video, no disk, no window."""

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.review.tracks import Tracks

N = 40


@pytest.fixture
def tracks():
    tracks = Tracks(N)
    t = np.arange(N)
    boxes = np.column_stack([t, t, np.full(N, 20), np.full(N, 20)]).astype(float)
    tracks.set_raw(boxes, None, Source.DETECTED)
    return tracks


def set_box(tracks, frame, name="animal"):
    tracks.apply(edits.set_box(tracks[name], frame, Box(50, 50, 30, 30)))


def test_undo_comes_back_to_the_revision_before(tracks):
    first = tracks.revision
    set_box(tracks, 3)
    second = tracks.revision
    assert second != first
    tracks.undo()
    assert tracks.revision == first
    tracks.redo()
    assert tracks.revision == second
    tracks.undo()
    set_box(tracks, 4)
    assert tracks.revision not in (first, second)


def test_everything_that_changes_a_box_changes_the_revision(tracks):
    seen = [tracks.revision]

    def changed():
        is_new = tracks.revision not in seen
        seen.append(tracks.revision)
        return is_new

    tracks.smoothing = SmoothingSettings("mean", 9)
    assert changed()
    tracks.fill = "hold"
    assert changed()
    tracks.add(tracks.new("grey"))
    assert not changed()  # no box has changed
    tracks.add(tracks.new("white", np.full((N, 4), 20.0)))
    assert changed()
    tracks.rename("white", "black")
    assert changed()
    tracks.set_raw(tracks["animal"].raw + 1, None, Source.DETECTED)
    assert changed()
    tracks.remove("black")
    assert changed()
    assert Tracks(N).revision != Tracks(N).revision


def test_smoothed_boxes_follow_edits_and_undo(tracks):
    tracks.smoothing = SmoothingSettings("gaussian", 9)
    before = tracks.entry.smoothed.boxes().copy()
    set_box(tracks, 12)
    assert tracks.entry.smoothed.box(12) == Box(50, 50, 30, 30)
    assert tracks.entry.final_boxes("hold")[12].tolist() == [50, 50, 30, 30]
    tracks.undo()
    np.testing.assert_allclose(tracks.entry.smoothed.boxes(), before)


def test_new_raw_boxes_keep_edits_and_let_through_what_edits_left_alone(tracks):
    set_box(tracks, 3)
    tracks.apply(edits.accept(tracks["animal"], 10, 12))
    tracks.set_raw(tracks["animal"].raw + np.array([100, 100, 0, 0]), None, Source.DETECTED)
    track = tracks["animal"]
    assert track.box(3) == Box(50, 50, 30, 30)
    assert track.box(11) == Box(111, 111, 20, 20)
    tracks.undo()
    tracks.undo()
    assert track.box(3) == Box(103, 103, 20, 20)


def test_animals_have_names_and_colours_of_their_own(tracks):
    tracks.add(tracks.new("white"))
    assert tracks.entries["white"].color != tracks.first.color
    set_box(tracks, 5, "white")
    tracks.apply(tools.swap(tracks["animal"], tracks["white"], 4, 6))
    assert tracks["animal"].box(5) == Box(50, 50, 30, 30)
    tracks.rename("white", "black")
    assert list(tracks) == ["animal", "black"]
    tracks.undo()
    assert tracks["black"].box(5) == Box(50, 50, 30, 30)
    for act, message in (
        (lambda: tracks.new("black"), "already"),
        (lambda: tracks.new("a/b"), "cannot name"),
        (lambda: tracks.new("grey", np.ones((3, 4))), "3 boxes"),
        (lambda: tracks.check_known("white"), "no track"),
        (lambda: tracks.check_removable("animal"), "first track"),
        (lambda: tracks.check_removable("black"), "undo those first"),
    ):
        with pytest.raises(CropzoomError, match=message):
            act()


def test_a_copy_of_a_track_stays_and_tells_what_changed_since(tracks):
    track = tracks["animal"]
    copy = track.copy()
    set_box(tracks, 7)
    tracks.apply(edits.accept(track, 20, 21))
    tracks.apply(edits.delete_box(track, 30))
    assert copy.box(7) == Box(7, 7, 20, 20)
    assert np.flatnonzero(track.changed_since(copy)).tolist() == [7, 20, 21, 30]
    assert not track.changed_since(track.copy()).any()


def test_a_pose_model_gets_no_box_where_there_is_no_animal(tracks):
    tracks.apply(tools.mark_absent(tracks["animal"], 10, 12))
    final, seen = tracks.entry.final_boxes("interpolate"), tracks.entry.pose_boxes("interpolate")
    assert not np.isnan(final).any()
    assert np.isnan(seen[10:13]).all()
    rest = np.r_[0:10, 13:N]
    assert np.array_equal(seen[rest], final[rest])
