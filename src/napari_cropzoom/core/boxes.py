"""Bounding boxes: one, and a dense track of them with the provenance of every frame."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.words import counted

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

LARGEST_FRAME = 2**16  # pixels; no codec has more in a row
FARTHEST = 4.0 * LARGEST_FRAME
"""No number of a box, or of a keypoint, is larger: some frame sizes outside the largest frame."""


class Source(IntEnum):
    """Where a frame's box comes from."""

    MISSING = 0
    DETECTED = 1
    IMPORTED = 2
    MANUAL = 3
    INTERPOLATED = 4
    FILLED = 5
    ABSENT = 6


class Review(IntEnum):
    """What a person has said of a frame."""

    UNSEEN = 0
    FLAGGED = 1
    ACCEPTED = 2
    EDITED = 3


class Box(NamedTuple):
    """One box in pixels of the full frame: top-left corner and size, x to the right, y down."""

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def from_corners(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        """Box spanning two opposite corners, given in any order."""
        return cls(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))

    @property
    def center(self) -> tuple[float, float]:
        """Centre (x, y) in pixels."""
        return self.x + self.w / 2, self.y + self.h / 2

    def snapped(self) -> Box:
        """Whole pixels and even sizes of at least 2, the form that survives to *final* unchanged."""
        w, h = (max(2, 2 * round(side / 2)) for side in (self.w, self.h))
        return Box(float(round(self.x)), float(round(self.y)), float(w), float(h))

    def is_missing(self) -> bool:
        """Whether the frame has no box (all four values NaN)."""
        return bool(np.isnan(self.x))


MISSING_BOX = Box(np.nan, np.nan, np.nan, np.nan)


def as_boxes(values: ArrayLike, first: int = 0) -> FloatArray:
    """Validate an array of boxes.

    Parameters
    ----------
    values : array_like, (T, 4)
        ``x, y, w, h`` in pixels; a row is either complete or all NaN (no box).
    first : int
        Frame of the first row, for the message.

    Raises
    ------
    CropzoomError
        If the shape is not (T, 4), a row is partly NaN, infinite or beyond :data:`FARTHEST`, or a side is
        not positive.
    """
    try:
        boxes = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CropzoomError(f"Boxes must be rows of four numbers x, y, w, h ({brief(error)}).") from error
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise CropzoomError(f"Boxes must have the shape (frames, 4), not {boxes.shape}.")
    finite = _in_all_columns(np.abs(boxes) <= FARTHEST)
    bad = ~finite & ~_in_all_columns(np.isnan(boxes))
    if bad.any():
        raise CropzoomError(
            f"The box of frame {first + int(np.argmax(bad))} has a missing, infinite or far too large "
            "value; give all four of x, y, w, h, or none."
        )
    flat = finite & ((boxes[:, 2] <= 0) | (boxes[:, 3] <= 0))
    if flat.any():
        row = int(np.argmax(flat))
        raise CropzoomError(
            f"The box of frame {first + row} has no area (w = {boxes[row, 2]:g}, h = {boxes[row, 3]:g}); "
            "width and height must be greater than 0."
        )
    return boxes


def _in_all_columns(flags: BoolArray) -> BoolArray:
    """(T, 4) bool to (T,): the same as ``flags.all(axis=1)``, in a tenth of its time."""
    x, y, w, h = flags.T
    return np.asarray(x & y & w & h)


def centered(boxes: FloatArray) -> FloatArray:
    """Boxes ``x, y, w, h`` as ``centre x, centre y, w, h``, both (T, 4); undone by :func:`cornered`."""
    result = boxes.copy()
    result[:, :2] += boxes[:, 2:] / 2
    return result


def cornered(boxes: FloatArray) -> FloatArray:
    """Boxes ``centre x, centre y, w, h`` as ``x, y, w, h``, both (T, 4)."""
    result = boxes.copy()
    result[:, :2] -= boxes[:, 2:] / 2
    return result


def iou(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Intersection over union of boxes, row by row.

    Parameters
    ----------
    a, b : array_like, (..., 4)
        ``x, y, w, h`` in pixels, broadcast against each other.

    Returns
    -------
    ndarray, (...)
        Between 0 and 1; NaN where either box is missing.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    overlap = np.clip(high - low, 0, None).prod(axis=-1)
    union = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - overlap
    result: FloatArray = overlap / union
    return result


@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """The state of a range of frames: what an edit remembers of before and after.

    Attributes
    ----------
    boxes : ndarray, (N, 4) float64
        ``x, y, w, h`` in pixels, NaN where missing.
    source, review : ndarray, (N,) uint8
        Values of :class:`Source` and :class:`Review`.
    """

    boxes: FloatArray
    source: NDArray[np.uint8]
    review: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        return f"<Snapshot of {counted(len(self), 'frame')}>"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Snapshot)
            and np.array_equal(self.boxes, other.boxes, equal_nan=True)
            and np.array_equal(self.source, other.source)
            and np.array_equal(self.review, other.review)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


