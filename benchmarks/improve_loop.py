"""The loop, measured: does a detector get better by the frames that a person has corrected?

    python benchmarks/improve_loop.py FOLDER --tools ../shared/tools [--jobs 8] [--repeats 2]

For each repeat a detector is trained on 40 labels of the plain arena of ``make_arena.py``, and a pose
model on crops round the same labels. For each of three pairs of hard arenas the first recording is
reviewed by script (wrong boxes that lie in a suspect are set right), and `cropzoom improve` makes 30
labeled frames of it. The detector is trained on from its weights at equal steps with labels that differ,
and the frames with a wrong box are counted in the second recording, which nothing was trained on.

Everything is half as large as by default, since the networks see 128 x 128 in any case. Finished parts
are kept: the same command goes on where it ended. Results: ``FOLDER/results.json``, written after each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from napari_cropzoom.core.boxes import Box, Source, iou
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.scores import pixel_errors
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.detection.evidence import pixel_evidence
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import quoted_override
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions, read_predictions_table
from napari_cropzoom.files.provenance import read_video_predictions
from napari_cropzoom.projects.corrections import read_corrected
from napari_cropzoom.projects.labeling import label_frames, likely
from napari_cropzoom.projects.review_labels.record import with_review
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video

SCALE, SIZE, RATIO = 0.225, "480x360", 1.4
LABELS, ADDED, GAP, INPUT = 40, 30, 6, 128
WRONG_IOU, WRONG_PIXELS = 0.5, 30
PAIRS = (  # seeds of both recordings, place of the look-alike, light that is left in the shade
    ((31, 32), "320,30", 0.35),
    ((41, 42), "30,240", 0.35),
    ((51, 52), "200,135", 0.3),
)
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def main() -> None:
    """Run what is not there yet, and print a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--steps", type=int, default=400, help="of detector and pose model")
    parser.add_argument("--more", type=int, default=160, help="of each training from the old weights")
    parser.add_argument("--frames", type=int, default=500)
    args = parser.parse_args()
    os.environ.update(THREADS)  # many trainings at once with a thread a core each would stand still
    root: Path = args.folder.absolute()
    root.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        made = [
            pool.submit(make_arena, root, args.tools.absolute(), args.frames, p, w) for p, w in arenas()
        ]
        for each in as_completed(made):
            each.result()
        repeats = range(args.repeats)
        first = {
            pool.submit(work, root, args.steps, repeat): repeat
            for repeat in repeats
            for work in (make_detector, make_pose)
        }
        waits = dict.fromkeys(repeats, 2)
        rest: list[Future[list[dict[str, Any]]]] = []
        for done in as_completed(first):
            done.result()
            repeat = first[done]
            waits[repeat] -= 1
            if not waits[repeat]:
                shared = [
                    pool.submit(shared_arm, root, arm, args.more, repeat)
                    for arm in ("before", "none", "ordinary")
                ]
                rest += [
                    *shared,
                    *(pool.submit(own_arms, root, args.more, repeat, p) for p in range(len(PAIRS))),
                ]
        rows: list[dict[str, Any]] = []
        for ended in as_completed(rest):
            rows += ended.result()
            with atomic_path(root / "results.json") as part:
                part.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    for row in sorted(rows, key=lambda row: (row["pair"], row["arm"], row["repeat"])):
        print(json.dumps(row))


def arenas() -> Iterator[tuple[int | None, int]]:
    """The plain arena, and both recordings of each pair."""
    yield None, 0
    for pair in range(len(PAIRS)):
        yield pair, 0
        yield pair, 1


