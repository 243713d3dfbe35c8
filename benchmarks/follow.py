"""How well and how fast a box is followed by the pixels: from random frames, forward and backward.

``follow.py [--video VIDEO --truth TRUTH.csv] [--seeds 40] [--frames 90]``. The truth
has either keypoints (``NAME_x``, ``NAME_y``), of which boxes are made as ``create_bbox`` makes them,
smoothed; or ``x, y``, the top-left corner of a picture pasted into the frame, whose size is given by
``--size W H``. Prints JSON, and a line for each run with ``--verbose``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cropzoom.core.boxes import Box, iou
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.tracking.scene import learn_scene
from napari_cropzoom.tracking.tracker import Followed, follow
from napari_cropzoom.video.video import Video

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
GOOD, ASTRAY = 0.8, 0.5


def true_boxes(truth: Path, size: tuple[float, float]) -> np.ndarray:
    """(T, 4): round the keypoints if there are any, else the pasted picture."""
    table = pd.read_csv(truth)
    names = [column[:-2] for column in table.columns if column.endswith("_x")]
    if not names:
        return np.column_stack([table.x, table.y, np.tile(size, (len(table), 1))]).astype(float)
    xy = np.stack([table[[f"{name}_x", f"{name}_y"]].to_numpy() for name in names], axis=1)
    poses = Poses(tuple(names), xy, np.ones(xy.shape[:2]))
    return smooth(boxes_from_keypoints(poses, SizingSettings()), SmoothingSettings())


def reason(stopped: str) -> str:
    """Return why, without the frame number."""
    return re.sub(r" (at )?(from )?frame \d+", "", stopped)


def measure(options: argparse.Namespace) -> dict[str, object]:
    truth = true_boxes(options.truth, tuple(options.size))
    rng = np.random.default_rng(options.seed)
    reasons: dict[str, int] = {}
    scores, covered, asked, seconds = [], 0, 0, 0.0
    with Video(options.video) as video:
        start = time.perf_counter()
        scene = run_stage(learn_scene(video, 0))
        learning = time.perf_counter() - start
        for frame in np.sort(rng.integers(0, video.n_frames, options.seeds)).tolist():
            for way in (1, -1):
                last = int(np.clip(frame + way * options.frames, 0, video.n_frames - 1))
                if last == frame:
                    continue
                start = time.perf_counter()
                done: Followed = run_stage(
                    follow(video, frame, Box(*truth[frame]), last, background=scene)
                )
                seconds += time.perf_counter() - start
                score = iou(done.boxes, truth[done.first : done.last + 1])
                scores.append(score)
                covered, asked = covered + len(score), asked + abs(last - frame)
                reasons[reason(done.stopped)] = reasons.get(reason(done.stopped), 0) + 1
                if options.verbose:
                    low = score.min() if len(score) else np.nan
                    print(
                        f"{frame:5d} -> {last:5d}: {len(score):3d} boxes, IoU least {low:.2f}, "
                        f"good {np.mean(score >= GOOD) if len(score) else np.nan:.2f}, {done.stopped}"
                    )
    every = np.concatenate(scores)
    return {
        "video": options.video.name,
        "runs": len(scores),
        "followed": covered / asked,
        "good": float(np.mean(every >= GOOD)),
        "good_of_asked": float(np.sum(every >= GOOD)) / asked,
        "astray": float(np.mean(every < ASTRAY)),
        "median_iou": float(np.median(every)),
        "frames_per_s": covered / seconds,
        "background_s": learning,
        "stopped": reasons,
        "load": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, default=SAMPLE / "videos" / "roaming.mp4")
    parser.add_argument("--truth", type=Path, default=SAMPLE / "truth.csv")
    parser.add_argument("--size", type=float, nargs=2, default=(238.0, 244.0), metavar=("W", "H"))
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    print(json.dumps(measure(parser.parse_args()), indent=1))


if __name__ == "__main__":
    main()
