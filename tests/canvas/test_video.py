import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_cropzoom.canvas import LayerSet
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number

N = 60


class SlowVideo(Video):
    """A video whose seeks take as long as a test wants, as those of a long one do."""

    def __init__(self, path):
        super().__init__(path)
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.broken = -1

    def frame(self, i):
        if i == self.broken:
            raise CropzoomError("The file is damaged here.")
        if self.cached(i) is None:
            assert self.goes_on.wait(10)
        return super().frame(i)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, gop=6)


@pytest.fixture
def slow(path):
    with SlowVideo(path) as video:
        yield video


@pytest.fixture
def layer_set(qapp, slow):
    session = Session(slow)
    layer_set = LayerSet(ViewerModel(), session)
    yield layer_set
    session.close()


def test_every_reader_gets_the_frame_asked_for(layer_set, slow):
    data = layer_set.viewer.layers["video"].data
    slow.goes_on.clear()
    threading.Timer(0.2, slow.goes_on.set).start()
    assert read_number(data[40, :, :]) == 40  # not decoded yet: it waits
    assert read_number(data[50:51, :, :][0]) == 50
    assert read_number(data[20]) == 20
    assert [read_number(image) for image in data[30:33]] == [30, 31, 32]
    assert read_number(data[20, 0:64, :]) == 20
    assert np.asarray(data).shape == (N, 64, 96, 3)


def test_another_thread_waits_for_its_frame(layer_set):
    seen = []
    data = layer_set.viewer.layers["video"].data
    thread = threading.Thread(target=lambda: seen.append(data[25, :, :]))
    thread.start()
    thread.join(5)
    assert read_number(seen[0]) == 25


def test_a_step_to_a_frame_that_is_not_decoded_waits_for_it(layer_set, slow):
    slow.goes_on.clear()
    threading.Timer(0.2, slow.goes_on.set).start()
    layer_set.frame = 45
    assert slow.cached(45) is not None
    assert layer_set.frame == 45


def test_a_damaged_frame_is_an_error_and_the_next_one_is_shown(layer_set, slow):
    slow.broken = 30
    with pytest.raises(Exception, match="damaged"):
        layer_set.frame = 30
    layer_set.frame = 31
    assert layer_set.frame == 31
