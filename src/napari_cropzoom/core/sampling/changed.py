"""Which frames of a video have to be predicted again after some of its boxes changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray

SIDE = 2
"""Frames on either side that a network with temporal context looks at."""


def changed_frames(before: FloatArray, after: FloatArray) -> BoolArray:
    """(T,) bool: frames whose box moved, changed its size, appeared or went.

    Parameters
    ----------
    before, after : ndarray, (T, 4)
        Boxes as the network saw or would see them, NaN rows where there is none.
    """
    same: BoolArray = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    return ~same


def result_of(n_frames: int, context: bool) -> NDArray[np.intp]:
    """(T,) frame whose result each frame gets.

    Its own; but with temporal context the first and last two frames repeat their neighbour's, and in
    videos of less than five frames all have one, as in Lightning Pose.
    """
    frames = np.arange(n_frames)
    if not context:
        return frames
    first = min(SIDE, n_frames - 1)
    return np.clip(frames, first, max(n_frames - 1 - SIDE, first))


def frames_to_run(changed: BoolArray, present: BoolArray, context: bool) -> BoolArray:
    """(T,) bool: frames whose result another box makes another one and that some frame needs.

    Parameters
    ----------
    changed : ndarray, (T,) bool
        See :func:`changed_frames`.
    present : ndarray, (T,) bool
        Frames that have a box now; the others get no keypoints.
    context : bool
        Whether a result depends on the two frames before and after as well, black ones included.
    """
    needed = np.zeros_like(present)
    needed[result_of(len(present), context)[present]] = True
    run: BoolArray = needed & frames_to_see(changed, context)
    return run


def rows_of(run: BoolArray, context: bool) -> BoolArray:
    """(T,) bool: frames that have a result once those of ``run`` do, which at the ends share one."""
    results, source = np.zeros_like(run), result_of(len(run), context)
    results[source[run]] = True
    rows: BoolArray = results[source]
    return rows


def frames_to_see(run: BoolArray, context: bool) -> BoolArray:
    """(T,) bool: frames that have to be decoded for the results of ``run``."""
    seen = run.copy()
    if context:
        for step in range(1, SIDE + 1):
            seen[step:] |= run[:-step]
            seen[:-step] |= run[step:]
    return seen
