"""No text of the docks is cut in a small window, but for paths, which are whole in a tooltip."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QLabel, QScrollArea, QWidget

from gui_events import needs_display, wait_for, wait_until_still
from napari_cropzoom.widgets.controls import Message, PathLabel
from napari_cropzoom.widgets.docks import docks_of
from review_window import make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]
SIZES = ((1280, 720), (960, 540))  # points of the screen: the second is 1920x1080 at 200 %


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("cut"))) as dock:
        yield dock


def why_cut(widget):
    """What is not to be seen of a widget's text; empty if it is whole, or leaves out whole parts."""
    text = widget.text()
    if isinstance(widget, QAbstractButton):
        needed = widget.minimumSizeHint().width()
        return f"needs {needed} px, has {widget.width()}" if text and needed > widget.width() else ""
    shown = QLabel.text(widget)
    if shown != text:
        leaves_out = text.startswith(f"{shown} · ") and widget.toolTip()
        return "" if leaves_out else f"shown as {shown!r}"
    if widget.textFormat() == Qt.TextFormat.RichText or "<" in text:
        return ""
    if widget.wordWrap():
        needed = widget.heightForWidth(widget.width())
        return f"needs {needed} px down, has {widget.height()}" if needed > widget.height() + 2 else ""
    needed = widget.fontMetrics().horizontalAdvance(text)
    return f"needs {needed} px, has {widget.width()}" if needed > widget.width() else ""


@pytest.mark.parametrize("size", SIZES)
def test_texts_fit(dock, size):
    window, viewer = window_of(dock), dock.controller.viewer
    window.resize(*size)
    wait_for(lambda: (window.width(), window.height()) == size)
    wait_until_still(window)
    cut, area = [], dock.findChild(QScrollArea)
    for step in dock.steps:
        dock.open_step(step)
        wait_for(lambda step=step: dock[step].is_open)
        wait_until_still(dock)
        if area.widget().width() > area.viewport().width():
            cut.append(
                f"{step}: wider than the dock by {area.widget().width() - area.viewport().width()} px"
            )
        for one in (each for held in docks_of(viewer).values() for each in held.findChildren(QWidget)):
            is_text = isinstance(one, QLabel | QAbstractButton) and not isinstance(one, PathLabel)
            if is_text and one.isVisible() and (why := why_cut(one)):
                cut.append(f"{step}, {one.objectName() or type(one).__name__}, {one.text()!r}: {why}")
    assert not cut, "\n".join(sorted(set(cut)))


def test_a_message_that_is_cut_has_no_more_lines_than_it_has_room_for(qtbot):
    message = Message()
    qtbot.addWidget(message)
    message.is_cut = True
    message.show_info("Review resumed: 8 edits. 379 of 1200 frames were set by hand, at frame 1011.")
    one_line = message.heightForWidth(10_000)
    for width in range(120, 300):
        message.resize(width, one_line)
        assert message.heightForWidth(width) == one_line, width
