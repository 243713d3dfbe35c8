"""Frames carry their number as pixels: every way of reading must give the right one."""

from __future__ import annotations

import cProfile
import random
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from videos import exact_rate, make_numbered_video, read_number

N = 60
OPEN_GOP = {"x264-params": "open-gop=1:b-pyramid=normal", "preset": "medium"}
OPEN_GOP_HEVC = {"x265-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:log-level=none"}
UNEVEN = np.cumsum(np.random.default_rng(7).uniform(0.004, 0.09, N)).tolist()
KINDS = {
    "24.mp4": {"fps": 24},
    "25.mov": {"fps": 25},
    "29.97.mp4": {"fps": 29.97},
    "30.mkv": {"fps": 30},
    "59.94.mp4": {"fps": 59.94},
    "250.mkv": {"fps": 250},
    "vfr.mp4": {"times": UNEVEN},
    "vfr.mkv": {"times": UNEVEN},
    "open_gop.mp4": {"options": OPEN_GOP, "bframes": 3},
    "open_gop_short.mkv": {"options": OPEN_GOP, "bframes": 3, "gop": 4},
    "hevc.mp4": {"codec": "libx265"},
    "hevc_open_gop.mkv": {"codec": "libx265", "options": OPEN_GOP_HEVC},
    "h264_b.avi": {"bframes": 3},
    "h264_open_gop.avi": {"options": OPEN_GOP, "bframes": 3},
    "mpeg4_b.avi": {"codec": "mpeg4"},
    "mjpeg_odd.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "size": (97, 65)},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "grey.mkv": {"codec": "ffv1", "pix_fmt": "gray", "bframes": 0},
    "10bit.mp4": {"pix_fmt": "yuv420p10le"},
    "odd.mp4": {"pix_fmt": "yuv444p", "size": (97, 65)},
    "every_frame_a_key.mp4": {"gop": 1, "bframes": 0},
    "tiny_gop.mp4": {"gop": 2, "bframes": 1},
    "one_gop.mp4": {"gop": 1000},
    "vp9.webm": {"codec": "libvpx-vp9", "bframes": 0, "options": {"deadline": "realtime", "crf": "10"}},
    "mpeg2_b.mpg": {"codec": "mpeg2video", "options": {"qmin": "2", "qmax": "4"}, "fps": 25},
    "mpeg1.mpeg": {"codec": "mpeg1video", "options": {"qmin": "2", "qmax": "4"}, "fps": 25, "bframes": 0},
    "h264_b.ts": {},
    "h264_open_gop.mts": {"options": OPEN_GOP, "bframes": 3},
    "mpeg2_b.m2ts": {"codec": "mpeg2video", "options": {"qmin": "2", "qmax": "4"}, "fps": 25},
    "hevc.ts": {"codec": "libx265"},
    "wmv2.wmv": {"codec": "wmv2", "bframes": 0, "options": {"qmin": "2", "qmax": "4"}},
    "mpeg4.3gp": {"codec": "mpeg4", "size": (176, 144), "bframes": 0},
    "h264_b.flv": {},
    "intra_refresh.mkv": {"options": {"x264-params": "intra-refresh=1"}, "bframes": 0},
}
TURNS = (90, 180, 270)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, list[np.ndarray]]:
    """Every kind of video with its pictures in sequence."""
    path = make_numbered_video(folder / request.param, N, **KINDS[request.param])
    with Video(path) as video:
        return path, [video.to_rgb(frame) for frame in video.stream()]


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    return make_numbered_video(folder / "plain.mp4", N)


def opencv_frames(path: Path) -> list[np.ndarray]:
    capture, images = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        images.append(read[1][..., ::-1])
    return images


