"""Which frames go into which batch, each always at the same place of it.

A network's sums are added up in another order at another place of a batch, which changes the last
digits of its result. So a frame has its place for good, its number modulo the size of a batch, whatever
else runs with it: running some frames then gives to the last digit what running all of them gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.sampling.changed import SIDE

MOST_OPEN = 4
"""Batches that wait for more frames; a bound on the frames held in memory."""


@dataclass(frozen=True, eq=False)
class FrameBatch:
    """One call of the network.

    Attributes
    ----------
    frames : ndarray, (B,) or (B + 4,) int
        Frame at each place, -1 where it does not matter which.
    results : ndarray, (B,) int
        Frame that each result is of, -1 where it is of none.
    """

    frames: NDArray[np.intp]
    results: NDArray[np.intp]


def batches(run: BoolArray, batch_size: int, context: bool) -> Iterator[FrameBatch]:
    """Yield batches for all results of ``run``, near to the order of the frames.

    Parameters
    ----------
    run : ndarray, (T,) bool
        See :func:`napari_cropzoom.core.sampling.changed.frames_to_run`.
    batch_size : int
        Results of a batch.
    context : bool
        Whether a result takes five frames: itself at the third place, the frames beside it around it.
        Videos of less than five frames repeat their last one.
    """
    results = np.flatnonzero(run)
    if len(results) == 0:
        return
    starts = np.maximum(results - SIDE, 0) if context else results
    length = 2 * SIDE + 1 if context else 1
    blocks = starts // batch_size
    waiting: list[FrameBatch] = []
    for mine in np.split(np.arange(len(results)), np.flatnonzero(np.diff(blocks)) + 1):
        first = int(blocks[mine[0]]) * batch_size
        places = starts[mine] - first
        needed = np.unique(places[:, None] + np.arange(length))
        batch = next((each for each in waiting if (each.frames[needed] < 0).all()), None)
        if batch is None:
            batch = FrameBatch(np.full(batch_size + length - 1, -1), np.full(batch_size, -1))
            waiting.append(batch)
        batch.frames[needed] = np.minimum(first + needed, len(run) - 1)
        batch.results[places] = results[mine]
        if (batch.frames >= 0).all():
            waiting.remove(batch)
            yield batch
        elif len(waiting) > MOST_OPEN:
            yield waiting.pop(0)
    yield from waiting
