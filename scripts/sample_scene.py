"""The arena of the sample video: bedding, walls, a shiny wall, a shelter, uneven light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sample_motion import FLOOR, MIRROR_X, SHELTER

WIDTH, HEIGHT = 1280, 1024
RIM = (38.0, 40.0, 1214.0, 990.0)
REFLECTION_DEPTH = 130
REFLECTANCE = 0.72

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """What does not move. Images are RGB, 0 to 1.

    Attributes
    ----------
    ground : ndarray, (H, W, 3)
        Everything the animal walks on or in front of, lit.
    light : ndarray, (H, W, 3)
        What a white surface on the floor would look like.
    roof : ndarray, (H, W)
        Cover of the shelter's roof, 0 to 1: what hides the animal.
    """

    ground: Image
    light: Image
    roof: Image


def build_scene(seed: int = 7) -> Scene:
    """Draw the arena; about a second."""
    rng = np.random.default_rng(seed)
    roof_mask = _box_mask(SHELTER)
    light = _light(roof_mask)
    ground = _bedding(rng)
    _droppings(ground, rng)
    _dish(ground, rng)
    ground *= light
    _reflecting_wall(ground, rng)
    _walls(ground, rng)
    _roof(ground, light, roof_mask, rng)
    return Scene(np.clip(ground, 0, 1), light, roof_mask)


def reflect(frame: Image, ground: Image, first: int, last: int) -> None:
    """Add to rows ``first`` to ``last`` of the shiny wall what changed in front of it, in place."""
    wall = int(MIRROR_X)
    depth = int(RIM[2]) - wall
    change = (frame - ground)[first:last, wall - REFLECTION_DEPTH : wall]
    if not np.any(change):
        return
    mirrored = cv2.resize(
        np.ascontiguousarray(change[:, ::-1]), (depth, last - first), interpolation=cv2.INTER_AREA
    )
    mirrored = cv2.GaussianBlur(mirrored, (0, 0), 1.0)
    fade = np.linspace(1.0, 0.75, depth, dtype=np.float32)[None, :, None]
    frame[first:last, wall : wall + depth] += REFLECTANCE * fade * mirrored


def _noise(rng: np.random.Generator, sigma: float, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Image:
    """Smooth noise of unit variance; drawn small and enlarged where that is enough."""
    shrink = max(1, int(sigma / 3))
    small = rng.standard_normal((shape[0] // shrink + 2, shape[1] // shrink + 2)).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
    small /= small.std()
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32)


def _box_mask(box: tuple[float, float, float, float]) -> Image:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[y0:y1, x0:x1] = 1
    return cv2.GaussianBlur(mask, (0, 0), 0.7).astype(np.float32)


def _light(roof: Image) -> Image:
    """A warm lamp top left, a cool window to the right, walls and shelter that throw shade."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    lamp = np.exp(-((x - 430) ** 2 + (y - 300) ** 2) / (2 * 430**2))
    window = np.exp(-((x - 1160) ** 2 / (2 * 300**2) + (y - 760) ** 2 / (2 * 260**2)))
    corner = 1 - 0.33 * (((x - 640) / 640) ** 2 + ((y - 512) / 512) ** 2) / 2
    level = (0.66 + 0.40 * lamp + 0.14 * window) * corner
    shade = np.ones_like(level)
    for distance, strength in (
        (x - FLOOR[0], 0.42),
        (y - FLOOR[1], 0.42),
        (FLOOR[2] - x, 0.15),
        (FLOOR[3] - y, 0.20),
    ):
        shade *= 1 - strength * np.exp(-np.abs(distance) / 26)
    cast = cv2.GaussianBlur(np.roll(roof, (22, 30), (0, 1)), (0, 0), 13)
    shade *= 1 - 0.55 * cast
    tint = np.stack([1 + 0.05 * lamp, np.ones_like(lamp), 0.93 + 0.13 * window], axis=2)
    return np.asarray((level * shade)[..., None] * tint, np.float32)


def _bedding(rng: np.random.Generator) -> Image:
    """Wood shavings: thousands of short curls over a mottled base."""
    base = np.array([0.80, 0.72, 0.59], np.float32)
    tone = 1 + 0.05 * _noise(rng, 60) + 0.04 * _noise(rng, 14)
    image = np.ascontiguousarray(base * tone[..., None], np.float32)
    count = 15000
    at = rng.uniform((0, 0), (WIDTH, HEIGHT), (count, 2))
    angle = rng.uniform(0, 180, count)
    length = rng.gamma(4.0, 1.9, count) + 2
    breadth = rng.uniform(0.9, 2.4, count)
    shade = rng.normal(1.0, 0.085, count)
    warm = rng.normal(0, 0.02, count)
    for i in range(count):
        colour = base * shade[i] * (1.03 + np.array([warm[i], 0, -1.5 * warm[i]], np.float32))
        arc = float(rng.uniform(40, 150)) if length[i] > 9 else 360.0
        box = ((at[i, 0], at[i, 1]), (2 * length[i], 2 * breadth[i]), angle[i])
        shadow = ((at[i, 0] + 1.1, at[i, 1] + 1.3), box[1], angle[i])
        if arc == 360.0:
            cv2.ellipse(image, shadow, (colour * 0.80).tolist(), -1, cv2.LINE_AA)
            cv2.ellipse(image, box, colour.tolist(), -1, cv2.LINE_AA)
        else:
            _curl(image, at[i], length[i], angle[i], arc, colour)
    image = cv2.GaussianBlur(image, (0, 0), 0.75)
    return np.asarray(image * (1 + 0.022 * _noise(rng, 0.8))[..., None], np.float32)


