"""Settings in the history, by real mouse and keys: dragged, undone, shown, asked about."""

import numpy as np
import pytest
from qtpy.QtWidgets import QAbstractSlider, QWidget

from gui_events import hands, needs_display, press_key, spin, wait_for
from lpmodels import make_predictions_folder
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.review_paths import journal_file
from review_window import N, click_on, faulty_boxes, point_at, review_window
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(240)]

HERE = Box(60, 60, 44, 44)


def poses():
    t = np.arange(N)
    center = np.column_stack([50 + 1.6 * t, 110 + 20 * np.sin(t / 9)])
    offsets = np.array([[-12, -12], [12, 12], [0, 0]], float)
    likelihood = np.full((N, 3), 0.95)
    likelihood[30:33] = 0.05
    return Poses(("nose", "tail", "back"), center[:, None] + offsets, likelihood)


@pytest.fixture
def video(tmp_path):
    return make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), gop=10)


@pytest.fixture
def dock(tmp_path, video):
    """A window with boxes round the keypoints of a detector."""
    folder = make_predictions_folder(tmp_path / "models" / "detector", video, poses())
    with review_window(video, None) as dock:
        dock["detect"].choose_model(folder)
        wait_for(lambda: dock["detect"].offer.isVisible())
        dock["detect"].offer.use.click()
        wait_for(lambda: dock.controller.session.has_boxes)
        spin(0.3)
        yield dock


def labels(dock):
    return [edit.label for edit in dock.controller.session.history]


def said(dock):
    line = dock.findChild(QWidget, "cropzoom_undone")
    return line.text() if line.isVisible() else ""


def handle_of(slider):
    inner = slider.findChild(QAbstractSlider)
    share = (slider.value() - slider.minimum()) / (slider.maximum() - slider.minimum())
    return inner, round(8 + share * (inner.width() - 16))


def drag_slider(slider, by, rests=0.0):
    """Drag the handle by pixels in steps of 2, with a rest in mid-way; returns how often it changed."""
    inner, x = handle_of(slider)
    point_at(inner)
    values = []
    slider.valueChanged.connect(values.append)
    y = inner.height() // 2
    place = inner.mapToGlobal(inner.rect().topLeft())
    hands().move(place.x() + x, place.y() + y)
    spin(0.1)
    hands().press()
    spin(0.05)
    assert inner.isSliderDown()
    for step in range(0, by, 2 if by > 0 else -2):
        hands().move(place.x() + x + step, place.y() + y)
        spin(0.03)
        if abs(step) == abs(by) // 2 // 2 * 2:
            spin(rests)
    hands().release()
    slider.valueChanged.disconnect(values.append)
    return len(values)


def test_a_slider_that_is_dragged_is_one_edit_and_undo_shows_the_value_before(dock):
    session, step = dock.controller.session, dock["smooth"]
    dock.open_step("smooth")
    session.set_box(5, HERE)
    dock.controller.go_to(5)
    assert drag_slider(step.window_slider, 40, rests=1.0) > 5
    wait_for(lambda: len(labels(dock)) == 2)
    window = session.smoothing.window
    assert window == step.window_slider.value() != 5
    assert labels(dock)[-1] == f"Smoothing window 5 to {window} frames"
    spin(0.6)
    dock.controller.go_to(70)
    press_key("ctrl+z")
    wait_for(lambda: step.window_slider.value() == 5)
    assert session.smoothing == SmoothingSettings()
    assert session.track.box(5) == HERE
    assert dock.controller.frame == 70
    assert said(dock) == f"Undone: Smoothing window 5 to {window} frames (all frames)"
    spin(0.6)
    assert len(session.history.every) == 2  # to show the value was no edit
    press_key("ctrl+shift+z")
    wait_for(lambda: step.window_slider.value() == window)
    assert said(dock).startswith("Done again: Smoothing window 5 to")
    press_key("ctrl+z")
    press_key("ctrl+z")
    assert dock.controller.frame == 5
    assert said(dock) == "Undone: set box of frame 5"
    session.set_box(8, HERE)
    assert said(dock) == ""


