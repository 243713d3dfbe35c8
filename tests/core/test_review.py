import numpy as np

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import anchor_likelihood


def test_likelihood_is_the_mean_over_the_anchor_keypoints():
    poses = Poses(("a", "b", "c"), np.zeros((1, 3, 2)), np.array([[0.2, np.nan, 0.9]]))
    np.testing.assert_allclose(anchor_likelihood(poses, ("a", "b")), [0.1])
