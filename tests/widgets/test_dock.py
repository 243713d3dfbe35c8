import gc
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QDockWidget, QPushButton, QWidget

from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.io.video import Video
from napari_cropzoom.widgets.dock import STEPS, CropzoomDock
from napari_cropzoom.widgets.encoding import EncodingBox

KEYS = [step.key for step in STEPS]


def button(dock, name):
    found = dock.findChild(QPushButton, name)
    assert found is not None, name
    return found


def open_steps(dock):
    return [key for key in KEYS if dock[key].is_open]


def test_starts_with_the_video_and_says_what_is_missing(dock):
    assert [*KEYS] == ["video", "detect", "boxes", "review", "smooth", "crop", "pose", "export"]
    assert open_steps(dock) == ["video"]
    assert [key for key in KEYS if dock[key].header.isEnabled()] == ["video"]
    assert dock["crop"].header.toolTip() == "Make, load or draw boxes first."


def test_opening_a_video_says_what_it_is_and_goes_on(opened):
    assert opened["video"].header.state == "✓ 40 frames · 320×240 · 30 fps"
    assert open_steps(opened) == ["detect"]
    assert "boxes" in opened.bench.viewer.layers


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


def test_a_text_file_named_mp4_gives_one_message(dock, tmp_path, wait):
    path = tmp_path / "fake.mp4"
    path.write_text("not a video")
    dock["video"].open(path)
    wait(lambda: dock["video"].message.kind == "error")
    assert "fake.mp4" in dock["video"].message.plain
    assert dock.bench.session is None
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
    wait(lambda: dock.bench.session is not None)


def test_the_readers_layer_is_taken_over(viewer, video_file, qtbot, wait):
    viewer.open(video_file, plugin="napari-cropzoom")
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom")
    wait(lambda: dock.bench.session is not None)
    assert dock.bench.session.n_frames == 40
    assert [layer.name for layer in viewer.layers] == [
        "video",
        "detector keypoints",
        "pose keypoints",
        "final boxes",
        "boxes",
    ]


def test_existing_predictions_are_offered_and_become_boxes(detected, wait):
    session = detected.bench.session
    assert detected["detect"].header.state == "✓ detector · 3 keypoints"
    wait(lambda: detected["boxes"].header.state == "✓ 39 boxes, 1 missing")
    assert session.raw_csv.name == "square_bbox.csv"
    assert session.raw_csv.parent.name == "video_preds"
    assert not session.raw_csv.exists()


def test_the_step_says_how_its_keypoints_were_made(detected, model_folder, wait):
    detect = detected["detect"]
    info = detect.picker.info
    assert info.text() == "3 keypoints · 128×128 px input · own fast path"
    made = {"predictions": str(model_folder / "video_preds" / "square.csv")}
    detect.on_done({**made, "road": "own fast path, onnx on cpu"})
    assert info.text() == "3 keypoints · 128×128 px input · own fast path, onnx on cpu"
    wait(lambda: detect.header.state == "✓ detector · 3 keypoints")
    detect.choose_model(model_folder)
    assert info.text().endswith("own fast path")


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
    detect.method.setCurrentIndex(detect.method.findData("motion"))
    button(opened, "detect_run").click()
    wait(lambda: opened.bench.session.has_boxes, 60_000)
    assert (video_file.parent / "bboxes_motion" / "square_bbox.csv").is_file()
    boxes = opened.bench.session.track.boxes
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    assert np.nanmax(np.abs(centers - square_path)) < 12
    assert open_steps(opened) == ["boxes"]


def test_cancel_leaves_nothing(opened, video_file, wait):
    detect = opened["detect"]
    detect.method.setCurrentIndex(detect.method.findData("motion"))
    button(opened, "detect_run").click()
    button(opened, "detect_cancel").click()
    wait(lambda: not detect.job_bar.is_running)
    assert not list(video_file.parent.rglob("*.csv"))


def test_changing_the_ratio_redraws_at_once_and_then_all(detected, wait):
    session, section = detected.bench.session, detected["boxes"]
    before = session.track.box(0)
    detected.open_step("boxes")
    section.ratio.setValue(3.0)
    assert session.track.box(0) == before
    wait(lambda: session.track.box(0).w == 72)
    assert session.sizing.crop_ratio == 3.0
    section.by_size.setChecked(True)
    section.size.setValue(100)
    wait(lambda: session.track.box(5).w == 100)


