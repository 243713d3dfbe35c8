"""What of a session's tracks a person should look at."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from napari_cropzoom.core.boxes import BoxTrack, FloatArray
from napari_cropzoom.core.evidence import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import (
    DEFAULT_AMOUNT,
    Burst,
    Evidence,
    Inspection,
    anchor_likelihood,
    at_least,
)
from napari_cropzoom.core.review_queue import ReviewQueue
from napari_cropzoom.session_edits import EditableTracks


@dataclass(frozen=True)
class Inspected:
    """What an :class:`Inspector` found.

    Attributes
    ----------
    queue : ReviewQueue
    n_changes : int
        Changes of the session's boxes that it surely knows of.
    """

    queue: ReviewQueue
    n_changes: int


class Inspector:
    """Inspects a track when called; two are equal if they would look at the very same things."""

    def __init__(
        self,
        track: BoxTrack,
        n_changes: int,
        poses: Poses | None,
        anchors: tuple[str, ...],
        size: tuple[int, int],
        motion: Motion | None,
        names: tuple[str, ...],
        *others: FloatArray,
    ) -> None:
        self._track, self._n_changes = track, n_changes
        self._poses, self._motion, self._others = poses, motion, others
        self._settings = (anchors, size, names)

    def __call__(self) -> Inspected:
        """Do the work."""
        anchors, size, names = self._settings
        likelihood = keypoints = None
        if self._poses is not None:
            keypoints = self._poses.select(anchors)
            likelihood = anchor_likelihood(keypoints)
        beside = dict(zip(names, self._others, strict=True))
        evidence = Evidence(likelihood, keypoints, size, self._motion, beside)
        queue = ReviewQueue(Inspection.of(self._track.raw, evidence))
        queue.follow(self._track)
        return Inspected(queue, self._n_changes)

    def _seen(self) -> tuple[object, ...]:
        """What is looked at; as many others as there are names, which are compared before."""
        return (self._track.raw, self._poses, self._motion, *self._others)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Inspector)
            and self._settings == other._settings
            and all(mine is theirs for mine, theirs in zip(self._seen(), other._seen(), strict=True))
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


class ReviewState:
    """What is to be looked at in the current track of a session, and what the pixels say of it.

    Parameters
    ----------
    session : EditableTracks

    Attributes
    ----------
    inspected : psygnal.Signal
        The queue of a track is at hand, where it was not.
    """

    inspected = Signal()

    def __init__(self, session: EditableTracks) -> None:
        self._session = session
        self._motion: Motion | None = None
        self._queues: dict[str, ReviewQueue] = {}
        self._entries: tuple[object, list[Burst], list[Burst]] | None = None
        self._changes: list[tuple[FloatArray, int, int]] = []
        session.boxes_changed.connect(self._on_boxes)
        for signal in (session.track_changed, session.tracks_changed):
            signal.connect(self._forget_entries)
        session.predictions_changed.connect(self._forget)

    def entries(self, amount: float = DEFAULT_AMOUNT) -> tuple[list[Burst], list[Burst]]:
        """Bursts still open and bursts looked at, by score, the highest first; do not write to them."""
        if not self.is_inspected:
            self.take(self.inspector()())
        session = self._session
        if self._entries is None or self._entries[0] != (session.current, amount):
            found = self._queues[session.current].entries(session.track, amount)
            self._entries = ((session.current, amount), *found)
        return self._entries[1], self._entries[2]

    def stretches(self, amount: float = DEFAULT_AMOUNT) -> tuple[list[Burst], list[Burst], list[Burst]]:
        """Bursts that are open, looked at, and of the raw boxes: one may be open in part only."""
        left, done = self.entries(amount)
        return left, done, at_least(self._queues[self._session.current].inspection.bursts, amount)

    @property
    def is_inspected(self) -> bool:
        """Whether the queue is at hand; inspecting a long track is work for a thread."""
        queue = self._queues.get(self._session.current)
        return queue is not None and queue.inspection.raw is self._session.track.raw

    def inspector(self) -> Inspector:
        """Work that inspects the track with what is known now; changes nothing, for any thread.

        What is edited meanwhile is inspected again by :meth:`take`. The detector's keypoints are those
        of the first track.
        """
        session = self._session
        is_first = session.current == next(iter(session.states))
        poses = session.detector_poses if is_first else None
        sizing = session.state.sizing
        anchors = sizing.anchor_keypoints if sizing else ()
        size = (session.video.width, session.video.height)
        names = tuple(name for name in session.states if name != session.current)
        others = [session.states[name].track.raw for name in names]
        seen = len(self._changes)
        return Inspector(session.track, seen, poses, anchors, size, self._motion, names, *others)

    def take(self, inspected: Inspected) -> None:
        """Take what :meth:`inspector` found; that of other raw boxes is dropped."""
        queue, raw = inspected.queue, self._session.track.raw
        if queue.inspection.raw is not raw:
            return
        for changed, first, last in self._changes[inspected.n_changes :]:
            if changed is raw:
                queue.renew(first, last)
        self._queues[self._session.current] = queue
        self._entries = None
        self.inspected.emit()

    @property
    def motion(self) -> Motion | None:
        """What the pixels say of where the animal is, if somebody looked; a new one renews the queue."""
        return self._motion

    @motion.setter
    def motion(self, motion: Motion | None) -> None:
        self._motion = motion
        self._forget()

    def _on_boxes(self, name: str, first: int, last: int) -> None:
        self._changes.append((self._session.states[name].track.raw, first, last))
        if name in self._queues:
            self._queues[name].renew(first, last)
        self._entries = None

    def _forget_entries(self) -> None:
        self._entries = None

    def _forget(self) -> None:
        self._queues.clear()
        self._entries = None
