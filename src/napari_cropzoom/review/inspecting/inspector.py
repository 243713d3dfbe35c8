"""Inspects a track, in any thread, while it is edited."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from napari_cropzoom.core.boxes import BoxTrack, FloatArray
from napari_cropzoom.core.inspection.inspection import Evidence, Inspection, anchor_likelihood
from napari_cropzoom.core.inspection.labeled import LabeledImages
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.posed import PosedSuspects
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.review.reviewed_track import BoxLikelihood


@dataclass(frozen=True, eq=False)
class Inspected:
    """What an :class:`Inspector` found.

    Attributes
    ----------
    queue : SuspectQueue
    track : BoxTrack
        Copy of the track as it was inspected.
    posed : PosedSuspects or None
        What the pose says of the boxes it was found in; None where there is none.
    """

    queue: SuspectQueue
    track: BoxTrack
    posed: PosedSuspects | None = None


class Inspector:
    """Inspects a track when called; two are equal if they would inspect the very same things."""

    def __init__(
        self,
        track: BoxTrack,
        poses: Poses | None,
        anchors: tuple[str, ...],
        size: tuple[int, int] | None,
        motion: Motion | None,
        others: dict[str, FloatArray],
        likelihoods: tuple[BoxLikelihood, ...] = (),
        labeled: LabeledImages | None = None,
        pose: Poses | None = None,
        smoothing: SmoothingSettings | None = None,
    ) -> None:
        self._track, self._poses, self._motion, self._others = track, poses, motion, others
        self._likelihoods, self._labeled = likelihoods, labeled
        self._pose, self._smoothing = pose, smoothing or SmoothingSettings()
        self._settings = (anchors, size, tuple(others))

    def __call__(self) -> Inspected:
        """Do the work; fit for a thread, while the track is edited."""
        anchors, size, _ = self._settings
        keypoints = None if self._poses is None else self._poses.select(anchors)
        found = (each.of(self._track.raw) for each in reversed(self._likelihoods))
        likelihood = next((each for each in found if each is not None), None)
        if likelihood is None and keypoints is not None:
            likelihood = anchor_likelihood(keypoints)
        track = self._track.copy()
        motion = self._motion and self._motion.without(self._others.values(), track.raw)
        evidence = Evidence(likelihood, keypoints, size, motion, self._others, self._labeled)
        queue = SuspectQueue(Inspection.of(track.raw, evidence))
        queue.follow(track)
        return Inspected(queue, track, self._posed(track, size))

    def _posed(self, track: BoxTrack, size: tuple[int, int] | None) -> PosedSuspects | None:
        if self._pose is None:
            return None
        smoothed = SmoothedTrack(track, self._smoothing)
        posed = PosedSuspects.of(self._pose, finalize(smoothed.boxes()), size)
        posed.follow(smoothed)
        return posed

    def seeing(self, motion: Motion) -> Inspector:
        """The same work, with what the pixels say."""
        other = copy.copy(self)
        other._motion = motion
        return other

    def _inputs(self) -> tuple[object, ...]:
        known = [each.values for each in self._likelihoods]
        labels = None if self._labeled is None else self._labeled.labels
        mine = (self._track.raw, self._poses, self._pose, self._motion, labels)
        return (*mine, *self._others.values(), *known)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Inspector) and self._settings == other._settings and self._inputs_are(other)
        )

    def _inputs_are(self, other: Inspector) -> bool:
        mine, theirs = self._inputs(), other._inputs()
        return len(mine) == len(theirs) and all(a is b for a, b in zip(mine, theirs, strict=True))

    __hash__ = None  # type: ignore[assignment]  # holds arrays
