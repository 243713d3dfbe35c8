"""The caption and the window's title: never over the box, and with the video's name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gui_events import canvas_of, needs_display, picture_of, spin, wait_for, wait_until_still
from napari_cropzoom.core.boxes import Box
from review_window import make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]

CORNERS = {
    "top_left": Box(0, 0, 60, 50),
    "bottom_left": Box(0, 190, 60, 50),
    "whole": Box(0, 0, 320, 240),
    "left": Box(0, 0, 40, 240),
    "middle": Box(140, 100, 40, 40),
}


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("caption"))) as dock:
        yield dock


def place(dock):
    return str(dock.controller.viewer.canvas.overlays.text.position)


def test_in_a_low_canvas_the_caption_is_one_line(dock):
    viewer, window = dock.controller.viewer, window_of(dock)
    before = window.width(), window.height()
    dock.controller.go_to(41)
    for size, n_lines in (((960, 540), 1), ((1366, 768), 2)):
        window.resize(*size)
        wait_for(lambda size=size: (window.width(), window.height()) == size)
        wait_until_still(window)
        dock.controller.go_to(40)
        spin(0.3)
        text = viewer.canvas.overlays.text.text.strip()
        assert len(text.splitlines()) == n_lines, (size, text)
        assert text.startswith("frame  40 / 119")
    window.resize(*before)
    wait_until_still(window)


def test_the_caption_goes_out_of_the_way_of_the_box(dock):
    viewer, session = dock.controller.viewer, dock.controller.session
    viewer.reset_view()
    camera = viewer.scene.camera
    # the video fills the canvas to its corner
    canvas = canvas_of()
    zoom = max(canvas.width() / 320, canvas.height() / 240)
    camera.zoom = zoom
    camera.center = (canvas.height() / zoom / 2, canvas.width() / zoom / 2)
    spin(0.1)
    where = {}
    for name, box in CORNERS.items():
        dock.controller.go_to(10)
        session.set_box(10, box)
        spin(0.1)
        where[name] = place(dock)
    assert not where["top_left"].endswith("top_left")
    assert where["bottom_left"] != "bottom_left"
    assert where["left"].endswith("right")
    assert where["middle"] == where["left"]  # it stays where it is while it covers nothing
    session.go_to_edit(0)


def test_it_goes_when_the_picture_is_moved_under_it(dock):
    viewer, session = dock.controller.viewer, dock.controller.session
    viewer.reset_view()
    dock.controller.go_to(0)
    session.set_box(0, CORNERS["middle"])
    spin(0.1)
    here = place(dock)
    camera = viewer.scene.camera
    half = np.array(viewer.canvas.size) / camera.zoom / 2
    sign = np.array([1 if "top" in here else -1, 1 if "left" in here else -1])
    camera.center = tuple(np.array([120, 160]) + sign * half)  # the box is now in that corner
    wait_for(lambda: place(dock) != here)
    session.go_to_edit(0)
    viewer.reset_view()


@pytest.mark.parametrize("corner", ["top_left", "top_right", "bottom_right"])
def test_the_background_is_as_wide_as_the_letters(dock, corner):
    viewer, session = dock.controller.viewer, dock.controller.session
    overlay = viewer.canvas.overlays.text
    viewer.reset_view()
    dock.controller.go_to(106)
    session.set_box(106, CORNERS["middle"])
    spin(0.1)
    overlay.position, overlay.color, overlay.box_color = corner, "lime", "red"

    def columns(red, green):
        image = picture_of(canvas_of()).astype(int)
        is_it = (abs(image - (red, green, 0)) < 100).all(axis=2)
        return np.flatnonzero(is_it.any(axis=0))

    wait_for(lambda: len(columns(0, 255)) and len(columns(255, 0)))
    letters, background = columns(0, 255), columns(255, 0)
    assert str(overlay.position).endswith(corner)
    assert background[0] < letters[0]
    assert letters[-1] < background[-1]
    overlay.color = overlay.box_color = None
    session.go_to_edit(0)


@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_no_letter_hangs_over_the_ground_however_many_lines(scale):
    script = Path(__file__).parent / "measure_ground.py"
    paths = os.pathsep.join([str(script.parents[1]), *sys.path])
    environment = os.environ | {"QT_SCALE_FACTOR": scale, "PYTHONPATH": paths}
    ran = subprocess.run([sys.executable, script], env=environment, capture_output=True, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    assert len(found) == 28
    assert {where: ends for where, ends in found.items() if min(ends) < 0} == {}


def text(dock):
    return (
        dock.controller.viewer.canvas.overlays.text.text.strip()
    )  # without the empty line of the ground


def test_a_box_that_goes_on_beyond_picture_or_view_says_where(dock):
    viewer, session = dock.controller.viewer, dock.controller.session
    dock.controller.go_to(0)
    session.set_box(0, CORNERS["middle"])
    dock.fitting.fit()
    said = {}
    for name, box in {
        "whole": CORNERS["whole"],
        "left": Box(-20, 60, 60, 60),
        "corner": Box(300, 220, 60, 60),
        "giant": Box(-5000, -5000, 12000, 12000),
        "away": Box(40, 60, 20, 20),
    }.items():
        session.set_box(0, box)
        spin(0.1)
        said[name] = text(dock).split("\n")[-1].strip()
    assert "beyond" not in said["whole"]
    assert "beyond" not in said["away"]
    assert said["corner"].startswith("Box goes on beyond the ")
    assert said["corner"].endswith("below, right")
    assert said["left"].endswith("the picture: left")
    assert said["giant"] == "Box goes on beyond the view: above, below, left, right"
    camera = viewer.scene.camera
    camera.zoom = 8 * camera.zoom  # the view is moved, and the box stays
    camera.center = (200, 300)
    wait_for(lambda: text(dock).split("\n")[-1].strip() == "Box is beyond the view: above, left")
    dock.fitting.fit()
    wait_for(lambda: "beyond" not in text(dock))
    session.go_to_edit(0)


def test_the_window_is_called_after_the_video(dock, tmp_path):
    viewer = dock.controller.viewer
    assert window_of(dock).windowTitle().startswith("v.mp4 - ")
    long = "recording_of_mouse_17_in_the_large_arena_with_the_shelter_2026-11-29_camera_left.mp4"
    video, _ = make_review(tmp_path)
    video = video.rename(video.with_name(long))
    dock["video"].open(video)
    wait_for(lambda: dock.controller.session is not None and dock.controller.session.video.path == video)
    title = window_of(dock).windowTitle()
    assert title.startswith("recording_of_mouse_17")
    assert "camera_left.mp4 - " in title
    assert len(title) < 90
    dock.controller.close_session()
    assert "camera_left" not in viewer.title
