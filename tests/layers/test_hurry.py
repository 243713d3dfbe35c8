"""Quick runs of frames: layers are moved instead of drawn, and drawn once the frames rest."""

import numpy as np
import pytest
from napari.components import ViewerModel

from boxes_bench import Bench
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.io.video import Video
from napari_cropzoom.layers import LayerSet
from napari_cropzoom.layers.boxes_layer import BoxesLayer
from napari_cropzoom.layers.conversions import rectangle_to_box
from napari_cropzoom.session import Session
from videos import make_numbered_video

N = 40
GAP = (20, 24)
SMALL = (30, 33)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, fps=25)


@pytest.fixture
def layer_set(qapp, path):
    session = Session(Video(path))
    at = np.arange(N)
    boxes = np.column_stack([3 * at % 17, at % 5, 40 + at % 3 // 2 * 2, 30 - at % 4 // 2 * 2]).astype(
        float
    )
    boxes[GAP[0] : GAP[1]] = np.nan
    boxes[SMALL[0] : SMALL[1], 2:] = 10
    session.set_raw(boxes, path.with_suffix(".csv"), Source.DETECTED)
    session.smoothing = SmoothingSettings("median", 5)
    layer_set = LayerSet(ViewerModel(), session)
    yield layer_set
    session.close()


def in_frame(layer):
    """Box round everything that a layer shows, in the frame."""
    if layer.name == "boxes":
        points = [point for shape in layer.data for point in shape]
    else:
        points = [end for start, step in layer.data for end in (start, start + step)]
    return rectangle_to_box([layer.data_to_world(point) for point in points]) if points else None


def assert_all_shown(layer_set):
    session, frame = layer_set.session, layer_set.frame
    box, final = session.track.box(frame), session.final_box(frame)
    shown = in_frame(layer_set.viewer.layers["boxes"])
    assert shown is None if box.is_missing() else shown == pytest.approx(box)
    shown = in_frame(layer_set.viewer.layers["final boxes"])
    if final == box or final.is_missing():
        assert shown is None or layer_set.viewer.layers["final boxes"].opacity == 0
    else:
        assert layer_set.viewer.layers["final boxes"].opacity == 1
        assert shown == pytest.approx(final)


def test_every_frame_of_a_quick_run_shows_its_boxes(layer_set):
    for frame in range(N):
        layer_set.frame = frame
        assert_all_shown(layer_set)


def test_a_quick_run_moves_the_box_and_a_rest_draws_it(layer_set, qtbot):
    layer = layer_set.viewer.layers["boxes"]
    for frame in range(5):
        layer_set.frame = frame
    drawn = layer.data[0].tolist()
    for frame in range(5, 12):
        layer_set.frame = frame
        assert layer.data[0].tolist() == drawn
    qtbot.waitUntil(lambda: layer.data[0].tolist() != drawn, timeout=2000)
    assert np.array_equal(layer.affine.affine_matrix, np.eye(3))
    assert rectangle_to_box(layer.data[0]) == pytest.approx(layer_set.session.track.box(11))
    assert layer.selected_data == {0}
    assert_all_shown(layer_set)
    assert layer_set.viewer.canvas.overlays.text.text.split()[1] == "11"


def test_keypoints_follow_a_quick_run_and_their_table_at_its_end(layer_set, qtbot):
    at = np.arange(N, dtype=float)
    xy = np.stack([np.c_[at, at + 5], np.c_[at + 9, at]], axis=1)
    xy[15, 1] = np.nan
    likelihood = np.c_[at / N, 1 - at / N]
    layer_set.session.set_predictions("detector", Poses(("nose", "tail"), xy, likelihood))
    layer = layer_set.viewer.layers["detector keypoints"]
    for frame in range(1, 18):
        layer_set.frame = frame
        there = np.isfinite(xy[frame, :, 0])
        assert layer.shown.tolist() == there.tolist()
        assert layer.data[there].tolist() == xy[frame, there][:, ::-1].tolist()
    qtbot.waitUntil(lambda: layer.features["likelihood"][0] == round(17 / N, 3), timeout=2000)
    assert layer.face_color[0, 3] == 0  # unlikely: hollow
    assert layer.face_color[1, 3] == 1


def test_the_final_box_is_gone_after_a_rest_where_it_equals_the_box(layer_set, qtbot):
    for frame in range(6, N):
        layer_set.frame = frame
    layer_set.session.smoothing = SmoothingSettings("none", 1)
    assert in_frame(layer_set.viewer.layers["final boxes"]) is None


def test_a_drag_in_the_middle_of_a_quick_run_starts_from_the_box_that_is_seen():
    bench = Bench(Box(20, 10, 40, 30))
    bench.boxes.show(1, Box(60, 40, 44, 28), Source.DETECTED, is_hurried=True)
    assert bench.boxes.box == Box(60, 40, 44, 28)
    bench.drag((50, 80), (53, 85), (57, 90))
    assert bench.edits[0].snapped() == Box(70, 47, 44, 28)
    bench.assert_shows(Box(70, 47, 44, 28))


def test_a_box_drawn_after_a_quick_run_lies_where_it_was_drawn():
    bench = Bench(Box(20, 10, 40, 30))
    bench.boxes.show(1, Box(60, 40, 44, 28), Source.DETECTED, is_hurried=True)
    bench.boxes.show(2, MISSING_BOX, Source.DETECTED, is_hurried=True)
    assert bench.layer.nshapes == 0
    bench.drag((10, 20), (20, 30), (30, 50))
    assert bench.edits[-1].snapped() == Box(20.5, 10.5, 30, 20).snapped()


def test_what_was_moved_is_drawn_once_it_is_shown_without_hurry():
    boxes = BoxesLayer()
    boxes.show(0, Box(20, 10, 40, 30), Source.DETECTED)
    boxes.show(1, Box(22, 12, 40, 30), Source.DETECTED, is_hurried=True)
    boxes.show(1, Box(22, 12, 40, 30), Source.DETECTED)
    assert rectangle_to_box(boxes.layer.data[0]) == Box(22, 12, 40, 30)
    assert np.array_equal(boxes.layer.affine.affine_matrix, np.eye(3))
