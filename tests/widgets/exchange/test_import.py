"""Boxes of another program in the window: dropped, shown, asked for, taken in."""

import contextlib
import json

import numpy as np
import psutil
import pytest
from qtpy.QtCore import Qt

from dropping import drop
from gui_events import canvas_of, needs_display, wait_for
from imports_by_hand import boxes as boxes_of
from imports_by_hand import choose, dialog_of, listed, mot, table, take
from napari_cropzoom.app import open_review
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions
from review_window import click_on, window_of
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 12


def boxes(x=10.0, gap=()):
    return boxes_of(N, x, gap)


@pytest.mark.parametrize("where", ["canvas", "dock"])
def test_a_file_of_a_tracker_is_shown_and_becomes_animals_with_their_gaps(opened, tmp_path, where):
    target = canvas_of(window_of(opened)) if where == "canvas" else opened
    assert drop(target, mot(tmp_path / "any.name.txt", boxes(), boxes(40, gap=(4, 5)))) is not None
    dialog = dialog_of(opened)
    assert dialog.format.currentText() == "MOTChallenge"
    assert dialog.answers.first_frame.currentText() == "1"
    assert listed(dialog) == [
        "animal_1: 12 boxes in 12 frames; confidence 0.90 to 0.90",
        "animal_2: 10 boxes in 12 frames, missing in 4 to 5; confidence 0.90 to 0.90",
    ]
    wait_for(lambda: all(each.shot is not None for each in dialog.pictures.pictures))
    assert dialog.pictures.pictures[0].shot.frame == 0
    assert dialog.pictures.pictures[0].boxes[1][1] == (40, 60, 60, 40)
    session = opened.controller.session
    assert not session.has_boxes
    folder = dialog.answers.folder.path
    assert dialog.answers.folder.isVisible()
    assert not folder.exists()
    take(opened, dialog)
    wait_for(lambda: len(session.tracks) == 2)
    assert (folder / f"{session.video.path.stem}_bbox.csv").is_file()
    np.testing.assert_array_equal(session.tracks["animal_2"].boxes, boxes(40, gap=(4, 5)))
    wait_for(lambda: opened["review"].is_open)
    assert "animal_2 has no box in 2 frames" in opened["boxes"].message.plain


@pytest.mark.parametrize("kind", ["table", "several tables", "keypoints", "tracks"])
def test_a_file_of_another_video_of_this_name_is_refused_on_every_way_in(opened, tmp_path, kind):
    """As `import_bbox` refuses it."""
    (tmp_path / "day2").mkdir()
    other = make_numbered_video(tmp_path / "day2" / "mouse.mp4", N, size=(320, 240), fps=10)
    path = tmp_path / "given" / ("mouse.csv" if kind == "keypoints" else "mouse_bbox.csv")
    paths = [path]
    if kind == "keypoints":
        xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1))
        write_predictions(path, Poses(("nose", "tail"), xy, np.ones((N, 2))))
    elif kind == "tracks":
        path = mot(tmp_path / "tracks.txt", boxes())
        paths = [path]
    else:
        write_bbox_csv(path, boxes())
    sign(path, other)
    if kind == "several tables":
        write_bbox_csv(tmp_path / "given" / "mine_bbox.csv", boxes())
        sign(tmp_path / "given" / "mine_bbox.csv", opened.controller.session.video.path)
        paths = [tmp_path / "given" / "mine_bbox.csv", path]
    step, session = opened["boxes"], opened.controller.session
    step.drop(paths)
    wait_for(lambda: "was made of another file (mouse.mp4" in said_of(step))
    assert len(session.tracks) == 1
    assert session.has_boxes == (kind == "several tables")
    assert not list(session.video.path.parent.glob("bboxes_*"))


def said_of(step):
    """What the step says, or the dialog that is open."""
    dialog = step.taking.dialog
    return f"{step.message.plain} {'' if dialog is None else dialog.message.plain}"


def test_one_of_the_animals_is_taken_alone(opened, tmp_path):
    opened["boxes"].open(mot(tmp_path / "a.txt", boxes(), boxes(40)))
    dialog = dialog_of(opened)
    dialog.animals.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert len(dialog.pictures._tracks) == 1
    take(opened, dialog)
    session = opened.controller.session
    wait_for(lambda: session.has_boxes)
    assert list(session.tracks) == ["animal_2"]
    np.testing.assert_array_equal(session.track.boxes, boxes(40))


