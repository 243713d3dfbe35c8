"""Range tools: what a person does to many frames with one key. Each gives an edit of one track.

A range is ``first`` to ``last``, both inclusive. Anchors inside it (boxes a person set) are never
moved by a tool that goes from anchor to anchor; everything a tool has touched counts as edited.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_cropzoom.core.boxes import (
    MISSING_BOX,
    Box,
    BoxTrack,
    FloatArray,
    IntArray,
    Review,
    Snapshot,
    Source,
)
from napari_cropzoom.core.edits import Change, Edit, over
from napari_cropzoom.core.errors import CropzoomError

SPEED_FRAMES = 6  # beyond a range, from which the animal's speed there is taken


def interpolate(track: BoxTrack, first: int, last: int) -> Edit:
    """Between the anchors of a range, and from its ends to the boxes beside it.

    The centre goes through the anchors and through the boxes on either side of the range in a smooth
    curve, as fast at the ends as the animal is there (modified Akima, a cubic that hardly overshoots);
    the size goes in straight lines. Beyond the outermost one the nearest holds.

    Raises
    ------
    CropzoomError
        If there is neither an anchor in the range nor a box beside it.
    """
    knots = _knots(track, first, last)
    if len(knots) == 0:
        raise CropzoomError(f"Frames {first} to {last} have no anchor and no box beside them; draw one.")
    frames = np.arange(first, last + 1)
    boxes = _centered(track.boxes[knots])
    boxes = np.column_stack(
        [_curve(track, knots, boxes[:, :2], frames), _linear(knots, boxes[:, 2:], frames)]
    )
    boxes = _cornered(boxes)
    return _replace(track, f"interpolate {_frames(first, last)}", first, boxes)


def hold(track: BoxTrack, first: int, last: int) -> Edit:
    """The last good box stays: that before the range, and then each anchor until the next.

    Raises
    ------
    CropzoomError
        If there is no box before the range and no anchor in it.
    """
    knots = _knots(track, first, last)
    knots = knots[knots <= last]
    if len(knots) == 0:
        raise CropzoomError(f"There is no box before frame {first} to hold; set one first.")
    latest = np.searchsorted(knots, np.arange(first, last + 1), side="right") - 1
    boxes = track.boxes[knots[np.maximum(latest, 0)]]
    return _replace(track, f"hold the box over {_frames(first, last)}", first, boxes)


def carry_correction(track: BoxTrack, first: int, last: int, *, ease: bool = False) -> Edit:
    """What the anchors of a range correct, carried along the raw boxes of the range.

    The detector may be off by a constant, or the size may be wrong by a factor, while its motion is
    right. The correction (centre in pixels, size as a factor) goes smoothly from anchor to anchor, as in
    :func:`interpolate`, and holds beyond the outermost ones.

    Parameters
    ----------
    track : BoxTrack
    first, last : int
    ease : bool
        The detector drifted off: the correction grows from nothing just outside that end of the range
        which is farther from the anchors.

    Raises
    ------
    CropzoomError
        If no anchor in the range lies on a frame with a raw box.
    """
    anchors = _anchors(track, first, last)
    anchors = anchors[~np.isnan(track.raw[anchors, 0])]
    if len(anchors) == 0:
        raise CropzoomError(
            f"No box was corrected by hand in frames {first} to {last}; correct one, then carry it on."
        )
    set_, was = _centered(track.boxes[anchors]), _centered(track.raw[anchors])
    shifts, sizes = set_[:, :2] - was[:, :2], np.log(set_[:, 2:] / was[:, 2:])
    change = np.column_stack([shifts, sizes])
    if ease:
        at_start = anchors[0] - first >= last - anchors[-1]
        place = 0 if at_start else len(anchors)
        anchors = np.insert(anchors, place, first - 1 if at_start else last + 1)
        change = np.insert(change, place, 0.0, axis=0)
    frames = np.arange(first, last + 1)
    change = _smoothly(anchors, change, frames)
    boxes = _centered(track.raw[first : last + 1])
    boxes[:, :2] += change[:, :2]
    boxes[:, 2:] *= np.exp(change[:, 2:])
    verb = "ease the correction in over" if ease else "carry the correction over"
    return _replace(track, f"{verb} {_frames(first, last)}", first, _cornered(boxes))


def copy_from(track: BoxTrack, frame: int, other: int) -> Edit:
    """The box of another frame, as an anchor.

    Raises
    ------
    CropzoomError
        If that frame is outside the track or has no box.
    """
    if not 0 <= other < len(track) or track.box(other).is_missing():
        raise CropzoomError(f"Frame {other} has no box to copy.")
    box = track.box(other).snapped()
    after = Snapshot(
        np.array([box], np.float64),
        np.array([Source.ANCHOR], np.uint8),
        np.array([Review.EDITED], np.uint8),
    )
    return Edit.of(f"copy the box of frame {other} to frame {frame}", track, frame, after)


def mark_absent(track: BoxTrack, first: int, last: int) -> Edit:
    """No animal in the range."""
    count = last - first + 1
    after = Snapshot(
        np.tile(np.array(MISSING_BOX, np.float64), (count, 1)),
        np.full(count, Source.ABSENT, np.uint8),
        np.full(count, Review.EDITED, np.uint8),
    )
    return Edit.of(over("mark absent", first, last), track, first, after)


def set_size(track: BoxTrack, first: int, last: int, w: float, h: float) -> Edit:
    """One size for every box of the range, round the centre it has; anchors stay anchors.

    Raises
    ------
    CropzoomError
        If a side is not positive.
    """
    if not (w > 0 and h > 0):
        raise CropzoomError(f"A box of {w:g}x{h:g} px has no area; give sides greater than 0.")
    boxes = _centered(track.boxes[first : last + 1])
    boxes[~np.isnan(boxes[:, 0]), 2:] = (w, h)
    label = f"set the size {w:g}x{h:g} in {_frames(first, last)}"
    return _reshaped(track, label, first, _cornered(boxes))


def usual_size(track: BoxTrack, first: int, last: int, *, around: int = 50) -> tuple[float, float]:
    """Median width and height of the boxes within ``around`` frames on either side of a range.

    Frames a person has set count; those of the range do not.

    Raises
    ------
    CropzoomError
        If no box is near.
    """
    near = np.concatenate(
        [track.boxes[max(0, first - around) : first], track.boxes[last + 1 : last + 1 + around]]
    )
    near = near[~np.isnan(near[:, 0])]
    if len(near) == 0:
        raise CropzoomError(f"There is no box near frames {first} to {last} to take the size from.")
    w, h = np.median(near[:, 2:], axis=0).tolist()
    return w, h


def shift(track: BoxTrack, first: int, last: int, dx: float, dy: float) -> Edit:
    """Every box of the range moved by ``dx``, ``dy`` pixels."""
    boxes = track.boxes[first : last + 1] + np.array([dx, dy, 0, 0])
    return _reshaped(track, f"shift {_frames(first, last)} by {dx:+g}, {dy:+g} px", first, boxes)


def scale(track: BoxTrack, first: int, last: int, factor: float) -> Edit:
    """Every box of the range larger by ``factor`` about its centre.

    Raises
    ------
    CropzoomError
        If the factor is not positive.
    """
    if not factor > 0:
        raise CropzoomError(f"The factor must be greater than 0, not {factor:g}.")
    boxes = _centered(track.boxes[first : last + 1])
    boxes[:, 2:] = np.maximum(boxes[:, 2:] * factor, 2)
    return _reshaped(track, f"scale {_frames(first, last)} by {factor:g}", first, _cornered(boxes))


def put_boxes(track: BoxTrack, first: int, boxes: FloatArray, label: str) -> Edit:
    """Boxes found by other means (a visual tracker) for consecutive frames; anchors among them stay."""
    return _replace(track, label, first, boxes)


def swap(a: BoxTrack, b: BoxTrack, first: int, last: int) -> Edit:
    """Swap the identities of two tracks over a range: each frame's box, source and review state.

    Raises
    ------
    CropzoomError
        If both are the same track.
    """
    if a is b:
        raise CropzoomError("Choose another track to swap with.")
    one, two = a.snapshot(first, last), b.snapshot(first, last)
    label = over(f"swap {a.name} and {b.name} in", first, last)
    return Edit(label, (Change(a.name, first, one, two), Change(b.name, first, two, one)))


def _anchors(track: BoxTrack, first: int, last: int) -> IntArray:
    inside = np.flatnonzero(track.is_anchor_in(first, last))
    anchors: IntArray = (inside + first).astype(np.int64)
    return anchors


def _knots(track: BoxTrack, first: int, last: int) -> IntArray:
    """Anchors of the range and the nearest frame with a box on either side of it."""
    offset = max(0, first - 1000)
    before = np.flatnonzero(~np.isnan(track.boxes[offset:first, 0]))
    after = np.flatnonzero(~np.isnan(track.boxes[last + 1 : last + 1001, 0]))
    outside = [[before[-1] + offset] if len(before) else [], [after[0] + last + 1] if len(after) else []]
    return np.concatenate([outside[0], _anchors(track, first, last), outside[1]]).astype(np.int64)


def _curve(track: BoxTrack, knots: IntArray, centers: FloatArray, frames: IntArray) -> FloatArray:
    """Smooth path through the centres at the knots, with the speed that the track has beyond them."""
    before, after = _beyond(track, int(knots[0]), -1), _beyond(track, int(knots[-1]), 1)
    places = np.concatenate([before[0], knots, after[0]])
    values = np.concatenate([before[1], centers, after[1]])
    return _smoothly(places, values, np.clip(frames, knots[0], knots[-1]))


def _beyond(track: BoxTrack, knot: int, way: int) -> tuple[IntArray, FloatArray]:
    """Frames outside a knot, and the centres there on the line of the animal's usual motion."""
    outside = knot + way * np.arange(1, SPEED_FRAMES + 1)
    outside = outside[(outside >= 0) & (outside < len(track))]
    outside = outside[~np.isnan(track.boxes[outside, 0])]
    if len(outside) < SPEED_FRAMES // 2:
        return np.empty(0, np.int64), np.empty((0, 2))
    here = _centered(track.boxes[[knot]])[0, :2]
    steps = (_centered(track.boxes[outside])[:, :2] - here) / (outside - knot)[:, None]
    speed = np.median(steps, axis=0)
    places = np.sort(knot + way * np.array([SPEED_FRAMES, 2 * SPEED_FRAMES]))
    return places, here + speed * (places - knot)[:, None]


