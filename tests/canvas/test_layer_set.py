import gc
import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_cropzoom.canvas import SHORTCUTS, LayerSet
from napari_cropzoom.canvas.caption import time_text
from napari_cropzoom.canvas.pace import CLOSE
from napari_cropzoom.core.boxes import Box, Review, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number

N = 60
ALL = ["video", "detector keypoints", "pose keypoints", "final boxes (to crop)", "boxes"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, fps=25)


@pytest.fixture
def session(path):
    session = Session(Video(path))
    boxes = np.column_stack([np.arange(N) * 3 % 17, np.arange(N) % 5, np.full((N, 2), 20)])
    boxes = boxes.astype(float)
    boxes[[7, 30]] = np.nan
    session.set_raw(boxes, path.with_suffix(".csv"), Source.DETECTED)
    session.smoothing = SmoothingSettings("none", 1)
    yield session
    session.close()


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def layer_set(qapp, viewer, session):
    layer_set = LayerSet(viewer, session)
    yield layer_set
    layer_set.close()


def names(viewer):
    return [layer.name for layer in viewer.layers]


def keypoints(likelihood=0.9):
    xy = np.stack([np.c_[np.arange(N), np.arange(N)], np.full((N, 2), 9)], axis=1).astype(float)
    values = np.full((N, 2), likelihood)
    values[:, 1] = 0.1
    return Poses(("nose", "tail"), xy, values)


def run(name, layer_set):
    shortcut = next(one for one in SHORTCUTS if one.name == name)
    shortcut.function(layer_set.session, layer_set)


def test_the_layers_and_their_order(viewer, session, layer_set):
    assert names(viewer) == ALL
    session.set_predictions("pose", keypoints())
    session.set_predictions("detector", keypoints())
    assert names(viewer) == ALL
    assert viewer.layers.selection.active is viewer.layers["boxes"]
    assert [type(layer) for layer in viewer.layers][:2] == [Image, Points]
    assert tuple(viewer.dims.axis_labels) == ("frame", "y", "x")


def test_the_slider_is_called_frame_also_after_a_layer_with_names_of_its_own_is_gone(viewer, layer_set):
    """As while one is asked whether another video is to take the place of this one."""
    other = viewer.add_image(np.zeros((5, 8, 8)), axis_labels=("frame", "y", "x"))
    viewer.layers.remove(other)
    assert tuple(viewer.dims.axis_labels) == ("frame", "y", "x")


def test_the_box_follows_the_slider(viewer, session, layer_set):
    heard = []
    layer_set.frame_changed.connect(heard.append)
    viewer.dims.set_current_step(0, 4)
    assert layer_set.frame == 4
    assert layer_set.boxes.box == session.track.box(4)
    layer_set.frame = 7
    assert viewer.layers["boxes"].nshapes == 0
    layer_set.frame = 1000
    layer_set.frame = -5
    assert heard == [4, 7, N - 1, 0]
    assert layer_set.boxes.layer.ndim == 2


def test_the_list_of_layers_is_told_of_close_steps_once_they_pause(qtbot, viewer, layer_set):
    """napari paints the rows of all layers for whatever one of them tells."""
    told, drawn = [], []

    def tell(event):
        told.append((viewer.layers[event.index].name, event.type))

    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(0, 2)  # which hides the handles
    viewer.layers.events.connect(tell)
    viewer.layers["video"].events.set_data.connect(drawn.append)
    for frame in range(3, 7):
        viewer.dims.set_current_step(0, frame)
    assert not told
    assert len(drawn) == 4  # who draws the video hears of each
    viewer.layers["video"].visible = False
    assert told == [("video", "visible")]
    qtbot.waitUntil(lambda: ("video", "thumbnail") in told)
    viewer.layers["video"].visible = True
    told.clear()
    viewer.layers["video"].refresh()
    viewer.layers.events.disconnect(tell)
    assert ("video", "set_data") in told


def test_no_layer_is_added_while_napari_removes_layers(viewer, layer_set):
    """Its list of layers would be told of a new row in the middle of a removal, which Qt forbids."""
    added = []
    viewer.layers.events.inserted.connect(lambda event: added.append(event.value.name))
    viewer.layers.clear()
    assert added == []
    assert names(viewer) == []


