"""How the cost of pose on boxes grows with the size of the frame and the length of the video.

`table` returns Markdown and draws ``growth.png`` beside the page. Every run is a process of its own,
imports apart, and whatever Lightning Pose predicts too is compared (see `engine.difference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
    _plot(images / "growth.png", sizes, lengths)
    by_size = "\n".join(
        f"| {point.x:.1f} | {_both(point.litpose)} | {_both(point.ours)} | {point.decode:.0f} /s "
        f"| {_times(point)} |"
        for point in sizes
    )
    by_length = "\n".join(
        f"| {point.x:,.0f} | {_both(point.litpose)} | {_both(point.ours)} | {_times(point)} |"
        for point in lengths
    )
    return (
        "| megapixels a frame | litpose | cropzoom | decode alone | faster |\n|---|---|---|---|---|\n"
        f"{by_size}\n\n| frames of 320x240 | litpose | cropzoom | faster |\n|---|---|---|---|\n"
        f"{by_length}\n\n![speed by frame size, memory by length](images/growth.png)"
    )


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


def _plot(path: Path, sizes: Sequence[Point], lengths: Sequence[Point]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axes, points, value in ((left, sizes, 0), (right, lengths, 1)):
        for name, color in (("ours", "#0072b2"), ("litpose", "#e69f00")):
            shown = [(p.x, getattr(p, name)[value]) for p in points if getattr(p, name) is not None]
            label = "cropzoom" if name == "ours" else name
            axes.plot(*zip(*shown, strict=True), "o-", color=color, label=label)
        axes.set(xscale="log")
        axes.grid(alpha=0.3)
    left.plot([p.x for p in sizes], [p.decode for p in sizes], "x--", color="gray", label="decode alone")
    left.set(xlabel="megapixels a frame", ylabel="frames a second", yscale="log")
    left.set_xticks([p.x for p in sizes], labels=[f"{p.x:.1f}" for p in sizes])
    left.minorticks_off()
    right.set(xlabel="frames", ylabel="peak memory, MB")
    right.set_ylim(0, 1.1 * max(p.ours[1] for p in lengths))
    left.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
