"""Sizing, smoothing and filling are edits with a name: undone in order, kept, found again."""

import json

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.settings import RawBoxes, told_of_kept, told_of_remade
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import RawChangedError
from napari_cropzoom.video.video import Video

N = 60
HERE = Box(10, 10, 40, 40)


def keypoints():
    t = np.arange(N)
    xy = np.stack([np.c_[t, t], np.c_[t + 20, t + 10]], axis=1).astype(float)
    likelihood = np.full((N, 2), 0.9)
    likelihood[7:9] = 0.05
    return Poses(("nose", "tail"), xy, likelihood)


@pytest.fixture
def raw_csv(tmp_path):
    return tmp_path / "preds" / "mouse_bbox.csv"


@pytest.fixture
def session(video_path, raw_csv):
    session = Session(Video(video_path))
    session.set_predictions("detector", keypoints())
    session.create_boxes(SizingSettings(), raw_csv)
    yield session
    session.close()


def size(session, **values):
    raw = RawBoxes.round_keypoints(keypoints(), SizingSettings(**values))
    session.size_boxes(raw, session.raw_csv)


def reopened(session, raw_csv, **options):
    session.close()
    again = Session(Video(session.video.path))
    again.load_boxes(raw_csv, allow_missing=True, **options)
    return again


def sides(session):
    return session.track.boxes[:, 2].tolist()


def test_every_setting_has_a_plain_name_and_is_undone_in_order(session):
    size(session, crop_ratio=1.5)
    session.set_box(3, HERE)
    session.smoothing = SmoothingSettings("median", 9)
    session.smoothing = SmoothingSettings("mean", 9)
    session.fill = "hold"
    session.create_boxes(SizingSettings(crop_ratio=1.5, min_likelihood=0.1), session.raw_csv)
    session.create_boxes(SizingSettings(crop_ratio=None, crop_size=64), session.raw_csv)
    nose = SizingSettings(crop_ratio=None, crop_size=80, anchor_keypoints=("nose",))
    session.create_boxes(nose, session.raw_csv)
    assert [edit.label for edit in session.history] == [
        "Crop ratio 2 to 1.5",
        "set box of frame 3",
        "Smoothing window 5 to 9 frames",
        "Smoothing: Rolling median to Rolling mean",
        "Missing frames: Interpolate to Hold the last box",
        "Min. likelihood off to 0.1",
        "Crop ratio 1.5 to crop size 64 px, Min. likelihood 0.1 to off",
        "Crop size 64 to 80 px, Anchor keypoints nose",
    ]
    assert sides(session)[:5] == [80, 80, 80, 40, 80]
    session.undo()
    assert sides(session)[:5] == [64, 64, 64, 40, 64]
    session.undo()
    assert np.isnan(session.track.boxes[7:9]).all()
    session.undo()
    assert session.sizing == SizingSettings(crop_ratio=1.5)
    assert not session.track.is_missing.any()
    session.undo()
    assert session.fill == "interpolate"
    session.undo()
    assert session.smoothing == SmoothingSettings("median", 9)
    session.undo()
    session.undo()
    session.undo()
    assert sides(session) == [40.0] * N
    assert session.sizing == SizingSettings()
    assert session.undo() is None
    session.go_to_edit(8)
    assert sides(session)[:5] == [80, 80, 80, 40, 80]


def test_what_is_dragged_is_one_edit_and_dragged_back_none(session, raw_csv):
    for window in (6, 7, 8, 9, 10, 11):
        session.editing.try_smoothing(SmoothingSettings("median", window))
        assert session.smoothing.window == window
        assert not len(session.history)
    for ratio in (1.9, 1.8, 1.7):
        size(session, crop_ratio=ratio)
        assert session.sizing.crop_ratio == ratio
    session.set_box(3, HERE)
    names = ["Smoothing window 5 to 11 frames", "Crop ratio 2 to 1.7", "set box of frame 3"]
    assert [edit.label for edit in session.history] == names
    session.editing.try_smoothing(SmoothingSettings("median", 30))
    session.editing.try_smoothing(SmoothingSettings("median", 11))
    for ratio in (1.5, 1.7):
        size(session, crop_ratio=ratio)
    session.editing.settle()
    assert len(session.history) == 3
    session.editing.try_smoothing(SmoothingSettings("median", 30))
    session.undo()  # what is tried out is an edit like any other
    assert session.smoothing.window == 11
    assert session.history.redo_label == "Smoothing window 11 to 30 frames"
    assert len([e for e in read_journal(journal_file(raw_csv))[0] if e["do"] == "setting"]) == 2


