"""A part of a frame, and what was seen there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Gray = NDArray[np.uint8]


class Doubt(NamedTuple):
    """Why a frame is not trusted: in a word, and what is seen; both empty if it is."""

    word: str = ""
    what: str = ""


NO_DOUBT = Doubt()


class Sight(NamedTuple):
    """Where the animal's box is in a frame, in pixels of the reduced frame.

    Attributes
    ----------
    centre : ndarray, (2,)
        Of the box.
    scale : ndarray, (2,)
        Size in units of the first box.
    doubt : Doubt
        Empty where the animal was recognised.
    firm : bool
        Whether this may be the last box before a doubt: seen whole and alone.
    """

    centre: Vector
    scale: Vector
    doubt: Doubt = NO_DOUBT
    firm: bool = True


@dataclass(frozen=True, eq=False)
class Patch:
    """A rectangle of a frame, cut off at the frame's edge.

    Attributes
    ----------
    pixels : ndarray of uint8, (h, w)
    origin : ndarray, (2,)
        Its top-left corner in the frame, x and y.
    """

    pixels: Gray
    origin: Vector

    @classmethod
    def round(cls, image: Gray, centre: Vector, half: Vector) -> Patch:
        """Cut out at least ``half`` its width and height to each side of ``centre``."""
        limit = np.array(image.shape[::-1])
        low = np.clip(np.floor(centre - half).astype(int), 0, limit - 1)
        high = np.clip(np.ceil(centre + half).astype(int), low + 1, limit)
        return cls(image[low[1] : high[1], low[0] : high[0]], low.astype(float))

    def of(self, image: Gray) -> Gray:
        """Return the same rectangle of another frame."""
        x, y = self.origin.astype(int)
        height, width = self.pixels.shape
        return image[y : y + height, x : x + width]

    def rectangle(self, centre: Vector, half: Vector) -> tuple[slice, slice]:
        """Rows and columns of a rectangle given in the frame, as far as it lies in this one."""
        limit = np.array(self.pixels.shape[::-1])
        low = np.clip(np.rint(centre - half - self.origin).astype(int), 0, limit)
        high = np.clip(np.rint(centre + half - self.origin).astype(int), low, limit)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def fitted(self, mask: Gray, low: Vector) -> Gray:
        """Place a mask whose corner lies at ``low`` in the frame; 0 where it does not reach."""
        result = np.zeros_like(self.pixels)
        height, width = self.pixels.shape
        x, y = (round(value) for value in (low - self.origin).tolist())
        top, left = max(y, 0), max(x, 0)
        part = mask[top - y : height - y, left - x : width - x]
        result[top : top + part.shape[0], left : left + part.shape[1]] = part
        return result
