"""Nothing moves under the mouse: not by what plays, not by boxes or messages that come."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QSlider, QToolButton, QVBoxLayout, QWidget

from gui_events import needs_display, spin, wait_for, wait_until_still
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.widgets.docks import TIMELINE, docks_of
from napari_cropzoom.widgets.window.scrolling import Scrolling, ScrollingUnderBar
from review_window import N, begin_again, make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]
SIZES = ((1366, 768), (1280, 720), (960, 540))
LONG = (
    "1 of 1200 boxes has a side under 32 pixels, too few for a model. Give a larger crop ratio or size. "
    * 3
)


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("still"))) as dock:
        yield dock


def resize(window, size):
    window.resize(*size)
    wait_for(lambda: (window.width(), window.height()) == size)
    wait_until_still(window)


def places(within, *kinds):
    shown = [each for each in within.findChildren(kinds) if each.isVisible()]
    assert len(shown) > 4
    return {
        each.objectName() or str(each): (each.mapTo(within.window(), QPoint(0, 0)), each.size())
        for each in shown
    }


def moved(before, after):
    return {name: (before[name], after[name]) for name in before if after.get(name) != before[name]}


@pytest.mark.parametrize("size", SIZES)
def test_the_buttons_of_the_player_stay_while_it_plays(dock, size):
    resize(window_of(dock), size)
    timeline = docks_of(dock.controller.viewer)[TIMELINE]
    rate = timeline.player.rate
    before = places(timeline.player, QToolButton)
    for text in ("30 fps", "120 fps", ""):
        rate.setText(text)
        spin(0.1)
        assert moved(before, places(timeline.player, QToolButton)) == {}


@pytest.mark.parametrize("size", SIZES)
def test_the_controls_of_step_boxes_stay_when_boxes_and_warnings_come(dock, size):
    begin_again(dock)
    resize(window_of(dock), size)
    session, boxes = dock.controller.session, dock["boxes"]
    session.add_track("white")  # without boxes
    xy = np.tile(np.array([[60.0, 70.0], [90.0, 95.0]]), (N, 1, 1))
    session.set_predictions(
        "detector",
        Poses(
            ("nose", "tail"),
            xy,
            np.ones((N, 2)),
        ),
    )
    dock.open_step("boxes")
    wait_for(lambda: boxes.ratio.isVisible())
    spin(0.2)
    start = places(boxes.body, QAbstractButton, QAbstractSlider)
    boxes.create()
    wait_for(lambda: session.has_boxes)
    spin(0.3)
    came = places(boxes.body, QAbstractButton, QAbstractSlider)
    boxes.message.show_warning(LONG)
    spin(0.3)
    warned = places(boxes.body, QAbstractButton, QAbstractSlider)
    boxes.message.clear()
    spin(0.2)
    begin_again(dock)
    assert moved(start, came) == {}
    assert moved(came, warned) == {}


def test_what_scrolls_keeps_its_width_when_the_bar_comes(qtbot):
    for kind in (Scrolling, ScrollingUnderBar):
        lines = QWidget()
        column = QVBoxLayout(lines)
        slider = QSlider(Qt.Orientation.Horizontal)
        column.addWidget(slider)
        area = kind(lines)
        qtbot.addWidget(area)
        area.resize(300, 200)
        area.show()
        spin(0.1)
        assert not area.bar.isVisible()
        before = slider.geometry()
        more = QWidget()
        more.setFixedHeight(600)
        column.addWidget(more)
        wait_for(area.bar.isVisible)
        assert (slider.x(), slider.width()) == (before.x(), before.width())
        area.bar.setValue(area.bar.maximum())
        assert area.verticalScrollBar().value() == area.verticalScrollBar().maximum() > 0
        assert (
            area.minimumSizeHint().width() >= lines.minimumSizeHint().width() or kind is ScrollingUnderBar
        )
