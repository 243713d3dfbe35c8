"""A person's own layers beside those of a review: keys act whichever is chosen, by real keys."""

import numpy as np
import pytest
from napari.components import ViewerModel

from gui_events import click, needs_display, press_key, wait_for
from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from review_window import begin_again, make_review, review_window

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
