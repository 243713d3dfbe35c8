import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

N = 60


@pytest.fixture
def raw_csv(tmp_path):
    rng = np.random.default_rng(3)
    boxes = np.column_stack([rng.integers(0, 50, (N, 2)), np.full((N, 2), 30)]).astype(float)
    path = tmp_path / "preds" / "mouse_bbox.csv"
    write_bbox_csv(path, boxes)
    return path


def keypoints():
    t = np.arange(N)
    xy = np.stack([np.c_[t, t], np.c_[t + 20, t + 10]], axis=1).astype(float)
    likelihood = np.full((N, 2), 0.9)
    likelihood[7:9] = 0.05
    return Poses(("nose", "tail"), xy, likelihood)


def listen(signal):
    heard = []
    signal.connect(lambda *args: heard.append(args))
    return heard


def test_boxes_from_keypoints_follow_their_settings_and_keep_edits(session, tmp_path):
    session.set_predictions("detector", keypoints())
    session.create_boxes(SizingSettings(min_likelihood=0.1), tmp_path / "mouse_bbox.csv")
    assert session.track.is_missing.nonzero()[0].tolist() == [7, 8]
    assert [s.reason for s in session.queue()] == ["no box for 2 frames"]
    session.set_box(7, Box(10, 10, 40, 40))
    session.create_boxes(SizingSettings(crop_ratio=3.0, min_likelihood=0.1), tmp_path / "mouse_bbox.csv")
    assert session.track.box(7) == Box(10, 10, 40, 40)
    assert session.track.box(0).w == 60
    assert session.keypoints.size_box(SizingSettings(crop_ratio=1.5), 0).w == 30


def test_an_edit_is_told_once_and_undone(session, raw_csv):
    session.load_boxes(raw_csv)
    heard = listen(session.boxes_changed)
    before = session.track.box(12)
    session.set_box(12, Box(3, 4, 20, 22))
    session.undo()
    session.redo()
    session.undo()
    assert session.undo() is None
    assert heard == [(session.track.name, 12, 12)] * 4
    assert session.track.box(12) == before


def test_the_smoothed_layer_follows_every_edit(session, raw_csv):
    session.load_boxes(raw_csv)
    session.smoothing = SmoothingSettings("median", 9)
    session.tracks.entry.smoothed.boxes()
    for frame in (0, 30, 34, N - 1):
        session.set_box(frame, Box(40, 40, 20, 20))
        session.delete_box((frame + 5) % N)
        track = session.track
        np.testing.assert_allclose(
            session.tracks.entry.smoothed.boxes(),
            smooth(track.boxes, session.smoothing, track.is_manual),
            atol=1e-9,
        )
        assert session.final_box(frame) == Box(40, 40, 20, 20)


def test_saving_leaves_raw_alone_and_reopening_brings_everything_back(session, raw_csv, video_path):
    bytes_before = raw_csv.read_bytes()
    session.load_boxes(raw_csv)
    assert session.on_disk is OnDisk.NOTHING
    session.smoothing = SmoothingSettings("mean", 3)
    session.set_box(5, Box(1, 2, 10, 12))
    session.delete_box(6)
    session.set_box(9, Box(1, 2, 10, 12))
    session.undo()
    assert session.unsaved
    target = session.save()
    assert not session.unsaved
    assert raw_csv.read_bytes() == bytes_before
    assert target == raw_csv.parent / "bboxes_reviewed" / "mouse_bbox.csv"
    final = read_bbox_csv(target, N)
    np.testing.assert_array_equal(final, session.final_boxes())
    assert final[5].tolist() == [1, 2, 10, 12]
    metadata = json.loads((target.parent / "metadata.json").read_text())
    assert (metadata["method"], metadata["window"]) == ("mean", 3)
    assert metadata["videos"]["mouse"]["absent"] == [6]
    assert metadata["videos"]["mouse"]["manual"] == [5]

    session.close()
    again = Session(Video(video_path))
    assert again.load_boxes(raw_csv) == "Review resumed: 3 edits."
    assert not again.unsaved
    assert again.smoothing == session.smoothing
    np.testing.assert_array_equal(again.track.boxes, session.track.boxes)
    again.redo()
    assert again.track.box(9) == Box(1, 2, 10, 12)
    while again.undo():
        pass
    np.testing.assert_array_equal(again.track.boxes, again.track.raw)
    again.close()


