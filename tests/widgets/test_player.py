import gc
import subprocess
import sys
import time

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication, QDockWidget, QToolButton

from gui_events import canvas_of, drag, needs_display, picture_of, press_key, scroll, spin, wait_for
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.io.video import Video
from napari_cropzoom.layers.keys import SHORTCUTS
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.screen import can_stand_for_canvas
from napari_cropzoom.widgets.timeline import Timeline
from videos import make_numbered_video, read_number

pytestmark = [pytest.mark.gui, needs_display]

N = 90


@pytest.fixture
def player(viewer, tmp_path):
    """The player of a timeline in a shown window; no box at 40 to 44."""
    path = make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), gop=30)
    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    dock["video"].take(Video(path))
    timeline = Timeline(viewer, dock.bench)
    viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    viewer.window.show()
    boxes = np.tile(np.array([60.0, 60, 80, 80]), (N, 1))
    boxes[40:45] = np.nan
    dock.bench.session.set_raw(boxes, path.with_suffix(".csv"), Source.DETECTED)
    wait_for(lambda: timeline.model.flags is not None and len(timeline.model.flags.flags) == 1)
    yield timeline.player
    timeline.player.playback.stop()
    dock.close_session()
    spin(0.02)


def watch(player):
    """Every frame that was drawn: the number asked for, and the one in the picture."""
    layers, seen = player.playback._bench.layers, []

    def note(frame):
        source = layers.video.source
        seen.append((frame, read_number(source[frame, :, :]), source.shown))

    player.playback.shown.connect(note)
    return seen


def play_to_the_end(player):
    player.play.click()
    assert player.playback.is_playing
    wait_for(lambda: not player.playback.is_playing, timeout=60)


def tool(player, name):
    return player.findChild(QToolButton, f"player_{name}")


def test_every_frame_is_shown_none_left_out_none_dimmed(player):
    player.speed.setCurrentIndex(player.speed.count() - 1)
    seen = watch(player)
    play_to_the_end(player)
    assert seen == [(frame, frame, frame) for frame in range(1, N)]


def test_no_frame_is_shown_before_its_time(player):
    player.speed.setCurrentText("0.5×")
    player.playback._bench.go_to(N - 20)
    player.playback._bench.layers.wait_until_shown()
    times = []
    player.playback.shown.connect(lambda frame: times.append(time.perf_counter()))
    start = time.perf_counter()
    play_to_the_end(player)
    assert len(times) == 19
    # frame k is due k / 15 s after the start, by a timer of whole milliseconds; a slow machine is later
    assert (np.array(times) - start > np.arange(19) / 15 - 0.002).all()


def test_it_loops_over_the_selection(player):
    bench = player.playback._bench
    bench.selection = (10, 14)
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.loop.click()
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 12, timeout=20)
    player.play.click()
    assert [frame for frame, *_ in seen[:12]] == [10, 11, 12, 13, 14, 10, 11, 12, 13, 14, 10, 11]
    bench.selection = None
    bench.go_to(42)
    player.toggle_loop()
    player.toggle_loop()
    assert player.playback.loop == (30, 54)  # the burst and what is around it


def test_a_click_elsewhere_while_it_plays_goes_on_from_there(player):
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 3)
    player.playback._bench.go_to(60)
    wait_for(lambda: seen[-1][0] > 62)
    player.play.click()
    frames = [frame for frame, *_ in seen]
    assert frames[-2:] == [frames[-1] - 1, frames[-1]]
    stopped = player.playback._bench.frame
    spin(0.2)
    assert player.playback._bench.frame == stopped


def with_keypoints(session):
    xy = np.tile(np.array([[70.0, 90], [250, 200]]), (N, 1, 1))
    session.set_predictions("pose", Poses(("nose", "tail"), xy, np.tile([0.9, 0.2], (N, 1))))


def test_the_screen_shows_what_the_canvas_shows(player, viewer):
    bench = player.playback._bench
    with_keypoints(bench.session)
    bench.session.set_box(11, Box(40.5, 50, 120, 100))
    bench.session.set_box(13, Box(40.5, 50, 120, 100))
    bench.session.smoothing = SmoothingSettings("median", 3)  # so that frame 12 is cropped otherwise
    bench.layers.video.layer.interpolation2d = "linear"  # that of a quick run, below, is "nearest"
    spin(0.7)
    viewer.scene.camera.zoom *= 1.37
    viewer.scene.camera.center = (0, 97.3, 133.1)
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
        near = [(np.abs(each - np.array(color)).max(axis=2) < 25).sum() for each in (moving, still)]
        assert near[0] > 200
        assert 0.5 < near[0] / near[1] < 2  # a line of 1.5 pixels covers one or two


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


def screens():
    """Screens that Qt knows of, whatever Python does."""
    return [window for window in QApplication.allWindows() if window.objectName() == "cropzoom_screen"]


