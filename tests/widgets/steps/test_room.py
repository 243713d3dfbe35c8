"""The step Review on a low screen: all of it is seen without scrolling, and nothing moves by a text."""

import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QLabel, QScrollArea

from gui_events import needs_display, spin, wait_for, wait_until_still
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS, RangeTool
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.widgets import dock as dock_module
from napari_cropzoom.widgets.steps.base import Step
from napari_cropzoom.widgets.steps.registry import STEPS
from napari_cropzoom.widgets.steps.reviewing import range_buttons
from napari_cropzoom.widgets.steps.reviewing.suspect_list import reason_text
from review_window import JUMP, make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]

LAPTOP = 1366, 700  # of 1366x768: a desktop takes a bar and a title
SMALL = 960, 540  # 1920x1080 at 200 %
LONG = "The folder cannot be written, and there is much to be said of that, with what to do. " * 6


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("review"))) as dock:
        window_of(dock).resize(*LAPTOP)
        wait_for(lambda: dock["review"].list.suspects.rows)
        pixels, suspects = dock["review"].pixels, dock.controller.session.suspects
        wait_for(lambda: pixels.is_running or suspects.motion is not None)
        wait_for(lambda: not pixels.is_running, 60)  # what it finds makes the list another one
        wait_until_still(window_of(dock))
        assert (window_of(dock).width(), window_of(dock).height()) == LAPTOP
        yield dock


@pytest.fixture
def dock(window):
    session = window.controller.session
    session.go_to_edit(0)
    window["review"].message.clear()
    window.controller.go_to(JUMP[0])
    window.open_step("review")
    spin(0.2)
    return window


def places(step):
    """Where each button and slider of the step is in the window."""
    controls = [*step.body.findChildren(QAbstractButton), *step.body.findChildren(QAbstractSlider)]
    shown = [each for each in (*controls, step.list) if each.isVisible()]
    assert len(shown) > 20
    return {each: (each.mapTo(step.window(), QPoint(0, 0)), each.size()) for each in shown}


def is_seen(widget):
    return widget.isVisible() and widget.visibleRegion().boundingRect() == widget.rect()


def test_everything_is_seen_without_scrolling(dock):
    step = dock["review"]
    lacking = dock.findChild(QScrollArea).verticalScrollBar().maximum()
    assert lacking == 0, (
        f"the step Review lacks {lacking} px on a laptop: a new line of a step or a new row of buttons "
        "of range tools does not fit (a tool without a label has its key only)"
    )
    assert len(step.list.suspects.rows) >= 3
    for row in range(3):
        place = step.list.visualRect(step.list.suspects.index(row, 1))
        assert step.list.viewport().rect().contains(place)
    step.show_error(LONG)
    spin(0.1)
    for each in (step.message, step.reason, step.here, step.list, *places(step)):
        assert is_seen(each), each.objectName()
    for other in dock.steps.values():
        assert is_seen(other.header), (
            other.key,
            other.header.visibleRegion().boundingRect(),
            other.header.rect(),
        )


@pytest.mark.parametrize(("first", "since"), [(40, "reviewed"), (123_456, "")])
def test_the_reason_is_whole_however_many_parts_it_has(dock, first, since):
    step = dock["review"]
    words = (
        "still background in the box, something moves elsewhere for 25 frames",
        "box round 1 of 12 keypoints, the others unlikely for 12 frames",
        "the animal seems 123 px off the box's middle for 25 frames",
    )
    suspect = Suspect(first, first, first + 24, 0.9, words)
    before = places(step)
    step.reason.setText(reason_text(suspect, since))
    spin(0.1)
    assert step.reason.toolTip() == ""
    shown = QLabel.text(step.reason)
    assert shown == step.reason.text()
    assert all(part.removesuffix(" for 25 frames") in shown for part in words)
    assert "for 12 frames" in shown  # not what the frames in front of it say
    assert "for 25 frames" not in shown
    assert step.reason.height() >= step.reason.heightForWidth(step.reason.width())
    assert is_seen(step.reason)
    assert {each: places(step)[each] for each in before} == before
    step.show_error(LONG)
    spin(0.1)
    assert is_seen(step.message)
    assert is_seen(step.reason)
    assert step.message.height() >= step.message.fontMetrics().lineSpacing() + 10
    assert {each: places(step)[each] for each in before} == before


