"""Where smoothing moves a box off what it was put round: what a window does that is too large."""

from __future__ import annotations

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.words import counted

OUTSIDE = (
    1 / 3
)  # of the width or height of a box, on one side; more, and a part of the animal may be there


def leaves(boxes: FloatArray, final: FloatArray) -> BoolArray:
    """(T,) whether a final box leaves out over a third of the box it was made of, on one side.

    Parameters
    ----------
    boxes, final : ndarray, (T, 4)
        ``x, y, w, h`` in pixels; a frame that misses either is none of them.
    """
    low = final[:, :2] - boxes[:, :2]
    high = boxes[:, 2:] - final[:, 2:] - low
    with np.errstate(invalid="ignore"):
        is_out = np.maximum(low, high) > OUTSIDE * boxes[:, 2:]
    result: BoolArray = is_out[:, 0] | is_out[:, 1]
    return result


def frames_left(
    boxes: FloatArray, settings: SmoothingSettings, is_manual: BoolArray, is_doubtful: BoolArray
) -> int:
    """How many boxes smoothing leaves, see :func:`leaves`.

    Doubtful ones do not count and are left out of the smoothing here: it is to take them away, and what
    they do to the boxes beside them is no fault of the window.

    Parameters
    ----------
    boxes : ndarray, (T, 4)
        Before smoothing, ``x, y, w, h`` in pixels, NaN rows where missing.
    settings : SmoothingSettings
    is_manual, is_doubtful : ndarray, (T,) bool
        Frames set by a person; frames of suspects that nobody has settled.
    """
    if not settings.active:
        return 0
    good = boxes.copy()
    good[is_doubtful] = np.nan
    return int(np.count_nonzero(leaves(good, finalize(smooth(good, settings, is_manual)))))


def told_of_left(count: int, n_frames: int) -> str:
    """What a person should know of boxes that smoothing leaves, without the cure; empty for none."""
    if not count:
        return ""
    return (
        f"in {count} of {counted(n_frames, 'frame')} the smoothed box leaves out over a third of the box "
        "before it on one side, so the animal may be cut off or outside"
    )
