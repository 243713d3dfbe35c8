"""A project for the commands; a module may have one of its own."""

from pathlib import Path

import numpy as np
import pytest

from cli_runs import N
from conformance.litpose import write_model_config
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions
from videos import pattern_video


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A detector with predictions of one video."""
    model = write_model_config(tmp_path / "model", ("nose", "tail"), tmp_path)
    pattern_video(tmp_path / "v.mp4", N)
    i = np.arange(N)
    nose = np.column_stack([30 + i, np.full(N, 20.0)])
    xy = np.stack([nose, nose + np.array([14, 11])], axis=1)
    write_predictions(model / "video_preds" / "v.csv", Poses(("nose", "tail"), xy, np.full((N, 2), 0.9)))
    sign(model / "video_preds" / "v.csv", tmp_path / "v.mp4")
    return tmp_path
