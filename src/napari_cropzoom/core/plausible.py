"""Whether numbers can be the boxes of a video: one check for every way in.

A row alone is no box if a value is missing or infinite, if it has no area, or if it lies more than
:data:`FRAMES_AWAY` frame sizes outside the frame. A table as a whole is refused if its boxes are
fractions of the frame, have no size that an animal can have, or lie mostly outside: a box that was found
in a picture has its centre in the picture.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from napari_cropzoom.core.boxes import FARTHEST, LARGEST_FRAME, BoolArray, FloatArray

FrameSize = tuple[int, int]
"""Width and height in pixels."""
Faults = Literal["refuse", "skip", "tell"]
"""What a reader does about bad rows and implausible tables."""

FRAMES_AWAY = 3
LARGEST_MEDIAN = 4.0  # side, in the frame's longer side
LEAST_MEDIAN = 2.0  # pixels; what is smaller cannot be cropped
MOST_OUTSIDE = 0.5  # share of boxes with their centre outside the frame
NEARLY_ALL = 0.995
SURE, DOUBTFUL = 0.1, 0.01  # share of boxes that speak for another meaning of the numbers
SAMPLE = 20_000  # rows that a table is judged by

AS_CENTRES = "x and y look like the centre of the box. Subtract half of w from x and half of h from y"
AS_CORNERS = "w and h look like the opposite corner. Subtract x from w and y from h"
AS_SWAPPED = "x and y look swapped. Swap them, and w and h if they are too"


def bad_rows(boxes: FloatArray, frame_size: FrameSize | None = None) -> BoolArray:
    """(T,) bool: rows that are neither a box of such a frame nor missing (all four values NaN).

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, any numbers.
    frame_size : (int, int), optional
        Width and height in pixels; without it the largest that a video can have.
    """
    width, height = frame_size or (LARGEST_FRAME, LARGEST_FRAME)
    x, y, w, h = boxes.T
    with np.errstate(invalid="ignore", over="ignore"):
        good = (w > 0) & (x >= -FRAMES_AWAY * width) & (x + w <= (FRAMES_AWAY + 1) * width)
        good &= (h > 0) & (y >= -FRAMES_AWAY * height) & (y + h <= (FRAMES_AWAY + 1) * height)
    bad: BoolArray = ~good
    if bad.any():
        bad[bad] = ~np.isnan(boxes[bad]).all(axis=1)
    return bad


def why_bad(box: FloatArray, frame_size: FrameSize | None = None) -> str:
    """What is wrong with one of the :func:`bad_rows`, and the cure."""
    x, y, w, h = box.tolist()
    absent = [name for name, value in zip("xywh", box, strict=True) if np.isnan(value)]
    if absent:
        return (
            f"no value for {', '.join(absent)}. Give the frame a whole box: open the video with "
            "`cropzoom review` and fill the gap."
        )
    for name, value in zip("xywh", box.tolist(), strict=True):
        if abs(value) > FARTHEST:
            return f"{name} is {value:g}, more than any video has pixels. Write it in pixels."
    if w <= 0 or h <= 0:
        return f"the box has no area (w = {w:g}, h = {h:g}). Width and height must be greater than 0."
    width, height = frame_size or (LARGEST_FRAME, LARGEST_FRAME)
    return (
        f"the box (x = {x:g}, y = {y:g}, w = {w:g}, h = {h:g}) lies more than {FRAMES_AWAY} frame sizes "
        f"outside a frame of {width} x {height} pixels. Give the boxes of this very video."
    )


def table_fault(boxes: FloatArray, frame_size: FrameSize | None = None) -> str:
    """Why a table cannot hold the boxes of a video, and the cure; empty if it can.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN where missing, without :func:`bad_rows`.
    frame_size : (int, int), optional
        Width and height in pixels; without it the place of the boxes is not looked at.
    """
    known = _sample(boxes)
    if not len(known):
        return ""
    w, h = np.median(known[:, 2:], axis=0)
    if min(w, h) < LEAST_MEDIAN:
        fraction = "Multiply x and w by the frame's width, y and h by its height."
        if np.median(np.abs(known[:, :2])) <= LEAST_MEDIAN:
            return f"the boxes look normalised, as fractions of the frame. {fraction}"
        return (
            f"the usual box has {w:.3g} x {h:.3g} pixels, so w and h are no sizes in pixels. {fraction}"
        )
    if frame_size is None:
        return ""
    width, height = frame_size
    if max(w, h) > LARGEST_MEDIAN * max(frame_size):
        return (
            f"the usual box has {w:.0f} x {h:.0f} pixels, far more than the frame of {width} x {height}. "
            "Give the boxes of this very video."
        )
    inside = _inside(known[:, :2] + known[:, 2:] / 2, frame_size)
    if inside < 1 - MOST_OUTSIDE:
        hint = _other_meaning(known, frame_size) or "Give the boxes of this very video, in its pixels"
        return (
            f"{1 - inside:.0%} of the boxes have their centre outside the frame of {width} x {height} "
            f"pixels. {hint}."
        )
    share = _like_centres(known, frame_size)
    if share >= SURE:
        return _told_of_centres(share)
    return ""


def table_doubt(boxes: FloatArray, frame_size: FrameSize | None) -> str:
    """What a person should know of a table without :func:`table_fault`; empty if nothing is odd."""
    known = _sample(boxes)
    if frame_size is None or not len(known):
        return ""
    share = _like_centres(known, frame_size)
    if share >= DOUBTFUL:
        return f"if these are boxes of this video, look at them: {_told_of_centres(share)}"
    share = _like_corners(known, frame_size)
    if share >= SURE:
        return (
            f"if these are boxes of this video, look at them: {share:.0%} reach beyond the frame to the "
            f"right or below, none to the left or above. {AS_CORNERS}."
        )
    return ""


def _told_of_centres(share: float) -> str:
    return (
        f"{share:.0%} of the boxes have their centre beyond the right or the lower edge of the frame, "
        f"none reaches over the other edges. {AS_CENTRES}."
    )


def _sample(boxes: FloatArray) -> FloatArray:
    """Some thousand boxes, evenly spread, without the missing."""
    known = boxes[:: max(1, len(boxes) // SAMPLE)]
    missing = np.isnan(known[:, 0])
    return known[~missing] if missing.any() else known


def _inside(points: FloatArray, frame_size: FrameSize) -> float:
    """Share of points, (N, 2), in the frame."""
    return float(((points >= 0) & (points <= frame_size)).all(axis=1).mean())


def _at_the_low_edges(known: FloatArray) -> bool:
    """Whether boxes reach over the left or the upper edge, as centres and corners never do."""
    return float((known[:, :2] < -1).any(axis=1).mean()) > 1 - NEARLY_ALL


def _like_centres(known: FloatArray, frame_size: FrameSize) -> float:
    """Share of boxes that lie half outside, where all would lie in the frame if x, y were centres."""
    if _at_the_low_edges(known) or _inside(known[:, :2], frame_size) < NEARLY_ALL:
        return 0.0
    beyond = (known[:, :2] + known[:, 2:] / 2 > np.array(frame_size) + 1).any(axis=1)
    return float(beyond.mean()) if beyond.sum() > 1 else 0.0


def _like_corners(known: FloatArray, frame_size: FrameSize) -> float:
    """Share of boxes that reach over the frame, where none would if w, h were the opposite corner."""
    ends = known[:, 2:]
    fits = ((ends > known[:, :2]) & (ends <= np.array(frame_size) + 1)).all(axis=1)
    if _at_the_low_edges(known) or fits.mean() < NEARLY_ALL:
        return 0.0
    beyond = (known[:, :2] + ends > 1.02 * np.array(frame_size)).any(axis=1)
    return float(beyond.mean()) if beyond.sum() > 1 else 0.0


def _other_meaning(known: FloatArray, frame_size: FrameSize) -> str:
    """What else the numbers may be; empty if nothing fits."""
    if not _at_the_low_edges(known):
        if _like_corners(known, frame_size):
            return AS_CORNERS
        if _inside(known[:, :2], frame_size) >= NEARLY_ALL:
            return AS_CENTRES
    swapped = known[:, 1::-1] + known[:, 2:] / 2
    return AS_SWAPPED if _inside(swapped, frame_size) >= NEARLY_ALL else ""
