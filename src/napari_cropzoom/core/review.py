"""Which frames a person should look at, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, Review, Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.runs import runs

MISSING_REASON = "no box"
LIKELIHOOD_REASON = "low likelihood"


@dataclass(frozen=True)
class Suspicion:
    """A stretch of frames to look at.

    Attributes
    ----------
    frame : int
        The worst frame, where a person should land.
    first, last : int
        The stretch, both inclusive.
    score : float
        How suspicious, 0 to 1.
    reason : str
        ``"no box for 12 frames"``, ``"low likelihood 0.08"``.
    """

    frame: int
    first: int
    last: int
    score: float
    reason: str


def anchor_likelihood(poses: Poses, anchor_keypoints: tuple[str, ...] = ()) -> FloatArray:
    """(T,) mean likelihood of the anchor keypoints, 0 where none is known."""
    likelihood = poses.select(anchor_keypoints).likelihood
    mean: FloatArray = np.nan_to_num(likelihood, nan=0.0).mean(axis=1)
    return mean


def suspicious_frames(
    track: BoxTrack, likelihood: FloatArray | None = None, threshold: float = 0.5
) -> list[Suspicion]:
    """Stretches without a box and stretches of low likelihood that nobody has settled, by frame.

    Parameters
    ----------
    track : BoxTrack
        T frames. Frames a person edited or accepted are settled; so is an absent animal.
    likelihood : ndarray, (T,), optional
        Of the anchor keypoints, see :func:`anchor_likelihood`.
    threshold : float
        Below it a likelihood is low.
    """
    open_ = ~np.isin(track.review, (Review.ACCEPTED, Review.EDITED))
    missing = track.is_missing & open_ & (track.source != Source.ABSENT)
    found = [
        Suspicion(first, first, last, 1.0, _for(MISSING_REASON, last - first + 1))
        for first, last in runs(missing)
    ]
    if likelihood is not None:
        low = (likelihood < threshold) & open_ & ~missing
        for first, last in runs(low):
            worst = first + int(np.argmin(likelihood[first : last + 1]))
            value = float(likelihood[worst])
            reason = _for(f"{LIKELIHOOD_REASON} ({value:.2f})", last - first + 1)
            found.append(Suspicion(worst, first, last, 1.0 - value, reason))
    return sorted(found, key=lambda entry: entry.frame)


def stretch_at(queue: list[Suspicion], frame: int) -> tuple[int, int]:
    """First and last frame of the entry that ``frame`` lies in, or the frame alone."""
    for entry in queue:
        if entry.first <= frame <= entry.last:
            return entry.first, entry.last
    return frame, frame


def _for(what: str, count: int) -> str:
    return what if count == 1 else f"{what} for {count} frames"
