"""A simulated reviewer: takes the queue in order and corrects what it sees, by the public calls alone.

It sees the truth, as a person sees the video, and works as a person would: at each entry it looks how far
the wrong frames reach, selects them if the entry does not say so by itself, and looks at what the range
tools would do. If one of them puts it right, it takes that; otherwise it sets the true box in the frame
where the best of them is worst, and looks again. Each call that costs a person a gesture or a key is one
action: setting a box, selecting a range on the timeline, a tool, accepting. Going to the next entry is
counted apart.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_cropzoom.core.boxes import Box, BoxTrack, Source, iou
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.edits import Edit, fill_gap
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.runs import runs
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.damage import Damage
from review_animals import Recording
from review_faults import BAD_IOU, Faulty

LOOKS_AROUND = 250  # frames on either side of an entry that the reviewer goes through at most
MOST_ANCHORS = 60
NEAR = 10  # frames round an entry, or a bad one, that a person sees with it
ON_THE_ANIMAL = 0.87  # IoU from which a box looks right to a person who selects a range


class Undamaged(NamedTuple):
    """The index of a film of which every frame can be decoded."""

    damage: Damage = Damage()


@dataclass
class Film:
    """What a session asks of a video, for tracks that have none."""

    n_frames: int
    width: int
    height: int
    path: Path = Path("simulated.mp4")
    index: Undamaged = field(default_factory=Undamaged)
    images: None = None
    sizes: None = None

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Work:
    """What a review took and what it left.

    Attributes
    ----------
    actions : int
        Gestures and keys that change something, selecting and accepting included.
    steps : int
        Keys to go to the next entry.
    faults, corrected : int
        Faults there were, and those of which every frame has IoU >= 0.8 now.
    bad_before, bad_left : int
        Frames with IoU below 0.8, those of the detector's ordinary noise included.
    spoiled : int
        Frames that were good before and are not now.
    """

    actions: int = 0
    steps: int = 0
    faults: int = 0
    corrected: int = 0
    bad_before: int = 0
    bad_left: int = 0
    spoiled: int = 0

    def __iadd__(self, other: Work) -> Work:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def review(
    good: Recording, faulty: Faulty, motion: Motion | None = None, *, learns: bool = False
) -> Work:
    """Mend a track with faults; a box in a frame without animal is left alone.

    With ``learns`` the reviewer takes what the session offers after some decisions, once they have gone
    through what is offered (a step each) and found it right.
    """
    session = Session(Film(len(good.boxes), *good.frame_size))  # type: ignore[arg-type]
    session.set_predictions("detector", _poses(faulty))
    was_bad = bad_frames(faulty.boxes, good.truth)
    reviewer = Reviewer(session, good.truth, learns=learns)
    with tempfile.TemporaryDirectory() as folder:
        session.suspects.motion = motion
        session.set_raw(faulty.boxes, Path(folder) / "simulated_bbox.csv", Source.DETECTED)
        reviewer.work()
        session.close()
    is_bad = bad_frames(session.track.boxes, good.truth)
    return Work(
        reviewer.actions,
        reviewer.steps,
        len(faulty.faults),
        sum(not is_bad[fault.first : fault.last + 1].any() for fault in faulty.faults),
        int(was_bad.sum()),
        int(is_bad.sum()),
        int((is_bad & ~was_bad).sum()),
    )


class Reviewer:
    """Goes through the queue of a session once, until nothing is left in it."""

    def __init__(self, session: Session, truth: np.ndarray, *, learns: bool = False) -> None:
        self.session = session
        self.learns = learns
        self._refused: set[str] = set()
        self.truth = truth
        self.actions = 0
        self.steps = 0

    def work(self, amount: float = DEFAULT_AMOUNT) -> None:
        """Take the first entry until there is none."""
        self.session.suspects.amount = amount
        while queue := self.session.queue():
            entry = queue[0]
            self.steps += 1
            bad = self._bad_around(entry.first, entry.last)
            if bad is None:
                self._act(partial(self.session.accept, entry.first, entry.last))
            else:
                self._correct(entry.first, entry.last, *bad)
            if self.learns:
                self._take_offer()

    def _act(self, call: Callable[[], object]) -> None:
        self.actions += 1
        call()

    def _take_offer(self) -> None:
        """Take what is offered where it is right of all it would settle, which a step each shows."""
        offer = self.session.suspects.offer()
        if offer is None or (name := offer.text.lstrip("0123456789") + offer.kind) in self._refused:
            return
        edit = offer.edit(self.session.track)
        if edit is None:
            return
        self.steps += len(edit.changes)
        after = self.session.track.copy()
        edit.apply({after.name: after})
        if any(self._is_bad(after.boxes, each.first, each.last).any() for each in edit.changes):
            self._refused.add(name)
        else:
            self._act(partial(self.session.apply, edit))

    def _bad_around(self, first: int, last: int) -> tuple[int, int] | None:
        """First and last bad frame in an entry, followed beyond its ends as far as the fault goes."""
        start, stop = max(0, first - NEAR), min(len(self.truth) - 1, last + NEAR)
        is_bad = self._is_bad(self.session.track.boxes, start, stop)
        if not is_bad.any():
            return None
        low, high = start + int(np.argmax(is_bad)), stop - int(np.argmax(is_bad[::-1]))
        around = slice(max(0, low - LOOKS_AROUND), min(len(self.truth), high + LOOKS_AROUND))
        wide = self._is_bad(self.session.track.boxes, around.start, around.stop - 1)
        low, high = low - around.start, high - around.start
        while low > 0 and wide[max(0, low - NEAR) : low].any():
            low -= 1
        while high < len(wide) - 1 and wide[high + 1 : high + NEAR + 1].any():
            high += 1
        return around.start + low, around.start + high

    def _correct(self, entry_first: int, entry_last: int, first: int, last: int) -> None:
        for start, stop in runs(np.isnan(self.truth[first : last + 1, 0])):
            self.actions += 1  # selects where the animal is away
            away = (first + start, first + stop)
            self._act(partial(self.session.apply, tools.mark_absent(self.session.track, *away)))
        if not self._is_bad(self.session.track.boxes, first, last).any():
            return
        if self._covers(entry_first, entry_last, first, last):
            first, last = entry_first, entry_last
        else:
            self.actions += 1  # selects the range on the timeline, from where the box begins to leave
            first, last = self._with_room(first, last)
        for _ in range(MOST_ANCHORS):
            best, left = self._best_tool(first, last)
            if best is not None and not left.any():
                self._act(partial(self.session.apply, best))
                return
            frame = self._where_to_help(best, left, first, last)
            self._act(partial(self.session.set_box, frame, Box(*self.truth[frame])))
            if not self._is_bad(self.session.track.boxes, first, last).any():
                if not (self.session.track.review[first : last + 1] >= 2).all():
                    self._act(partial(self.session.accept, first, last))
                return

    def _with_room(self, first: int, last: int) -> tuple[int, int]:
        overlap = np.nan_to_num(iou(self.session.track.boxes, self.truth))
        while first > 0 and overlap[first - 1] < ON_THE_ANIMAL:
            first -= 1
        while last < len(overlap) - 1 and overlap[last + 1] < ON_THE_ANIMAL:
            last += 1
        return first, last

    def _covers(self, entry_first: int, entry_last: int, first: int, last: int) -> bool:
        """Whether the entry's own range does: it holds the fault and hardly anything else."""
        return (
            entry_first <= first and last <= entry_last and entry_last - entry_first - (last - first) <= 4
        )

    def _best_tool(self, first: int, last: int) -> tuple[Edit | None, np.ndarray]:
        """A tool that would put everything right; else what the best path would leave bad."""
        track, truth = self.session.track, self.truth[first : last + 1]
        best, best_left, best_fit = None, np.ones(last - first + 1, bool), -1.0
        for make in (*PATHS, *OTHER_TOOLS):
            try:
                edit = make(track, first, last)
            except CropzoomError:
                continue
            left = bad_frames(edit.after.boxes, truth)
            if not left.any():
                return edit, left
            fit = float(np.nan_to_num(iou(edit.after.boxes, truth)).mean())
            if make in PATHS and fit > best_fit:
                best, best_left, best_fit = edit, left, fit
        return best, best_left

    def _where_to_help(self, best: Edit | None, left: np.ndarray, first: int, last: int) -> int:
        """A box that drifts off is corrected where it is farthest; else where the best path is worst."""
        track, truth = self.session.track, self.truth[first : last + 1]
        if not track.is_manual[first : last + 1].any():
            overlap = np.nan_to_num(iou(track.boxes[first : last + 1], truth))
            if min(overlap[0], overlap[-1]) < 0.4 < max(overlap[0], overlap[-1]):
                return first + int(overlap.argmin())
        overlap = np.zeros(len(truth)) if best is None else np.nan_to_num(iou(best.after.boxes, truth))
        overlap[~left | track.is_manual[first : last + 1] | np.isnan(truth[:, 0])] = 2
        if overlap.min() > 0:
            return first + int(overlap.argmin())
        start, stop = max(runs(overlap == 0), key=lambda run: run[1] - run[0])
        return first + (start + stop) // 2

    def _is_bad(self, boxes: np.ndarray, first: int, last: int) -> np.ndarray:
        return self._is_bad_boxes(boxes[first : last + 1], first, last)

    def _is_bad_boxes(self, boxes: np.ndarray, first: int, last: int) -> np.ndarray:
        return bad_frames(boxes, self.truth[first : last + 1])


