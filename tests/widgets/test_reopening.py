"""Opening a video that has been reviewed offers the review at once."""

import json
import os
from datetime import datetime
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QLabel, QPushButton

from gui_events import needs_display, press_key, spin, wait_for, xdotool
from napari_cropzoom import open_review
from napari_cropzoom.app import add_docks, find_dock
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.projects.states import VideoState
from napari_cropzoom.review.finding import FoundReview
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.controls import remember
from napari_cropzoom.widgets.projects.reading import read_project
from review_window import click_on
from reviewed_before import SIZE, N, forget_everything, make_detector, make_video, review
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def video_file(tmp_path):
    return make_video(tmp_path)


@pytest.fixture
def detector(tmp_path, video_file):
    return make_detector(tmp_path, video_file)


def open_by_hand(viewer, video):
    """Open a video with the dock, as its button does once a file is chosen."""
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1300, 720)
    dock = add_docks(viewer)
    dock["video"].open(video)
    wait_for(lambda: dock.controller.session is not None)
    return dock


def offers(dock):
    return [label.text().replace("\u200b", "") for label in dock["video"].reviews.findChildren(QLabel)]


def test_one_click_goes_on_with_the_review_and_its_models(new_viewer, tmp_path, video_file, detector):
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "nothing")
    dock = open_by_hand(new_viewer(), video_file)
    assert dock["video"].is_open
    wait_for(lambda: offers(dock))
    (text,) = offers(dock)
    assert text.startswith(
        "A review of the boxes in detector: 3 edits, 2 boxes set by hand; 5 of 12 frames accepted or "
        "changed. "
        "Last edited or saved 20"
    )
    assert text.endswith(".")
    assert "not saved" not in text
    click_on(dock.findChild(QPushButton, "video_review_use_0"))
    session = dock.controller.session
    wait_for(lambda: session.has_boxes and session.detector_poses is not None)
    assert session.track.box(4) == Box(30, 30, 20, 20)
    assert session.history.undo_label == "set box of frame 9"
    assert dock.controller.detector.path == detector
    assert dock["detect"].header.state.startswith("✓ detector")
    wait_for(lambda: dock["review"].is_open)
    assert dock.controller.frame == 9
    assert dock["review"].message.plain == "Review resumed: 3 edits."
    assert not session.unsaved
    dock.open_step("video")
    assert not dock["video"].reviews.isVisible()


def test_the_only_review_goes_on_by_itself_when_a_person_opens_the_video(
    new_viewer, tmp_path, video_file, detector
):
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "nothing")
    shown = Shown()
    dock = dropped_on(new_viewer(), video_file, shown)
    wait_for(lambda: dock["review"].is_open and dock.controller.session.detector_poses is not None)
    assert dock.controller.session.track.box(4) == Box(30, 30, 20, 20)
    assert dock.controller.detector.path == detector
    assert dock.controller.frame == 9
    message = dock["review"].message
    assert message.plain.startswith(
        "Review resumed: 3 edits. 5 of 12 frames accepted or changed, 2 set by hand; as of 20"
    )
    spin(0.3)
    assert message.text().replace("\u200b", "") == message.plain  # in full
    assert shown.count == 0  # what goes on is not offered for a moment
    found = FoundReview(Path("v_bbox.csv"), datetime.now(), 1_000_000, 1234, 5678, 456_789, 1, False)
    message.show_info(f"Review resumed: 1234 edits. {found.how_far()}")
    spin(0.2)
    assert message.text() == message.plain


