"""A full run against running only what changed: ``python benchmarks/changed.py``.

1 % of the boxes change, in 50 suspects over the whole video. Each side runs in a process of its own, the
model loaded before the clock starts. Decoding is timed apart, the frames that change and no others, since
how much has to be decoded for them depends on how far keyframes lie apart. Prints JSON:

    {"full_s": ..., "rerun_s": ..., "decode_s": ..., "changed": ..., "ratio": ...}

``ratio`` is rerun_s less decode_s, over full_s; ``cpu_ratio`` the same in seconds of the processor.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common import in_own_process, peak_memory_mb, synthetic_video, timed, wandering_boxes

BURSTS = 50
SHARE = 0.01
FRAMES = 10_000
SIZE = "640x480"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--model", type=Path, help="a model folder (default: the sample's pose model)")
    parser.add_argument("--side", choices=["full", "rerun", "decode"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps({"full": full, "rerun": rerun, "decode": decode}[options.side](options.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.pairs, options.frames, options.model)))


def measure(folder: Path, pairs: int, frames: int = FRAMES, model: Path | None = None) -> dict[str, Any]:
    """Run full, rerun and decode in turn; medians, and the ratio's lowest and highest.

    Raises
    ------
    RuntimeError
        If the rerun's keypoints are not those of the full run.
    """
    prepare(folder, frames, model)
    rounds = []
    for _ in range(pairs):
        for name in ("part.csv", "part_made_with.npz"):
            shutil.copyfile(folder / "before" / name, folder / name)
        sides = ("full", "rerun", "decode")
        rounds.append(
            [in_own_process("changed.py", "--side", side, "--folder", folder) for side in sides]
        )
        check(folder)
    ratios, cpu_ratios = (
        [(rerun[unit] - decode[unit]) / full[unit] for full, rerun, decode in rounds]
        for unit in ("seconds", "cpu")
    )
    seconds = [statistics.median(each[side]["seconds"] for each in rounds) for side in range(3)]
    return {
        "full_s": seconds[0],
        "rerun_s": seconds[1],
        "decode_s": seconds[2],
        "changed": rounds[0][1]["changed"],
        "frames": frames,
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "cpu_ratio": statistics.median(cpu_ratios),
        "rerun_peak_mb": rounds[0][1]["peak_mb"],
    }


def prepare(folder: Path, frames: int, model: Path | None = None) -> None:
    """Write video, boxes before and after the review, a copy of the model, and the first predictions."""
    from napari_cropzoom.sample import sample_project

    shutil.copytree(model or sample_project().pose, folder / "model")
    synthetic_video(folder / "v.mp4", frames, SIZE)
    before = wandering_boxes(frames, 200)
    np.save(folder / "before.npy", before)
    np.save(folder / "after.npy", reviewed(before))
    (folder / "before").mkdir()
    predict(folder, before, folder / "before" / "part.csv")


def reviewed(boxes: np.ndarray) -> np.ndarray:
    """Boxes moved in 50 suspects, evenly spread, that are 1 % of all."""
    after = boxes.copy()
    length = max(round(len(boxes) * SHARE / BURSTS), 1)
    for start in np.linspace(0, len(boxes) - length, BURSTS).astype(int):
        after[start : start + length, :2] += 15
    return after


def full(folder: Path) -> dict[str, Any]:
    return predict(folder, np.load(folder / "after.npy"), folder / "full.csv")


def rerun(folder: Path) -> dict[str, Any]:
    return predict(folder, np.load(folder / "after.npy"), folder / "part.csv", only_changed=True)


def predict(folder: Path, boxes: np.ndarray, output: Path, only_changed: bool = False) -> dict[str, Any]:
    from napari_cropzoom.core.progress import run_stage
    from napari_cropzoom.engine.engine import Engine
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.predict import predict_video

    model = ModelFolder.open(folder / "model")
    engine = Engine.load(model)
    stage = predict_video(
        model, folder / "v.mp4", boxes, output=output, engine=engine, only_changed=only_changed
    )
    cpu = time.process_time()
    seconds = timed(lambda: run_stage(stage))
    cpu = time.process_time() - cpu
    changed = int((np.load(folder / "before.npy") != boxes).any(axis=1).sum())
    return {"seconds": seconds, "cpu": cpu, "changed": changed, "peak_mb": peak_memory_mb()}


def decode(folder: Path) -> dict[str, Any]:
    """Open the video and decode the frames that changed, as the rerun does."""
    from napari_cropzoom.video.video import Video

    changed = (np.load(folder / "before.npy") != np.load(folder / "after.npy")).any(axis=1)

    def work() -> None:
        with Video(folder / "v.mp4") as video:
            for _ in video.pick(np.flatnonzero(changed).tolist()):
                pass

    cpu = time.process_time()
    seconds = timed(work)
    return {"seconds": seconds, "cpu": time.process_time() - cpu}


def check(folder: Path) -> None:
    """Refuse a fast wrong answer."""
    from napari_cropzoom.files.predictions_csv import read_predictions

    ours, theirs = (read_predictions(folder / name) for name in ("part.csv", "full.csv"))
    off = float(np.abs(ours.xy - theirs.xy).max())
    if not off <= 1e-4:
        raise RuntimeError(f"the rerun's keypoints differ from the full run's by up to {off:.5f} px")


if __name__ == "__main__":
    main()
