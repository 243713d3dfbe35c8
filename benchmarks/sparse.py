"""Every n-th frame first against every frame: ``python benchmarks/sparse.py``.

The sample's detector on the sample's video, loaded before the clock starts, dense and then sparsely
for several n in turn. The loss is told against dense detection and against the truth of the rendering.
Prints JSON: ``frames``, ``dense_s``, ``dense`` (against the truth) and ``rows``, one for every n:

    {"every": ..., "run": ..., "seconds": ..., "time_ratio": ...,
     "keypoints_px": [median, 95 %], "iou": median, "bad": share of boxes below an IoU of 0.8,
     "truth": {the last three, against the truth}}

``interpolated`` says the same of the frames that were not run alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np

EVERY = (2, 5, 10)
QUICK_FRAMES = 400
GOOD_IOU = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=0, help="only so many (default: all)")
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK_FRAMES} frames")
    options = parser.parse_args()
    frames = QUICK_FRAMES if options.quick else options.frames
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), frames)))


def measure(folder: Path, frames: int = 0) -> dict[str, Any]:
    """Run dense and sparsely on the sample, or on its first ``frames`` frames.

    Raises
    ------
    RuntimeError
        If a frame that was run has other keypoints than dense detection gave it.
    """
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.sparse import predict_sparsely
    from napari_cropzoom.sample import sample_project
    from napari_cropzoom.video.video import Video

    sample = sample_project()
    source = beginning(sample.video, frames, folder / "v.mp4") if frames else sample.video
    engine = Engine.load(ModelFolder.open(sample.detector))
    rows = []
    with Video(source) as video:
        truth, seen = true_keypoints(sample.truth, engine.keypoint_names, video.n_frames)
        start = time.perf_counter()
        dense = run_stage(engine.predict(video))
        dense_s = time.perf_counter() - start
        for every in EVERY:
            start = time.perf_counter()
            found = run_stage(predict_sparsely(engine, video, every))
            seconds = time.perf_counter() - start
            run = np.ones(len(found), bool) if found.interpolated is None else ~found.interpolated
            if not np.array_equal(found.xy[run], dense.xy[run]):
                raise RuntimeError(f"every {every}: a frame that was run differs from dense detection")
            row: dict[str, Any] = {"every": every, "run": int(run.sum()), "seconds": seconds}
            row |= {"time_ratio": seconds / dense_s, **loss(found.xy, dense.xy)}
            row["interpolated"] = loss(found.xy[~run], dense.xy[~run]) if not run.all() else None
            rows.append({**row, "truth": loss(found.xy, truth, seen)})
    return {
        "frames": len(dense), "dense_s": dense_s, "dense": loss(dense.xy, truth, seen), "rows": rows
    }  # fmt: skip


def beginning(video: Path, frames: int, target: Path) -> Path:
    """Write the first frames of a video, encoded again at a quality that hides nothing."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(video)]
    command += ["-frames:v", str(frames), "-c:v", "libx264", "-preset", "veryfast"]
    subprocess.run([*command, "-crf", "12", str(target)], check=True)
    return target


def true_keypoints(path: Path, names: tuple[str, ...], frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, K, 2) where the keypoints are, seen or not, and (T, K) whether they are seen."""
    import pandas as pd

    table = pd.read_csv(path)[:frames]
    places = np.stack([table[[f"{name}_x", f"{name}_y"]].to_numpy(float) for name in names], axis=1)
    return places, np.stack([table[f"{name}_visible"].to_numpy() != 0 for name in names], axis=1)


def loss(found: np.ndarray, wanted: np.ndarray, seen: np.ndarray | None = None) -> dict[str, Any]:
    """How far keypoints (T, K, 2), of those seen, and the boxes round all are from those wanted."""
    from napari_cropzoom.core.boxes import iou

    apart = np.linalg.norm(found - wanted, axis=2)
    apart = apart[np.isfinite(apart) if seen is None else np.isfinite(apart) & seen]
    overlap = iou(boxes_round(found), boxes_round(wanted))
    overlap = overlap[np.isfinite(overlap)]
    return {
        "keypoints_px": np.percentile(apart, [50, 95]).tolist(),
        "iou": float(np.median(overlap)),
        "bad": float((overlap < GOOD_IOU).mean()),
    }


def boxes_round(xy: np.ndarray) -> np.ndarray:
    """(T, 4) boxes of the usual size round keypoints."""
    from napari_cropzoom.core.poses import Poses
    from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints

    names = tuple(map(str, range(xy.shape[1])))
    return boxes_from_keypoints(Poses(names, xy, np.ones(xy.shape[:2])), SizingSettings())


def table(frames: int, folder: Path) -> str:
    """Markdown of :func:`measure`."""
    found = measure(folder, frames)
    truth = found["dense"]
    lines = [
        "| frames first | run | time | keypoints off, median / 95 % | IoU | IoU below 0.8 "
        "| off the truth, median / 95 % | IoU | IoU below 0.8 |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| all | {found['frames']} | {found['dense_s']:.1f} s | | | | {_cells(truth)} |",
    ]
    lines += [
        f"| one in {row['every']} | {row['run']} | **{100 * row['time_ratio']:.0f} %** "
        f"| {_cells(row)} | {_cells(row['truth'])} |"
        for row in found["rows"]
    ]
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> str:
    middle, most = row["keypoints_px"]
    return f"{middle:.1f} / {most:.1f} px | {row['iou']:.3f} | {100 * row['bad']:.1f} %"


if __name__ == "__main__":
    main()
