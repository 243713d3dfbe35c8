"""Frames and truth of the sample: the animal in the arena, its shadow and reflection, the camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sample_motion import BODY_NODES, FLOOR, FPS, MIRROR_X, SHELTER, Motion, simulate
from sample_rodent import KEYPOINTS, Fur, Sprite, body_box, draw, keypoints
from sample_scene import HEIGHT, WIDTH, Scene, build_scene, reflect

DASH_SPEED = 450.0
STOP_SPEED = 15.0
MIRROR_GAP = 75.0
SHADOW = (7, 9)
PIXELS_PER_EXPOSURE = 3.0

Image = NDArray[np.float32]
Frame = NDArray[np.uint8]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Take:
    """One recording: ``frame(i)`` gives the pixels, ``truth()`` the numbers behind them."""

    seed: int
    frames: int

    @cached_property
    def motion(self) -> Motion:
        """The walk."""
        return simulate(self.seed, self.frames)

    def frame(self, index: int) -> Frame:
        """Frame ``index`` as the camera sees it, (H, W, 3) uint8 RGB."""
        opened, closed = self.motion.nodes[index]
        phase = float(self.motion.speed[: index + 1].sum()) / FPS / 38
        clean = compose(_scene(), _exposures(opened, closed, phase))
        return _camera(clean, np.random.default_rng((self.seed, index)))

    def truth(self) -> pd.DataFrame:
        """One row a frame: box of the body without the tail, keypoints, visibility, places.

        A box and a keypoint are where the animal is, hidden or not; ``<name>_visible`` is 0 under the
        shelter's roof.
        """
        middle = self.motion.nodes.mean(axis=1)
        rows = [_truth_row(nodes, speed) for nodes, speed in zip(middle, self.motion.speed, strict=True)]
        return pd.DataFrame(rows).rename_axis("frame")


def compose(scene: Scene, sprites: list[Sprite]) -> Image:
    """The scene with the mean of ``sprites`` in it (several make motion blur), (H, W, 3), 0 to 1."""
    x0, y0 = min(s.x for s in sprites), min(s.y for s in sprites)
    x1 = max(s.x + s.cover.shape[1] for s in sprites)
    y1 = max(s.y + s.cover.shape[0] for s in sprites)
    colour = np.zeros((y1 - y0, x1 - x0, 3), np.float32)
    cover = np.zeros((y1 - y0, x1 - x0), np.float32)
    for s in sprites:
        window = np.s_[s.y - y0 : s.y - y0 + s.cover.shape[0], s.x - x0 : s.x - x0 + s.cover.shape[1]]
        colour[window] += s.colour / len(sprites)
        cover[window] += s.cover / len(sprites)
    seen = np.s_[max(0, -y0) : HEIGHT - y0, max(0, -x0) : WIDTH - x0]
    place = np.s_[max(0, y0) : min(HEIGHT, y1), max(0, x0) : min(WIDTH, x1)]
    frame = scene.ground.copy()
    open_sky = 1 - scene.roof[place]
    soft = np.roll(cv2.GaussianBlur(cover, (0, 0), 6.0), SHADOW[::-1], (0, 1))[seen] * 0.42
    contact = cv2.GaussianBlur(cover, (0, 0), 2.5)[seen] * 0.30
    shade = np.maximum(soft, contact) * open_sky
    shade[:, max(0, int(MIRROR_X) - max(0, x0)) :] = 0
    frame[place] *= (1 - shade)[..., None]
    frame[place] *= (1 - cover[seen] * open_sky)[..., None]
    frame[place] += colour[seen] * scene.light[place] * open_sky[..., None]
    reflect(frame, scene.ground, max(0, y0), min(HEIGHT, y1))
    return frame


def _exposures(opened: Array, closed: Array, phase: float) -> list[Sprite]:
    travel = float(np.hypot(*(closed - opened).T).max())
    count = int(np.clip(np.ceil(travel / PIXELS_PER_EXPOSURE), 1, 7))
    at = [0.5] if count == 1 else np.linspace(0, 1, count)
    return [draw(opened + t * (closed - opened), _fur(), phase) for t in at]


def _camera(clean: Image, rng: np.random.Generator) -> Frame:
    """Eight bits, with noise that grows with brightness and a lamp that flickers a little."""
    noise = _noise_plates()[rng.integers(len(_noise_plates()))]
    y, x = rng.integers(0, 64, 2)
    plate = noise[y : y + HEIGHT, x : x + WIDTH]
    signal = clean * np.float32(255 * (1 + 0.006 * rng.normal()))
    signal += (plate * (0.9 + 1.3 * np.sqrt(np.clip(clean[..., 1], 0, 1))))[..., None]
    return np.asarray(np.clip(signal + 0.5, 0, 255), np.uint8)


def _truth_row(nodes: Array, speed: float) -> dict[str, float | int | str]:
    points = keypoints(nodes)
    x0, y0, x1, y1 = SHELTER
    hidden = (points[:, 0] > x0) & (points[:, 0] < x1) & (points[:, 1] > y0) & (points[:, 1] < y1)
    tags = {
        "shelter": bool(hidden.any()),
        "mirror": float(nodes[:BODY_NODES, 0].max()) > FLOOR[2] - MIRROR_GAP,
        "dash": speed > DASH_SPEED,
        "stop": speed < STOP_SPEED,
    }
    row: dict[str, float | int | str] = {}
    row.update(zip("xywh", body_box(nodes).round(2), strict=True))
    for name, point, under in zip(KEYPOINTS, points.round(2), hidden, strict=True):
        row[f"{name}_x"], row[f"{name}_y"], row[f"{name}_visible"] = *point, int(not under)
    row["places"] = "+".join(tag for tag, holds in tags.items() if holds)
    return row


@cache
def _scene() -> Scene:
    return build_scene()


@cache
def _fur() -> Fur:
    return Fur.from_seed(1)


@cache
def _noise_plates() -> list[Image]:
    rng = np.random.default_rng(5)
    shape = (HEIGHT + 64, WIDTH + 64)
    plates = [
        cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 0.6) for _ in range(6)
    ]
    return [np.asarray(plate / plate.std(), np.float32) for plate in plates]
