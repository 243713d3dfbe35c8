import time

import numpy as np
import pytest
from qtpy.QtWidgets import QDockWidget, QToolButton

from gui_events import needs_display, press_key, spin, wait_for
from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.player.painter import CHOICES
from napari_cropzoom.widgets.timeline.widget import Timeline
from player_window import N, play_to_the_end, watch

pytestmark = [pytest.mark.gui, needs_display]


def tool(player, name):
    return player.findChild(QToolButton, f"player_{name}")


def test_every_frame_is_shown_none_left_out(player):
    player.speed.setCurrentIndex(player.speed.count() - 1)
    seen = watch(player)
    play_to_the_end(player)
    assert seen == [(frame, frame) for frame in range(1, N)]


def test_every_frame_is_shown_by_the_canvas_where_nothing_else_paints(player):
    choices, CHOICES[:] = CHOICES[:], []
    player.speed.setCurrentIndex(player.speed.count() - 1)
    seen = watch(player)
    play_to_the_end(player)
    CHOICES[:] = choices
    assert seen == [(frame, frame) for frame in range(1, N)]


def test_no_frame_is_shown_before_its_time(player):
    player.speed.setCurrentText("0.5×")
    player.playback._controller.go_to(N - 20)
    times = []
    player.playback.shown.connect(lambda frame: times.append(time.perf_counter()))
    start = time.perf_counter()
    play_to_the_end(player)
    assert len(times) == 19
    # frame k is due k / 15 s after the start, by a timer of whole milliseconds; a slow machine is later
    assert (np.array(times) - start > np.arange(19) / 15 - 0.002).all()


def test_it_loops_over_the_selection(player):
    controller = player.playback._controller
    controller.selection = (10, 14)
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.loop.click()
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 12, timeout=20)
    player.play.click()
    assert [frame for frame, *_ in seen[:12]] == [10, 11, 12, 13, 14, 10, 11, 12, 13, 14, 10, 11]
    controller.selection = None
    controller.go_to(42)
    player.toggle_loop()
    player.toggle_loop()
    assert player.playback.loop == (30, 54)  # the suspect and what is around it


def test_a_click_elsewhere_while_it_plays_goes_on_from_there(player):
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 3)
    player.playback._controller.go_to(60)
    wait_for(lambda: seen[-1][0] > 62)
    player.play.click()
    frames = [frame for frame, *_ in seen]
    assert frames[-2:] == [frames[-1] - 1, frames[-1]]
    stopped = player.playback._controller.frame
    spin(0.2)
    assert player.playback._controller.frame == stopped


def test_the_camera_follows_the_box_while_it_plays(player, player_viewer):
    from napari_cropzoom.widgets.preview import CropPreview

    controller = player.playback._controller
    preview = CropPreview(player_viewer, controller)
    player_viewer.window.add_dock_widget(preview, name="Crop preview", area="right")
    controller.session.set_box(30, Box(150, 90, 40, 40))
    preview.lock.setChecked(True)
    controller.passing.emit(30)
    assert player_viewer.scene.camera.center[-2:] == pytest.approx((109.5, 169.5), abs=0.6)
    assert controller.frame == 0


def test_the_buttons_step_and_jump(player):
    controller = player.playback._controller
    session = controller.session
    session.set_box(20, Box(50, 50, 60, 60))
    session.set_box(70, Box(50, 50, 60, 60))
    session.accept(0, 10)
    for name, frame in (
        ("on_1", 1),
        ("on_10", 11),
        ("back_1", 10),
        ("back_10", 0),
        ("on_manual", 20),
        ("on_manual", 70),
        ("on_manual", 70),
        ("back_manual", 20),
        ("on_suspect", 40),
        ("back_suspect", 40),
        ("on_unseen", 71),
        ("back_unseen", 21),
        ("back_unseen", 11),
        ("back_unseen", 11),
    ):
        tool(player, name).click()
        assert controller.frame == frame, name
    player.frame.setValue(33)
    assert controller.frame == 33
    controller.go_to(12)
    assert player.frame.value() == 12


def test_the_keys_of_the_canvas(player):
    player.speed.setCurrentText("0.1×")
    press_key("k")
    assert player.playback.is_playing
    press_key("shift+k")
    assert player.loop.isChecked()
    press_key("k")
    assert not player.playback.is_playing
    player.playback._controller.session.set_box(50, Box(50, 50, 60, 60))
    press_key("h")
    assert player.playback._controller.frame == 50
    press_key("u")
    assert player.playback._controller.frame == 51


def test_no_key_is_used_twice():
    keys = [shortcut.key for shortcut in SHORTCUTS]
    assert len(set(keys)) == len(keys)


def test_waits_for_the_dock_and_follows_the_next_one(new_viewer):
    viewer = new_viewer()
    timeline = Timeline(viewer)
    viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    viewer.window.show()
    assert timeline.controller is None
    assert "Open the Cropzoom dock" in timeline.status.text()
    for _ in range(2):
        dock = CropzoomDock(viewer)
        viewer.window.add_dock_widget(dock, name="Cropzoom")
        wait_for(lambda dock=dock: timeline.controller is dock.controller)
        assert timeline.status.text() == "No video is open."
        viewer.window.remove_dock_widget(dock)
        assert timeline.controller is None
        assert timeline.player is None


def test_it_plays_where_the_timeline_floats(player, player_viewer):
    dock = player.window().findChildren(QDockWidget)
    timeline = next(each for each in dock if each.isAncestorOf(player))
    timeline.setFloating(True)
    spin(0.3)
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.play.click()
    assert player.playback.painter is not None
    wait_for(lambda: not player.playback.is_playing, timeout=60)
    assert player.playback._controller.frame == N - 1
    timeline.setFloating(False)
