"""Small videos whose frames carry their number as pixels, for tests to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

ROWS, COLUMNS = 3, 4  # 12 blocks, one bit each, the lowest first: numbers up to 4095
_WITH_BFRAMES = ("libx264", "libx265", "mpeg4")


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


def make_numbered_video(
    path: Path | str,
    n_frames: int = 60,
    *,
    fps: float | Fraction = 30,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 12,
    bframes: int = 2,
    options: Mapping[str, str] | None = None,
    times: Sequence[float] | None = None,
    rotation: int = 0,
) -> Path:
    """Encode ``n_frames`` numbered frames, 0-based.

    Parameters
    ----------
    path
        Where to; the suffix chooses the container.
    fps
        Frames per second; 29.97, 59.94 and 23.976 become their exact fractions.
    size
        Width and height in pixels.
    codec
        ``libx264``, ``libx265``, ``mjpeg``, ``mpeg4``, ``ffv1`` or another of FFmpeg's encoders.
    gop, bframes
        Frames from keyframe to keyframe, and B-frames in a row (where the codec has them).
    options
        More options for the encoder.
    times
        Seconds at which the frames are shown, for a variable frame rate.
    rotation
        Clockwise turn, in degrees, that players are told to make.

    Returns
    -------
    Path
        ``path``.
    """
    rate = exact_rate(fps)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=_options(codec, bframes, options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = bframes if codec in _WITH_BFRAMES else 0
        if rotation:
            stream.set_display_rotation(-rotation)
        time_base = 1 / rate if times is None else Fraction(1, 90_000)
        stream.codec_context.time_base = time_base
        for number in range(n_frames):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, size), format="rgb24")
            frame.pts = number if times is None else round(times[number] / time_base)
            frame.time_base = time_base
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode(None))
    return Path(path)


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
