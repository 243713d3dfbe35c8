"""Train the two models of ``sample_data`` from nothing, and measure them on the held-out half.

    python scripts/train_sample_models.py

No pretrained weights are downloaded. Labels: easy frames of the first half of the video and of other
takes with the same camera; none from the shelter, the shiny wall or a dash, as in a real project where
people label what they can see. an hour and a half on one core.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from make_sample_data import (
    FRAMES,
    HARD,
    HELD_OUT_FROM,
    INPUT_SIZE,
    ROOT,
    is_easy,
    project_config,
)
from sample_render import Take
from sample_rodent import KEYPOINTS
from sample_training import (
    BatchMaker,
    Shots,
    frame_batch,
    load_weights,
    new_model,
    pose_batch,
    predict,
    save_weights,
    shared_batch,
    sharp_batch,
    shots_from_take,
    shots_from_video,
    train,
    window_batch,
)

OTHER_TAKES = range(101, 105)
BOX_RATIO = 1.5


@dataclass(frozen=True)
class Stage:
    """``steps`` steps on batches of ``size``."""

    batch: BatchMaker
    steps: int
    size: int
    rate: float


SHARED = (
    Stage(shared_batch, 340, 16, 2e-3),
    Stage(pose_batch, 200, 16, 1e-3),
    Stage(pose_batch, 400, 16, 1e-3),
)
"""Both models start here: the animal is about as large in the input of both."""

OWN = {
    "pose": (
        Stage(sharp_batch, 150, 8, 1e-3),
        Stage(sharp_batch, 450, 8, 1e-3),
        Stage(sharp_batch, 650, 8, 8e-4),
    ),
    "detector": (
        Stage(window_batch, 80, 6, 8e-4),
        Stage(frame_batch, 40, 4, 4e-4),
        Stage(frame_batch, 220, 4, 4e-4),
        Stage(frame_batch, 260, 4, 4e-4),
        Stage(frame_batch, 240, 6, 3e-4),
    ),
}


def main() -> None:
    """Train, save, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sample_dir", type=Path, default=ROOT)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps_factor", type=float, default=1.0, help="less than 1 for a quick look")
    parser.add_argument("--only", choices=OWN, help="train this one, from the pose model there is")
    parser.add_argument("--evaluate_only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    truth = pd.read_csv(options.sample_dir / "truth.csv", index_col=0, keep_default_na=False)
    video = options.sample_dir / "videos" / "roaming.mp4"
    if not options.evaluate_only:
        half = truth.iloc[:HELD_OUT_FROM]
        shots = shots_from_video(video, half[is_easy(half)].iloc[::2])
        for seed in OTHER_TAKES:
            shots = shots + shots_from_take(Take(seed, FRAMES), count=30)
        print(f"{len(shots)} labeled frames")
        _train(options.sample_dir, shots, options.steps_factor, options.only)
    held_out = truth.iloc[HELD_OUT_FROM::3]
    table = evaluate(options.sample_dir, shots_from_video(video, held_out), held_out)
    print(table.round(2).to_string())
    report = json.loads(table.round(2).to_json(orient="index"))
    (options.sample_dir / "models" / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")


def _train(sample_dir: Path, shots: Shots, factor: float, only: str | None) -> None:
    start = time.monotonic()
    model = new_model()
    if only is None:
        done = _run(model, SHARED, shots, factor, 0, start)
    else:
        load_weights(model, next((sample_dir / "models" / "pose").rglob("*.ckpt")))
        done = sum(stage.steps for stage in SHARED)
    shared = copy.deepcopy(model.state_dict())
    for name, stages in OWN.items():
        if only in (None, name):
            model.load_state_dict(shared)
            steps = _run(model, stages, shots, factor, done, start)
            _save(sample_dir / "models" / name, name, model, steps)


def _run(
    model: torch.nn.Module,
    stages: tuple[Stage, ...],
    shots: Shots,
    factor: float,
    done: int,
    start: float,
) -> int:
    """Train stage after stage; returns the steps done so far."""
    for number, stage in enumerate(stages):
        steps = max(2, int(stage.steps * factor))
        train(model, shots, stage.batch, steps, stage.size, stage.rate, seed=number)
        done += steps
        print(f"{done} steps, {time.monotonic() - start:.0f} s since the start", flush=True)
    return done


def _save(folder: Path, name: str, model: torch.nn.Module, steps: int) -> None:
    """Write a Lightning Pose model folder."""
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints = folder / "tb_logs" / name / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    config = project_config(name, INPUT_SIZE[name])
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    save_weights(model, checkpoints / f"epoch=0-step={steps}-best.ckpt", steps)


def evaluate(sample_dir: Path, shots: Shots, truth: pd.DataFrame) -> pd.DataFrame:
    """Errors in pixels of the full frame and likelihoods, by place, over visible keypoints.

    The pose model sees crops round the true keypoints, sized as ``create_bbox`` does with its default
    ratio.
    """
    places = {"easy": is_easy(truth).to_numpy()}
    places |= {tag: truth["places"].str.contains(tag).to_numpy() for tag in HARD}
    visible = truth[[f"{name}_visible" for name in KEYPOINTS]].to_numpy() == 1
    rows = {}
    for name in ("detector", "pose"):
        found, likelihood = predict(
            sample_dir / "models" / name, shots, BOX_RATIO if name == "pose" else None
        )
        error = np.hypot(*np.moveaxis(found - shots.points, 2, 0))
        for place, chosen in places.items():
            counted = visible & chosen[:, None]
            rows[f"{name} {place}"] = {
                "frames": int(chosen.sum()),
                "median_px": float(np.median(error[counted])),
                "p90_px": float(np.percentile(error[counted], 90)),
                "likelihood_median": float(np.median(likelihood[chosen])),
                "likelihood_below_0.9": float(np.mean(likelihood[chosen] < 0.9)),
            }
    return pd.DataFrame.from_dict(rows, orient="index")


if __name__ == "__main__":
    main()
