"""How the rodent of the sample video moves: goals, steering, and a spine pulled along behind the nose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FPS = 30
SUBSTEPS = 4
SHUTTER_STEPS = 3
BODY_NODES = 13
TAIL_NODES = 13
BODY_LENGTH = 124.0
TAIL_LENGTH = 112.0

FLOOR = (90.0, 90.0, 1120.0, 940.0)
SHELTER = (128.0, 664.0, 396.0, 894.0)
MIRROR_X = FLOOR[2]
_GAP = np.r_[np.full(BODY_NODES, 25.0), np.full(TAIL_NODES, 4.0)][:, None]
_REACH = (np.array(FLOOR[:2]) + _GAP, np.array(FLOOR[2:]) - _GAP)
DOOR = np.array([SHELTER[2], 0.5 * (SHELTER[1] + SHELTER[3])])

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Goal:
    """Go to ``point`` at ``speed`` pixels a second, then rest for ``pause`` seconds."""

    point: tuple[float, float]
    speed: float
    pause: float = 0.0


@dataclass(frozen=True)
class Motion:
    """The spine of every frame.

    Attributes
    ----------
    nodes : ndarray, (T, 2, N, 2)
        Body then tail nodes, nose first, x and y in pixels, as the shutter opens and as it closes.
    speed : ndarray, (T,)
        Of the nose, pixels a second.
    """

    nodes: Array
    speed: Array


def simulate(seed: int, frames: int) -> Motion:
    """Let a rodent loose for ``frames`` frames; the same ``seed`` gives the same walk."""
    rng = np.random.default_rng(seed)
    walker = _Walker(rng)
    wave = _smooth_noise(rng, frames * SUBSTEPS, 0.5)
    swing = _smooth_noise(rng, frames * SUBSTEPS, 0.22)
    nodes = np.empty((frames, 2, BODY_NODES + TAIL_NODES, 2))
    speed = np.empty(frames)
    for frame in range(frames):
        for sub in range(SUBSTEPS):
            step = frame * SUBSTEPS + sub
            walker.step(1 / (FPS * SUBSTEPS))
            if sub == 0:
                nodes[frame, 0] = _posed(walker, swing[step], wave[step])
            elif sub == SHUTTER_STEPS:
                nodes[frame, 1] = _posed(walker, swing[step], wave[step])
        speed[frame] = walker.speed
    return Motion(nodes, speed)


class _Walker:
    """Steers the nose from goal to goal and drags the chain of nodes after it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._goals = _goals(rng)
        self._goal = next(self._goals)
        self._rest = 0.0
        self._curl = 0.0
        self.phase = 0.0
        self.heading = float(rng.uniform(-0.5, 0.5))
        self.speed = 0.0
        gaps = [BODY_LENGTH / (BODY_NODES - 1)] * (BODY_NODES - 1)
        self._gaps = gaps + [TAIL_LENGTH / TAIL_NODES] * TAIL_NODES
        back = np.concatenate([[0.0], np.cumsum(self._gaps)])
        start = np.array([rng.uniform(560, 900), rng.uniform(300, 620)])
        self.chain = start - back[:, None] * [math.cos(self.heading), math.sin(self.heading)]

    def step(self, dt: float) -> None:
        """Advance by ``dt`` seconds."""
        if self._rest > 0:
            self._rest -= dt
            self._move(0.0, 0.0, dt)
            return
        offset = np.array(self._goal.point) - self.chain[0]
        distance = float(np.hypot(*offset))
        turn = math.atan2(offset[1], offset[0]) - self.heading
        turn = (turn + math.pi) % (2 * math.pi) - math.pi
        missed = distance < 90 and abs(turn) > 1.2
        if missed or distance < 14 + 0.02 * self.speed:
            self._rest = self._goal.pause
            self._goal = next(self._goals)
            return
        self._curl += -1.5 * dt * self._curl + 1.75 * math.sqrt(dt) * float(self._rng.normal())
        wander = self._curl * min(1.0, distance / 150) * (self.speed < 400)
        wanted = self._goal.speed * max(0.3, math.cos(turn)) * min(1.0, 0.25 + distance / 120)
        self._move(wanted, 4.5 * turn + wander, dt)

    def _move(self, wanted: float, turn_rate: float, dt: float) -> None:
        rate = 9.0 if wanted > self.speed else 11.0
        self.speed += (wanted - self.speed) * min(1.0, rate * dt)
        limit = 1.2 + self.speed / 42
        self.heading += float(np.clip(turn_rate, -limit, limit)) * dt * min(1.0, self.speed / 40)
        self.phase += self.speed * dt / 38
        self.chain[0] += self.speed * dt * np.array([math.cos(self.heading), math.sin(self.heading)])
        for node, gap in enumerate(self._gaps, start=1):
            pull = self.chain[node - 1] - self.chain[node]
            self.chain[node] = self.chain[node - 1] - pull * (gap / float(np.hypot(*pull)))


