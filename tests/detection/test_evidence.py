"""What the pixels of a real, small video say of boxes that are right and of boxes that stay behind."""

import numpy as np
import pytest

from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import Evidence, at_least, find_suspects
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.detection.evidence import CameraMovesError, pixel_evidence, read_motion, write_motion
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from videos import write_video

N, SIZE = 90, 24


def paths():
    t = np.arange(N)
    return np.column_stack([20 + 2.5 * t, 60 + 30 * np.sin(t / 15)]).round()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "blob.mp4"
    floor = np.random.default_rng(0).integers(90, 110, (160, 320)).astype(np.uint8)
    pictures = []
    for x, y in paths().astype(int):
        pictures.append(floor.copy())
        pictures[-1][y : y + SIZE, x : x + SIZE] = 30
    return write_video(path, pictures)


@pytest.fixture(scope="module")
def motion(video):
    return run_stage(pixel_evidence(video))


def right_boxes():
    return np.column_stack([paths() - 4, np.full((N, 2), SIZE + 8.0)])


def flagged(boxes, motion):
    return at_least(find_suspects(boxes, Evidence(frame_size=(320, 160), motion=motion)))


def test_right_boxes_are_not_doubted(motion):
    assert motion.boxes.shape[0] == N
    assert flagged(right_boxes(), motion) == []


def test_a_frozen_box_over_moving_pixels(motion):
    boxes = right_boxes()
    boxes[60:] = boxes[60]  # to the end: no leap gives it away
    assert flagged(boxes, None) == []
    (suspect,) = flagged(boxes, motion)
    assert 60 < suspect.first < 72
    assert suspect.last == N - 1
    assert any("background" in reason or "animal seems" in reason for reason in suspect.reasons)


def test_a_camera_that_moves_is_told_and_flags_goes_on_without(tmp_path, capsys):
    floor = np.random.default_rng(0).integers(0, 255, (160, 640)).astype(np.uint8)
    shaken = (np.ascontiguousarray(floor[:, 3 * n : 3 * n + 320]) for n in range(N))
    path = write_video(tmp_path / "moving.mp4", shaken)
    with pytest.raises(CameraMovesError, match="the camera moves"):
        run_stage(pixel_evidence(path))
    write_bbox_csv(tmp_path / "moving_bbox.csv", right_boxes())
    assert main(["flags", str(tmp_path / "moving_bbox.csv"), "--video", str(path)]) == 0
    said = capsys.readouterr()
    assert "suspect" in said.out
    assert "note: " in said.err
    assert "the camera moves" in said.err


def test_what_was_found_so_far_is_given_on_the_way(video, motion):
    parts = []
    whole = run_stage(pixel_evidence(video, take=parts.append, parts=3))
    assert len(parts) == 2
    seen = [int((part.strength[:, 0] > 0).sum()) for part in parts]
    assert 0 < seen[0] < seen[1] < N
    np.testing.assert_array_equal(whole.boxes, motion.boxes)


def test_evidence_survives_the_disk_and_is_checked(motion, tmp_path):
    path = tmp_path / "folder" / "blob_motion.npz"
    write_motion(path, motion)
    again = read_motion(path, N)
    np.testing.assert_array_equal(again.boxes, motion.boxes)
    np.testing.assert_allclose(again.strength, motion.strength, rtol=1e-6)
    with pytest.raises(CropzoomError, match="90 frames of motion"):
        read_motion(path, N + 1)
    path.write_bytes(b"not an archive")
    with pytest.raises(CropzoomError, match="no evidence of motion"):
        read_motion(path, N)


def test_blobs_are_in_pixels_of_the_full_frame(motion):
    middle = motion.boxes[:, 0, :2] + motion.boxes[:, 0, 2:] / 2
    assert np.median(np.abs(middle - paths() - SIZE / 2)) < 3
    assert isinstance(motion, Motion)
