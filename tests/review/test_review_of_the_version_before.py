"""A review written by version 0.1.0, with every kind of line, opens as that version opened it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import read_review
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 60
KINDS = {
    "begin", "track", "rename", "remove", "edit", "undo", "redo", "smoothing", "fill", "saved",
}  # fmt: skip


@pytest.fixture
def raw_csv(tmp_path):
    folder = tmp_path / "preds"
    shutil.copytree(Path(__file__).parents[1] / "data" / "review_of_0.1.0", folder)
    return folder / "mouse_bbox.csv"


def expected(raw_csv):
    return json.loads(raw_csv.with_name("expected.json").read_text())


def check(tracks, wanted):
    assert [edit.label for edit in tracks.history.every] == wanted["labels"]
    assert len(tracks.history) == wanted["in_force"]
    assert tracks.smoothing == SmoothingSettings(*wanted["smoothing"])
    assert tracks.fill == wanted["fill"]
    assert tracks.first.sizing.crop_ratio == wanted["sizing"]
    assert list(tracks) == list(wanted["tracks"])
    for name, track in tracks.items():
        of_track = wanted["tracks"][name]
        np.testing.assert_array_equal(track.boxes, np.array(of_track["boxes"], float))
        assert track.source.tolist() == of_track["source"]
        assert track.review.tolist() == of_track["review"]
        assert tracks.entries[name].color == of_track["color"]


def test_it_has_every_kind_of_line(raw_csv):
    assert {entry["do"] for entry in read_journal(journal_file(raw_csv))[0]} == KINDS


def test_it_is_read(raw_csv):
    review = read_review(raw_csv, N, Source.IMPORTED, allow_missing=True)
    assert review.exists
    assert not review.changed
    assert not review.saved_files.stamps
    check(review.tracks, expected(raw_csv))


def test_it_goes_on_and_comes_back(raw_csv, tmp_path):
    video = tmp_path / "mouse.mp4"
    make_numbered_video(video, N)
    session = Session(Video(video))
    assert session.load_boxes(raw_csv, allow_missing=True) == "Review resumed: 9 edits."
    check(session.tracks, expected(raw_csv))
    session.redo()
    session.set_box(55, Box(4, 4, 30, 30))
    session.undo()
    session.undo()
    session.save()
    session.close()
    again = Session(Video(video))
    again.load_boxes(raw_csv, allow_missing=True)
    assert not again.unsaved
    wanted = expected(raw_csv)
    check(again.tracks, wanted | {"labels": [*wanted["labels"], "set box of frame 55"]})
    again.go_to_edit(0)
    for track in again.tracks.values():
        assert track.snapshot(0, N - 1) == track.raw_state(0, N - 1)
    again.close()
