"""The range tools by the keys of the canvas and by their buttons, in a real window."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QDoubleSpinBox, QWidget

from gui_events import canvas_of, hands, needs_display, press_key, spin, wait_for, x_key
from napari_cropzoom.core.boxes import Box, Review, Source
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS
from review_window import (
    GAP,
    JUMP,
    LARGE,
    begin_again,
    click_on,
    faulty_boxes,
    point_at,
    window_of,
)

pytestmark = [pytest.mark.gui, needs_display]

TRUE = Box(86.0, 62.0, 48.0, 40.0)  # of frame 41, about


@pytest.fixture
def dock(window):
    """The review as it was opened, in the middle of the jump."""
    return begin_again(window, 41)


def button(dock, name):
    found = dock.findChild(QAbstractButton, name)
    assert found is not None, name
    return found


def expected(dock, tool):
    controller = dock.controller
    return tool.make(controller.session.track, controller.frame, *controller.layers.range_here())


# ---- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tool", [tool for tool in RANGE_TOOLS if tool.key], ids=lambda tool: tool.name.replace(" ", "-")
)
def test_a_held_key_shows_and_its_release_does_what_the_tool_does(dock, tool):
    controller, session = dock.controller, dock.controller.session
    session.set_box(41, TRUE)
    wanted, before = expected(dock, tool), session.track.boxes.copy()
    canvas_of().setFocus()
    spin(0.02)
    hands().key_down(x_key(tool.key))
    wait_for(lambda: controller.proposal is not None)
    assert controller.proposal == wanted
    assert wanted.label[1:] in controller.viewer.status
    np.testing.assert_array_equal(session.track.boxes, before)
    hands().key_up(x_key(tool.key))
    wait_for(lambda: controller.proposal is None)
    assert session.history.newest == wanted
    assert len(session.history) == 2


def test_a_tap_does_it_and_undo_takes_it_back(dock):
    session, raw = dock.controller.session, faulty_boxes()
    press_key("j")
    first, last = JUMP
    assert session.history.undo_label == f"interpolate frames {first} to {last}"
    straight = np.linspace(raw[first - 1, 0], raw[last + 1, 0], last - first + 3)
    np.testing.assert_allclose(session.track.boxes[first : last + 1, 0], straight[1:-1], atol=1)
    assert (session.track.source[first : last + 1] == Source.INTERPOLATED).all()
    assert dock.controller.proposal is None
    press_key("ctrl+z")
    np.testing.assert_array_equal(session.track.boxes, raw)


def test_a_key_held_while_its_boxes_change_does_nothing(dock):
    controller, session = dock.controller, dock.controller.session
    canvas_of().setFocus()
    hands().key_down("j")
    wait_for(lambda: controller.proposal is not None)
    session.set_box(41, TRUE)
    hands().key_up("j")
    wait_for(lambda: controller.proposal is None)
    assert session.history.undo_label == "set box of frame 41"
    assert "changed" in controller.viewer.status
    session.undo()
    np.testing.assert_array_equal(session.track.boxes, faulty_boxes())


def test_a_key_that_cannot_do_it_says_why_in_the_dock_and_changes_nothing(dock):
    press_key("m")
    assert "No box was corrected by hand" in dock.controller.viewer.status
    message = dock["review"].message
    assert message.kind == "error"
    assert "No box was corrected by hand in frames 40 to 42" in message.plain
    assert len(dock.controller.session.history) == 0
    press_key("j")
    assert message.kind == ""


# ---- buttons ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tool", [tool for tool in RANGE_TOOLS if tool.label and not tool.numbers], ids=lambda tool: tool.name
)
def test_the_mouse_over_a_button_shows_and_a_click_does_it(dock, tool):
    controller, session = dock.controller, dock.controller.session
    session.set_box(41, TRUE)
    wanted = expected(dock, tool)
    each = button(dock, f"range_{tool.name.replace(' ', '-')}")
    point_at(each)
    wait_for(lambda: controller.proposal is not None)
    assert controller.proposal == wanted
    point_at(canvas_of())
    wait_for(lambda: controller.proposal is None)
    assert len(session.history) == 1
    click_on(each)
    wait_for(lambda: len(session.history) == 2)
    assert session.history.newest == wanted


def test_a_button_that_has_the_focus_shows_what_it_would_do(dock):
    controller = dock.controller
    each = button(dock, "range_interpolate")
    each.setFocus(Qt.FocusReason.TabFocusReason)
    wait_for(lambda: controller.proposal is not None)
    hands().key("space")
    wait_for(lambda: len(controller.session.history) == 1)
    canvas_of().setFocus()
    wait_for(lambda: controller.proposal is None)


def test_a_button_that_cannot_do_it_says_why_in_one_line(dock):
    click_on(button(dock, "range_carry-on"))
    message = dock["review"].message
    wait_for(lambda: message.kind == "error")
    assert message.plain == ("No box was corrected by hand in frames 40 to 42; correct one first.")
    assert "\n" not in message.plain
    assert len(dock.controller.session.history) == 0
    click_on(button(dock, "range_interpolate"))
    wait_for(lambda: len(dock.controller.session.history) == 1)
    assert message.kind == ""


def in_another_window(dock, act=lambda: None):
    """Do something while another window is in front, as if a person went to another program and back."""
    other = QWidget()
    other.setGeometry(1450, 920, 100, 60)
    other.show()
    other.activateWindow()
    wait_for(other.isActiveWindow)
    act()
    spin(0.1)
    other.close()
    window_of(dock).activateWindow()
    wait_for(window_of(dock).isActiveWindow)
    spin(0.1)


def test_nothing_is_proposed_once_the_mouse_has_left_whatever_has_the_focus(dock):
    controller = dock.controller
    each = button(dock, "range_interpolate")
    each.setFocus(Qt.FocusReason.TabFocusReason)
    wait_for(lambda: controller.proposal is not None)
    point_at(each)
    point_at(canvas_of())
    wait_for(lambda: controller.proposal is None)
    in_another_window(dock)
    assert each.hasFocus()
    assert controller.proposal is None
    canvas_of().setFocus()


def test_nothing_is_proposed_once_the_step_folds_under_the_mouse(dock):
    controller = dock.controller
    point_at(button(dock, "range_interpolate"))
    wait_for(lambda: controller.proposal is not None)
    dock.open_step("export")
    wait_for(lambda: controller.proposal is None)
    controller.selection = (10, 12)
    controller.selection = None
    assert controller.proposal is None


def test_a_key_let_go_in_another_window_does_nothing(dock):
    controller, canvas = dock.controller, canvas_of()
    canvas.setFocus()
    hands().key_down("j")
    wait_for(lambda: controller.proposal is not None)
    in_another_window(dock, lambda: hands().key_up("j"))
    wait_for(lambda: controller.proposal is None)
    assert len(controller.session.history) == 0


# ---- range -----------------------------------------------------------------------------------------


def test_the_range_is_the_selection_else_the_suspect_else_the_frame(dock):
    controller, label = dock.controller, dock["review"].range_buttons.range_label
    assert controller.layers.range_here() == JUMP
    assert label.text() == "Correct frames 40 to 42 (suspect)"
    controller.selection = (38, 60)
    assert controller.layers.range_here() == (38, 60)
    assert label.text() == "Correct frames 38 to 60 (23 selected)"
    press_key("j")
    assert controller.session.history.undo_label == "interpolate frames 38 to 60"
    controller.selection = None
    controller.go_to(10)
    spin(0.05)
    assert controller.layers.range_here() == (10, 10)
    assert label.text() == "Correct frame 10"


def test_a_suspect_that_was_mended_is_still_the_range(dock):
    controller = dock.controller
    controller.go_to(72)
    press_key("j")
    assert controller.layers.range_here() == GAP
    press_key("shift+x")
    track = controller.session.track
    assert (track.source[GAP[0] : GAP[1] + 1] == Source.ABSENT).all()


def test_a_gap_with_a_box_drawn_into_it_is_still_the_range(dock):
    controller = dock.controller
    controller.go_to(GAP[0])
    controller.session.set_box(GAP[0], Box(*faulty_boxes()[GAP[0] - 1]))
    assert controller.layers.range_here() == GAP
    press_key("j")
    assert not controller.session.track.is_missing.any()


def test_a_range_is_selected_by_keys(dock):
    controller = dock.controller
    press_key("shift+b")
    assert controller.selection == (41, 41)
    controller.go_to(44)
    press_key("shift+e")
    assert controller.selection == (41, 44)
    controller.go_to(43)
    press_key("shift+b")
    assert controller.selection == (43, 44)
    press_key("j")
    assert controller.session.history.undo_label == "interpolate frames 43 to 44"
    press_key("shift+z")
    assert controller.selection is None


# ---- numbers ---------------------------------------------------------------------------------------


def open_numbers(dock):
    click_on(button(dock, "range_numbers"))
    wait_for(lambda: dock["review"].range_buttons.numbers.isVisible())


def set_number(dock, name, value):
    dock.findChild(QDoubleSpinBox, name).setValue(value)


def test_size_shift_and_scale_in_numbers(dock):
    controller, session, raw = dock.controller, dock.controller.session, faulty_boxes()
    open_numbers(dock)
    controller.go_to(97)
    set_number(dock, "range_width", 48)
    set_number(dock, "range_height", 40)
    point_at(button(dock, "range_size"))
    wait_for(lambda: controller.proposal == tools.set_size(session.track, *LARGE, 48, 40))
    click_on(button(dock, "range_size"))
    boxes = session.track.boxes
    assert boxes[LARGE[0] : LARGE[1] + 1, 2:].tolist() == [[48, 40]] * 5
    assert boxes[LARGE[1] + 1].tolist() == raw[LARGE[1] + 1].tolist()
    centers = boxes[:, :2] + boxes[:, 2:] / 2
    np.testing.assert_array_equal(centers[97], raw[97, :2] + raw[97, 2:] / 2)

    controller.go_to(10)
    set_number(dock, "range_dx", -6)
    set_number(dock, "range_dy", 4)
    click_on(button(dock, "range_shift"))
    assert session.track.boxes[10].tolist() == (raw[10] + (-6, 4, 0, 0)).tolist()
    assert session.track.boxes[11].tolist() == raw[11].tolist()
    dock["review"].range_buttons.controls["factor"].setValue(1.5)
    click_on(button(dock, "range_scale"))
    assert session.track.boxes[10, 2:].tolist() == [72, 60]
    assert session.history.undo_label == "scale frame 10 by 1.5"


def test_the_size_of_the_whole_track(dock):
    session = dock.controller.session
    open_numbers(dock)
    set_number(dock, "range_width", 60)
    set_number(dock, "range_height", 50)
    session.set_box(20, Box(52, 100, 30, 30))
    click_on(button(dock, "range_size-all"))
    known = ~np.isnan(faulty_boxes()[:, 0])
    assert (session.track.boxes[known, 2:] == (60, 50)).all()
    assert np.isnan(session.track.boxes[~known]).all()
    assert session.track.manual_frames().tolist() == [20]
    assert (session.track.review[known] == Review.EDITED).all()
    assert len(session.history) == 2


def test_numbers_where_there_is_no_box_say_so(dock):
    open_numbers(dock)
    dock.controller.go_to(72)
    click_on(button(dock, "range_shift"))
    wait_for(lambda: dock["review"].message.plain == "Frames 70 to 75 have no box.")
