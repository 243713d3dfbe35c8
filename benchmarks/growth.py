"""How the cost of pose on boxes grows with the size of the frame and the length of the video.

`table` returns Markdown and draws ``growth.png`` beside the page. Every run is a process of its own,
imports apart, and whatever Lightning Pose predicts too is compared (see `engine.difference`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import plots
from common import in_own_process, synthetic_video
from engine import WORST, WORST_UNTRAINED, difference
from inputs import boxes_inside, sample_video, untrained_model

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
LENGTHS = (1_000, 10_000, 100_000)
LITPOSE_AT_MOST = 10_000
"""Frames beyond which Lightning Pose is left out: it alone would take most of an hour."""
FRAMES, SIDE, IMAGE = 120, 256, 128


@dataclass(frozen=True)
class Point:
    """One place on the plot: frames a second and peak memory in MB, None where that was not run."""

    x: float
    ours: tuple[float, float]
    litpose: tuple[float, float] | None
    decode: float | None = None


def table(folder: Path, images: Path, quick: bool) -> str:
    """Measure, draw ``growth.png`` into ``images`` and return the two tables."""
    sizes = [_at_size(folder, *size) for size in (SIZES[:3] if quick else SIZES)]
    lengths = [_at_length(folder, frames) for frames in (LENGTHS[:1] if quick else LENGTHS)]
    by_size = "\n".join(
        f"| {point.x:.1f} | {_both(point.litpose)} | {_both(point.ours)} | {point.decode:.0f} /s "
        f"| {_times(point)} |"
        for point in sizes
    )
    by_length = "\n".join(
        f"| {point.x:,.0f} | {_both(point.litpose)} | {_both(point.ours)} | {_times(point)} |"
        for point in lengths
    )
    page = (
        "| megapixels a frame | litpose | cropzoom | decode alone | faster |\n|---|---|---|---|---|\n"
        f"{by_size}\n\n| frames of 320x240 | litpose | cropzoom | faster |\n|---|---|---|---|\n"
        f"{by_length}\n\n![speed by frame size, memory by length](images/growth.png)"
    )
    plots.draw("growth", page, images)
    return page


def _at_size(folder: Path, width: int, height: int) -> Point:
    video = sample_video(folder, FRAMES, width, height)
    model = untrained_model(folder / f"growth_{width}", "resnet18", IMAGE)
    boxes = boxes_inside(folder, FRAMES, width, height, SIDE)
    limits = in_own_process("our_side.py", "decode", video)
    limit = max(WORST, WORST_UNTRAINED * SIDE / IMAGE)
    return Point(width * height / 1e6, *_pair(folder, model, video, boxes, FRAMES, limit), limits["fps"])


def _at_length(folder: Path, frames: int) -> Point:
    video = synthetic_video(folder / f"long_{frames}.mp4", frames)
    model = untrained_model(folder / f"growth_{frames}", "resnet18", 64)
    boxes = boxes_inside(folder, frames, 320, 240, 64)
    return Point(frames, *_pair(folder, model, video, boxes, frames, WORST))


def _pair(
    folder: Path, model: Path, video: Path, boxes: Path, frames: int, limit: float
) -> tuple[tuple[float, float], tuple[float, float] | None]:
    """Frames a second and peak memory of us, and of Lightning Pose where it is run."""
    found = []
    sides = ("our", "litpose") if frames <= LITPOSE_AT_MOST else ("our",)
    for side in sides:
        words = ("predict", model, video, folder / side, boxes)
        one = in_own_process(f"{side}_side.py", *words)
        found.append((frames / one["seconds"], one["peak_mb"]))
    if len(found) == 1:
        return found[0], None
    name = f"{video.stem}.csv"
    difference(folder / "litpose" / name, folder / "our" / name, limit)
    return found[0], found[1]


def _both(side: tuple[float, float] | None) -> str:
    return "not run" if side is None else f"{side[0]:.0f} /s, {side[1] / 1024:.1f} GB"


def _times(point: Point) -> str:
    return "" if point.litpose is None else f"**{point.ours[0] / point.litpose[0]:.1f}x**"
