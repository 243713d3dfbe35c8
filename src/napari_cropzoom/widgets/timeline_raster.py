"""Curves and strips as pixels, by numpy: several times faster than Qt strokes noisy lines, and smooth.

Pictures are (H, W) uint32 arrays of device pixels, ``0xffRRGGBB``; a column is one pixel wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QColor

Picture = NDArray[np.uint32]
Columns = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """What is in view: frames from edge to edge, and the columns to draw them in."""

    left: float
    right: float
    columns: int

    @property
    def first(self) -> int:
        """First whole frame in view."""
        return int(np.floor(self.left))

    @property
    def last(self) -> int:
        """Last whole frame in view."""
        return int(np.ceil(self.right))

    @property
    def per_frame(self) -> float:
        """Columns that one frame takes."""
        return self.columns / (self.right - self.left)

    def column(self, frames: NDArray[np.generic] | float) -> NDArray[np.float64]:
        """Where frames are, 0 at the left edge."""
        return (np.asarray(frames, np.float64) - self.left) * self.per_frame


def spans(x: NDArray[np.floating], y: NDArray[np.floating], columns: int) -> tuple[Columns, Columns]:
    """Lowest and highest ``y`` of a line in every column.

    Parameters
    ----------
    x : ndarray, (N,)
        Ascending, in columns.
    y : ndarray, (N,)
        NaN where the line is broken.
    columns : int

    Returns
    -------
    low, high : ndarray, (columns,) float32
        NaN where the line is not.
    """
    edges = np.arange(columns + 1, dtype=np.float64)
    if not len(x):
        nothing = np.full(columns, np.nan, np.float32)
        return nothing, nothing
    at_edge = np.interp(edges, x, y, np.nan, np.nan).astype(np.float32)
    place = np.searchsorted(x, edges)
    padded = np.append(y, np.nan).astype(np.float32)
    is_empty = place[:-1] == place[1:]
    made = []
    for reduce in (np.fmin, np.fmax):
        inside = reduce.reduceat(padded, place)[:-1]
        inside[is_empty] = np.nan
        made.append(reduce(inside, reduce(at_edge[:-1], at_edge[1:])))
    return made[0], made[1]


def draw_spans(
    picture: Picture, low: Columns, high: Columns, color: str, thick: float, dash: int = 0
) -> None:
    """Draw a line given by its extent in every column, its upper and lower edge smooth.

    Parameters
    ----------
    low, high : ndarray, (W,)
        In pixels from the top of the picture, pixel centres at whole numbers and a half.
    thick : float
        Pixels.
    dash : int
        Columns of a dash, and of the gap after it; 0 for a whole line.
    """
    is_there = np.isfinite(low)
    if dash:
        is_there &= np.arange(len(low)) // dash % 2 == 0
    if not is_there.any():
        return
    above, below = low - thick / 2, high + thick / 2
    top = np.where(is_there, np.floor(above), len(picture)).astype(np.int32)
    bottom = np.where(is_there, np.floor(below), -1).astype(np.int32)
    first, end = max(int(top.min()) + 1, 0), min(int(bottom.max()), len(picture))
    if first < end:
        rows = np.arange(first, end, dtype=np.int32)[:, np.newaxis]
        np.copyto(picture[first:end], packed(color), where=(rows > top) & (rows < bottom))
    columns = np.arange(len(low))
    _mix(picture, top, columns, np.minimum(below, top + 1) - above, color)
    two = np.flatnonzero(bottom > top)  # its lower edge is in a pixel of its own
    _mix(picture, bottom[two], two, (below - bottom)[two], color)


def blend(picture: Picture, cover: NDArray[np.floating], color: str) -> None:
    """Mix a colour into a picture; ``cover`` is (H, W), 0 to 1."""
    rows, columns = np.nonzero(cover)
    _mix(picture, rows, columns, cover[rows, columns], color)


def _mix(
    picture: Picture,
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    share: NDArray[np.floating],
    color: str,
) -> None:
    """Mix a colour into pixels, no pixel twice; those outside the picture are left out."""
    is_in = (rows >= 0) & (rows < len(picture))
    rows, columns, share = rows[is_in], columns[is_in], share[is_in].astype(np.float32)
    under, over = picture[rows, columns], packed(color)
    mixed = np.full(len(under), 0xFF000000, np.uint32)
    for shift in (0, 8, 16):
        dark = (under >> np.uint32(shift) & np.uint32(255)).astype(np.float32)
        light = float(int(over) >> shift & 255)
        mixed |= np.rint(dark + (light - dark) * share).astype(np.uint32) << np.uint32(shift)
    picture[rows, columns] = mixed


def packed(color: str) -> np.uint32:
    """Return a colour as the number of a pixel."""
    return np.uint32(QColor(color).rgb())


def hatch(picture: Picture, begin: float, end: float, color: str, spacing: int) -> None:
    """Hatch the columns from ``begin`` to ``end``, or one if they are less."""
    start = min(max(int(begin), 0), picture.shape[1])
    stop = min(max(int(np.ceil(end)), start + 1), picture.shape[1])
    if stop <= start or end < 0:
        return
    part = picture[:, start:stop]
    rows, columns = np.indices(part.shape)
    on_line = (rows + columns + start) % spacing < 1 + spacing // 8
    blend(part, np.where(on_line, 0.55, 0.1), color)