class TestEveryKind:
    def test_stream_gives_every_frame_once_in_order(self, kind) -> None:
        assert [read_number(image) for image in kind[1]] == list(range(N))

    def test_random_access_equals_sequence_bit_for_bit(self, kind) -> None:
        path, sequence = kind
        index = VideoIndex.scan(path)
        order = [*random.Random(3).choices(range(N), k=N), N - 1, 0, N - 1]
        for cache_bytes in (0, 300_000):
            with Video(path, index=index, cache_bytes=cache_bytes) as video:
                wrong = [i for i in order if not np.array_equal(video.frame(i), sequence[i])]
            assert wrong == []

    def test_stream_from_any_start(self, kind) -> None:
        path, sequence = kind
        with Video(path) as video:
            for start in (1, 12, 37, N - 1):
                images = [video.to_rgb(frame) for frame in video.stream(start)]
                assert len(images) == N - start
                np.testing.assert_array_equal(images, sequence[start:])

    def test_pixels_and_count_are_opencvs(self, kind) -> None:
        path, sequence = kind
        if path.stem == "10bit" and tuple(map(int, cv2.__version__.split(".")[:2])) < (4, 13):
            pytest.skip("OpenCV before 4.13 rounds 10 bits otherwise")
        np.testing.assert_array_equal(sequence, opencv_frames(path))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotation_is_applied_as_in_opencv(tmp_path: Path, turn: int, suffix: str) -> None:
    path = make_numbered_video(tmp_path / f"turned{suffix}", 10, rotation=turn)
    with Video(path) as video:
        assert video.index.rotation == turn
        assert (video.width, video.height) == ((96, 64) if turn == 180 else (64, 96))
        assert read_number(np.rot90(video.frame(7), turn // 90)) == 7
        np.testing.assert_array_equal(video[:], opencv_frames(path))


@given(order=st.lists(st.integers(0, N - 1), max_size=40), cache_kb=st.integers(0, 400))
@settings(max_examples=15, deadline=None)
def test_any_order_any_cache(folder: Path, order: list[int], cache_kb: int) -> None:
    path = folder / "any_order.mp4"
    if not path.exists():
        make_numbered_video(path, N, options=OPEN_GOP, bframes=3)
    with Video(path, cache_bytes=cache_kb * 1000) as video:
        assert [read_number(video.frame(i)) for i in order] == order


def test_index_says_what_is_in_the_file(plain: Path) -> None:
    seen: list[float] = []
    index = VideoIndex.scan(plain, seen.append)
    assert index.n_frames == index.container_frames == N
    assert index.rate == Fraction(30)
    assert (index.codec, index.pix_fmt) == ("h264", "yuv420p")
    assert index.keyframes.tolist() == [0, 12, 24, 36, 48]
    assert index.keyframe_interval_max == 12
    assert not index.variable_frame_rate
    assert index.pts.dtype == np.int64
    assert seen[-1] == 1.0
    np.testing.assert_allclose(index.times, np.arange(N) / 30, atol=1e-9)


@pytest.mark.parametrize("fps", [23.976, 24, 29.97, 59.94, 250])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_rate_is_exact(tmp_path: Path, fps: float, suffix: str) -> None:
    index = VideoIndex.scan(make_numbered_video(tmp_path / f"rate{suffix}", 30, fps=fps))
    assert index.rate == exact_rate(fps)
    assert not index.variable_frame_rate


def test_times_of_a_variable_rate(folder: Path) -> None:
    path = make_numbered_video(folder / "uneven.mp4", N, times=UNEVEN)
    with Video(path) as video:
        assert video.index.variable_frame_rate
        np.testing.assert_allclose(video.times, np.array(UNEVEN) - UNEVEN[0], atol=2e-5)


def test_cut_without_reencoding_hides_frames(plain: Path, tmp_path: Path) -> None:
    """An edit list starts the video within a GOP; what it hides is not counted."""
    path = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", str(plain), "-c", "copy", str(path))
    with Video(path) as video:
        assert [read_number(image) for image in video] == list(range(15, N))
        assert video.times[0] == 0
        assert [read_number(video.frame(i)) for i in (44, 0, 30, 8)] == [59, 15, 45, 23]


def test_start_in_the_middle_of_an_open_gop(tmp_path: Path) -> None:
    """Frames that precede the first keyframe and cannot be decoded do not count."""
    source = make_numbered_video(tmp_path / "whole.mkv", N, codec="libx265", options=OPEN_GOP_HEVC)
    path = tmp_path / "tail.mkv"
    with av.open(str(source)) as inside, av.open(str(path), "w") as outside:
        stream = outside.add_stream_from_template(inside.streams.video[0])
        keyframes = 0
        for packet in inside.demux(video=0):
            keyframes += packet.is_keyframe
            if packet.size and keyframes > 2:
                packet.stream = stream
                outside.mux(packet)
    with Video(path) as video:
        numbers = [read_number(video.to_rgb(frame)) for frame in video.stream()]
        assert numbers == list(range(24, N))
        assert [read_number(video.frame(i)) for i in (len(video) - 1, 0)] == [N - 1, numbers[0]]


def ffmpeg(*arguments: str) -> None:
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    subprocess.run([get_ffmpeg_exe(), "-y", "-v", "error", *arguments], check=True)


class TestArray:
    @pytest.fixture
    def video(self, plain: Path):
        with Video(plain) as video:
            yield video

    def test_is_an_array(self, video: Video) -> None:
        assert video.shape == (N, 64, 96, 3)
        assert (video.ndim, video.dtype, len(video)) == (4, np.uint8, N)
        assert np.asarray(video).shape == video.shape

    @pytest.mark.parametrize(
        "key",
        [
            5,
            -1,
            np.int64(7),
            slice(3, 20, 4),
            slice(None, None, -20),
            slice(40, 40),
            [1, 50, 2],
            (4, slice(10, 20), slice(None, None, 2)),
            (slice(2, 5), 3, 4),
            (slice(2, 2), 3, slice(1, 9)),
            (..., 0),
            (3, ..., 1),
            (slice(10, 12), ..., slice(0, 2)),
            (),
            (2, 3, 4, 1),
        ],
    )
    def test_indexing_is_numpys(self, video: Video, key) -> None:
        whole = np.stack([video.frame(i) for i in range(N)])
        np.testing.assert_array_equal(video[key], whole[key])
        assert np.shape(video[key]) == whole[key].shape

    @pytest.mark.parametrize("key", [N, -N - 1, (0, 0, 0, 0, 0), (None, 0), (..., ...)])
    def test_bad_index(self, video: Video, key) -> None:
        with pytest.raises(IndexError):
            video[key]

    def test_frame_outside(self, video: Video) -> None:
        with pytest.raises(IndexError, match=r"frame 60 of 60 \(0 to 59\)"):
            video.frame(N)
        with pytest.raises(IndexError):
            video.frame(-1)

    def test_frames_are_read_only(self, video: Video) -> None:
        with pytest.raises(ValueError, match="read-only"):
            video.frame(3)[0] = 0

    def test_stream_limits_are_a_slices(self, video: Video) -> None:
        assert [read_number(video.to_rgb(f)) for f in video.stream(50, 53)] == [50, 51, 52]
        assert list(video.stream(5, 5)) == []
        assert len(list(video.stream(55, 1000))) == 5


def seeks_of(work: Callable[[], object]) -> int:
    """How often the decoder goes to another place in the file, counted by Python's profiler."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return sum(
        entry.callcount
        for entry in profile.getstats()
        if getattr(entry.code, "co_qualname", "") == "FrameDecoder._seek"
    )


class TestDecodingEffort:
    def test_sequence_never_seeks(self, plain: Path) -> None:
        with Video(plain) as video:
            assert seeks_of(lambda: [video.frame(i) for i in range(N)]) == 0
            assert seeks_of(lambda: list(video.stream())) == 0

    def test_stream_from_the_middle_seeks_once(self, plain: Path) -> None:
        with Video(plain) as video:
            assert seeks_of(lambda: list(video.stream(30))) == 1
            assert len(list(video.stream(30))) == N - 30

    def test_random_access_seeks_once_and_keeps_what_it_passed(self, plain: Path) -> None:
        with Video(plain) as video:
            assert seeks_of(lambda: video.frame(47)) == 1
            numbers = {i: video.cached(i) for i in range(N)}
            assert [i for i, image in numbers.items() if image is not None] == list(range(36, 48))
            assert all(read_number(numbers[i]) == i for i in range(36, 48))


class TestCache:
    def test_cached_never_decodes(self, plain: Path) -> None:
        with Video(plain) as video:
            assert video.cached(3) is None
            video.frame(3)
            assert read_number(video.cached(3)) == 3
            assert video.cached(1000) is None

    def test_memory_is_bounded(self, plain: Path) -> None:
        limit = 20 * 64 * 96 * 3
        with Video(plain, cache_bytes=limit) as video:
            for i in [*range(N), *range(N - 1, 0, -1)]:
                video.frame(i)
                assert video._cache.nbytes <= limit

    def test_cached_does_not_wait_for_a_decode(self, plain: Path) -> None:
        with Video(plain) as video:
            video.frame(3)
            with video._decoding:
                assert read_number(video.cached(3)) == 3
                assert video.cached(40) is None


class TestThreads:
    def test_many_threads_read_right(self, plain: Path) -> None:
        wrong: list[int] = []

        def read(seed: int) -> None:
            order = random.Random(seed)
            for _ in range(60):
                i = order.randrange(N)
                wrong.extend([i] if read_number(video.frame(i)) != i else [])
            numbers = [read_number(video.to_rgb(f)) for f in video.stream(seed, seed + 20)]
            wrong.extend([] if numbers == list(range(seed, seed + 20)) else [-seed])

        with Video(plain, cache_bytes=300_000) as video:
            threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
        assert wrong == []

    def test_reading_in_order_reads_ahead(self, plain: Path) -> None:
        with Video(plain) as video:
            for i in range(4):
                video.frame(i)
            for _ in range(200):
                if video.cached(10) is not None:
                    break
                threading.Event().wait(0.01)
            assert read_number(video.cached(10)) == 10
            assert video.cached(50) is None

    def test_no_thread_outlives_close(self, plain: Path) -> None:
        for _ in range(20):
            with Video(plain) as video:
                for i in range(5):
                    video.frame(i)
        assert not [t for t in threading.enumerate() if "read ahead" in t.name]

    def test_closed(self, plain: Path) -> None:
        video = Video(plain)
        video.close()
        video.close()
        with pytest.raises(ValueError, match="closed"):
            video.frame(0)


def test_index_is_small(plain: Path) -> None:
    index = VideoIndex.scan(plain)
    arrays = {id(a): a.nbytes for a in (index.pts, index.stamps)}
    assert sum(arrays.values()) <= 16 * N


def test_equal_times(tmp_path: Path) -> None:
    """Two packets with one time are two frames, told apart by their order."""
    source, path = tmp_path / "a.mp4", tmp_path / "twice.mkv"
    make_numbered_video(source, 20, fps=30, bframes=0, gop=5)
    with av.open(str(source)) as inside, av.open(str(path), "w") as outside:
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for number, packet in enumerate(inside.demux(video=0)):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = number // 2 * 10
                outside.mux(packet)
    with Video(path) as video:
        assert [read_number(video.to_rgb(f)) for f in video.stream()] == list(range(20))
        order = [19, 3, 4, 18, 7, 12, 0, 11, 10]
        assert [read_number(video.frame(i)) for i in order] == order
