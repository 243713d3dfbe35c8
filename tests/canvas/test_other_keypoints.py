"""The keypoints of the other animals: there at once, whose they are, hidden with the pose's."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.canvas.keypoints.marks import KeypointLooks
from napari_cropzoom.canvas.keypoints.of_others import NAME
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 20
PARTS = ("nose", "neck", "tail")
RED = (1.0, 0.0, 0.0, 1.0)


def poses(y: float, parts: tuple[str, ...] = PARTS) -> Poses:
    """Keypoints in a row that go to the right; in frame 5 the last is unlikely, in frame 6 it is gone."""
    x = 60.0 + np.arange(N)
    xy = np.stack([np.column_stack([x + 40 * k, np.full(N, y)]) for k in range(len(parts))], axis=1)
    likelihood = np.full((N, len(parts)), 0.9)
    likelihood[5, -1] = 0.2
    xy[6, -1] = np.nan
    return Poses(parts, xy, likelihood)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=(320, 240))


@pytest.fixture
def layer_set(qapp, path):
    """Two animals, *animal* to be edited; *white*, which is red, has a pose."""
    session = Session(Video(path))
    made = LayerSet(ViewerModel(), session)
    session.set_raw(np.tile([50.0, 80, 60, 40], (N, 1)), path.with_suffix(".csv"), Source.DETECTED)
    session.add_track("white", np.tile([50.0, 160, 60, 40], (N, 1)))
    session.set_color("white", "#ff0000")
    session.select_track("animal")
    assert NAME not in made.viewer.layers
    session.set_predictions("pose", poses(180), "white")
    yield made
    session.close()


def test_they_are_true_after_every_change_of_frame(layer_set):
    layer = layer_set.viewer.layers[NAME]
    for frame in (3, 17, 0, 5, 6):
        layer_set.frame = frame
        there = 2 if frame == 6 else 3
        np.testing.assert_array_equal(layer.shown, [True, True, there == 3])
        expected = [(180, 60 + frame + 40 * k) for k in range(there)]
        np.testing.assert_array_equal(layer.data[:there], expected)
    layer_set.frame = 4
    np.testing.assert_allclose(layer.face_color, [RED] * 3)
    layer_set.frame = 5
    np.testing.assert_allclose(layer.face_color[2, 3], 0)  # unlikely: hollow, its edge in the colour
    np.testing.assert_allclose(layer.border_color[2], RED)
    assert not layer.editable


def test_they_are_those_of_the_animals_that_are_not_edited(layer_set):
    session, layer = layer_set.session, layer_set.viewer.layers[NAME]
    session.set_predictions("pose", poses(100, ("nose", "tail")), "animal")
    assert len(layer.data) == 3
    np.testing.assert_array_equal(layer_set.viewer.layers["pose keypoints"].data[:, 0], [100, 100])
    session.select_track("white")
    np.testing.assert_array_equal(layer.data[:, 0], [100, 100])
    np.testing.assert_array_equal(layer_set.viewer.layers["pose keypoints"].data[:, 0], [180] * 3)
    session.set_color("animal", "#ff0000")
    np.testing.assert_allclose(layer.face_color, [RED] * 2)
    session.select_track("animal")
    session.remove_track("white")
    assert len(layer.data) == 0


def test_they_have_a_skeleton_and_go_where_those_of_the_pose_are_hidden(layer_set):
    layer = layer_set.viewer.layers[NAME]
    layer_set.looks = KeypointLooks(skeleton=(("nose", "neck"), ("neck", "tail")))
    layer_set.frame = 3
    assert len(layer_set.skeleton.layer.data) == 2
    layer_set.frame = 5
    assert len(layer_set.skeleton.layer.data) == 1  # between likely ones
    layer_set.looks = KeypointLooks(hidden=frozenset({"pose"}))
    assert len(layer.data) == 0
    assert len(layer_set.skeleton.layer.data) == 0
    layer_set.looks = KeypointLooks()
    assert len(layer.data) == 3


def test_a_deleted_layer_comes_back_and_lies_below_the_boxes(layer_set):
    viewer = layer_set.viewer
    viewer.layers.remove(NAME)
    layer_set.session.accept(2, 3)
    names = [layer.name for layer in viewer.layers]
    assert names.index("pose keypoints") < names.index(NAME) < names.index("boxes")
    viewer.layers["video"].scale = (1, 2, 2)
    np.testing.assert_allclose(viewer.layers[NAME].data_to_world((10, 20)), (20, 40))
