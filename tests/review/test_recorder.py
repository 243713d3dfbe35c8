"""What is written into a journal, and when; neither a video nor a session is needed."""

from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.recorder import JournalRecorder
from napari_cropzoom.review.stored import read_review
from napari_cropzoom.review.tracks import Tracks

N = 20


@pytest.fixture
def raw_csv(tmp_path):
    return tmp_path / "preds" / "mouse_bbox.csv"


@pytest.fixture
def tracks(raw_csv):
    tracks = Tracks(N)
    tracks.set_raw(np.tile([1.0, 2, 30, 30], (N, 1)), raw_csv, Source.DETECTED)
    return tracks


@pytest.fixture
def recorder():
    recorder = JournalRecorder(Path("mouse.mp4"), N)
    yield recorder
    recorder.close()


def lines(raw_csv):
    return [entry["do"] for entry in read_journal(journal_file(raw_csv))[0]]


def set_box(recorder, tracks, frame):
    edit = edits.set_box(tracks["animal"], frame, Box(5, 5, 20, 20))
    recorder.edit(edit)
    tracks.apply(edit)


def test_nothing_is_written_before_the_first_edit_and_then_only_what_counts(recorder, tracks, raw_csv):
    recorder.start(raw_csv, tracks)
    for window in range(3, 99, 2):
        recorder.smoothing(SmoothingSettings("median", window))
    recorder.fill("hold")
    recorder.color(tracks.entry)
    assert not raw_csv.exists()
    assert not journal_file(raw_csv).exists()
    set_box(recorder, tracks, 3)
    recorder.flush()
    assert lines(raw_csv) == ["begin", "track", "smoothing", "fill", "edit"]
    recorder.smoothing(SmoothingSettings("median", 5))
    recorder.write("saved")
    recorder.flush()
    assert lines(raw_csv)[5:] == ["smoothing", "saved"]
    review = read_review(raw_csv, N, Source.IMPORTED)
    assert not review.saved_files.stamps  # the line alone is no file
    assert (review.tracks.fill, review.tracks.smoothing.window) == ("hold", 5)
    assert review.tracks["animal"].box(3) == Box(5, 5, 20, 20)


def test_a_review_moved_to_other_raw_boxes_is_written_whole(recorder, tracks, raw_csv, tmp_path):
    recorder.start(raw_csv, tracks)
    set_box(recorder, tracks, 3)
    set_box(recorder, tracks, 4)
    recorder.write("undo", count=1)
    tracks.undo()
    other = tmp_path / "elsewhere" / "mouse_bbox.csv"
    tracks.set_raw(np.tile([9.0, 9, 30, 30], (N, 1)), other, Source.DETECTED)
    recorder.new_raw(other, tracks, "animal")
    assert not other.exists()
    recorder.write("redo", count=1)
    recorder.flush()
    assert lines(other) == ["begin", "track", "smoothing", "fill", "edit", "edit", "undo", "redo"]
    review = read_review(other, N, Source.IMPORTED)
    assert [review.tracks["animal"].box(frame).x for frame in (3, 4, 5)] == [5, 5, 9]


def test_a_review_without_edits_is_not_said_to_be_resumed(recorder, tracks, raw_csv):
    recorder.start(raw_csv, tracks)
    set_box(recorder, tracks, 3)
    recorder.flush()
    assert read_review(raw_csv, N, Source.IMPORTED).told(True) == "Review resumed: 1 edit."
    recorder.write("undo", count=1)
    recorder.flush()
    assert read_review(raw_csv, N, Source.IMPORTED).told(True) == ""


def test_new_raw_boxes_are_written_once_however_often_they_are_made(recorder, tracks, raw_csv):
    recorder.start(raw_csv, tracks)
    set_box(recorder, tracks, 3)
    for x in range(5):
        tracks.set_raw(np.tile([float(x), 9, 30, 30], (N, 1)), raw_csv, Source.DETECTED)
        recorder.new_raw(raw_csv, tracks, "animal")
    recorder.write("undo", count=1)
    recorder.flush()
    assert lines(raw_csv)[4:] == ["edit", "track", "undo"]
    tracks.undo()
    review = read_review(raw_csv, N, Source.IMPORTED)
    assert not review.changed
    assert review.tracks["animal"].box(3) == tracks["animal"].box(3) == Box(4, 9, 30, 30)


def test_what_could_not_be_written_is_written_with_the_next_line(recorder, tracks, raw_csv):
    recorder.start(raw_csv, tracks, later=True)
    path = journal_file(raw_csv)
    assert not path.parent.exists()
    path.parent.mkdir(parents=True)
    (path.parent / f".{path.name}.lock").mkdir()  # in the way
    with pytest.raises(CropzoomError, match="read-only"):
        set_box(recorder, tracks, 3)
    recorder.close()
    (path.parent / f".{path.name}.lock").rmdir()
    recorder.start(raw_csv, tracks)
    set_box(recorder, tracks, 3)
    recorder.flush()
    assert lines(raw_csv) == ["begin", "track", "smoothing", "fill", "edit"]


def test_without_raw_boxes_nothing_is_kept(recorder, tracks):
    set_box(recorder, tracks, 3)
    recorder.smoothing(SmoothingSettings("mean", 3))
    recorder.write("undo", count=1)
    assert not recorder.read_only
