"""Gestures in a real napari window, by the window system's mouse and keys, and by Qt's."""

import numpy as np
import pytest

from gui_events import (
    by_both_hands,
    canvas_of,
    click,
    drag,
    move_to,
    needs_display,
    picture_of,
    press,
    press_key,
    release,
    scroll,
    spin,
)
from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display, *by_both_hands]

N = 40
START = Box(60, 50, 80, 60)


@pytest.fixture(scope="module")
def window(shared_viewer, tmp_path_factory):
    path = make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=(320, 240), gop=10)
    viewer = shared_viewer
    viewer.window.show()
    session = Session(Video(path))
    layer_set = LayerSet(viewer, session)
    canvas_of().activateWindow()
    spin(0.3)
    yield viewer, session, layer_set
    session.close()


@pytest.fixture
def scene(window):
    viewer, session, layer_set = window
    boxes = np.tile(np.array(START, float), (N, 1))
    boxes[5] = np.nan
    while session.undo() is not None:
        pass
    session.set_raw(boxes, session.video.path.with_suffix(".csv"), Source.DETECTED)
    layer_set.frame = 2
    layer_set.boxes.layer.mode = "select"
    viewer.reset_view()
    spin(0.2)
    return viewer, session, layer_set


def shown_box(layer_set):
    layer = layer_set.boxes.layer
    assert layer.nshapes == 1
    assert layer.shape_type == ["rectangle"]
    return layer_set.boxes.box


def center(box):
    x, y = box.center
    return y - 0.5, x - 0.5


@pytest.mark.parametrize("clicks", [0, 4, -3])
def test_a_drag_of_50_pixels_moves_the_box_by_them_at_every_zoom(scene, clicks):
    viewer, session, layer_set = scene
    dragged = []
    layer_set.box_dragged.connect(dragged.append)
    if clicks:
        scroll(viewer, center(START), clicks)
    by = 50 / viewer.scene.camera.zoom
    y, x = center(START)
    drag(viewer, (y, x), (y, x + by))
    moved = session.track.box(2)
    assert moved[1:] == START[1:]
    assert moved.x == pytest.approx(START.x + by, abs=1.01 + 1 / viewer.scene.camera.zoom)
    assert moved.x != START.x
    assert session.track.source[2] == Source.MANUAL
    assert session.track.box(1) == START
    assert shown_box(layer_set) == moved
    assert dragged[-1] == moved
    layer_set.box_dragged.disconnect()


def test_a_corner_resizes_the_box_at_once(scene):
    viewer, session, layer_set = scene
    drag(viewer, (START.y - 0.5, START.x - 0.5), (START.y - 20.5, START.x - 30.5))
    np.testing.assert_allclose(session.track.box(2), (30, 30, 110, 80), atol=2)
    assert shown_box(layer_set) == session.track.box(2)


def test_a_click_inside_and_a_click_outside_edit_nothing(scene):
    viewer, session, layer_set = scene
    click(viewer, center(START))
    click(viewer, (200, 250))
    assert len(session.history) == 0
    assert layer_set.boxes.layer.selected_data == {0}


def test_the_side_by_the_rotation_handle_resizes_the_box(scene):
    viewer, session, layer_set = scene
    y, x = layer_set.boxes.layer.interaction_box(0)[-1]
    drag(viewer, (y, x), (y, x - 20))
    np.testing.assert_allclose(session.track.box(2), (40, 50, 100, 60), atol=2)
    assert shown_box(layer_set) == session.track.box(2)


@pytest.mark.parametrize("key", ["p", "shift+p", "e", "l", "d", "t", "i", "x"])
def test_keys_of_naparis_other_tools_are_refused_with_a_word(scene, key):
    viewer, session, layer_set = scene
    refused = []
    layer_set.refused.connect(refused.append)
    press_key(key)
    layer_set.refused.disconnect()
    assert layer_set.boxes.layer.mode == "select"
    click(viewer, (20, 20))
    assert len(session.history) == 0
    assert shown_box(layer_set) == START
    assert all("draw one with R" in str(each) for each in refused)
    if key in ("p", "e", "l", "d"):
        assert len(refused) == 1


def test_a_drag_draws_where_there_is_no_box(scene):
    viewer, session, layer_set = scene
    layer_set.frame = 5
    spin(0.2)
    drag(viewer, (80, 100), (140, 200))
    np.testing.assert_allclose(session.track.box(5), (100, 80, 100, 60), atol=2)
    assert shown_box(layer_set) == session.track.box(5)


