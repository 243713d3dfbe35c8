"""The guide's training script by `cropzoom` and `litpose` in turn: each goes on after the other.

Four trainings, so it runs only where it is asked for: ``CROPZOOM_TRAINING_FLOW=1``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conformance.litpose import run_litpose
from labeled import NAMES, make_labeled_project, tiny_config
from napari_cropzoom.engine.model_folder import ModelFolder

pytestmark = [
    pytest.mark.timeout(0),
    pytest.mark.skipif(
        not os.environ.get("CROPZOOM_TRAINING_FLOW"), reason="takes minutes: CROPZOOM_TRAINING_FLOW=1"
    ),
]


def run_cropzoom(words: list[str | Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_cropzoom.cli", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", [0, 1], ids=["cropzoom first", "litpose first"])
def test_each_goes_on_after_the_other(first: int, tmp_path: Path) -> None:
    project = make_labeled_project(tmp_path / "project")
    shutil.rmtree(project / "models")
    config = tiny_config(project, 3)
    detector, pose, labels = (
        project / "models/detector",
        project / "models/pose",
        project / "CollectedData.csv",
    )
    script: list[list[str | Path]] = [
        ["train", config, "--output_dir", detector],
        ["predict", detector, labels],
        ["create_bbox", detector, labels],
        ["crop", detector, labels],
        ["train", config, "--output_dir", pose, "--detector_model", detector],
    ]
    for number, words in enumerate(script):
        if number % 2 == first:
            run_cropzoom(words)
        else:
            assert run_litpose([words]) == []
    folder = detector / "image_preds" / "CollectedData.csv"
    boxes = pd.read_csv(folder / "bbox.csv", index_col=0)
    assert list(boxes.index) == list(NAMES)
    cropped = pd.read_csv(folder / "cropped_CollectedData.csv", header=[0, 1, 2], index_col=0)
    moved = pd.read_csv(labels, header=[0, 1, 2], index_col=0).to_numpy() - cropped.to_numpy()
    np.testing.assert_allclose(
        np.nan_to_num(moved.reshape(len(NAMES), -1, 2)[:, 0]), boxes[["x", "y"]].to_numpy()
    )
    assert all((detector / "cropped_images" / name).is_file() for name in NAMES)
    trained = ModelFolder.open(pose)
    assert trained.checkpoint is not None
    assert trained.is_of_crops
    assert (pose / "predictions_pixel_error.csv").is_file()