def _goals(rng: np.random.Generator) -> Iterator[Goal]:
    while True:
        for kind in ("roam", "stop", "dash", "mirror", "roam", "dash", "shelter"):
            yield from _DECK[kind](rng)


def _roam(rng: np.random.Generator) -> Iterator[Goal]:
    for _ in range(int(rng.integers(1, 3))):
        yield Goal(_free_point(rng), float(rng.uniform(200, 350)))


def _stop(rng: np.random.Generator) -> Iterator[Goal]:
    yield Goal(_free_point(rng), float(rng.uniform(200, 300)), float(rng.uniform(0.5, 1.2)))


def _dash(rng: np.random.Generator) -> Iterator[Goal]:
    yield Goal(_free_point(rng), float(rng.uniform(800, 1050)), float(rng.uniform(0.1, 0.5)))


def _mirror(rng: np.random.Generator) -> Iterator[Goal]:
    first, last = rng.permutation([float(rng.uniform(260, 400)), float(rng.uniform(600, 740))])
    away = MIRROR_X - rng.uniform(38, 52)
    yield Goal((away - 30, first), 330)
    yield Goal((away, 0.5 * (first + last)), 240, float(rng.uniform(0.0, 0.5)))
    yield Goal((away, last), 270)


def _shelter(rng: np.random.Generator) -> Iterator[Goal]:
    x, y = DOOR
    yield Goal((x + 110, y), 340)
    yield Goal((x - 60, y), 280)
    yield Goal((x - 200, y - 50), 260)
    yield Goal((x - 210, y + 45), 220, float(rng.uniform(0.3, 0.8)))
    yield Goal((x - 60, y + 5), 240, float(rng.uniform(0.0, 0.3)))
    yield Goal((x + 120, y), 280)


_DECK = {"roam": _roam, "stop": _stop, "dash": _dash, "mirror": _mirror, "shelter": _shelter}


def _free_point(rng: np.random.Generator) -> tuple[float, float]:
    """A point on the floor, away from the walls, that no straight walk to reaches through the shelter."""
    while True:
        x = float(rng.uniform(FLOOR[0] + 90, FLOOR[2] - 190))
        y = float(rng.uniform(FLOOR[1] + 90, FLOOR[3] - 90))
        if x > SHELTER[2] + 90 or y < SHELTER[1] - 200:
            return x, y


def _posed(walker: _Walker, swing: float, wave: float) -> Array:
    """The chain with the head looking about and the tail waving, (N, 2)."""
    nodes = walker.chain.copy()
    calm = math.exp(-walker.speed / 120)
    angle = swing * (0.10 + 0.38 * calm)
    for node in range(5):
        nodes[node] = nodes[5] + _turned(nodes[node] - nodes[5], angle * (5 - node) / 5)
    sway = 0.05 * math.sin(2 * math.pi * walker.phase) * (1 - calm)
    along = np.gradient(nodes[BODY_NODES - 1 :], axis=0)
    side = np.column_stack([-along[:, 1], along[:, 0]])
    side /= np.hypot(*side.T)[:, None]
    share = np.linspace(0, 1, len(side))
    bend = wave * 26 * share**2 + 9 * share * np.sin(4.2 * share - 2.2 * walker.phase + 3 * wave)
    nodes[BODY_NODES - 1 :] += (bend + sway * BODY_LENGTH * share)[:, None] * side
    return np.clip(nodes, _REACH[0], _REACH[1])


def _turned(vector: Array, angle: float) -> Array:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1]])


def _smooth_noise(rng: np.random.Generator, steps: int, seconds: float) -> Array:
    """Noise of unit variance that changes over about ``seconds``."""
    knots = rng.normal(size=int(steps / (FPS * SUBSTEPS * seconds)) + 4)
    at = np.arange(steps) / (FPS * SUBSTEPS * seconds) + 1
    low = at.astype(int)
    part = at - low
    ease = part * part * (3 - 2 * part)
    return np.asarray(knots[low] * (1 - ease) + knots[low + 1] * ease)
