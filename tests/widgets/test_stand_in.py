import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtWidgets import QLabel
from scipy import ndimage

from gui_events import (
    canvas_of,
    drag,
    move_to,
    needs_display,
    picture_of,
    press,
    release,
    spin,
    wait_for,
    xdotool,
)
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.widgets.pane import Pane
from napari_cropzoom.widgets.stand_in import REST
from player_window import N, add_keypoints, run_quickly, screens, wait_for_screen
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]


def test_a_quick_run_of_frames_is_shown_on_the_screen_and_ends_on_the_canvas(player, player_viewer):
    bench = player.playback._bench
    add_keypoints(player)
    spin(0.8)
    quick = run_quickly(player_viewer, range(10, 20))
    moving = picture_of(canvas_of()).astype(int)
    wait_for(lambda: quick.screen is None)
    spin(0.8)
    bench.layers.boxes.show_handles(False)
    spin(0.3)
    still = picture_of(canvas_of()).astype(int)
    assert still.std() > 20
    assert (np.abs(moving - still).max(axis=2) > 40).mean() < 0.02
    assert bench.layers.boxes.box == bench.session.track.box(19)


def test_a_press_in_a_quick_run_takes_hold_of_the_box_that_is_seen(player, player_viewer):
    bench = player.playback._bench
    raw = np.stack([np.array([20.0 + 2 * i, 60, 80, 80]) for i in range(N)])
    bench.session.set_raw(raw, bench.session.video.path.with_suffix(".csv"), Source.DETECTED)
    spin(0.8)
    quick = run_quickly(player_viewer, range(10, 31))
    drag(player_viewer, (100, 120), (120, 140))
    wait_for(lambda: bench.session.track.source[30] == Source.ANCHOR)
    assert bench.session.track.box(30) == pytest.approx(Box(100, 80, 80, 80), abs=2)
    wait_for(lambda: quick.screen is None)


def test_closing_ends_a_quick_run(player, player_viewer):
    bench = player.playback._bench
    stand_in = run_quickly(player_viewer, range(20, 30))
    bench.close_session()
    assert stand_in.screen is None
    assert not [layer.name for layer in player_viewer.layers]
    wait_for(lambda: canvas_of().updatesEnabled())


@pytest.fixture
def slow(player_viewer):
    """The stand-in of the dock, which now leaves the canvas behind for a minute."""
    stand_in = find_dock(player_viewer).stand_in
    stand_in._rest.setInterval(60_000)
    yield stand_in
    stand_in._rest.setInterval(REST)


def test_an_edit_is_seen_before_the_canvas_is_drawn_and_looks_the_same_afterwards(player, slow):
    bench = player.playback._bench
    bench.session.set_box(0, Box(90, 70, 100, 110))
    wait_for_screen(slow)
    soon = picture_of(canvas_of()).astype(int)
    assert bench.layers.boxes.box == Box(60, 60, 80, 80)  # the layers have yet to follow
    slow.end()
    assert bench.layers.boxes.box == Box(90, 70, 100, 110)
    wait_for(lambda: not screens())
    spin(0.5)
    late = picture_of(canvas_of()).astype(int)
    assert (
        np.abs(soon - late).max(axis=2) > 60
    ).mean() < 0.015  # edges of lines are smoothed differently
    white = [(each.min(axis=2) > 225).sum() for each in (soon, late)]  # the handles
    assert white[0] > 300
    assert 0.8 < white[0] / white[1] < 1.25


def test_undo_and_a_preview_are_seen_at_once(player, slow):
    bench = player.playback._bench
    orange, blue, vermilion = (230, 159, 0), (86, 180, 233), (213, 94, 0)
    bench.session.set_box(0, Box(90, 70, 100, 110))
    wait_for(lambda: count_of(orange) > 500)
    bench.session.undo()
    wait_for(lambda: count_of(blue) > 300 and count_of(orange) < 50)
    bench.layers.preview_box(Box(20, 20, 200, 150))
    wait_for(lambda: count_of(vermilion) > 100)
    bench.layers.preview_box(None)
    wait_for(lambda: count_of(vermilion) < 20)
    assert slow.screen is not None


