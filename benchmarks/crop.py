"""Crop to disk, 1920x1080 to 512x512: `litpose`, ffmpeg's own fixed crop, and us, in turn.

``crop.py arena.mp4`` prints one line of JSON. The video given is scaled up and gets light noise, so that
it has the texture of a camera; every run is a process of its own, imports apart. Quality is the median
over the frames of ffmpeg's SSIM against the uncompressed crop (the median, because `litpose` cuts a few
frames with their neighbour's box).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

from common import command, cpu_seconds, in_own_process, machine

SIDE = 512
WIDTH, HEIGHT = 1920, 1080
AS_LITPOSE = '{"preset": "medium", "crf": 23, "tune": "none"}'
LOSSLESS = '{"preset": "ultrafast", "crf": 0, "tune": "none"}'
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def textured_video(source: Path, target: Path, frames: int) -> Path:
    """Make the first ``frames`` frames 1920x1080 with noise, H.264 with x264's own keyframes."""
    size = f"{WIDTH}:{HEIGHT}"
    scale = f"scale={size}:force_original_aspect_ratio=increase:flags=bicubic,crop={size}"
    command(
        FFMPEG, "-y", "-i", source, "-frames:v", frames, "-an",
        "-vf", f"{scale},noise=alls=4:allf=t", "-c:v", "libx264", "-preset", "veryfast", "-crf", 20,
        "-pix_fmt", "yuv420p", target,
    )  # fmt: skip
    return target


def wandering_boxes(frames: int) -> np.ndarray:
    """(T, 4) boxes inside the frame that wander a few whole pixels a frame, odd corners too."""
    t = np.arange(frames)
    x = 704 + 500 * np.sin(t / 110)
    y = 284 + 250 * np.cos(t / 130)
    boxes: np.ndarray = np.rint(np.column_stack([x, y, np.full(frames, SIDE), np.full(frames, SIDE)]))
    return boxes


def fixed_crop(video: Path, output: Path) -> dict[str, float]:
    """Run ffmpeg on one place of the frame, at `litpose`'s preset and quality."""
    before = cpu_seconds()
    seconds = command(
        FFMPEG, "-y", "-i", video, "-vf", f"crop={SIDE}:{SIDE}:704:284",
        "-c:v", "libx264", "-preset", "medium", "-crf", 23, output,
    )  # fmt: skip
    return {"seconds": seconds, "cpu_seconds": cpu_seconds() - before}


def ssim(video: Path, reference: Path, folder: Path) -> float:
    """Median over the frames of the similarity of all planes."""
    log = folder / "ssim.txt"
    number = "settb=1/30,setpts=N"
    compare = f"[0:v]{number}[a];[1:v]{number}[b];[a][b]ssim=stats_file={log}"
    command(FFMPEG, "-i", video, "-i", reference, "-lavfi", compare, "-f", "null", "-")
    lines = log.read_text().splitlines()
    return statistics.median(float(line.partition("All:")[2].split()[0]) for line in lines)


def measure(source: Path, frames: int, pairs: int, folder: Path) -> dict[str, Any]:
    """Run everything ``pairs`` times in turn."""
    from napari_cropzoom.files.bbox_csv import write_bbox_csv

    video = textured_video(source, folder / "full.mp4", frames)
    bbox = folder / "full_bbox.csv"
    write_bbox_csv(bbox, wandering_boxes(frames))
    lossless = folder / "lossless.mp4"
    in_own_process("our_side.py", "crop", video, bbox, lossless, LOSSLESS)
    files = {name: folder / f"{name}.mp4" for name in ("litpose", "ffmpeg", "same", "default")}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in files}
    for _ in range(pairs):
        runs["litpose"].append(in_own_process("litpose_side.py", "crop", video, bbox, files["litpose"]))
        same = in_own_process("our_side.py", "crop", video, bbox, files["same"], AS_LITPOSE)
        runs["same"].append(same)
        runs["ffmpeg"].append(fixed_crop(video, files["ffmpeg"]))
        runs["default"].append(in_own_process("our_side.py", "crop", video, bbox, files["default"]))
    result: dict[str, Any] = {"source": source.name, "frames": frames, "machine": machine()}
    for name, file in files.items():
        result[name] = {
            "seconds": [round(run["seconds"], 2) for run in runs[name]],
            "cpu_seconds": round(statistics.median(run["cpu_seconds"] for run in runs[name]), 2),
            "bytes": file.stat().st_size,
        }
        if name != "ffmpeg":
            result[name]["ssim"] = round(ssim(file, lossless, folder), 5)
    return result | _ratios(result)


def _ratios(result: dict[str, Any]) -> dict[str, float]:
    def ratio(above: str, below: str) -> float:
        pairs = zip(result[above]["seconds"], result[below]["seconds"], strict=True)
        return float(round(statistics.median(a / b for a, b in pairs), 2))

    return {
        "same_times_litpose_speed": ratio("litpose", "same"),
        "same_times_ffmpeg_seconds": ratio("same", "ffmpeg"),
        "default_times_litpose_speed": ratio("litpose", "default"),
        "default_ssim_above_litpose": round(result["default"]["ssim"] - result["litpose"]["ssim"], 5),
        "default_times_litpose_bytes": round(result["default"]["bytes"] / result["litpose"]["bytes"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path, help="any video with texture and at least --frames frames")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options.video, options.frames, options.pairs, Path(folder))
    sys.stdout.write(f"{json.dumps(result)}\n")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr[-2000:]}")
