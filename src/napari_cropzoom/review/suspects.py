"""The queue of a review: the suspects of the current track, open and settled."""

from __future__ import annotations

from bisect import insort

import numpy as np
from psygnal import Signal

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, IntArray, Review, Source
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.inspection.accepted import acceptances_of, by_gesture, without_accepted
from napari_cropzoom.core.inspection.cured import leaving_open
from napari_cropzoom.core.inspection.inspection import (
    DEFAULT_AMOUNT,
    Suspect,
    at_least,
    doubtful_frames,
    rank,
)
from napari_cropzoom.core.inspection.labeled import LabeledImages
from napari_cropzoom.core.inspection.larger import offer_larger, offer_larger_in_all
from napari_cropzoom.core.inspection.lessons import Offer, offer_to_accept, offer_to_correct
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.posed import PosedSuspects, with_posed
from napari_cropzoom.core.inspection.queue import SuspectQueue
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.review.inspecting.inspector import Inspected, Inspector
from napari_cropzoom.review.keypoints import Keypoints
from napari_cropzoom.review.tracks import Tracks
from napari_cropzoom.video.damage import Damage

UNDECODABLE = "cannot be decoded: the file is damaged there"


class Suspects:
    """The suspects of the current track: open, settled, and what the pixels say.

    Parameters
    ----------
    tracks : Tracks
    keypoints : Keypoints
        Those of the detector are evidence for the first track.
    frame_size : (int, int) or None
        Width and height in pixels; None where they are not known.
    damage : Damage, optional
        Frames that cannot be decoded, which may become more.

    Attributes
    ----------
    tracks : Tracks
    image_sizes : ndarray, (N, 2) int64, or None
        Width and height of each image in pixels, where these are labeled images and no video.
    amount : float
        How many suspects a person wants to look at: 0 is nothing, 1 everything.
    inspected : psygnal.Signal
        The queue of a track is at hand, where it was not, or another amount of it.
    """

    inspected = Signal()

    def __init__(
        self,
        tracks: Tracks,
        keypoints: Keypoints,
        frame_size: tuple[int, int] | None,
        damage: Damage | None = None,
    ) -> None:
        self.tracks = tracks
        self._damage = Damage() if damage is None else damage
        self._keypoints = keypoints
        self._frame_size = frame_size
        self.image_sizes: IntArray | None = None
        self._motion: Motion | None = None
        self._amount = DEFAULT_AMOUNT
        self._queues: dict[str, SuspectQueue] = {}
        self._posed: dict[str, PosedSuspects] = {}
        self._answer: tuple[object, tuple[list[Suspect], list[Suspect]]] | None = None
        self._offer: tuple[object, Offer | None] | None = None  # to that answer
        self._worst_shown = -1  # frame that `worst_after` answered last
        self._kept: tuple[FloatArray, Suspect] | None = None  # of raw boxes; see `see`

    @property
    def amount(self) -> float:
        """How many suspects, 0 to 1."""
        return self._amount

    @amount.setter
    def amount(self, amount: float) -> None:
        if amount != self._amount:
            self._amount = amount
            self.inspected.emit()

    def entries(self, amount: float | None = None) -> tuple[list[Suspect], list[Suspect]]:
        """Suspects still open and suspects settled, the highest score first; do not write to them.

        There are none before there is a box: a frame without one is no fault then. Without ``amount``
        they are as many as a person wants to look at. A track that is not inspected yet is inspected
        first, which takes a while if it is long.
        """
        tracks = self.tracks
        if not tracks.entry.has_boxes:
            return [], []
        if not self.is_inspected:
            self.take(self.inspector()())
        amount = self._amount if amount is None else amount
        state = tracks.revision, tracks.history.state
        question = (tracks.current, state, amount, len(self._damage))
        if self._answer is None or self._answer[0] != question:
            left, done = self._of(tracks.current, amount)
            self._answer = question, self._with_lost(tracks.entry.track, self._with_kept(left), done)
        return self._answer[1]

    def left_of(self, name: str) -> list[Suspect] | None:
        """Suspects of any track that are still open, as `entries`; None while it is not inspected."""
        entry = self.tracks.entries[name]
        if not entry.has_boxes:
            return []
        if not self.knows(name):
            return None
        return self._with_lost(entry.track, *self._of(name, self._amount))[0]

    def doubtful(self) -> BoolArray | None:
        """(T,) frames of the current track whose box is suspected and not settled; None if not inspected.

        What the pose says of a box is no doubt that it is where the animal is.
        """
        track = self.tracks.entry.track
        if not track.n_missing < len(track) or not self.is_inspected:
            return None
        left, _ = self._queues[self.tracks.current].entries(track)
        return doubtful_frames(track.boxes, left) & (track.review < Review.ACCEPTED)

    def _of(self, name: str, amount: float) -> tuple[list[Suspect], list[Suspect]]:
        """Open and settled suspects of the boxes of a track, and of the pose that was found in them."""
        entry = self.tracks.entries[name]
        left, done = self._queues[name].entries(entry.track, amount)
        if name not in self._posed:
            return left, done
        open_, settled = (at_least(some, amount) for some in self._posed[name].entries(entry.smoothed))
        return with_posed(left, open_), [*done, *settled]

    def _with_lost(
        self, track: BoxTrack, left: list[Suspect], done: list[Suspect]
    ) -> tuple[list[Suspect], list[Suspect]]:
        """The suspects of a track, with the frames that cannot be decoded in their place.

        What was accepted of an open one is settled, and an entry for each gesture that accepted it.
        """
        lost_left: list[Suspect] = []
        lost_done: list[Suspect] = []
        for each in lost_frames(self._damage, len(track)):
            settled = track.review[each.first : each.last + 1] >= Review.ACCEPTED
            (lost_done if settled.all() else lost_left).append(each)
        open_, accepted = without_accepted(over(lost_left, left), track.review)
        all_done = [*over(lost_done, done), *accepted]
        return open_, by_gesture(all_done, track.review, acceptances_of(self.tracks.history, track.name))

    def offer(self, frame: int = -1) -> Offer | None:
        """What can be done to many suspects at once, by what the reviewer did just now or always.

        Where a ``frame`` is shown at whose box's edge the pose lies, what can be done about that.
        """
        left, done = self.entries()
        if (not left and not done) or self.image_sizes is not None:
            return None
        entry, newest = self.tracks.entry, self.tracks.history.newest
        posed = self._posed.get(self.tracks.current)
        larger = offer_larger(entry.smoothed, posed, self.at(frame), left) if posed else None
        if larger is not None:
            return larger
        if self._offer is None or self._offer[0] is not self._answer:
            inspection = self._queues[self.tracks.current].inspection
            again = (
                offer_larger_in_all(entry.smoothed, posed, newest, left, inspection) if posed else None
            )
            again = again or offer_to_correct(entry.track, newest, inspection, left, done)
            self._offer = self._answer, again or offer_to_accept(entry.track, left, done)
        return self._offer[1]

    def leaving_open(self, edit: Edit, frame: int) -> tuple[Edit, int]:
        """The same edit of the current track, which reviews no frames of suspects that it does not cure.

        That at whose ``frame`` a person works is not asked for. Returns how many stay open, too.
        """
        if not self.is_inspected or self.image_sizes is not None:
            return edit, 0
        others = [each for each in self.entries()[0] if not each.first - 1 <= frame <= each.last + 1]
        inspection = self._queues[self.tracks.current].inspection
        return leaving_open(edit, self.tracks.entry.track, others, inspection)

    def at(self, frame: int) -> Suspect | None:
        """The suspect that stands for a frame: the one the list marks, tools and *Accept* act on.

        An open one before a settled one, then that whose worst frame it is, then the shortest that it
        lies in. None where there is none, or while the track is not inspected.
        """
        if not self.is_inspected:
            return None
        left, done = self.entries()
        here = [
            ((is_done, each.frame != frame, each.n_frames), each)
            for is_done, some in enumerate((left, done))
            for each in some
            if each.first <= frame <= each.last
        ]
        return min(here, key=lambda entry: entry[0], default=(None, None))[1]

    def worst_after(self, frame: int) -> Suspect | None:
        """The worst suspect that is open; asked again where its answer is shown, the next worst."""
        left, _ = self.entries()
        if not left:
            return None
        frames, place = [each.frame for each in left], 0
        if frame in frames and frame in (self._worst_shown, frames[0]):
            place = frames.index(frame) + 1
        found = left[place % len(left)]
        self._worst_shown = found.frame
        return found

    def is_open(self, suspect: Suspect) -> bool:
        """Whether a suspect of the list is not settled yet."""
        return suspect in self.entries()[0]

    def range_at(self, frame: int) -> tuple[int, int]:
        """First and last frame of the suspect that stands for ``frame``, now or `before`, or it alone.

        It ends where frames without an animal begin, and accepted ones: that was said by hand, and a tool
        meant for the boxes beside them would give them others.
        """
        suspect = self.at(frame) or self.before(frame)
        if suspect is None:
            return frame, frame
        track, rows = self.tracks.entry.track, slice(suspect.first, suspect.last + 1)
        said = 2 * (track.source[rows] == Source.ABSENT) + (track.review[rows] == Review.ACCEPTED)
        others = np.flatnonzero(said != said[frame - suspect.first]) + suspect.first
        place = int(np.searchsorted(others, frame))
        first = int(others[place - 1]) + 1 if place else suspect.first
        last = int(others[place]) - 1 if place < len(others) else suspect.last
        return first, last

    def before(self, frame: int) -> Suspect | None:
        """The suspect that an edited frame was in, which is in the queue no more, if any.

        Tools go on with it: a box drawn into a gap is the first step of filling it.
        """
        kept = self._kept_now
        return kept if kept is not None and kept.first <= frame <= kept.last else self._before_edit(frame)

    def _before_edit(self, frame: int) -> Suspect | None:
        """The shortest suspect of the raw boxes round an edited frame, if it is not the whole video."""
        track = self.tracks.entry.track
        if (
            not self.is_inspected
            or not self.tracks.entry.has_boxes
            or track.review[frame] != Review.EDITED
        ):
            return None
        raw = at_least(self._queues[self.tracks.current].inspection.suspects, self._amount)
        here = [each for each in raw if each.first <= frame <= each.last and each.n_frames < len(track)]
        return min(here, key=lambda each: each.n_frames, default=None)

    @property
    def missed(self) -> float:
        """Share of the frames in which what moves is not in the raw box; 0 where that is not known."""
        queue = self._queues.get(self.tracks.current)
        return queue.inspection.missed if queue is not None and self.is_inspected else 0.0

    @property
    def is_inspected(self) -> bool:
        """Whether the queue is at hand; without boxes it is. For a long track it is made in a thread."""
        return self.knows(self.tracks.current)

    def knows(self, name: str) -> bool:
        """The same of any track."""
        entry, queue = self.tracks.entries[name], self._queues.get(name)
        return not entry.has_boxes or (queue is not None and queue.inspection.raw is entry.track.raw)

    def inspector(self, name: str = "") -> Inspector:
        """Work that inspects a track, or the current one, with what is known now, in any thread."""
        tracks, name = self.tracks, name or self.tracks.current
        entry = tracks.entries[name]
        poses = self._keypoints.about("detector", name)
        anchors = entry.sizing.anchor_keypoints if entry.sizing else ()
        others = {other: track.raw for other, track in tracks.items() if other != name}
        labels = self._keypoints.get("labels")
        labeled = None if self.image_sizes is None else LabeledImages(self.image_sizes, labels)
        size, motion, likelihoods = self._frame_size, self._motion, entry.likelihoods
        pose, smoothing = self._keypoints.get("pose", name), tracks.smoothing
        given = (anchors, size, motion, others, likelihoods, labeled, pose, smoothing)
        return Inspector(entry.track, poses, *given)

    def take(self, inspected: Inspected) -> None:
        """Take what an :class:`Inspector` found; that of other raw boxes is dropped."""
        queue, name = inspected.queue, inspected.track.name
        track = self.tracks.get(name)
        if track is None or queue.inspection.raw is not track.raw:
            return
        self._queues[name] = queue
        self._posed.pop(name, None)
        if inspected.posed is not None:
            self._posed[name] = inspected.posed
        for first, last in runs(track.changed_since(inspected.track)):
            self.renew(name, first, last)
        if name == self.tracks.current:
            self._answer = None
            self.inspected.emit()

    @property
    def motion(self) -> Motion | None:
        """What the pixels say of where the animal is, if that was measured; setting it asks again."""
        return self._motion

    @motion.setter
    def motion(self, motion: Motion | None) -> None:
        self._motion = motion
        self.forget()

    def see(self, motion: Motion, inspected: Inspected, shown: int | None = None) -> None:
        """Take what the pixels say, and what an :class:`Inspector` that knew it found in the track.

        The open suspect of the frame that is ``shown`` stays as it is, with its range, until every frame
        of it is settled or what was edited there gives no more reason for it: a person is at work on it.
        """
        suspect = None if shown is None else self.at(shown)
        is_open = suspect is not None and self.is_open(suspect)
        self.motion = motion
        if suspect is not None and is_open and suspect.reasons != (UNDECODABLE,):
            self._kept = self.tracks.entry.track.raw, suspect
        self.take(inspected)

    @property
    def _kept_now(self) -> Suspect | None:
        """The suspect that a person was at work on when the pixels spoke, while it is not settled."""
        track = self.tracks.entry.track
        if self._kept is None or self._kept[0] is not track.raw:
            return None
        suspect = self._kept[1]
        is_settled = (track.review[suspect.first : suspect.last + 1] >= Review.ACCEPTED).all()
        return None if is_settled else suspect

    def _with_kept(self, left: list[Suspect]) -> list[Suspect]:
        """Open suspects, with the one that is kept in the place of those it has become."""
        kept = self._kept_now
        if kept is None:
            return left
        others = [each for each in left if each.last < kept.first or kept.last < each.first]
        review = self.tracks.entry.track.review[kept.first : kept.last + 1]
        if len(others) == len(left) and (review == Review.EDITED).any():
            return left
        insort(others, kept, key=rank)
        return others

    def renew(self, name: str, first: int, last: int) -> None:
        """Frames ``first`` to ``last``, both inclusive, of a track have changed."""
        for each in (self._queues.get(name), self._posed.get(name)):
            if each is not None:
                each.renew(first, last)

    def forget(self) -> None:
        """The evidence is new: inspect every track again when it is asked for."""
        self._queues.clear()
        self._posed.clear()
        self._answer = self._kept = None


def lost_frames(damage: Damage, n_frames: int) -> list[Suspect]:
    """Return the ranges of frames that cannot be decoded, and the frames after which some are missing."""
    lost = np.zeros(n_frames, bool)
    lost[damage.numbers()] = True
    found = [Suspect(first, first, last, 1.0, (UNDECODABLE,)) for first, last in runs(lost)]
    for after, count in damage.gaps:
        reason = f"{counted(count, 'frame')} {verb(count, 'are')} missing after this one"
        found.append(Suspect(after, after, after, 1.0, (reason,)))
    return sorted(found, key=lambda each: each.first)


def over(lost: list[Suspect], others: list[Suspect]) -> list[Suspect]:
    """Return what is lost, and after it the suspects that are not part of a range without pictures."""
    ranges = [one for one in lost if one.reasons == (UNDECODABLE,)]
    kept = [
        each
        for each in others
        if not any(one.first <= each.first and each.last <= one.last for one in ranges)
    ]
    return [*lost, *kept]
