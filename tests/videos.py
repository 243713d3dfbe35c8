"""Small videos for tests to import, whose pixels say what a reader should find.

Numbered frames carry their number; patterns tell frame and position; blobs go round, or rest and jump.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
from av.video.stream import VideoStream

ROWS, COLUMNS = 3, 4  # 12 blocks, one bit each, the lowest first: numbers up to 4095
BLOCK = 8
COLOURS = np.array([[230, 60, 60], [60, 220, 60], [70, 90, 240], [220, 220, 60]])
BLOB_FRAMES, BLOB_WIDTH, BLOB_HEIGHT = 50, 320, 240
RESTING_FRAMES, RESTING_WIDTH, RESTING_HEIGHT, RESTING_JUMP = 90, 160, 120, 45
_WITH_BFRAMES = ("libx264", "libx265", "mpeg4", "mpeg2video")


def numbered_frame(number: int, size: tuple[int, int] = (96, 64)) -> np.ndarray:
    """Return an (H, W, 3) uint8 picture that shows ``number`` as black and white blocks.

    A little noise, the same for the same number, makes every pixel of a wrong frame different.
    """
    width, height = size
    noise = np.random.default_rng(number).integers(0, 40, (height, width, 3), dtype=np.uint8)
    rows, columns = np.arange(height) * ROWS // height, np.arange(width) * COLUMNS // width
    white = number >> (rows[:, None] * COLUMNS + columns[None, :]) & 1
    return np.where(white[..., None] == 1, 255 - noise, noise).astype(np.uint8)


def read_number(image: np.ndarray) -> int:
    """Read the number off a picture (H, W, 3) or (H, W), as displayed before any rotation."""
    height, width = image.shape[:2]
    number = 0
    for bit in range(ROWS * COLUMNS):
        row, column = divmod(bit, COLUMNS)
        y, x = (2 * row + 1) * height // (2 * ROWS), (2 * column + 1) * width // (2 * COLUMNS)
        number |= int(image[y - 3 : y + 4, x - 3 : x + 4].mean() > 127) << bit
    return number


def write_video(
    path: Path | str,
    frames: Iterable[np.ndarray],
    *,
    rate: Fraction | int = 30,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    gop: int | None = None,
    bframes: int | None = None,
    rotation: int = 0,
) -> Path:
    """Encode pictures, (H, W, 3) or grey (H, W) uint8; the suffix of ``path`` chooses the container.

    Parameters
    ----------
    rate
        Frames per second.
    ticks, time_base
        When each frame is shown, in units of ``time_base``, for a variable frame rate.
    codec, options
        One of FFmpeg's encoders, as ``libx264``, ``mjpeg`` or ``ffv1``, and its options.
    gop, bframes
        Frames from keyframe to keyframe, and B-frames in a row (where the codec has them).
    rotation
        Clockwise turn, in degrees, that players are told to make.
    """
    frames = iter(frames)
    first = next(frames)
    if options is None and codec == "libx264":
        options = {"crf": "6", "preset": "veryfast"}
    base = time_base or 1 / Fraction(rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = base
        if gop is not None:
            stream.codec_context.gop_size = gop
        if bframes is not None:
            stream.codec_context.max_b_frames = bframes
        if rotation:
            stream.set_display_rotation(-rotation)
        for number, image in enumerate(chain([first], frames)):
            kind = "rgb24" if image.ndim == 3 else "gray"
            frame = av.VideoFrame.from_ndarray(image, format=kind).reformat(format=pix_fmt)
            frame.pts = number if ticks is None else ticks[number]
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Path(path)


def make_numbered_video(
    path: Path | str,
    n_frames: int = 60,
    *,
    fps: float | Fraction = 30,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    gop: int = 12,
    bframes: int = 2,
    options: Mapping[str, str] | None = None,
    times: Sequence[float] | None = None,
    **how: Any,
) -> Path:
    """Encode ``n_frames`` numbered frames, 0-based; returns ``path``.

    Parameters
    ----------
    fps
        Frames per second; 29.97, 59.94 and 23.976 become their exact fractions.
    size
        Width and height in pixels.
    options
        More options for the encoder.
    times
        Seconds at which the frames are shown, for a variable frame rate.
    codec, gop, bframes, how
        As for `write_video`.
    """
    time_base = None if times is None else Fraction(1, 90_000)
    return write_video(
        path,
        (numbered_frame(number, size) for number in range(n_frames)),
        rate=exact_rate(fps),
        ticks=None if times is None else [round(time * 90_000) for time in times],
        time_base=time_base,
        codec=codec,
        options=_options(codec, bframes, options),
        gop=gop,
        bframes=bframes if codec in _WITH_BFRAMES else 0,
        **how,
    )


def exact_rate(fps: float | Fraction) -> Fraction:
    """Return 30000/1001 for 29.97 and the like, else the number itself."""
    ntsc = Fraction(round(fps) * 1000, 1001)
    return ntsc if abs(float(ntsc) - float(fps)) < 0.005 else Fraction(fps).limit_denominator(1000)


def _options(codec: str, bframes: int, extra: Mapping[str, str] | None) -> dict[str, str]:
    if codec == "libx264":
        base = {"crf": "18", "preset": "ultrafast", "bf": str(bframes), "sc_threshold": "0"}
    elif codec == "libx265":
        base = {"preset": "ultrafast", "x265-params": f"log-level=none:bframes={bframes}"}
    elif codec in ("mjpeg", "mpeg4"):
        base = {"qmin": "2", "qmax": "4"}
    else:
        base = {}
    return {**base, **(extra or {})}


def pattern(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """(H, W, 3) uint8: blocks of grey that differ from frame to frame, to tell frame and position by."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(20, 235, (-(-height // BLOCK), -(-width // BLOCK)), dtype=np.uint8)
    grey = np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))[:height, :width]
    return np.stack([grey] * 3, axis=2)