def test_a_reopened_review_has_the_same_history(session, raw_csv):
    session.set_box(3, HERE)
    size(session, crop_ratio=1.5)
    session.smoothing = SmoothingSettings("mean", 9)
    session.fill = "hold"
    size(session, crop_ratio=3)
    session.undo()
    session.undo()
    expected = sides(session)
    labels = [edit.label for edit in session.history.every]
    session = reopened(session, raw_csv, changed="refuse")
    assert [edit.label for edit in session.history.every] == labels
    assert (session.history.undo_label, session.history.redo_label) == (labels[2], labels[3])
    assert sides(session) == expected
    assert session.sizing == SizingSettings(crop_ratio=1.5)
    session.go_to_edit(0)
    assert (sides(session), session.smoothing) == ([40.0] * N, SmoothingSettings())
    session.go_to_edit(5)
    assert sides(session)[:5] == [60, 60, 60, 40, 60]
    session = reopened(session, raw_csv, changed="refuse")
    np.testing.assert_array_equal(read_bbox_csv(raw_csv, N), session.track.raw)
    assert sides(session)[:5] == [60, 60, 60, 40, 60]
    session.close()


@pytest.mark.parametrize("raw_of", ["before", "after", "elsewhere"])
def test_a_file_of_raw_boxes_that_was_not_written_any_more_is_no_other_file(session, raw_csv, raw_of):
    session.set_box(3, HERE)
    before = session.track.raw
    size(session, crop_ratio=1.5)
    session.editing.settle()
    boxes = {"before": before, "after": session.track.raw, "elsewhere": before + 7}[raw_of]
    session.close()
    write_bbox_csv(raw_csv, boxes)
    again = Session(Video(session.video.path))
    if raw_of == "elsewhere":
        with pytest.raises(RawChangedError):
            again.load_boxes(raw_csv, changed="refuse")
        again.load_boxes(raw_csv, changed="carry")
        assert [edit.label for edit in again.history] == ["set box of frame 3"]
        assert again.track.box(3) == HERE
        assert again.track.box(4) == Box(*(before[4] + 7))
        again.set_box(9, HERE)
        again = reopened(again, raw_csv, changed="refuse")
        assert again.track.box(4) == Box(*(before[4] + 7))
    else:
        again.load_boxes(raw_csv, changed="refuse")
        assert sides(again)[2:5] == [30, 40, 30]
        again.save()
        assert read_bbox_csv(raw_csv, N)[4, 2] == 30
        again.undo()
        assert sides(again)[2:5] == [40, 40, 40]
    again.close()


def test_what_a_person_has_changed_keeps_its_place_and_size(session):
    session.set_box(3, HERE)
    session.apply(tools.interpolate(session.track, 20, 24))
    session.delete_box(40)
    session.accept(50, 52)
    said = told_of_kept(session.track)
    assert said == (
        "1 box set by hand keeps its place and size. 5 boxes corrected with tools keep their place and "
        "size. 1 frame without an animal stays so. The boxes of the other 53 frames are made again."
    )
    seen = "3 accepted frames stay accepted, with boxes that nobody has looked at."
    assert told_of_remade(session.track) == f"{said} {seen}"
    before = session.track.snapshot(0, N - 1)
    size(session, crop_ratio=3)
    session.editing.settle()
    track = session.track
    kept = np.r_[3, 20:25]
    np.testing.assert_array_equal(track.boxes[kept], before.boxes[kept])
    assert track.box(40).is_missing()
    assert track.source[40] == Source.ABSENT
    assert set(np.delete(track.boxes, [*kept, 40], axis=0)[:, 2]) == {60}
    np.testing.assert_array_equal(track.review, before.review)
    session.undo()
    assert session.track.snapshot(0, N - 1) == before


def test_undo_shows_the_animal_that_it_changes_first(session):
    session.add_track("white")
    session.set_box(5, HERE)
    session.select_track("animal")
    size(session, crop_ratio=1.5)
    session.select_track("white")
    heard, current = [], []
    session.editing.stepped.connect(lambda edit, is_redo: heard.append((edit.label, is_redo)))
    session.boxes_changed.connect(lambda name, *_: current.append((name, session.current)))
    session.undo()
    assert session.current == "animal"
    session.undo()
    assert current == [("white", "white")]
    session.select_track("animal")
    session.redo()
    assert current == [("white", "white")] * 2
    assert heard == [
        ("Crop ratio 2 to 1.5", False),
        ("set box of frame 5", False),
        ("set box of frame 5", True),
    ]


