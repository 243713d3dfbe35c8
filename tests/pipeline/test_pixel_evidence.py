"""What the pixels of a real, small video say of boxes that are right and of boxes that stay behind."""

import av
import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.evidence import Motion
from napari_cropzoom.core.review import Evidence, at_least, find_bursts
from napari_cropzoom.pipeline.pixel_evidence import pixel_evidence, read_motion, write_motion
from napari_cropzoom.pipeline.progress import run_stage

N, SIZE = 90, 24


def paths():
    t = np.arange(N)
    return np.column_stack([20 + 2.5 * t, 60 + 30 * np.sin(t / 15)]).round()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "blob.mp4"
    floor = np.random.default_rng(0).integers(90, 110, (160, 320)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 320, 160, "yuv420p"
        for x, y in paths().astype(int):
            frame = floor.copy()
            frame[y : y + SIZE, x : x + SIZE] = 30
            image = av.VideoFrame.from_ndarray(np.repeat(frame[..., None], 3, axis=2), format="rgb24")
            container.mux(stream.encode(image))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def motion(video):
    return run_stage(pixel_evidence(video))


def right_boxes():
    return np.column_stack([paths() - 4, np.full((N, 2), SIZE + 8.0)])


def flagged(boxes, motion):
    return at_least(find_bursts(boxes, Evidence(frame_size=(320, 160), motion=motion)))


def test_right_boxes_are_not_doubted(motion):
    assert motion.boxes.shape[0] == N
    assert flagged(right_boxes(), motion) == []


def test_a_frozen_box_over_moving_pixels(motion):
    boxes = right_boxes()
    boxes[60:] = boxes[60]  # to the end: no leap gives it away
    assert flagged(boxes, None) == []
    (burst,) = flagged(boxes, motion)
    assert 60 < burst.first < 72
    assert burst.last == N - 1
    assert any("background" in reason or "animal seems" in reason for reason in burst.reasons)


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
