"""Keypoints to boxes, with the numbers of ``litpose create_bbox``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted, verb

LEAST_SIDE = 16  # pixels
ENLARGED = 8  # times that a crop may be enlarged for the network
LARGER_BY_COMMAND = "Look at them in `cropzoom review`, or give a larger --crop_ratio or --crop_size"
LARGER = "Make the crop ratio or the crop size larger."
LOOK = "Look at them in step Review."
FEW = 0.02  # of all boxes


@dataclass(frozen=True)
class SizingSettings:
    """How a box is put round keypoints. Give ``crop_ratio`` or ``crop_size``, not both.

    Attributes
    ----------
    crop_ratio : float or None
        Side of the box in spans of the anchor keypoints, more than 1.
    crop_size : int or None
        Fixed side in pixels, rounded up to even.
    anchor_keypoints : tuple of str
        Body parts that count; empty for all.
    min_likelihood : float or None
        Keypoints below it are ignored; None counts every keypoint, as ``litpose`` does.
    """

    crop_ratio: float | None = 2.0
    crop_size: int | None = None
    anchor_keypoints: tuple[str, ...] = ()
    min_likelihood: float | None = None

    def __post_init__(self) -> None:
        if (self.crop_ratio is None) == (self.crop_size is None):
            raise CropzoomError("Give either a crop ratio or a crop size, not both and not neither.")
        if self.crop_ratio is not None and not 1 < self.crop_ratio < np.inf:
            raise CropzoomError(f"The crop ratio must be greater than 1, not {self.crop_ratio:g}.")
        if self.crop_size is not None and self.crop_size <= 0:
            raise CropzoomError(f"The crop size must be a positive number, not {self.crop_size}.")


def boxes_from_keypoints(poses: Poses, settings: SizingSettings) -> FloatArray:
    """Square boxes round the anchor keypoints, whole pixels and even sizes.

    The centre is the mean of the anchor keypoints, the side the larger of their spans in x and y times
    ``crop_ratio``, rounded up to even; the same numbers as ``lightning_pose.utils.cropzoom`` 2.4.3 where
    every keypoint counts. Keypoints that are NaN, or below ``min_likelihood``, do not count; with one
    single keypoint left the span is unknown, and the median side of the other frames is used.

    Parameters
    ----------
    poses : Poses
        T frames.
    settings : SizingSettings

    Returns
    -------
    ndarray, (T, 4)
        ``x, y, w, h`` in pixels, NaN rows where no anchor keypoint counts.

    Raises
    ------
    CropzoomError
        If an anchor keypoint is not a body part of ``poses``, or all are fractions of the frame.
    """
    if _are_fractions(poses.xy):
        raise CropzoomError(
            "The keypoints look like fractions of the frame, all from 0 to 1. Multiply x by the frame's "
            "width, and y by its height."
        )
    anchors = poses.select(settings.anchor_keypoints)
    xy = anchors.xy
    if settings.min_likelihood is not None:
        unlikely = ~(anchors.likelihood >= settings.min_likelihood)
        xy = np.where(unlikely[..., None], np.nan, xy)
    xy = np.where(np.isnan(xy).any(axis=2, keepdims=True), np.nan, xy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames with no keypoint at all
        center = xy.mean(axis=1) if np.isfinite(xy).all() else np.nanmean(xy, axis=1)
        span = (np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1)).max(axis=1)
    if settings.crop_size is not None:
        side = np.full(len(xy), float(settings.crop_size))
    else:
        side = np.ceil(span * settings.crop_ratio)
        side = np.where(side > 0, side, _usual(side))
    side += side % 2
    corner = np.trunc(center - side[:, None] // 2)
    boxes = np.column_stack([corner, side, side])
    boxes[np.isnan(center[:, 0])] = np.nan
    return boxes


def _are_fractions(xy: FloatArray) -> bool:
    """Whether coordinates, NaN where missing, are no pixels: between 0 and 1, and not whole."""
    low, high = np.nanmin(xy, initial=np.inf), np.nanmax(xy, initial=-np.inf)
    return bool(0 <= low < high <= 1) and bool((xy % 1 > 0).any())


def least_side(model_input: tuple[int, int] | None = None) -> int:
    """Side in pixels below which a box shows too little of an animal to find its keypoints.

    ``model_input`` is the size of the image that a network takes, if it is known: a smaller box is
    enlarged more than :data:`ENLARGED` times.
    """
    return LEAST_SIDE if model_input is None else max(1, -(-max(model_input) // ENLARGED))


def told_of_small(
    boxes: FloatArray, model_input: tuple[int, int] | None = None, *, in_window: bool = False
) -> str:
    """What a person should know of boxes (T, 4) too small for an animal; empty if there is none.

    Where they are few the size of all boxes is not the cause: ``in_window`` sends to step Review then.
    """
    least = least_side(model_input)
    sides = boxes[:, 2:].min(axis=1)
    small = np.flatnonzero(sides < least)
    if not len(small):
        return ""
    frame = int(small[sides[small].argmin()])
    w, h = boxes[frame, 2:]
    place, cure = "row", LARGER_BY_COMMAND
    if in_window:
        place, cure = "frame", LOOK if len(small) < FEW * len(boxes) else LARGER
    return (
        f"{len(small)} of {counted(len(boxes), 'box')} {verb(len(small), 'have')} a side under "
        f"{counted(least, 'pixel')}, too few for a model; the smallest, {w:.0f} x {h:.0f} pixels, is in "
        f"{place} {frame}. {cure}"
    )


def _usual(side: FloatArray) -> float:
    known = side[side > 0]
    return float(np.ceil(np.median(known))) if len(known) else 2.0
