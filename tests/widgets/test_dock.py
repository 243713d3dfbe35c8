from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QPushButton, QScrollArea, QWidget

from gui_events import hands, needs_display, wait_for
from lpmodels import make_predictions_folder
from napari_cropzoom.projects.sample_place import sample_root
from napari_cropzoom.sample import sample_project
from napari_cropzoom.widgets.controls import recent
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.steps.parts.model_picker import told_apart
from napari_cropzoom.widgets.steps.registry import STEPS
from review_window import button, point_at
from videos import write_video

SEEN = "3 keypoints · sees the frame 2.5 times smaller, as 128×128 px"
KEYS = [step.key for step in STEPS]


def open_steps(dock):
    return [key for key in KEYS if dock[key].is_open]


def test_starts_with_the_video_and_says_what_is_missing(dock):
    assert [*KEYS] == [
        "video", "detect", "boxes", "review", "smooth", "crop", "pose", "export", "show",
    ]  # fmt: skip
    assert open_steps(dock) == ["video"]
    assert [key for key in KEYS if dock[key].header.isEnabled()] == ["video"]
    assert dock["crop"].header.toolTip().endswith("\nMake, load or draw boxes first.")


@pytest.mark.skipif(sample_root() is None, reason="no sample here")
def test_the_sample_is_offered_where_no_video_is_open(dock, wait):
    sample = dock.findChild(QPushButton, "video_sample")
    assert sample.isVisibleTo(dock)
    sample.click()
    wait(lambda: dock.controller.session is not None and dock.controller.pose is not None)
    assert dock.controller.session.video.path == sample_project().video
    assert not sample.isVisibleTo(dock)


def test_opening_a_video_says_what_it_is_and_goes_on(opened):
    assert opened["video"].header.state == "✓ 40 frames · 320×240 px"
    assert open_steps(opened) == ["detect"]
    assert "boxes" in opened.controller.viewer.layers


def test_one_step_open_at_a_time_and_none_on_a_second_click(opened, qtbot):
    opened["review"].header.click()
    assert open_steps(opened) == ["review"]
    opened["review"].header.click()
    assert open_steps(opened) == []


def test_a_step_can_be_opened_with_the_keyboard(opened, qtbot):
    qtbot.keyClick(opened["boxes"].header, Qt.Key.Key_Space)
    assert open_steps(opened) == ["boxes"]


def test_every_control_has_a_name(dock):
    unnamed = [
        type(child).__name__
        for kind in ("QPushButton", "QComboBox", "QCheckBox", "QRadioButton", "QSpinBox", "QListWidget")
        for child in dock.findChildren(QWidget)
        if type(child).__name__ == kind and not child.objectName()
    ]
    assert unnamed == []


def test_no_control_makes_the_dock_wider_than_it_may_be(detected):
    detected.resize(300, 700)
    for key in KEYS:
        detected.open_step(key)
        assert detected[key].minimumSizeHint().width() <= 290, key


@needs_display
def test_scrolling_past_a_control_changes_nothing_and_scrolls_the_dock(detected):
    detected.open_step("smooth")
    step = detected["smooth"]
    before = step.window_slider.value(), step.method.currentIndex()
    area = detected.findChild(QScrollArea)
    area.setFixedHeight(200)
    detected.window().show()
    detected.window().raise_()
    bar = area.verticalScrollBar()
    wait_for(lambda: bar.maximum() > 0)
    for control in (step.window_slider, step.method):
        control.clearFocus()
        point_at(control)
        bar.setValue(bar.maximum())
        area.ensureWidgetVisible(control)
        point_at(control)
        place = bar.value()
        hands().wheel(1)
        wait_for(lambda place=place: bar.value() < place)
    assert (step.window_slider.value(), step.method.currentIndex()) == before
    detected.window().hide()


def test_a_text_file_named_mp4_gives_one_message(dock, tmp_path, wait):
    path = tmp_path / "fake.mp4"
    path.write_text("not a video")
    dock["video"].open(path)
    wait(lambda: dock["video"].message.kind == "error")
    assert "fake.mp4" in dock["video"].message.plain
    assert dock.controller.session is None
    assert open_steps(dock) == ["video"]


def test_a_video_dropped_on_the_dock_is_opened(dock, video_file, wait):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(video_file))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    dock.dropEvent(event)
    wait(lambda: dock.controller.session is not None)


def test_the_readers_layer_is_taken_over(viewer, video_file, qtbot, wait):
    viewer.open(video_file, plugin="napari-cropzoom")
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom")
    wait(lambda: dock.controller.session is not None)
    assert dock.controller.session.n_frames == 40
    assert [layer.name for layer in viewer.layers] == [
        "video",
        "detector keypoints",
        "pose keypoints",
        "final boxes (to crop)",
        "boxes",
    ]


def test_existing_predictions_are_offered_and_become_boxes(detected, wait):
    session = detected.controller.session
    assert detected["detect"].header.state == "✓ detector · 3 keypoints"
    wait(lambda: detected["boxes"].header.state == "39 boxes, 1 missing")  # nobody has seen them yet
    detected.open_step("review")
    assert detected["boxes"].header.state == "✓ 39 boxes, 1 missing"
    assert session.raw_csv.name == "square_bbox.csv"
    assert session.raw_csv.parent.name == "video_preds"
    assert not session.raw_csv.exists()


