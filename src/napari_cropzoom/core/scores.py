"""Pixel errors of two ways to find keypoints, side by side, on labeled frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, Box, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses

MOST_OF_FULL_FRAME = 0.8
"""Up to this share of the full-frame model's scale the pose model is said to see finer."""

STRETCHED, MUCH = 1.05, 1.25
"""Times as wide or as high: a crop is as wide and as high as others, whatever its box."""

TRAINED = "train"
"""What Lightning Pose calls frames that a model was trained on; all others it calls are held out."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Pixel errors of the full-frame model and of cropzoom on the same labeled frames.

    Attributes
    ----------
    images : tuple of str, length N
    names : tuple of str, length K
        Body parts that the labels and both models have.
    full_frame, cropzoom : ndarray, (N, K)
        Distance to the label in pixels of the full frame; NaN where there is no label or no keypoint.
    sets : tuple of str or None, length N
        What the frames were to the models in training: ``train`` if one was trained on it, else what the
        record says (``validation``, ``test``, ``unused``); None where nothing says so.
    full_frame_scale, cropzoom_scale : float
        Pixels of the frame that one pixel of the network's input is, along the coarser side.
    """

    images: tuple[str, ...]
    names: tuple[str, ...]
    full_frame: FloatArray
    cropzoom: FloatArray
    sets: tuple[str | None, ...]
    full_frame_scale: float
    cropzoom_scale: float

    @property
    def held_out(self) -> BoolArray:
        """(N,) bool: frames no model was trained on; all of them where nothing says so."""
        return np.array([each != TRAINED for each in self.sets], bool)

    @property
    def is_split_known(self) -> bool:
        """Whether the models say which labels they were trained on."""
        return any(each is not None for each in self.sets)

    @property
    def counts(self) -> Counter[str]:
        """Frames of each set."""
        return Counter(each or "unknown" for each in self.sets)

    def table(self) -> list[dict[str, float | int | str]]:
        """Median and mean error of each body part over held-out frames, and of ``all``, in pixels.

        Only places where both have a keypoint count, so that both are judged on the same.

        Raises
        ------
        CropzoomError
            If no held-out frame has a label that both models found.
        """
        rows = self.held_out
        full, crops = self.full_frame[rows], self.cropzoom[rows]
        both = ~np.isnan(full) & ~np.isnan(crops)
        if not both.any():
            raise CropzoomError(
                "No held-out frame has a label of a body part that both models know. Label frames that "
                "no model was trained on."
            )
        found: list[dict[str, float | int | str]] = []
        for part, name in enumerate(self.names):
            if both[:, part].any():
                here = both[:, part]
                found.append(_row(name, full[here, part], crops[here, part]))
        return [*found, _row("all", full[both], crops[both])]


def _row(name: str, full: FloatArray, crops: FloatArray) -> dict[str, float | int | str]:
    return {
        "body_part": name,
        "labels": len(full),
        "full_frame_median": float(np.median(full)),
        "cropzoom_median": float(np.median(crops)),
        "full_frame_mean": float(full.mean()),
        "cropzoom_mean": float(crops.mean()),
        "cropzoom_closer": float((crops < full).mean()),
    }


def pixel_errors(truth: Poses, found: Poses, names: Sequence[str]) -> FloatArray:
    """(N, K) distance between labels and keypoints in pixels, for the given body parts.

    Parameters
    ----------
    truth, found : Poses
        N frames each, in the same order.
    names : sequence of str, length K
        Body parts that both have.
    """
    mine = [truth.names.index(name) for name in names]
    theirs = [found.names.index(name) for name in names]
    return np.asarray(np.linalg.norm(found.xy[:, theirs] - truth.xy[:, mine], axis=2), np.float64)


def input_scale(height: float, width: float, model_input: tuple[int, int]) -> float:
    """Pixels of the frame that one pixel of a network's input is, along the coarser side.

    Parameters
    ----------
    height, width : float
        Of what the network is given, the box or the whole frame, in pixels.
    model_input : (int, int)
        Height and width of the image that the network takes, in pixels.
    """
    return max(height / model_input[0], width / model_input[1])


def told_of_scale(scale: float) -> str:
    """How large a model sees what it is given, by :func:`input_scale`: ``3.3 times smaller``."""
    if round(scale, 1) == 1:
        return "in its own size"
    return f"{scale:.1f} times smaller" if scale > 1 else f"{1 / scale:.1f} times larger"


def sees_hardly_finer(pose_scale: float, full_frame_scale: float) -> bool:
    """Whether cropping brings a pose model next to nothing, by :func:`input_scale` of both models."""
    return pose_scale > MOST_OF_FULL_FRAME * full_frame_scale


def _stretch(box: Box, size: tuple[int, int]) -> float:
    """How many times as wide as it is the inside of a box looks in a crop of this width and height."""
    return box.h / box.w * size[0] / size[1]


def harms(box: Box, size: tuple[int, int]) -> bool:
    """Whether the inside of a box is stretched so much in its crop that a model may find it worse."""
    stretch = _stretch(box, size)
    return max(stretch, 1 / stretch) > MUCH


def told_of_stretch(box: Box, size: tuple[int, int], cure: str) -> str:
    """What becomes of a box of other proportions than the crop; empty for nearly the same ones.

    ``size`` is width and height of the crop in pixels, ``cure`` what to do where it does harm.
    """
    stretch = _stretch(box, size)
    times, way = max(stretch, 1 / stretch), "wide" if stretch > 1 else "high"
    if times <= STRETCHED:
        return ""
    what = f"Stretched {times:.2g} times as {way}"
    return f"{what}; worse for a model. {cure}" if harms(box, size) else f"{what}; no harm."
