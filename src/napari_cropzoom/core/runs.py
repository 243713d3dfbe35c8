"""Runs of consecutive frames."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_cropzoom.core.boxes import BoolArray


def runs(mask: BoolArray) -> list[tuple[int, int]]:
    """First and last index, both inclusive, of each run of True in a (T,) bool array, ascending."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def mask_of(ranges: Iterable[tuple[int, int]], count: int) -> BoolArray:
    """(count,) bool with True in ranges, first and last index both inclusive: undoes :func:`runs`."""
    mask = np.zeros(count, bool)
    for first, last in ranges:
        mask[first : last + 1] = True
    return mask


def next_run(mask: BoolArray, place: int, direction: int) -> int | None:
    """First index of the next run of True in a (T,) bool array; None if there is none.

    The run that ``place`` lies in does not count. ``direction`` is 1 or -1.
    """
    starts = np.flatnonzero(mask & ~np.concatenate([[False], mask[:-1]]))
    after = int(np.searchsorted(starts, place, side="right"))
    if direction > 0:
        return int(starts[after]) if after < len(starts) else None
    before = after - 1
    if before >= 0 and mask[starts[before] : place + 1].all():
        before -= 1
    return int(starts[before]) if before >= 0 else None
