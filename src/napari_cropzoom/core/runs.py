"""Stretches of consecutive frames."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoolArray


def runs(mask: BoolArray) -> list[tuple[int, int]]:
    """First and last index, both inclusive, of each run of True in a (T,) bool array, ascending."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]
