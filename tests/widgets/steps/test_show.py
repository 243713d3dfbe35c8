"""Step *Show*: what it makes is of the boxes that are shown, and can be stopped."""

from __future__ import annotations

import os
import sys

import av
import numpy as np
import PIL.Image
import pytest
from qtpy.QtWidgets import QFileDialog, QPushButton

from gui_events import needs_display, wait_for
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.inspection.suspect import ranked
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export import stages
from napari_cropzoom.export.drawing import BEFORE
from napari_cropzoom.export.stages import PRODUCTS, STAGES
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.widgets.exchange.exporting import BOXES, labels, missing
from review_window import N, click_on, make_review, review_window


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def window(files):
    with review_window(*files) as dock:
        click_on(dock["show"].header)
        wait_for(lambda: dock["show"].is_open)
        yield dock


def make(window, name, output, monkeypatch):
    """Choose a product, press the button and answer the question for a file."""
    step = window["show"]
    step.product.setCurrentIndex(step.product.findData(name))
    answer = (str(output), f"*{output.suffix} (*{output.suffix})")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
    click_on(step.job_bar.run_button)
    return step


@pytest.mark.gui
@needs_display
def test_a_labeled_video_is_of_the_selected_frames_and_the_edited_boxes(
    window, files, tmp_path, monkeypatch
):
    session = window.controller.session
    session.set_box(30, Box(10, 20, 64, 48))
    window.controller.selection = (28, 37)
    step = make(window, "crop_video", tmp_path / "out.mp4", monkeypatch)
    assert "Of frames 28 to 37, which you selected." in step.about.text()
    wait_for(lambda: step.message.plain == f"Saved to {tmp_path / 'out.mp4'}")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(list(container.decode(video=0))) == 10
    saved = read_bbox_csv(files[1].parent / "bboxes_reviewed" / "v_bbox.csv", N)
    np.testing.assert_array_equal(saved, session.final_boxes())
    assert saved[30].tolist() == [10, 20, 64, 48]
    assert step.header.state == "✓ out.mp4"
    assert window.findChild(QPushButton, "show_open").isVisible()
    window.controller.selection = None
    assert "selected" not in step.about.text()
    click_on(step.only_suspects)
    step.count.setValue(2)
    step.theme.setCurrentIndex(1)
    assert "Of 2 suspects, the worst." in step.about.text()
    worst = ranked(session.suspects.entries()[0])[:2]
    assert len(worst) == 2
    beside = round(session.video.fps / 2)
    frames = {f for each in worst for f in range(each.first - beside, each.last + beside + 1)}
    step = make(window, "crop_video", tmp_path / "worst.mp4", monkeypatch)
    wait_for(lambda: step.message.plain == f"Saved to {tmp_path / 'worst.mp4'}")
    with av.open(str(tmp_path / "worst.mp4")) as container:
        assert len(list(container.decode(video=0))) == len(frames & set(range(N)))
    click_on(step.only_suspects)
    session.set_box(31, Box(10, 20, 64, 48))  # the file is not of these boxes any more
    wait_for(lambda: not window.findChild(QPushButton, "show_open").isVisible())
    assert not step.header.state


@pytest.mark.gui
@needs_display
def test_a_labeled_video_has_the_size_and_the_speed_that_are_chosen(window, tmp_path, monkeypatch):
    window.controller.selection = (38, 41)
    step, made = window["show"], {}
    for name in ("plain", "changed"):
        make(window, "video", tmp_path / f"{name}.mp4", monkeypatch)
        wait_for(lambda name=name: step.message.plain == f"Saved to {tmp_path / f'{name}.mp4'}")
        with av.open(str(tmp_path / f"{name}.mp4")) as container:
            frames = list(container.decode(video=0))
        made[name] = frames[0].width, frames[1].time
        step.size_of.setCurrentIndex(step.size_of.findData("0.5"))
        step.speed.setCurrentIndex(step.speed.findData("2"))
        step.trail.setValue(3)
    (width, usual), (half, fast) = made["plain"], made["changed"]
    assert half == pytest.approx(width / 2, abs=2)
    assert fast == pytest.approx(usual / 2, abs=0.002)
    step.size_of.setCurrentIndex(0)
    step.speed.setCurrentIndex(step.speed.findData("1"))
    step.trail.setValue(0)
    window.controller.selection = None


