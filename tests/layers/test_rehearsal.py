"""When a video opens every layer is drawn once where it cannot be seen: its first time takes long."""

import numpy as np
import pytest
from napari.components import ViewerModel

from boxes_bench import Bench
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.io.video import Video
from napari_cropzoom.layers import LayerSet
from napari_cropzoom.layers.looks import SOURCE_WORDS
from napari_cropzoom.session import Session
from videos import make_numbered_video

N = 10


@pytest.fixture
def opened(qtbot, tmp_path):
    session = Session(Video(make_numbered_video(tmp_path / "mouse.mp4", N)))
    layer_set = LayerSet(ViewerModel(), session)
    yield layer_set, layer_set.viewer.layers, layer_set.viewer.canvas.overlays.text
    session.close()


def assert_as_opened(layers, text):
    assert len(layers["boxes"].data) == len(layers["final boxes"].data) == 0
    assert layers["boxes"].opacity == layers["final boxes"].opacity == text.opacity == 1
    assert text.text.startswith("frame")


def test_all_is_drawn_unseen_and_then_as_it_was(qtbot, opened):
    layer_set, layers, text = opened
    qtbot.waitUntil(lambda: layers["boxes"].opacity == 0, timeout=2000)
    assert len(layers["boxes"].data) == 1
    assert len(layers["final boxes"].data) > 0
    assert layers["final boxes"].opacity == text.opacity == 0
    for words in SOURCE_WORDS.values():
        assert set(words) <= set(text.text)
    assert layer_set.boxes.box.is_missing()
    qtbot.waitUntil(lambda: layers["boxes"].opacity == 1, timeout=3000)
    assert_as_opened(layers, text)
    assert not layers["detector keypoints"].visible
    assert len(layer_set.session.history) == 0


def test_boxes_that_come_meanwhile_are_seen_at_once(qtbot, opened):
    layer_set, layers, _ = opened
    qtbot.waitUntil(lambda: layers["boxes"].opacity == 0, timeout=2000)
    layer_set.session.set_raw(
        np.tile([5.0, 6, 20, 20], (N, 1)), layer_set.session.video.path, Source.DETECTED
    )
    assert layers["boxes"].opacity == 1
    np.testing.assert_allclose(layers["boxes"].data[0].min(axis=0), [5.5, 4.5], atol=1)
    qtbot.wait(700)
    assert layers["boxes"].opacity == 1
    assert len(layers["boxes"].data) == 1


def test_closing_meanwhile_is_harmless(qtbot, opened):
    layer_set, layers, text = opened
    qtbot.waitUntil(lambda: layers["boxes"].opacity == 0, timeout=2000)
    layer_set.close()
    qtbot.wait(700)
    assert len(layers) == 0
    assert text.opacity == 1


def test_a_box_can_be_drawn_meanwhile():
    bench = Bench()
    bench.show(MISSING_BOX, Source.MISSING)
    bench.boxes.rehearse()
    bench.layer.refresh()  # as napari does for its own reasons
    assert bench.edits == []
    bench.drag((10, 10), (20, 20), (40, 50))
    assert bench.edits == [Box(10.5, 10.5, 40, 30)]
    assert bench.layer.opacity == 1


def test_a_box_that_is_there_is_left_alone():
    bench = Bench()
    bench.boxes.rehearse()
    assert bench.layer.opacity == 1
    bench.assert_shows(bench.boxes.box)
