"""The queue of a session: inspected when first asked for, and kept until something changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from napari_cropzoom.core.boxes import BoxTrack, FloatArray
from napari_cropzoom.core.evidence import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import DEFAULT_AMOUNT, Burst, Evidence, Inspection, anchor_likelihood
from napari_cropzoom.core.review_queue import ReviewQueue


class Known(NamedTuple):
    """What a session knows of a track, for its inspection.

    Attributes
    ----------
    track : BoxTrack
    keypoints : Poses or None
        Of the detector, all of them.
    anchors : tuple of str
        Names of those that count; empty for all.
    frame_size : (int, int)
        Width and height in pixels.
    """

    track: BoxTrack
    keypoints: Poses | None
    anchors: tuple[str, ...]
    frame_size: tuple[int, int]


class ReviewState:
    """What is to be looked at in the current track.

    Whoever changes the boxes calls :meth:`boxes_changed`; whoever replaces the track or its keypoints
    calls :meth:`forget`.

    Parameters
    ----------
    known : callable
        Tells what is known now.
    """

    def __init__(self, known: Callable[[], Known]) -> None:
        self._known = known
        self._motion: Motion | None = None
        self._queue: ReviewQueue | None = None
        self._entries: tuple[float, list[Burst], list[Burst]] | None = None

    @property
    def is_inspected(self) -> bool:
        """Whether the queue is at hand; inspecting a long track is work for a thread."""
        return self._queue is not None

    @property
    def motion(self) -> Motion | None:
        """What the pixels say of where the animal is, if somebody looked; a new one renews the queue."""
        return self._motion

    @motion.setter
    def motion(self, motion: Motion | None) -> None:
        self._motion = motion
        self.forget()

    def entries(self, amount: float = DEFAULT_AMOUNT) -> tuple[list[Burst], list[Burst]]:
        """Bursts still open and bursts looked at, by score, the highest first; do not write to them."""
        if self._queue is None:
            self.take(self.inspector()())
        assert self._queue is not None
        if self._entries is None or self._entries[0] != amount:
            self._entries = (amount, *self._queue.entries(self._known().track, amount))
        return self._entries[1], self._entries[2]

    def inspector(self) -> partial[Inspection]:
        """Work that inspects the raw boxes with what is known now; touches nothing, for any thread."""
        track, keypoints, anchors, size = self._known()
        return partial(_inspect, track.raw, keypoints, anchors, size, self._motion)

    def take(self, inspection: Inspection) -> None:
        """Take an inspection that :meth:`inspector` made; one of other raw boxes is dropped."""
        if inspection.raw is self._known().track.raw:
            self._queue = ReviewQueue(inspection)
            self._entries = None

    def boxes_changed(self) -> None:
        """Ask the queue again, which knows what is new."""
        self._entries = None

    def forget(self) -> None:
        """Inspect anew when asked again."""
        self._queue = self._entries = None


def _inspect(
    raw: FloatArray,
    poses: Poses | None,
    anchors: tuple[str, ...],
    size: tuple[int, int],
    motion: Motion | None,
) -> Inspection:
    likelihood = keypoints = None
    if poses is not None:
        keypoints = poses.select(anchors)
        likelihood = anchor_likelihood(keypoints)
    return Inspection.of(raw, Evidence(likelihood, keypoints, size, motion))