class Shown(QObject):
    """Counts how often a widget comes to be seen."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Show
        return False


def dropped_on(viewer, video, shown=None):
    """Open a video as dropping it does; ``shown`` counts how often reviews are offered."""
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1300, 720)
    dock = add_docks(viewer)
    if shown is not None:
        dock["video"].reviews.installEventFilter(shown)
    dock["video"].drop([video])
    wait_for(lambda: dock.controller.session is not None)
    return dock


def test_of_several_reviews_none_goes_on_by_itself(new_viewer, tmp_path, video_file, detector):
    new = video_file.parent / "bboxes_motion" / "v_bbox.csv"
    new.parent.mkdir()
    write_bbox_csv(new, np.tile([40.0, 35, 40, 40], (N, 1)))
    for raw in (detector / "video_preds" / "v_bbox.csv", new):
        review(video_file, raw)
    forget_everything(tmp_path / "nothing")
    dock = dropped_on(new_viewer(), video_file)
    wait_for(lambda: len(offers(dock)) == 2)
    assert dock["video"].is_open
    assert not dock.controller.session.has_boxes


def test_a_review_of_other_raw_boxes_than_those_there_is_only_offered(
    new_viewer, tmp_path, video_file, detector
):
    raw = detector / "video_preds" / "v_bbox.csv"
    review(video_file, raw)
    write_bbox_csv(raw, np.tile([50.0, 35, 40, 40], (N, 1)))
    forget_everything(tmp_path / "nothing")
    dock = dropped_on(new_viewer(), video_file)
    wait_for(lambda: offers(dock))
    spin(0.2)
    assert dock["video"].is_open
    assert not dock.controller.session.has_boxes


def test_boxes_of_ones_own_are_remembered_wherever_they_lie(new_viewer, tmp_path, video_file):
    forget_everything(tmp_path / "settings")
    raw = tmp_path / "elsewhere" / "mine.csv"
    raw.parent.mkdir()
    write_bbox_csv(raw, np.tile([40.0, 35, 40, 40], (N, 1)))
    viewer = new_viewer()
    open_review(viewer, video_file, bbox=raw).set_box(4, Box(30, 30, 20, 20))
    viewer.close()
    dock = open_by_hand(new_viewer(), video_file)
    wait_for(lambda: offers(dock))
    assert "elsewhere: 1 edit, 1 box set by hand; 1 of 12 frames" in offers(dock)[0]
    assert offers(dock)[0].endswith("and not saved for other programs since.")
    click_on(dock.findChild(QPushButton, "video_review_use_0"))
    wait_for(lambda: dock.controller.session.has_boxes)
    assert dock.controller.session.raw_csv == raw


def test_a_copy_of_a_video_has_its_review_in_the_table_of_the_window_and_of_the_command_alike(
    new_viewer, tmp_path, video_file, detector, capsys
):
    """Byte for byte the same video elsewhere: opened there, its review goes on, and the table says so."""
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "settings")
    copy = tmp_path / "elsewhere" / "v.mp4"
    copy.parent.mkdir()
    copy.write_bytes(video_file.read_bytes())

    def tables():
        shown = list[VideoState]()
        read_project(copy.parent, Event(), lambda _, states: shown.extend(states))
        capsys.readouterr()
        assert main(["project", str(copy.parent), "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)["videos"]
        (state,) = shown
        return state, told

    state, told = tables()
    assert (state.stage, told["stage"]) == ("new", "new")
    remember("model", detector)
    viewer = new_viewer()
    dock = open_by_hand(viewer, copy)
    wait_for(lambda: offers(dock))
    click_on(dock.findChild(QPushButton, "video_review_use_0"))
    wait_for(lambda: dock.controller.session.has_boxes)
    dock.controller.session.set_box(5, Box(30, 30, 20, 20))
    viewer.close()
    state, told = tables()
    assert (state.n_edits, told["n_edits"]) == (4, 4)
    assert state.as_json() == {name: value for name, value in told.items() if name != "stage"}
    copy.write_bytes(make_numbered_video(tmp_path / "other.mp4", N + 2, size=SIZE).read_bytes())
    state, told = tables()  # another video in its place: not its review; what has no record is trusted
    assert (state.stage, told["stage"]) == ("boxes", "boxes")
    assert "was made of another file" in state.why


def test_the_script_and_the_shell_offer_it_too(new_viewer, tmp_path, video_file, detector):
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "nothing")
    viewer = new_viewer()
    viewer.window.show()
    open_review(viewer, video_file)
    dock = find_dock(viewer)
    assert dock["video"].is_open
    wait_for(lambda: offers(dock))


def test_a_review_of_drawn_boxes_goes_on_by_itself_and_says_so(new_viewer, tmp_path, video_file):
    forget_everything(tmp_path / "nothing")
    session = Session(Video(video_file))
    session.draw_into(video_file.parent / "bboxes_drawn" / "v_bbox.csv")
    session.set_box(4, Box(30, 30, 20, 20))
    session.close()
    dock = open_by_hand(new_viewer(), video_file)
    wait_for(lambda: dock["review"].is_open)
    assert "Review resumed" in dock["review"].message.plain
    assert dock.controller.frame == 4
    assert dock.controller.session.track.box(4) == Box(30, 30, 20, 20)


def test_a_review_goes_on_in_the_step_and_at_the_frame_that_were_left(
    new_viewer, tmp_path, video_file, detector
):
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "settings")
    viewer = new_viewer()
    dock = dropped_on(viewer, video_file)
    wait_for(lambda: dock["review"].is_open)
    dock.controller.session.set_box(2, Box(30, 30, 20, 20))
    click_on(dock["smooth"].header)
    wait_for(lambda: dock["smooth"].is_open)
    dock.controller.go_to(7)
    rested = []
    dock.controller.frame_rested.connect(rested.append)
    press_key("Right")
    wait_for(lambda: rested == [8])
    viewer.close()
    again = dropped_on(new_viewer(), video_file)
    wait_for(lambda: again["smooth"].is_open)
    assert again.controller.frame == 8
    assert again["smooth"].message.plain.startswith("Review resumed: 4 edits.")
    assert again["smooth"].message.plain.endswith("You left it in step Smooth, at frame 8.")
    click_on(again["video"].header)  # from here another one is opened
    assert again["video"].is_open
    viewer = again.controller.viewer
    viewer.close()
    third = dropped_on(new_viewer(), video_file)
    wait_for(lambda: third["smooth"].is_open)


def test_keypoints_that_were_hidden_are_hidden_again(new_viewer, tmp_path, video_file, detector):
    review(video_file, detector / "video_preds" / "v_bbox.csv")
    forget_everything(tmp_path / "settings")

    def shown():
        viewer = new_viewer()
        dock = dropped_on(viewer, video_file)
        wait_for(lambda: "detector keypoints" in viewer.layers and "boxes" in viewer.layers)
        wait_for(lambda: dock.controller.layers.points["detector"].poses is not None)
        return viewer, viewer.layers["detector keypoints"]

    viewer, layer = shown()
    assert layer.visible
    layer.visible = False  # as the eye in the list of layers does, and the dock's menu
    viewer.close()
    viewer, layer = shown()
    assert not layer.visible
    layer.visible = True
    viewer.close()
    assert shown()[1].visible


def test_without_a_review_the_next_step_opens(new_viewer, tmp_path, video_file, detector):
    forget_everything(tmp_path / "nothing")
    dock = open_by_hand(new_viewer(), video_file)
    assert dock["detect"].is_open
    assert not offers(dock)


def test_a_review_of_another_video_is_not_offered_and_a_broken_one_is_told(
    new_viewer, tmp_path, video_file, detector
):
    raw = detector / "video_preds" / "v_bbox.csv"
    review(video_file, raw)
    journal_file(raw).write_text("nonsense\n" + journal_file(raw).read_text())
    forget_everything(tmp_path / "nothing")
    dock = open_by_hand(new_viewer(), video_file)
    wait_for(lambda: dock["video"].message.plain)
    assert "v_journal.jsonl" in dock["video"].message.plain
    assert not offers(dock)
    assert dock.controller.session is not None


def test_several_reviews_come_the_last_first(new_viewer, tmp_path, video_file, detector):
    old = detector / "video_preds" / "v_bbox.csv"
    new = video_file.parent / "bboxes_motion" / "v_bbox.csv"
    new.parent.mkdir()
    write_bbox_csv(new, np.tile([40.0, 35, 40, 40], (N, 1)))
    review(video_file, old)
    review(video_file, new, saved=False)
    os.utime(journal_file(old), (1e9, 1e9))
    forget_everything(tmp_path / "nothing")
    dock = open_by_hand(new_viewer(), video_file)
    wait_for(lambda: len(offers(dock)) == 2)
    assert "bboxes_motion" in offers(dock)[0]
    assert "2001-09-09" in offers(dock)[1]


def test_a_recent_video_is_opened_from_the_list(new_viewer, tmp_path, video_file):
    forget_everything(tmp_path / "settings")
    other = make_numbered_video(tmp_path / "other.mp4", N, size=SIZE)
    dock = open_by_hand(new_viewer(), other)
    dock["video"].open(video_file)
    wait_for(lambda: dock.controller.session.video.path == video_file)
    dock.open_step("video")
    recent = dock.findChild(QPushButton, "video_recent")
    click_on(recent)
    wait_for(recent.menu().isVisible)
    (action,) = recent.menu().actions()
    assert action.text().startswith("other.mp4")
    place = recent.menu().mapToGlobal(recent.menu().actionGeometry(action).center())
    xdotool("mousemove", place.x(), place.y())
    spin(0.2)
    xdotool("click", 1)
    wait_for(lambda: dock.controller.session.video.path == other)


def test_a_review_goes_on_at_the_animal_that_was_left(new_viewer, tmp_path, video_file, detector):
    raw_csv = detector / "video_preds" / "v_bbox.csv"
    review(video_file, raw_csv)
    session = Session(Video(video_file))
    session.load_boxes(raw_csv)
    session.add_track("white mouse")
    session.set_box(3, Box(80, 80, 20, 20))
    session.close()
    forget_everything(tmp_path / "settings")
    viewer = new_viewer()
    dock = dropped_on(viewer, video_file)
    wait_for(lambda: dock["review"].is_open)
    said = dock["review"].message.plain
    assert "5 (animal) and 1 (white mouse) of 12 frames accepted or changed" in said
    assert dock.controller.session.current == "animal"
    click_on(dock["smooth"].header)
    wait_for(lambda: dock["smooth"].is_open)
    dock.controller.session.select_track("white mouse")
    spin(0.2)
    viewer.close()
    again = dropped_on(new_viewer(), video_file)
    wait_for(lambda: again["smooth"].is_open)
    assert again.controller.session.current == "white mouse"
    assert again["smooth"].message.plain.endswith(", at 'white mouse'.")
