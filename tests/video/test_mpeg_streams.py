"""MPEG streams have no list of frames: what damage takes off the count is told by the times."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.review.suspects import lost_frames
from napari_cropzoom.video.checks import preflight
from napari_cropzoom.video.damage import Gap, gaps_in
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 48
MPEG2 = {"codec": "mpeg2video", "options": {"qmin": "2", "qmax": "4"}, "fps": 25}
KINDS = {"h264.ts": {}, "29.97.mts": {"fps": 29.97}, "hevc.ts": {"codec": "libx265"}, "mpeg2.mpg": MPEG2}

Make = Callable[[str], tuple[Path, list[np.ndarray]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Make a video of a kind and read its pictures, once."""
    folder, made = tmp_path_factory.mktemp("whole"), dict[str, tuple[Path, list[np.ndarray]]]()

    def make(kind: str) -> tuple[Path, list[np.ndarray]]:
        if kind not in made:
            path = make_numbered_video(folder / kind, N, size=(160, 120), **KINDS[kind])
            with Video(path) as video:
                made[kind] = path, list(video)
        return made[kind]

    return make


def without(path: Path, target: Path, first: float, length: float) -> Path:
    """Copy a stream without some of its bytes, in parts of its size; whole transport packets."""
    content = path.read_bytes()
    step = 2048 if path.suffix == ".mpg" else 188
    start = int(first * len(content) / step) * step
    end = start + max(1, int(length * len(content) / step)) * step
    target.write_bytes(content[:start] + content[end:])
    return target


def numbers_in_whole(n_listed: int, gaps: tuple[Gap, ...]) -> np.ndarray:
    """What the listed frames were before some were lost."""
    numbers = np.arange(n_listed)
    for gap in gaps:
        numbers[gap.after + 1 :] += gap.frames
    return numbers


@pytest.mark.parametrize("first", [0.3, 0.62])
@pytest.mark.parametrize("kind", KINDS)
def test_lost_frames_are_counted_where_they_are_missing(
    whole: Make, tmp_path: Path, kind: str, first: float
) -> None:
    path, pictures = whole(kind)
    damaged = without(path, tmp_path / kind, first, 0.15)
    info = preflight(damaged, thorough=True)
    assert info.frames is not None
    assert info.missing
    assert info.frames + sum(gap.frames for gap in info.missing) == N
    true = numbers_in_whole(info.frames, info.missing)
    with Video(damaged) as video:
        good = {n: video.to_rgb(f) for n, f in enumerate(video.stream()) if n not in video.index.damage}
    assert len(good) > N / 3
    for number, image in good.items():
        np.testing.assert_array_equal(image, pictures[true[number]], f"frame {number}")
    assert preflight(damaged).missing == info.missing
    capture = cv2.VideoCapture(str(damaged))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) in (0, N)  # which counts by the times
    capture.release()


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_stream_lacks_nothing(whole: Make, kind: str) -> None:
    assert preflight(whole(kind)[0]).missing == ()


def test_a_frame_whose_time_is_lost_is_missing_and_the_others_are_read(
    whole: Make, tmp_path: Path
) -> None:
    """Of every packet that is dropped one after another, many carry the time of a frame."""
    path, pictures = whole("hevc.ts")
    content = path.read_bytes()
    n_lost = 0
    for place in random.Random(1).sample(range(20, len(content) // 188 - 20), 12):
        damaged = tmp_path / "a.ts"
        damaged.write_bytes(content[: place * 188] + content[(place + 1) * 188 :])
        with Video(damaged) as video:
            gaps, true = video.index.damage.gaps, numbers_in_whole(len(video), video.index.damage.gaps)
            n_lost += len(gaps)
            assert len(video) + sum(gap.frames for gap in gaps) == N
            for number, frame in enumerate(video.stream()):
                image = video.to_rgb(frame)
                if number not in video.index.damage:
                    np.testing.assert_array_equal(image, pictures[true[number]], f"{place}: {number}")
    assert n_lost


def test_commands_and_the_queue_name_them(
    whole: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = without(whole("h264.ts")[0], tmp_path / "h264.ts", 0.3, 0.15)
    index = VideoIndex.scan(damaged)
    gap = max(index.damage.gaps, key=lambda each: each.frames)
    total = sum(each.frames for each in index.damage.gaps)
    assert main(["info", str(damaged)]) == 0
    told = capsys.readouterr().out
    assert f"{total} frames are missing" in told
    assert f"{gap.frames} after frame {gap.after}" in told
    assert "ok, but for frames that are missing or cannot be decoded" in told
    assert main(["info", "--json", str(damaged)]) == 0
    missing = json.loads(capsys.readouterr().out)["missing"]
    assert {"after": gap.after, "frames": gap.frames} in missing
    boxes = np.tile([20.0, 20, 48, 48], (index.n_frames, 1))
    write_bbox_csv(tmp_path / "boxes.csv", boxes)
    assert main(["flags", str(tmp_path / "boxes.csv"), "--video", str(damaged), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["flagged"]
    assert [f"{gap.frames} frames are missing after this one"] in [
        each["reasons"] for each in found if each["frame"] == gap.after
    ]
    assert gap.after in [each.frame for each in lost_frames(index.damage, index.n_frames)]


def test_a_rate_that_varies_is_no_gap() -> None:
    assert gaps_in(np.cumsum([0, 3003, 4504, 3003, 4505, 3003, 4504])) == ()  # film on television
    assert gaps_in(np.cumsum([0, *np.random.default_rng(1).integers(2000, 9000, 100)])) == ()
    assert gaps_in(np.array([0, 3000, 90_000])) == ()


def test_the_clock_may_be_rounded() -> None:
    exact = np.delete(np.arange(400) * 90_000 / 59.94, [7, *range(100, 350)])
    for step in (1, 90):  # ticks, milliseconds
        assert gaps_in(np.rint(exact / step).astype(np.int64) * step) == (Gap(6, 1), Gap(98, 250))


def test_a_stream_without_times_is_refused(tmp_path: Path) -> None:
    path = make_numbered_video(tmp_path / "a.h264", 12)
    with pytest.raises(CropzoomError, match="bare stream"):
        VideoIndex.scan(path)