def test_no_screen_stays_before_the_canvas(player, viewer):
    for how in ("playing", "stepping", "playing"):
        if how == "playing":
            player.play.click()
            wait_for(lambda: player.playback.screen is not None and player.playback.screen.isVisible())
            player.play.click()
        else:
            run_quickly(viewer, range(10, 20))
        gc.collect()  # what nobody holds is gone, and what it was to do with it
        wait_for(lambda: not screens())
    spin(0.8)
    before = picture_of(canvas_of()).astype(int)
    player.playback._bench.go_to(80)
    spin(0.5)
    assert np.abs(picture_of(canvas_of()) - before).max() > 60  # the picture goes on


def test_the_wheel_zooms_about_the_mouse_while_it_plays(player, viewer):
    scroll(viewer, (60, 200), 2)
    spin(0.3)
    wanted, centre = viewer.scene.camera.zoom, viewer.scene.camera.center
    scroll(viewer, (60, 200), -2)
    spin(0.3)
    assert viewer.scene.camera.zoom < 0.9 * wanted
    player.speed.setCurrentText("0.25×")
    player.play.click()
    wait_for(lambda: player.playback.screen is not None and player.playback.screen.isVisible())
    scroll(viewer, (60, 200), 2)
    wait_for(lambda: viewer.scene.camera.zoom == pytest.approx(wanted, rel=0.01))
    assert viewer.scene.camera.center == pytest.approx(centre, abs=1)
    assert player.playback.is_playing


def test_a_layer_that_is_added_while_it_plays_is_seen(player, viewer):
    player.play.click()
    wait_for(lambda: player.playback.screen is not None and player.playback.screen.isVisible())
    viewer.add_points(np.array([[20, 30]]))
    wait_for(lambda: player.playback.screen is None and not screens())
    assert player.playback.is_playing
    seen = watch(player)
    wait_for(lambda: len(seen) > 2)
    player.play.click()
    viewer.layers.remove(viewer.layers[-1])  # Mesa's software OpenGL dies of it when the window closes


def test_a_press_on_the_canvas_pauses_and_takes_hold_of_the_box(player, viewer):
    bench = player.playback._bench
    player.speed.setCurrentText("0.25×")
    seen = watch(player)
    player.play.click()
    wait_for(lambda: len(seen) > 3)
    drag(viewer, (100, 100), (120, 140))
    assert not player.playback.is_playing
    wait_for(lambda: bench.session.track.source[bench.frame] == Source.ANCHOR)
    assert bench.frame == seen[-1][0]
    assert bench.session.track.box(bench.frame) == pytest.approx(Box(100, 80, 80, 80), abs=2)


def test_the_camera_follows_the_box_while_it_plays(player, viewer):
    from napari_cropzoom.widgets.preview import CropPreview

    bench = player.playback._bench
    preview = CropPreview(viewer, bench)
    viewer.window.add_dock_widget(preview, name="Crop preview", area="right")
    bench.session.set_box(30, Box(150, 90, 40, 40))
    preview.lock.setChecked(True)
    bench.passing.emit(30)
    assert viewer.scene.camera.center[-2:] == pytest.approx((109.5, 169.5), abs=0.6)
    assert bench.frame == 0


def test_what_the_screen_cannot_show_plays_on_the_canvas(player, viewer):
    layers = player.playback._bench.layers
    video, scale_bar = layers.video.layer, viewer.canvas.overlays["scale_bar"]
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
    viewer.add_points(np.array([[20, 30]]))
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.playback._bench.go_to(N - 5)
    player.play.click()
    assert player.playback.screen is None
    wait_for(lambda: not player.playback.is_playing, timeout=30)
    assert player.playback._bench.frame == N - 1


def test_the_buttons_step_and_jump(player):
    bench = player.playback._bench
    session = bench.session
    session.set_box(20, Box(50, 50, 60, 60))
    session.set_box(70, Box(50, 50, 60, 60))
    session.accept(0, 10)
    for name, frame in (
        ("on_1", 1),
        ("on_10", 11),
        ("back_1", 10),
        ("back_10", 0),
        ("on_anchor", 20),
        ("on_anchor", 70),
        ("on_anchor", 70),
        ("back_anchor", 20),
        ("on_burst", 40),
        ("back_burst", 40),
        ("on_unseen", 71),
        ("back_unseen", 21),
        ("back_unseen", 11),
        ("back_unseen", 11),
    ):
        tool(player, name).click()
        assert bench.frame == frame, name
    player.frame.setValue(33)
    assert bench.frame == 33
    bench.go_to(12)
    assert player.frame.value() == 12


def test_the_keys_of_the_canvas(player):
    player.speed.setCurrentText("0.1×")
    press_key("k")
    assert player.playback.is_playing
    press_key("shift+k")
    assert player.loop.isChecked()
    press_key("k")
    assert not player.playback.is_playing
    player.playback._bench.session.set_box(50, Box(50, 50, 60, 60))
    press_key("h")
    assert player.playback._bench.frame == 50
    press_key("u")
    assert player.playback._bench.frame == 51


