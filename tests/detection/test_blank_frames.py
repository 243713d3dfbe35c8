"""Frames without a picture, black or of one colour: nothing is seen in them, and nothing divides by 0."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.inspection.evidence import Evidence
from napari_cropzoom.core.inspection.inspection import find_suspects
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.detection.evidence import pixel_evidence
from napari_cropzoom.detection.motion import MotionDetector, MotionSettings
from videos import write_video

N, WIDTH, HEIGHT = 90, 320, 240
LOOKS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "black": lambda rng: np.zeros((HEIGHT, WIDTH)),
    "white": lambda rng: np.full((HEIGHT, WIDTH), 255.0),
    "gray": lambda rng: np.full((HEIGHT, WIDTH), 120.0),
    "dark with noise": lambda rng: rng.normal(6, 2, (HEIGHT, WIDTH)),
    "black with a clock": lambda rng: np.pad(
        np.full((12, 60), 250.0), ((4, HEIGHT - 16), (4, WIDTH - 64))
    ),
}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise"):
        warnings.simplefilter("error")
        yield


def places() -> np.ndarray:
    angle = 2 * np.pi * np.arange(N) / 60
    return np.round(np.c_[140 + 100 * np.cos(angle), 104 + 70 * np.sin(angle)]).astype(int)


def write(path: Path, blank: np.ndarray, look: str = "black", floor: str = "tiles") -> np.ndarray:
    """Write a video in which an animal walks, with blank frames; returns its boxes."""
    rng = np.random.default_rng(4)
    tiles = np.kron(rng.uniform(70, 190, (12, 16)), np.ones((HEIGHT // 12, WIDTH // 16)))
    arena = tiles if floor == "tiles" else np.full((HEIGHT, WIDTH), 150.0)

    def pictures():
        for number, (x, y) in enumerate(places()):
            image = arena.copy()
            image[y : y + 32, x : x + 40] = 20
            image += rng.normal(0, 3, image.shape)
            shown = LOOKS[look](rng) if blank[number] else image
            yield np.clip(shown, 0, 255).astype(np.uint8)

    write_video(path, pictures(), options={"crf": "18", "preset": "veryfast"})
    return np.column_stack([places() - 4, np.full(N, 48), np.full(N, 40)]).astype(float)


def blank(*ranges: tuple[int, int]) -> np.ndarray:
    frames = np.arange(N)
    return np.any([(frames >= first) & (frames < last) for first, last in ranges], axis=0)


@pytest.mark.parametrize("floor", ["tiles", "plain"])
@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_seen_in_blank_frames_and_all_in_the_others(tmp_path, look, floor):
    is_blank = blank((0, 6), (40, 47), (70, 71))
    boxes = write(tmp_path / "v.mp4", is_blank, look, floor)
    found = run_stage(MotionDetector().detect(tmp_path / "v.mp4", MotionSettings(margin=0.0)))
    assert np.isnan(found[is_blank]).all()
    assert not np.isnan(found[~is_blank]).any()
    middle, true = (each[:, :2] + each[:, 2:] / 2 for each in (found, boxes))
    assert np.abs(middle - true)[~is_blank].max() < 6
    motion = run_stage(pixel_evidence(tmp_path / "v.mp4"))
    assert (motion.strength[is_blank] == 0).all()
    assert find_suspects(boxes, Evidence(frame_size=(WIDTH, HEIGHT), motion=motion)) == []


def test_a_video_that_is_mostly_black_is_learned_from_the_rest(tmp_path):
    is_blank = blank((0, 55))
    boxes = write(tmp_path / "v.mp4", is_blank)
    motion = run_stage(pixel_evidence(tmp_path / "v.mp4"))
    assert (motion.strength[is_blank] == 0).all()
    assert (motion.strength[~is_blank, 0] > 0).all()
    assert np.abs(motion.boxes[~is_blank, 0, :2] - boxes[~is_blank, :2]).max() < 10


@pytest.mark.parametrize("look", [*LOOKS, "still"])
def test_a_video_without_any_animal(tmp_path, look):
    rng = np.random.default_rng(0)
    still = rng.uniform(40, 200, (HEIGHT, WIDTH))
    pictures = [still if look == "still" else LOOKS[look](rng) for _ in range(30)]
    write_video(tmp_path / "v.mp4", [np.clip(each, 0, 255).astype(np.uint8) for each in pictures])
    found = run_stage(MotionDetector().detect(tmp_path / "v.mp4", MotionSettings()))
    assert np.isnan(found).all()
    motion = run_stage(pixel_evidence(tmp_path / "v.mp4"))
    assert (motion.strength == 0).all()
    boxes = np.tile([100.0, 100, 60, 60], (30, 1)) + np.arange(30)[:, None] * [2, 1, 0, 0]
    assert find_suspects(boxes, Evidence(frame_size=(WIDTH, HEIGHT), motion=motion)) == []


def test_motion_of_nothing_at_all():
    boxes = np.tile([100.0, 100, 60, 60], (30, 1)) + np.arange(30)[:, None] * [2, 1, 0, 0]
    nothing = Motion(np.full((30, 3, 4), np.nan), np.zeros((30, 3)))
    assert find_suspects(boxes, Evidence(motion=nothing)) == []
    boxes[:] = np.nan
    assert [each.reason for each in find_suspects(boxes, Evidence(motion=nothing))] == [
        "no box for 30 frames"
    ]