def test_crop_ratio_and_threshold_are_edits_of_the_boxes_step(dock):
    session, step = dock.controller.session, dock["boxes"]
    dock.open_step("boxes")
    sides = session.track.boxes[:, 2].copy()
    assert drag_slider(step.ratio, 30, rests=1.0) > 5
    wait_for(lambda: len(labels(dock)) == 1)
    ratio = session.sizing.crop_ratio
    assert ratio == round(step.ratio.value(), 2) > 2
    assert labels(dock) == [f"Crop ratio 2 to {ratio:g}"]
    assert (session.track.boxes[:, 2] > sides).all() | np.isnan(sides).any()
    step.keypoints.use_likelihood.click()
    wait_for(lambda: len(labels(dock)) == 2)
    assert labels(dock)[1] == "Min. likelihood 0.1 to off"
    step.keypoints.by_size.click()
    step.keypoints.size.setFocus()
    wait_for(step.keypoints.size.hasFocus)
    hands().key("Up")
    wait_for(lambda: len(labels(dock)) == 3)
    assert labels(dock)[2] == f"Crop ratio {ratio:g} to crop size 258 px"
    for count in (2, 1, 0):
        press_key("ctrl+z")
        wait_for(lambda count=count: len(session.history) == count)
    wait_for(lambda: step.ratio.value() == 2)
    assert step.keypoints.by_ratio.isChecked()
    assert step.keypoints.use_likelihood.isChecked()
    assert np.array_equal(session.track.boxes[:, 2], sides, equal_nan=True)
    spin(0.8)
    assert len(session.history.every) == 3
    journal = read_journal(journal_file(session.raw_csv))[0]
    assert [each["do"] for each in journal if each["do"] in ("sizing", "undo")] == [
        *["sizing"] * 3,
        *["undo"] * 3,
    ]


def test_what_becomes_of_boxes_set_by_hand_is_asked_before(dock):
    session, step = dock.controller.session, dock["boxes"]
    session.accept(8, 10)
    before = session.track.boxes.copy()
    dock.open_step("boxes")
    drag_slider(step.ratio, 30)
    wait_for(step.question.isVisible)
    assert step.question.message.plain == (
        "The boxes of all frames are made again. 3 accepted frames stay accepted, with boxes that nobody "
        "has looked at."
    )
    assert step.question.change.text() == "Make all boxes again"
    click_on(step.question.leave)
    wait_for(lambda: step.ratio.value() == 2)
    assert np.array_equal(session.track.boxes, before, equal_nan=True)
    session.undo()
    session.set_box(5, HERE)
    session.set_box(8, HERE)
    session.accept(8, 10)
    before = session.track.boxes.copy()
    drag_slider(step.ratio, 30)
    wait_for(step.question.isVisible)
    assert step.question.message.plain == (
        "2 boxes set by hand keep their place and size. The boxes of the other 118 frames are made "
        "again. 2 accepted frames stay accepted, with boxes that nobody has looked at."
    )
    spin(0.8)
    assert step.question.change.text() == "Make the others again"
    assert dock["boxes"].minimumSizeHint().width() <= 290
    assert not step.question.leave.visibleRegion().isEmpty()
    assert len(session.history) == 3
    assert np.array_equal(session.track.boxes, before, equal_nan=True)
    click_on(step.question.leave)
    wait_for(lambda: step.ratio.value() == 2)
    assert not step.question.isVisible()
    spin(0.8)
    assert np.array_equal(session.track.boxes, before, equal_nan=True)
    drag_slider(step.ratio, 30)
    wait_for(step.question.isVisible)
    click_on(step.question.change)
    wait_for(lambda: len(session.history) == 4)
    assert session.sizing.crop_ratio == round(step.ratio.value(), 2) > 2
    assert session.track.box(5) == session.track.box(8) == HERE
    assert session.track.box(6).w > before[6, 2]
    assert "2 boxes set by hand keep" in step.message.plain
    drag_slider(step.ratio, 20)  # it was said, and is true still
    wait_for(lambda: len(session.history) == 5)
    assert not step.question.isVisible()
    press_key("ctrl+z")
    press_key("ctrl+z")
    wait_for(lambda: step.ratio.value() == 2)
    assert np.array_equal(session.track.boxes, before, equal_nan=True)
    session.set_box(9, HERE)
    drag_slider(step.ratio, 20)
    wait_for(step.question.isVisible)
    asked = step.ratio.value()
    dock.open_step("review")
    dock.open_step("boxes")
    spin(0.2)
    assert step.ratio.value() == asked > 2
    click_on(step.question.change)
    wait_for(lambda: session.sizing.crop_ratio == round(asked, 2))


def asks_of_the_ratio(dock):
    """Drag the crop ratio though a box is set by hand, and open another step; returns what is asked."""
    step = dock["boxes"]
    dock.controller.session.set_box(5, HERE)
    dock.open_step("boxes")
    drag_slider(step.ratio, 30)
    wait_for(step.question.isVisible)
    click_on(dock["smooth"].header)
    wait_for(lambda: not step.is_open)
    return f"Crop ratio {step.ratio.value():.2f}"


def is_taken_back(dock):
    """Whether the controls say again what the boxes are made with, and nothing is asked."""
    dock.open_step("boxes")
    spin(0.1)
    return dock["boxes"].ratio.value() == 2 and not dock["boxes"].question.isVisible()


