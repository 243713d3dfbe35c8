"""A video in which little happens but once, for tests to import: blobs that rest, and jump apart."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from lpmodels import draw_blobs

FRAMES, WIDTH, HEIGHT = 90, 160, 120
JUMP = 45
"""First frame after the jump."""


def make_resting_video(path: Path) -> Path:
    """Write the video; each picture but that of the jump is the one before it."""
    before = np.array([[140.0, 107], [12, 96], [147, 106]])
    after = np.array([[78.0, 99], [141, 46], [90, 42]])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            picture = draw_blobs(before if number < JUMP else after, HEIGHT, WIDTH, 10)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