@pytest.mark.gui
@needs_display
def test_the_raw_boxes_are_drawn_too_where_they_are_asked_for(window, tmp_path, monkeypatch):
    window.controller.session.set_box(40, Box(60, 10, 30, 30))
    window.controller.go_to(40)
    step, orange = window["show"], []
    for number in range(2):
        make(window, "frame", output := tmp_path / f"{number}.png", monkeypatch)
        wait_for(lambda output=output: step.message.plain == f"Saved to {output}")
        picture = np.asarray(PIL.Image.open(output))[..., :3]
        orange.append(int((picture == BEFORE).all(axis=2).sum()))
        click_on(step.before)
    assert orange[0] == 0
    assert orange[1] > 50
    assert not step.before.isChecked()
    step.product.setCurrentIndex(step.product.findData("trajectory"))
    wait_for(lambda: not step.before.isVisible())


def test_trails_that_are_asked_for_are_drawn():
    assert stages._look({"trail": 3}).trail == 3


@pytest.mark.gui
@needs_display
def test_a_report_tells_of_the_edits_made_here_and_can_be_stopped(window, tmp_path, monkeypatch):
    session = window.controller.session
    session.set_box(50, Box(100, 20, 48, 40))
    count = len(session.track.manual_frames())
    step = make(window, "report", tmp_path / "out.html", monkeypatch)
    assert step.names.isHidden()
    assert step.only_suspects.parentWidget().isHidden()
    wait_for(lambda: step.message.plain == f"Saved to {tmp_path / 'out.html'}")
    page = (tmp_path / "out.html").read_text("utf-8")
    assert f"Boxes were set by hand in {count} of {N} frames" in page
    assert "The file of final boxes holds what this report shows." in page
    step = make(window, "video", tmp_path / "out.mp4", monkeypatch)
    wait_for(lambda: step.job_bar.job is not None)
    click_on(step.job_bar.cancel_button)
    wait_for(lambda: not step.job_bar.is_running)
    assert step.job_bar.status.text() == "Cancelled; the boxes were saved, nothing else was written."
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["out.html"]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda each: each.name)
def test_the_stage_of_every_product_writes_it(product, files, tmp_path):
    video, raw = files
    output = tmp_path / f"out{product.suffixes[0]}"
    final = tmp_path / "final_bbox.csv"
    write_bbox_csv(final, np.tile([20.0, 20, 40, 40], (N, 1)))
    args = {"video": video, "output": output, "bbox_csv": final, "raw_csv": raw, "frame": 64}
    args |= {"product": product.name, "frames": [3, 9], "theme": "light"}
    assert run_stage(STAGES["show"](args)) == {"path": str(output), "n_others": 0}
    if product.name == "frame":
        run_stage(STAGES["show"](args | {"output": output.with_suffix(".svg")}))
        assert "<title>frame 64</title>" in output.with_suffix(".svg").read_text("utf-8")
    assert output.stat().st_size > 500
    assert product.label
    assert not product.help.endswith(".")


@pytest.mark.gui
@needs_display
def test_what_has_no_pose_says_so_and_waits_for_a_model_that_runs(window, tmp_path, monkeypatch):
    step, controller = window["show"], window.controller
    step.product.setCurrentIndex(step.product.findData("trajectory"))
    assert "keypoints" not in step.about.text()
    asked = []

    def ask(_parent, _title, start, _kinds):
        asked.append(start)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    click_on(step.job_bar.run_button)
    assert asked == [str(controller.session.tracks.first.raw_csv.parent / "v_trajectory.svg")]
    step.product.setCurrentIndex(step.product.findData("video"))
    assert "There are no keypoints yet." in step.about.text()
    job = controller.start("predict", {"model": tmp_path / "none", "video": tmp_path / "none.mp4"})
    assert controller.is_predicting
    step.job_bar.run_button.click()  # at once: a job without a model ends soon
    assert len(asked) == 1
    assert "its keypoints are still to come" in step.message.plain
    job.cancel()
    wait_for(lambda: not controller.is_predicting)
    step.message.clear()
    step = make(window, "trajectory", tmp_path / "way.svg", monkeypatch)
    wait_for(lambda: step.header.state == "✓ way.svg")
    poses = Poses(("nose",), np.full((N, 1, 2), 40.0), np.ones((N, 1)))
    controller.session.set_predictions("pose", poses)
    wait_for(lambda: not step.header.state)  # it was made of other keypoints


