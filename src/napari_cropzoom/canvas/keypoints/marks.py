"""How the keypoints of one frame look: by likelihood or by body part, with names or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from napari.utils.colormaps import ensure_colormap
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.poses import Poses

LIKELY = 0.5  # hollow below
LIKELIHOOD, BODY_PART = "likelihood", "body part"
_COLORMAPS = {LIKELIHOOD: ensure_colormap("viridis"), BODY_PART: ensure_colormap("plasma")}
SYMBOLS = {"detector": "diamond", "pose": "disc", "labels": "cross"}
EDGES = {
    "detector": (1.0, 1.0, 1.0, 1.0),
    "pose": (0.0, 0.0, 0.0, 1.0),
    "labels": (1.0, 1.0, 1.0, 1.0),
}
"""Light and dark: the shapes of points a few pixels large can hardly be told apart."""
_LETTER, _LINE = 7.5, 15.0  # pixels of the screen, of a name of 8 points
_LOOKED_AT = 300  # frames, to know how large the animal is
_BRIGHTEST = 0.9  # of plasma; above it is the yellow of the final box


@dataclass(frozen=True)
class KeypointLooks:
    """What a person chooses of the looks of keypoints.

    Attributes
    ----------
    color_by : {"likelihood", "body part"}
        Both colour maps (viridis, plasma) can be told apart by the colour-blind.
    names : bool
        Write the body part beside each keypoint.
    skeleton : tuple of (str, str)
        Body parts that a line joins.
    hidden : frozenset of str
        Kinds that are not shown when they come.
    """

    color_by: str = LIKELIHOOD
    names: bool = False
    skeleton: tuple[tuple[str, str], ...] = ()
    hidden: frozenset[str] = frozenset()


class Marks(NamedTuple):
    """How the keypoints of one frame look.

    Attributes
    ----------
    xy : ndarray, (K, 2)
        Pixels; (0, 0) where there is none.
    is_there : ndarray, (K,) bool
    border, face : ndarray, (K, 4) float32
        RGBA, 0 to 1.
    """

    xy: FloatArray
    is_there: BoolArray
    border: NDArray[np.float32]
    face: NDArray[np.float32]


def marks_of(
    poses: Poses,
    frame: int,
    looks: KeypointLooks = KeypointLooks(),  # noqa: B008
    kind: str = "pose",
    animal_color: str | None = None,
) -> Marks:
    """Colour says the likelihood or the body part, the edge what found them; unlikely ones are hollow.

    With ``animal_color`` the colour says whose they are instead.
    """
    xy, likelihood = poses.xy[frame], np.nan_to_num(poses.likelihood[frame])
    is_there = np.isfinite(xy).all(axis=1)
    if animal_color is not None:
        color = np.tile(transform_color(animal_color), (len(poses.names), 1))
    elif looks.color_by == BODY_PART:
        color = _COLORMAPS[BODY_PART].map(np.linspace(0, _BRIGHTEST, len(poses.names)))
    else:
        color = _COLORMAPS[LIKELIHOOD].map(likelihood)
    face = color.copy()
    face[likelihood < LIKELY, 3] = 0
    border = np.where(face[:, 3:] > 0, np.array(EDGES[kind], np.float32), color)
    face[~is_there] = border[~is_there] = 0
    return Marks(np.where(is_there[:, None], xy, 0.0), is_there, border, face)


def bones_of(poses: Poses, frame: int, looks: KeypointLooks) -> FloatArray:
    """Lines of the skeleton between likely keypoints, (N, 2, 2): both ends in pixels, x and y."""
    place = {name: k for k, name in enumerate(poses.names)}
    pairs = [(place[a], place[b]) for a, b in looks.skeleton if a in place and b in place]
    if not pairs:
        return np.empty((0, 2, 2))
    is_likely = np.nan_to_num(poses.likelihood[frame]) >= LIKELY
    ends = np.array(pairs)
    bones: FloatArray = poses.xy[frame][ends]
    is_there = is_likely[ends].all(axis=1) & np.isfinite(bones).all(axis=(1, 2))
    shown: FloatArray = bones[is_there]
    return shown


def usual_span(poses: Poses) -> float:
    """How far the likely keypoints of a frame mostly lie apart, in pixels along the longer side.

    The median of a few hundred frames; 0 where no frame has two likely keypoints.
    """
    step = max(1, len(poses) // _LOOKED_AT)
    xy, likelihood = poses.xy[::step], np.nan_to_num(poses.likelihood[::step])
    is_likely = (likelihood >= LIKELY) & np.isfinite(xy).all(axis=2)
    low = np.where(is_likely[..., None], xy, np.inf).min(axis=1)
    high = np.where(is_likely[..., None], xy, -np.inf).max(axis=1)
    spans = (high - low).max(axis=1)[is_likely.sum(axis=1) > 1]
    return float(np.median(spans)) if len(spans) else 0.0


def names_apart(names: Sequence[str], xy: FloatArray, zoom: float, first: int | None = None) -> list[str]:
    """The names that have room beside their keypoints; empty for those that would lie over another.

    Parameters
    ----------
    names : sequence of K str
    xy : ndarray, (K, 2)
        Pixels of the image, NaN where there is no keypoint.
    zoom : float
        Pixels of the screen in one of the image.
    first : int or None
        The keypoint whose name goes before all others.
    """
    order = [*([] if first is None else [first]), *(each for each in range(len(names)) if each != first)]
    result, taken = [""] * len(names), list[tuple[float, float, float]]()
    for number in order:
        x, y = (xy[number] * zoom).tolist()
        right = x + _LETTER * len(names[number])
        if x != x or any(x < r and left < right and abs(y - top) < _LINE for left, r, top in taken):
            continue
        taken.append((x, right, y))
        result[number] = names[number]
    return result
