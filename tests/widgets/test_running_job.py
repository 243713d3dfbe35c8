"""A job in the window: one count, one estimate, *cancelling*, and in reach whatever step is open."""

import os
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QLabel, QPushButton

from gui_events import needs_display, spin, wait_for, wait_until_still
from napari_cropzoom.jobs import Worker
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets import running_job
from napari_cropzoom.widgets.steps.base import NO_BOXES, told_of_detecting
from napari_cropzoom.widgets.steps.parts.job_bar import progress_text, seconds, short_text
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import button, click_on, make_review, review_window


def test_what_is_said_of_a_job():
    assert progress_text(420, 1200, "", 12.0) == "420 of 1200 frames · 12 s left"
    assert progress_text(0, 1, "files", -1) == "0 of 1 file"
    assert progress_text(0, 1, "frames", -1) == "0 of 1 frame"
    assert progress_text(0, 0, "loading detector", -1, 3.2) == "loading detector … 3 s"
    assert progress_text(0, 0, "loading detector", -1, 95.4) == "loading detector … 1 min 35 s"
    assert progress_text(0, 0, "loading detector", -1, 4860) == "loading detector … 1 h 21 min"
    assert short_text(420, 1200, 12.0) == "35 % · 12 s left"
    assert short_text(0, 0, -1) == "running …"
    assert [seconds(each) for each in (0.2, 8.4, 43, 59, 61, 4800)] == [
        "1 s", "8 s", "45 s", "60 s", "1 min", "1 h 20 min"
    ]  # fmt: skip


@pytest.fixture
def dock(tmp_path, monkeypatch):
    """A window whose worker has stages that take their time."""
    from napari_cropzoom.widgets import controller

    stages = Path(__file__).parents[1] / "worker"
    monkeypatch.setenv("PYTHONPATH", str(stages), prepend=os.pathsep)
    options = ["--stages", "worker_stages"]
    monkeypatch.setattr(controller, "Worker", lambda parent, **_: Worker(parent, options=options))
    with review_window(*make_review(tmp_path)) as dock:
        yield dock


def test_what_is_said_of_a_detector():
    then = "When it has ended, the boxes come by themselves."
    assert told_of_detecting("35 % · 12 s left") == f"The detector runs: 35 % · 12 s left. {then}"
    assert told_of_detecting("running …") == f"The detector runs. {then}"
    assert told_of_detecting("waits …") == f"The detector waits until another step has ended. {then}"
    assert told_of_detecting("cancelling …") == "The detector is being cancelled."


@pytest.mark.gui
@needs_display
def test_steps_that_need_boxes_say_that_the_detector_runs(dock):
    controller, detect, boxes, review = dock.controller, dock["detect"], dock["boxes"], dock["review"]
    controller.open_video(Video(controller.session.video.path))  # without boxes
    detect.run_stage("count", {"n": 2000, "pause": 0.02, "busy": True}, "Detecting")
    wait_for(lambda: " left" in detect.job_bar.short)
    click_on(boxes.header)
    wait_for(lambda: boxes.is_open)
    wait_for(lambda: boxes.no_keypoints.text().startswith("The detector runs: "))
    before = boxes.no_keypoints.text()
    wait_for(lambda: boxes.no_keypoints.text() != before)  # it goes on
    assert boxes.no_keypoints.text().endswith("the boxes come by themselves.")
    for other in ("smooth", "crop", "pose", "export", "show"):
        assert not dock[other].header.isEnabled()
        assert "The detector runs" in dock[other].header.toolTip(), other
        assert "Make, load or draw" not in dock[other].header.toolTip()
    click_on(review.header)
    wait_for(lambda: review.is_open and review.reason.text().startswith("The detector runs"))
    assert button(dock, "review_accept").toolTip().startswith("The detector runs")
    detect.job_bar.cancel()
    wait_for(lambda: not detect.job_bar.is_running)
    wait_for(lambda: review.reason.text().startswith("There are no boxes yet. Make them in step Boxes"))
    click_on(boxes.header)
    wait_for(lambda: boxes.no_keypoints.text() == NO_BOXES)
    assert "Make, load or draw" in dock["smooth"].header.toolTip()


@pytest.mark.gui
@needs_display
def test_a_job_stays_in_reach_and_says_that_it_is_being_cancelled(dock):
    detect, strip = dock["detect"], dock.running_job
    assert strip.isHidden()
    dock.open_step("detect")
    detect.run_stage("count", {"n": 2000, "pause": 0.02, "busy": True}, "Detecting")
    wait_for(lambda: detect.job_bar.status.text().endswith(" left"))
    wait_for(strip.isHidden)  # its own bar is to be seen, and the look at the pixels has ended
    assert detect.header.state.endswith("left")
    assert " % · " in detect.header.state

    click_on(dock["review"].header)
    wait_for(strip.isVisible)
    buttons = places(dock)
    text = dock.findChild(QLabel, "running_job_text")
    assert text.text().startswith("Detect: ")
    before = text.text()
    wait_for(lambda: text.text() != before)  # it goes on
    job = detect.job_bar.job
    job.progress.connect(lambda *_: setattr(job, "is_crowded", True))  # before the bar shows it
    job.progress.disconnect(detect.job_bar._on_progress)
    job.progress.connect(detect.job_bar._on_progress)
    wait_for(lambda: detect.job_bar.status.text().endswith(" left · other programs slow it"))
    assert "slow it" not in strip.text.text()  # how far it is has the room
    assert "slow it" in strip.text.toolTip()
    click_on(dock.findChild(QPushButton, "running_job_open"))
    wait_for(lambda: detect.is_open and strip.isHidden())

    click_on(dock["review"].header)
    wait_for(strip.isVisible)
    said = []
    detect.job_bar.status_changed.connect(lambda: said.append((detect.header.state, strip.text.text())))
    click_on(dock.findChild(QPushButton, "running_job_cancel"))
    wait_for(lambda: not detect.job_bar.is_running)
    assert any("cancelling …" in header for header, _ in said)
    wait_for(strip.isHidden)
    spin(0.1)
    assert places(dock) == buttons  # none moves under the mouse
    dock.controller.session.delete_box(10)
    dock.controller.session.undo()
    spin(0.1)
    assert places(dock) == buttons
    assert detect.job_bar.status.text() == "Cancelled; nothing was written."
    assert "running" not in detect.header.state