def make_arena(root: Path, tools: Path, frames: int, pair: int | None, which: int) -> None:
    """Run a tool of the folder ``tools``, unless its result is there."""
    words: list[object] = ["make_arena.py", root / "plain", "--frames", 4]
    made = root / "plain" / "CollectedData.csv"
    if pair is not None:
        seeds, decoy, dark = PAIRS[pair]
        name = f"{'ab'[which]}{pair}"
        words = ["make_hard_arena.py", root / "hard", name, "--seed", seeds[which], "--decoy", decoy]
        words += ["--dark", dark, "--first", 500 * which, "--frames", frames]
        made = root / "hard" / f"truth_{name}.csv"
    if not made.is_file():
        words = [sys.executable, tools / str(words[0]), *words[1:], "--size", SIZE, "--scale", SCALE]
        _run(words, root / "arenas.log")
    if pair is None:
        (root / "clip_labels.csv").write_bytes(
            (tools.parent / "data/mirror-mouse/CollectedData.csv").read_bytes()
        )


def _run(words: Sequence[object], log: Path) -> None:
    with log.open("ab") as sink:
        code = subprocess.run([str(word) for word in words], stdout=sink, stderr=sink).returncode
    if code:
        raise RuntimeError(f"{words}: exit code {code}, see {log}")


def cropzoom(project: Path, name: str, *words: object) -> None:
    """Run a command in a process of its own, as a person would; ``<name>.log`` has what it says."""
    _run([sys.executable, "-m", "napari_cropzoom.cli", *words], project / f"{name}.log")


def place(root: Path, repeat: int) -> Path:
    """A project with 40 of the labels, 30 more, 20 that no training sees, and all recordings."""
    project = root / f"repeat{repeat}"
    if (project / "held.csv").is_file():
        return project
    for folder, inner in (
        (root / "hard" / "videos", "videos"),
        (root / "plain" / "labeled-data", "labeled-data"),
    ):
        shutil.copytree(folder, project / inner, copy_function=os.link, dirs_exist_ok=True)
    labels = pd.read_csv(root / "plain" / "CollectedData.csv", header=[0, 1, 2], index_col=0)
    order = np.random.default_rng(repeat).permutation(len(labels))
    labels.iloc[sorted(order[:LABELS])].to_csv(project / "CollectedData.csv")
    labels.iloc[sorted(order[:LABELS])].to_csv(project / "none.csv")
    labels.iloc[sorted(order[: LABELS + ADDED])].to_csv(project / "ordinary.csv")
    labels.iloc[sorted(order[LABELS + ADDED :])].to_csv(project / "held.csv")
    return project


def write_config(path: Path, labels: Path, steps: int, seed: int) -> Path:
    """A configuration as ``make_arena.py`` writes, its length in steps."""
    content = yaml.safe_load(
        (labels.parents[1] / "plain" / "config_detector.yaml").read_text(encoding="utf-8")
    )
    content["data"] |= {"data_dir": str(labels.parent), "csv_file": labels.name}
    training = content["training"]
    for key in ("min_epochs", "max_epochs", "unfreezing_epoch"):
        training.pop(key)
    training |= {"min_steps": steps, "max_steps": steps, "unfreezing_step": 0, "num_gpus": 1}
    training |= {"rng_seed_data_pt": seed, "rng_seed_model_pt": seed}
    schedule = {"milestone_steps": [int(steps * 0.7)], "gamma": 0.3}
    training["lr_scheduler_params"] = {"multisteplr": schedule}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def make_detector(root: Path, steps: int, repeat: int) -> None:
    """Train the detector that all pairs of a repeat share."""
    project = place(root, repeat)
    labels, model = project / "CollectedData.csv", project / "models" / "detector"
    if not is_trained(model):
        config = write_config(project / "detector.yaml", labels, steps, repeat)
        cropzoom(project, "detector", "train", config, "--output_dir", model)


def make_pose(root: Path, steps: int, repeat: int) -> None:
    """Train the pose model on crops round the labels, so that it need not wait for the detector."""
    while not (root / f"repeat{repeat}" / "held.csv").is_file():
        time.sleep(0.2)  # the other task of this repeat places it
    project = root / f"repeat{repeat}"
    labels, model, crops = project / "CollectedData.csv", project / "models" / "pose", project / "crops"
    if is_trained(model):
        return
    shutil.rmtree(crops, ignore_errors=True)
    (crops / "image_preds" / labels.name).mkdir(parents=True)
    write_config(crops / "config.yaml", labels, steps, repeat)
    table = read_predictions_table(labels)
    boxes = boxes_from_keypoints(table.poses(), SizingSettings(crop_ratio=RATIO))
    write_bbox_csv(crops / "image_preds" / labels.name / "bbox.csv", boxes, table.index)
    cropzoom(project, "pose", "crop", crops, labels)
    config = write_config(project / "pose.yaml", labels, steps, repeat)
    cropzoom(project, "pose", "train", config, "--output_dir", model, "--detector_model", crops)


