"""What a person is told of tables of keypoints that say little of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.belonging import read_predictions_of
from napari_cropzoom.files.predictions_csv import write_predictions
from videos import make_numbered_video

N = 6


@pytest.mark.parametrize(
    ("likelihood", "is_odd"), [(0.98, False), (1.04, False), (98.0, True), (-0.2, True), (np.nan, False)]
)
def test_likelihoods_that_are_none_are_told(tmp_path, likelihood, is_odd):
    video = make_numbered_video(tmp_path / "v.mp4", N)
    values = np.full((N, 1), 0.5)
    values[3] = likelihood
    write_predictions(tmp_path / "v.csv", Poses(("nose",), np.full((N, 1, 2), 20.0), values))
    poses, said = read_predictions_of(tmp_path / "v.csv", N, video)
    np.testing.assert_allclose(poses.likelihood, values)  # as they are
    assert "taken on trust" in said
    assert ("not from 0 to 1" in said) == is_odd
