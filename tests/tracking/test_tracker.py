import re
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Box, iou
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, run_stage
from napari_cropzoom.tracking.scene import learn_scene, reduced, walk
from napari_cropzoom.tracking.tracker import follow
from napari_cropzoom.video.video import Video
from videos import write_video

WIDTH, HEIGHT, N_FRAMES = 320, 240, 90
PATCH_W, PATCH_H = 34, 28
MIDDLE = 40
SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


def path_of(n_frames: int = N_FRAMES) -> np.ndarray:
    """Top-left corner of the patch, (T, 2), whole pixels: up to 5 px a frame."""
    turn = 2 * np.pi * np.arange(n_frames) / 110
    return np.round(np.c_[140 + 90 * np.cos(turn), 100 + 60 * np.sin(2 * turn)]).astype(int)


def texture(rng: np.random.Generator, low: float, high: float, height: int, width: int, cell: int):
    return np.kron(
        rng.uniform(low, high, (-(-height // cell), -(-width // cell))), np.ones((cell, cell))
    )[:height, :width]


def write_patch(path: Path, corners, *, cover=None, twin=None, seed=3, gop=15) -> np.ndarray:
    """Write a textured patch over a textured floor; return its boxes, (T, 4), twice its size."""
    rng = np.random.default_rng(seed)
    floor = texture(rng, 110, 180, HEIGHT, WIDTH, 6)
    skin = texture(rng, 10, 90, PATCH_H, PATCH_W, 4)

    def pictures():
        for number, corner in enumerate(corners):
            image = floor.copy()
            for x, y in [corner] if twin is None else [corner, twin[number]]:
                put(image, skin, int(x), int(y))
            if cover is not None:
                x, y, w, h = cover
                image[y : y + h, x : x + w] = floor[y : y + h, x : x + w][::-1]
            image += rng.normal(0, 2, image.shape)
            yield np.clip(image, 0, 255).astype(np.uint8)

    write_video(path, pictures(), options={"crf": "18", "preset": "veryfast"}, gop=gop)
    size = np.array([PATCH_W, PATCH_H])
    return np.hstack([corners - size / 2, np.tile(2 * size, (len(corners), 1))]).astype(float)


def put(image: np.ndarray, skin: np.ndarray, x: int, y: int) -> None:
    top, left = max(y, 0), max(x, 0)
    part = skin[top - y : HEIGHT - y, left - x : WIDTH - x]
    image[top : top + part.shape[0], left : left + part.shape[1]] = part


def centre_errors(result, truth: np.ndarray) -> np.ndarray:
    true = truth[result.first : result.last + 1]
    middles = [boxes[:, :2] + boxes[:, 2:] / 2 for boxes in (result.boxes, true)]
    return np.linalg.norm(middles[0] - middles[1], axis=1)


def tell_of_the_frames_between(result):
    """What was followed may end before the frame that is named as unsure."""
    unsure, first = int(re.search(r"at frame (\d+):", result.stopped)[1]), result.last + 1
    where = f"frame {first}" if unsure == first + 1 else f"frames {first} to {unsure - 1}"
    told = f"; it was not seen whole in {where}, so nothing has changed there"
    assert result.stopped.endswith(told) if unsure > first else "seen whole in" not in result.stopped


@pytest.fixture(scope="module")
def roaming(tmp_path_factory):
    path = tmp_path_factory.mktemp("follow") / "roaming.mp4"
    truth = write_patch(path, path_of())
    with Video(path) as video:
        yield video, truth


@pytest.mark.parametrize(("frame", "last"), [(10, 70), (80, 20)], ids=["forward", "backward"])
def test_a_patch_is_followed_both_ways(roaming, frame, last):
    video, truth = roaming
    result = run_stage(follow(video, frame, Box(*truth[frame]), last))
    assert result.stopped == f"reached frame {last}"
    assert (result.first, result.last) == (min(frame + 1, last), max(frame - 1, last))
    assert centre_errors(result, truth).max() <= 1.5
    np.testing.assert_allclose(result.boxes[:, 2:], truth[frame, 2:] * np.ones((60, 1)), rtol=0.08)


def test_it_stops_where_the_patch_goes_under_a_cover(tmp_path):
    corners = np.c_[20 + 3 * np.arange(N_FRAMES), np.full(N_FRAMES, 100)]
    truth = write_patch(tmp_path / "cover.mp4", corners, cover=(170, 70, 150, 100))
    hidden_from = int(np.argmax(corners[:, 0] + PATCH_W > 170))
    gone_from = int(np.argmax(corners[:, 0] > 170))
    with Video(tmp_path / "cover.mp4") as video:
        result = run_stage(follow(video, 5, Box(*truth[5]), N_FRAMES - 1))
    assert result.stopped.startswith(("unsure at frame", "lost at frame"))
    assert hidden_from - 3 <= result.last <= gone_from + 2
    tell_of_the_frames_between(result)
    assert np.median(centre_errors(result, truth)) <= 1.5
    assert iou(result.boxes, truth[result.first : result.last + 1]).min() > 0.6


def test_a_twin_that_passes_nearby_is_not_followed(tmp_path):
    corners = np.c_[20 + 3 * np.arange(N_FRAMES), np.full(N_FRAMES, 70)]
    twin = np.c_[280 - 3 * np.arange(N_FRAMES), np.full(N_FRAMES, 70 + PATCH_H + 22)]
    truth = write_patch(tmp_path / "twin.mp4", corners, twin=twin)
    with Video(tmp_path / "twin.mp4") as video:
        result = run_stage(follow(video, 4, Box(*truth[4]), 80))
    assert len(result.boxes) >= 25
    assert centre_errors(result, truth).max() <= 4


def test_a_box_partly_outside_the_frame(tmp_path):
    corners = np.c_[np.full(60, 4), 30 + 2 * np.arange(60)]
    truth = write_patch(tmp_path / "edge.mp4", corners)
    assert truth[5, 0] < 0
    with Video(tmp_path / "edge.mp4") as video:
        result = run_stage(follow(video, 5, Box(*truth[5]), 50))
    assert result.stopped == "reached frame 50"
    assert centre_errors(result, truth).max() <= 1.5


def test_a_box_on_the_bare_floor_is_refused_in_words(roaming):
    video, truth = roaming
    frame = int(np.argmax(truth[:, 0]))
    result = run_stage(follow(video, frame, Box(10, 150, 60, 60), frame + 20))
    assert result.boxes.shape == (0, 4)
    assert result.stopped.startswith(f"lost at frame {frame}: nothing in its box")


def test_a_moving_camera_is_refused_in_words(tmp_path):
    rng = np.random.default_rng(1)
    floor = texture(rng, 20, 230, HEIGHT + 120, WIDTH + 120, 12)
    pictures = [floor[s : s + HEIGHT, s : s + WIDTH].astype(np.uint8) for s in range(0, 120, 2)]
    path = write_video(tmp_path / "moving.mp4", pictures)
    with Video(path) as video, pytest.raises(CropzoomError, match="Following needs a still camera"):
        run_stage(follow(video, 5, Box(100, 80, 60, 60), 20))


def test_it_ends_where_the_detector_is_right_again(roaming):
    video, truth = roaming
    detected = truth.copy()
    detected[20:40, 0] += 120
    detected[25] = np.nan
    result = run_stage(follow(video, 30, Box(*truth[30]), 80, until=detected))
    assert result.stopped == "agrees with the detector again from frame 40"
    assert (result.first, result.last) == (31, 39)
    result = run_stage(follow(video, 30, Box(*truth[30]), 0, until=detected))
    assert result.stopped == "agrees with the detector again from frame 19"
    assert (result.first, result.last) == (20, 29)


def test_the_scene_comes_back_for_the_next_box_and_sizes_can_be_kept(roaming):
    video, truth = roaming
    first = run_stage(follow(video, 10, Box(*truth[10]), 20))
    again = run_stage(follow(video, 10, Box(*truth[10]), 20, background=first.scene, keep_size=True))
    assert again.scene is first.scene
    assert (again.boxes[:, 2:] == truth[10, 2:]).all()


def test_it_reports_and_can_be_stopped(roaming):
    video, truth = roaming
    stage = follow(video, 80, Box(*truth[80]), 0)
    seen = [next(stage) for _ in range(40)]
    assert all(isinstance(progress, Progress) for progress in seen)
    stage.close()
    assert video.frame(3).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("frame", "box", "last", "message"),
    [
        (10, Box(50, 50, 40, 40), 10, "nothing to follow from frame 10"),
        (10, Box(np.nan, np.nan, np.nan, np.nan), 20, "Frame 10 has no box"),
        (10, Box(50, 50, 0, 40), 20, "Frame 10 has no box"),
        (10, Box(-100, 50, 40, 40), 20, "lies outside the frame"),
        (10, Box(50, 50, 40, 40), N_FRAMES, f"not in this video of {N_FRAMES} frames"),
        (-1, Box(50, 50, 40, 40), 5, "not in this video"),
    ],
)
def test_what_cannot_be_followed_is_refused(roaming, frame, box, last, message):
    with pytest.raises(CropzoomError, match=message):
        run_stage(follow(roaming[0], frame, box, last))


def test_boxes_of_another_video_are_refused(roaming):
    video, truth = roaming
    with pytest.raises(CropzoomError, match=f"has {N_FRAMES} frames"):
        run_stage(follow(video, 10, Box(*truth[10]), 20, until=truth[:-1]))


@pytest.mark.parametrize("gop", [7, 250])
def test_walking_backward_gives_the_same_frames(tmp_path, gop):
    write_patch(tmp_path / "walk.mp4", path_of(40), gop=gop)
    with Video(tmp_path / "walk.mp4") as video:
        forward = [image for image in walk(video, 3, 30, 2) if not isinstance(image, bool)]
        backward = [image for image in walk(video, 30, 3, 2) if not isinstance(image, bool)]
    assert len(forward) == 28
    np.testing.assert_array_equal(np.stack(forward), np.stack(backward)[::-1])


def test_a_moving_animal_is_not_part_of_the_scene(roaming):
    video, _ = roaming
    scene = run_stage(learn_scene(video, 0))
    assert scene.gray.shape == (HEIGHT, WIDTH)
    assert scene.gray.min() > 80
    assert reduced(scene.gray, 3).shape == (HEIGHT // 3, WIDTH // 3)


@pytest.mark.skipif(not (SAMPLE / "truth.csv").exists(), reason="the sample project is not here")
def test_the_sample_animal(tmp_path):
    table = np.genfromtxt(SAMPLE / "truth.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    names = [name[:-2] for name in table.dtype.names if name.endswith("_x")]
    xy = np.stack([np.c_[table[f"{name}_x"], table[f"{name}_y"]] for name in names], axis=1)
    side = 2 * np.ptp(xy, axis=1).max(axis=1)
    truth = np.c_[xy.mean(axis=1) - side[:, None] / 2, side, side]
    with Video(SAMPLE / "videos" / "roaming.mp4") as video:
        scene = run_stage(learn_scene(video, 0))
        for frame, last in [(90, 130), (369, 410), (875, 840)]:
            result = run_stage(follow(video, frame, Box(*truth[frame]), last, background=scene))
            score = iou(result.boxes, truth[result.first : result.last + 1])
            assert len(score) == abs(last - frame)
            assert np.median(score) > 0.8
            assert score.min() > 0.6
