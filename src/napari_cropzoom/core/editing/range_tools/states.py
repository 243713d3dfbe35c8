"""Range tools that copy boxes, take them away or bring them back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_cropzoom.core.boxes import MISSING_BOX, BoxTrack, Review, Snapshot, Source
from napari_cropzoom.core.editing.edits import Change, Edit, over, revert_to_raw
from napari_cropzoom.core.editing.range_tools.tool import RangeTool, in_range
from napari_cropzoom.core.errors import CropzoomError


def copy_from(track: BoxTrack, frame: int, other: int) -> Edit:
    """The box of another frame, as a manual box.

    Raises
    ------
    CropzoomError
        If that frame is outside the track or has no box.
    """
    if not 0 <= other < len(track):
        side = "before" if other < 0 else "after"
        raise CropzoomError(f"There is no frame {side} this one to copy from.")
    if track.box(other).is_missing():
        raise CropzoomError(f"Frame {other} has no box to copy.")
    box = track.box(other).snapped()
    after = Snapshot(
        np.array([box], np.float64),
        np.array([Source.MANUAL], np.uint8),
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
    return Edit.of(over("no animal in", first, last), track, first, after)


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


def _copy(by: int) -> Callable[..., Edit]:
    return lambda track, frame, _first, _last: copy_from(track, frame, frame + by)


TOOLS = (
    RangeTool("copy before", "Copy ◀", "Copy the box of the frame before", "Shift-C", _copy(-1)),
    RangeTool("copy after", "Copy ▶", "Copy the box of the frame after", "Shift-D", _copy(1)),
    RangeTool(
        "absent",
        "No animal",
        "No animal in the range",
        "Shift-X",
        in_range(mark_absent),
    ),
    RangeTool(
        "revert",
        "Revert",
        "Revert the range to its raw boxes",
        "Shift-R",
        in_range(revert_to_raw),
    ),
)
