"""A key does once what it does, however long it is held and however the keyboard says so."""

import subprocess
import time
from contextlib import contextmanager

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QAbstractItemView, QApplication

from gui_events import canvas_of, needs_display, press_key, spin, wait_for, x_key, xdotool
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS
from napari_cropzoom.widgets.window.held_keys import PAIR
from review_window import JUMP, begin_again, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def dock(window):
    return begin_again(window, 41)


def tap_often(key, times, gap):
    """Send a key as pairs of up and down that follow each other at once, every ``gap`` s, as some
    remote desktops do while it is held."""
    line = ["xdotool", "keydown", key]
    for _ in range(times):
        line += ["sleep", str(gap), "keyup", key, "keydown", key]
    with watching():
        process = subprocess.Popen([*line, "keyup", key])
        while process.poll() is None:
            spin(0.01)
        spin(0.1)


@contextmanager
def watching():
    """Skip the test where the machine is too busy to send pairs at once."""
    gaps = Gaps()
    QApplication.instance().installEventFilter(gaps)
    yield gaps
    QApplication.instance().removeEventFilter(gaps)
    if gaps.longest >= PAIR:
        pytest.skip(f"the machine is too busy to send pairs: {gaps.longest} ms from up to down")


class Gaps(QObject):
    """Longest time in ms from a key that comes up to the same going down; and those that are up."""

    def __init__(self):
        super().__init__()
        self.longest = 0
        self.ups = {}

    def eventFilter(self, watched, event):
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) or not event.timestamp():
            return False  # one that the window itself hands on has no time
        if event.type() == QEvent.Type.KeyRelease:
            self.ups[event.key()] = event.timestamp()
        elif event.key() in self.ups:
            self.longest = max(self.longest, event.timestamp() - self.ups.pop(event.key()))
        return False


def hold(key, seconds):
    """Hold a key with the display's own repeat."""
    xdotool("keydown", key)
    spin(seconds)
    xdotool("keyup", key)
    spin(0.1)


@pytest.mark.parametrize("key", ["ctrl+shift+Right", "ctrl+shift+Prior", "j"])
@pytest.mark.parametrize("way", [lambda key: hold(key, 1.6), lambda key: tap_often(key, 25, 0.04)])
def test_a_tool_acts_once_however_long_its_key_is_held(dock, key, way):
    session = dock.controller.session
    way(key)
    wait_for(lambda: len(session.history) > 0)
    spin(0.2)
    assert len(session.history) == 1
    assert dock.controller.proposal is None


@pytest.mark.parametrize("key", ["g", "ctrl+z", "n"])
def test_other_keys_act_once_too(dock, key):
    session = dock.controller.session
    for frame in (10, 20, 30):
        session.delete_box(frame)
    tap_often(key, 12, 0.04)
    accepted, undone, suspects = session.history.undo_label, len(session.history), dock.controller.frame
    if key == "g":
        assert (accepted, undone) == (f"accept frames {JUMP[0]} to {JUMP[1]}", 4)
    elif key == "ctrl+z":
        assert undone == 2
    else:
        assert suspects == 70


def test_arrows_repeat(dock):
    tap_often("Right", 10, 0.04)
    assert dock.controller.frame == 52


@pytest.mark.parametrize("where", ["canvas", "dock", "napari"])
def test_a_repeat_shows_what_would_be_done_and_does_nothing(dock, where):
    """Pairs that a busy display sends are repeats too: the tool acts when its key is up for good."""
    session, window = dock.controller.session, window_of(dock)
    widget = {
        "canvas": canvas_of(window),
        "dock": dock["review"].list,
        "napari": next(
            each
            for each in window.findChildren(QAbstractItemView)
            if type(each).__name__ == "QtLayerList"
        ),
    }[where]
    widget.setFocus()
    wait_for(widget.hasFocus)
    kept = []
    session.history_changed.connect(lambda: kept.append(is_up[0]))
    is_up = [False]
    xdotool("keydown", "j")
    wait_for(lambda: dock.controller.proposal is not None)
    with watching():
        for _ in range(6):
            xdotool("keyup", "j", "keydown", "j")  # what xdotool is given at once comes at once
            spin(0.03)
            assert dock.controller.proposal is not None
    is_up[0] = True
    xdotool("keyup", "j")
    wait_for(lambda: dock.controller.proposal is None)
    assert kept == [True]


def test_a_key_whose_modifiers_are_up_first_does_what_it_showed(dock):
    """What it repeats then is another key of the table, ten frames on."""
    session = dock.controller.session
    xdotool("keydown", "ctrl+shift+Right")
    wait_for(lambda: dock.controller.proposal is not None)
    xdotool("keyup", "ctrl")
    with watching():
        for _ in range(4):
            xdotool("keyup", "Right", "keydown", "Right")
            spin(0.03)
    assert dock.controller.frame == 41
    xdotool("keyup", "Right", "keyup", "shift")
    wait_for(lambda: len(session.history) == 1)
    assert dock.controller.frame == 41


def test_a_window_that_was_busy_takes_a_pair_for_a_repeat(dock):
    """The press has come while the window did other work, longer than any pause."""
    session = dock.controller.session
    xdotool("keydown", "j")
    wait_for(lambda: dock.controller.proposal is not None)
    with watching() as gaps:
        process = subprocess.Popen(["xdotool", "keyup", "j", "sleep", "0.02", "keydown", "j"])
        wait_for(lambda: gaps.ups)
        end = time.monotonic() + 4 * PAIR / 1000
        while time.monotonic() < end or process.poll() is None:
            pass  # as a busy window does
        wait_for(lambda: not gaps.ups)
    spin(0.1)
    assert len(session.history) == 0
    assert dock.controller.proposal is not None
    xdotool("keyup", "j")
    wait_for(lambda: len(session.history) == 1)


def test_a_key_pressed_twice_acts_twice(dock):
    session = dock.controller.session
    for times in (1, 2):
        press_key("ctrl+shift+Right")
        wait_for(lambda times=times: len(session.history) == times)


def test_another_key_does_not_wait_for_the_one_before(dock):
    session = dock.controller.session
    xdotool("key", "ctrl+shift+Right", "key", "ctrl+shift+Down", "key", "ctrl+z")
    wait_for(lambda: len(session.history) == 1)
    assert "2 pixels right" in session.history.undo_label or "shift" in session.history.undo_label


@pytest.mark.parametrize(
    "tool",
    [tool for tool in RANGE_TOOLS if tool.key and "Control" not in tool.key],
    ids=lambda tool: tool.name.replace(" ", "-"),
)
def test_what_changes_nothing_is_not_kept(dock, tool):
    """A tool that has done all it can do leaves nothing in the history when it is used again."""
    session = dock.controller.session
    session.set_box(41, session.track.box(41)._replace(x=86, y=62))
    press_key(x_key(tool.key))
    spin(0.1)
    counts = []
    for _ in range(4):
        before = session.track.boxes.copy()
        press_key(x_key(tool.key))
        spin(0.1)
        counts.append(len(session.history))
        if np.allclose(before, session.track.boxes, atol=1e-3, equal_nan=True):
            break
    else:
        pytest.fail("never at rest")
    at_rest = len(session.history)
    press_key(x_key(tool.key))
    spin(0.1)
    assert len(session.history) == at_rest