def is_trained(model: Path) -> bool:
    """Whether a training of it has come to its end."""
    file = model / "train_status.json"
    return file.is_file() and json.loads(file.read_text(encoding="utf-8")).get("status") == "COMPLETED"


def shared_arm(root: Path, arm: str, more: int, repeat: int) -> list[dict[str, Any]]:
    """The old detector, or one trained on with labels that owe nothing to a recording; on every pair."""
    model = train_on(root / f"repeat{repeat}", arm, more, repeat)
    return [measure(root, model, arm, repeat, pair) for pair in range(len(PAIRS))]


def own_arms(root: Path, more: int, repeat: int, pair: int) -> list[dict[str, Any]]:
    """Review the first recording of a pair; train on with frames corrected there, and random ones."""
    project = root / f"repeat{repeat}"
    said = review_and_label(root, project, repeat, pair)
    rows = []
    for arm in ("corrected", "random"):
        model = train_on(project, f"{arm}{pair}", more, repeat)
        rows.append(measure(root, model, arm, repeat, pair) | said)
    return rows


def train_on(project: Path, name: str, more: int, seed: int) -> Path:
    """A detector that was trained on from the weights of the first, with labels of this name."""
    detector, model = project / "models" / "detector", project / "models" / name
    if name == "before":
        return detector
    if not is_trained(model):
        config = write_config(project / f"{name}.yaml", project / f"{name}.csv", more, seed)
        weights = quoted_override("model.checkpoint", str(ModelFolder.open(detector).checkpoint))
        cropzoom(project, name, "train", config, "--output_dir", model, "--overrides", weights)
    return model


def review_and_label(root: Path, project: Path, repeat: int, pair: int) -> dict[str, Any]:
    """Predict, review by script, and write the tables ``corrected`` and ``random`` of a pair."""
    done = project / f"labels{pair}.json"
    if done.is_file():
        return dict(json.loads(done.read_text(encoding="utf-8")))
    # results of a pair lie apart, so that `improve` sees no review but its own
    results, video = project / f"results{pair}", project / "videos" / f"a{pair}.mp4"
    detector = ModelFolder.open(project / "models" / "detector", results=results)
    pose = ModelFolder.open(project / "models" / "pose", results=results)
    labels = project / f"labels{pair}.csv"
    shutil.rmtree(results, ignore_errors=True)  # a review that was broken off would go on
    shutil.copy(project / "CollectedData.csv", labels)
    log, where = f"review{pair}", ("--output_dir", results)
    cropzoom(project, log, "predict", detector.path, video, "--skip_viz", *where)
    cropzoom(project, log, "create_bbox", detector.path, video, "--crop_ratio", RATIO, *where)
    said = review(detector, video, truth(root, f"a{pair}"))
    words = [
        "improve",
        project,
        "--detector",
        detector.path,
        "--pose",
        pose.path,
        "--labels",
        labels,
        *where,
    ]
    words += ["--frames", ADDED, "--gap", GAP]
    with_review(labels).unlink(missing_ok=True)
    cropzoom(project, log, *words)
    shutil.copy(with_review(labels), project / f"corrected{pair}.csv")
    added = len(read_predictions_table(with_review(labels)).index) - LABELS
    found = read_corrected(detector, video)
    if isinstance(found, str):
        raise RuntimeError(found)
    poses = read_video_predictions(pose.predictions_csv(video), found.index.n_frames)
    blind = project / f"blind{pair}.csv"
    shutil.copy(project / "CollectedData.csv", blind)
    with_review(blind).unlink(missing_ok=True)
    usable = np.flatnonzero(likely(poses.names, poses, found, 0.5).mean(axis=1) >= 0.5)
    chosen = np.zeros(found.index.n_frames, bool)
    chosen[np.random.default_rng(10 * repeat + pair).permutation(usable)[:added]] = True
    stage = label_frames(
        blind,
        [replace(found, is_wrong=chosen)],
        [poses],
        count=added,
        gap=1,
        min_likelihood=0.5,
        has_context=False,
        pose_model=str(pose.path),
    )
    n_random = len(run_stage(stage).images)
    shutil.copy(with_review(blind), project / f"random{pair}.csv")
    said |= {"added": added, "added_random": n_random}
    done.write_text(json.dumps(said), encoding="utf-8")
    return said


