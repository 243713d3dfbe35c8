"""Tab goes through every control of the dock and comes out again."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QWidget

from gui_events import canvas_of, hands, needs_display, wait_for, wait_until_still
from menus import choose
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import begin_again, window_of

pytestmark = [pytest.mark.gui, needs_display]
MOST = 120  # stops; the window has about 70


@pytest.fixture
def dock(window):
    dock = begin_again(window)
    wait_for(lambda: dock["review"].list.suspects.rows)
    pixels, session = dock["review"].pixels, dock.controller.session
    wait_for(lambda: pixels._looked_at is session and not pixels.is_running)  # its button goes then
    return dock


def stops(dock, key="Tab"):
    """What has the focus, one Tab after the other, from the canvas on until it comes round."""
    canvas = canvas_of(window_of(dock))
    canvas.setFocus()
    wait_for(canvas.hasFocus)
    found = [canvas]
    while len(found) < MOST:
        before = QApplication.focusWidget()
        hands().key(key)
        wait_for(lambda before=before: QApplication.focusWidget() is not before, 5)
        if QApplication.focusWidget() in found:
            break
        found.append(QApplication.focusWidget())
    return found


def reachable(dock):
    """What of the dock a person can use by keys."""
    return {
        each.objectName()
        for each in dock.findChildren(QWidget)
        if each.isVisible() and each.isEnabled() and each.focusPolicy() & Qt.FocusPolicy.TabFocus
    }


def names(dock, found):
    return {each.objectName() for each in found if dock.isAncestorOf(each)}


def test_tab_goes_through_all_of_the_dock_and_on(dock):
    found = stops(dock)
    assert len(found) < MOST
    assert names(dock, found) >= reachable(dock)
    assert {"review_list", "range_hold", "show_header"} <= reachable(dock)
    assert dock.isAncestorOf(found[1])  # at once
    assert not dock.isAncestorOf(found[-1])


def test_shift_and_tab_go_back_through_the_dock(dock):
    found = stops(dock, "shift+Tab")
    assert len(found) < MOST
    assert names(dock, found) >= reachable(dock)
    assert dock.isAncestorOf(found[-1])  # and from there to the canvas


def test_a_dock_that_is_opened_again_is_in_reach_of_tab(dock):
    window = window_of(dock)
    for _ in range(2):  # the second time it is only hidden and shown
        holder_of(dock).hide()
        wait_for(lambda: not dock.isVisible())
        choose(window, "Plugins", "Cropzoom", "Cropzoom")
        wait_for(dock.isVisible)
        wait_until_still(window)
        assert names(dock, stops(dock)) >= reachable(dock)
        assert dock.isAncestorOf(stops(dock, "shift+Tab")[-1])


def test_escape_goes_back_to_the_canvas_from_the_list(dock):
    dock["review"].list.setFocus(Qt.FocusReason.TabFocusReason)
    wait_for(dock["review"].list.hasFocus)
    hands().key("Escape")
    wait_for(canvas_of(window_of(dock)).hasFocus, 5)
