"""Smoothing for the verbs that do it, and what is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.core.boxes import FloatArray
    from napari_cropzoom.core.smoothing.methods import SmoothingSettings


def smoothed_boxes(boxes: FloatArray, settings: SmoothingSettings) -> FloatArray:
    """Smooth boxes and round them to whole pixels."""
    import numpy as np

    from napari_cropzoom.core.smoothing.methods import smooth

    smoothed: FloatArray = np.rint(smooth(boxes, settings))
    return smoothed


def count_left(boxes: FloatArray, settings: SmoothingSettings) -> int:
    """How many boxes, (T, 4), that no person has looked at are left by smoothing."""
    import numpy as np

    from napari_cropzoom.core.smoothing.leaving import frames_left

    nobody = np.zeros(len(boxes), bool)
    if not frames_left(boxes, settings, nobody, nobody):
        return 0
    from napari_cropzoom.core.inspection.inspection import doubtful_frames  # which needs scipy

    return frames_left(boxes, settings, nobody, doubtful_frames(boxes))


def told_of_smoothing(path: Path, count: int, n_frames: int, cure: str) -> str:
    """In how many frames smoothing has moved the boxes of a file off the animal; empty if in none."""
    from napari_cropzoom.core.smoothing.leaving import told_of_left

    told = told_of_left(count, n_frames)
    return told and f"{path}: {told}. {cure}."


def told_of_smoothing_before(path: Path, boxes: FloatArray) -> str:
    """The same of boxes, (T, 4), that were smoothed before: by a review, `smooth_bbox` or `run`."""
    from napari_cropzoom.files.review_paths import frames_left_in

    left = frames_left_in(path) or _left_by_smooth_bbox(path, boxes)
    return told_of_smoothing(path, left, len(boxes), "Smooth them again with a smaller window")


def _left_by_smooth_bbox(path: Path, boxes: FloatArray) -> int:
    """How many boxes smoothing has left, where a file is what ``metadata.json`` beside it says it is."""
    import numpy as np

    from napari_cropzoom.core.smoothing.methods import SmoothingSettings
    from napari_cropzoom.files.bbox_csv import read_bbox_csv, read_metadata

    try:
        how = read_metadata(path.parent)
        raw = Path(str(how["source"])) / path.name
        if "videos" in how or not raw.is_file():
            return 0
        settings = SmoothingSettings(str(how["method"]), int(how["window"]))
        before = read_bbox_csv(raw, len(boxes))
        is_that = np.array_equal(smoothed_boxes(before, settings), boxes)
        return count_left(before, settings) if is_that else 0
    except (CropzoomError, KeyError, TypeError, ValueError):
        return 0  # nobody says how they were smoothed