def test_raw_boxes_that_changed_since_are_told_and_edits_carried_over(session, raw_csv, video_path):
    session.load_boxes(raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.save()
    session.close()
    write_bbox_csv(raw_csv, np.tile([7.0, 7, 20, 20], (N, 1)))
    again = Session(Video(video_path))
    assert "have changed since they were reviewed" in again.load_boxes(raw_csv)
    assert again.track.box(5) == Box(1, 2, 10, 12)
    again.undo()
    assert again.track.box(5) == Box(7, 7, 20, 20)
    again.close()


@pytest.mark.parametrize(
    "broken", ["[]\n", '{"do": "begin"}\n', '{"do": "begin", "version": 99, "n_frames": 60}\n', "{\n"]
)
def test_a_broken_saved_review_is_named_and_changes_nothing(session, raw_csv, broken):
    session.load_boxes(raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.save()
    path = raw_csv.parent / "bboxes_reviewed" / "mouse_journal.jsonl"
    path.write_text(broken)
    with pytest.raises(CropzoomError, match=r"mouse_journal\.jsonl.*Move the file away"):
        session.load_boxes(raw_csv)
    assert session.track.box(5) == Box(1, 2, 10, 12)
    assert path.read_text() == broken


def test_bad_boxes_change_nothing(session, raw_csv, tmp_path):
    session.load_boxes(raw_csv)
    bad = tmp_path / "bad_bbox.csv"
    write_bbox_csv(bad, np.tile([7.0, 7, 20, 20], (N - 1, 1)))
    with pytest.raises(CropzoomError, match="59"):
        session.load_boxes(bad)
    assert session.raw_csv == raw_csv


def test_gaps_are_filled_on_the_way_to_final_and_recorded(session, raw_csv):
    boxes = read_bbox_csv(raw_csv, N)
    boxes[20:25] = np.nan
    write_bbox_csv(raw_csv, boxes)
    session.load_boxes(raw_csv, allow_missing=True)
    session.fill = "hold"
    final = session.final_boxes()
    assert np.isfinite(final).all()
    np.testing.assert_array_equal(final[20:25, 2:], np.tile(final[19, 2:], (5, 1)))
    metadata = json.loads((session.save().parent / "metadata.json").read_text())
    assert metadata["videos"]["mouse"]["filled"] == list(range(20, 25))
    session.fill_gap(18, 30)
    assert (session.track.source[20:25] == Source.FILLED).all()
    assert not session.queue()


def test_nothing_to_save_without_boxes(session):
    with pytest.raises(CropzoomError, match="no boxes yet"):
        session.save()


@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(2, 60)), max_size=8), st.integers(1, 15))
@settings(max_examples=25, deadline=None)
def test_no_manual_box_is_moved_by_smoothing(video_path, anchors, window):
    session = Session(Video(video_path))
    session.set_predictions("detector", keypoints())
    session.create_boxes(SizingSettings(), video_path.with_name("unused_bbox.csv"))
    session.smoothing = SmoothingSettings("gaussian", window)
    for frame, side in anchors:
        session.set_box(frame, Box(frame, side, side, side))
    for frame in session.track.manual_frames():
        assert session.final_boxes()[frame].tolist() == session.track.boxes[frame].tolist()
    session.close()


def test_an_edit_that_changes_nothing_is_left_out(session, raw_csv):
    session.load_boxes(raw_csv)
    session.accept(3, 5)
    session.set_box(8, Box(2, 2, 20, 20))
    heard = listen(session.boxes_changed)
    session.accept(3, 5)
    session.set_box(8, Box(2, 2, 20, 20))
    assert not heard
    assert [edit.label for edit in session.history] == ["accept frames 3 to 5", "set box of frame 8"]


def test_undo_back_to_what_was_saved_is_saved(session, raw_csv):
    session.load_boxes(raw_csv)
    session.set_box(8, Box(2, 2, 20, 20))
    session.save()
    saved = session.revision
    session.set_box(9, Box(2, 2, 20, 20))
    session.smoothing = SmoothingSettings("mean", 11)
    assert session.unsaved
    session.undo()
    assert session.smoothing == saved.smoothing
    assert session.unsaved
    session.undo()
    assert session.revision == saved
    assert not session.unsaved


def test_what_changes_while_a_save_is_written_stays_unsaved(session, raw_csv):
    session.load_boxes(raw_csv)
    session.set_box(8, Box(2, 2, 20, 20))
    pending = session.to_save()
    session.set_box(9, Box(2, 2, 20, 20))
    pending.write()
    target = session.mark_saved(pending)
    assert session.unsaved
    assert read_bbox_csv(target, N)[8].tolist() == [2, 2, 20, 20]
    assert read_bbox_csv(target, N)[9].tolist() != [2, 2, 20, 20]
    session.undo()
    assert not session.unsaved


def test_the_suspects_know_of_an_animal_that_is_added_or_removed(session, raw_csv):
    session.load_boxes(raw_csv)
    first, boxes = session.current, session.track.raw.copy()

    def meets():
        session.select_track(first)
        return any("white" in each.reason for each in session.queue())

    assert not meets()
    session.add_track("white", boxes)
    assert meets()
    session.remove_track("white")
    assert not meets()


