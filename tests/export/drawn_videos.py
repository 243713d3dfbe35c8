"""What the tests of labeled videos draw, and reading it back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.export.grounds import VideoGround
from napari_cropzoom.export.labeled_video import Shown, write_labeled_video

N, WIDTH, HEIGHT = 40, 192, 128


def boxes_along(n: int = N) -> np.ndarray:
    """A box that moves by two pixels a frame; one is missing."""
    boxes = np.column_stack([20 + 2 * np.arange(n), np.full(n, 30), np.full(n, 40), np.full(n, 40)])
    boxes = boxes.astype(float)
    boxes[7:8] = np.nan
    return boxes


def poses_along(n: int = N) -> Poses:
    centre = np.nan_to_num(boxes_along(n)[:, :2]) + 20
    xy = np.stack([centre - 8, centre + 8], axis=1)
    return Poses(("nose", "tail-tip"), xy, np.tile([0.9, 0.2], (n, 1)))


def decoded(path: Path) -> tuple[list[np.ndarray], list[Fraction]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    times = [
        frame.pts * Fraction(frame.time_base.numerator, frame.time_base.denominator) for frame in frames
    ]
    return [frame.to_ndarray(format="rgb24") for frame in frames], times


def draw(
    video: Path, output: Path, background: tuple[int, int, int] | None = None, **how: object
) -> list[np.ndarray]:
    ground = VideoGround(video, background)
    run_stage(write_labeled_video(ground, output, Shown(**how)))  # type: ignore[arg-type]
    return decoded(output)[0]
