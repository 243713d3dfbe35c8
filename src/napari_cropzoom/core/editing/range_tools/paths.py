"""Range tools that lay a path through the boxes a person set."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, IntArray, centered, cornered
from napari_cropzoom.core.editing.edits import Edit, frames_text, replace_boxes
from napari_cropzoom.core.editing.range_tools.tool import RangeTool, in_range
from napari_cropzoom.core.errors import CropzoomError

SPEED_FRAMES = 6  # beyond a range, from which the animal's speed there is taken
NEAR = 1000  # frames on either side of a range in which a box beside it is searched


def interpolate(track: BoxTrack, first: int, last: int) -> Edit:
    """Between the manual boxes of a range, and from its ends to the boxes beside it.

    The centre goes through the manual boxes and through the boxes on either side of the range in a smooth
    curve, as fast at the ends as the animal is there (modified Akima, a cubic that hardly overshoots);
    the size goes in straight lines. Beyond the outermost one the nearest holds.

    Raises
    ------
    CropzoomError
        If there is neither a manual box in the range nor a box beside it.
    """
    knots = _knots(track, first, last)
    if len(knots) == 0:
        raise CropzoomError(
            f"No box is set by hand in {frames_text(first, last)}, and there is none beside; draw one."
        )
    frames = np.arange(first, last + 1)
    boxes = centered(track.boxes[knots])
    boxes = np.column_stack(
        [_curve(track, knots, boxes[:, :2], frames), _linear(knots, boxes[:, 2:], frames)]
    )
    boxes = cornered(boxes)
    return replace_boxes(track, f"interpolate {frames_text(first, last)}", first, boxes)


def hold(track: BoxTrack, first: int, last: int) -> Edit:
    """The last good box stays: that before the range, and then each manual box until the next.

    Raises
    ------
    CropzoomError
        If there is no box before the range and no manual box in it.
    """
    knots = _knots(track, first, last)
    knots = knots[knots <= last]
    if len(knots) == 0:
        raise CropzoomError(
            f"There is no box before frame {first} to hold; set one first, or interpolate."
        )
    latest = np.searchsorted(knots, np.arange(first, last + 1), side="right") - 1
    boxes = track.boxes[knots[np.maximum(latest, 0)]]
    return replace_boxes(track, f"hold the box over {frames_text(first, last)}", first, boxes)


def carry_correction(track: BoxTrack, first: int, last: int, *, ease: bool = False) -> Edit:
    """What the manual boxes of a range correct, carried along the raw boxes of the range.

    The detector may be off by a constant, or the size may be wrong by a factor, while its motion is
    right. The correction (centre in pixels, size as a factor) goes smoothly from one manual box
    to the next, as in :func:`interpolate`, and holds beyond the outermost ones.

    Parameters
    ----------
    track : BoxTrack
    first, last : int
    ease : bool
        The detector drifted off: the correction grows from nothing just outside that end of the range
        which is farther from the manual boxes.

    Raises
    ------
    CropzoomError
        If no manual box in the range lies on a frame with a raw box.
    """
    manual = _manual_in(track, first, last)
    manual = manual[~np.isnan(track.raw[manual, 0])]
    if len(manual) == 0:
        raise CropzoomError(
            f"No box was corrected by hand in {frames_text(first, last)}; correct one first."
        )
    set_, was = centered(track.boxes[manual]), centered(track.raw[manual])
    shifts, sizes = set_[:, :2] - was[:, :2], np.log(set_[:, 2:] / was[:, 2:])
    change = np.column_stack([shifts, sizes])
    if ease:
        at_start = manual[0] - first >= last - manual[-1]
        place = 0 if at_start else len(manual)
        manual = np.insert(manual, place, first - 1 if at_start else last + 1)
        change = np.insert(change, place, 0.0, axis=0)
    frames = np.arange(first, last + 1)
    change = _smoothly(manual, change, frames)
    boxes = centered(track.raw[first : last + 1])
    boxes[:, :2] += change[:, :2]
    boxes[:, 2:] *= np.exp(change[:, 2:])
    verb = "correct drift in" if ease else "correct all of"
    return replace_boxes(track, f"{verb} {frames_text(first, last)}", first, cornered(boxes))


def put_boxes(track: BoxTrack, first: int, boxes: FloatArray, label: str) -> Edit:
    """Boxes found by other means (a tracker) for consecutive frames; manual boxes among them stay."""
    return replace_boxes(track, label, first, boxes)


def _ease_in(track: BoxTrack, first: int, last: int) -> Edit:
    return carry_correction(track, first, last, ease=True)


def _manual_in(track: BoxTrack, first: int, last: int) -> IntArray:
    """Frames of a range whose box a person set."""
    inside = np.flatnonzero(track.is_manual_in(first, last))
    manual: IntArray = (inside + first).astype(np.int64)
    return manual


def _knots(track: BoxTrack, first: int, last: int) -> IntArray:
    """Manual boxes of the range and the nearest frame with a box on either side of it."""
    offset = max(0, first - NEAR)
    before = np.flatnonzero(~np.isnan(track.boxes[offset:first, 0]))
    after = np.flatnonzero(~np.isnan(track.boxes[last + 1 : last + 1 + NEAR, 0]))
    outside = [[before[-1] + offset] if len(before) else [], [after[0] + last + 1] if len(after) else []]
    return np.concatenate([outside[0], _manual_in(track, first, last), outside[1]]).astype(np.int64)


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
    here = centered(track.boxes[[knot]])[0, :2]
    steps = (centered(track.boxes[outside])[:, :2] - here) / (outside - knot)[:, None]
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
    """Straight lines through the values, column by column; the outermost holds beyond it."""
    return np.column_stack([np.interp(frames, knots, column) for column in values.T])


TOOLS = (
    RangeTool(
        "interpolate",
        "Interpolate",
        "Interpolate between the boxes set by hand in the range, and those beside it, smoothly",
        "J",
        in_range(interpolate),
    ),
    RangeTool(
        "carry on",
        "Correct all",
        "Correct all of the range as it was corrected by hand, along the detector's motion",
        "M",
        in_range(carry_correction),
    ),
    RangeTool(
        "ease in",
        "Correct drift",
        "Correct drift: as Correct all, but growing from nothing at the far end of the range",
        "Shift-M",
        in_range(_ease_in),
    ),
    RangeTool("hold", "Hold", "Hold the last good box through the range", "Shift-J", in_range(hold)),
)