@pytest.mark.gui
@needs_display
def test_the_other_animals_are_drawn_with_their_keypoints(window, tmp_path, monkeypatch):
    """By the step, which knows the files of each, to the pixels of the video."""
    controller, session = window.controller, window.controller.session
    session.add_track("white", np.tile([200.0, 150, 80, 60], (N, 1)))
    session.select_track("animal")
    controller.selection = (3, 6)
    pictures = []
    for name in ("without", "with"):
        step = make(window, "video", output := tmp_path / f"{name}.mp4", monkeypatch)
        wait_for(lambda output=output, step=step: step.message.plain == f"Saved to {output}")
        with av.open(str(output)) as container:
            pictures.append(next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int))
        poses = Poses(("nose",), np.full((N, 1, 2), (240.0, 180)), np.ones((N, 1)))
        controller.keypoint_files["pose", "white"] = tmp_path / "white.csv"
        write_predictions(tmp_path / "white.csv", poses)
        session.set_predictions("pose", poses, "white")
    differs = np.argwhere(np.abs(pictures[1] - pictures[0]).max(axis=2) > 60)
    np.testing.assert_allclose(differs.mean(axis=0), (180, 240), atol=3)
    assert np.ptp(differs, axis=0).max() < 20
    outline = pictures[0][148:213, 198:203].max(axis=(1, 2)) - pictures[0][148:213, 220:225].max(
        axis=(1, 2)
    )
    assert (outline > 60).mean() > 0.8  # its box is there in both
    controller.selection = None
    session.remove_track("white")


@pytest.mark.gui
@needs_display
def test_keypoints_of_boxes_that_changed_since_are_told_before_and_after(window, tmp_path, monkeypatch):
    step, export, controller = window["show"], window["export"], window.controller
    session, csv = controller.session, tmp_path / "pose" / "v.csv"
    csv.parent.mkdir()
    write_predictions(csv, Poses(("nose",), np.full((N, 1, 2), 40.0), np.ones((N, 1))))
    boxes = session.final_boxes()
    boxes[5:17] += [0, 3, 0, 0]
    identity = video_identity(session.video.index)
    write_made_with(made_with_path(csv), MadeWith({}, "cpu", identity, boxes, file_sha256(csv)))
    controller.load_predictions("pose", csv, lambda _told: None, step.show_error)
    wait_for(lambda: session.pose_poses is not None and session.pose_poses.boxes is not None)
    session.keypoints.pose_behind = 12  # as the step Pose has found
    told = f"In 12 of {N} frames the boxes have changed since the pose model ran, so the keypoints "
    controller.changed.emit()
    step.product.setCurrentIndex(step.product.findData("frame"))
    assert f"⚠ {told}there are of other boxes. Run step Pose first." in step.about.text()
    step.product.setCurrentIndex(step.product.findData("trajectory"))
    assert "pose model" not in step.about.text()
    make(window, "frame", tmp_path / "f.png", monkeypatch)
    wait_for(lambda: step.message.plain.startswith(f"Saved to {tmp_path / 'f.png'}. {told}"))
    assert step.message.kind == "warning"
    assert step.message.plain.endswith("Run step Pose, and make it again.")
    click_on(export.header)
    wait_for(lambda: export.is_open)
    assert told not in export.state.text()
    keypoints = next(name for name in labels() if name not in BOXES and not missing(name))
    export.format.setCurrentIndex(export.format.findData(keypoints))
    assert told in export.state.text()
    export.export(tmp_path / "exported.csv")
    wait_for(lambda: export.message.plain.endswith("Run step Pose, and export again."))
    assert export.message.kind == "warning"


@pytest.mark.gui
@needs_display
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of xdg-open")
@pytest.mark.parametrize("code", [0, 3])
def test_a_file_that_no_program_opens_is_told_with_its_place(window, tmp_path, monkeypatch, code):
    asked, opener = tmp_path / "asked", tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > "{asked}"\nexit {code}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{opener.parent}{os.pathsep}{os.environ['PATH']}")
    if not window["show"].is_open:
        click_on(window["show"].header)
    step = make(window, "trajectory", output := tmp_path / "way.svg", monkeypatch)
    button = window.findChild(QPushButton, "show_open")
    wait_for(button.isVisible)
    step.product.setCurrentIndex(step.product.findData("frame"))
    assert button.isVisible()  # as long as the line says where the file is
    assert step.message.plain.startswith(f"Saved to {output}")
    click_on(button)
    wait_for(lambda: asked.is_file() and asked.read_text() == f"{output}\n")
    if code:
        wait_for(
            lambda: step.message.plain == f"No program of this system opens it. It is here: {output}"
        )
    else:
        wait_for(lambda: not step._opener._timer.isActive())
        assert step.message.plain.startswith(f"Saved to {output}")
    output.unlink()
    click_on(button)
    assert step.message.plain == f"It is not there any more: {output}"
