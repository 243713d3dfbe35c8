"""Faults to be found: what goes wrong with boxes, put into a track that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import iou
from review_animals import Array, Recording

FRAMES_A_FAULT = 150
GAP = 8
BAD_IOU = 0.8


@dataclass(frozen=True)
class Fault:
    """One fault, both frames inclusive."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Faulty:
    """A track with faults: what the queue is given, and what it has to find.

    Attributes
    ----------
    boxes : ndarray, (T, 4)
    likelihood : ndarray, (T,)
        Fallen during half of the jumps and swaps.
    faults : list of Fault
        By frame; no two of them touch.
    """

    boxes: Array
    likelihood: Array
    faults: list[Fault]


def inject(good: Recording, seed: int) -> Faulty:
    """Put faults of all kinds in, one start in 150 frames, each bad enough to be one (IoU below 0.8)."""
    rng = np.random.default_rng(1_000_000 + seed)
    frames = len(good.boxes)
    boxes, likelihood = good.boxes.copy(), good.likelihood.copy()
    taken = np.zeros(frames, bool)
    faults: list[Fault] = []
    every = rng.permutation(list(KINDS)).tolist()
    kinds = [every[n % len(KINDS)] for n in range(frames // FRAMES_A_FAULT)]
    # the long ones first, while there is room
    for kind in sorted(kinds, key=lambda kind: -LENGTHS[kind][1]):
        for _ in range(500):
            length = int(rng.integers(LENGTHS[kind][0], LENGTHS[kind][1] + 1))
            first = int(rng.integers(10, frames - length - 10))
            rows = slice(first, first + length)
            if taken[first - GAP : first + length + GAP].any():
                continue
            made = KINDS[kind](good, rng, first, length)
            if made is None or not _is_bad(made, good.truth[rows]):
                continue
            boxes[rows] = made
            taken[rows] = True
            faults.append(Fault(kind, first, first + length - 1))
            break
    for kind in ("jump", "swap"):
        of_kind = [fault for fault in faults if fault.kind == kind]
        for fault in of_kind[::2]:
            rows = slice(fault.first, fault.last + 1)
            likelihood[rows] = rng.uniform(0.02, 0.4) * rng.uniform(
                0.7, 1.3, fault.last + 1 - fault.first
            )
    return Faulty(boxes, likelihood, sorted(faults, key=lambda fault: fault.first))


def _is_bad(boxes: Array, truth: Array) -> bool:
    return bool(np.isnan(boxes[:, 0]).all() or (iou(boxes, truth) < BAD_IOU).any())


def jump(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """Elsewhere, in one place or in another every frame."""
    boxes = good.boxes[first : first + length].copy()
    count = length if rng.random() < 0.5 else 1
    center = boxes[:1, :2] + boxes[:1, 2:] / 2
    places = rng.uniform([60, 60], np.array(good.frame_size) - 60, (count, 2))
    if (np.hypot(*(places - center).T) < 0.7 * boxes[0, 2:].max()).any():
        return None
    boxes[:, :2] = np.rint(places - boxes[:, 2:] / 2)
    return boxes


def swap(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """On something else, with the noise of the detector."""
    rows = slice(first, first + length)
    other = good.distractors[int(rng.integers(len(good.distractors)))][rows]
    boxes, truth = good.boxes[rows].copy(), good.truth[rows]
    center = truth[:, :2] + truth[:, 2:] / 2
    apart = np.hypot(*(other - center).T)
    inside = ((other > 40) & (other < np.array(good.frame_size) - 40)).all()
    if min(apart[0], apart[-1]) < truth[:, 2:].max() or not inside:
        return None
    boxes[:, :2] = np.rint(boxes[:, :2] + other - center)
    return boxes


def freeze(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """The box stays where it was: to the pixel, or with the detector's noise."""
    boxes, truth = good.boxes[first : first + length].copy(), good.truth[first : first + length]
    if rng.random() < 0.5:
        boxes[:] = boxes[0]
    else:
        boxes[:, :2] = np.rint(truth[0, :2] + boxes[:, :2] - truth[:, :2])
    return boxes if iou(boxes[-1], truth[-1]) < BAD_IOU else None


def drift(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """The box leaves the animal slowly, and is back at once."""
    boxes = good.boxes[first : first + length].copy()
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 2.0) * float(boxes[0, 2:].max())
    way = np.linspace(0, 1, length + 1)[1:, None] ** rng.uniform(0.8, 1.5)
    boxes[:, :2] = np.rint(boxes[:, :2] + far * way * [np.cos(angle), np.sin(angle)])
    return boxes


def blow_up(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """Larger about its centre."""
    return _scaled(good.boxes[first : first + length], float(rng.uniform(1.5, 3)))


def shrink(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """Smaller about its centre."""
    return _scaled(good.boxes[first : first + length], 1 / float(rng.uniform(1.5, 3)))


def missing(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """No box."""
    return np.full((length, 4), np.nan)


def edge(good: Recording, rng: np.random.Generator, first: int, length: int) -> Array | None:
    """Hangs out over the nearest edge by a fifth to two thirds of its side; the animal does not."""
    boxes, truth = good.boxes[first : first + length].copy(), good.truth[first : first + length]
    frame = np.array(good.frame_size)
    if (truth[:, :2] < 0).any() or (truth[:, :2] + truth[:, 2:] > frame).any():
        return None
    room = np.concatenate([truth[0, :2], frame - truth[0, :2] - truth[0, 2:]])
    side, share = int(np.argmin(room)), float(rng.uniform(0.2, 0.66))
    axis = side % 2
    out = share * boxes[:, 2 + axis]
    boxes[:, axis] = np.rint(-out if side < 2 else frame[axis] - boxes[:, 2 + axis] + out)
    return boxes


def _scaled(boxes: Array, factor: float) -> Array:
    sides = np.maximum(2, 2 * np.rint(boxes[:, 2:] * factor / 2))
    return np.column_stack([np.rint(boxes[:, :2] + (boxes[:, 2:] - sides) / 2), sides])


Make = Callable[[Recording, np.random.Generator, int, int], "Array | None"]
KINDS: dict[str, Make] = {
    "jump": jump,
    "swap": swap,
    "freeze": freeze,
    "drift": drift,
    "blow-up": blow_up,
    "shrink": shrink,
    "missing": missing,
    "edge": edge,
}
LENGTHS = {
    "jump": (1, 3),
    "swap": (20, 200),
    "freeze": (10, 90),
    "drift": (30, 150),
    "blow-up": (1, 40),
    "shrink": (1, 40),
    "missing": (1, 60),
    "edge": (1, 60),
}