@pytest.mark.gui
@needs_display
def test_no_step_moves_while_a_job_runs(dock):
    detect = dock["detect"]
    dock.open_step("detect")
    wait_for(lambda: not dock["review"].pixels.is_running, 60)

    def tops():
        return [step.header.mapToGlobal(QPoint(0, 0)).y() for step in dock.steps.values()]

    wait_until_still(dock.window())
    before = tops()
    detect.run_stage("count", {"n": 2000, "pause": 0.02, "busy": True}, "Detecting")
    wait_for(lambda: detect.job_bar.status.text().endswith(" left"))
    wait_until_still(dock.window())
    assert tops() == before
    assert detect.job_bar.status.isVisible()
    assert not detect.job_bar.run_button.isVisible()
    click_on(detect.job_bar.cancel_button)
    wait_for(detect.job_bar.run_button.isVisible)
    wait_for(detect.job_bar.status.isVisible)  # what became of it, below the button
    assert detect.job_bar.status.geometry().top() > detect.job_bar.run_button.geometry().bottom()


def places(dock):
    """Where buttons are on the screen, once they have taken their places."""
    buttons = [
        dock.findChild(QPushButton, name) for name in ("review_next", "review_accept", "range_hold")
    ]
    seen = [None]

    def are_still():
        seen.append([each.mapToGlobal(QPoint(0, 0)) for each in buttons])
        spin(0.2)
        return seen[-1] == seen[-2]

    wait_for(are_still)
    return seen[-1]


@pytest.mark.gui
@needs_display
def test_what_was_undone_is_said_in_the_place_of_a_job_whose_buttons_stay(dock):
    detect, strip, undone = dock["detect"], dock.running_job, dock.findChild(QLabel, "cropzoom_undone")
    detect.run_stage("count", {"n": 2000, "pause": 0.02, "busy": True}, "Detecting")
    assert dock["review"].is_open
    wait_for(strip.isVisible)
    assert not undone.isVisible()
    dock.controller.session.delete_box(10)
    click_on(dock.findChild(QPushButton, "review_undo"))
    wait_for(undone.isVisible)
    assert undone.text().startswith("Undone: ")
    assert strip.cancel_button.isVisible()
    assert not strip.text.isVisible()
    undone.ending.timeout.emit()
    wait_for(strip.text.isVisible)
    assert not undone.isVisible()
    click_on(strip.cancel_button)
    wait_for(lambda: not detect.job_bar.is_running)


@pytest.mark.gui
@needs_display
def test_motion_counts_the_frames_of_the_video_once(dock):
    detect, seen = dock["detect"], []
    dock.open_step("detect")
    detect.method.setCurrentIndex(detect.method.findData("motion"))
    detect.run()
    detect.job_bar.job.progress.connect(lambda done, total, text, _left: seen.append((done, total, text)))
    wait_for(lambda: not detect.job_bar.is_running, 120)
    n = dock.controller.session.n_frames
    counts = np.array([done for done, total, _ in seen])
    assert {(total, text) for _, total, text in seen} == {(n, "frames")}
    assert counts.max() <= n
    assert (np.diff(counts) >= 0).all()


@pytest.mark.gui
@needs_display
def test_a_job_stays_in_reach_where_its_step_folds_for_want_of_boxes(dock):
    dock.open_step("pose")
    dock["pose"].run_stage("count", {"n": 2000, "pause": 0.02}, "Counting")
    wait_for(lambda: dock["pose"].job_bar.status.text().endswith(" left"))
    dock.controller.session.add_track("white")
    wait_for(lambda: dock["boxes"].is_open)
    wait_for(dock.running_job.isVisible)
    assert dock.running_job.text.text().startswith("Pose: ")  # though the pixels may be looked at too
    dock["pose"].job_bar.cancel()


@pytest.mark.gui
@needs_display
def test_a_job_of_a_closed_dock_is_told_of_in_the_status_bar_and_so_is_its_end(dock, monkeypatch):
    told, viewer = [], dock.controller.viewer
    monkeypatch.setattr(running_job, "show_info", told.append)
    dock.open_step("detect")
    holder_of(dock).hide()
    dock["detect"].run_stage("count", {"n": 2000, "pause": 0.02}, "Detecting")
    wait_for(lambda: viewer.status.startswith("Cropzoom: Detect: "), 30)
    dock["detect"].job_bar.cancel()
    wait_for(lambda: not dock["detect"].job_bar.is_running)
    assert not told
    dock["pose"].run_stage("user_error", {}, "Pose")
    wait_for(lambda: told, 30)
    assert told == ["Cropzoom: step Pose has failed. a.csv, line 3: w is 0. Give a positive width."]
