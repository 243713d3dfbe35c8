"""What the benchmarks share: test videos, timing, and running `litpose` in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

HERE = Path(__file__).resolve().parent


def synthetic_video(path: Path, frames: int, size: str = "320x240", fps: int = 30) -> Path:
    """Moving test pattern of exactly ``frames`` frames, H.264, a keyframe a second."""
    if not path.exists():
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi"]
        command += ["-i", f"testsrc2=size={size}:rate={fps}", "-frames:v", str(frames)]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(fps), "-pix_fmt", "yuv420p"]
        subprocess.run([*command, str(path)], check=True)
    return path


def wandering_boxes(frames: int, side: int = 64, seed: int = 0) -> np.ndarray:
    """(T, 4) x, y, w, h: a plausible track with noise, whole pixels."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)
    x = 120 + 90 * np.sin(t / 170) + rng.normal(0, 2, frames)
    y = 80 + 60 * np.cos(t / 230) + rng.normal(0, 2, frames)
    boxes: np.ndarray = np.rint(np.column_stack([x, y, np.full(frames, side), np.full(frames, side)]))
    return boxes


def timed(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def command(*words: object) -> float:
    """Seconds a whole command takes; raises if it fails."""
    arguments = [str(word) for word in words]
    start = time.perf_counter()
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return seconds


def in_own_process(script: str, *words: object) -> dict[str, Any]:
    """Run a benchmark script in a fresh process and read the JSON of its last line."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *[str(w) for w in words]],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def cpu_seconds() -> float:
    """Processor time of this process and of its ended children so far (Linux and macOS)."""
    import resource

    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def peak_memory_mb() -> float:
    """Highest resident memory of this process so far, in MB (Linux and macOS).

    On Linux ``ru_maxrss`` is at least what the process that started this one held at the time.
    """
    import resource

    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def resident_mb() -> float:
    """Resident memory of this process now, in MB."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def machine() -> str:
    """One line on the machine the numbers come from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{os.cpu_count()} cores, {model}, {platform.system()}, Python {platform.python_version()}"


def median_ratio(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Median, lowest and highest of theirs / ours over (theirs, ours) pairs."""
    ratios = [theirs / ours for theirs, ours in pairs]
    return statistics.median(ratios), min(ratios), max(ratios)
