"""How keypoints look: colours, names, the skeleton, and what is written under the mouse."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps import ensure_colormap

from gui_events import canvas_of, move_to, needs_display, spin
from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.canvas.keypoints.layer import PointsLayer
from napari_cropzoom.canvas.keypoints.marks import BODY_PART, KeypointLooks
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 20
PARTS = ("nose", "neck", "tail")


def poses() -> Poses:
    """Three keypoints in a row; in frame 5 the tail is unlikely, in frame 6 the neck is gone."""
    x = 60 + np.arange(N)
    xy = np.stack([np.column_stack([x + 40 * k, np.full(N, 100)]) for k in range(3)], axis=1)
    likelihood = np.full((N, 3), 0.9)
    likelihood[5, 2] = 0.2
    xy = xy.astype(float)
    xy[6, 1] = np.nan
    return Poses(PARTS, xy, likelihood)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=(320, 240))


@pytest.fixture
def layer_set(qapp, path):
    session = Session(Video(path))
    made = LayerSet(ViewerModel(), session)
    session.set_predictions("pose", poses())
    yield made
    session.close()


def texts(layer_set, kind="pose"):
    text = layer_set.points[kind].layer.text
    return list(text.values) if text.visible else []


def test_colour_by_body_part_stays_from_frame_to_frame(layer_set):
    layer = layer_set.points["pose"].layer
    by_likelihood = layer.face_color.copy()
    assert (by_likelihood == by_likelihood[0]).all()
    layer_set.looks = KeypointLooks(BODY_PART)
    colors = layer.face_color.copy()
    assert len(np.unique(colors, axis=0)) == 3
    np.testing.assert_allclose(colors[0], ensure_colormap("plasma").map(0.0)[0], atol=1e-6)
    layer_set.frame = 5
    np.testing.assert_array_equal(layer.face_color[:2], colors[:2])
    assert layer.face_color[2, 3] == 0  # hollow: unlikely
    np.testing.assert_array_equal(layer.border_color[2, :3], colors[2, :3])
    layer_set.looks = KeypointLooks()
    layer_set.frame = 0
    np.testing.assert_array_equal(layer.face_color, by_likelihood)


def test_names_on_demand(layer_set):
    assert texts(layer_set) == []
    layer_set.looks = KeypointLooks(names=True)
    assert texts(layer_set) == list(PARTS)
    layer_set.frame = 3
    layer_set.session.set_predictions("pose", poses().select(("nose", "tail")))
    assert texts(layer_set) == ["nose", "tail"]
    layer_set.looks = KeypointLooks()
    assert texts(layer_set) == []


def test_keypoints_leave_the_animal_to_be_seen(layer_set):
    """Their size follows how far they lie apart, up to that of a point in a video of this size."""
    points, layer = layer_set.points["pose"], layer_set.points["pose"].layer
    layer.scale_factor = 0.1  # pixels of the video in one of the screen: seen from near
    assert layer.size.tolist() == [80 / 22] * 3
    large, small = poses(), poses()
    large.xy[:, 2, 1] += 1000.0
    small.xy[:, 1:] = small.xy[:, :1] + [[2.0, 1.0], [8.0, 4.0]]
    layer_set.session.set_predictions("pose", large)
    assert layer.size.tolist() == [4.0] * 3
    layer_set.session.set_predictions("pose", small)
    assert layer.size.tolist() == [1.0] * 3
    layer.scale_factor = 0.5
    assert layer.size.tolist() == [2.5] * 3  # five pixels of the screen, so that the colour is seen
    layer.scale_factor = 8
    assert layer.size.tolist() == [4.0] * 3
    assert not points.layer.editable
    unknown = poses()
    unknown.likelihood[:] = np.nan
    layer_set.session.set_predictions("pose", unknown)
    assert layer.size.tolist() == [4.0] * 3


def test_what_is_missing_is_not_drawn(layer_set):
    """napari draws all points of a 2-D layer, those of ``shown`` False too."""
    layer = layer_set.points["pose"].layer
    layer_set.looks = KeypointLooks(names=True)
    layer_set.frame = 6
    assert texts(layer_set) == ["nose", "", "tail"]
    for colors in (layer.face_color, layer.border_color):
        assert (colors[:, 3] > 0).tolist() == [True, False, True]
    layer_set.frame = 5
    assert texts(layer_set) == list(PARTS)
    assert (layer.border_color[:, 3] > 0).all()


def test_a_name_is_written_once_where_two_models_show_it(layer_set):
    layer_set.session.set_predictions("detector", poses().select(("nose", "tail")))
    layer_set.session.set_predictions("pose", poses().select(("nose", "neck")))
    layer_set.looks = KeypointLooks(names=True)
    assert texts(layer_set, "pose") == ["nose", "neck"]
    assert texts(layer_set, "detector") == ["", "tail"]
    layer_set.points["pose"].layer.visible = False
    assert texts(layer_set, "detector") == ["nose", "tail"]
    layer_set.points["pose"].layer.visible = True
    assert texts(layer_set, "detector") == ["", "tail"]


def test_the_skeleton_joins_likely_keypoints(layer_set):
    assert "skeleton" not in layer_set.viewer.layers
    layer_set.looks = KeypointLooks(skeleton=(("nose", "neck"), ("neck", "tail"), ("neck", "wing")))
    layer = layer_set.viewer.layers["skeleton"]
    layer_set.frame = 2
    assert layer.data.tolist() == [[[100, 62], [0, 40]], [[100, 102], [0, 40]]]
    layer_set.frame = 5
    assert layer.data.tolist() == [[[100, 65], [0, 40]]]
    layer_set.frame = 6
    assert len(layer.data) == 0
    layer_set.frame = 7
    assert len(layer.data) == 2
    layer_set.points["pose"].layer.visible = False
    assert len(layer.data) == 0
    layer_set.points["pose"].layer.visible = True
    assert len(layer.data) == 2
    layer_set.viewer.layers.remove("skeleton")
    layer_set.frame = 2
    assert layer_set.viewer.layers["skeleton"].data.tolist() == [
        [[100, 62], [0, 40]],
        [[100, 102], [0, 40]],
    ]
    order = [each.name for each in layer_set.viewer.layers]
    assert order.index("video") < order.index("skeleton") < order.index("pose keypoints")
    layer_set.looks = KeypointLooks()
    assert len(layer_set.viewer.layers["skeleton"].data) == 0


def test_closing_lets_go_of_the_mouse(layer_set):
    viewer = layer_set.viewer
    count = len(viewer.mouse_move_callbacks)
    points = layer_set.points["pose"]
    layer_set.frame = 2
    viewer.mouse_over_canvas = True
    points.name_under(0)
    assert any(points.layer.text.values)
    viewer.mouse_over_canvas = False  # as napari says when the mouse has left
    assert not any(points.layer.text.values)
    layer_set.close()
    assert len(viewer.mouse_move_callbacks) == count - 1


@pytest.mark.gui
@needs_display
def test_the_keypoint_under_the_mouse_is_named(shared_viewer, path):
    """Whichever layer is selected: it stays that of the boxes."""
    shared_viewer.window.show()
    session = Session(Video(path))
    layer_set = LayerSet(shared_viewer, session)
    session.set_predictions("detector", poses())
    session.set_predictions("pose", poses())
    shared_viewer.reset_view()
    canvas_of().activateWindow()
    spin(0.3)
    layer_set.frame = 4
    spin(0.3)
    for position, name in (
        ((100, 104), "neck"),
        ((100, 64), "nose"),
        ((160, 104), None),
        ((100, 144), "tail"),
    ):
        move_to(shared_viewer, position)
        spin(0.2)
        expected = [f"{name} 0.90" if name == part else "" for part in PARTS] if name else []
        assert texts(layer_set) == expected
        assert texts(layer_set, "detector") == []  # that of the pose lies above it
    assert shared_viewer.layers.selection.active is layer_set.boxes.layer
    layer_set.frame = 8
    assert texts(layer_set) == []
    session.close()


def test_detector_and_pose_differ_by_shape_and_edge(layer_set):
    layer_set.session.set_predictions("detector", poses())
    looks = {}
    for kind in ("detector", "pose"):
        layer = layer_set.points[kind].layer
        looks[kind] = (str(layer.symbol[0]), layer.border_color[0].tolist())
    assert looks == {"detector": ("diamond", [1, 1, 1, 1]), "pose": ("disc", [0, 0, 0, 1])}


@needs_display
@pytest.mark.gui
@pytest.mark.parametrize("zoom", [0.7, 1.0, 8.0])
def test_a_keypoint_is_mostly_its_colour_and_stays_small_when_zoomed_in(shared_viewer, zoom):
    shared_viewer.window.show()
    shared_viewer.add_image(np.zeros((720, 1280, 3), np.uint8), rgb=True)
    points = PointsLayer("pose", (720, 1280))
    shared_viewer.add_layer(points.layer)
    points.take(Poses(("nose",), np.full((1, 1, 2), 100.0), np.ones((1, 1))))
    points.show(0)
    shared_viewer.camera.center, shared_viewer.camera.zoom = (100, 100), zoom
    spin(0.2)
    shot = shared_viewer.screenshot(canvas_only=True, flash=False).astype(float)
    dyed = np.abs(shot[..., :3] - 255 * points.layer.face_color[0, :3]).max(axis=2) < 60
    across = min(12.8 * zoom, 16)
    assert points.keypoint_at((100, 100 + 0.9 * across / zoom)) == 0
    assert points.keypoint_at((100, 100 + 1.1 * across / zoom)) is None
    assert 0.3 <= dyed.sum() / (np.pi / 4 * across**2) <= 1.2