def _curl(
    image: Image, at: NDArray[np.float64], radius: float, angle: float, arc: float, colour: Image
) -> None:
    axes = (int(radius), int(radius * 0.8))
    for shift, factor, thick in ((1, 0.80, 3), (0, 1.05, 2)):
        centre = (int(at[0]) + shift, int(at[1]) + shift)
        cv2.ellipse(image, centre, axes, angle, 0, arc, (colour * factor).tolist(), thick, cv2.LINE_AA)


def _droppings(image: Image, rng: np.random.Generator) -> None:
    for _ in range(26):
        at = rng.uniform((FLOOR[0] + 30, FLOOR[1] + 30), (FLOOR[2] - 30, FLOOR[3] - 30))
        turn = float(rng.uniform(0, 180))
        _grain(image, at + 1.5, (8.0, 4.2), turn, (0.45, 0.39, 0.31))
        _grain(image, at, (8.0, 4.0), turn, (0.23, 0.19, 0.15))


def _grain(
    image: Image,
    at: NDArray[np.float64],
    size: tuple[float, float],
    turn: float,
    colour: tuple[float, float, float],
) -> None:
    """A smooth-edged ellipse; OpenCV draws those only in 8 bits."""
    scale, reach = 4, int(max(size)) + 2
    low = np.floor(at).astype(int) - reach
    mask = np.zeros((2 * reach * scale, 2 * reach * scale), np.float32)
    centre = (at - low) * scale
    box = ((float(centre[0]), float(centre[1])), (size[0] * scale, size[1] * scale), turn)
    cv2.ellipse(mask, box, 1.0, -1)
    mask = cv2.resize(mask, (2 * reach, 2 * reach), interpolation=cv2.INTER_AREA)
    window = image[low[1] : low[1] + 2 * reach, low[0] : low[0] + 2 * reach]
    _over(window, np.array(colour, np.float32), mask)


