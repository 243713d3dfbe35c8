"""What of a session's tracks a person should look at."""

from __future__ import annotations

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.evidence import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import (
    DEFAULT_AMOUNT,
    Burst,
    Evidence,
    Inspection,
    anchor_likelihood,
)
from napari_cropzoom.core.review_queue import ReviewQueue
from napari_cropzoom.io.video import Video
from napari_cropzoom.session_edits import EditableTracks


class Inspector:
    """Inspects raw boxes when called; two are equal if they would look at the very same things."""

    def __init__(
        self,
        raw: FloatArray,
        poses: Poses | None,
        anchors: tuple[str, ...],
        size: tuple[int, int],
        motion: Motion | None,
        names: tuple[str, ...],
        *others: FloatArray,
    ) -> None:
        self._arrays = (raw, poses, motion, *others)
        self._settings = (anchors, size, names)

    def __call__(self) -> Inspection:
        """Do the work."""
        raw, poses, motion, *others = self._arrays
        anchors, size, names = self._settings
        likelihood = keypoints = None
        if poses is not None:
            keypoints = poses.select(anchors)
            likelihood = anchor_likelihood(keypoints)
        beside = dict(zip(names, others, strict=True))
        return Inspection.of(raw, Evidence(likelihood, keypoints, size, motion, beside))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Inspector)
            and self._settings == other._settings
            and len(self._arrays) == len(other._arrays)
            and all(mine is theirs for mine, theirs in zip(self._arrays, other._arrays, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


class InspectedTracks(EditableTracks):
    """Tracks and the queue of the current one; part of :class:`napari_cropzoom.session.Session`."""

    def __init__(self, video: Video) -> None:
        super().__init__(video)
        self._motion: Motion | None = None
        self._queues: dict[str, ReviewQueue] = {}
        self._entries: tuple[object, list[Burst], list[Burst]] | None = None
        for signal in (self.boxes_changed, self.track_changed, self.tracks_changed):
            signal.connect(self._forget_entries)
        self.predictions_changed.connect(self._forget_queues)

    def queue(self, amount: float = DEFAULT_AMOUNT) -> list[Burst]:
        """Bursts of suspicious frames that nobody has settled or mended, the highest score first.

        Parameters
        ----------
        amount : float
            How much to look at: 0 is nothing, 1 everything that is odd in the least.
        """
        return self.queue_entries(amount)[0]

    def queue_entries(self, amount: float = DEFAULT_AMOUNT) -> tuple[list[Burst], list[Burst]]:
        """Bursts still open and bursts looked at, both by score; kept until something changes."""
        if not self.is_inspected:
            self.take_inspection(self.inspector()())
        if self._entries is None or self._entries[0] != (self.current, amount):
            found = self._queues[self.current].entries(self.track, amount)
            self._entries = ((self.current, amount), *found)
        return self._entries[1], self._entries[2]

    @property
    def is_inspected(self) -> bool:
        """Whether the queue is at hand; inspecting a long track is work for a thread."""
        queue = self._queues.get(self.current)
        return queue is not None and queue.inspection.raw is self.track.raw

    def inspector(self) -> Inspector:
        """Work that inspects the raw boxes with what is known now; touches nothing, for any thread."""
        is_first = self.current == next(iter(self.states))
        poses = self.detector_poses if is_first else None
        anchors = self.state.sizing.anchor_keypoints if self.state.sizing else ()
        size = (self.video.width, self.video.height)
        names = tuple(name for name in self.states if name != self.current)
        others = [self.states[name].track.raw for name in names]
        return Inspector(self.track.raw, poses, anchors, size, self._motion, names, *others)

    def take_inspection(self, inspection: Inspection) -> None:
        """Take an inspection of the raw boxes that was made elsewhere; of other boxes, it is dropped."""
        if inspection.raw is self.track.raw:
            self._queues[self.current] = ReviewQueue(inspection)
            self._entries = None

    @property
    def motion(self) -> Motion | None:
        """What the pixels say of where the animal is, if somebody looked; renews the queue."""
        return self._motion

    @motion.setter
    def motion(self, motion: Motion | None) -> None:
        self._motion = motion
        self._forget_queues()

    def _forget_entries(self) -> None:
        self._entries = None

    def _forget_queues(self) -> None:
        self._queues.clear()
        self._entries = None