def test_the_rectangle_tool_draws_a_second_box_that_replaces_the_first(scene):
    viewer, session, layer_set = scene
    press_key("r")
    assert layer_set.boxes.layer.mode == "add_rectangle"
    drag(viewer, (120, 160), (200, 280))
    np.testing.assert_allclose(session.track.box(2), (160, 120, 120, 80), atol=2)
    assert shown_box(layer_set) == session.track.box(2)
    assert layer_set.boxes.layer.mode == "select"
    drag(viewer, center(session.track.box(2)), center(START))
    np.testing.assert_allclose(session.track.box(2).center, START.center, atol=2)


def test_delete_undo_redo_by_key(scene):
    _viewer, session, layer_set = scene
    press_key("Delete")
    assert session.track.source[2] == Source.ABSENT
    assert layer_set.boxes.layer.nshapes == 0
    press_key("Right")
    assert layer_set.frame == 3
    press_key("ctrl+z")
    assert session.track.box(2) == START
    assert layer_set.frame == 2
    assert shown_box(layer_set) == START
    press_key("ctrl+shift+z")
    assert session.track.source[2] == Source.ABSENT


def test_copy_and_paste_into_the_frame_without_a_box(scene):
    _viewer, session, layer_set = scene
    press_key("ctrl+c")
    layer_set.frame = 5
    spin()
    press_key("ctrl+v")
    assert session.track.box(5) == START
    assert shown_box(layer_set) == START


def test_keys_step_and_walk_the_queue(scene):
    _, session, layer_set = scene
    press_key("shift+Right")
    assert layer_set.frame == 12
    press_key("shift+Left")
    assert layer_set.frame == 2
    press_key("n")
    assert layer_set.frame == 5
    press_key("g")
    assert session.track.review[5] == 2
    assert "suspect" in layer_set.viewer.status


def test_a_step_in_the_middle_of_a_drag_drops_it(scene):
    viewer, session, layer_set = scene
    y, x = center(START)
    press(viewer, (y, x))
    move_to(viewer, (y + 20, x + 20))
    layer_set.frame = 3
    move_to(viewer, (y + 40, x + 40))
    release()
    assert len(session.history) == 0
    assert shown_box(layer_set) == START


def test_the_name_of_a_point_under_the_mouse_is_told(scene):
    _viewer, session, layer_set = scene
    xy = np.full((N, 2, 2), (200.0, 180.0))
    xy[:, 1] = 20, 30
    session.set_predictions("pose", Poses(("nose", "tail"), xy, np.full((N, 2), 0.875)))
    layer = layer_set.points["pose"].layer
    status = layer.get_status((2, 180, 200), world=True, dims_displayed=[1, 2])
    assert "nose" in status["coordinates"]
    assert "0.875" in status["coordinates"]


SMALL = Box(60, 50, 8, 8)


def with_small_box(scene):
    """The scene with a box of some 25 screen pixels, which the handles would cover."""
    viewer, session, layer_set = scene
    session.set_raw(
        np.tile(np.array(SMALL, float), (N, 1)), session.video.path.with_suffix(".csv"), Source.DETECTED
    )
    spin(0.2)
    assert 16 < SMALL.w * viewer.scene.camera.zoom < 40
    return viewer, session, layer_set


def handles_are_drawn(layer_set):
    """Whether the canvas looks otherwise without the handles."""
    with_them = picture_of(canvas_of())
    layer_set.boxes.show_handles(False)
    without = picture_of(canvas_of())
    layer_set.boxes.show_handles(True)
    return not np.array_equal(with_them, without)


def test_a_small_box_is_not_covered_by_its_handles(scene):
    viewer, _, layer_set = with_small_box(scene)
    viewer.scene.camera.center = SMALL.center[::-1]
    assert not handles_are_drawn(layer_set)
    viewer.scene.camera.zoom *= 6
    spin(0.2)
    assert handles_are_drawn(layer_set)


def test_a_small_box_is_moved_by_its_middle_and_resized_by_its_corner(scene):
    viewer, session, _ = with_small_box(scene)
    y, x = center(SMALL)
    beside = SMALL.w / 5  # as near to a handle as the middle reaches
    drag(viewer, (y + beside, x - beside), (y + beside + 30, x - beside))
    moved = session.track.box(2)
    assert (moved.w, moved.h) == (SMALL.w, SMALL.h)
    assert moved.y == pytest.approx(SMALL.y + 30, abs=1.5)
    corner = (moved.y + moved.h - 0.5, moved.x + moved.w - 0.5)
    drag(viewer, corner, (corner[0] + 20, corner[1] + 30))
    grown = session.track.box(2)
    assert (grown.x, grown.y) == (moved.x, moved.y)
    assert grown.w == pytest.approx(moved.w + 30, abs=2)
    assert grown.h == pytest.approx(moved.h + 20, abs=2)
