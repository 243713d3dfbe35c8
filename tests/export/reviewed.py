"""A small real review for the tests of reports: faults, what a person does about them, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.editing import range_tools
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N, WIDTH, HEIGHT = 160, 192, 128


@dataclass(frozen=True)
class Reviewed:
    """Files of a review."""

    video: Path
    raw: Path
    before: Path
    after: Path


def raw_boxes() -> np.ndarray:
    """An animal that goes to the right, with a jump, a gap and a box that blows up."""
    t = np.arange(N, dtype=float)
    boxes = np.column_stack([10 + t * 0.7, 40 + 10 * np.sin(t / 20), np.full(N, 40.0), np.full(N, 40.0)])
    boxes = np.rint(boxes)
    boxes[50:53, 0] += 60
    boxes[90:95] = np.nan
    boxes[120:123, 2:] = 110
    return boxes


def poses(seed: int, likelihood: float) -> Poses:
    rng = np.random.default_rng(seed)
    centre = np.column_stack([30 + np.arange(N) * 0.7, np.full(N, 60.0)])
    xy = np.stack([centre - 8, centre + 8], axis=1) + rng.normal(0, 0.5, (N, 2, 2))
    values = np.clip(rng.normal(likelihood, 0.05, (N, 2)), 0, 1)
    return Poses(("nose", "tail-tip"), xy, values)


def make_review(folder: Path, video_name: str = "mouse.mp4") -> Reviewed:
    """Make boxes with faults and review them: by hand, with a tool, by accepting and deleting."""
    video = folder / video_name
    make_numbered_video(video, N, size=(WIDTH, HEIGHT))
    raw = folder / "preds" / f"{video.stem}_bbox.csv"
    write_bbox_csv(raw, raw_boxes())
    files = Reviewed(
        video, raw, raw.with_name(f"{video.stem}.csv"), folder / "pose" / f"{video.stem}.csv"
    )
    write_predictions(files.before, poses(1, 0.8))
    files.after.parent.mkdir(parents=True, exist_ok=True)
    write_predictions(files.after, poses(2, 0.95))
    session = Session(Video(video))
    try:
        session.load_boxes(raw, allow_missing=True)
        session.smoothing = SmoothingSettings("median", 7)
        session.set_box(51, Box(45, 45, 40, 40))
        session.apply(range_tools.interpolate(session.track, 50, 52))
        session.fill_gap(90, 92)
        session.delete_box(100)
        session.accept(120, 122)
        session.set_box(10, Box(16, 44, 40, 40))
        session.undo()
        session.save()
    finally:
        session.close()
    return files