def _usual_size(track: BoxTrack, first: int, last: int) -> Edit:
    return tools.set_size(track, first, last, *tools.usual_size(track, first, last))


Make = Callable[[BoxTrack, int, int], Edit]


def _ease(track: BoxTrack, first: int, last: int) -> Edit:
    return tools.carry_correction(track, first, last, ease=True)


PATHS: tuple[Make, ...] = (tools.interpolate, tools.carry_correction, _ease)
OTHER_TOOLS: tuple[Make, ...] = (
    _usual_size,
    tools.hold,
    lambda track, first, last: fill_gap(track, first, last, "interpolate"),
    tools.mark_absent,
)


def bad_frames(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N,) bool: IoU below 0.8, or a box where there is no animal, or none where there is one."""
    overlap = iou(boxes, truth)
    absent = np.isnan(truth[:, 0])
    missing = np.isnan(boxes[:, 0])
    bad: np.ndarray = np.where(absent, ~missing, missing | (np.nan_to_num(overlap) < BAD_IOU))
    return bad


def _poses(faulty: Faulty) -> Poses:
    """The anchor's likelihood as keypoints at the centre of each box."""
    center = faulty.boxes[:, :2] + faulty.boxes[:, 2:] / 2
    return Poses(("animal",), center[:, None], faulty.likelihood[:, None])