def _smoothly(knots: IntArray, values: FloatArray, frames: IntArray) -> FloatArray:
    """Modified Akima through the values, a straight line through two; the outermost holds beyond it."""
    if len(knots) < 3:
        return _linear(knots, values, frames)
    from scipy.interpolate import Akima1DInterpolator  # slow to import

    inside = np.clip(frames, knots[0], knots[-1])
    curve: FloatArray = Akima1DInterpolator(knots, values, axis=0, method="makima")(inside)
    return curve


def _linear(knots: IntArray, values: FloatArray, frames: IntArray) -> FloatArray:
    return np.column_stack([np.interp(frames, knots, column) for column in values.T])


def _centered(boxes: FloatArray) -> FloatArray:
    centered = boxes.copy()
    centered[:, :2] += boxes[:, 2:] / 2
    return centered


def _cornered(boxes: FloatArray) -> FloatArray:
    cornered = boxes.copy()
    cornered[:, :2] -= boxes[:, 2:] / 2
    return cornered


def _replace(track: BoxTrack, label: str, first: int, boxes: FloatArray) -> Edit:
    """New boxes for a range, whose anchors stay as they are."""
    before = track.snapshot(first, first + len(boxes) - 1)
    keep = before.source == Source.ANCHOR
    after = Snapshot(
        np.where(keep[:, None], before.boxes, boxes),
        np.where(keep, Source.ANCHOR, Source.INTERPOLATED).astype(np.uint8),
        np.full(len(boxes), Review.EDITED, np.uint8),
    )
    missing = np.isnan(after.boxes[:, 0])
    after.source[missing] = before.source[missing]
    after.review[missing] = before.review[missing]
    return Edit(label, (Change(track.name, first, before, after),))


def _reshaped(track: BoxTrack, label: str, first: int, boxes: FloatArray) -> Edit:
    """The same boxes in another place or size: anchors move with the rest, and are snapped again."""
    before = track.snapshot(first, first + len(boxes) - 1)
    known = ~np.isnan(before.boxes[:, 0])
    if not known.any():
        raise CropzoomError(f"{_frames(first, first + len(boxes) - 1).capitalize()} have no box.")
    boxes = boxes.copy()
    for place in np.flatnonzero(before.source == Source.ANCHOR):
        boxes[place] = Box(*boxes[place].tolist()).snapped()
    moved = known & np.isin(before.source, (Source.DETECTED, Source.IMPORTED, Source.FILLED))
    after = replace(
        before,
        boxes=boxes,
        source=np.where(moved, Source.INTERPOLATED, before.source).astype(np.uint8),
        review=np.where(known, Review.EDITED, before.review).astype(np.uint8),
    )
    return Edit(label, (Change(track.name, first, before, after),))


def _frames(first: int, last: int) -> str:
    return f"frame {first}" if first == last else f"frames {first} to {last}"