def test_boxes_of_a_file_are_left_alone_and_come_back(session, tmp_path):
    theirs = tmp_path / "theirs" / "theirs_bbox.csv"
    write_bbox_csv(theirs, np.tile([5.0, 5, 24, 24], (N, 1)))
    content = theirs.read_bytes()
    ours = session.raw_csv
    session.load_boxes(theirs)
    session.set_box(3, HERE)
    session.create_boxes(SizingSettings(crop_ratio=1.5), ours)
    assert sides(session)[2:5] == [30, 40, 30]
    assert session.history.undo_label == "Boxes of keypoints, crop ratio 1.5"
    session.undo()
    assert sides(session)[2:5] == [24, 40, 24]
    assert theirs.read_bytes() == content
    session = reopened(session, ours, changed="refuse")
    assert sides(session)[2:5] == [24, 40, 24]
    session.redo()
    assert sides(session)[2:5] == [30, 40, 30]
    assert session.history.undo_label == "Boxes of keypoints, crop ratio 1.5"
    session.close()


def test_before_there_are_boxes_settings_are_no_edits(video_path, raw_csv):
    session = Session(Video(video_path))
    session.smoothing = SmoothingSettings("mean", 9)
    session.fill = "hold"
    session.set_predictions("detector", keypoints())
    session.create_boxes(SizingSettings(), raw_csv)
    assert not session.history.every
    session.set_box(3, HERE)
    again = reopened(session, raw_csv)
    assert (again.smoothing, again.fill) == (SmoothingSettings("mean", 9), "hold")
    assert [edit.label for edit in again.history.every] == ["set box of frame 3"]
    again.close()


def test_a_review_moved_elsewhere_has_its_settings_in_the_same_order(session, tmp_path):
    session.smoothing = SmoothingSettings("mean", 9)
    size(session, crop_ratio=1.5)
    session.set_box(3, HERE)
    size(session, crop_ratio=3)
    session.undo()
    session.keep_in(tmp_path / "elsewhere")
    labels = [edit.label for edit in session.history.every]
    again = reopened(session, session.raw_csv, changed="refuse")
    assert [edit.label for edit in again.history.every] == labels
    assert sides(again)[2:5] == [30, 40, 30]
    again.go_to_edit(0)
    assert (sides(again), again.smoothing) == ([40.0] * N, SmoothingSettings())
    again.close()


def test_nothing_that_cannot_be_kept_is_tried_out(session, raw_csv):
    session.set_box(3, HERE)
    second = Session(Video(session.video.path))
    second.load_boxes(raw_csv)
    raw = RawBoxes.round_keypoints(keypoints(), SizingSettings(crop_ratio=3))
    for act in (
        lambda: second.editing.try_smoothing(SmoothingSettings("mean", 9)),
        lambda: second.editing.try_fill("hold"),
        lambda: second.size_boxes(raw, raw_csv),
    ):
        with pytest.raises(CropzoomError, match="read-only"):
            act()
    assert (second.smoothing, second.fill) == (SmoothingSettings(), "interpolate")
    assert sides(second)[:5] == [40] * 5
    second.close()


@pytest.mark.parametrize(
    "line",
    [
        {"do": "setting", "label": "x", "smoothing": {"method": "mean", "window": 10**12}},
        {"do": "setting", "label": "x", "fill": "magic"},
        {"do": "setting"},
        {"do": "sizing", "label": "x", "track": "animal", "becomes": {}},
        {"do": "sizing", "label": "x", "track": "nobody", "becomes": {}},
        {"do": "color", "name": "nobody", "color": "#123456"},
    ],
)
def test_a_broken_line_is_named(session, raw_csv, line):
    session.set_box(3, HERE)
    session.close()
    path = journal_file(raw_csv)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    number = len(path.read_text().splitlines())
    again = Session(Video(session.video.path))
    message = rf"mouse_journal\.jsonl, line {number}: .*Move the file away"
    with pytest.raises(CropzoomError, match=message):
        again.load_boxes(raw_csv)
    again.close()
