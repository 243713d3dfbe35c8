"""A cut of the sample video, for tests to import."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg


def excerpt(video: Path, target: Path, first: int, last: int) -> Path:
    """Encode frames ``first`` to ``last``, both inclusive, anew; returns ``target``."""
    trim = f"trim=start_frame={first}:end_frame={last + 1},setpts=PTS-STARTPTS"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", video, "-vf", trim]
    subprocess.run([*command, "-c:v", "libx264", "-crf", "18", target], check=True)
    return target