def test_a_gesture_becomes_one_edit_that_can_be_undone(viewer, session, layer_set):
    layer_set.frame = 4
    before = session.track.box(4)
    layer_set.boxes.edited.emit(Box(10, 10, 20, 20))
    assert session.track.box(4) == (10, 10, 20, 20)
    assert layer_set.boxes.box == (10, 10, 20, 20)
    run("undo", layer_set)
    assert layer_set.boxes.box == before
    layer_set.frame = 20
    run("redo", layer_set)
    assert layer_set.frame == 4
    viewer.layers["boxes"].remove_selected()
    assert session.track.source[4] == Source.ABSENT
    layer_set.boxes.edited.emit(Box(1000, 0, 20, 20))
    assert session.track.source[4] == Source.ABSENT
    assert "overlap" in viewer.status


def test_a_video_stays_in_2d_and_is_not_read_for_3d(viewer, session, layer_set, monkeypatch):
    asked = []
    read = Video.__getitem__
    monkeypatch.setattr(Video, "__getitem__", lambda self, key: (asked.append(key), read(self, key))[1])
    viewer.dims.ndisplay = 3
    assert all(frames == slice(0, 1, None) for frames, *_ in asked)  # for the thumbnail
    assert viewer.dims.ndisplay == 2
    assert "2-D" in viewer.status
    session.set_box(layer_set.frame, Box(2, 3, 14, 16))
    assert layer_set.boxes.box == Box(2, 3, 14, 16)
    layer_set.close()
    viewer.dims.ndisplay = 3
    assert viewer.dims.ndisplay == 3


def test_each_change_draws_once(session, layer_set):
    drawn = []
    layer_set.boxes.layer.events.set_data.connect(drawn.append)
    boxes = session.track.raw.copy()
    boxes[0, 0] += 2
    session.set_raw(boxes, session.raw_csv, Source.IMPORTED)
    assert len(drawn) == 1
    session.set_box(50, Box(0, 0, 10, 10))
    assert len(drawn) == 1


def test_the_final_box_is_dashed_and_only_where_it_differs(session, layer_set):
    final = layer_set.viewer.layers["final boxes (to crop)"]
    layer_set.frame = 10
    assert len(final.data) == 0
    session.smoothing = SmoothingSettings("median", 11)
    assert len(final.data) == 36
    assert layer_set.final.box == session.final_box(10)
    session.set_box(10, Box(10, 10, 20, 20))
    assert len(final.data) == 0


def test_a_preview_is_shown_and_nothing_written(session, layer_set):
    before = session.track.boxes.copy()
    layer_set.preview_box(Box(1, 2, 30, 30))
    assert layer_set.final.box == Box(1, 2, 30, 30)
    layer_set.preview_box(None)
    assert layer_set.final.box.is_missing()
    np.testing.assert_array_equal(session.track.boxes, before)


def test_points_show_place_likelihood_and_name(viewer, session, layer_set):
    poses = keypoints()
    poses.xy[5, 0] = np.nan
    session.set_predictions("detector", poses)
    layer = viewer.layers["detector keypoints"]
    layer_set.frame = 3
    assert layer.data.tolist() == [[3, 3], [9, 9]]
    assert layer.shown.all()
    assert list(layer.features["body part"]) == ["nose", "tail"]
    assert layer.features["likelihood"][1] == pytest.approx(0.1)
    assert layer.face_color[0, 3] == 1
    assert layer.face_color[1, 3] == 0
    assert not layer.editable
    layer_set.frame = 5
    assert layer.shown.tolist() == [False, True]
    status = layer.get_status((9, 9), world=True, dims_displayed=[0, 1])
    assert "tail" in status["coordinates"]
    session.set_predictions("detector", keypoints(0.3))
    assert names(viewer).count("detector keypoints") == 1
    assert viewer.layers["detector keypoints"].features["likelihood"][0] == pytest.approx(0.3)


def test_keypoint_layers_are_hidden_until_there_are_some_and_then_left_to_the_person(
    viewer, session, layer_set
):
    layers = [viewer.layers["detector keypoints"], viewer.layers["pose keypoints"]]
    assert not any(layer.visible for layer in layers)
    session.set_predictions("pose", keypoints())
    assert [layer.visible for layer in layers] == [False, True]
    layers[1].visible = False
    session.set_predictions("pose", keypoints(0.3))
    assert not layers[1].visible
    more = Poses(("a", "b", "c"), np.zeros((N, 3, 2)), np.ones((N, 3)))
    session.set_predictions("pose", more)
    assert list(layers[1].features["body part"]) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ALL)
def test_a_deleted_layer_does_no_harm_and_comes_back(viewer, session, layer_set, name):
    session.set_predictions("pose", keypoints())
    session.set_predictions("detector", keypoints())
    viewer.layers.remove(name)
    layer_set.frame = 8
    session.set_box(layer_set.frame, Box(10, 10, 20, 20))
    assert sorted(names(viewer)) == sorted(ALL)
    assert names(viewer)[0] == "video"
    assert names(viewer)[-1] == "boxes"
    assert layer_set.boxes.box == session.track.box(layer_set.frame)


