"""Rates and time bases are fractions, whichever PyAV is installed."""

import ast
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import napari_cropzoom
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.crop.encode import Timing
from napari_cropzoom.video.container import opened
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.rationals import as_fraction, is_uneven, stated_rate, time_base_of
from videos import make_numbered_video, numbered_frame, write_video

_SOURCE = Path(napari_cropzoom.__file__).parent
_RATES = {
    "average_rate",
    "guessed_rate",
    "base_rate",
    "framerate",
    "sample_aspect_ratio",
    "display_aspect_ratio",
}
_OURS = {"self", "index", "ground", "timing", "av"}  # whose time_base is a fraction, or an integer


@pytest.fixture(scope="module")
def pyav_rational():
    """The numbers of PyAV 19, which 18.1 has too."""
    return pytest.importorskip("av.rational").AVRational


def test_both_kinds_of_number_become_the_same_fraction(pyav_rational):
    for number in (pyav_rational(30000, 1001), Fraction(30000, 1001)):
        fraction = as_fraction(number)
        assert type(fraction) is Fraction
        assert fraction == Fraction(30000, 1001)
        assert round(fraction) == 30


def test_what_is_not_stated_is_none(pyav_rational):
    for number in (None, Fraction(0), pyav_rational(0, 1), pyav_rational(1, 0), pyav_rational(0, 0)):
        assert as_fraction(number) is None


def test_what_is_read_of_a_video_is_fractions(tmp_path):
    path = make_numbered_video(tmp_path / "v.mp4", 12, fps=Fraction(30000, 1001))
    with opened(path) as (_, stream):
        assert type(time_base_of(stream)) is type(stated_rate(stream)) is Fraction
    index = VideoIndex.scan(path)
    assert type(index.rate) is type(index.time_base) is Fraction
    assert index.rate == Fraction(30000, 1001)
    timing = Timing.from_pts(index.pts, index.time_base, index.rate)
    assert type(timing.rate) is type(timing.time_base) is Fraction
    assert type(VideoIndex.scan(path).time(3)) is float
    assert np.isclose(index.time(3), 3 * 1001 / 30000, atol=1e-4)


def test_a_stream_without_a_time_base_goes_by_that_of_ffmpeg(tmp_path):
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert as_fraction(stream.time_base) is None
        assert time_base_of(stream) == Fraction(1, av.time_base)


def test_no_other_module_reads_the_numbers_of_pyav():
    """A bare rate of PyAV 19 cannot be rounded: nothing but the adapter reads one."""
    leaks = [
        f"{path.relative_to(_SOURCE)}:{node.lineno}: {ast.unparse(node)}"
        for path in _SOURCE.rglob("*.py")
        if path.name != "rationals.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and _is_bare(node)
    ]
    assert leaks == []


def _is_bare(node: ast.Attribute) -> bool:
    if node.attr == "time_base":
        return ast.unparse(node.value).rsplit(".", 1)[-1].lstrip("_") not in _OURS
    return node.attr in _RATES


NTSC = [Fraction(24000, 1001), Fraction(30000, 1001)]
RATES = [*NTSC, *(Fraction(rate) for rate in (24, 25, 30, 50, 120, 250, 400, 720, 1000))]
LEFT_OUT = [{40}, {1}, {498}, {3, 300}, set(range(2, 400, 3))]
CLOCKS = [Fraction(1, n) for n in (600, 1000, 15360, 90_000)]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_constant_rate_on_any_clock_is_even(rate: Fraction) -> None:
    for clock in [*CLOCKS, 1 / rate, 1 / (2 * rate)]:
        step = 1 / (rate * clock)
        if step < 2 and step != 1 and clock != Fraction(1, 1000):
            continue
        for start in (Fraction(0), Fraction(1, 3), Fraction(7, 8)):
            pts = np.array([round(start + i * step) for i in range(500)])
            assert not is_uneven(pts, clock), (clock, start)


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("left_out", LEFT_OUT, ids=len)
def test_a_frame_left_out_is_uneven_in_whole_frames(rate: Fraction, left_out: set[int]) -> None:
    shown = [i for i in range(500) if i not in left_out]
    for clock in (1 / rate, 1 / (2 * rate), 1 / (3 * rate), Fraction(1, 90_000)):
        assert is_uneven(np.array([round(i / (rate * clock)) for i in shown]), clock), clock


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_frames_left_out_of_a_file(tmp_path: Path, suffix: str) -> None:
    """In whole-frame ticks, as cameras write them; the crop shows each frame at its own time."""
    ticks = [i for i in range(60) if i not in (20, 21, 45)]
    base = Fraction(1, 1000) if suffix == ".mkv" else Fraction(1, 30)
    path = write_video(
        tmp_path / f"dropped{suffix}",
        [numbered_frame(i) for i in ticks],
        ticks=ticks,
        time_base=Fraction(1, 30),
        codec="mjpeg" if suffix == ".avi" else "libx264",
        pix_fmt="yuvj420p" if suffix == ".avi" else "yuv420p",
        bframes=0,
    )
    index = VideoIndex.scan(path)
    assert index.n_frames == 57
    assert index.variable_frame_rate
    assert suffix == ".mp4" or index.time_base == base
    np.testing.assert_allclose(index.times, np.array(ticks) / 30, atol=6e-4)
    boxes = np.tile([0.0, 0, 96, 64], (57, 1))
    run_stage(crop_video(path, boxes, tmp_path / "crop.mp4"))
    crop = VideoIndex.scan(tmp_path / "crop.mp4")
    np.testing.assert_allclose(crop.times, np.array(ticks) / 30, atol=6e-4)
