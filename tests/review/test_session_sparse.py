"""Boxes of frames that no detector has seen are marked so, and stay so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Review, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.sampling.sparse import frames_first, interpolated
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.timeline.series import STATE_RANKS, State, frame_states
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, write_made_with
from napari_cropzoom.files.review_paths import file_sha256, journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.timeline.colors import DARK, LIGHT

N = 60
RUN = frames_first(N, 10)


@pytest.fixture
def predictions(tmp_path):
    """Keypoints of which every tenth row was run, with their record, where a detector puts them."""
    t = np.arange(N, dtype=float)
    xy = np.stack([np.c_[t, t], np.c_[t + 20, t + 10]], axis=1)
    poses = interpolated(Poses(("nose", "tail"), xy, np.full((N, 2), 0.9)), RUN)
    path = tmp_path / "video_preds" / "mouse.csv"
    path.parent.mkdir()
    write_predictions(path, poses)
    record = MadeWith({}, "cpu", {}, None, file_sha256(path), ~RUN)
    write_made_with(made_with_path(path), record)
    return path


def sources(session):
    return session.track.source.tolist()


EXPECTED = np.where(RUN, Source.DETECTED, Source.INTERPOLATED).tolist()


def test_boxes_made_of_interpolated_keypoints_are_marked(session, predictions, tmp_path):
    session.load_predictions("detector", predictions)
    session.create_boxes(SizingSettings(), tmp_path / "mouse_bbox.csv")
    assert sources(session) == EXPECTED
    assert (session.track.review == Review.UNSEEN).all()
    session.set_predictions("detector", replace(session.detector_poses, interpolated=None))
    session.create_boxes(SizingSettings(), tmp_path / "mouse_bbox.csv")
    assert sources(session) == [Source.DETECTED] * N


def test_edits_revert_and_new_boxes_keep_the_marks(session, predictions, tmp_path):
    session.load_predictions("detector", predictions)
    session.create_boxes(SizingSettings(), tmp_path / "mouse_bbox.csv")
    session.set_box(5, Box(0, 0, 30, 30))
    session.set_box(10, Box(0, 0, 30, 30))
    assert sources(session)[5] == sources(session)[10] == Source.MANUAL
    session.apply(edits.revert_to_raw(session.track, 0, 20))
    assert sources(session) == EXPECTED
    session.undo()
    session.create_boxes(SizingSettings(crop_ratio=3.0), tmp_path / "mouse_bbox.csv")
    assert sources(session)[5] == Source.MANUAL
    for label in ("Crop ratio 2 to 3", "set box of frame 10", "set box of frame 5"):
        assert session.history.undo_label == label
        session.undo()
    assert sources(session) == EXPECTED


def test_a_missing_box_is_missing_whoever_did_not_look(session, predictions, tmp_path):
    session.load_predictions("detector", predictions)
    session.detector_poses.xy[31:39] = np.nan
    session.create_boxes(SizingSettings(), tmp_path / "mouse_bbox.csv")
    assert sources(session)[31:39] == [Source.MISSING] * 8


def test_marks_are_in_the_journal_and_outlive_the_predictions(session, predictions, video_path):
    raw = predictions.with_name("mouse_bbox.csv")
    session.load_predictions("detector", predictions)
    session.create_boxes(SizingSettings(), raw)
    session.accept(3, 12)
    session.close()
    predictions.unlink()
    again = Session(Video(video_path))
    again.load_boxes(raw, Source.DETECTED)
    assert sources(again) == EXPECTED
    again.apply(edits.revert_to_raw(again.track, 0, 59))
    assert sources(again) == EXPECTED
    again.close()

    journal = journal_file(raw)
    lines = [line for line in journal.read_text().splitlines() if line]
    old = [line.replace('"interpolated":[[1,9]', '"unknown":[[1,9]') for line in lines]
    assert old != lines
    journal.write_text("\n".join(old) + "\n")
    older = Session(Video(video_path))
    older.load_boxes(raw, Source.DETECTED)
    assert older.track.source[20] == Source.DETECTED
    assert len(older.history) == 2
    older.close()


def test_boxes_made_by_the_command_get_their_marks_from_the_record_beside(session, predictions, tmp_path):
    raw = predictions.with_name("mouse_bbox.csv")
    write_bbox_csv(raw, np.tile([3.0, 4, 20, 20], (N, 1)))
    session.load_boxes(raw, Source.DETECTED)
    assert sources(session) == EXPECTED
    session.load_boxes(raw, Source.IMPORTED)
    assert sources(session) == [Source.IMPORTED] * N
    elsewhere = tmp_path / "mouse_bbox.csv"
    write_bbox_csv(elsewhere, np.tile([3.0, 4, 20, 20], (N, 1)))
    session.load_boxes(elsewhere, Source.DETECTED)
    assert sources(session) == [Source.DETECTED] * N


def test_the_timeline_tells_them_apart():
    source = np.array([Source.DETECTED, *[Source.INTERPOLATED] * 4], np.uint8)
    review = np.array([0, 0, 0, Review.EDITED, Review.ACCEPTED], np.uint8)
    flagged = np.array([False, False, True, False, True])
    states = frame_states(source, review, flagged)
    wanted = [State.UNSEEN, State.INTERPOLATED, State.FLAGGED, State.EDITED, State.ACCEPTED]
    assert states.tolist() == wanted
    assert len(STATE_RANKS) == len(State) == len(DARK.state_table()) == len(LIGHT.state_table())