def test_a_question_waits_for_its_answer_and_is_brought_up_to_date(dock):
    step, session = dock["boxes"], dock.controller.session
    asked = asks_of_the_ratio(dock)
    session.set_box(8, HERE)
    dock.controller.go_to(20)
    spin(0.2)
    click_on(step.header)
    wait_for(step.question.isVisible)
    assert step.question.message.plain.startswith("2 boxes set by hand keep")
    assert f"Crop ratio {step.ratio.value():.2f}" == asked
    assert len(session.history) == 2


def test_what_was_asked_for_is_taken_back_visibly_by_undo(dock):
    asked = asks_of_the_ratio(dock)
    press_key("ctrl+z")
    assert said(dock) == f"Undone: set box of frame 5 {asked} was not taken."
    assert is_taken_back(dock)
    assert dock["boxes"].message.plain == f"{asked} was not taken."


def test_what_was_asked_for_is_taken_back_visibly_by_another_animal(dock):
    asked = asks_of_the_ratio(dock)
    dock.controller.session.add_track("white")
    wait_for(lambda: said(dock) == f"{asked} was not taken.")
    dock.controller.session.select_track("animal")
    spin(0.2)
    assert is_taken_back(dock)


def test_boxes_of_a_file_are_not_replaced_unasked(video, tmp_path):
    boxes = tmp_path / "preds" / "v_bbox.csv"
    write_bbox_csv(boxes, faulty_boxes())
    with review_window(video, boxes) as dock:
        session, step = dock.controller.session, dock["boxes"]
        session.set_predictions("detector", poses())
        dock.open_step("boxes")
        before = session.track.boxes.copy()
        drag_slider(step.ratio, 30)
        wait_for(step.question.isVisible)
        assert step.question.message.plain.startswith("These boxes are from a file.")
        assert session.raw_csv == boxes
        click_on(step.question.leave)
        wait_for(lambda: step.ratio.value() == 2)
        drag_slider(step.ratio, 30)
        wait_for(step.question.isVisible)
        click_on(step.question.change)
        wait_for(lambda: len(session.history) == 1)
        assert session.track.raw_source == Source.DETECTED
        assert step.ratio.value() > 2
        press_key("ctrl+z")
        assert np.array_equal(session.track.boxes, before, equal_nan=True)
        assert said(dock).startswith("Undone: Boxes of keypoints, crop ratio")
        wait_for(lambda: step.ratio.value() == 2)  # as before the boxes were made with it
        press_key("ctrl+shift+z")
        wait_for(lambda: step.ratio.value() == round(session.sizing.crop_ratio, 2) > 2)


def test_undo_of_another_animals_edit_goes_to_it(dock):
    session = dock.controller.session
    session.set_box(90, HERE)
    session.add_track("white")
    dock.controller.go_to(3)
    dock.open_step("review")
    wait_for(lambda: dock["review"].undo.isEnabled())
    click_on(dock["review"].undo)
    assert session.current == "animal"
    assert dock.controller.frame == 90
    assert said(dock) == "Undone: set box of frame 90 (animal)"


def test_the_line_of_undo_moves_no_button(dock):
    session, undo = dock.controller.session, dock["review"].undo
    session.set_box(90, HERE)
    session.set_box(90, HERE._replace(w=50))
    dock.controller.go_to(90)
    dock.open_step("review")
    wait_for(lambda: undo.isEnabled())
    spin(0.3)
    place = undo.mapToGlobal(undo.rect().topLeft())
    click_on(undo)
    spin(0.3)
    assert said(dock) == "Undone: set box of frame 90"
    assert undo.mapToGlobal(undo.rect().topLeft()) == place


def test_undo_of_a_setting_opens_the_step_that_it_belongs_to(dock):
    session = dock.controller.session
    for key, change in (
        ("boxes", lambda step: step.keypoints.size.stepUp()),
        ("smooth", lambda step: step.fill.setCurrentIndex(1)),
    ):
        dock.open_step(key)
        before = len(session.history)
        if key == "boxes":
            click_on(dock["boxes"].keypoints.by_size)
        change(dock[key])
        wait_for(lambda before=before: len(session.history) > before)
        spin(0.3)
    session.set_box(90, HERE)
    dock.open_step("review")
    wait_for(lambda: dock["review"].undo.isEnabled())
    click_on(dock["review"].undo)
    assert said(dock) == "Undone: set box of frame 90"
    assert dock["review"].is_open
    click_on(dock["review"].undo)
    assert dock["smooth"].is_open
    assert said(dock).startswith("Undone: Missing frames: ")
    assert said(dock).endswith(" (all frames) See step Smooth.")
    press_key("ctrl+z")
    assert dock["boxes"].is_open
    assert said(dock).endswith("See step Boxes.")
    press_key("ctrl+shift+z")
    assert dock["boxes"].is_open
    assert said(dock).startswith("Done again: ")
    assert not said(dock).endswith("See step Boxes.")
    press_key("ctrl+shift+z")
    assert dock["smooth"].is_open
