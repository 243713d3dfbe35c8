"""Tools, keys and *Accept* act on what is shown, and the picture says which frames that are."""

import numpy as np
import pytest
from qtpy.QtCore import QPointF
from qtpy.QtWidgets import QAbstractButton

from gui_events import canvas_of, click, hands, needs_display, press_key, spin, wait_for, x_key
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS
from review_window import (
    GAP,
    JUMP,
    LARGE,
    begin_again,
    click_on,
    faulty_boxes,
)

pytestmark = [pytest.mark.gui, needs_display]

ELSEWHERE = (10, 30)


@pytest.fixture
def dock(window):
    return begin_again(window)


def caption(dock):
    return dock.controller.viewer.canvas.overlays.text.text


def select_with_the_mouse(dock, first, last):
    """Drag over frames of the timeline."""
    plot = dock.controller.viewer.window.dock_widgets["Timeline"].plot
    row = plot.rows["speed"]
    y = (row.top + row.bottom) / 2
    places = [plot.mapFromScene(plot.view.mapViewToScene(QPointF(at, y))) for at in (first, last)]
    start, end = (plot.mapToGlobal(each) for each in places)
    hands().move(start.x(), start.y())
    hands().press()
    spin(0.05)
    for part in (0.3, 0.7, 1):
        hands().move(round(start.x() + part * (end.x() - start.x())), start.y())
        spin(0.05)
    hands().release()
    wait_for(lambda: dock.controller.selection is not None)
    return dock.controller.selection


def test_a_selection_made_with_the_mouse_is_gone_to_and_ends_with_n(dock):
    controller = dock.controller
    first, last = select_with_the_mouse(dock, 12, 30)
    assert first <= controller.frame <= last
    wait_for(lambda: f"Tools, G: frames {first} to {last}" in caption(dock))
    press_key("n")
    assert controller.frame == JUMP[0]
    assert controller.selection == (first, last)
    wait_for(lambda: "Tools, G: frames 40 to 42" in caption(dock))
    press_key("j")
    assert controller.session.history.undo_label == "interpolate frames 40 to 42"
    press_key("ctrl+z")
    controller.go_to(first)
    press_key("j")
    assert controller.session.history.undo_label == f"interpolate frames {first} to {last}"


@pytest.mark.parametrize(
    "tool", [tool for tool in RANGE_TOOLS if tool.key], ids=lambda tool: tool.name.replace(" ", "-")
)
def test_no_tool_changes_frames_of_a_selection_that_is_not_shown(dock, tool):
    controller, session = dock.controller, dock.controller.session
    controller.go_to(LARGE[0])
    session.set_box(97, session.track.box(97)._replace(x=200))
    controller.selection = ELSEWHERE
    wanted = tool.make(session.track, LARGE[0], *LARGE)
    press_key(x_key(tool.key))
    assert session.history.newest == wanted
    np.testing.assert_array_equal(session.track.boxes[:90], faulty_boxes()[:90])


def test_buttons_accept_and_the_swap_go_by_the_same_rule(dock):
    controller, session = dock.controller, dock.controller.session
    controller.selection = ELSEWHERE
    controller.go_to(GAP[0])
    click_on(dock.findChild(QAbstractButton, "range_interpolate"))
    assert session.history.undo_label == "interpolate frames 70 to 75"
    click_on(dock["review"].accept)
    assert session.history.undo_label == "accept frames 70 to 75"
    dock.menu.animals_menu.aboutToShow.emit()
    assert not any("10 to 30" in action.text() for action in dock.menu.animals_menu.actions())
    controller.go_to(20)
    click_on(dock["review"].accept)
    assert session.history.undo_label == "accept frames 10 to 30"


def test_accept_settles_no_more_than_the_caption_says(dock):
    controller, session = dock.controller, dock.controller.session
    controller.selection = ELSEWHERE
    controller.go_to(JUMP[0])
    wait_for(lambda: "Tools, G: frames 40 to 42" in caption(dock))
    press_key("g")
    assert np.flatnonzero(session.track.review == Review.ACCEPTED).tolist() == [40, 41, 42]
    assert controller.frame == GAP[0]


def test_neither_a_click_nor_another_animal_brings_the_selection_back(dock):
    controller, session = dock.controller, dock.controller.session
    controller.selection = ELSEWHERE
    controller.go_to(60)
    click(controller.viewer, (20, 20))
    assert controller.layers.range_here() == (60, 60)
    session.add_track("white", np.tile([200.0, 100, 40, 60], (120, 1)))
    assert controller.layers.range_here() == (60, 60)
    wait_for(lambda: "white" in caption(dock) and "G: frame 60" in caption(dock))
    session.select_track("animal")
    session.remove_track("white")


def test_while_a_tool_is_shown_the_caption_names_what_it_would_do(dock):
    controller = dock.controller
    controller.go_to(41)
    canvas_of().setFocus()
    hands().key_down("shift+c")
    wait_for(lambda: controller.proposal is not None)
    label = controller.proposal.label
    wait_for(lambda: f"{label[:1].upper()}{label[1:]}" in caption(dock))
    hands().key_up("shift+c")
    wait_for(lambda: "Tools, G: frames 40 to 42" in caption(dock))


def test_where_nothing_is_a_suspect_the_caption_says_the_frame(dock):
    dock.controller.go_to(5)
    wait_for(lambda: caption(dock).splitlines()[1].split() == ["Tools,", "G:", "frame", "5"])