def test_in_the_place_of_boxes_it_is_one_step_that_undo_takes_back(opened, tmp_path):
    session = opened.controller.session
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes(100))
    opened["boxes"].load(tmp_path / "own" / "mouse_bbox.csv")
    wait_for(lambda: session.has_boxes)
    session.set_box(3, Box(20, 20, 40, 40))
    opened["boxes"].open(mot(tmp_path / "a.txt", boxes()))
    dialog = dialog_of(opened)
    assert dialog.where.currentData() == "replace"
    folder = dialog.answers.folder.path
    take(opened, dialog)
    wait_for(lambda: session.track.box(0).x == 10)
    assert session.raw_csv.parent == folder
    assert session.history.undo_label == "Boxes of a.txt"
    assert session.track.box(3) == Box(20, 20, 40, 40)
    session.undo()
    np.testing.assert_array_equal(session.track.boxes[4:], boxes(100)[4:])

    opened["boxes"].open(mot(tmp_path / "b.txt", boxes(30)))
    dialog = dialog_of(opened)
    choose(dialog.where, "add")
    folder = session.tracks.first.raw_csv.parent
    wait_for(lambda: dialog.answers.folder.path == folder)
    take(opened, dialog)
    wait_for(lambda: list(session.tracks) == ["animal", "animal_1"])
    assert session.raw_csv.parent == folder / "animal_1"


def test_a_doubt_is_asked_and_nothing_is_taken_before_it_is_answered(opened, tmp_path):
    rows = [(n, 100 + n, 100, 60, 40) for n in range(1, N)]
    opened["boxes"].open(table(tmp_path / "a.csv", "frame,x,y,w,h", rows))
    dialog = dialog_of(opened)
    for made, value in ((dialog.answers.first_frame, "1"), (dialog.answers.corner, "centre")):
        assert made.currentIndex() == -1
        assert not dialog.ok.isEnabled()
        assert "please choose" in dialog.answers._whys[made].text()
        choose(made, value)
        wait_for(lambda: not dialog._latest.is_running)
    take(opened, dialog)
    session = opened.controller.session
    wait_for(lambda: session.has_boxes)
    assert session.track.box(0) == Box(101 - 30, 80, 60, 40)
    assert session.track.box(N - 1).is_missing()


def test_points_ask_how_large_the_boxes_are(opened, tmp_path):
    rows = [(n, 100 + n, 100) for n in range(N)]
    opened["boxes"].open(table(tmp_path / "a.csv", "frame,x,y", rows))
    dialog = dialog_of(opened)
    assert dialog.answers.size_row.isVisible()
    assert not dialog.answers.by_ratio.isEnabled()
    assert not dialog.answers.corner.isVisible()
    dialog.answers.size.setValue(50)
    wait_for(lambda: not dialog._latest.is_running)
    take(opened, dialog)
    wait_for(lambda: opened.controller.session.has_boxes)
    assert opened.controller.session.track.box(0) == Box(75, 75, 50, 50)


def test_keypoints_take_a_ratio(opened, tmp_path):
    lines = ["scorer,s,s,s,s,s,s", "bodyparts,nose,nose,nose,tail,tail,tail"]
    lines += ["coords,x,y,likelihood,x,y,likelihood"]
    lines += [f"{n},{100 + n},100,0.9,{140 + n},100,0.8" for n in range(N)]
    (tmp_path / "pose.csv").write_text("\n".join(lines) + "\n")
    opened["boxes"].open(tmp_path / "pose.csv")
    dialog = dialog_of(opened)
    assert dialog.answers.by_ratio.isChecked()
    dialog.answers.ratio.setValue(1.5)
    wait_for(lambda: not dialog._latest.is_running)
    take(opened, dialog)
    wait_for(lambda: opened.controller.session.has_boxes)
    assert opened.controller.session.track.box(0) == Box(90, 70, 60, 60)


def test_what_cannot_be_read_says_why_and_the_format_can_be_overruled(opened, tmp_path):
    content = {"images": [], "annotations": []}
    (tmp_path / "empty.json").write_text(json.dumps(content))
    opened["boxes"].open(tmp_path / "empty.json")
    dialog = dialog_of(opened)
    assert dialog.message.kind == "error"
    assert "has no annotations" in dialog.message.plain
    assert not dialog.ok.isEnabled()
    dialog.reject()
    wait_for(lambda: opened["boxes"].taking.dialog is None)

    (tmp_path / "what.csv").write_text("left;over\n1;2\n")
    opened["boxes"].open(tmp_path / "what.csv")
    dialog = dialog_of(opened)
    assert "no known format" in dialog.message.plain
    assert "--" not in dialog.message.plain
    assert dialog.format.currentIndex() == -1
    choose(dialog.format, "mot")
    wait_for(lambda: "MOT" in dialog.message.plain or "columns" in dialog.message.plain)
    assert opened.controller.session.has_boxes is False


