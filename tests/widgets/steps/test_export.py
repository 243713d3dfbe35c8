"""Export, Crop and Pose say what is on disk; the commands are those of this video."""

from fractions import Fraction

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication, QLabel, QPushButton

from gui_events import needs_display, wait_for
from lpmodels import make_predictions_folder
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.widgets.exchange import exporting
from review_window import N, click_on, faulty_boxes, make_review, review_window
from videos import numbered_frame, write_video

HERE = Box(60, 60, 40, 30)


@pytest.fixture
def files(tmp_path):
    return make_review(tmp_path)


@pytest.fixture
def window(files):
    with review_window(*files) as dock:
        yield dock


def named(dock, name, kind=QPushButton):
    found = dock.findChild(kind, name)
    assert found is not None, name
    return found


def clipboard():
    return QApplication.clipboard().text().splitlines()


@pytest.mark.gui
@needs_display
def test_nothing_is_called_saved_that_is_not_on_disk(window, files):
    session, step = window.controller.session, window["export"]
    target = files[1].parent / "bboxes_reviewed" / "v_bbox.csv"
    click_on(step.header)
    state, copy = named(window, "export_state", QLabel), named(window, "export_copy")
    assert step.header.state == "● not saved"
    assert "No such file yet" in state.text()
    assert copy.text() == "Save and copy commands"

    QApplication.clipboard().setText("before")
    click_on(copy)
    wait_for(lambda: step.header.state == "✓ saved")
    assert clipboard()[0].endswith(f"--bbox_dir {target.parent}")
    np.testing.assert_array_equal(read_bbox_csv(target, N), session.final_boxes())
    assert copy.text() == "Copy commands"

    write_bbox_csv(target, np.tile([10.0, 20, 30, 40], (N, 1)))  # by another program
    click_on(step.header)
    click_on(step.header)
    assert step.header.state == "● saved file differs"
    assert "other boxes" in state.text()
    click_on(named(window, "export_save"))
    wait_for(lambda: step.header.state == "✓ saved")
    np.testing.assert_array_equal(read_bbox_csv(target, N), session.final_boxes())


@pytest.mark.gui
@needs_display
@pytest.mark.parametrize("choice", ["carry", "afresh"])
def test_boxes_that_were_made_again_are_not_called_saved(window, files, choice):
    session, step = window.controller.session, window["export"]
    session.set_box(7, HERE)
    session.save()
    wait_for(lambda: step.header.state == "✓ saved")
    write_bbox_csv(files[1], faulty_boxes() + np.array([4.0, 0, 0, 0]))  # run again
    window.controller.ask_changed = lambda stored: choice
    window["boxes"].load(files[1])
    wait_for(lambda: session.track.box(8).x == faulty_boxes()[8, 0] + 4)
    wait_for(lambda: step.header.state == "● saved file differs")


@pytest.mark.gui
@needs_display
def test_a_crop_is_that_of_the_boxes_or_it_is_said(window, files):
    session, step = window.controller.session, window["crop"]
    click_on(step.header)
    click_on(named(window, "crop_run"))
    wait_for(lambda: step.header.state == "✓ cropped_v.mp4", 120)
    session.set_box(7, HERE)
    wait_for(lambda: step.header.state == "● boxes changed since")
    session.undo()
    wait_for(lambda: step.header.state == "✓ cropped_v.mp4")
    session.redo()
    window.controller.close_session()
    window["video"].open(files[0])
    wait_for(lambda: window.controller.session is not None)
    window.controller.session.load_boxes(files[1], allow_missing=True)
    wait_for(lambda: step.header.state == "● made with other boxes")  # though it is folded
    assert not step.is_open
    click_on(step.header)
    window.controller.session.undo()
    wait_for(lambda: step.header.state == "✓ cropped_v.mp4")


def test_keypoints_of_other_boxes_are_not_called_done(detected, model_folder, wait):
    session, step = detected.controller.session, detected["pose"]
    step.choose_model(model_folder)
    step.use(step.existing())
    wait(lambda: step.header.state == "✓ detector · 3 keypoints")
    session.set_box(7, HERE)
    wait(lambda: step.header.state == "● boxes changed since")
    session.undo()
    wait(lambda: step.header.state == "✓ detector · 3 keypoints")


def test_keypoints_that_come_before_their_boxes_are_not_said_to_be_of_others(
    opened, model_folder, tmp_path, wait
):
    session, step, states = opened.controller.session, opened["pose"], []
    boxes = tmp_path / "v_bbox.csv"
    write_bbox_csv(boxes, np.tile([10.0, 20, 30, 40], (session.n_frames, 1)))
    step.choose_model(model_folder)
    step.use(step.existing())
    wait(lambda: session.pose_poses is not None)
    opened.controller.boxes_changed.connect(lambda: states.append(step.header.state))
    opened.controller.changed.connect(lambda: states.append(step.header.state))
    session.load_boxes(boxes)
    wait(lambda: step.header.state == "✓ detector · 3 keypoints")
    opened.controller.changed.emit()
    assert step.header.state == "✓ detector · 3 keypoints"
    assert "● boxes changed since" not in states
    session.set_box(7, HERE)
    wait(lambda: step.header.state == "● boxes changed since")


