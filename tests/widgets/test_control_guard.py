"""The wheel, the keys and the focus over the controls of the window, by real events."""

import numpy as np
import pytest
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QSpinBox,
    QWidget,
)

from gui_events import canvas_of, needs_display, picture_of, press_key, spin, wait_for, xdotool
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.widgets.control_guard import ControlGuard
from napari_cropzoom.widgets.window.focus_ring import FocusRing
from review_window import (
    JUMP,
    N,
    begin_again,
    click_on,
    is_under_mouse,
    point_at,
    window_of,
)

pytestmark = [pytest.mark.gui, needs_display]

TURNED = (QComboBox, QAbstractSpinBox, QAbstractSlider)


@pytest.fixture
def dock(window):
    return begin_again(window)


def timeline_of(dock):
    return dock.controller.viewer.window.dock_widgets["Timeline"]


def named(place, kind, name):
    found = place.findChild(kind, name)
    assert found is not None, name
    return found


def controls_in(place):
    """Controls that the wheel could change, as a person sees them."""
    found = [each for kind in TURNED for each in place.findChildren(kind)]
    return [
        each
        for each in found
        if each.isVisible() and each.isEnabled() and not isinstance(each, QScrollBar)
    ]


def state_of(control):
    return control.currentIndex() if isinstance(control, QComboBox) else control.value()


def turn_wheel_over(control, button):
    point_at(control)
    wait_for(lambda: is_under_mouse(control))
    xdotool("click", button)
    spin(0.05)


# ---- the wheel -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["video", "detect", "boxes", "review", "smooth", "crop", "pose", "export", "show"]
)
def test_the_wheel_changes_nothing_in_the_dock(dock, key):
    dock.open_step(key)
    if key == "review":
        dock["review"].range_buttons.more.setChecked(True)
    spin(0.2)
    if key == "boxes":
        xy = np.random.default_rng(0).uniform(40, 160, (N, 2, 2))
        dock.controller.session.set_predictions("detector", Poses(("nose", "tail"), xy, np.ones((N, 2))))
        wait_for(dock["boxes"].keypoints.isVisible)
    if key == "crop":
        dock["crop"].encoding.toggle.setChecked(True)
        spin(0.2)
    found = controls_in(dock[key])
    assert found or key == "video"
    for control in found:
        before = state_of(control)
        for button in (4, 5):
            turn_wheel_over(control, button)
            assert state_of(control) == before, control.objectName()
    assert len(dock.controller.session.history) == 0


def test_the_wheel_changes_nothing_in_the_player(dock):
    found = controls_in(timeline_of(dock).player)
    assert {each.objectName() for each in found} == {"player_frame", "player_speed"}
    for control in found:
        before = state_of(control)
        for button in (4, 5):
            turn_wheel_over(control, button)
            assert state_of(control) == before, control.objectName()


def test_what_was_chosen_with_the_mouse_is_not_turned_away_by_the_wheel(dock):
    dock.open_step("smooth")
    slider = dock["smooth"].window_slider
    click_on(slider)
    chosen = slider.value()
    for button in (4, 5, 5):
        turn_wheel_over(slider, button)
        assert slider.value() == chosen


def test_a_field_that_is_typed_into_takes_the_wheel(dock):
    field = named(timeline_of(dock), QSpinBox, "player_frame")
    spin(0.6)
    click_on(field)
    assert field.hasFocus()
    turn_wheel_over(field, 4)
    assert dock.controller.frame == 1


def test_a_control_that_comes_later_is_guarded_too(dock):
    late = QSpinBox()
    late.setValue(50)
    dock["review"].form.insertWidget(0, late)
    wait_for(late.isVisible)
    spin(0.1)
    turn_wheel_over(late, 4)
    assert late.value() == 50
    late.setParent(None)


def test_a_control_is_guarded_where_pyqt_takes_its_event_for_another_kind(qapp):
    guard, parent = ControlGuard(lambda: None, qapp), QWidget()
    late = QSpinBox(parent)
    assert late.focusPolicy() == Qt.FocusPolicy.WheelFocus
    guard.eventFilter(parent, QEvent(QEvent.Type.ChildPolished))
    assert late.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_the_wheel_over_a_control_scrolls_the_dock(dock):
    dock.open_step("review")
    dock["review"].range_buttons.more.setChecked(True)
    window, before = window_of(dock), window_of(dock).size()
    window.resize(before.width(), 600)  # all of it is seen in a higher one
    bar = dock.findChild(QScrollArea).verticalScrollBar()
    wait_for(lambda: bar.maximum() > 0)
    spin(0.2)
    bar.setValue(0)
    spin(0.1)
    control = dock["review"].amount
    assert control.visibleRegion().boundingRect().height() > 0
    middle = control.mapToGlobal(control.rect().center())
    xdotool("mousemove", middle.x(), middle.y())
    spin(0.1)
    assert is_under_mouse(control)
    xdotool("click", 5)
    wait_for(lambda: bar.value() > 0)
    window.resize(before)
    wait_for(lambda: bar.maximum() == 0)


# ---- the focus and the keys --------------------------------------------------------------------------


def test_keys_work_after_a_speed_was_chosen(dock):
    speed = named(timeline_of(dock), QComboBox, "player_speed")
    click_on(speed)
    wait_for(lambda: speed.view().isVisible())
    spin(0.2)
    row = speed.view().visualRect(speed.model().index(speed.findText("2×"), 0)).center()
    place = speed.view().viewport().mapToGlobal(row)
    xdotool("mousemove", place.x() - 1, place.y(), "mousemove", place.x(), place.y())
    spin(0.2)
    xdotool("click", 1)
    wait_for(lambda: speed.currentText() == "2×")
    spin(0.1)
    xdotool("key", "n")
    wait_for(lambda: dock.controller.frame == JUMP[0])
    assert speed.currentText() == "2×"
    speed.setCurrentText("1×")


