from __future__ import annotations

import json
import stat
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.crop.crop import clamp, crop_video
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.crop.record import read_side_file
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, pattern, pattern_video, read_number, write_video, zero_packets

RATES = {
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "59.94": Fraction(60000, 1001),
    "250": Fraction(250),
}
needs_scripts = pytest.mark.skipif(
    sys.platform == "win32",
    reason="a shell script stands in for ffmpeg, and Windows runs none by its #! line",
)
B_FRAMES = {"crf": "6", "preset": "veryfast", "bf": "3", "g": "30", "x264-params": "b-adapt=0"}


def walking_boxes(n: int, w: int = 48, h: int = 32) -> np.ndarray:
    """Boxes that wander over every edge of a 96 x 64 frame, even and odd corners alike."""
    i = np.arange(n)
    x = np.rint(24 + 45 * np.sin(i / 3.1))
    y = np.rint(16 + 32 * np.cos(i / 4.3))
    return np.column_stack([x, y, np.full(n, w), np.full(n, h)]).astype(float)


def expected(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What a crop should show: the box, black where it leaves the frame."""
    margin = 200
    x, y, w, h = box.astype(int)
    wide = np.pad(frame, ((margin, margin), (margin, margin), (0, 0)))
    return wide[y + margin : y + margin + h, x + margin : x + margin + w]


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def crop(video: Path, boxes: np.ndarray, **how: object) -> Video:
    output = video.with_name(f"cropped_{video.stem}.mp4")
    encoding = {"preset": "veryfast", "crf": 4, "tune": "none"}
    encoding |= {name: how.pop(name) for name in ("encoder", "preset", "crf", "tune") if name in how}
    stage = crop_video(video, boxes, output, encoding=EncoderSettings(**encoding), **how)  # type: ignore[arg-type]
    assert run_stage(stage).video == output
    return Video(output)


def check_every_frame(source: Video, cropped: Video, boxes: np.ndarray) -> None:
    assert cropped.n_frames == source.n_frames
    previous = None
    for i, box in enumerate(boxes):
        shown = cropped[i]
        assert difference(shown, expected(source[i], box)) < 4, f"frame {i}"
        if previous is not None:
            assert difference(shown, expected(previous, box)) > 4 * difference(
                shown, expected(source[i], box)
            ), f"frame {i} could be frame {i - 1}"
        previous = source[i]


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_every_frame_has_its_own_box_and_time(tmp_path, rate):
    n = 130
    video = pattern_video(tmp_path / "v.mp4", n, rate=rate, options=B_FRAMES)
    boxes = walking_boxes(n)
    source, cropped = Video(video), crop(video, boxes)
    check_every_frame(source, cropped, boxes)
    assert np.abs(cropped.times - source.times).max() <= 1.01 * float(cropped.index.time_base)
    reader = cv2.VideoCapture(str(cropped.path))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == n
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(float(rate), rel=1e-6)


def test_variable_frame_rate_keeps_every_time(tmp_path):
    rng = np.random.default_rng(3)
    n, base = 120, Fraction(1, 90000)
    ticks = np.concatenate([[0], np.cumsum(rng.integers(900, 9000, n - 1))]).tolist()
    video = pattern_video(tmp_path / "v.mp4", n, ticks=ticks, time_base=base, options=B_FRAMES)
    boxes = walking_boxes(n)
    source, cropped = Video(video), crop(video, boxes)
    assert source.index.variable_frame_rate
    check_every_frame(source, cropped, boxes)
    tick = float(max(source.index.time_base, cropped.index.time_base))
    assert np.abs(cropped.times - source.times).max() <= tick


def test_variable_frame_rate_in_matroska(tmp_path):
    ticks = [0, 33, 67, 100, 333, 366, 900, 933, 967, 1000]
    video = pattern_video(tmp_path / "v.mkv", 10, ticks=ticks, time_base=Fraction(1, 1000))
    cropped = crop(video, walking_boxes(10))
    assert np.rint(cropped.times * 1000).astype(int).tolist() == ticks


EDGES = {
    "left": (-13, 10), "right": (65, 10), "top": (20, -11), "bottom": (20, 45),
    "top left": (-9, -7), "top right": (71, -7), "bottom left": (-9, 51), "bottom right": (71, 51),
    "touching": (48, 32), "outside": (130, 110), "odd": (17, 13), "even": (16, 12),
}  # fmt: skip


@pytest.mark.parametrize("corner", EDGES.values(), ids=EDGES)
def test_outside_is_black_and_no_row_or_column_is_lost(tmp_path, corner):
    frame = pattern(1, 96, 64)
    frame[-1], frame[:, -1], frame[0], frame[:, 0] = 235, 235, 235, 235
    video = write_video(tmp_path / "v.mp4", [frame] * 3, options={"crf": "1", "preset": "veryfast"})
    box = np.array([*corner, 48.0, 32.0])
    shown = crop(video, np.tile(box, (3, 1)), crf=1)[1].astype(int)
    wanted = expected(Video(video)[1], box).astype(int)
    assert np.abs(shown - wanted).max() <= 40
    assert difference(shown, wanted) < 2
    inside = expected(np.full_like(frame, 255), box)[..., 0] > 0
    assert (shown[~inside] <= 12).all()
    for axis in (0, 1):
        lines, wanted_lines = shown.mean(axis=(axis, 2)), wanted.mean(axis=(axis, 2))
        assert np.abs(lines - wanted_lines).max() < 6


def test_boxes_of_other_sizes_are_resized_as_litpose_does(tmp_path):
    n = 12
    video = pattern_video(tmp_path / "v.mp4", n)
    boxes = walking_boxes(n)
    boxes[3, 2:] = 60, 50
    boxes[5, 2:] = 31, 21
    source, cropped = Video(video), crop(video, boxes)
    assert (cropped.width, cropped.height) == (48, 32)
    for i in range(n):
        assert difference(cropped[i], cv2.resize(expected(source[i], boxes[i]), (48, 32))) < 4


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "suffix"),
    [
        ("yuv420p", "libx264", "mp4"),
        ("yuvj420p", "libx264", "mp4"),
        ("yuv422p", "libx264", "mp4"),
        ("yuv444p", "libx264", "mp4"),
        ("yuv420p10le", "libx264", "mp4"),
        ("gray", "ffv1", "mkv"),
        ("yuvj422p", "mjpeg", "avi"),
    ],
)
def test_colours_stay_where_and_what_they_are(tmp_path, pix_fmt, codec, suffix):
    frame = np.zeros((64, 96, 3), np.uint8)
    frame[:, :49], frame[:, 49:], frame[20:31, 30:61] = (200, 40, 40), (40, 60, 200), (40, 180, 60)
    options = {"crf": "1"} if codec == "libx264" else {}
    video = write_video(
        tmp_path / f"v.{suffix}", [frame] * 4, pix_fmt=pix_fmt, codec=codec, options=options
    )
    boxes = np.array([[16, 10, 48, 32], [17, 10, 48, 32], [16, 11, 48, 32], [17, 11, 48, 32.0]])
    source, cropped = Video(video), crop(video, boxes, crf=1)
    for i, box in enumerate(boxes):
        wanted, shown = expected(source[i], box).astype(int), cropped[i].astype(int)
        assert difference(wanted, shown) < 8, "more than the fringe of a colour edge"
        red_to_blue = ((shown - wanted)[..., 0] - (shown - wanted)[..., 2])[22:].mean(axis=0).sum()
        assert abs(red_to_blue) / 320 < 0.3, "pixels the edge between red and blue has moved"
        flat = shown[22:, 2:28].mean(axis=(0, 1)) - wanted[22:, 2:28].mean(axis=(0, 1))
        assert np.abs(flat).max() < 4, "a plain area changed colour"
        reader = cv2.VideoCapture(str(cropped.path))
        reader.set(cv2.CAP_PROP_POS_FRAMES, i)
        opencv = reader.read()[1][..., ::-1]
        assert difference(opencv, shown) < 2


def test_rotated_video_is_cropped_as_it_is_displayed(tmp_path):
    plain = pattern_video(tmp_path / "plain.mp4", 6)
    video = tmp_path / "v.mp4"
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", "90"]
    subprocess.run([*command, "-i", str(plain), "-c", "copy", str(video)], check=True)
    source = Video(video)
    assert (source.width, source.height) == (64, 96)
    boxes = np.tile([7.0, 50.0, 32.0, 60.0], (6, 1))
    check_every_frame(source, crop(video, boxes), boxes)


def test_side_file_records_what_was_cut(tmp_path):
    video = pattern_video(tmp_path / "v.mp4", 9, rate=RATES["29.97"])
    boxes = walking_boxes(9) + 0.3
    crop(video, boxes)
    record = json.loads((tmp_path / "cropped_v.json").read_text())
    assert record.pop("making")["encoding"]["crf"] == 4
    assert record == {
        "version": 1,
        "source": "v.mp4",
        "source_frames": 9,
        "width": 48,
        "height": 32,
        "fps": pytest.approx(29.97, abs=1e-3),
        "boxes": np.rint(boxes).astype(int).tolist(),
    }
    crop(video, boxes, side_file=False)
    assert not (tmp_path / "cropped_v.json").exists(), "the record of an older crop must not stay"


def test_closing_early_leaves_nothing(tmp_path):
    video = pattern_video(tmp_path / "v.mp4", 60, size=(640, 480))
    output = tmp_path / "out" / "cropped_v.mp4"
    stage = crop_video(video, walking_boxes(60), output)
    next(stage)
    next(stage)
    stage.close()
    assert list((tmp_path / "out").iterdir()) == []


def test_closing_at_the_last_moment_leaves_nothing_either(tmp_path):
    video = pattern_video(tmp_path / "v.mp4", 30)
    output = tmp_path / "out" / "cropped_v.mp4"
    stage = crop_video(video, walking_boxes(30), output)
    while next(stage).done < 30:
        pass
    stage.close()
    assert list((tmp_path / "out").iterdir()) == []


@needs_scripts
def test_a_failing_ffmpeg_is_reported_with_its_last_line(tmp_path, monkeypatch):
    video = pattern_video(tmp_path / "v.mp4", 60)
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(
        "#!/bin/sh\nhead -c 1000 >/dev/null\necho one >&2\necho No space left >&2\nexit 1\n"
    )
    ffmpeg.chmod(ffmpeg.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    with pytest.raises(CropzoomError, match=r"cropped_v\.mp4.*No space left$"):
        crop(video, walking_boxes(60))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ffmpeg", "v.mp4"]


@needs_scripts
def test_a_talkative_ffmpeg_does_not_block(tmp_path, monkeypatch):
    import imageio_ffmpeg

    video = pattern_video(tmp_path / "v.mp4", 20)
    ffmpeg = tmp_path / "ffmpeg"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    ffmpeg.write_text(f'#!/bin/sh\nhead -c 1000000 /dev/zero >&2\nexec "{real}" "$@"\n')
    ffmpeg.chmod(ffmpeg.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    assert crop(video, walking_boxes(20)).n_frames == 20


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    video = pattern_video(tmp_path / "v.mp4", 5)
    boxes = walking_boxes(5)
    gap = boxes.copy()
    gap[2] = np.nan
    for wrong, message in [(gap, "frame 2 has no box"), (boxes[:4], "5 frames but there are 4 boxes")]:
        with pytest.raises(CropzoomError, match=message):
            crop(video, wrong)
    for how, message in [({"preset": "x"}, "preset"), ({"crf": 99}, "crf"), ({"size": (3, 4)}, "even")]:
        with pytest.raises(CropzoomError, match=message):
            crop(video, boxes, **how)
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


def test_clamp_cuts_boxes_off_at_the_edge(tmp_path):
    boxes = np.array([[-10, -5, 30, 20], [90, 60, 30, 20], [10, 10, 5, 5], [200, 10, 8, 8.0]])
    assert clamp(boxes, 96, 64).tolist() == [
        [0, 0, 20, 15],
        [90, 60, 6, 4],
        [10, 10, 5, 5],
        [95, 10, 1, 8],
    ]
    video = pattern_video(tmp_path / "v.mp4", 4)
    cropped = crop(video, boxes[[0, 0, 0, 0]], edge="clamp")
    assert (cropped.width, cropped.height) == (20, 16)
    record = json.loads((tmp_path / "cropped_v.json").read_text())
    assert record["boxes"][0] == [0, 0, 20, 15]


def test_frames_that_cannot_be_decoded_are_black_and_need_no_box(tmp_path):
    """Each frame keeps its place; a frame that can be decoded and has no box is refused as before."""
    path = make_numbered_video(tmp_path / "damaged.avi", 40, codec="mjpeg", pix_fmt="yuvj420p")
    zero_packets(path, (0, 20, 21))
    boxes = np.tile([0.0, 0, 96, 64], (40, 1))
    boxes[20:22] = np.nan
    made = run_stage(crop_video(path, boxes, tmp_path / "crop.mp4"))
    assert "3 of 40 frames cannot be decoded" in made.note
    assert "(0, 20-21)" in made.note
    assert read_side_file(tmp_path / "crop.json").undecodable == (0, 20, 21)
    with Video(tmp_path / "crop.mp4") as crop:
        images = list(crop)
    assert len(images) == 40
    assert [i for i, image in enumerate(images) if image.max() < 12] == [0, 20, 21]
    assert all(read_number(images[i]) == i for i in range(40) if i not in (0, 20, 21))
    boxes[22] = np.nan
    with pytest.raises(CropzoomError, match="frame 22 has no box"):
        run_stage(crop_video(path, boxes, tmp_path / "crop.mp4"))
