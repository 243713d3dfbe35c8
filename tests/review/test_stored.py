"""A review on disk: any sequence of what a person does comes back as it was."""

import contextlib

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from napari_cropzoom.core.boxes import Box, BoxTrack
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.settings import RawBoxes, SizingEdit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.finalize import FILL_METHODS
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import RawChangedError
from napari_cropzoom.video.video import Video

N = 40


@pytest.fixture
def raw_csv(tmp_path):
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, raw_boxes())
    return path


def raw_boxes():
    t = np.arange(N)
    boxes = np.column_stack([3.0 * t, 2.0 * t, np.full(N, 30), np.full(N, 30)])
    boxes[10:14] = np.nan
    return boxes


def opened(video_path, raw_csv, **options):
    session = Session(Video(video_path))
    session.load_boxes(raw_csv, allow_missing=True, **options)
    return session


frames = st.integers(0, N - 1)
TOOLS = ("interpolate", "hold", "carry_correction", "mark_absent")


sizings = st.builds(
    SizingSettings,
    crop_ratio=st.sampled_from((1.5, 2.0, 3.0)),
    min_likelihood=st.sampled_from((None, 0.5)),
)


def keypoints():
    t = np.arange(N)
    xy = np.stack([np.c_[t, t], np.c_[t + 20, t + 10]], axis=1).astype(float)
    likelihood = np.full((N, 2), 0.9)
    likelihood[20:23] = 0.05
    return Poses(("nose", "tail"), xy, likelihood, interpolated=t % 7 == 3)


def at_first(session, name):
    """Return the track before the first edit in force."""
    in_force = [*session.history, *filter(None, [session.tracks.tried])]
    sized = [edit for edit in in_force if isinstance(edit, SizingEdit) and edit.track == name]
    track = session.tracks[name]
    raw = sized[0].was if sized else RawBoxes.of(track, None)
    return BoxTrack(raw.boxes, name, raw.source, raw.interpolated)


