"""What a batch costs over more and more videos, and a long video over more workers.

`table` returns Markdown and draws ``many.png`` beside the page. Every run is the command itself; memory
is that of the largest of its processes, looked at ten times a second.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

import plots
from common import synthetic_video
from inputs import untrained_model

BIN = Path(sys.executable).parent
COUNTS = (5, 20, 80)
FRAMES, LONG = 120, 9_600
"""Of one of many videos, and of the long one, which is two parts."""
WORKERS = (0, 1, 2)
"""0 for the command without a cluster."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the command, and MB of its largest process."""

    x: int
    seconds: float
    peak_mb: float


def table(folder: Path, images: Path, quick: bool) -> str:
    """Measure, draw ``many.png`` into ``images`` and return the two tables."""
    models = {name: untrained_model(folder / name, "resnet18", 64) for name in ("detector", "pose")}
    models = {name: path.rename(path.with_name(name)) for name, path in models.items()}
    many = [_many(folder, models, count) for count in (COUNTS[:1] if quick else COUNTS)]
    long = synthetic_video(folder / "long.mp4", LONG // 4 if quick else LONG)
    over = [_run(folder, models, [long], workers, workers) for workers in WORKERS]
    rows = [
        f"| {one.x} | {one.seconds:.0f} s | {one.seconds / one.x:.2f} s | {one.peak_mb:.0f} MB |"
        for one in many
    ]
    long_rows = [
        f"| {one.x or 'no cluster'} | {one.seconds:.0f} s | {one.peak_mb:.0f} MB |" for one in over
    ]
    page = "\n".join(
        [
            f"| videos of {FRAMES} frames | all | a video | largest process |",
            "|---|---|---|---|",
            *rows,
            "",
            f"| workers, {LONG:,} frames | all | largest process |",
            "|---|---|---|",
            *long_rows,
            "",
            "![time and memory by videos and by workers](images/many.png)",
        ]
    )
    plots.draw("many", page, images)
    return page


def _many(folder: Path, models: dict[str, Path], count: int) -> Cost:
    one = synthetic_video(folder / "short.mp4", FRAMES)
    videos = folder / f"videos_{count}"
    videos.mkdir()
    for number in range(count):
        shutil.copy(one, videos / f"video_{number:02}.mp4")
    return _run(folder, models, [videos], 0, count)


def _run(folder: Path, models: dict[str, Path], what: list[Path], workers: int, x: int) -> Cost:
    """Run the command, and look at its memory meanwhile."""
    output = folder / f"out_{what[0].stem}_{workers}"
    words = [BIN / "cropzoom", "batch", *what, "--detector", models["detector"], "--pose", models["pose"]]
    words += ["--skip_viz", "--output_dir", output]
    if workers:
        words += ["--scheduler", "local", "--workers", workers]
    start, peak = time.perf_counter(), 0
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen([str(word) for word in words], stdout=said, stderr=said)
        family = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                for each in [family, *family.children(recursive=True)]:
                    with contextlib.suppress(psutil.Error):
                        peak = max(peak, each.memory_info().rss)
            time.sleep(0.1)
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"batch failed:\n{said.read()[-2000:]}")
    return Cost(x, time.perf_counter() - start, peak / 2**20)