def test_all_layers_deleted(viewer, session, layer_set):
    viewer.layers.clear()
    layer_set.frame = 9
    assert names(viewer) == ALL
    assert layer_set.frame == 9


def test_the_caption(qtbot, viewer, layer_set):
    layer_set.frame = 7
    qtbot.waitUntil(lambda: "frame  7 " in viewer.canvas.overlays.text.text)
    text = viewer.canvas.overlays.text.text
    assert text.splitlines()[0].split() == ["frame", "7", "/", "59", "no", "box", "00:00.280"]
    assert time_text(3723.4567) == "62:03.457"
    layer_set.close()
    assert viewer.canvas.overlays.text.text == ""
    assert not viewer.canvas.overlays.text.visible


def test_the_queue_by_keys(viewer, session, layer_set):
    run("next suspect", layer_set)
    assert layer_set.frame == 7
    run("previous suspect", layer_set)
    assert layer_set.frame == 30
    run("accept", layer_set)
    assert session.track.review[30] == Review.ACCEPTED
    assert layer_set.frame == 7
    run("accept", layer_set)
    run("next suspect", layer_set)
    assert "No suspect" in viewer.status
    run("on 10", layer_set)
    assert layer_set.frame == 17


def test_every_layer_gets_every_shortcut(layer_set):
    for layer in layer_set.viewer.layers:
        assert len(layer.keymap) == sum(one.function is not None for one in SHORTCUTS)


def test_the_picture_is_that_of_the_frame(viewer, session, layer_set):
    layer_set.frame = 42
    assert read_number(viewer.layers["video"].data[42, :, :]) == 42


def test_opened_and_closed_50_times_nothing_is_left(qapp, viewer, session):
    def counts():
        gc.collect()
        signals = [session.boxes_changed, session.track_changed, session.smoothing_changed]
        signals += [session.predictions_changed, session.closed]
        return (
            len(viewer.layers),
            len(viewer.dims.events.point.callbacks),
            len(viewer.dims.events.ndisplay.callbacks),
            len(viewer.layers.events.removed.callbacks),
            len(viewer.scene.camera.events.zoom.callbacks),
            [len(signal) for signal in signals],
            threading.active_count(),
        )

    LayerSet(viewer, session).close()
    before = counts()
    for _ in range(50):
        layer_set = LayerSet(viewer, session)
        session.set_predictions("pose", keypoints())
        layer_set.frame = 3
        layer_set.close()
        session.keypoints._found.clear()
    assert counts() == before
    assert before[0] == 0


def test_closing_the_session_closes_the_layers(qapp, viewer, path):
    layer_set = LayerSet(viewer, Session(Video(path)))
    layer_set.session.close()
    assert names(viewer) == []
    layer_set.close()


def test_a_frame_rests_at_once_or_once_steps_pause(qtbot, viewer, session, layer_set):
    rested: list[int] = []
    layer_set.frame_rested.connect(rested.append)
    qtbot.wait(round(2000 * CLOSE))
    rested.clear()  # the frame that the layers began with
    viewer.dims.set_current_step(0, 20)
    assert rested == [20]
    for frame in range(21, 30):
        viewer.dims.set_current_step(0, frame)
    assert rested == [20]
    qtbot.waitUntil(lambda: rested == [20, 29])


def test_while_it_plays_the_caption_waits_and_the_box_does_not(qtbot, viewer, session, layer_set):
    layer_set.frame = 2
    qtbot.waitUntil(lambda: "frame  2 " in viewer.canvas.overlays.text.text)
    layer_set.is_playing = True
    layer_set.frame = 3
    assert layer_set.boxes.box == session.track.box(3)
    assert viewer.canvas.overlays.text.text == ""  # it never names a frame that has gone by
    assert not viewer.canvas.overlays.text.box
    layer_set.is_playing = False
    assert "frame  3 /" in viewer.canvas.overlays.text.text
    assert viewer.canvas.overlays.text.box


def test_in_a_narrow_canvas_the_caption_does_without_the_time(qtbot, viewer, layer_set):
    overlay = viewer.canvas.overlays.text
    layer_set.frame = 2
    qtbot.waitUntil(lambda: overlay.text.strip().split("\n")[0].endswith("00:00.080"))
    viewer.canvas.size = (240, 310)  # of a window of 960x540
    layer_set.frame = 3
    qtbot.waitUntil(lambda: overlay.text.strip().startswith("frame  3 /"))
    first, *others = overlay.text.strip().split("\n")
    assert not any("00:00" in line for line in (first, *others))
