import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.sizing import SizingSettings
from napari_cropzoom.core.smoothing import SmoothingSettings, smooth
from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.io.video import Video
from napari_cropzoom.session import Session
from videos import make_numbered_video

N = 60


@pytest.fixture(scope="module")
def video_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "mouse.mp4"
    make_numbered_video(path, N)
    return path


@pytest.fixture
def session(video_path):
    session = Session(Video(video_path))
    yield session
    session.close()


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
    assert session.size_box(SizingSettings(crop_ratio=1.5), 0).w == 30


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
    session.smoothed_boxes()
    for frame in (0, 30, 34, N - 1):
        session.set_box(frame, Box(40, 40, 20, 20))
        session.delete_box((frame + 5) % N)
        track = session.track
        np.testing.assert_allclose(
            session.smoothed_boxes(), smooth(track.boxes, session.smoothing, track.is_anchor), atol=1e-9
        )
        assert session.final_box(frame) == Box(40, 40, 20, 20)


def test_saving_leaves_raw_alone_and_reopening_brings_everything_back(session, raw_csv, video_path):
    bytes_before = raw_csv.read_bytes()
    session.load_boxes(raw_csv)
    assert not session.unsaved
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
    assert metadata["videos"]["mouse"]["anchors"] == [5]

    session.close()
    again = Session(Video(video_path))
    assert again.load_boxes(raw_csv) == "Review resumed: 2 edits."
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
def test_no_anchor_is_moved_by_smoothing(video_path, anchors, window):
    session = Session(Video(video_path))
    session.set_predictions("detector", keypoints())
    session.create_boxes(SizingSettings(), video_path.with_name("unused_bbox.csv"))
    session.smoothing = SmoothingSettings("gaussian", window)
    for frame, side in anchors:
        session.set_box(frame, Box(frame, side, side, side))
    for frame in session.track.anchors():
        assert session.final_boxes()[frame].tolist() == session.track.boxes[frame].tolist()
    session.close()