def test_a_table_of_ours_goes_on_without_a_question(opened, tmp_path):
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes())
    drop(canvas_of(window_of(opened)), tmp_path / "own" / "mouse_bbox.csv")
    session = opened.controller.session
    wait_for(lambda: session.has_boxes)
    assert opened["boxes"].taking.dialog is None
    assert session.raw_csv == tmp_path / "own" / "mouse_bbox.csv"


def test_a_video_and_its_boxes_are_opened_one_after_the_other(dock, video, tmp_path):
    write_bbox_csv(tmp_path / "own" / "mouse_bbox.csv", boxes())
    drop(canvas_of(window_of(dock)), tmp_path / "own" / "mouse_bbox.csv", video)
    wait_for(lambda: dock.controller.session is not None and dock.controller.session.has_boxes)
    assert dock.controller.session.raw_csv == tmp_path / "own" / "mouse_bbox.csv"
    dock.controller.close_session()
    drop(dock, video, mot(tmp_path / "a.txt", boxes(30)))
    dialog = dialog_of(dock)
    assert listed(dialog) == ["animal_1: 12 boxes in 12 frames; confidence 0.90 to 0.90"]


def test_boxes_without_a_video_say_what_to_do_and_wait_for_it(dock, video, tmp_path):
    drop(dock, mot(tmp_path / "a.txt", boxes()))
    wait_for(lambda: dock["video"].message.kind == "error")
    assert "Open the video; the boxes follow" in dock["video"].message.plain
    dock["video"].open(video)
    assert listed(dialog_of(dock)) == ["animal_1: 12 boxes in 12 frames; confidence 0.90 to 0.90"]


def test_a_journal_brings_its_video_and_the_review(dock, window, video, tmp_path):
    raw = tmp_path / "own" / "mouse_bbox.csv"
    write_bbox_csv(raw, boxes())
    session = open_review(window, video, bbox=raw)
    session.set_box(2, Box(30, 30, 20, 20))
    dock.controller.close_session()
    journal = tmp_path / "own" / "bboxes_reviewed" / "mouse_journal.jsonl"
    assert journal.is_file()
    drop(dock, journal)
    wait_for(lambda: dock.controller.session is not None and dock.controller.session.has_boxes)
    assert dock.controller.session.track.box(2) == Box(30, 30, 20, 20)
    assert dock.controller.session.raw_csv == raw


def large(path):
    """90 animals, in a file of more than the 1 MB from which on a process reads it."""
    images = [{"id": n, "file_name": f"img{n}.png"} for n in range(N)]
    annotations = [
        {
            "id": n,
            "image_id": n % N,
            "category_id": 1,
            "bbox": [10, 20, 30, 40],
            "score": 0.5,
            "attributes": {"track_id": n // N, "padding": "x" * 1000},
        }
        for n in range(90 * N)
    ]
    categories = [{"id": 1, "name": "mouse"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_a_large_file_is_read_beside_the_window_and_can_be_stopped(opened, tmp_path):
    path = large(tmp_path / "many.json")
    taking = opened["boxes"].taking
    opened.open_step("boxes")
    wait_for(opened["boxes"].body.isVisible)
    opened["boxes"].open(path)
    wait_for(lambda: taking.isVisible() and taking._reading._worker.pid)
    worker = taking._reading._worker
    process = psutil.Process(worker.pid)
    process.suspend()  # or it may have ended before the mouse is there
    try:
        click_on(taking._cancel)
    finally:
        with contextlib.suppress(psutil.Error):
            process.resume()
    wait_for(lambda: not taking.isVisible())
    assert taking.dialog is None
    opened["boxes"].open(path)
    dialog = dialog_of(opened)
    assert taking._reading._worker is worker
    assert listed(dialog)[0] == "animal_0: 12 boxes in 12 frames; confidence 0.50 to 0.50"
    assert len(listed(dialog)) == 90


def test_of_several_tables_of_ours_the_others_are_more_animals(opened, tmp_path):
    for name, x in (("white", 10), ("brown", 40)):
        write_bbox_csv(tmp_path / name / "mouse_bbox.csv", boxes(x))
    drop(opened, tmp_path / "white" / "mouse_bbox.csv", tmp_path / "brown" / "mouse_bbox.csv")
    dialog = dialog_of(opened)
    session = opened.controller.session
    assert session.raw_csv == tmp_path / "white" / "mouse_bbox.csv"
    choose(dialog.where, "add")
    take(opened, dialog)
    wait_for(lambda: len(session.tracks) == 2)
    np.testing.assert_array_equal(session.track.boxes, boxes(40))
