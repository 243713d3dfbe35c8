"""What the pose model finds in an animal's boxes is that animal's, in the session and on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.review_paths import own_place_of
from napari_cropzoom.review.keypoints import Keypoints
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.tracks import Tracks

N = 60


def poses_at(x: float, n: int = N) -> Poses:
    return Poses(("nose", "tail"), np.full((n, 2, 2), x), np.ones((n, 2)))


def test_the_pose_of_an_animal_is_no_other_ones(session: Session) -> None:
    first, second, found = poses_at(10), poses_at(90), poses_at(50)
    session.set_predictions("detector", found)
    session.set_predictions("pose", first)
    session.add_track("white", np.tile([80.0, 80, 20, 20], (session.n_frames, 1)))
    assert session.pose_poses is None
    assert session.keypoints.by_name == {"detector": found}
    assert session.keypoints.about("detector") is None  # it does not tell them apart
    session.set_predictions("pose", second)
    session.rename_track("white", "pale")
    assert session.pose_poses is second
    session.select_track("animal")
    session.rename_track("animal", "black")
    assert session.pose_poses is first
    assert session.keypoints.get("pose", "pale") is second
    session.add_track("white")
    assert session.pose_poses is None  # though one of that name had some
    session.remove_track("white")
    session.remove_track("pale")
    session.add_track("pale")
    assert session.pose_poses is None


def test_another_review_takes_no_pose_of_further_animals(session: Session) -> None:
    session.add_track("white")
    session.set_predictions("pose", poses_at(90))
    session.keypoints.follow(Tracks(session.n_frames))
    assert session.keypoints.by_name == {}


def test_suspects_are_of_the_pose_in_the_boxes_of_the_animal(session: Session) -> None:
    session.set_predictions("pose", poses_at(10))
    session.add_track("white", np.tile([80.0, 80, 20, 20], (session.n_frames, 1)))
    assert session.suspects.inspector("white")._pose is None
    assert session.suspects.inspector("animal")._pose is session.keypoints.get("pose", "animal")


def test_keypoints_of_a_review_without_window_are_told_apart() -> None:
    tracks = Tracks(N)
    tracks.add(tracks.new("white"))
    keypoints = Keypoints(N, tracks)
    keypoints.put("pose", poses_at(10), "")
    assert keypoints.get("pose", "white") is None
    assert keypoints.get("pose", "animal") is not None
    with pytest.raises(CropzoomError, match="keypoints of 3 frames"):
        keypoints.put("pose", poses_at(10, 3), "white")


def test_the_folder_of_an_animal_is_what_output_dir_gives(tmp_path: Path) -> None:
    video, raw = Path("v.mp4"), tmp_path / "detector" / "video_preds" / "white" / "v_bbox.csv"
    model = ModelFolder.open(make_predictions_folder(tmp_path / "pose", video, poses_at(10)))
    as_told = ModelFolder.open(model.path, results=raw.parent)
    assert own_place_of(model.predictions_csv(video), raw) == as_told.predictions_csv(video)
    assert own_place_of(model.cropped_video(video), raw) == as_told.cropped_video(video)
    elsewhere = ModelFolder.open(model.path, results=tmp_path / "results")
    assert own_place_of(elsewhere.predictions_csv(video), raw) == as_told.predictions_csv(video)
