from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.detection.motion import MotionDetector, MotionSettings, framed
from napari_cropzoom.detection.path import Candidates, best_path
from napari_cropzoom.video.video import Video
from videos import write_video, zero_packets

WIDTH, HEIGHT, N_FRAMES = 320, 240, 160
ANIMAL_W, ANIMAL_H = 40, 32
PAUSE = range(60, 100)
AWAY = range(130, 145)
EXACT = MotionSettings(margin=0.0)


def positions() -> np.ndarray:
    """Top-left corner of the animal, (T, 2): an ellipse, with a pause of a quarter of the video."""
    moving = np.cumsum([0 if frame in PAUSE else 1 for frame in range(N_FRAMES)])
    angle = 2 * np.pi * moving / 120
    centre = np.array([140, 104]) + np.c_[110 * np.cos(angle), 80 * np.sin(angle)]
    return np.round(centre).astype(int)


def arena(rng: np.random.Generator) -> np.ndarray:
    coarse = rng.uniform(70, 190, (12, 16))
    return np.kron(coarse, np.ones((HEIGHT // 12, WIDTH // 16)))


def write_animal(path: Path, *, flicker=0.0, shadow=False, specks=0, noise=4.0) -> np.ndarray:
    """Write the test video and return the true boxes, (T, 4), NaN while the animal is away."""
    rng = np.random.default_rng(1)
    floor = arena(rng)
    skin = np.where(rng.random((ANIMAL_H // 4, ANIMAL_W // 4)) < 0.3, 60.0, 10.0).repeat(4, 0)
    skin = skin.repeat(4, 1)
    truth = np.full((N_FRAMES, 4), np.nan)
    grain = rng.normal(0, noise, (13, HEIGHT, WIDTH))

    def pictures():
        for number, (x, y) in enumerate(positions()):
            image = floor.copy()
            if number not in AWAY:
                if shadow:
                    image[y + 12 : y + ANIMAL_H + 8, x + 12 : x + ANIMAL_W + 14] *= 0.9
                image[y : y + ANIMAL_H, x : x + ANIMAL_W] = skin
                truth[number] = x, y, ANIMAL_W, ANIMAL_H
            for _ in range(specks):
                row, column = rng.integers(0, HEIGHT - 8), rng.integers(0, WIDTH - 8)
                image[row : row + 8, column : column + 8] = 250
            image *= 1 + flicker * np.sin(number)
            image += grain[number % 13]
            yield np.clip(image, 0, 255).astype(np.uint8)

    write_video(path, pictures(), options={"crf": "18", "preset": "veryfast"})
    return truth


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    low = np.maximum(a[:, :2], b[:, :2])
    high = np.minimum(a[:, :2] + a[:, 2:], b[:, :2] + b[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / (a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - shared)


def detect(path: Path, settings: MotionSettings = EXACT) -> np.ndarray:
    return run_stage(MotionDetector().detect(path, settings))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("motion") / "plain.mp4"
    return path, write_animal(path)


def test_boxes_follow_the_animal_through_a_pause_and_an_absence(plain):
    path, truth = plain
    boxes = detect(path)
    away = np.isnan(truth[:, 0])
    assert np.isnan(boxes[away]).all()
    score = iou(boxes[~away], truth[~away])
    assert score.min() > 0.75
    assert score.mean() > 0.85
    pause = boxes[PAUSE.start : PAUSE.stop]
    assert np.ptp(pause, axis=0).max() <= 6


@pytest.mark.parametrize(
    ("conditions", "least_mean"),
    [({"flicker": 0.15}, 0.8), ({"shadow": True}, 0.75), ({"specks": 2}, 0.8), ({"noise": 12}, 0.8)],
    ids=["flicker", "shadow", "specks", "noise"],
)
def test_worse_conditions(tmp_path, conditions, least_mean):
    truth = write_animal(tmp_path / "worse.mp4", **conditions)
    boxes = detect(tmp_path / "worse.mp4")
    away = np.isnan(truth[:, 0])
    assert np.isnan(boxes[away]).all()
    score = iou(boxes[~away], truth[~away])
    assert (score > 0.5).mean() > 0.98
    assert np.nanmean(score) > least_mean


def test_boxes_are_whole_even_and_inside_the_frame(plain):
    boxes = detect(plain[0], MotionSettings(margin=1.0))
    boxes = boxes[~np.isnan(boxes[:, 0])]
    assert (boxes == np.round(boxes)).all()
    assert (boxes[:, 2:] % 2 == 0).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [WIDTH, HEIGHT]).all()


def test_a_fixed_size_keeps_the_centre(plain):
    path, truth = plain
    boxes = detect(path, MotionSettings(box_size=61))
    there = ~np.isnan(truth[:, 0])
    assert (boxes[there, 2:] == 62).all()
    centre = truth[:, :2] + truth[:, 2:] / 2
    inside = there & ((centre > 33) & (centre < [WIDTH - 33, HEIGHT - 33])).all(axis=1)
    centre, true_centre = (b[inside, :2] + b[inside, 2:] / 2 for b in (boxes, truth))
    assert np.abs(centre - true_centre).max() < 8


def test_an_animal_below_the_least_area_is_not_found(plain):
    assert np.isnan(detect(plain[0], MotionSettings(min_area=20))).all()


def test_a_still_video_has_no_animal(tmp_path):
    noise = np.random.default_rng(0).normal(100, 5, (20, 48, 64)).astype(np.uint8)
    path = write_video(tmp_path / "still.mp4", noise)
    assert np.isnan(detect(path)).all()


def test_progress_counts_the_frames_once_over_both_passes_and_the_stage_can_be_stopped(plain):
    seen = list(MotionDetector().detect(plain[0], EXACT))
    assert {(each.total, each.text) for each in seen} == {(N_FRAMES, "frames")}
    done = [each.done for each in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, N_FRAMES)
    stage = MotionDetector().detect(plain[0], EXACT)
    for progress in stage:
        if progress.done > N_FRAMES // 2:
            break
    stage.close()


def test_a_video_of_two_frames_is_refused(tmp_path):
    path = write_video(tmp_path / "short.mp4", np.zeros((2, 48, 64), np.uint8))
    with pytest.raises(CropzoomError, match=r"short\.mp4: 2 frames"):
        detect(path)


def test_a_box_larger_than_the_frame_is_the_frame():
    box = np.array([[10.0, 10, 4, 4], [np.nan] * 4])
    result = framed(box, MotionSettings(box_size=500), 101, 80)
    np.testing.assert_array_equal(result[0], [0, 0, 100, 80])
    assert np.isnan(result[1]).all()


def test_the_path_prefers_a_near_candidate_to_a_stronger_far_one():
    candidates = Candidates(5)
    for frame in range(5):
        near = (10.0 + frame, 10.0, 4.0, 4.0, 100.0)
        far = (200.0, 200.0, 4.0, 4.0, 150.0)
        candidates.put(frame, [far, near] if frame == 2 else [near])
    path = best_path(candidates, reach=20, least_strength=0.1)
    np.testing.assert_array_equal(path[:, 0], [10, 11, 12, 13, 14])


def test_a_weak_candidate_is_not_the_animal_and_a_gap_stays_a_gap():
    candidates = Candidates(5)
    for frame, strength in ((0, 100.0), (1, 90.0), (3, 2.0), (4, 110.0)):
        candidates.put(frame, [(10.0, 10.0, 4.0, 4.0, strength)])
    path = best_path(candidates, reach=20, least_strength=0.1)
    assert np.isnan(path[:, 0]).tolist() == [False, False, True, True, False]


def test_no_candidate_at_all():
    assert np.isnan(best_path(Candidates(3), reach=20, least_strength=0.1)).all()


def test_frames_that_cannot_be_decoded_are_left_out(tmp_path):
    """They get no box, and their black picture is taken neither for the arena nor for the animal."""
    whole, damaged = tmp_path / "whole.avi", tmp_path / "damaged.avi"
    truth = write_animal(tmp_path / "a.mp4")
    with Video(tmp_path / "a.mp4") as video:
        write_video(whole, video, codec="mjpeg", pix_fmt="yuvj420p", options={"qmin": "2", "qmax": "2"})
    damaged.write_bytes(whole.read_bytes())
    lost = [0, *range(40, 50), *range(61, 159, 2)]
    zero_packets(damaged, lost)
    boxes = run_stage(MotionDetector().detect(damaged, EXACT))
    assert np.isnan(boxes[lost]).all()
    seen = np.setdiff1d(np.flatnonzero(~np.isnan(truth[:, 0])), lost)
    assert iou(boxes[seen], truth[seen]).min() > 0.75
    zero_packets(whole, range(N_FRAMES - 1))
    assert np.isnan(run_stage(MotionDetector().detect(whole, EXACT))[:-1]).all()