def test_anchors_and_likelihood_count(detected, wait):
    session, section = detected.bench.session, detected["boxes"]
    section.likelihood.setValue(0.5)
    wait(lambda: int(session.track.is_missing.sum()) == 4)
    section.use_likelihood.setChecked(False)
    wait(lambda: int(session.track.is_missing.sum()) == 1)
    for row in range(3):
        section.anchors.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert section.message.kind == "error"


def test_boxes_from_a_file_and_a_file_that_is_wrong(opened, tmp_path, wait):
    good, short = tmp_path / "good_bbox.csv", tmp_path / "short_bbox.csv"
    boxes = np.tile([10.0, 20, 30, 40], (40, 1))
    write_bbox_csv(good, boxes)
    write_bbox_csv(short, boxes[:39])
    opened["boxes"].load(short)
    wait(lambda: "39" in opened["boxes"].message.plain)
    assert not opened.bench.session.has_boxes
    opened["boxes"].load(good)
    wait(lambda: opened["boxes"].header.state == "✓ 40 boxes")


def test_review_leads_through_the_queue(detected, wait):
    review, session = detected["review"], detected.bench.session
    detected.open_step("review")
    wait(lambda: review.header.state == "0 of 2 looked at")
    button(detected, "review_next").click()
    assert detected.bench.frame in (10, 11, 12)
    assert "low likelihood" in review.message.plain
    button(detected, "review_accept").click()
    wait(lambda: review.header.state == "1 of 2 looked at")
    button(detected, "review_worst").click()
    assert detected.bench.frame == 20
    assert "no box" in review.here.text()
    wait(lambda: button(detected, "review_fill").isEnabled())
    button(detected, "review_fill").click()
    wait(lambda: review.header.state == "✓ 2 of 2 looked at")
    assert not session.track.is_missing.any()
    wait(lambda: button(detected, "review_undo").isEnabled())
    button(detected, "review_undo").click()
    assert session.track.is_missing[20]
    assert "fill" in session.history.redo_label


def test_the_list_of_the_queue(detected, wait):
    review = detected["review"]
    detected.open_step("review")
    wait(lambda: len(review.list.bursts.rows) == 2)
    gap, unlikely = (burst for _, burst in review.list.bursts.rows)
    assert (gap.first, gap.last) == (20, 20)
    assert (unlikely.first, unlikely.last) == (10, 12)
    index = review.list.bursts.index(1, 2)
    assert "low likelihood" in review.list.bursts.data(index)
    review.list.clicked.emit(index)
    assert detected.bench.frame == unlikely.frame
    button(detected, "review_accept").click()
    wait(lambda: [state for state, _ in review.list.bursts.rows] == ["○", "✓"])
    assert "2" in review.count.text()
    review.amount.setValue(review.amount.minimum())
    wait(lambda: len(review.list.bursts.rows) == 1)
    assert detected.bench.layers.amount == review.amount.value() / 100


def test_the_pixels_are_evidence_too(detected, wait):
    session, review = detected.bench.session, detected["review"]
    detected.open_step("review")
    button(detected, "review_pixels_run").click()
    wait(lambda: session.review.motion is not None, 60_000)
    assert session.review.motion.boxes.shape[0] == session.n_frames
    assert not review.message.plain


def test_a_long_track_is_inspected_beside_the_window(detected, wait):
    session, review = detected.bench.session, detected["review"]
    detected.open_step("review")
    review.inspected_at_once = 10
    session.set_predictions("detector", session.detector_poses)
    review.refresh()
    assert review.header.state.startswith("looking")
    session.set_raw(session.track.raw.copy(), session.raw_csv, Source.DETECTED, sizing=session.sizing)
    review.refresh()
    assert review.header.state.startswith("looking")
    wait(lambda: review.header.state == "0 of 2 looked at")


def test_the_window_slider_smooths_and_measures(detected, wait):
    smooth, session = detected["smooth"], detected.bench.session
    detected.open_step("smooth")
    smooth.window_slider.setValue(11)
    assert session.smoothing.window == 11
    wait(lambda: "→" in smooth.jitter_label.text())
    smooth.method.setCurrentIndex(smooth.method.findData("gaussian"))
    assert session.smoothing.method == "gaussian"
    smooth.fill.setCurrentIndex(smooth.fill.findData("hold"))
    assert session.fill == "hold"