@pytest.mark.parametrize("end", ["Return", "Escape"])
def test_keys_work_after_a_number_was_typed(dock, end):
    field = named(timeline_of(dock), QSpinBox, "player_frame")
    click_on(field)
    xdotool("key", "ctrl+a")
    xdotool("type", "30")
    xdotool("key", end)
    wait_for(canvas_of().hasFocus)
    xdotool("key", "n")
    wait_for(lambda: dock.controller.frame == JUMP[0])


def test_a_key_that_no_number_has_acts_while_one_is_typed(dock):
    dock["review"].range_buttons.more.setChecked(True)
    spin(0.1)
    field = dock["review"].range_buttons.controls["dx"]
    click_on(field)
    assert field.hasFocus()
    before = field.value()
    xdotool("key", "n")
    wait_for(lambda: dock.controller.frame == JUMP[0])
    assert field.value() == before


@pytest.mark.parametrize("name", ["review_next", "range_numbers", "review_header"])
def test_keys_work_after_a_button_was_pressed(dock, name):
    dock.open_step("review")
    click_on(named(dock, QAbstractButton, name))
    spin(0.1)
    assert canvas_of().hasFocus()
    dock.controller.go_to(60)
    xdotool("key", "shift+n")
    wait_for(lambda: dock.controller.frame == JUMP[0])
    xdotool("key", "r")
    spin(0.1)
    assert dock.controller.layers.boxes.layer.mode == "add_rectangle"
    dock.controller.layers.boxes.layer.mode = "select"


def test_keys_work_after_the_list_of_suspects_was_clicked(dock):
    click_on(dock["review"].list)
    xdotool("key", "w")
    wait_for(lambda: dock.controller.frame in (40, 70, 95))
    assert canvas_of().hasFocus()


def test_keys_work_where_the_keyboard_has_brought_the_focus(dock):
    for control in (dock["review"].accept, dock["review"].amount, dock["review"].list):
        dock.controller.go_to(0)
        control.setFocus(Qt.FocusReason.TabFocusReason)
        wait_for(control.hasFocus)
        spin(0.1)
        xdotool("key", "n")
        wait_for(lambda: dock.controller.frame == JUMP[0])
        assert control.hasFocus()
    dock["review"].accept.setFocus(Qt.FocusReason.TabFocusReason)
    xdotool("key", "space")
    wait_for(lambda: (dock.controller.session.track.review[40:43] == Review.ACCEPTED).all())


def test_a_tool_shows_what_it_does_where_another_control_has_the_focus(dock):
    controller = dock.controller
    controller.go_to(JUMP[0])
    for widget in (dock["review"].amount, timeline_of(dock)):
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        wait_for(widget.hasFocus)
        xdotool("keydown", "j")
        wait_for(lambda: controller.proposal is not None)
        assert len(controller.session.history) == 0
        xdotool("keyup", "j")
        wait_for(lambda: len(controller.session.history) == 1)
        controller.session.undo()


def test_animals_are_swapped_by_keys_alone(dock):
    controller, session = dock.controller, dock.controller.session
    still = np.tile([200.0, 100, 40, 60], (N, 1))
    session.add_track("white", still)
    session.select_track("animal")
    controller.go_to(100)
    raw = session.track.boxes.copy()
    press_key("shift+w")
    wait_for(lambda: QApplication.activePopupWidget() is not None)
    xdotool("key", "Return")
    wait_for(lambda: len(session.history) == 1)
    np.testing.assert_array_equal(session.track.boxes[100:], still[100:])
    np.testing.assert_array_equal(session.tracks["white"].boxes[100:], raw[100:])
    press_key("ctrl+z")
    assert len(session.history) == 0


def test_alone_there_is_nothing_to_swap(dock):
    if len(dock.controller.session.tracks) > 1:
        pytest.skip("another animal was added")
    press_key("shift+w")
    assert "one animal only" in dock.controller.viewer.status


def test_the_menus_open_by_keys(dock):
    window_of(dock).activateWindow()
    canvas_of().setFocus()
    xdotool("key", "alt+a")
    wait_for(lambda: QApplication.activePopupWidget() is dock.menu.animals_menu)
    xdotool("key", "Escape")
    spin(0.1)
    xdotool("key", "Escape")
    wait_for(lambda: QApplication.activePopupWidget() is None)


# ---- the ring --------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_ring_shows_which_control_has_the_focus(dock, theme):
    """Its colour is where the control's edge is, and it goes with the focus, by Tab."""
    get_settings().appearance.theme = theme
    dock.open_step("smooth")
    spin(0.3)
    color = QColor(get_theme(theme).text.as_hex()).getRgb()[:3]

    def rings(control):
        shown = picture_of(control)
        top = shown[0, 8:-8].astype(int)  # the line along the upper edge
        return (np.abs(top - color).max(axis=1) < 40).mean() > 0.8

    chosen = [dock["smooth"].method, dock["smooth"].fill]
    for each in chosen:
        assert not rings(each)
        each.setFocus(Qt.FocusReason.TabFocusReason)
        wait_for(each.hasFocus)
        wait_for(lambda each=each: rings(each))
    assert not rings(chosen[0])
    xdotool("key", "Tab")
    wait_for(lambda: not chosen[1].hasFocus())
    wait_for(lambda: not rings(chosen[1]))
    canvas_of().setFocus()
    wait_for(lambda: not dock.window().findChildren(FocusRing))
    get_settings().appearance.theme = "dark"
