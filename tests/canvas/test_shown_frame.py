"""The layers hold the boxes of the frame that napari shows, whatever other layers are there."""

import shutil

import napari
import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from gui_events import canvas_of, drag, needs_display, press_key, spin
from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.canvas.conversions import rectangle_to_box
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import COLUMNS, ROWS, make_numbered_video, read_number

pytestmark = [pytest.mark.gui, needs_display]

N = 60
SIZE = (320, 240)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=SIZE, gop=10)


@pytest.fixture(scope="module")
def window(path, shared_viewer):
    viewer = shared_viewer
    viewer.window.show()
    viewer.window.resize(1000, 800)
    canvas_of().activateWindow()
    spin(0.3)
    return viewer


@pytest.fixture
def review(window, path):
    """Viewer, session and layers; every frame has a box of its own that leaves the numbers free."""
    session = Session(Video(path))
    at = np.arange(N)
    boxes = np.column_stack([55.0 + at % 8, 52.0 + at // 8, np.full((N, 2), 22.0)])
    session.set_raw(boxes, path.with_suffix(".csv"), Source.DETECTED)
    xy = np.stack([np.c_[at + 150.0, at + 1.0]], axis=1)
    session.set_predictions("pose", Poses(("nose",), xy, np.ones((N, 1))))
    layer_set = LayerSet(window, session)
    window.reset_view()
    yield window, session, layer_set
    session.close()
    window.layers.clear()
    shutil.rmtree(path.with_name("bboxes_reviewed"), ignore_errors=True)


def stack_before(viewer):
    viewer.add_image(np.zeros((5, 10, 10)), translate=(-5, 0, 0), visible=False)


def points_before(viewer):
    viewer.add_points([[-5, 1, 1]])


def second_camera(viewer):
    viewer.add_image(np.zeros((2 * N, 10, 10)), scale=(0.5, 1, 1), visible=False)


def layer_in_seconds(viewer):
    viewer.add_image(np.zeros((N, 10, 10)), scale=(1 / 30, 1, 1), visible=False)


def half_a_frame_apart(viewer):
    viewer.add_points([[-0.5, 1, 1]])


def odd_steps(viewer):
    viewer.add_image(np.zeros((2 * N, 10, 10)), scale=(0.4, 1, 1), translate=(-0.3, 0, 0), visible=False)


def another_axis(viewer):
    viewer.add_image(np.zeros((3, N, 10, 10)), visible=False)


def video_scaled(viewer):
    viewer.layers["video"].scale = (1, 2, 0.5)


def video_moved(viewer):
    viewer.layers["video"].translate = (100, 40, -30)


def video_in_seconds(viewer):
    viewer.layers["video"].scale = (1 / 25, 1, 1)


def video_with_units(viewer):
    viewer.layers["video"].units = ("s", "mm", "mm")
    viewer.layers["video"].scale = (1 / 25, 0.5, 0.5)


def milliseconds_beside_seconds(viewer):
    video_with_units(viewer)
    viewer.add_image(np.zeros((N, 10, 10)), units=("ms", "mm", "mm"), scale=(20, 1, 1), visible=False)


def video_turned(viewer):
    turned = np.eye(3)
    turned[1:, 1:] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    viewer.layers["video"].rotate = turned
    viewer.layers["video"].affine = np.diag([2.0, 1, 1.5, 1])


def scaled_beside_a_stack(viewer):
    stack_before(viewer)
    viewer.layers["video"].scale = (0.1, 1, 1)
    viewer.layers["video"].translate = (3, 0, 0)


SITUATIONS = [
    stack_before,
    points_before,
    second_camera,
    layer_in_seconds,
    half_a_frame_apart,
    odd_steps,
    another_axis,
    video_scaled,
    video_moved,
    video_in_seconds,
    video_with_units,
    milliseconds_beside_seconds,
    video_turned,
    scaled_beside_a_stack,
]


def number_on_canvas(viewer):
    """The number that is to be read in the picture on the canvas."""
    shot = viewer.screenshot(flash=False)[..., :3]
    video, camera = viewer.layers["video"], viewer.scene.camera
    scale = [
        float((1 * unit).to(world).magnitude)
        for unit, world in zip(video.units, viewer.dims.units[-3:], strict=True)
    ]
    number, height, width = 0, SIZE[1], SIZE[0]
    for bit in range(ROWS * COLUMNS):
        row, column = divmod(bit, COLUMNS)
        place = (0, (2 * row + 1) * height / (2 * ROWS), (2 * column + 1) * width / (2 * COLUMNS))
        world = (np.array(video.data_to_world(place)) * scale)[1:]
        y, x = (world - camera.center[-2:]) * camera.zoom + np.array(shot.shape[:2]) / 2
        patch = shot[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3]
        number |= int(np.median(patch) > 127) << bit
    return number


def assert_true(viewer, session, frame):
    """Every layer holds what the session says of a frame."""
    boxes = viewer.layers["boxes"]
    assert [rectangle_to_box(data) for data in boxes.data] == [session.track.box(frame)]
    poses = viewer.layers["pose keypoints"]
    assert poses.data.tolist() == session.pose_poses.xy[frame][:, ::-1].tolist()
    video = viewer.layers["video"]
    assert read_number(video.data[frame]) == frame
    for layer in (boxes, poses):
        for point in ((3.0, 5.0), (200.0, 7.0)):
            over = video.data_to_world((frame, *point))[1:]
            np.testing.assert_allclose(layer.data_to_world(point), over, atol=1e-6)
        assert tuple(layer.units) == tuple(video.units[1:])


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_box_is_that_of_the_picture(review, situation):
    viewer, session, layer_set = review
    situation(viewer)
    viewer.reset_view()
    for frame in (0, 7, 33, N - 1, 12):
        layer_set.frame = frame
        QApplication.processEvents()
        assert layer_set.frame == frame
        assert_true(viewer, session, frame)
        assert number_on_canvas(viewer) == frame


@pytest.mark.parametrize("situation", [None, second_camera, odd_steps, video_in_seconds])
def test_it_is_true_after_every_step_of_a_quick_run(review, situation):
    viewer, session, layer_set = review
    if situation is not None:
        situation(viewer)
    for step in range(40):
        viewer.dims.set_current_step(0, step)
        QApplication.processEvents()
        assert_true(viewer, session, layer_set.frame)
    assert number_on_canvas(viewer) == layer_set.frame
    layer_set.frame = N - 1
    QApplication.processEvents()
    assert_true(viewer, session, N - 1)
    assert number_on_canvas(viewer) == N - 1


@pytest.mark.parametrize("situation", [None, stack_before, video_scaled, video_in_seconds])
def test_an_edit_is_in_the_layer_after_one_turn(review, situation):
    viewer, session, layer_set = review
    if situation is not None:
        situation(viewer)
    layer_set.frame = 20
    spin(0.3)
    session.set_box(20, Box(100, 60, 50, 40))
    QApplication.processEvents()
    assert_true(viewer, session, 20)
    session.undo()
    QApplication.processEvents()
    assert_true(viewer, session, 20)
    session.delete_box(20)
    QApplication.processEvents()
    assert len(viewer.layers["boxes"].data) == 0


@pytest.mark.parametrize("situation", [video_scaled, video_moved, video_turned, points_before])
def test_a_drag_is_stored_in_pixels_of_the_video(review, situation):
    viewer, session, layer_set = review
    situation(viewer)
    viewer.layers.selection.active = viewer.layers["boxes"]
    layer_set.frame = 8  # its box is at 55, 53
    viewer.reset_view()
    spin(0.3)
    video = viewer.layers["video"]
    start, end = (video.data_to_world((8, *point))[1:] for point in ((63.5, 65.5), (103.5, 165.5)))
    drag(viewer, start, end)
    assert session.track.source[8] == Source.MANUAL
    tolerance = 1.5 + 1 / viewer.scene.camera.zoom
    np.testing.assert_allclose(session.track.box(8), (155, 93, 22, 22), atol=tolerance)
    assert_true(viewer, session, 8)
    assert session.track.box(7) == Box(62, 52, 22, 22)


def test_where_no_frame_is_shown_there_is_no_box_and_no_edit(review):
    viewer, session, layer_set = review
    layer_set.frame = 0
    points_before(viewer)
    viewer.layers.selection.active = viewer.layers["boxes"]
    viewer.dims.set_point(0, -3)
    QApplication.processEvents()
    assert not layer_set.is_in_video
    assert len(viewer.layers["boxes"].data) == 0
    assert not viewer.layers["pose keypoints"].shown.any()
    spin(0.3)
    assert "no frame" in viewer.canvas.overlays.text.text
    press_key("shift+x")  # no animal
    drag(viewer, (100, 100), (150, 160))
    assert len(session.history) == 0
    assert "No frame" in viewer.status
    assert len(viewer.layers["boxes"].data) == 0
    viewer.dims.set_point(0, 5)
    QApplication.processEvents()
    assert_true(viewer, session, 5)


def test_the_arrows_step_by_a_frame_beside_finer_steps(review):
    viewer, session, layer_set = review
    layer_in_seconds(viewer)
    viewer.layers.selection.active = viewer.layers["boxes"]
    layer_set.frame = 10
    press_key("Right")
    assert layer_set.frame == 11
    press_key("Left")
    press_key("Left")
    assert layer_set.frame == 9
    assert_true(viewer, session, 9)


def test_a_layer_of_ours_that_is_moved_is_put_back(review):
    viewer, session, layer_set = review
    video_scaled(viewer)
    viewer.layers["boxes"].translate = (5, 5)
    viewer.layers["pose keypoints"].affine = np.diag([3.0, 3, 1])
    layer_set.frame = 3
    QApplication.processEvents()
    assert_true(viewer, session, 3)


def test_another_transform_later_is_followed(review):
    viewer, session, layer_set = review
    layer_set.frame = 6
    viewer.layers["video"].scale = (1, 3, 3)
    QApplication.processEvents()
    assert_true(viewer, session, 6)
    viewer.layers["video"].translate = (-2, 0, 0)
    QApplication.processEvents()
    viewer.reset_view()
    spin(0.1)
    shown = layer_set.frame
    assert number_on_canvas(viewer) == shown
    assert_true(viewer, session, shown)


def test_the_outline_lies_over_the_pixels_that_are_cropped(review):
    viewer, session, layer_set = review
    viewer.layers["video"].scale = (1, 2, 0.5)
    layer_set.frame = 20
    session.set_box(20, Box(100, 60, 50, 40))
    viewer.reset_view()
    spin(0.3)
    layer_set.boxes.show_handles(False)
    viewer.layers["pose keypoints"].visible = False
    spin(0.1)
    shot = viewer.screenshot(flash=False)[..., :3].astype(int)
    rows, columns = np.nonzero(np.abs(shot - (86, 180, 233)).max(axis=2) < 40)
    camera = viewer.scene.camera
    corners = np.array([[59.5, 99.5], [99.5, 149.5]]) * (2, 0.5)
    wanted = (corners - camera.center[-2:]) * camera.zoom + np.array(shot.shape[:2]) / 2
    found = np.array([[rows.min(), columns.min()], [rows.max(), columns.max()]])
    np.testing.assert_allclose(found, wanted, atol=14)


def test_two_windows_do_not_disturb_each_other(review, path):
    viewer, session, layer_set = review
    other = napari.components.ViewerModel()
    with Video(path) as video:
        second = Session(video)
        theirs = LayerSet(other, second)
        theirs.frame = 30
        layer_set.frame = 4
        QApplication.processEvents()
        assert (theirs.frame, layer_set.frame) == (30, 4)
        second.close()
    assert_true(viewer, session, 4)