def test_nothing_moves_when_a_text_comes_wraps_or_goes(dock):
    step = dock["review"]
    before = places(step)
    said = (
        lambda: step.show_error(LONG),
        lambda: step.message.show_info("Short."),
        lambda: step.misfit.show_warning(LONG),
        lambda: step.message.clear(),
        lambda: step.misfit.clear(),
        lambda: step.reason.setText(LONG),
        lambda: step.pixels.status.setText(LONG),
        lambda: dock.controller.go_to(5),
        lambda: step.range_buttons.range_label.setText(LONG),
    )
    for say in said:
        say()
        spin(0.1)
        now = places(step)
        assert {each: now[each] for each in before} == before
    step.alike.setText("36 suspects like these: accept\nall, 90 frames from 12 to 1140?")
    step.alike.show()  # at a place of its own, below what is said
    step.show_error(LONG)
    spin(0.1)
    now = places(step)
    assert {each: now[each] for each in before} == before
    assert is_seen(step.alike)
    assert is_seen(step.message)
    step.alike.hide()


def test_what_is_cut_off_is_in_the_tooltip(dock):
    step = dock["review"]
    step.show_error(LONG)
    spin(0.1)
    assert step.message.text().endswith("…")
    assert step.message.toolTip() == step.message.plain == LONG
    step.show_error("Short.")
    assert step.message.toolTip() == ""
    step.reason.setText(LONG)
    assert step.reason.toolTip() == LONG
    dock.controller.go_to(JUMP[0] + 1)
    wait_for(lambda: step.reason.text() != LONG)
    assert step.reason.toolTip() == ""


def test_a_tenth_step_and_a_thirteenth_tool_find_room(tmp_path, monkeypatch):
    """As the page on how to change X has one add them: to the registries, before the dock is made."""

    class Tenth(Step):
        key, title, help, place = "tenth", "Tenth", "For the test.", 1000

    tool = RangeTool("thirteenth", "Thirteenth", "For the test.", "", RANGE_TOOLS[0].make)
    monkeypatch.setattr(dock_module, "STEPS", (*STEPS, Tenth))
    monkeypatch.setattr(range_buttons, "RANGE_TOOLS", (*RANGE_TOOLS, tool))
    with review_window(*make_review(tmp_path)) as dock:
        window, step = window_of(dock), dock["review"]
        for size in (LAPTOP, (1280, 720), SMALL):
            window.resize(*size)
            wait_for(lambda size=size: (window.width(), window.height()) == size)
            wait_until_still(window)
            assert dock.findChild(QScrollArea).verticalScrollBar().maximum() == 0, size
            assert len(dock.steps) == 10
            assert step.findChild(QAbstractButton, "range_thirteenth") in places(step)
            headers = [other.header for other in dock.steps.values()]
            for each in (step.reason, step.here, step.list, *places(step), *headers):
                assert is_seen(each), (size, each.objectName())


def test_in_a_small_window_all_is_seen_and_nothing_moves_by_a_text(dock):
    window, step = window_of(dock), dock["review"]
    window.resize(*SMALL)
    wait_for(lambda: (window.width(), window.height()) == SMALL)
    wait_until_still(window)
    try:
        assert dock.findChild(QScrollArea).verticalScrollBar().maximum() == 0
        before = places(step)
        for say in (step.show_error, step.misfit.show_warning, step.reason.setText):
            say(LONG)
            spin(0.1)
            now = places(step)
            assert {each: now[each] for each in before} == before
        headers = [other.header for other in dock.steps.values()]
        for each in (step.message, step.here, step.list, *before, *headers):
            assert is_seen(each), each.objectName()
        step.message.clear()  # the reason had given way to it
        spin(0.1)
        assert is_seen(step.reason)
        for other in dock.steps.values():
            assert other.header.state in other.header.toolTip() or other.header.state.startswith("✓")
    finally:
        step.message.clear()
        step.misfit.clear()
        window.resize(*LAPTOP)
        wait_until_still(window)
    assert all(len(each) == 1 for each in lines_of(dock))  # the states are told again


def lines_of(dock):
    """The steps by where their lines are, from top to bottom."""
    found = {}
    for step in dock.steps.values():
        found.setdefault(step.y(), []).append(step.key)
    return [found[y] for y in sorted(found)]


def test_the_lines_are_full_and_in_order_in_a_small_window(dock):
    window = window_of(dock)
    window.resize(*SMALL)
    wait_until_still(window)
    lines = lines_of(dock)
    assert [key for line in lines for key in line] == list(dock.steps)
    assert ["review"] in lines
    assert max(map(len, lines)) == 3
    dock["detect"].header.click()
    wait_until_still(window)
    assert dock["detect"].is_open
    assert all(len(line) == 1 for line in lines_of(dock))  # it needs little, so all have their own
    window.resize(*LAPTOP)
    wait_until_still(window)