def test_the_step_says_how_its_keypoints_were_made(detected, model_folder, wait):
    detect = detected["detect"]
    info = detect.picker.info
    assert info.text() == f"{SEEN} · heatmap model"
    made = {"predictions": str(model_folder / "video_preds" / "square.csv")}
    detect.on_done({**made, "how": "heatmap model, onnx on cpu"})
    assert info.text() == f"{SEEN} · heatmap model, onnx on cpu"
    wait(lambda: detect.header.state == "✓ detector · 3 keypoints")
    detect.choose_model(model_folder)
    assert info.text().endswith("heatmap model")


@pytest.mark.skipif(find_spec("lightning_pose") is None, reason="needs the extra 'pose'")
def test_a_broken_checkpoint_gives_one_message(opened, model_folder, wait):
    opened["detect"].choose_model(model_folder)
    button(opened, "detect_run").click()
    wait(lambda: opened["detect"].message.kind == "error", 180_000)  # the process imports torch first
    assert "-best.ckpt" in opened["detect"].message.plain.replace("\n", "")
    assert button(opened, "detect_run").isEnabled()


def test_a_folder_that_is_no_model_gives_one_message(opened, tmp_path):
    opened["detect"].choose_model(tmp_path)
    assert "config.yaml" in opened["detect"].message.plain
    assert not button(opened, "detect_run").isEnabled()


def test_motion_finds_the_square_without_a_model(opened, video_file, square_path, wait):
    detect = opened["detect"]
    assert detect.method.currentData() == "motion"  # no model is known
    button(opened, "detect_run").click()
    wait(lambda: opened.controller.session.has_boxes, 60_000)
    assert (video_file.parent / "bboxes_motion" / "square_bbox.csv").is_file()
    boxes = opened.controller.session.track.boxes
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    assert np.nanmax(np.abs(centers - square_path)) < 12
    wait(lambda: open_steps(opened) == ["review"])  # nothing is to be set in step Boxes


def test_models_of_the_project_are_on_the_list_and_the_method_is_theirs(
    dock, video_file, model_folder, wait
):
    dock["video"].open(video_file)
    wait(lambda: dock.controller.session is not None)
    for step in ("detect", "pose"):
        assert [path.name for path in dock[step].picker.known] == [model_folder.name]
        assert dock[step].picker.combo.itemData(1) == str(model_folder)
    assert dock["detect"].method.currentData() == "model"
    dock["detect"].picker.combo.setCurrentIndex(1)
    dock["detect"].picker.combo.activated.emit(1)
    assert dock.controller.detector.path == model_folder
    assert dock["detect"].picker.combo.count() == 2  # listed once


def test_the_detector_of_the_project_is_selected_until_another_video_or_a_person_says_otherwise(
    dock, tmp_path, video_file, poses, wait
):
    """Not that of crops, and not where the person has chosen a method."""
    detect, controller = dock["detect"], dock.controller
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    alone = write_video(tmp_path / "elsewhere" / "deep" / "other.mp4", np.zeros((4, 64, 64, 3), np.uint8))

    def open_(video):
        dock["video"].open(video)
        wait(lambda: controller.session is not None and controller.session.video.path == video)

    open_(alone)
    assert detect.method.currentData() == "motion"
    models = tmp_path / "models"
    detector = make_predictions_folder(models / "runs", video_file, poses)
    crops = make_predictions_folder(models / "pose", video_file, poses)
    config = crops / "config.yaml"
    config.write_text(config.read_text().replace(str(crops), f"{detector}/cropped_images"))
    open_(video_file)
    wait(lambda: controller.detector is not None)
    assert controller.detector.path == detector
    assert detect.method.currentData() == "model"
    assert detect.picker.combo.currentData() == str(detector)
    assert detect.offer.path == detector / "video_preds" / "square.csv"
    assert recent("model") == []  # nobody has chosen it
    open_(alone)
    assert controller.detector is None
    assert detect.method.currentData() == "motion"
    detect.method.activated.emit(detect.method.currentIndex())
    open_(video_file)
    wait(lambda: controller.detector is not None)
    assert detect.method.currentData() == "motion"
    for step in (detect, dock["pose"]):  # as the sample does, whose models go with it
        step.propose_model(crops)
    assert controller.pose.path == crops
    open_(alone)
    assert controller.pose is controller.detector is None
    detect.choose_model(crops)
    open_(video_file)
    assert controller.detector.path == crops


def test_models_of_one_name_are_told_apart_by_the_folders_above():
    paths = [
        Path(each) for each in ("/a/models/detector", "/b/models/detector", "/a/old/detector", "/pose")
    ]
    names = ["detector  (a/models)", "detector  (b/models)", "detector  (old)", "pose"]
    assert told_apart(paths) == names


def test_a_method_that_was_chosen_stays_where_a_model_is_known(opened, tmp_path, model_folder, wait):
    opened["detect"].choose_model(model_folder)
    other = write_video(tmp_path / "other.mp4", np.zeros((4, 64, 64, 3), np.uint8))
    opened["video"].open(other)
    wait(lambda: opened.controller.session.video.path == other)
    assert opened["detect"].method.currentData() == "model"


def test_cancel_leaves_nothing(opened, video_file, wait):
    detect = opened["detect"]
    detect.method.setCurrentIndex(detect.method.findData("motion"))
    button(opened, "detect_run").click()
    button(opened, "detect_cancel").click()
    wait(lambda: not detect.job_bar.is_running)
    assert not list(video_file.parent.rglob("*.csv"))
    assert not (video_file.parent / "bboxes_motion").exists()  # no empty folder either
