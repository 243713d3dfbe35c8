"""Records of predictions: those of the version before are read, marks of guessed frames included."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from napari_cropzoom.files.provenance import (
    VERSION,
    made_with_path,
    read_made_with,
    read_video_predictions,
)

DATA = Path(__file__).resolve().parents[1] / "data"


def test_a_record_of_the_version_before_still_says_which_frames_were_interpolated(tmp_path):
    predictions = tmp_path / "v.csv"
    shutil.copyfile(DATA / "predictions_0.1.csv", predictions)
    shutil.copyfile(DATA / "predictions_0.1_made_with.npz", made_with_path(predictions))
    poses = read_video_predictions(predictions, 20)
    np.testing.assert_array_equal(np.flatnonzero(poses.interpolated), [3, 4, 12])
    record = read_made_with(made_with_path(predictions))
    assert record.version == 4 < VERSION
    assert record.device == "cpu"
