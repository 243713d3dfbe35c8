"""Range tools that give boxes another size or place."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, centered, cornered
from napari_cropzoom.core.editing.edits import Edit, frames_text, reshape_boxes
from napari_cropzoom.core.editing.range_tools.tool import Number, RangeTool, in_range
from napari_cropzoom.core.errors import CropzoomError

STEP = 2  # pixels that a key moves a box
GROWTH = 1.05  # by which a key scales it


def set_size(track: BoxTrack, first: int, last: int, w: float, h: float) -> Edit:
    """One size for every box of the range, round the centre it has; manual boxes stay manual.

    Raises
    ------
    CropzoomError
        If a side is not positive.
    """
    if not (w > 0 and h > 0):
        raise CropzoomError(f"A box of {w:g}x{h:g} px has no area; give sides greater than 0.")
    boxes = centered(track.boxes[first : last + 1])
    boxes[~np.isnan(boxes[:, 0]), 2:] = (w, h)
    label = f"set the size {w:g}x{h:g} in {frames_text(first, last)}"
    return reshape_boxes(track, label, first, cornered(boxes))


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
        raise CropzoomError(f"There is no box near {frames_text(first, last)} to take the size from.")
    w, h = np.median(near[:, 2:], axis=0).tolist()
    return w, h


def shift(track: BoxTrack, first: int, last: int, dx: float, dy: float) -> Edit:
    """Every box of the range moved by ``dx``, ``dy`` pixels; one alone is set by hand then."""
    boxes = track.boxes[first : last + 1] + np.array([dx, dy, 0, 0])
    label = f"shift {frames_text(first, last)} by {dx:+g}, {dy:+g} px"
    return reshape_boxes(track, label, first, boxes, by_hand=first == last)


def scale(track: BoxTrack, first: int, last: int, factor: float) -> Edit:
    """Every box of the range larger by ``factor`` about its centre.

    Raises
    ------
    CropzoomError
        If the factor is not positive.
    """
    if not factor > 0:
        raise CropzoomError(f"The factor must be greater than 0, not {factor:g}.")
    boxes = centered(track.boxes[first : last + 1])
    boxes[:, 2:] = np.maximum(boxes[:, 2:] * factor, 2)
    return reshape_boxes(track, f"scale {frames_text(first, last)} by {factor:g}", first, cornered(boxes))


def _usual_size(track: BoxTrack, first: int, last: int) -> Edit:
    return set_size(track, first, last, *usual_size(track, first, last))


def _size_everywhere(track: BoxTrack, _frame: int, _first: int, _last: int, w: float, h: float) -> Edit:
    return set_size(track, 0, len(track) - 1, w, h)


_SIZE = (
    Number("width", 2, 10_000, 2, 200, after=" px"),
    Number("height", 2, 10_000, 2, 200, before="×", after=" px"),
)
_SHIFT = (
    Number("dx", -10_000, 10_000, 1, 0, after=" px"),
    Number("dy", -10_000, 10_000, 1, 0, before=",", after=" px"),
)
_FACTOR = (Number("factor", 0.1, 10, 0.05, 1.1, before="×"),)

TOOLS = (
    RangeTool(
        "usual size",
        "Usual size",
        "Usual size for the boxes of the range, as around it; centres stay",
        "Shift-S",
        in_range(_usual_size),
    ),
    RangeTool(
        "larger",
        "",
        "Boxes of the range larger by 5 %",
        "Control-Shift-PageUp",
        in_range(scale, GROWTH),
    ),
    RangeTool(
        "smaller",
        "",
        "Boxes of the range smaller by 5 %",
        "Control-Shift-PageDown",
        in_range(scale, 1 / GROWTH),
    ),
    *(
        RangeTool(
            f"shift {way}",
            "",
            f"Boxes of the range {STEP} pixels {way}",
            f"Control-Shift-{way.capitalize()}",
            in_range(shift, dx, dy),
        )
        for way, dx, dy in (("left", -STEP, 0), ("right", STEP, 0), ("up", 0, -STEP), ("down", 0, STEP))
    ),
    RangeTool("size", "Set size", "Set size of the boxes of the range", "", in_range(set_size), _SIZE),
    RangeTool(
        "size-all",
        "Set size in the whole track",
        "Set size in the whole track: of the boxes of all frames",
        "",
        _size_everywhere,
        _SIZE,
    ),
    RangeTool("shift", "Shift", "Shift the boxes of the range", "", in_range(shift), _SHIFT),
    RangeTool("scale", "Scale", "Scale the boxes of the range", "", in_range(scale), _FACTOR),
)