def test_the_canvas_follows_by_itself(player, player_viewer):
    bench = player.playback._bench
    stand_in = find_dock(player_viewer).stand_in
    bench.session.set_box(0, Box(90, 70, 100, 110))
    assert stand_in.screen is not None
    wait_for(lambda: stand_in.screen is None and not screens())
    assert bench.layers.boxes.box == Box(90, 70, 100, 110)


def test_a_key_pressed_just_after_an_edit_finds_the_layers_as_they_are_seen(player, slow):
    bench = player.playback._bench
    bench.go_to(42)
    assert bench.session.track.box(42).is_missing()
    spin(0.5)
    canvas_of().setFocus()
    spin()
    bench.session.set_box(42, Box(90, 70, 100, 110))
    assert bench.layers.boxes.layer.nshapes == 0
    xdotool("key", "Delete")  # napari's own, which takes away the selected shape
    wait_for(lambda: bench.session.track.box(42).is_missing())


def test_a_picture_taken_just_after_an_edit_shows_it(player, player_viewer, slow):
    player.playback._bench.session.set_box(0, Box(90, 70, 100, 110))
    assert slow.screen is not None
    picture = player_viewer.screenshot(flash=False)[..., :3].astype(int)
    assert (np.abs(picture - np.array((230, 159, 0))).max(axis=2) < 25).sum() > 500
    player.playback._bench.session.set_box(0, Box(80, 70, 100, 110))
    picture = player_viewer.screenshot(flash=False, canvas_only=False)[..., :3].astype(int)
    assert (np.abs(picture - np.array((230, 159, 0))).max(axis=2) < 25).sum() > 500


def handles_in(picture):
    """Where the white squares of a selected box are, (n, 2) rows and columns, below the number."""
    found, count = ndimage.label(picture[40:].min(axis=2) > 180)
    return np.array(ndimage.center_of_mass(found > 0, found, range(1, count + 1)))


def test_a_drag_is_followed_on_the_screen(player, player_viewer):
    bench = player.playback._bench
    stand_in = find_dock(player_viewer).stand_in
    press(player_viewer, (100, 100))
    move_to(player_viewer, (110, 115))
    move_to(player_viewer, (120, 140))
    assert stand_in.screen is not None
    moving = picture_of(canvas_of())
    release()
    wait_for(lambda: bench.session.track.source[0] == Source.ANCHOR)
    assert bench.session.track.box(0) == pytest.approx(Box(100, 80, 80, 80), abs=1)
    wait_for(lambda: not screens())
    spin(0.5)
    still = picture_of(canvas_of())
    # it turns from blue to orange; its handles have been there while the mouse held it
    held, left = handles_in(moving), handles_in(still)
    assert len(held) == len(left) == 9
    assert np.linalg.norm(held[:, None] - left, axis=2).min(axis=1).max() < 1.5  # in whichever order
    bench.go_to(1)  # nothing of the drag is left over
    spin(0.5)
    assert bench.layers.boxes.box == Box(60, 60, 80, 80)


def test_what_lies_behind_a_pane_is_drawn_when_it_goes(player, player_viewer):
    label = QLabel("", styleSheet="background: rgb(200, 30, 30)", minimumHeight=60)
    dock = player_viewer.window.add_dock_widget(label, name="Label", area="bottom")
    spin(0.5)
    pane = Pane(label)
    pane.show_in_place()
    wait_for(pane.isVisible)
    spin(0.3)
    label.setStyleSheet("background: rgb(30, 200, 30)")
    spin(0.3)
    pane.take_away()
    spin(0.5)
    assert picture_of(label).mean(axis=(0, 1)) == pytest.approx((30, 200, 30), abs=10)
    player_viewer.window.remove_dock_widget(dock)


def count_of(color):
    """Pixels of the canvas that have a colour, about."""
    return (np.abs(picture_of(canvas_of()).astype(int) - np.array(color)).max(axis=2) < 25).sum()


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
        owner = find_dock(viewer).stand_in
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
