"""The whole job in a real window with real mouse and key events, on the sample data."""

import shutil

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QComboBox, QPushButton, QSlider, QWidget

from gui_events import canvas_of, drag, hands, needs_display, press_key, spin, wait_for, wait_until_still
from napari_cropzoom.app import find_dock, open_review
from napari_cropzoom.core.boxes import Source, iou
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.sample import sample_project
from review_window import click_on
from videos import excerpt

pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

FIRST, LAST = 655, 774
LONG = 400.0  # seconds a model may take on a slow and busy machine


def named(dock, name, kind=QWidget):
    found = dock.findChild(kind, name)
    assert found is not None, name
    return found


def open_step(dock, key):
    if not dock[key].is_open:
        wait_until_placed(dock[key].header)
        click_on(dock[key].header)
    wait_for(lambda: dock[key].is_open)


def wait_until_placed(widget):
    """Let the window go on until a widget stays where it is: a step that ends says so above it."""
    before = None
    while (now := widget.mapToGlobal(QPoint(0, 0))) != before:
        before = now
        spin(0.25)


def run_step(dock, key, is_done):
    """Press Run and wait; a message in the step ends the test with its text."""
    click_on(named(dock, f"{key}_run", QPushButton))

    def ended():
        message = dock[key].message
        assert message.kind != "error", message.plain
        return is_done()

    wait_for(ended, LONG)


@pytest.fixture
def project(tmp_path):
    """An excerpt of the sample with its own copy of the models, for their outputs."""
    sample = sample_project()
    for source in (sample.detector, sample.pose):
        shutil.copytree(source, tmp_path / source.name)
    truth = pd.read_csv(sample.truth)[FIRST : LAST + 1].reset_index(drop=True)
    video = excerpt(sample.video, tmp_path / sample.video.name, FIRST, LAST)
    return video, truth, tmp_path / sample.detector.name, tmp_path / sample.pose.name


@pytest.fixture
def open_window(new_viewer):
    """Open a review in a real window."""

    def open_one(*args, **kwargs):
        viewer = new_viewer()
        viewer.window.show()
        viewer.window.resize(1500, 940)
        session = open_review(viewer, *args, **kwargs)
        wait_until_still(find_dock(viewer).window())
        return viewer, session, find_dock(viewer)

    return open_one


def test_from_a_video_to_keypoints_and_back_again(project, open_window):
    video, truth, detector, pose = project
    viewer, session, dock = open_window(video)

    open_step(dock, "detect")
    dock["detect"].choose_model(detector)
    run_step(dock, "detect", lambda: session.detector_poses is not None and session.has_boxes)
    assert {"video", "boxes", "detector keypoints"} <= {layer.name for layer in viewer.layers}
    assert dock["boxes"].is_open

    open_step(dock, "review")
    easy = truth.index[truth["places"].isna()]
    assert len(easy) > 60
    frame = int(easy[len(easy) // 2])
    viewer.dims.set_current_step(0, frame)
    wait_until_still(canvas_of())
    before = session.track.box(frame)
    x, y = before.center
    drag(viewer, (y, x), (y + 40, x - 60))
    wait_for(lambda: session.track.source[frame] == Source.MANUAL)
    moved = session.track.box(frame)
    scale = 2 / viewer.scene.camera.zoom  # a screen pixel, rounding to even sizes
    assert moved.center == pytest.approx((x - 60, y + 40), abs=2 + scale)
    press_key("ctrl+z")
    assert session.track.box(frame) == before
    press_key("ctrl+shift+z")
    assert session.track.box(frame) == moved

    open_step(dock, "smooth")
    shown = session.final_box(frame + 3)
    click_on(named(dock, "smooth_window").findChild(QSlider))
    hands().key(*["Right"] * 4)
    wait_for(lambda: session.smoothing.window > 9)
    wait_until_still(canvas_of())
    assert session.final_box(frame) == moved
    assert session.final_box(frame + 3) != shown
    final_layer = next(layer for layer in viewer.layers if layer.name == "final boxes (to crop)")
    assert final_layer.visible

    open_step(dock, "crop")
    crop = detector / "cropped_videos" / "cropped_roaming.mp4"
    run_step(dock, "crop", lambda: dock.controller.crop_file == crop and dock["pose"].is_open)
    assert crop.with_suffix(".json").is_file()

    open_step(dock, "pose")
    dock["pose"].choose_model(pose)
    assert named(dock, "pose_source", QComboBox).currentIndex() == 0
    run_step(dock, "pose", lambda: session.pose_poses is not None)
    assert "pose keypoints" in {layer.name for layer in viewer.layers}
    assert_near_truth(session, truth, easy.difference(range(frame - 20, frame + 21)))

    open_step(dock, "export")
    click_on(named(dock, "export_save", QPushButton))
    wait_for(lambda: not session.unsaved)
    reviewed = detector / "video_preds" / "bboxes_reviewed" / "roaming_bbox.csv"
    np.testing.assert_array_equal(read_bbox_csv(reviewed, len(truth)), session.final_boxes())

    boxes, smoothing = session.track.boxes.copy(), session.smoothing
    _, again, _ = reopened(open_window, viewer, dock, project)
    np.testing.assert_array_equal(again.track.boxes, boxes)
    assert again.smoothing == smoothing
    assert again.pose_poses is not None
    again.undo()
    assert again.smoothing != smoothing  # the settings are in the history too, after the box
    while again.track.box(frame) == moved:
        again.undo()
    assert again.track.box(frame) == before


def reopened(open_window, viewer, dock, project):
    video, _, detector, pose = project
    dock.close_session()
    viewer.window.remove_dock_widget("all")
    return open_window(video, detector=detector, pose=pose)


def assert_near_truth(session, truth, frames):
    """Where nothing is hard, boxes are those of the true keypoints and keypoints are near theirs."""
    poses = session.pose_poses
    assert poses is not None
    columns = [f"{name}_{axis}" for name in poses.names for axis in "xy"]
    xy = truth[columns].to_numpy().reshape(len(truth), -1, 2)
    seen = truth[[f"{name}_visible" for name in poses.names]].to_numpy() == 1
    true = boxes_from_keypoints(Poses(poses.names, xy, seen.astype(float)), SizingSettings())
    assert np.median(iou(session.final_boxes(), true)[frames]) > 0.7
    off = np.hypot(*np.moveaxis(poses.xy - xy, 2, 0))[frames]
    assert np.median(off[seen[frames]]) < 6
