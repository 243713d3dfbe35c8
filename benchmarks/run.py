"""Measure us against Lightning Pose and write docs/benchmarks.md: ``make bench``.

Every pair runs litpose and us in turn, each in a process of its own. Nothing else may run meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from common import HERE, command, in_own_process, machine, median_ratio

BIN = Path(sys.executable).parent
REPORT = HERE.parent / "docs" / "benchmarks.md"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _row(name: str, pairs: list[tuple[float, float]], extra: str = "") -> str:
    ratio, low, high = median_ratio(pairs)
    theirs, ours = np.median(pairs, axis=0)
    _say(f"{name}: {ratio:.1f}x")
    spread = f"**{ratio:.1f}x** ({low:.1f} to {high:.1f})"
    return f"| {name} | {theirs:.2f} s | {ours:.2f} s | {spread} | {extra} |"


def _prepare(folder: Path) -> tuple[Path, Path, Path]:
    """Copy the sample's models and give the detector predictions and boxes."""
    from napari_cropzoom.sample import sample_project

    sample = sample_project()
    for kind, source in (("detector", sample.detector), ("pose", sample.pose)):
        shutil.copytree(source, folder / kind)
    cropzoom = BIN / "cropzoom"
    command(cropzoom, "predict", folder / "detector", sample.video, "--skip_viz")
    command(cropzoom, "create_bbox", folder / "detector", sample.video)
    return sample.video, folder / "detector", folder / "pose"


def against_litpose(folder: Path, pairs: int) -> list[str]:
    """Table rows of commands and of work with imports apart; parity in the last column."""
    video, detector, pose = _prepare(folder)
    raw = detector / "video_preds" / f"{video.stem}_bbox.csv"
    bbox = _inside(raw, folder / "inside" / raw.name)
    rows = []
    for verb, words in (
        ("create_bbox", [detector, video]),
        ("smooth_bbox", [raw.parent, "--output_dir", folder / "smooth"]),
    ):
        times = [
            (command(BIN / "litpose", verb, *words), command(BIN / "cropzoom", verb, *words))
            for _ in range(pairs)
        ]
        rows.append(_row(f"`{verb}`, whole command", times))
    for name, model, boxes in (("detection, full frame", detector, None), ("pose on boxes", pose, bbox)):
        times, memory, parity = [], [], ""
        for _ in range(pairs):
            words = [model, video, folder / "theirs", *([boxes] if boxes else [])]
            theirs = in_own_process("litpose_side.py", "predict", *words)
            words[2] = folder / "ours"
            ours = in_own_process("our_side.py", "predict", *words)
            times.append((theirs["seconds"], ours["seconds"]))
            memory.append((theirs["peak_mb"], ours["peak_mb"]))
        parity = _parity(folder / "theirs" / f"{video.stem}.csv", folder / "ours" / f"{video.stem}.csv")
        peak = "{:.1f} GB against {:.1f} GB".format(*(np.median(memory, axis=0) / 1024))
        rows.append(_row(f"{name}, imports apart", times, f"{peak}; {parity}"))
    times = []
    for _ in range(pairs):
        theirs = in_own_process("litpose_side.py", "crop", video, bbox, folder / "theirs.mp4")
        ours = in_own_process("our_side.py", "crop", video, bbox, folder / "ours.mp4")
        times.append((theirs["seconds"], ours["seconds"]))
    rows.append(_row("crop to disk, imports apart", times, "same codec, preset and quality"))
    return rows


def _inside(raw: Path, target: Path) -> Path:
    """Keep the boxes inside the frame: there litpose and we see the same pixels."""
    from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_bbox_csv

    boxes = read_bbox_csv(raw)
    boxes[:, 2:] = np.minimum(boxes[:, 2:], 600)
    boxes[:, :2] = np.clip(boxes[:, :2], 0, [1280, 1024] - boxes[:, 2:])
    write_bbox_csv(target, boxes)
    return target


def _parity(theirs: Path, ours: Path) -> str:
    a, b = (
        pd.read_csv(f, header=[0, 1, 2], index_col=0).to_numpy().reshape(-1, 3) for f in (theirs, ours)
    )
    sure = a[:, 2] >= 0.5
    off = np.hypot(*(a - b)[sure, :2].T)
    if off.max() > 0.1:
        raise RuntimeError(f"{ours}: keypoints differ by up to {off.max():.3f} px: a fast wrong answer")
    return f"keypoints agree to {np.median(off):.4f} px (median), {off.max():.4f} px (worst)"


def gui() -> list[str]:
    """Table rows of what the window costs."""
    small, large = (in_own_process("gui.py", "step", n) for n in (1_000, 100_000))
    grown = (large["memory_mb"] - small["memory_mb"]) * 2**20 / 99_000
    slider = in_own_process("gui.py", "slider", 100_000)
    beat = in_own_process("gui.py", "heartbeat")
    ratio = large["step_ms"] / small["step_ms"]
    rows = [
        f"| frame step, 1,000 frames | {small['step_ms']:.1f} ms | |",
        f"| frame step, 100,000 frames | {large['step_ms']:.1f} ms | {ratio:.2f} of it |",
        f"| edit with redraw, 100,000 frames | {large['edit_ms']:.1f} ms | |",
        f"| memory per frame, 1,000 to 100,000 frames | {grown:.0f} bytes | video index and boxes |",
        f"| smoothing slider to shown box, 100,000 frames | {slider['shown_ms']:.1f} ms "
        f"| 95 %: {slider['shown_p95_ms']:.1f} ms |",
        f"| smoothing the whole track, 100,000 frames | {slider['track_ms']:.0f} ms "
        "| worst of windows 5, 31, 101 |",
    ]
    rows += [f"| {name} | {value:.1f} | |" for name, value in beat.items()]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", choices=["litpose", "gui"])
    options = parser.parse_args()
    parts = [f"# Benchmarks\n\nMeasured by `make bench` on {machine()}, {datetime.date.today()}.\n"]
    if options.only != "gui":
        with tempfile.TemporaryDirectory() as folder:
            rows = against_litpose(Path(folder), options.pairs)
        head = "| work | litpose | cropzoom | faster | |\n|---|---|---|---|---|"
        about = (
            f"On the sample video (1280x1024, H.264) and its models; medians of {options.pairs} pairs, "
            "each side in a process of its own, in turn. Parity is checked in every row that predicts: a "
            "fast wrong answer counts as a failure."
        )
        parts.append(f"## Against Lightning Pose\n\n{about}\n\n{head}\n" + "\n".join(rows) + "\n")
    if options.only != "litpose":
        about = (
            "Software OpenGL, 320x240 H.264 (steps, slider); the sample project (heartbeat and cancel)."
        )
        head = "| what | measured | |\n|---|---|---|"
        parts.append(f"## The window\n\n{about}\n\n{head}\n" + "\n".join(gui()) + "\n")
    REPORT.write_text("\n".join(parts), encoding="utf-8")
    _say(f"written: {REPORT}")


if __name__ == "__main__":
    main()
