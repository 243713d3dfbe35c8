"""Recordings where the detector is wrong most, of ``make_hard_arena.py``, for `review.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cropzoom.core.boxes import iou
from napari_cropzoom.core.inspection.inspection import (
    Evidence,
    Inspection,
    Suspect,
    anchor_likelihood,
    at_least,
)
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.detection.evidence import pixel_evidence
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.video.video import Video
from review_arena import usual_place

WRONG_IOU, WRONG_PIXELS, NEAR = 0.5, 60, 2


@dataclass(frozen=True)
class Covered:
    """How far the entries of a queue cover the frames with a wrong box."""

    name: str
    frames: int
    wrong: int
    entries: int
    covered: float
    right: float
    missed: float


def measure_hard(hard: Path, arena: Path) -> Iterator[Covered]:
    """Each recording of a folder, without and with its pixels.

    Parameters
    ----------
    hard : Path
        Folder with ``videos/NAME.mp4``, ``truth_NAME.csv`` and ``detector/video_preds/NAME.csv``.
    arena : Path
        Folder of the plain arena whose labels the detector was trained on; it says how boxes lie on the
        animal when they are right.
    """
    middle, side = usual_place(arena)
    for video in sorted((hard / "videos").glob("*.mp4")):
        path = pd.read_csv(hard / f"truth_{video.stem}.csv")[["x", "y"]].to_numpy(float)
        truth = np.column_stack([path + middle - side / 2, np.tile(side, (len(path), 1))])
        poses = read_predictions(hard / "detector" / "video_preds" / f"{video.stem}.csv", len(path))
        boxes = boxes_from_keypoints(poses, SizingSettings())
        with Video(video) as source:
            size = (source.width, source.height)
        for how in ("", "with its video"):
            motion = run_stage(pixel_evidence(video)) if how else None
            found = Inspection.of(boxes, Evidence(anchor_likelihood(poses), poses, size, motion))
            wrong = wrong_boxes(boxes, truth)
            yield covered(f"{video.stem} {how}".strip(), at_least(found.suspects), wrong, found.missed)


def wrong_boxes(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(T,) whether a box is not where the animal is."""
    off = boxes[:, :2] + boxes[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2
    overlap = np.nan_to_num(iou(boxes, truth))
    is_wrong: np.ndarray = (overlap < WRONG_IOU) | (np.hypot(*off.T) > WRONG_PIXELS)
    return is_wrong


def covered(name: str, suspects: list[Suspect], wrong: np.ndarray, missed: float) -> Covered:
    """Share of the wrong frames that lie in an entry, and of the frames in entries that are wrong."""
    told = np.zeros(len(wrong), bool)
    for each in suspects:
        told[each.first : each.last + 1] = True
    near = np.convolve(wrong, np.ones(2 * NEAR + 1), "same") > 0
    return Covered(
        name,
        len(wrong),
        int(wrong.sum()),
        len(suspects),
        float(told[wrong].mean()) if wrong.any() else 1.0,
        float(near[told].mean()) if told.any() else 1.0,
        missed,
    )


def report_hard(results: Iterator[Covered]) -> dict[str, object]:
    """Print a line for each recording; return the numbers."""
    print("hard arenas: wrong boxes that entries cover, and frames in entries that are wrong")
    rows = []
    for each in results:
        print(
            f"  {each.name:<24}{each.wrong:>5} of {each.frames} wrong,{each.entries:>4} entries: "
            f"covered {each.covered:.3f}, right {each.right:.3f}, missed {each.missed:.2f}",
            flush=True,
        )
        rows.append(each.__dict__)
    return {"track": "hard", "recordings": rows}
