"""The steps of the dock one after the other, from boxes to the pose."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSpinBox

import napari_cropzoom
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.review_paths import frames_left_in
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.steps.parts.counting import count_frames
from napari_cropzoom.widgets.steps.parts.encoding import EncodingBox
from napari_cropzoom.widgets.steps.registry import STEPS
from review_window import button

KEYS = [step.key for step in STEPS]


def open_steps(dock):
    return [key for key in KEYS if dock[key].is_open]


def test_changing_the_ratio_redraws_at_once_and_then_all(detected, wait):
    session, section = detected.controller.session, detected["boxes"]
    before = session.track.box(0)
    detected.open_step("boxes")
    section.ratio.setValue(3.0)
    assert session.track.box(0) == before
    wait(lambda: session.track.box(0).w == 72)
    assert session.sizing.crop_ratio == 3.0
    section.keypoints.by_size.setChecked(True)
    section.keypoints.size.setValue(100)
    wait(lambda: session.track.box(5).w == 100)
    assert section.message.plain == ""
    section.keypoints.size.setValue(10)
    wait(lambda: section.message.plain.startswith("39 of 40 boxes have a side under 16 pixels"))


def test_anchors_and_likelihood_count(detected, wait):
    session, section = detected.controller.session, detected["boxes"]
    section.likelihood.setValue(0.5)
    wait(lambda: int(session.track.is_missing.sum()) == 4)
    section.keypoints.use_likelihood.setChecked(False)
    wait(lambda: int(session.track.is_missing.sum()) == 1)
    for row in range(3):
        section.keypoints.anchors.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert section.message.kind == "error"


def test_boxes_from_a_file_and_a_file_that_is_wrong(opened, tmp_path, wait):
    good, short = tmp_path / "good_bbox.csv", tmp_path / "short_bbox.csv"
    boxes = np.tile([10.0, 20, 30, 40], (40, 1))
    write_bbox_csv(good, boxes)
    write_bbox_csv(short, boxes[:39])
    opened["boxes"].load(short)
    wait(lambda: "39" in opened["boxes"].message.plain)
    assert not opened.controller.session.has_boxes
    opened["boxes"].load(good)
    wait(lambda: opened["boxes"].header.state == "✓ 40 boxes")


def test_a_model_of_several_views_is_refused_with_what_to_do(opened, model_folder):
    file = model_folder / "config.yaml"
    config = yaml.safe_load(file.read_text())
    config["data"]["view_names"] = ["left", "right"]
    file.write_text(yaml.safe_dump(config))
    for key in ("detect", "pose"):
        opened[key].choose_model(model_folder)
        assert "only `cropzoom predict` takes it" in opened[key].message.plain
        assert opened[key].message.kind == "error"
        assert opened[key].model is None


def test_review_leads_through_the_queue(detected, wait):
    review, session = detected["review"], detected.controller.session
    detected.open_step("review")
    wait(lambda: review.header.state == "0 of 2 reviewed")
    button(detected, "review_next").click()
    assert detected.controller.frame in (10, 11, 12)
    wait(lambda: "low likelihood" in review.reason.text())
    button(detected, "review_accept").click()
    wait(lambda: review.header.state == "1 of 2 reviewed")
    button(detected, "review_worst").click()
    assert detected.controller.frame == 20
    wait(lambda: "no box" in review.here.text())
    wait(lambda: button(detected, "review_fill").isEnabled())
    button(detected, "review_fill").click()
    so_far = [f"2 of 2 so far · {each}" for each in ("the pixels come next", "looking at the pixels")]
    wait(lambda: review.header.state in ("✓ 2 of 2 reviewed", *so_far))
    assert not session.track.is_missing.any()
    wait(lambda: button(detected, "review_undo").isEnabled())
    button(detected, "review_undo").click()
    assert session.track.is_missing[20]
    assert "fill" in session.history.redo_label


def test_the_list_of_the_queue(detected, wait):
    review = detected["review"]
    detected.open_step("review")
    wait(lambda: len(review.list.suspects.rows) == 2)
    unlikely, gap = (suspect for _, suspect in review.list.suspects.rows)
    assert (gap.first, gap.last) == (20, 20)
    assert (unlikely.first, unlikely.last) == (10, 12)
    index = review.list.suspects.index(0, 2)
    assert "low likelihood" in review.list.suspects.data(index)
    review.list.clicked.emit(index)
    assert detected.controller.frame == unlikely.frame
    button(detected, "review_accept").click()
    wait(lambda: [state for state, _ in review.list.suspects.rows] == ["✓", "○"])
    assert "2" in review.count.text()
    review.amount.setValue(review.amount.minimum())
    wait(lambda: len(review.list.suspects.rows) == 1)
    assert detected.controller.session.suspects.amount == review.amount.value() / 100


def test_the_pixels_are_evidence_too(detected, wait):
    session, review = detected.controller.session, detected["review"]
    detected.open_step("review")
    wait(lambda: session.suspects.motion is not None, 60_000)
    assert session.suspects.motion.boxes.shape[0] == session.n_frames
    assert not review.message.plain


def test_a_long_track_is_inspected_beside_the_window(detected, wait):
    session, review = detected.controller.session, detected["review"]
    detected.open_step("review")
    review.inspected_at_once = 10
    session.set_predictions("detector", session.detector_poses)
    review.refresh()
    assert review.header.state.startswith("searching")
    session.set_raw(session.track.raw.copy(), session.raw_csv, Source.DETECTED, sizing=session.sizing)
    review.refresh()
    assert review.header.state.startswith("searching")
    wait(lambda: review.header.state == "0 of 2 reviewed")


def test_the_window_slider_smooths_and_measures(detected, wait):
    smooth, session = detected["smooth"], detected.controller.session
    detected.open_step("smooth")
    smooth.window_slider.setValue(11)
    assert session.smoothing.window == 11
    wait(lambda: "→" in smooth.jitter_label.text())
    smooth.method.setCurrentIndex(smooth.method.findData("gaussian"))
    assert session.smoothing.method == "gaussian"
    smooth.fill.setCurrentIndex(smooth.fill.findData("hold"))
    assert session.fill == "hold"


def test_smoothing_that_makes_boxes_shake_more_says_so_in_a_line(opened, tmp_path, wait):
    """As of a track that rests between jumps."""
    steps = np.repeat(np.arange(5) * 12.0, 8)
    write_bbox_csv(
        tmp_path / "steps_bbox.csv", np.column_stack([40 + steps, np.tile([60.0, 40, 40], (40, 1))])
    )
    opened["boxes"].load(tmp_path / "steps_bbox.csv")
    wait(lambda: opened.controller.session.has_boxes)
    opened.open_step("smooth")
    smooth = opened["smooth"]
    assert smooth.worse.isHidden()
    smooth.method.setCurrentIndex(smooth.method.findData("gaussian"))
    wait(lambda: not smooth.worse.isHidden())
    assert smooth.worse.plain.startswith("This smoothing makes the boxes shake more: jitter 0.00 → ")
    assert smooth.header.state.startswith("⚠ shakes more · gaussian, 5 frames · 0.00 → ")
    assert smooth.better.isHidden()  # it is no better
    for step, name in (("crop", "doubts"), ("pose", "doubts"), ("export", "state"), ("show", "about")):
        opened.open_step(step)
        told = getattr(opened[step], name)
        wait(lambda told=told: "the boxes shake more: jitter 0.00 → " in told.text())
    opened.open_step("smooth")
    smooth.method.setCurrentIndex(smooth.method.findData("none"))
    wait(lambda: smooth.worse.isHidden())
    assert smooth.header.state == "✓ off"
    opened.open_step("pose")
    assert "shake" not in opened["pose"].doubts.text()


def test_smoothing_that_leaves_the_animal_says_so_and_is_not_done(opened, tmp_path, wait):
    """As of an animal that goes left and right: a large window leaves the box in the middle."""
    x = 60 + 50 * np.sin(np.arange(40) * np.pi / 10)
    write_bbox_csv(tmp_path / "b_bbox.csv", np.column_stack([x, np.tile([60.0, 40, 40], (40, 1))]))
    opened["boxes"].load(tmp_path / "b_bbox.csv")
    session, smooth = opened.controller.session, opened["smooth"]
    wait(lambda: session.has_boxes)
    opened.open_step("smooth")
    wait(lambda: smooth.header.state.startswith("✓ median, 5 frames"))
    assert smooth.worse.isHidden()
    smooth.window_slider.setValue(101)
    wait(lambda: smooth.header.state.startswith("⚠ leaves "))
    count = session.tracks.entry.smoothed.n_left
    assert 20 < count < 40
    assert smooth.header.state == f"⚠ leaves {count} boxes · median, 101 frames"
    assert smooth.worse.plain.startswith(f"In {count} of 40 frames the smoothed box leaves out over a ")
    assert smooth.worse.plain.endswith("Choose a smaller window.")
    for step, name in (("crop", "doubts"), ("pose", "doubts"), ("export", "state"), ("show", "about")):
        opened.open_step(step)
        said = f"In {count} frames the smoothed box leaves the animal or cuts it off: choose a smaller "
        told = getattr(opened[step], name)
        wait(lambda told=told, said=said: said in told.text())
    assert frames_left_in(session.save()) == count
    opened.open_step("smooth")
    smooth.window_slider.setValue(5)
    wait(lambda: smooth.header.state.startswith("✓ median, 5 frames"))
    assert smooth.worse.isHidden()


def test_a_median_that_shakes_the_centre_is_left_at_a_click(opened, tmp_path, wait):
    """As of an animal that walks evenly while its box breathes: a median of corner and size shakes it."""
    t = np.arange(40)
    side = 40 + 2 * np.random.default_rng(0).integers(-6, 7, 40)
    write_bbox_csv(
        tmp_path / "b_bbox.csv", np.column_stack([60 + 2 * t - side / 2, 90 - side / 2, side, side])
    )
    opened["boxes"].load(tmp_path / "b_bbox.csv")
    smooth = opened["smooth"]
    wait(lambda: smooth.better.text())
    assert smooth.header.state.startswith("⚠ shakes more · median, 5 frames · ")  # though not opened yet
    opened.open_step("smooth")
    assert smooth.header.state.startswith("⚠ shakes more · median, 5 frames · ")
    assert smooth.better.text().startswith("Use Gaussian instead: ")
    smooth.better.click()
    session = opened.controller.session
    assert session.smoothing.method == "gaussian"
    wait(lambda: smooth.header.state.startswith("✓ gaussian, 5 frames"))
    assert smooth.better.isHidden()
    wait(lambda: session.history.undo_label is not None)  # it is an edit, which can be undone


def test_crop_saves_first_and_makes_the_file(detected, wait):
    session = detected.controller.session
    session.set_box(5, Box(50, 60, 44, 44))
    detected.open_step("crop")
    button(detected, "crop_run").click()
    wait(lambda: detected["crop"].header.state == "✓ cropped_square.mp4", 60_000)
    output = detected.controller.crop_file
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
    first = detected.controller.crop_file.read_bytes()
    button(detected, "crop_run").click()
    wait(lambda: detected["crop"].message.plain, 60_000)
    assert detected["crop"].message.plain.startswith("Re-encoded 0 of 1 group of")
    assert detected.controller.crop_file.read_bytes() == first


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


def test_saving_exporting_and_the_commands(detected, wait, tmp_path):
    wait(lambda: detected["export"].header.state == "● not saved")
    detected.open_step("export")
    button(detected, "export_save").click()
    wait(lambda: detected["export"].header.state == "✓ saved")
    exported = tmp_path / "exported.csv"
    detected["export"].export(exported)
    wait(lambda: str(exported) in detected["export"].message.plain)
    np.testing.assert_array_equal(read_bbox_csv(exported), detected.controller.session.final_boxes())
    lines = detected["export"].lines()
    assert lines[0].startswith("litpose crop ")
    assert lines[0].endswith("bboxes_reviewed")


def test_pose_keypoints_are_offered(detected, model_folder, wait):
    detected["pose"].choose_model(model_folder)
    detected.open_step("pose")
    button(detected, "pose_use").click()
    wait(lambda: detected.controller.session.pose_poses is not None)
    assert "pose keypoints" in detected.controller.viewer.layers


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_both_themes(detected, theme, qtbot):
    detected.open_step("smooth")
    detected.controller.viewer.theme = theme
    qtbot.wait(20)


def test_a_crop_that_is_shown_lets_go_of_its_file_and_is_shown_again(detected, wait):
    """Windows replaces no file that is open, and elsewhere the layer would go on showing the old one."""
    controller, step = detected.controller, detected["crop"]
    detected.open_step("crop")
    step.run()
    wait(lambda: controller.crop_file is not None)
    step.open_crop()
    layers = controller.viewer.layers
    name = f"crop of {controller.crop_file.stem}"
    wait(lambda: name in layers)
    first = layers[name].data
    detected.open_step("crop")
    step.run()
    wait(lambda: name not in layers)
    wait(lambda: name in layers)
    second = layers[name].data
    assert second is not first
    assert second.frame(0).shape == second.frame(second.n_frames - 1).shape


def test_boxes_for_frames_agree_with_a_count_of_one(qtbot):
    box = QSpinBox()
    qtbot.addWidget(box)
    box.setRange(0, 9)
    count_frames(box)
    said = [(box.setValue(number), box.text())[1] for number in (0, 1, 2)]
    assert said == ["0 frames", "1 frame", "2 frames"]


def test_no_box_has_frames_behind_its_number_for_good():
    """They count by :func:`count_frames`; *first 1 of N frames* has two at least."""
    for file in sorted(Path(napari_cropzoom.__file__).parent.rglob("*.py")):
        assert 'setSuffix(" frames")' not in file.read_text(encoding="utf-8"), file