def test_crop_saves_first_and_makes_the_file(detected, wait):
    session = detected.bench.session
    session.set_box(5, Box(50, 60, 44, 44))
    detected.open_step("crop")
    button(detected, "crop_run").click()
    wait(lambda: detected["crop"].header.state == "✓ cropped_square.mp4", 60_000)
    output = detected.bench.crop_file
    assert output.parent.name == "cropped_videos"
    assert Video(output).n_frames == 40
    saved = read_bbox_csv(session.raw_csv.parent / "bboxes_reviewed" / "square_bbox.csv", 40)
    assert saved[5].tolist() == [50, 60, 44, 44]
    assert not session.unsaved


def test_cropping_again_after_an_edit_says_what_was_encoded(detected, wait):
    detected.open_step("crop")
    wait(lambda: button(detected, "crop_run").isEnabled())
    button(detected, "crop_run").click()
    wait(lambda: detected["crop"].header.state == "✓ cropped_square.mp4", 60_000)
    assert detected["crop"].message.plain == ""
    first = detected.bench.crop_file.read_bytes()
    button(detected, "crop_run").click()
    wait(lambda: detected["crop"].message.plain, 60_000)
    assert detected["crop"].message.plain.startswith("Re-encoded 0 of 1 groups")
    assert detected.bench.crop_file.read_bytes() == first


def test_encoding_is_folded_chosen_and_remembered(detected, wait, qtbot):
    detected.open_step("crop")
    box = detected["crop"].encoding
    assert box.body.isHidden()
    assert box.toggle.text() == "Encoding: libx264, veryfast, crf 22.5"
    qtbot.mouseClick(box.toggle, Qt.MouseButton.LeftButton)
    assert not box.body.isHidden()
    offered = [box.encoder.itemText(i) for i in range(box.encoder.count())]
    assert offered[0] == "libx264"
    box.preset.setCurrentText("fast")
    box.quality.setValue(20)
    assert box.chosen() == {"encoder": "libx264", "preset": "fast", "crf": 20.0}
    again = EncodingBox()
    qtbot.addWidget(again)
    assert again.toggle.text() == "Encoding: libx264, fast, crf 20"


def test_saving_and_the_commands(detected, wait):
    wait(lambda: detected["export"].header.state == "● not saved")
    detected.open_step("export")
    button(detected, "export_save").click()
    assert detected["export"].header.state == "✓ saved"
    lines = detected["export"].lines()
    assert lines[0].startswith("litpose crop ")
    assert lines[0].endswith("bboxes_reviewed")


def test_pose_keypoints_are_offered(detected, model_folder, wait):
    detected["pose"].choose_model(model_folder)
    detected.open_step("pose")
    button(detected, "pose_use").click()
    wait(lambda: detected.bench.session.pose_poses is not None)
    assert "pose keypoints" in detected.bench.viewer.layers


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes(detected, theme, qtbot):
    detected.open_step("smooth")
    detected.bench.viewer.theme = theme
    qtbot.wait(20)


def test_ten_docks_leave_nothing(viewer, video_file, qtbot, wait):
    def listeners():
        events = (
            viewer.dims.events.current_step,
            viewer.layers.events.removed,
            viewer.events.theme,
            viewer.scene.camera.events.zoom,
        )
        return [len(event.callbacks) for event in events]

    before, docks = listeners(), []
    for _ in range(10):
        dock = CropzoomDock(viewer)
        viewer.window.add_dock_widget(dock, name="Cropzoom")
        dock["video"].take(Video(video_file))
        dock.open_step("smooth")
        docks.append(weakref.ref(dock))
        viewer.window.remove_dock_widget(dock)
        del dock
        qtbot.wait(10)
    assert listeners() == before
    assert len(viewer.layers) == 0
    wait(lambda: gc.collect() >= 0 and all(ref() is None for ref in docks))


def test_napari_s_layer_list_rests_while_frames_come_one_upon_the_other(viewer, detected, wait):
    layer_list = detected.window().findChild(QDockWidget, "layer list")
    assert layer_list.updatesEnabled()
    for frame in range(5, 12):
        detected.bench.go_to(frame)
    assert not layer_list.updatesEnabled()
    wait(layer_list.updatesEnabled)
    for frame in range(5, 12):
        detected.bench.go_to(frame)
    assert not layer_list.updatesEnabled()
    viewer.window.remove_dock_widget(detected)
    assert layer_list.updatesEnabled()