class BoxTrack:
    """A dense track: one box per frame of a video, with source and review state per frame.

    ``raw`` is what the detector or importer said; ``boxes`` is raw with the edits applied. Only
    :meth:`put` and :meth:`put_raw` change a track, and only edits call them.

    Parameters
    ----------
    raw : array_like, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where the frame has no box.
    name : str
        The animal's name.
    source : Source
        Where the boxes come from: ``DETECTED`` or ``IMPORTED``; kept as ``raw_source``.
    interpolated : ndarray, (T,) bool, or None
        Frames whose raw box was not detected but lies between others; kept, all False for None.

    Raises
    ------
    CropzoomError
        If a box is invalid, see :func:`as_boxes`.
    """

    def __init__(
        self,
        raw: ArrayLike,
        name: str = "animal",
        source: Source = Source.DETECTED,
        interpolated: BoolArray | None = None,
    ) -> None:
        self.name = name
        self.put_raw(raw, source, interpolated)
        self._begin()

    @classmethod
    def empty(cls, n_frames: int, name: str = "animal") -> BoxTrack:
        """Track of ``n_frames`` frames without any box, for boxes drawn by hand."""
        return cls(np.full((n_frames, 4), np.nan), name)

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        frames = counted(len(self), "frame")
        return f"<BoxTrack {self.name!r}: {frames}, {self.n_missing} of them without a box>"

    def copy(self) -> BoxTrack:
        """The present state, for a thread to work on while the track changes; ``raw`` is shared."""
        other = copy.copy(self)
        other.boxes, other.source = self.boxes.copy(), self.source.copy()
        other.review = self.review.copy()
        return other

    def bare(self) -> BoxTrack:
        """The same raw boxes without any edit; ``raw`` is shared, and not checked again."""
        other = copy.copy(self)
        other._begin()
        return other

    def changed_since(self, earlier: BoxTrack) -> BoolArray:
        """(T,) bool: frames whose box, source or review state is not that of an earlier copy."""
        same: BoolArray = (self.boxes == earlier.boxes).all(axis=1)
        same |= self.is_missing & earlier.is_missing
        same &= (self.source == earlier.source) & (self.review == earlier.review)
        return ~same

    def box(self, frame: int) -> Box:
        """Box of one frame, raw + edits (all NaN where missing)."""
        return Box(*self.boxes[frame].tolist())

    @property
    def is_manual(self) -> BoolArray:
        """(T,) bool: frames whose box a person set."""
        manual: BoolArray = self.source == Source.MANUAL
        return manual

    @property
    def is_missing(self) -> BoolArray:
        """(T,) bool: frames without a box."""
        return np.isnan(self.boxes[:, 0])

    @property
    def n_missing(self) -> int:
        """How many frames have no box; kept, so that asking costs nothing however long the track is."""
        return self._n_missing

    def is_manual_in(self, first: int, last: int) -> BoolArray:
        """(N,) bool: of frames ``first`` to ``last``, both inclusive, those whose box a person set."""
        manual: BoolArray = self.source[first : last + 1] == Source.MANUAL
        return manual

    def manual_frames(self) -> IntArray:
        """Frame numbers of the boxes set by hand, ascending."""
        return np.flatnonzero(self.is_manual).astype(np.int64)

    def snapshot(self, first: int, last: int) -> Snapshot:
        """Copy of the state of frames ``first`` to ``last``, both inclusive.

        Raises
        ------
        CropzoomError
            If the range is empty or reaches outside the track.
        """
        if not 0 <= first <= last < len(self):
            name = f"There is no frame {first}" if first == last else f"Frames {first} to {last} are not"
            here = counted(len(self), "frame")
            raise CropzoomError(f"{name} in this track of {here}, numbered from 0.")
        rows = slice(first, last + 1)
        return Snapshot(self.boxes[rows].copy(), self.source[rows].copy(), self.review[rows].copy())

    def raw_state(self, first: int, last: int) -> Snapshot:
        """State of frames ``first`` to ``last``, both inclusive, before any edit."""
        rows = slice(first, last + 1)
        boxes = self.raw[rows].copy()
        missing = np.isnan(boxes[:, 0])
        source = np.full(len(boxes), self.raw_source, np.uint8)
        source[self.interpolated[rows]] = Source.INTERPOLATED
        source[missing] = Source.MISSING
        review = np.full(len(boxes), Review.UNSEEN, np.uint8)
        review[missing] = Review.FLAGGED
        return Snapshot(boxes, source, review)

    def _begin(self) -> None:
        fresh = self.raw_state(0, len(self.raw) - 1)
        self.boxes, self.source, self.review = fresh.boxes, fresh.source, fresh.review
        self._n_missing = int(np.count_nonzero(fresh.source == Source.MISSING))

    def put_raw(self, raw: ArrayLike, source: Source, interpolated: BoolArray | None = None) -> None:
        """Take other raw boxes, as at the start; ``boxes`` stay until they are put."""
        self.raw = as_boxes(raw)
        self.raw.flags.writeable = False
        self.raw_source = source
        nowhere = np.zeros(len(self.raw), bool)
        self.interpolated: BoolArray = nowhere if interpolated is None else interpolated

    def put(self, first: int, state: Snapshot) -> None:
        """Write a range of frames; for edits only."""
        rows = slice(first, first + len(state))
        if len(state) == 1:  # nearly always, and asking numpy about one number takes long
            self._n_missing += isnan(state.boxes[0, 0]) - isnan(self.boxes[first, 0])
        else:
            before, after = np.isnan(self.boxes[rows, 0]), np.isnan(state.boxes[:, 0])
            self._n_missing += int(np.count_nonzero(after)) - int(np.count_nonzero(before))
        self.boxes[rows] = state.boxes
        self.source[rows] = state.source
        self.review[rows] = state.review
