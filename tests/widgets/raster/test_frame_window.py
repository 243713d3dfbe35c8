import gc
import subprocess
import sys

import numpy as np
import pytest

from gui_events import canvas_of, drag, needs_x11, picture_of, press_key, scroll, spin, wait_for
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.widgets.raster import is_software, renderer_of
from napari_cropzoom.widgets.raster.frame_window import looks_plain
from player_window import N, add_keypoints, frame_windows, wait_for_painter, watch
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_x11]


def test_it_shows_what_the_canvas_shows(player, player_viewer):
    controller = player.playback._controller
    add_keypoints(player)
    controller.session.set_box(11, Box(40.5, 50, 120, 100))
    controller.session.set_box(13, Box(40.5, 50, 120, 100))
    controller.session.smoothing = SmoothingSettings("median", 3)  # so that frame 12 is cropped otherwise
    controller.layers.video.layer.interpolation2d = "linear"
    spin(0.7)
    player_viewer.scene.camera.zoom *= 1.37
    player_viewer.scene.camera.center = (0, 97.3, 133.1)
    controller.go_to(11)
    player.speed.setCurrentText("0.1×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: seen)
    canvas = canvas_of()
    moving = picture_of(canvas).astype(int)
    assert player.playback.painter.isVisible()
    assert seen[-1][0] == 12
    player.play.click()
    wait_for(lambda: player.playback.painter is None and canvas.updatesEnabled())
    controller.go_to(12)  # on a busy machine it has played on
    spin(1.0)
    controller.layers.boxes.show_handles(False)
    spin(0.3)
    still = picture_of(canvas).astype(int)
    differs = np.abs(moving - still).max(axis=2) > 40
    assert still.std() > 20  # a picture, not an empty canvas
    assert differs.mean() < 0.02  # letters and edges of lines are smoothed differently
    color = (86, 180, 233)  # the animal's, of the box and, dashed, of the final box
    near = [(np.abs(each - np.array(color)).max(axis=2) < 80).sum() for each in (moving, still)]
    assert near[0] > 400
    assert 0.4 < near[0] / near[1] < 2.5  # a line of 1.5 pixels covers one or two


def test_it_shows_the_keypoints_of_the_other_animals(player):
    controller, session = player.playback._controller, player.playback._controller.session
    session.add_track("white", np.tile([200.0, 20, 60, 60], (N, 1)))
    session.set_color("white", "#ff0000")
    session.select_track("animal")
    xy = np.tile(np.array([[30.0, 200], [60, 220]]), (N, 1, 1))
    session.set_predictions("pose", Poses(("nose", "tail"), xy, np.full((N, 2), 0.9)), "white")
    controller.layers.others.layer.visible = False  # its box is red too

    def red():
        picture = picture_of(canvas_of())
        return ((picture[..., 0] > 120) & (picture[..., 1:3].max(axis=2) < 90)).sum()

    spin(0.3)
    on_canvas = red()
    assert on_canvas > 20
    player.speed.setCurrentText("0.1×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: seen)
    assert player.playback.painter.isVisible()
    assert red() > on_canvas / 2
    player.play.click()


def test_hands_find_the_window_at_the_frame_that_is_on_the_screen(player):
    controller = player.playback._controller
    player.playback._rest_due = np.inf
    player.speed.setCurrentText("1×")
    seen = watch(player)
    player.play.click()
    player.playback._rest_due = np.inf  # the window does not follow by itself
    wait_for(lambda: len(seen) > 6)
    assert controller.frame < seen[-1][0]
    controller.selection_changed.connect(lambda: player.playback.stop())
    press_key("shift+b")  # select from the frame that is seen
    wait_for(lambda: not player.playback.is_playing)
    assert controller.selection[0] == controller.frame == seen[-1][0]


def test_none_stays_before_the_canvas(player):
    for _ in range(3):
        player.play.click()
        wait_for_painter(player)
        player.play.click()
        gc.collect()  # what nobody holds is gone, and what it was to do with it
        wait_for(lambda: not frame_windows())
    spin(0.8)
    before = picture_of(canvas_of()).astype(int)
    player.playback._controller.go_to(80)
    spin(0.5)
    assert np.abs(picture_of(canvas_of()) - before).max() > 60  # the picture goes on


def test_stepping_and_editing_go_through_the_canvas(player, player_viewer):
    controller = player.playback._controller
    for frame in range(10, 20):
        player_viewer.dims.set_current_step(0, frame)
        spin(0.02)
        assert not frame_windows()
    controller.session.set_box(19, Box(90, 70, 100, 110))
    spin(0.02)
    assert not frame_windows()
    assert canvas_of().updatesEnabled()


def test_it_is_chosen_by_the_name_of_the_renderer(player):
    assert is_software(renderer_of(canvas_of()))  # what tests run on
    for name in (
        "llvmpipe (LLVM 15.0.6, 256 bits)",
        "softpipe",
        "Google SwiftShader",
        "GDI Generic",
        "Apple Software Renderer",
        "Mesa DRI swrast",
    ):
        assert is_software(name)
    for name in (
        "NVIDIA GeForce RTX 3060/PCIe/SSE2",
        "Mesa Intel(R) UHD Graphics 620 (KBL GT2)",
        "AMD Radeon RX 6600 (radeonsi)",
        "Apple M2",
        "ANGLE (Intel, Vulkan 1.3)",
    ):
        assert not is_software(name)
    canvas_of().setProperty("cropzoom_renderer", "Apple M2")
    player.play.click()
    assert player.playback.painter is None
    player.play.click()
    canvas_of().setProperty("cropzoom_renderer", None)


def test_the_wheel_zooms_about_the_mouse_while_it_plays(player, player_viewer):
    scroll(player_viewer, (60, 200), 2)
    spin(0.3)
    wanted, centre = player_viewer.scene.camera.zoom, player_viewer.scene.camera.center
    scroll(player_viewer, (60, 200), -2)
    spin(0.3)
    assert player_viewer.scene.camera.zoom < 0.9 * wanted
    player.speed.setCurrentText("0.25×")
    player.play.click()
    wait_for_painter(player)
    scroll(player_viewer, (60, 200), 2)
    wait_for(lambda: player_viewer.scene.camera.zoom == pytest.approx(wanted, rel=0.01))
    assert player_viewer.scene.camera.center == pytest.approx(centre, abs=1)
    assert player.playback.is_playing


def test_a_layer_that_is_added_while_it_plays_is_seen(player, player_viewer):
    player.play.click()
    wait_for_painter(player)
    player_viewer.add_points(np.array([[20, 30]]))
    wait_for(lambda: player.playback.painter is None and not frame_windows())
    assert player.playback.is_playing
    seen = watch(player)
    wait_for(lambda: len(seen) > 2)
    player.play.click()
    player_viewer.layers.remove(player_viewer.layers[-1])  # Mesa may die of it when the window closes


def test_a_press_on_the_canvas_pauses_and_takes_hold_of_the_box(player, player_viewer):
    controller = player.playback._controller
    player.speed.setCurrentText("0.25×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 3)
    drag(player_viewer, (100, 100), (120, 140))
    assert not player.playback.is_playing
    wait_for(lambda: controller.session.track.source[controller.frame] == Source.MANUAL)
    assert controller.frame == seen[-1][0]
    assert controller.session.track.box(controller.frame) == pytest.approx(Box(100, 80, 80, 80), abs=2)


def test_what_the_screen_cannot_show_plays_on_the_canvas(player, player_viewer):
    layers = player.playback._controller.layers
    video, scale_bar = layers.video.layer, player_viewer.canvas.overlays["scale_bar"]
    changes = [
        (scale_bar, "visible", True, False),
        (video, "opacity", 0.5, 1.0),
        (video, "translate", (0, 5, 0), (0, 0, 0)),
        (video, "visible", False, True),
    ]
    for owner, name, changed, before in changes:
        assert looks_plain(layers)
        setattr(owner, name, changed)
        assert not looks_plain(layers), name
        setattr(owner, name, before)
    player_viewer.add_points(np.array([[20, 30]]))
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.playback._controller.go_to(N - 5)
    player.play.click()
    assert player.playback.painter is None
    wait_for(lambda: not player.playback.is_playing, timeout=30)
    assert player.playback._controller.frame == N - 1


CLOSED_IN_THE_MIDDLE = """
import sys, time
import napari
from qtpy.QtWidgets import QApplication
from napari_cropzoom import open_review
from napari_cropzoom.widgets.timeline.widget import Timeline

def spin(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()

viewer = napari.Viewer()
open_review(viewer, sys.argv[1])
spin(lambda: False, 1.0)
timeline = next(d for d in viewer.window.dock_widgets.values() if isinstance(d, Timeline))
playback = timeline.player.playback
timeline.player.play.click()
spin(lambda: playback.painter is not None and playback.painter.isVisible())
assert playback.painter.isVisible()
viewer.close()
spin(lambda: False, 1.0)
print("closed")
"""


def test_a_window_is_closed_while_it_plays(tmp_path):
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), gop=30)
    words = [sys.executable, "-c", CLOSED_IN_THE_MIDDLE, str(video)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert "Error" not in done.stderr
    assert done.stdout.splitlines()[-1:] == ["closed"], done.stderr
    assert done.returncode == 0