def test_the_step_pose_says_where_it_touches_the_edge_of_the_boxes(detected, wait):
    session, step = detected.controller.session, detected["pose"]
    seen = session.tracks.entry.pose_boxes(session.fill)
    xy = np.repeat(seen[:, None, :2] + seen[:, None, 2:] / 2, 2, axis=1)
    xy[12:14, 0, 0] = seen[12:14, 0] + 0.1
    detected.open_step("pose")
    assert "touches" not in step.doubts.text()
    session.set_predictions("pose", Poses(("a", "b"), xy, np.ones((len(seen), 2)), boxes=seen))
    wait(lambda: "In 1 place the pose touches the edge of the box: see step" in step.doubts.text())
    session.accept(12, 13)
    wait(lambda: "touches" not in step.doubts.text())


def test_the_commands_name_the_models_of_this_video(opened, video_file, tmp_path, poses, wait):
    """The crop lies where the step Crop has it, beside the folder of the boxes, drawn by hand."""
    other = video_file.with_name("other.mp4")
    other.write_bytes(video_file.read_bytes())
    detector = make_predictions_folder(tmp_path / "models" / "detector", video_file, poses)
    pose = make_predictions_folder(tmp_path / "models" / "pose", video_file, poses)
    opened["detect"].choose_model(detector)
    opened["pose"].choose_model(pose)
    folder = str(video_file.parent)
    lines = opened["export"].lines()
    assert (lines[0].split()[2], lines[1].split()[2]) == (folder, str(pose))

    opened["video"].open(other)
    wait(lambda: opened.controller.session.video.path == other)
    lines = opened["export"].lines()
    assert (lines[0].split()[2], lines[1].split()[2]) == (folder, "POSE_FOLDER")
    (pose / "video_preds" / "other.csv").write_bytes((pose / "video_preds" / "square.csv").read_bytes())
    assert opened["export"].lines()[1].split()[2] == str(pose)

    opened["video"].open(video_file)  # these have its predictions
    wait(lambda: opened.controller.session.video.path == video_file)
    lines = opened["export"].lines()
    assert (lines[0].split()[2], lines[1].split()[2]) == (folder, str(pose))
    raw = detector / "video_preds" / f"{video_file.stem}_bbox.csv"
    write_bbox_csv(raw, np.tile([10.0, 20, 30, 40], (opened.controller.session.n_frames, 1)))
    opened.controller.session.load_boxes(raw)
    assert opened["export"].lines()[0].split()[2] == str(detector)


@pytest.mark.parametrize(
    ("ticks", "frames_opencv", "tool"),
    [
        (None, None, "litpose"),
        (None, 8, "litpose"),
        (None, 7, "cropzoom"),
        ([0, 1, 2, 3, 9, 10, 11, 12], None, "cropzoom"),
    ],
)
def test_litpose_is_offered_only_where_it_takes_the_same_frames(
    dock, tmp_path, wait, ticks, frames_opencv, tool
):
    pictures = [numbered_frame(number) for number in range(8)]
    video = write_video(tmp_path / "v.mp4", pictures, ticks=ticks, time_base=Fraction(1, 30))
    (tmp_path / "config.yaml").touch()  # boxes of a model: the commands of litpose want one
    dock["video"].open(video)
    wait(lambda: dock.controller.frames_opencv is not None)  # it was checked
    dock.controller.frames_opencv = frames_opencv
    assert [line.split()[0] for line in dock["export"].lines()] == [tool, tool, "cropzoom"]


@pytest.mark.gui
@needs_display
@pytest.mark.parametrize("is_there", [False, True])
def test_what_needs_a_package_that_is_not_installed_says_so_and_cannot_be_chosen(
    files, monkeypatch, is_there
):
    real = exporting.find_spec
    others = real("json") if is_there else None
    monkeypatch.setattr(
        exporting, "find_spec", lambda name: others if name in ("sleap_io", "pynwb") else real(name)
    )
    with review_window(*files) as dock:
        dock.open_step("export")
        listed, greyed = dock["export"].format, dock["export"].greyed
        assert greyed.isVisible() is not is_there
        assert ("need napari-cropzoom[formats]" in greyed.text()) is not is_there
        can_be_chosen = {
            listed.itemData(place): listed.model().item(place).isEnabled()
            for place in range(listed.count())
        }
    for name in ("sleap", "nwb"):
        assert can_be_chosen[name] is is_there
        assert ("pip install" in exporting.help_of(name)) is not is_there
    assert all(can_be_chosen[name] for name in can_be_chosen if name not in ("sleap", "nwb"))