def test_saving_leaves_out_an_animal_without_boxes_and_says_so(session, raw_csv):
    session.load_boxes(raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.add_track("white mouse")
    assert session.unsaved
    with pytest.warns(UserWarning, match="^Left out, since there is no box: 'white mouse'.$"):
        target = session.save()
    assert target == raw_csv.parent / "bboxes_reviewed" / "mouse_bbox.csv"
    assert read_bbox_csv(target, N)[5].tolist() == [1, 2, 10, 12]
    assert not session.unsaved
    session.add_track("another")
    assert not session.unsaved  # nothing of it could be saved
    session.set_box(3, Box(1, 2, 10, 12))
    assert session.unsaved
    with pytest.warns(UserWarning, match="'white mouse'"):
        older = session.save()
    assert older == raw_csv.parent / "another" / "bboxes_reviewed" / "mouse_bbox.csv"
    session.undo()
    with pytest.warns(
        UserWarning, match="'white mouse', 'another'. What was saved before stays: "
    ) as told:
        session.save()
    assert str(older) in str(told[0].message)
    assert told[0].filename == __file__


def test_saving_without_any_box_is_refused(session, tmp_path):
    with pytest.raises(CropzoomError, match="There are no boxes yet"):
        session.save()
    session.set_box(3, Box(1, 2, 10, 12))
    with pytest.raises(CropzoomError, match=r"where the boxes of 'animal' are to lie.*draw_into"):
        session.save()


@pytest.mark.parametrize("ending", ["closed", "removed"])
def test_an_animal_without_a_box_leaves_no_folder(session, raw_csv, video_path, ending):
    session.load_boxes(raw_csv)
    session.add_track("white mouse")
    session.set_color("white mouse", "#123456")
    if ending == "removed":
        session.remove_track("white mouse")
    session.close()
    assert sorted(each.name for each in raw_csv.parent.iterdir() if each.is_dir()) == ["bboxes_reviewed"]
    again = Session(Video(video_path))
    again.load_boxes(raw_csv)
    assert list(again.tracks) == (["animal"] if ending == "removed" else ["animal", "white mouse"])
    if ending == "closed":
        assert again.tracks.entries["white mouse"].color == "#123456"
        again.select_track("white mouse")
        again.set_box(3, Box(1, 2, 10, 12))
    again.close()
    once_more = Session(Video(video_path))
    said = once_more.load_boxes(raw_csv)
    assert "changed" not in said
    if ending == "closed":
        assert once_more.tracks["white mouse"].box(3) == Box(1, 2, 10, 12)
        once_more.save()
        assert (raw_csv.parent / "white mouse" / "mouse_bbox.csv").is_file()
    once_more.close()
    last = Session(Video(video_path))
    assert "changed" not in last.load_boxes(raw_csv)
    if ending == "closed":  # boxes that another program puts there count
        last.close()
        write_bbox_csv(raw_csv.parent / "white mouse" / "mouse_bbox.csv", np.full((N, 4), 20.0))
        last = Session(Video(video_path))
        assert "raw boxes have changed" in last.load_boxes(raw_csv)
        assert last.tracks["white mouse"].box(3) == Box(1, 2, 10, 12)
        assert last.tracks["white mouse"].box(4) == Box(20, 20, 20, 20)
    last.close()


def test_an_empty_animal_moves_along(session, raw_csv, video_path, tmp_path):
    session.load_boxes(raw_csv)
    session.add_track("white mouse")
    session.keep_in(tmp_path / "new")
    session.set_box(3, Box(1, 2, 10, 12))
    session.close()
    assert not (tmp_path / "new" / "white mouse").exists()
    again = Session(Video(video_path))
    again.load_boxes(tmp_path / "new" / raw_csv.name)
    assert again.tracks["white mouse"].box(3) == Box(1, 2, 10, 12)
    again.close()


def test_what_a_person_sees_of_an_object_is_short(session, raw_csv):
    session.load_boxes(raw_csv)
    session.set_box(5, Box(1, 2, 10, 12))
    session.accept(0, N - 1)
    undone = session.undo()
    shown = (session, session.tracks, session.track, session.history, undone, undone.changes[0])
    for each in (*shown, undone.before, keypoints(), session.video, session.video.index):
        assert len(repr(each)) < 200
        assert "array" not in repr(each)
    assert repr(undone) == f"<Edit 'accept frames 0 to {N - 1}' of 'animal'>"
    assert repr(session).startswith("<Session of mouse.mp4: <Tracks: 1 edit of <BoxTrack 'animal': ")