def review(detector: ModelFolder, video: Path, true: np.ndarray) -> dict[str, Any]:
    """As a person would with the queue at hand: wrong boxes that lie in a suspect are set right."""
    raw = detector.bbox_csv(video)
    session = Session(Video(video))
    session.load_predictions("detector", detector.predictions_csv(video))
    session.load_boxes(raw, source=Source.DETECTED, allow_missing=True)
    wrong = wrong_boxes(session.track.raw, true)
    session.suspects.motion = run_stage(pixel_evidence(video))
    queue = session.queue()
    seen = np.zeros(len(wrong), bool)
    for each in queue:
        seen[each.first : each.last + 1] = True
    for frame in np.flatnonzero(wrong & seen).tolist():
        session.set_box(frame, Box(*true[frame].tolist()))
    session.save()
    session.close()
    return {"wrong_in_first": float(wrong.mean()), "of_these_in_suspects": float(seen[wrong].mean())}


def truth(root: Path, name: str) -> np.ndarray:
    """(T, 4) boxes as they lie on the pasted clip by its own labels, along the known path."""
    table = read_predictions_table(root / "clip_labels.csv")
    poses = table.poses()
    scaled = Poses(poses.names, poses.xy * SCALE, np.ones(poses.xy.shape[:2]))
    boxes = boxes_from_keypoints(scaled, SizingSettings(crop_ratio=RATIO))
    middle = np.nanmedian(boxes[:, :2] + boxes[:, 2:] / 2, axis=0)
    side = np.nanmedian(boxes[:, 2:], axis=0)
    path = pd.read_csv(root / "hard" / f"truth_{name}.csv")[["x", "y"]].to_numpy(float)
    return np.column_stack([path + middle - side / 2, np.tile(side, (len(path), 1))])


def wrong_boxes(boxes: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(T,) whether a box is missing or not where the animal is, as `review_hard.py` at half the size."""
    off = boxes[:, :2] + boxes[:, 2:] / 2 - true[:, :2] - true[:, 2:] / 2
    is_right: np.ndarray = (np.nan_to_num(iou(boxes, true)) >= WRONG_IOU) & (
        np.hypot(*off.T) <= WRONG_PIXELS
    )
    return ~is_right


def measure(root: Path, model: Path, arm: str, repeat: int, pair: int) -> dict[str, Any]:
    """Wrong boxes in the second recording, and errors on labels that no training has seen."""
    project = model.parents[1]
    video, held = project / "videos" / f"b{pair}.mp4", project / "held.csv"
    cropzoom(project, f"{model.name}_measured", "predict", model, video, held, "--skip_viz")
    folder = ModelFolder.open(model)
    true = truth(root, f"b{pair}")
    poses = read_predictions(folder.predictions_csv(video), len(true))
    wrong = wrong_boxes(boxes_from_keypoints(poses, SizingSettings(crop_ratio=RATIO)), true)
    labeled = read_predictions_table(held).poses()
    found = read_predictions_table(folder.image_preds_dir / held.name / "predictions.csv").poses()
    error = float(np.nanmedian(pixel_errors(labeled, found, labeled.names)))
    return {
        "pair": pair,
        "repeat": repeat,
        "arm": arm,
        "wrong": float(wrong.mean()),
        "held_out_px": error,
    }


if __name__ == "__main__":
    main()
