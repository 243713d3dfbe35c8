"""What the benchmarks run on: real frames at any size, wandering boxes, small untrained models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from common import HERE

sys.path.insert(0, str(HERE.parent / "tests"))


def sample_video(folder: Path, frames: int, width: int, height: int) -> Path:
    """The sample's frames, scaled and repeated until there are enough; H.264, a keyframe each 250."""
    from napari_cropzoom.sample import sample_project

    path = folder / f"sample_{width}x{height}_{frames}.mp4"
    if not path.exists():
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-stream_loop", "-1"]
        command += ["-i", str(sample_project().video), "-frames:v", str(frames), "-an"]
        command += ["-vf", f"scale={width}:{height}", "-c:v", "libx264", "-preset", "veryfast"]
        subprocess.run([*command, "-crf", "20", "-pix_fmt", "yuv420p", str(path)], check=True)
    return path


def sample_clip(folder: Path, frames: int) -> Path:
    """The sample's video up to a frame, not encoded again."""
    from napari_cropzoom.sample import sample_project

    path = folder / f"clip_{frames}.mp4"
    if not path.exists():
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
        command += ["-i", str(sample_project().video), "-frames:v", str(frames), "-c", "copy"]
        subprocess.run([*command, str(path)], check=True)
    return path


def true_boxes(folder: Path, frames: int) -> Path:
    """CSV of boxes round the sample's true keypoints, moved to where they are inside the frame."""
    import pandas as pd

    from napari_cropzoom.files.bbox_csv import write_bbox_csv
    from napari_cropzoom.sample import sample_project

    truth = pd.read_csv(sample_project().truth)[:frames]
    x, y = (
        truth.filter(regex=f"_{axis}$").interpolate(limit_direction="both").to_numpy() for axis in "xy"
    )
    side = 240
    left = np.clip(np.rint(x.mean(1) - side / 2), 0, 1280 - side)
    top = np.clip(np.rint(y.mean(1) - side / 2), 0, 1024 - side)
    path = folder / f"true_{frames}_bbox.csv"
    write_bbox_csv(path, np.column_stack([left, top, np.full((frames, 2), side)]))
    return path


def boxes_inside(folder: Path, frames: int, width: int, height: int, side: int) -> Path:
    """CSV of a box that wanders on whole pixels and stays inside the frame: (x, y, side, side)."""
    from napari_cropzoom.files.bbox_csv import write_bbox_csv

    t = np.arange(frames)
    x = (width - side) / 2 * (1 + 0.9 * np.sin(t / 97))
    y = (height - side) / 2 * (1 + 0.9 * np.cos(t / 61))
    path = folder / f"boxes_{width}x{height}_{frames}_bbox.csv"
    write_bbox_csv(path, np.rint(np.column_stack([x, y, np.full((frames, 2), side)])))
    return path


def untrained_model(folder: Path, backbone: str, size: int, keypoints: int = 7) -> Path:
    """A Lightning Pose model folder whose network is as large as a trained one's."""
    from lpmodels import make_lp_model

    path = folder / f"{backbone}_{size}"
    if not path.exists():
        names = tuple(f"part{number}" for number in range(keypoints))
        make_lp_model(path, backbone, keypoint_names=names, size=size)
        _label(path, names)
    return path


def _label(project: Path, names: tuple[str, ...], count: int = 10) -> None:
    """Label frames for a model's project: `litpose predict` reads them before it writes metrics."""
    import cv2
    import pandas as pd

    files = [f"labeled-data/video/img{number:08d}.png" for number in range(count)]
    (project / files[0]).parent.mkdir(parents=True)
    for file in files:
        cv2.imwrite(str(project / file), np.zeros((64, 64, 3), np.uint8))
    columns = pd.MultiIndex.from_product(
        [["scorer"], names, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(32.0, index=files, columns=columns).to_csv(project / "CollectedData.csv")
