import numpy as np

from napari_cropzoom.core import edits
from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import anchor_likelihood, stretch_at, suspicious_frames


def test_gaps_and_low_likelihood_come_as_stretches_with_their_worst_frame():
    raw = np.tile([1.0, 1, 10, 10], (20, 1))
    raw[3:6] = np.nan
    track = BoxTrack(raw)
    likelihood = np.ones(20)
    likelihood[[9, 10, 11]] = [0.4, 0.1, 0.3]
    likelihood[4] = 0  # missing anyway: told once
    found = suspicious_frames(track, likelihood)
    assert [(s.frame, s.first, s.last) for s in found] == [(3, 3, 5), (10, 9, 11)]
    assert stretch_at(found, 5) == (3, 5)
    assert stretch_at(found, 7) == (7, 7)
    assert [s.reason for s in found] == ["no box for 3 frames", "low likelihood (0.10) for 3 frames"]


def test_what_a_person_settled_is_left_out():
    raw = np.tile([1.0, 1, 10, 10], (20, 1))
    track = BoxTrack(raw)
    likelihood = np.ones(20)
    likelihood[[5, 9, 12]] = 0.2
    edits.accept(track, 9, 9).apply({track.name: track})
    edits.delete_box(track, 12).apply({track.name: track})
    assert [s.frame for s in suspicious_frames(track, likelihood)] == [5]


def test_likelihood_is_the_mean_over_the_anchor_keypoints():
    poses = Poses(("a", "b", "c"), np.zeros((1, 3, 2)), np.array([[0.2, np.nan, 0.9]]))
    np.testing.assert_allclose(anchor_likelihood(poses, ("a", "b")), [0.1])