def _dish(image: Image, rng: np.random.Generator) -> None:
    """A glazed dish of pellets in the top left corner."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    dx, dy = x - 178, y - 176
    radius = np.hypot(dx, dy)
    shadow = np.exp(-(np.clip(np.hypot(dx - 9, dy - 10) - 52, 0, None) ** 2) / 60)
    image *= (1 - 0.35 * shadow * (radius > 54))[..., None]
    facing = (-dx - dy) / (radius + 1) / 1.41
    ring = np.clip(1 - np.abs(radius - 48) / 8, 0, 1)
    glaze = np.stack([0.55 + 0.25 * facing * s for s in (1.0, 1.05, 1.15)], axis=2)
    glaze *= np.array([0.78, 0.92, 1.06], np.float32)
    _over(image, np.clip(glaze, 0, 1), np.clip((ring) * 4, 0, 1))
    inside = np.clip(42.5 - radius, 0, 1)
    bowl = np.stack([np.full_like(radius, v) for v in (0.36, 0.40, 0.44)], axis=2)
    _over(image, bowl * (0.8 - 0.3 * facing * (radius / 42))[..., None], inside)
    for _ in range(34):
        r, a = 34 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        centre = np.array([178 + r * np.cos(a), 176 + r * np.sin(a)])
        turn, tone = float(rng.uniform(0, 180)), float(rng.normal(1, 0.1))
        for shift, factor in ((1.5, 0.45), (0.0, 1.0), (-0.8, 1.25)):
            size = (15.0, 7.5) if factor <= 1 else (10.0, 3.0)
            red, green, blue = (v * tone * factor for v in (0.56, 0.42, 0.26))
            _grain(image, centre + shift, size, turn, (red, green, blue))


def _over(image: Image, colour: Image, alpha: Image) -> None:
    image += (colour - image) * alpha[..., None]


def _reflecting_wall(image: Image, rng: np.random.Generator) -> None:
    """Polished steel on the right: the floor again, dimmer, under brushed streaks."""
    wall, depth = int(MIRROR_X), int(RIM[2] - MIRROR_X)
    strip = image[:, wall - REFLECTION_DEPTH : wall][:, ::-1]
    strip = cv2.resize(np.ascontiguousarray(strip), (depth, HEIGHT), interpolation=cv2.INTER_AREA)
    strip = cv2.GaussianBlur(strip, (0, 0), 2.2)
    brushed = cv2.GaussianBlur(
        rng.standard_normal((HEIGHT, depth)).astype(np.float32), (0, 0), 0.8, sigmaY=38
    )
    brushed /= brushed.std()
    across = np.linspace(0, 1, depth, dtype=np.float32)
    sheen = 0.05 + 0.14 * np.exp(-(((across - 0.62) / 0.16) ** 2)) + 0.012 * brushed
    tint = np.array([0.93, 0.99, 1.06], np.float32)
    image[:, wall : wall + depth] = strip * REFLECTANCE * tint + sheen[..., None] * tint
    image[:, wall - 1 : wall + 2] *= 0.45


def _walls(image: Image, rng: np.random.Generator) -> None:
    """Inner faces of the other three walls, their rim, and the dark room outside."""
    fx0, fy0, fx1, fy1 = FLOOR
    rx0, ry0, rx1, ry1 = RIM
    faces = (
        ([(rx0, ry0), (fx0, fy0), (fx0, fy1), (rx0, ry1)], 0.47),
        ([(rx0, ry0), (rx1, ry0), (fx1, fy0), (fx0, fy0)], 0.41),
        ([(rx0, ry1), (rx1, ry1), (fx1, fy1), (fx0, fy1)], 0.60),
    )
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    lamp = 0.72 + 0.5 * np.exp(-((x - 430) ** 2 + (y - 300) ** 2) / (2 * 480**2))
    scratches = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.0)
    texture = 1 + 0.05 * _noise(rng, 25) + 0.06 * scratches
    inside = np.minimum.reduce([x - rx0, rx1 - x, y - ry0, ry1 - y])
    for corners, level in faces:
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        cv2.fillPoly(mask, [np.array(corners, np.int32)], 1.0, cv2.LINE_AA)
        tone = level * lamp * texture * (0.80 + 0.20 * np.clip(1 - inside / 50, 0, 1))
        _over(image, tone[..., None] * np.array([0.98, 0.98, 0.93], np.float32), mask)
    rim = ((inside < 0) & (inside > -13)).astype(np.float32)
    rim = cv2.GaussianBlur(rim, (0, 0), 0.8)
    _over(image, (0.80 * lamp * texture)[..., None] * np.array([0.96, 0.97, 0.95], np.float32), rim)
    outside = cv2.GaussianBlur((inside <= -13).astype(np.float32), (0, 0), 0.8)
    table = 0.13 + 0.03 * _noise(rng, 40) + 0.012 * scratches
    fall = np.clip(0.45 + np.clip(-inside - 13, 0, None) / 45, 0, 1)
    _over(image, (table * fall)[..., None] * np.array([1.0, 1.02, 1.12], np.float32), outside)


def _roof(image: Image, light: Image, mask: Image, rng: np.random.Generator) -> None:
    """A gabled roof of planks with its ridge from left to right, and a dark doorway to the right."""
    x0, y0, x1, y1 = SHELTER
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    door = np.clip(1.6 - np.hypot((x - x1) / 20, (y - (y0 + y1) / 2) / 46), 0, 1) * (x > x1 - 2)
    image *= (1 - 0.75 * np.clip(door * 1.3, 0, 1))[..., None]
    plank = np.floor((x - x0) / 33.5)
    tone = rng.normal(1.0, 0.09, 12).astype(np.float32)[np.clip(plank, 0, 11).astype(int)]
    grain = cv2.GaussianBlur(
        rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.1, sigmaY=26
    )
    grain = grain / grain.std()
    slope = np.where(y < (y0 + y1) / 2, 1.10, 0.74)
    gap = 1 - 0.55 * np.exp(-((((x - x0) % 33.5) - 1) ** 2) / 2.5)
    ridge = 0.22 * np.exp(-((y - (y0 + y1) / 2) ** 2) / 12)
    edge = np.minimum.reduce([x - x0, x1 - x, y - y0, y1 - y])
    bevel = 1 - 0.30 * np.exp(-np.clip(edge, 0, None) / 3.5)
    wood = np.array([0.44, 0.31, 0.215], np.float32)
    lit = 0.55 + 0.45 * np.exp(-((x - 330) ** 2 + (y - 620) ** 2) / (2 * 330**2))
    roof = (tone * (1 + 0.10 * grain) * gap * slope * bevel * lit + ridge * lit)[..., None] * wood
    for nail_x in np.arange(x0 + 17, x1, 33.5):
        for nail_y in (y0 + 14, y1 - 14):
            roof *= (1 - 0.6 * np.exp(-((x - nail_x) ** 2 + (y - nail_y) ** 2) / 3))[..., None]
    _over(image, np.clip(roof * 1.25, 0, 1).astype(np.float32), mask)
