"""Which of the candidates of each frame is the animal: the path of least cost through the video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CANDIDATES_A_FRAME = 3


class Candidates:
    """The strongest few boxes of every frame, 60 bytes each frame however long the video.

    Attributes
    ----------
    boxes : ndarray of float32, shape (T, CANDIDATES_A_FRAME, 4)
        ``x, y, w, h``, NaN where there are fewer.
    strength : ndarray of float32, shape (T, CANDIDATES_A_FRAME)
        Larger is likelier the animal; 0 where there are fewer.
    """

    def __init__(self, n_frames: int) -> None:
        self.boxes = np.full((n_frames, CANDIDATES_A_FRAME, 4), np.nan, np.float32)
        self.strength = np.zeros((n_frames, CANDIDATES_A_FRAME), np.float32)

    def put(self, frame: int, found: list[tuple[float, float, float, float, float]]) -> None:
        """Set the candidates of a frame, ``x, y, w, h, strength``, strongest first."""
        if frame < len(self.boxes) and found:
            kept = np.array(found[:CANDIDATES_A_FRAME], np.float32)
            self.boxes[frame, : len(kept)] = kept[:, :4]
            self.strength[frame, : len(kept)] = kept[:, 4]


def best_path(candidates: Candidates, reach: float, least_strength: float) -> NDArray[np.float64]:
    """Return the boxes, (T, 4), of the likeliest path; NaN where nothing was found.

    Dynamic programming (Viterbi) over the frames that have candidates. A candidate costs the logarithm
    of how much weaker it is than the strongest of its frame; a step costs its length in units of
    ``reach``, less after a gap. Boxes weaker than ``least_strength`` times the median of the path are
    noise, seen while the animal is away, and become NaN.
    """
    boxes = np.full((len(candidates.boxes), 4), np.nan)
    seen = np.flatnonzero(candidates.strength[:, 0] > 0)
    if not len(seen):
        return boxes
    strength = candidates.strength[seen].astype(float)
    found = candidates.boxes[seen].astype(float)
    with np.errstate(divide="ignore"):
        cost_here = -np.log(strength / strength[:, :1])
    centres = np.nan_to_num(found[:, :, :2] + found[:, :, 2:] / 2)
    gaps = np.diff(seen, prepend=seen[0] - 1)

    came_from = np.zeros(strength.shape, np.intp)
    cost = cost_here[0]
    for step in range(1, len(seen)):
        distance = np.linalg.norm(centres[step][:, None] - centres[step - 1][None], axis=2)
        total = cost[None] + distance / (reach * np.sqrt(gaps[step]))
        came_from[step] = total.argmin(axis=1)
        cost = total.min(axis=1) + cost_here[step]

    choice = np.empty(len(seen), np.intp)
    choice[-1] = cost.argmin()
    for step in range(len(seen) - 1, 0, -1):
        choice[step - 1] = came_from[step, choice[step]]
    rows = np.arange(len(seen))
    chosen_strength = strength[rows, choice]
    is_animal = chosen_strength >= least_strength * np.median(chosen_strength)
    boxes[seen[is_animal]] = found[rows, choice][is_animal]
    return boxes
