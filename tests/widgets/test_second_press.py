"""The second press of a double click acts on no button that has come to where the first one was."""

import time

import pytest
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QPushButton, QStackedLayout, QWidget

from gui_events import by_both_hands, hands, needs_display, spin, wait_for
from napari_cropzoom.widgets.tour.highlight import Panel
from napari_cropzoom.widgets.window.second_press import AT_ONCE, SecondPress
from review_window import click_on, point_at

pytestmark = [pytest.mark.gui, needs_display, *by_both_hands]
DOUBLE = 0.4  # seconds, of Qt on a display that says nothing of it


@pytest.fixture
def place(qapp):
    """A button that is replaced by another one when it is pressed, and what was pressed."""
    window, pressed = QWidget(), []
    window.setGeometry(200, 200, 300, 80)
    stack = QStackedLayout(window)
    for name in ("here", "in all"):
        made = QPushButton(name)
        made.clicked.connect(lambda _=False, name=name: (pressed.append(name), stack.setCurrentIndex(1)))
        stack.addWidget(made)
    guard = SecondPress(window)
    guard.setObjectName("guard")
    guard.watch(window)
    window.show()
    wait_for(window.isVisible)
    spin(0.1)
    yield window, stack, pressed
    window.close()
    window.deleteLater()


def test_a_double_click_acts_once_and_a_later_click_acts_again(place):
    _, stack, pressed = place
    point_at(stack.widget(0))
    hands().click(2)
    spin(0.2)
    assert pressed == ["here"]
    assert stack.currentIndex() == 1
    spin(DOUBLE)
    click_on(stack.widget(1))
    assert pressed == ["here", "in all"]


def test_a_button_that_says_something_else_now_takes_no_second_press_and_one_that_does_not_does(place):
    _, stack, pressed = place
    stack.setCurrentIndex(1)
    point_at(stack.widget(1))
    hands().click(2)
    spin(0.2)
    assert pressed == ["in all", "in all"]  # as Next, Next
    spin(DOUBLE)
    stack.widget(1).clicked.connect(lambda: stack.widget(1).setText("stop"))
    hands().click(2)
    spin(0.2)
    assert pressed == ["in all"] * 3


def test_a_press_that_waits_while_the_first_one_is_acted_on_is_left_out(place):
    _, stack, pressed = place
    stack.widget(0).clicked.connect(lambda: (hands().click(), time.sleep(0.6)))
    point_at(stack.widget(0))
    hands().click()
    spin(AT_ONCE / 2)
    assert pressed == ["here"]


def test_a_key_pressed_twice_acts_once_too(place):
    window, stack, pressed = place
    window.activateWindow()
    stack.widget(0).setFocus(Qt.FocusReason.TabFocusReason)
    wait_for(stack.widget(0).hasFocus)
    stack.widget(0).clicked.connect(stack.widget(1).setFocus)
    hands().key("space", "space")
    spin(0.2)
    assert pressed == ["here"]
    spin(DOUBLE)
    hands().key("space")
    spin(0.2)
    assert pressed == ["here", "in all"]


def test_a_key_on_a_button_that_a_person_went_to_is_taken(place):
    """After a click elsewhere, and after Tab."""
    window, stack, pressed = place
    window.activateWindow()
    stack.widget(0).clicked.connect(stack.widget(1).setFocus)
    point_at(stack.widget(0))
    hands().click()
    wait_for(stack.widget(1).hasFocus)
    spin(AT_ONCE)
    hands().key("space")
    wait_for(lambda: pressed == ["here", "in all"])
    more = QPushButton("more", window)
    more.clicked.connect(lambda: pressed.append("more"))
    more.show()
    window.findChild(QObject, "guard").watch(window)
    hands().key("Tab")
    wait_for(more.hasFocus)
    hands().key("space")
    wait_for(lambda: pressed[-1] == "more")


def test_a_double_click_on_skip_in_the_tour_skips_one_task(qapp):
    window, panel, skipped = QWidget(), Panel(), []
    window.setGeometry(200, 200, 500, 300)
    panel.setParent(window)
    panel.say("1 of 6", "Open the sample.")
    panel.skipped.connect(lambda: (skipped.append(panel.title.text()), panel.say("2 of 6", "Run it.")))
    window.show()
    panel.show_beside(window, None, window)
    wait_for(panel.skip.isVisible)
    point_at(panel.skip)
    hands().click(2)
    spin(0.2)
    assert skipped == ["<b>1 of 6</b>"]
    spin(DOUBLE)
    click_on(panel.skip)
    assert skipped == ["<b>1 of 6</b>", "<b>2 of 6</b>"]
    window.close()
    window.deleteLater()
