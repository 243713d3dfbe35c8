"""The sample project: a rodent in an arena, its truth, and two trained models."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.projects.sample_place import SAMPLE_VARIABLE, SAMPLE_VIDEO, sample_root
from napari_cropzoom.reader import LayerData, read_videos

if TYPE_CHECKING:
    from napari_cropzoom.widgets.dock import CropzoomDock

HARD_PLACES = "shelter|mirror|dash"
NEXT = "The sample is open, with its two models. Next: Run detector."
HELD_OUT_FROM = 600
"""The models of the sample were trained on frames before this one, and on other videos."""


@dataclass(frozen=True)
class SampleProject:
    """Where the parts of the sample are.

    Attributes
    ----------
    root : Path
        The Lightning Pose project.
    video : Path
    truth : Path
        CSV of true boxes and keypoints, one row a frame.
    detector, pose : Path
        Lightning Pose model folders.
    """

    root: Path

    @property
    def video(self) -> Path:
        return self.root / SAMPLE_VIDEO

    @property
    def truth(self) -> Path:
        return self.root / "truth.csv"

    @property
    def detector(self) -> Path:
        return self.root / "models" / "detector"

    @property
    def pose(self) -> Path:
        return self.root / "models" / "pose"


def sample_project() -> SampleProject:
    """Locate the sample.

    Raises
    ------
    CropzoomError
        If it is not here.
    """
    root = sample_root()
    if root is not None:
        return SampleProject(root)
    named = os.environ.get(SAMPLE_VARIABLE)
    if named:
        raise CropzoomError(
            f"{named}: there is no {SAMPLE_VIDEO.as_posix()} in it. Set {SAMPLE_VARIABLE} to the "
            "sample_data folder of napari-cropzoom's source."
        )
    raise CropzoomError(
        "The sample comes with napari-cropzoom's source, not with the installed package. Get the source "
        f"and set {SAMPLE_VARIABLE} to its sample_data folder."
    )


def errors_from_truth(truth_csv: Path, poses: Poses) -> tuple[FloatArray, BoolArray]:
    """Errors of keypoints found in the sample's video, and which of them are fair to count.

    Parameters
    ----------
    truth_csv : Path
        The sample's ``truth.csv``.
    poses : Poses
        T frames of K body parts, pixels of the frame.

    Returns
    -------
    errors : (T, K) float64
        Pixels of the frame; NaN where no keypoint was found.
    is_fair : (T, K) bool
        Seen, in the half of the video that no model was trained on, and in no hard place.
    """
    import pandas as pd

    truth = pd.read_csv(truth_csv, index_col="frame", keep_default_na=False)
    part = {name: truth[[f"{name}_x", f"{name}_y"]].to_numpy(float) for name in poses.names}
    errors = np.hypot(
        *np.moveaxis(poses.xy - np.stack([part[name] for name in poses.names], axis=1), 2, 0)
    )
    is_easy = ~truth["places"].str.contains(HARD_PLACES).to_numpy()
    is_easy[:HELD_OUT_FROM] = False
    is_seen = truth[[f"{name}_visible" for name in poses.names]].to_numpy() == 1
    return errors, is_easy[:, None] & is_seen


def true_boxes(sample: SampleProject, sizing: SizingSettings, *, seen_only: bool = False) -> FloatArray:
    """(T, 4) boxes ``x, y, w, h`` round the true keypoints of the sample's video.

    ``seen_only`` leaves out frames in which most of the animal is hidden.
    """
    import pandas as pd

    table = pd.read_csv(sample.truth)
    names = tuple(name[:-2] for name in table.columns if name.endswith("_x"))
    xy = np.stack([table[[f"{name}_x", f"{name}_y"]].to_numpy() for name in names], axis=1)
    boxes = boxes_from_keypoints(Poses(names, xy, np.ones(xy.shape[:2])), sizing)
    if seen_only:
        is_visible = table[[f"{name}_visible" for name in names]].to_numpy()
        boxes[is_visible.mean(axis=1) < 0.5] = np.nan
    return boxes


def make_sample() -> list[LayerData]:
    """Napari's File > Open Sample > Roaming mouse: the video, opened in the docks with its two models.

    Raises
    ------
    CropzoomError
        If the sample is not here.
    """
    sample = sample_project()

    def choose_models(dock: CropzoomDock) -> None:
        dock["detect"].propose_model(sample.detector)
        dock["pose"].propose_model(sample.pose)
        result = dock["detect"].existing()
        if result is None or not result.is_file():
            dock["detect"].message.show_info(NEXT)

    return read_videos(sample.video, choose_models)