def machine(video_path, folder):
    class Review(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            self.raw_csv = folder / "preds" / "mouse_bbox.csv"
            write_bbox_csv(self.raw_csv, raw_boxes())
            journal_file(self.raw_csv).unlink(missing_ok=True)
            self.session = opened(video_path, self.raw_csv)

        def attempt(self, act):
            with contextlib.suppress(CropzoomError):
                act()

        @rule(frame=frames, side=st.integers(2, 50))
        def set_box(self, frame, side):
            self.session.set_box(frame, Box(frame, side, side, side))

        @rule(frame=frames, count=st.integers(1, 15), tool=st.sampled_from(TOOLS))
        def range_tool(self, frame, count, tool):
            last = min(N - 1, frame + count)
            track = self.session.track
            self.attempt(lambda: self.session.apply(getattr(tools, tool)(track, frame, last)))

        @rule(frame=frames)
        def accept(self, frame):
            self.session.accept(frame, min(N - 1, frame + 3))

        @rule()
        def undo(self):
            self.session.undo()

        @rule()
        def redo(self):
            self.session.redo()

        @rule(window=st.integers(1, 9), method=st.sampled_from(("median", "mean")))
        def smoothing(self, window, method):
            self.session.smoothing = SmoothingSettings(method, window)

        @rule(windows=st.lists(st.integers(1, 9), max_size=4), settles=st.booleans())
        def drag_the_window(self, windows, settles):
            """Without settling it is open what comes next."""
            for window in windows:
                self.session.editing.try_smoothing(SmoothingSettings("median", window))
            if settles:
                self.session.editing.settle()

        @rule(how=st.sampled_from(tuple(FILL_METHODS)))
        def filling(self, how):
            self.session.fill = how

        @rule(sizings=st.lists(sizings, min_size=1, max_size=3), settles=st.booleans())
        def size_boxes(self, sizings, settles):
            session = self.session
            for each in sizings:
                raw = RawBoxes.round_keypoints(keypoints(), each)
                session.size_boxes(raw, session.tracks.entry.raw_csv)
            if settles:
                session.editing.settle()

        @rule(count=st.integers(0, 6))
        def go_to_edit(self, count):
            self.session.go_to_edit(count)

        @rule(name=st.sampled_from(("other", "third")))
        def rename(self, name):
            self.attempt(lambda: self.session.rename_track(self.session.current, name))

        @rule(color=st.sampled_from(("#123456", "#654321")))
        def recolor(self, color):
            self.session.set_color(self.session.current, color)

        @rule(shift=st.integers(-9, 9), side=st.integers(2, 50))
        def new_raw_boxes_and_an_edit_that_keeps_them(self, shift, side):
            entry = self.session.tracks.entry
            boxes = entry.track.raw + np.array([shift, shift, 0, 0])
            self.session.set_raw(boxes, entry.raw_csv, entry.track.raw_source)
            self.session.set_box(0, Box(len(self.session.history), side, 8, 8))
            self.session.undo()

        @rule()
        def add_track(self):
            self.attempt(lambda: self.session.add_track("other"))

        @rule()
        def swap(self):
            names = list(self.session.tracks)
            if len(names) > 1:
                other = next(name for name in names if name != self.session.current)
                self.session.swap(other, 5, 25)

        @rule()
        def select_first(self):
            self.session.select_track(next(iter(self.session.tracks)))

        @rule()
        def save(self):
            self.attempt(self.session.save)

        @rule()
        def reopen(self):
            before = self.session
            before.close()
            self.session = after = opened(video_path, self.raw_csv, changed="refuse")
            after.select_track(before.current if before.current in after.tracks else after.current)
            assert list(after.tracks) == list(before.tracks)
            for name, state in before.tracks.entries.items():
                found = after.tracks.entries[name]
                assert found.track.snapshot(0, N - 1) == state.track.snapshot(0, N - 1)
                np.testing.assert_array_equal(found.track.raw, state.track.raw)
                assert found.track.raw_source == state.track.raw_source
                assert (found.track.interpolated == state.track.interpolated).all()
                if before.history.every:
                    assert found.sizing == state.sizing
                    assert found.color == state.color
                assert found.sha256 == state.sha256 or not state.sha256
            assert [edit.label for edit in after.history.every] == [
                edit.label for edit in before.history.every
            ]
            assert len(after.history) == len(before.history)
            if before.history.every:
                assert after.tracks.settings == before.tracks.settings

        @invariant()
        def the_tracks_equal_a_replay(self):
            session = self.session
            fresh = {name: at_first(session, name) for name in session.tracks}
            for edit in [*session.history, *filter(None, [session.tracks.tried])]:
                edit.apply(fresh)
            for name, track in fresh.items():
                assert track.snapshot(0, N - 1) == session.tracks[name].snapshot(0, N - 1)

        @invariant()
        def no_anchor_is_moved_by_smoothing(self):
            track = self.session.track
            smoothed = self.session.tracks.entry.smoothed.boxes()
            np.testing.assert_array_equal(
                smoothed[track.manual_frames()], track.boxes[track.manual_frames()]
            )
            again = smooth(track.boxes, self.session.smoothing, track.is_manual)
            np.testing.assert_allclose(smoothed, again, atol=1e-9)

        def teardown(self):
            while self.session.undo():
                pass
            for name, state in self.session.tracks.entries.items():
                fresh = at_first(self.session, name)
                assert fresh.snapshot(0, N - 1) == state.track.snapshot(0, N - 1)
            self.session.close()
            on_disk = read_bbox_csv(self.raw_csv, N, allow_missing=True)
            assert on_disk.shape == (N, 4)

    Review.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
    return Review.TestCase


def test_any_sequence_comes_back(video_path, tmp_path):
    machine(video_path, tmp_path)().runTest()


def test_the_first_boxes_of_an_added_animal_come_back_without_an_edit(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    session.add_track("other")
    raw = RawBoxes.round_keypoints(keypoints(), SizingSettings(1.5))
    session.size_boxes(raw, session.tracks.entry.raw_csv)
    session.close()
    again = opened(video_path, raw_csv, changed="refuse")
    np.testing.assert_array_equal(again.tracks["other"].raw, raw.boxes)
    again.close()


def test_every_edit_is_on_disk_at_once_without_saving(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    session.smoothing = SmoothingSettings("mean", 7)
    session.set_box(5, Box(1, 2, 10, 12))
    session.apply(tools.interpolate(session.track, 10, 13))
    session.undo()
    session.close()
    again = opened(video_path, raw_csv)
    assert again.smoothing == SmoothingSettings("mean", 7)
    assert again.history.undo_label == "set box of frame 5"
    assert again.history.redo_label == "interpolate frames 10 to 13"
    assert again.unsaved
    again.save()
    again.close()
    once_more = opened(video_path, raw_csv)
    assert not once_more.unsaved
    once_more.close()


def test_looking_leaves_nothing_on_disk(video_path, raw_csv):
    opened(video_path, raw_csv).close()
    assert [path.name for path in raw_csv.parent.iterdir()] == [raw_csv.name]


def test_the_second_session_is_read_only_and_sees_the_edits(video_path, raw_csv):
    first = opened(video_path, raw_csv)
    first.set_box(5, Box(1, 2, 10, 12))
    second = Session(Video(video_path))
    said = second.load_boxes(raw_csv, allow_missing=True)
    assert "open in another window" in said
    assert second.track.box(5) == Box(1, 2, 10, 12)
    for act in (lambda: second.set_box(6, Box(1, 2, 10, 12)), second.undo, second.save):
        with pytest.raises(CropzoomError, match="read-only"):
            act()
    assert second.track.box(5) == Box(1, 2, 10, 12)
    second.close()
    first.close()


@pytest.mark.parametrize("choice", ["carry", "refuse", "afresh"])
def test_raw_boxes_that_changed_are_the_persons_decision(video_path, raw_csv, choice):
    session = opened(video_path, raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.close()
    write_bbox_csv(raw_csv, np.tile([7.0, 7, 20, 20], (N, 1)))
    again = Session(Video(video_path))
    if choice == "refuse":
        with pytest.raises(RawChangedError, match="have changed since"):
            again.load_boxes(raw_csv, changed="refuse")
        assert not again.has_boxes
        again.close()
        return
    again.load_boxes(raw_csv, changed=choice)
    assert again.track.box(5) == (Box(1, 2, 10, 12) if choice == "carry" else Box(7, 7, 20, 20))
    again.set_box(6, Box(3, 4, 10, 12))
    again.close()
    last = Session(Video(video_path))
    last.load_boxes(raw_csv, changed="refuse")
    assert len(last.history) == (2 if choice == "carry" else 1)
    last.close()
    aside = journal_file(raw_csv).with_name("mouse_journal_1.jsonl")
    assert aside.exists() == (choice == "afresh")


def test_new_raw_boxes_in_the_middle_of_a_review_keep_the_edits(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.set_raw(np.tile([7.0, 7, 20, 20], (N, 1)), raw_csv, session.track.raw_source)
    session.set_box(6, Box(3, 4, 10, 12))
    session.close()
    again = Session(Video(video_path))
    assert again.load_boxes(raw_csv, changed="refuse") == "Review resumed: 2 edits."
    assert again.track.box(5) == Box(1, 2, 10, 12)
    assert again.track.box(7) == Box(7, 7, 20, 20)
    again.go_to_edit(0)
    assert again.track.box(5) == Box(7, 7, 20, 20)
    again.go_to_edit(2)
    assert again.track.box(6) == Box(3, 4, 10, 12)
    again.close()


def test_tracks_are_kept_with_their_own_files(video_path, raw_csv):
    session = opened(video_path, raw_csv)
    session.add_track("white")
    session.set_box(3, Box(50, 50, 20, 20))
    session.rename_track("white", "black")
    session.select_track("animal")
    session.swap("black", 0, 5)
    session.save()
    own = raw_csv.parent / "white"  # files stay where they are when a track is renamed
    assert session.tracks.entries["black"].raw_csv == own / "mouse_bbox.csv"
    final = read_bbox_csv(own / "bboxes_reviewed" / "mouse_bbox.csv", N)
    assert final[2].tolist() == [6, 4, 30, 30]
    with pytest.raises(CropzoomError, match="undo those first"):
        session.remove_track("black")
    with pytest.raises(CropzoomError, match="first track"):
        session.remove_track("animal")
    with pytest.raises(CropzoomError, match="cannot name a track"):
        session.add_track("a/b")
    session.close()
    again = opened(video_path, raw_csv)
    assert list(again.tracks) == ["animal", "black"]
    assert again.tracks["animal"].box(3) == Box(50, 50, 20, 20)
    assert again.history.undo_label == "swap animal and black in frames 0 to 5"
    again.close()


def test_boxes_drawn_from_nothing_are_kept(video_path, tmp_path):
    path = tmp_path / "bboxes_drawn" / "mouse_bbox.csv"
    session = Session(Video(video_path))
    session.draw_into(path)
    assert not path.parent.exists()
    session.set_box(3, Box(50, 50, 20, 20))
    session.close()
    again = Session(Video(video_path))
    again.draw_into(path)
    assert again.track.box(3) == Box(50, 50, 20, 20)
    again.close()


def test_the_final_boxes_are_named_after_the_video(video_path, tmp_path):
    raw_csv = tmp_path / "preds" / "rohe Boxen.csv"
    write_bbox_csv(raw_csv, raw_boxes())
    session = opened(video_path, raw_csv)
    session.set_box(3, (50, 50, 20, 20))
    assert session.save() == raw_csv.parent / "bboxes_reviewed" / "mouse_bbox.csv"
    session.close()
    again = opened(video_path, raw_csv)
    assert again.track.box(3) == Box(50, 50, 20, 20)
    again.close()
