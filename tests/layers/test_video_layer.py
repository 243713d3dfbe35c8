import threading

import numpy as np
import pytest

from napari_cropzoom.io.video import Video
from napari_cropzoom.layers.video_layer import FrameSource, VideoLayer
from videos import make_numbered_video, numbered_frame, read_number

N = 60


class SlowVideo(Video):
    """A video whose seeks take as long as a test wants, as those of a long one do."""

    def __init__(self, path):
        super().__init__(path)
        self.goes_on = threading.Event()
        self.goes_on.set()

    def frame(self, i):
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


def test_a_fast_frame_is_there_at_once(qapp, path):
    with Video(path) as video:
        layer = VideoLayer(video)
        picture = layer.source[0, :, :]
        assert layer.wait_until_shown()
        np.testing.assert_array_equal(layer.source[0, :, :], video.frame(0))
        assert picture.shape == (64, 96, 3)
        layer.close()


def test_a_slow_frame_is_dimmed_and_comes_later(qtbot, slow):
    source = FrameSource(slow)
    slow.frame(3)
    np.testing.assert_array_equal(source[3, :, :], slow.frame(3))
    ready = []
    source.frame_ready.connect(ready.append)
    slow.goes_on.clear()
    stand_in = source[40, :, :]
    np.testing.assert_array_equal(stand_in, slow.frame(3) >> 1)
    assert (source.wanted, source.shown) == (40, -1)
    slow.goes_on.set()
    qtbot.waitUntil(lambda: ready == [40], timeout=3000)
    assert read_number(source[40, :, :]) == 40
    assert source.shown == 40


def test_one_frame_as_a_slice_does_not_wait_either(qtbot, slow):
    source = FrameSource(slow)
    slow.goes_on.clear()
    stand_in = source[50:51, :, :]
    assert stand_in.shape == (1, 64, 96, 3)
    assert source._ready(50) is None
    slow.goes_on.set()
    qtbot.waitUntil(lambda: source._ready(50) is not None, timeout=3000)
    assert read_number(source[50:51, :, :][0]) == 50
    assert read_number(source[30:33, :, :][2]) == 32


def test_only_the_newest_frame_is_told(qtbot, slow):
    source = FrameSource(slow)
    ready = []
    source.frame_ready.connect(ready.append)
    slow.goes_on.clear()
    for frame in (50, 10, 30):
        source[frame, :, :]
    slow.goes_on.set()
    qtbot.waitUntil(lambda: bool(ready), timeout=3000)
    qtbot.wait(300)
    assert ready == [30]


def test_a_script_gets_exact_frames_even_on_the_windows_thread(qapp, slow):
    source = FrameSource(slow)
    assert read_number(source[20]) == 20
    assert [read_number(image) for image in source[30:33]] == [30, 31, 32]
    assert read_number(source[20, 0:64, :]) == 20
    assert np.asarray(source).shape == (N, *numbered_frame(0).shape)


def test_another_thread_waits_for_its_frame(qapp, slow):
    source, seen = FrameSource(slow), []
    thread = threading.Thread(target=lambda: seen.append(source[25, :, :]))
    thread.start()
    thread.join(5)
    assert read_number(seen[0]) == 25


def test_the_layer_shows_the_frame_when_it_comes(qtbot, slow):
    layer = VideoLayer(slow)
    layer.wait_until_shown()
    shown = []
    layer.frame_shown.connect(shown.append)
    slow.goes_on.clear()
    layer.layer.data[45, :, :]
    assert not layer.is_exact
    assert layer.layer.rgb
    assert layer.layer.name == "video"
    threading.Timer(0.1, slow.goes_on.set).start()
    layer.close()
    qtbot.wait(300)
    assert shown == []
