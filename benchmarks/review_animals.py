"""Simulated animals for `review.py`: right tracks, a detector's ordinary noise, hard honest behaviour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FRAME = (1280, 960)
BODY = (128.0, 62.0)
DASH = 15.0  # pixels a frame


@dataclass(frozen=True)
class Recording:
    """A track that is right.

    Attributes
    ----------
    truth : ndarray, (T, 4)
        Where the animal is: ``x, y, w, h`` in pixels.
    boxes : ndarray, (T, 4)
        What a good detector says of it, whole pixels.
    likelihood : ndarray, (T,)
        Of the detector; noisy, lower while the animal rears or leaves, and now and then for no reason.
    distractors : list of ndarray, (T, 2)
        Centres of what a detector may take for the animal: things that stand still, another animal.
    frame_size : (int, int)
    rearing : ndarray, (T,), or None
        How far the animal stands on its hind legs, 0 to 1, where that is known.
    """

    truth: Array
    boxes: Array
    likelihood: Array
    distractors: list[Array]
    frame_size: tuple[int, int]
    rearing: Array | None = None

    def doing(self, first: int, last: int) -> str:
        """What is hard, but right, in the frames ``first`` to ``last``, in a word or three."""
        part = slice(first, last + 1)
        truth = self.truth[part]
        corner = truth[:, :2] + truth[:, 2:]
        if self.rearing is not None and (self.rearing[part] > 0).any():
            return "rears"
        if np.isnan(truth).any() or (truth[:, :2] < 0).any() or (corner > self.frame_size).any():
            return "leaves"
        if (self.likelihood[part] < 0.7 * np.nanmedian(self.likelihood)).any():
            return "hard to see"
        steps = np.hypot(*np.diff(truth[:, :2] + truth[:, 2:] / 2, axis=0).T)
        return "dashes" if (steps > DASH).any() else "else"


def simulate(seed: int, frames: int) -> Recording:
    """One animal in an arena for ``frames`` frames at 30 a second; the same seed gives the same one."""
    rng = np.random.default_rng(seed)
    center, heading = walk(rng, frames)
    rearing = rears(rng, center)
    truth = body_boxes(center, heading, rearing)
    things = [
        np.tile(rng.uniform([100, 100], [FRAME[0] - 100, FRAME[1] - 100]), (frames, 1)) for _ in range(3)
    ]
    likelihood = ordinary_likelihood(rng, truth, rearing)
    others = [*things, walk(rng, frames)[0]]
    return Recording(truth, observed(rng, truth), likelihood, others, FRAME, rearing)


def walk(rng: np.random.Generator, frames: int) -> tuple[Array, Array]:
    """Centre (T, 2) and heading (T,) of an animal that walks, dashes, pauses, sometimes leaves.

    A pause lasts seconds, or minutes; a dash comes up to 1,500 pixels a second within some frames.
    """
    center, heading = np.empty((frames, 2)), np.empty(frames)
    at = rng.uniform([200, 200], [FRAME[0] - 200, FRAME[1] - 200])
    angle, speed, curl = float(rng.uniform(-math.pi, math.pi)), 0.0, 0.0
    left, wanted, rate, goal = 0, 0.0, 0.15, at
    kicks = rng.normal(size=frames)
    for frame in range(frames):
        if left <= 0:
            left, wanted, rate, goal = _plan(rng, at)
        left -= 1
        offset = goal - at
        distance = math.hypot(*offset)
        if wanted and distance < max(20.0, 3 * speed):
            left = 0
        turn = (math.atan2(offset[1], offset[0]) - angle + math.pi) % (2 * math.pi) - math.pi
        curl = 0.92 * curl + 0.02 * kicks[frame]
        slow = 0.35 if abs(turn) > 1.2 else 1.0
        speed += rate * (wanted * slow - speed)
        angle += (float(np.clip(0.25 * turn, -0.22, 0.22)) + curl) * min(1.0, speed / 2)
        at = at + speed * np.array([math.cos(angle), math.sin(angle)])
        center[frame], heading[frame] = at, angle
    return center, heading


def _plan(rng: np.random.Generator, at: Array) -> tuple[int, float, float, Array]:
    """Frames, speed in pixels a frame, how fast it is reached, and where to."""
    inside = rng.uniform([90, 90], [FRAME[0] - 90, FRAME[1] - 90])
    what = rng.choice(["walk", "pause", "long pause", "dash", "leave"], p=[0.52, 0.29, 0.02, 0.12, 0.05])
    outside = (at < 60).any() or (at > np.array(FRAME) - 60).any()
    if what == "walk" or (outside and rng.random() < 0.8):
        return int(rng.integers(60, 300)), float(rng.uniform(2, 9)), float(rng.uniform(0.08, 0.3)), inside
    if what == "dash":
        return int(rng.integers(8, 40)), float(rng.uniform(20, 50)), float(rng.uniform(0.2, 0.45)), inside
    if what == "leave":
        side = int(rng.integers(4))
        edge = np.array([[0, inside[1]], [FRAME[0], inside[1]], [inside[0], 0], [inside[0], FRAME[1]]])[
            side
        ]
        return 400, float(rng.uniform(3, 8)), 0.15, edge
    frames = int(rng.uniform(1200, 5400)) if what == "long pause" else int(rng.integers(20, 240))
    return frames, 0.0, float(rng.uniform(0.1, 0.4)), inside


def rears(rng: np.random.Generator, center: Array) -> Array:
    """(T,) how far the animal stands on its hind legs, 0 to 1, up and down in a quarter of a second."""
    height = np.zeros(len(center))
    speed = np.hypot(*np.gradient(center, axis=0).T)
    for start in np.flatnonzero((speed < 0.6) & (rng.random(len(center)) < 1 / 250)):
        up, stay, down = (int(rng.integers(*span)) for span in ((6, 13), (8, 70), (6, 13)))
        shape = np.concatenate([_ease(up), np.ones(stay), _ease(down)[::-1]])
        part = height[start : start + len(shape)]
        np.maximum(part, rng.uniform(0.5, 1) * shape[: len(part)], out=part)
    return height


def _ease(frames: int) -> Array:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / frames))


def body_boxes(center: Array, heading: Array, rearing: Array) -> Array:
    """Boxes round an oval body that turns; one that rears is shorter, and taller in the picture."""
    along, across = np.cos(heading), np.sin(heading)
    w = np.hypot(BODY[0] * along, BODY[1] * across)
    h = np.hypot(BODY[0] * across, BODY[1] * along)
    w, h = w * (1 - 0.25 * rearing), h * (1 + 0.7 * rearing)
    y = center[:, 1] - 12 * rearing
    return np.column_stack([center[:, 0] - w / 2, y - h / 2, w, h])


def observed(rng: np.random.Generator, truth: Array) -> Array:
    """Truth with the noise of a detector: correlated over frames, heavy in its tails, whole pixels."""
    size = np.sqrt(truth[:, 2] * truth[:, 3])
    shift = rng.uniform(0.008, 0.02) * size[:, None] * noise(rng, len(truth), 2)
    scale = np.exp(rng.uniform(0.012, 0.025) * noise(rng, len(truth), 2))
    sides = np.maximum(2, 2 * np.rint(truth[:, 2:] * scale / 2))
    center = truth[:, :2] + truth[:, 2:] / 2 + shift
    return np.column_stack([np.rint(center - sides / 2), sides])


def noise(rng: np.random.Generator, frames: int, columns: int) -> Array:
    """(T, columns) of about unit spread, heavy in the tails up to 3.5; half of it lasts some frames."""
    from scipy.signal import lfilter

    fresh = rng.standard_t(5, (frames, columns)) / math.sqrt(5 / 3)
    slow = lfilter([math.sqrt(1 - 0.8**2)], [1, -0.8], fresh, axis=0)
    quick = rng.standard_t(5, (frames, columns)) / math.sqrt(5 / 3)
    both: Array = np.clip((slow + quick) / math.sqrt(2), -3.5, 3.5)
    return both


def ordinary_likelihood(rng: np.random.Generator, truth: Array, rearing: Array) -> Array:
    """(T,): mostly high, lower while the animal rears or leaves the frame, and some dips of its own."""
    out = np.maximum(-truth[:, :2], truth[:, :2] + truth[:, 2:] - FRAME).max(axis=1) / 60
    logit = 3.0 + 0.6 * noise(rng, len(truth), 1)[:, 0] - 1.0 * rearing - 2.5 * np.clip(out, 0, 1)
    for start in rng.integers(0, len(truth), len(truth) // 2000):
        logit[start : start + int(rng.integers(1, 4))] -= rng.uniform(1, 2.5)
    return np.asarray(1 / (1 + np.exp(-logit)))