def pattern_video(path: Path, n: int, size: tuple[int, int] = (96, 64), **how: Any) -> Path:
    """A video of ``n`` patterns."""
    return write_video(path, (pattern(i, *size) for i in range(n)), **how)


def draw_blobs(places: np.ndarray, height: int, width: int, radius: float, seed: int = 0) -> np.ndarray:
    """Return a noisy grey picture with a coloured disc at every ``(x, y)``: (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    picture = np.repeat(rng.integers(30, 70, (height, width, 1)), 3, axis=2).astype(float)
    y, x = np.mgrid[:height, :width]
    for place, colour in zip(places, COLOURS, strict=False):
        disc = np.hypot(x - place[0], y - place[1]) <= radius
        picture[disc] = colour
    return picture.astype(np.uint8)


def make_blob_video(
    path: Path,
    n_frames: int = BLOB_FRAMES,
    width: int = BLOB_WIDTH,
    height: int = BLOB_HEIGHT,
    n_blobs: int = 3,
) -> np.ndarray:
    """Write a video of blobs that go round together; returns their places, (T, K, 2)."""
    turn = np.linspace(0, 2 * np.pi, n_frames, endpoint=False)
    centre = np.stack(
        [width / 2 + width / 5 * np.cos(turn), height / 2 + height / 5 * np.sin(turn)], axis=1
    )
    angle = turn[:, None] + 2 * np.pi * np.arange(n_blobs) / n_blobs
    places = centre[:, None] + 20 * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    pictures = (draw_blobs(places[number], height, width, 6, number) for number in range(n_frames))
    write_video(path, pictures, options={"crf": "12", "preset": "ultrafast"})
    return places


def make_resting_video(path: Path) -> Path:
    """Write a video of blobs that rest; only frame `RESTING_JUMP` differs from the one before."""
    before, after = (
        draw_blobs(np.array(places), RESTING_HEIGHT, RESTING_WIDTH, 10)
        for places in ([(140.0, 107), (12, 96), (147, 106)], [(78.0, 99), (141, 46), (90, 42)])
    )
    pictures = (before if number < RESTING_JUMP else after for number in range(RESTING_FRAMES))
    return write_video(path, pictures, options={"crf": "1", "preset": "ultrafast"})


def zero_packets(path: Path, places: Iterable[int]) -> Path:
    """Overwrite some packets of a video with zeros, as holes of a disk do; returns ``path``."""
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = path.read_bytes()
    for place in places:
        assert content.count(packets[place]) == 1
        content = content.replace(packets[place], bytes(len(packets[place])))
    path.write_bytes(content)
    return path


def excerpt(video: Path, target: Path, first: int, last: int) -> Path:
    """Encode frames ``first`` to ``last`` of a video, both inclusive; returns ``target``."""
    trim = f"trim=start_frame={first}:end_frame={last + 1},setpts=PTS-STARTPTS"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", video, "-vf", trim]
    # FFmpeg before 8 forgets the rate at setpts, and takes 25
    subprocess.run([*command, "-r", "30", "-c:v", "libx264", "-crf", "18", target], check=True)
    return target
