"""Videos whose every frame is another pattern of blocks, so that frame and position can both be told."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BLOCK = 8


def pattern(number: int, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8: blocks of grey that differ from frame to frame."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(20, 235, (-(-height // BLOCK), -(-width // BLOCK)), dtype=np.uint8)
    grey = np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))[:height, :width]
    return np.stack([grey] * 3, axis=2)


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    rate: Fraction = Fraction(30),
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB frames; with ``ticks``, at these times in ``time_base``."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            codec, rate=rate, options=options or {"crf": "6", "preset": "veryfast"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        base = time_base or 1 / rate
        stream.codec_context.time_base = base
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pix_fmt)
            frame.pts = number if ticks is None else ticks[number]
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def pattern_video(path: Path, n: int, size: tuple[int, int] = (96, 64), **how: object) -> Path:
    """A video of ``n`` patterns."""
    return write_video(path, [pattern(i, *size) for i in range(n)], **how)  # type: ignore[arg-type]
