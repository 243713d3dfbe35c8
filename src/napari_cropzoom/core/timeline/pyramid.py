"""Long per-frame series at any zoom: what a plot draws of 1,000,000 frames in 1,000 columns.

A pyramid keeps, for blocks of 8, 16, 32, ... frames, the lowest and highest value (as the mipmaps of
Williams 1983 keep means), so that one view reads about as many numbers as it draws, and a change of a few
frames renews a few numbers of every level. Blocks start at multiples of their length: what is drawn does
not shimmer while the view moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FINEST = 8  # frames in the blocks of the finest level that is kept; shorter ones are made when asked for


class Mipmap:
    """One value for every block of 2^k frames: the reduction of theirs.

    Parameters
    ----------
    values : ndarray, (T,)
        Kept, not copied; after writing to it, call :meth:`renew`.
    reduce : numpy.ufunc
        Of two values, e.g. ``np.fmin``, ``np.maximum``.
    """

    def __init__(self, values: NDArray[np.generic], reduce: np.ufunc) -> None:
        self.values = values
        self._reduce = reduce
        self._levels: list[NDArray[np.generic]] = []
        level = self._halved(self._halved(self._halved(values)))
        while len(values):
            self._levels.append(level)
            if len(level) == 1:
                break
            level = self._halved(level)

    def blocks(self, start: int, stop: int, step: int) -> NDArray[np.generic]:
        """Values of the blocks ``start`` to ``stop`` - 1 of ``step`` frames, a power of two."""
        if step >= _FINEST:
            return self._levels[(step // _FINEST).bit_length() - 1][start:stop]
        part = self.values[start * step : stop * step]
        for _ in range(step.bit_length() - 1):
            part = self._halved(part)
        return part

    def longest_block(self) -> int:
        """Frames in a block of the coarsest level, which has one block."""
        return _FINEST << (len(self._levels) - 1)

    def renew(self, first: int, last: int) -> None:
        """Follow a change of the values ``first`` to ``last``, at a cost that grows with their number."""
        start, stop = first // _FINEST, last // _FINEST + 1
        part = self.values[start * _FINEST : stop * _FINEST]
        self._levels[0][start:stop] = self._halved(self._halved(self._halved(part)))
        for finer, level in zip(self._levels, self._levels[1:], strict=False):
            start, stop = start // 2, (stop - 1) // 2 + 1
            level[start:stop] = self._halved(finer[2 * start : 2 * stop])

    def _halved(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        even = len(values) // 2 * 2
        pairs: NDArray[np.generic] = self._reduce(values[:even:2], values[1:even:2])
        return pairs if even == len(values) else np.append(pairs, values[even:])


def block_length(count: int, columns: int, longest: int) -> int:
    """Shortest power of two of which ``columns`` cover ``count`` frames, ``longest`` at most."""
    need = -(-count // max(columns, 1))
    return min(1 << (need - 1).bit_length(), longest)


class Pyramid:
    """Envelope of a series at any zoom; a peak of a single frame is in all of them.

    Parameters
    ----------
    values : array_like, (T,) float
        NaN where there is none. Kept, not copied, if it is an array already.
    """

    def __init__(self, values: ArrayLike) -> None:
        self.values: NDArray[np.floating] = np.asarray(values)
        self._low = Mipmap(self.values, np.fmin)
        self._high = Mipmap(self.values, np.fmax)

    def __len__(self) -> int:
        return len(self.values)

    def view(
        self, first: int, last: int, columns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        """Points of a line that looks like the series from ``first`` to ``last``.

        Parameters
        ----------
        first, last : int
            Frames, both inclusive; cut to the series.
        columns : int
            Pixels to draw in.

        Returns
        -------
        frames : ndarray, (N,) float64
            Ascending. The values themselves where there are at most two for every column; else, for
            blocks of 2^k frames that cover the range, the first and third quarter of each.
        values : ndarray, (N,)
            Then lowest and highest of each block in turn; NaN where a whole block has none. N is at most
            2 * ``columns``, and two more for each end of the range that lies within a block.
        """
        first, last = max(first, 0), min(last, len(self) - 1)
        count = last - first + 1
        if count <= 0:
            return np.empty(0), self.values[:0]
        if count <= 2 * columns:
            return np.arange(first, last + 1, dtype=np.float64), self.values[first : last + 1].copy()
        step = block_length(count, columns, self._low.longest_block())
        start, stop = first // step, last // step + 1
        points = np.empty(2 * (stop - start), self.values.dtype)
        points[0::2] = self._low.blocks(start, stop, step)
        points[1::2] = self._high.blocks(start, stop, step)
        frames: NDArray[np.float64] = np.arange(2 * start, 2 * stop, dtype=np.float64)
        frames = frames * (step / 2) + (step / 4 - 0.5)
        return frames, points

    def renew(self, first: int, last: int) -> None:
        """Follow a change of ``values`` from ``first`` to ``last``, both inclusive."""
        self._low.renew(first, last)
        self._high.renew(first, last)


class RankStrip:
    """Categories of frames at any zoom; of those that share a column, the one of highest rank shows.

    Parameters
    ----------
    states : array_like, (T,) uint8
        Category of every frame.
    ranks : array_like, (C,) uint8
        Rank of every category, all different; the higher, the rarer and the more important.
    """

    def __init__(self, states: ArrayLike, ranks: ArrayLike) -> None:
        self._rank_of = np.asarray(ranks, np.uint8)
        self._state_of = np.zeros(int(self._rank_of.max()) + 1, np.uint8)
        self._state_of[self._rank_of] = np.arange(len(self._rank_of))
        self._ranks: NDArray[np.uint8] = self._rank_of[np.asarray(states, np.uint8)]
        self._highest = Mipmap(self._ranks, np.maximum)

    def __len__(self) -> int:
        return len(self._ranks)

    def view(self, first: int, last: int, columns: int) -> tuple[int, int, NDArray[np.uint8]]:
        """Categories to draw from ``first`` to ``last``, both inclusive and cut to the strip.

        Returns
        -------
        start, step : int
            The first cell begins with frame ``start``, and every cell is ``step`` frames long.
        states : ndarray, (N,) uint8
            One for each cell; N is at most ``columns`` and one more.
        """
        first, last = max(first, 0), min(last, len(self) - 1)
        if last < first:
            return 0, 1, np.empty(0, np.uint8)
        step = block_length(last - first + 1, columns, self._highest.longest_block())
        start, stop = first // step, last // step + 1
        return start * step, step, self._state_of[self._highest.blocks(start, stop, step)]

    def renew(self, first: int, states: ArrayLike) -> None:
        """Take new categories, (N,) uint8, of the frames from ``first`` on."""
        ranks = self._rank_of[np.asarray(states, np.uint8)]
        if len(ranks):
            self._ranks[first : first + len(ranks)] = ranks
            self._highest.renew(first, first + len(ranks) - 1)