def test_no_key_is_used_twice():
    keys = [shortcut.key for shortcut in SHORTCUTS]
    assert len(set(keys)) == len(keys)


def test_waits_for_the_dock_and_follows_the_next_one(viewer):
    timeline = Timeline(viewer)
    viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    viewer.window.show()
    assert timeline.bench is None
    assert "Open the Cropzoom dock" in timeline.status.text()
    for _ in range(2):
        dock = CropzoomDock(viewer)
        viewer.window.add_dock_widget(dock, name="Cropzoom")
        wait_for(lambda dock=dock: timeline.bench is dock.bench)
        viewer.window.remove_dock_widget(dock)
        assert timeline.bench is None
        assert timeline.player is None


def test_it_plays_where_the_timeline_floats(player, viewer):
    dock = player.window().findChildren(QDockWidget)
    timeline = next(each for each in dock if each.isAncestorOf(player))
    timeline.setFloating(True)
    spin(0.3)
    player.speed.setCurrentIndex(player.speed.count() - 1)
    player.play.click()
    assert player.playback.screen is not None
    wait_for(lambda: not player.playback.is_playing, timeout=60)
    assert player.playback._bench.frame == N - 1


CLOSED_IN_THE_MIDDLE = """
import sys, time
import napari
from qtpy.QtWidgets import QApplication
from napari_cropzoom import open_review
from napari_cropzoom.app import find_dock
from napari_cropzoom.widgets.timeline import Timeline

def spin(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()

for how in ("playing", "stepping"):
    viewer = napari.Viewer()
    open_review(viewer, sys.argv[1])
    spin(lambda: False, 1.0)
    timeline = next(d for d in viewer.window.dock_widgets.values() if isinstance(d, Timeline))
    if how == "playing":
        owner = timeline.player.playback
        timeline.player.play.click()
    else:
        owner = find_dock(viewer).quick_run
        for frame in range(10, 20):
            viewer.dims.set_current_step(0, frame)
    spin(lambda: owner.screen is not None and owner.screen.isVisible())
    assert owner.screen.isVisible()
    viewer.close()
    spin(lambda: False, 1.0)
    print(how, "closed")
"""


def test_a_window_is_closed_in_the_middle(tmp_path):
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(320, 240), gop=30)
    words = [sys.executable, "-c", CLOSED_IN_THE_MIDDLE, str(video)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert "Error" not in done.stderr
    assert done.stdout.splitlines()[-2:] == ["playing closed", "stepping closed"], done.stderr
    assert done.returncode == 0


def run_quickly(viewer, frames):
    """Steps as close as those of a held key, until a screen shows them; returns who owns that."""
    quick = find_dock(viewer).quick_run
    for frame in frames:
        viewer.dims.set_current_step(0, frame)
        spin(0.02)
    wait_for(lambda: quick.screen is not None and quick.screen.isVisible())
    return quick


def test_a_quick_run_of_frames_is_shown_on_the_screen_and_ends_on_the_canvas(player, viewer):
    bench = player.playback._bench
    with_keypoints(bench.session)
    spin(0.8)
    quick = run_quickly(viewer, range(10, 20))
    moving = picture_of(canvas_of()).astype(int)
    wait_for(lambda: quick.screen is None)
    spin(0.8)
    bench.layers.boxes.show_handles(False)
    spin(0.3)
    still = picture_of(canvas_of()).astype(int)
    assert still.std() > 20
    assert (np.abs(moving - still).max(axis=2) > 40).mean() < 0.02
    assert bench.layers.boxes.box == bench.session.track.box(19)


def test_a_press_in_a_quick_run_takes_hold_of_the_box_that_is_seen(player, viewer):
    bench = player.playback._bench
    raw = np.stack([np.array([20.0 + 2 * i, 60, 80, 80]) for i in range(N)])
    bench.session.set_raw(raw, bench.session.video.path.with_suffix(".csv"), Source.DETECTED)
    spin(0.8)
    quick = run_quickly(viewer, range(10, 31))
    drag(viewer, (100, 120), (120, 140))
    wait_for(lambda: bench.session.track.source[30] == Source.ANCHOR)
    assert bench.session.track.box(30) == pytest.approx(Box(100, 80, 80, 80), abs=2)
    assert quick.screen is None


def test_an_edit_and_closing_end_a_quick_run(player, viewer):
    bench = player.playback._bench
    quick = run_quickly(viewer, range(10, 20))
    bench.session.set_box(19, Box(10, 10, 50, 50))
    assert quick.screen is None
    assert bench.layers.boxes.box == Box(10, 10, 50, 50)
    spin(0.8)
    run_quickly(viewer, range(20, 30))
    bench.close_session()
    assert quick.screen is None
    assert not [layer.name for layer in viewer.layers]
    wait_for(lambda: canvas_of().updatesEnabled())
