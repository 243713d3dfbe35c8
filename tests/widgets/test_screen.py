import gc

import numpy as np
import pytest

from gui_events import canvas_of, drag, needs_display, picture_of, press_key, scroll, spin, wait_for
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.widgets.screen import can_stand_for_canvas
from player_window import N, add_keypoints, run_quickly, screens, wait_for_screen, watch

pytestmark = [pytest.mark.gui, needs_display]


def test_the_screen_shows_what_the_canvas_shows(player, player_viewer):
    bench = player.playback._bench
    add_keypoints(player)
    bench.session.set_box(11, Box(40.5, 50, 120, 100))
    bench.session.set_box(13, Box(40.5, 50, 120, 100))
    bench.session.smoothing = SmoothingSettings("median", 3)  # so that frame 12 is cropped otherwise
    bench.layers.video.layer.interpolation2d = "linear"  # that of a quick run, below, is "nearest"
    spin(0.7)
    player_viewer.scene.camera.zoom *= 1.37
    player_viewer.scene.camera.center = (0, 97.3, 133.1)
    bench.go_to(11)
    player.speed.setCurrentText("0.1×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: seen)
    canvas = canvas_of()
    moving = picture_of(canvas).astype(int)
    assert player.playback.screen.isVisible()
    assert seen[-1][0] == 12
    player.play.click()
    wait_for(lambda: player.playback.screen is None and canvas.updatesEnabled())
    spin(1.0)
    bench.layers.boxes.show_handles(False)
    spin(0.3)
    still = picture_of(canvas).astype(int)
    differs = np.abs(moving - still).max(axis=2) > 40
    assert still.std() > 20  # a picture, not an empty canvas
    assert differs.mean() < 0.02  # letters and edges of lines are smoothed differently
    for color in ((86, 180, 233), (240, 228, 66)):  # the box's and the final box's
        near = [(np.abs(each - np.array(color)).max(axis=2) < 80).sum() for each in (moving, still)]
        assert near[0] > 200
        assert 0.4 < near[0] / near[1] < 2.5  # a line of 1.5 pixels covers one or two


def test_hands_find_the_window_at_the_frame_that_is_on_the_screen(player):
    bench = player.playback._bench
    player.playback._rest_due = np.inf
    player.speed.setCurrentText("1×")
    seen = watch(player)
    player.play.click()
    player.playback._rest_due = np.inf  # the window does not follow by itself
    wait_for(lambda: len(seen) > 6)
    assert bench.frame < seen[-1][0]
    bench.selection_changed.connect(lambda: player.playback.stop())
    press_key("shift+b")  # select from the frame that is seen
    wait_for(lambda: not player.playback.is_playing)
    assert bench.selection[0] == bench.frame == seen[-1][0]


def test_no_screen_stays_before_the_canvas(player, player_viewer):
    for how in ("playing", "stepping", "playing"):
        if how == "playing":
            player.play.click()
            wait_for_screen(player.playback)
            player.play.click()
        else:
            run_quickly(player_viewer, range(10, 20))
        gc.collect()  # what nobody holds is gone, and what it was to do with it
        wait_for(lambda: not screens())
    spin(0.8)
    before = picture_of(canvas_of()).astype(int)
    player.playback._bench.go_to(80)
    spin(0.5)
    assert np.abs(picture_of(canvas_of()) - before).max() > 60  # the picture goes on


def test_the_wheel_zooms_about_the_mouse_while_it_plays(player, player_viewer):
    scroll(player_viewer, (60, 200), 2)
    spin(0.3)
    wanted, centre = player_viewer.scene.camera.zoom, player_viewer.scene.camera.center
    scroll(player_viewer, (60, 200), -2)
    spin(0.3)
    assert player_viewer.scene.camera.zoom < 0.9 * wanted
    player.speed.setCurrentText("0.25×")
    player.play.click()
    wait_for_screen(player.playback)
    scroll(player_viewer, (60, 200), 2)
    wait_for(lambda: player_viewer.scene.camera.zoom == pytest.approx(wanted, rel=0.01))
    assert player_viewer.scene.camera.center == pytest.approx(centre, abs=1)
    assert player.playback.is_playing


def test_a_layer_that_is_added_while_it_plays_is_seen(player, player_viewer):
    player.play.click()
    wait_for_screen(player.playback)
    player_viewer.add_points(np.array([[20, 30]]))
    wait_for(lambda: player.playback.screen is None and not screens())
    assert player.playback.is_playing
    seen = watch(player)
    wait_for(lambda: len(seen) > 2)
    player.play.click()
    player_viewer.layers.remove(player_viewer.layers[-1])  # Mesa may die of it when the window closes


def test_a_press_on_the_canvas_pauses_and_takes_hold_of_the_box(player, player_viewer):
    bench = player.playback._bench
    player.speed.setCurrentText("0.25×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 3)
    drag(player_viewer, (100, 100), (120, 140))
    assert not player.playback.is_playing
    wait_for(lambda: bench.session.track.source[bench.frame] == Source.ANCHOR)
    assert bench.frame == seen[-1][0]
    assert bench.session.track.box(bench.frame) == pytest.approx(Box(100, 80, 80, 80), abs=2)


def test_what_the_screen_cannot_show_plays_on_the_canvas(player, player_viewer):
    layers = player.playback._bench.layers
    video, scale_bar = layers.video.layer, player_viewer.canvas.overlays["scale_bar"]
    changes = [
        (scale_bar, "visible", True, False),
        (video, "opacity", 0.5, 1.0),
        (video, "translate", (0, 5, 0), (0, 0, 0)),
        (video, "visible", False, True),
    ]
    for owner, name, changed, before in changes:
        assert can_stand_for_canvas(layers)
        setattr(owner, name, changed)
        assert not can_stand_for_canvas(layers), name
        setattr(owner, name, before)
    player_viewer.add_points(np.array([[20, 30]]))
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.playback._bench.go_to(N - 5)
    player.play.click()
    assert player.playback.screen is None
    wait_for(lambda: not player.playback.is_playing, timeout=30)
    assert player.playback._bench.frame == N - 1
