"""The detector's track of the real video that ``make_arena.py`` makes, for `review.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_cropzoom.core.inspection.inspection import anchor_likelihood
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.detection.evidence import pixel_evidence
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.video.video import Video
from review_animals import Recording

DISTRACTORS = 4


def arena_recording(arena: Path, seed: int) -> Recording:
    """Boxes and likelihood as the detector gave them; where the animal is, from the known path.

    The clip moves along the path, and the animal hardly within the clip: it is the usual place of the
    detector's boxes relative to the path, and their usual size.
    """
    path = pd.read_csv(arena / "truth.csv")[["x", "y"]].to_numpy(float)
    with Video(arena / "videos" / "arena.mp4") as video:
        size = (video.width, video.height)
    poses, boxes = _detected(arena, len(path))
    middle, side = _place(boxes, path)
    truth = np.column_stack([path + middle - side / 2, np.tile(side, (len(path), 1))])
    places = np.random.default_rng(seed).uniform(0, size, (DISTRACTORS, 2))
    things = [np.tile(place, (len(path), 1)) for place in places]
    return Recording(truth, boxes, anchor_likelihood(poses), things, size)


def usual_place(arena: Path) -> tuple[np.ndarray, np.ndarray]:
    """Where the detector puts a box on the path, middle and sides, in pixels; both (2,)."""
    path = pd.read_csv(arena / "truth.csv")[["x", "y"]].to_numpy(float)
    return _place(_detected(arena, len(path))[1], path)


def _detected(arena: Path, frames: int) -> tuple[Poses, np.ndarray]:
    poses = read_predictions(arena / "detector" / "video_preds" / "arena.csv", frames)
    return poses, boxes_from_keypoints(poses, SizingSettings())


def _place(boxes: np.ndarray, path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = np.median(boxes[:, :2] + boxes[:, 2:] / 2 - path, axis=0)
    return middle, np.median(boxes[:, 2:], axis=0)


def arena_motion(arena: Path) -> Motion:
    """What the pixels of the video say."""
    return run_stage(pixel_evidence(arena / "videos" / "arena.mp4"))
