"""A person's own layers beside those of a review: keys act whichever is chosen, by real keys."""

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from gui_events import canvas_of, click, needs_display, press_key, spin, to_screen, wait_for
from napari_cropzoom.app import open_review
from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from review_window import begin_again, make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("others"))) as dock:
        yield dock


@pytest.fixture
def dock(window):
    yield begin_again(window, 50)
    layers = window.controller.viewer.layers
    for name in [layer.name for layer in layers if layer.name.startswith("mine")]:
        layers.remove(name)


def caption(dock):
    return dock.controller.viewer.canvas.overlays.text.text


@pytest.mark.parametrize("kind", ["points", "shapes", "none", "both"])
def test_keys_act_whatever_layer_is_chosen(dock, kind):
    viewer, session = dock.controller.viewer, dock.controller.session
    if kind == "points":
        viewer.add_points(np.array([[5.0, 5.0]]), name="mine")
    elif kind == "shapes":
        viewer.add_shapes([np.array([[5, 5], [9, 9]])], name="mine")
    elif kind == "none":
        viewer.layers.selection.clear()
    else:
        viewer.layers.select_all()
    before = session.track.box(50)
    session.set_box(50, Box(30, 30, 20, 20))
    click(viewer, (200, 300))
    press_key("ctrl+z")
    assert session.track.box(50) == before
    press_key("ctrl+shift+z")
    assert session.track.box(50) == Box(30, 30, 20, 20)
    press_key("Right")
    assert dock.controller.frame == 51
    press_key("n")
    assert dock.controller.frame > 51


def test_a_key_of_the_chosen_layer_is_its_own_and_the_caption_does_not_promise_it(dock):
    viewer, session = dock.controller.viewer, dock.controller.session
    mine = viewer.add_points(np.array([[5.0, 5.0]]), name="mine")
    wait_for(lambda: "Tools, G: frame 50" in caption(dock))
    heard = []
    mine.bind_key("G", heard.append)
    viewer.layers.selection.active = viewer.layers["boxes"]
    wait_for(lambda: "Tools, G: frame 50" in caption(dock))
    viewer.layers.selection.active = mine
    wait_for(lambda: "Tools: frame 50" in caption(dock))
    press_key("g")
    assert heard == [mine]
    assert dock.controller.frame == 50
    labels = viewer.add_labels(np.zeros((240, 320), int), name="mine too")
    session.set_box(50, Box(30, 30, 20, 20))
    wait_for(lambda: "Tools, G: frame 50" in caption(dock))
    labels.paint((9, 9), 1)
    press_key("ctrl+z")
    assert not labels.data.any()
    assert session.track.box(50) == Box(30, 30, 20, 20)


def test_what_a_person_bound_to_the_viewer_stays_and_ours_ends_with_the_review(tmp_path):
    video, _ = make_review(tmp_path)
    viewer, heard = ViewerModel(), []
    viewer.bind_key("N", heard.append)
    before = dict(viewer.keymap)
    session = Session(Video(video))
    layers = LayerSet(viewer, session)
    assert viewer.keymap.items() > before.items()
    assert layers.keys.acts("G")
    viewer.layers.selection.clear()
    assert layers.keys.acts("G")
    assert not layers.keys.acts("N")
    layers.close()
    session.close()
    assert viewer.keymap == before


def names(dock):
    return [layer.name for layer in dock.controller.viewer.layers]


def test_a_persons_layers_stay_above_the_next_video_but_a_picture_does_not_hide_it(tmp_path):
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as dock:
        viewer, ours = dock.controller.viewer, names(dock)
        points = viewer.add_points(np.array([[60.0, 60.0]]), size=40, face_color="red", name="mine")
        open_review(viewer, video, boxes)
        wait_for(lambda: names(dock) == [*ours, "mine"])
        assert viewer.layers[-1] is points
        viewer.reset_view()
        dock.controller.go_to(0)
        spin(0.5)
        x, y = to_screen(viewer, (60, 60), canvas_of(window_of(dock)))
        red, green, blue = (
            QApplication.primaryScreen().grabWindow(0).toImage().pixelColor(x, y).getRgb()[:3]
        )
        assert (red, green, blue) == (255, 0, 0)
        viewer.layers.remove("boxes")
        wait_for(lambda: names(dock) == [*ours, "mine"])
        viewer.add_image(np.zeros((240, 320)), name="mine too")
        dock.controller.close_session()
        open_review(viewer, video, boxes)
        wait_for(lambda: names(dock) == ["mine", "mine too", *ours])
