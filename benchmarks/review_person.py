"""A simulated reviewer: takes the queue in order and mends what it sees, by the session's public calls.

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
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_cropzoom.core import tools
from napari_cropzoom.core.boxes import Box, BoxTrack, Source, iou
from napari_cropzoom.core.edits import Edit, fill_gap
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.session import Session
from review_animals import Recording
from review_faults import BAD_IOU, Faulty

LOOKS_AROUND = 250  # frames on either side of an entry that the reviewer glances at
MOST_ANCHORS = 60


class Film(NamedTuple):
    """What a session asks of a video, for tracks that have none."""

    n_frames: int
    width: int
    height: int
    path: Path = Path("simulated.mp4")

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
    faults : int
    bad_before, bad_left : int
        Frames with IoU below 0.8.
    spoiled : int
        Frames that were good before and are not now.
    """

    actions: int = 0
    steps: int = 0
    faults: int = 0
    bad_before: int = 0
    bad_left: int = 0
    spoiled: int = 0

    def __iadd__(self, other: Work) -> Work:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


def review(good: Recording, faulty: Faulty) -> Work:
    """Mend a track with faults; a box in a frame without animal is left alone."""
    session = Session(Film(len(good.boxes), *good.frame_size))  # type: ignore[arg-type]
    session.set_predictions("detector", _poses(faulty))
    was_bad = bad_frames(faulty.boxes, good.truth)
    reviewer = Reviewer(session, good.truth)
    with tempfile.TemporaryDirectory() as folder:
        session.set_raw(faulty.boxes, Path(folder) / "simulated_bbox.csv", Source.DETECTED)
        reviewer.work()
        session.close()
    is_bad = bad_frames(session.track.boxes, good.truth)
    return Work(
        reviewer.actions,
        reviewer.steps,
        len(faulty.faults),
        int(was_bad.sum()),
        int(is_bad.sum()),
        int((is_bad & ~was_bad).sum()),
    )


class Reviewer:
    """Goes through the queue of a session once, until nothing is left in it."""

    def __init__(self, session: Session, truth: np.ndarray) -> None:
        self.session = session
        self.truth = truth
        self.actions = 0
        self.steps = 0

    def work(self) -> None:
        """Take the first entry until there is none."""
        while queue := self.session.queue():
            entry = queue[0]
            self.steps += 1
            bad = self._bad_around(entry.first, entry.last)
            if bad is None:
                self._act(lambda entry=entry: self.session.accept(entry.first, entry.last))
            else:
                self._mend(entry.first, entry.last, *bad)

    def _act(self, call: Callable[[], object]) -> None:
        self.actions += 1
        call()

    def _bad_around(self, first: int, last: int) -> tuple[int, int] | None:
        """First and last bad frame in an entry, followed beyond its ends as far as the fault goes."""
        start, stop = max(0, first - 2), min(len(self.truth) - 1, last + 2)
        is_bad = self._is_bad(self.session.track.boxes, start, stop)
        if not is_bad.any():
            return None
        low, high = start + int(np.argmax(is_bad)), stop - int(np.argmax(is_bad[::-1]))
        around = slice(max(0, low - LOOKS_AROUND), min(len(self.truth), high + LOOKS_AROUND))
        wide = self._is_bad(self.session.track.boxes, around.start, around.stop - 1)
        low, high = low - around.start, high - around.start
        while low > 0 and wide[max(0, low - 3) : low].any():
            low -= 1
        while high < len(wide) - 1 and wide[high + 1 : high + 4].any():
            high += 1
        return around.start + low, around.start + high

    def _mend(self, entry_first: int, entry_last: int, first: int, last: int) -> None:
        if self._covers(entry_first, entry_last, first, last):
            first, last = entry_first, entry_last
        else:
            self.actions += 1  # selects the range on the timeline
        for _ in range(MOST_ANCHORS):
            best, left = self._best_tool(first, last)
            if best is not None and not left.any():
                self._act(lambda edit=best: self.session.apply(edit))
                return
            frame = self._where_to_help(best, first, last)
            self._act(lambda frame=frame: self.session.set_box(frame, Box(*self.truth[frame])))
            if not self._is_bad(self.session.track.boxes, first, last).any():
                if not (self.session.track.review[first : last + 1] >= 2).all():
                    self._act(lambda: self.session.accept(first, last))
                return

    def _covers(self, entry_first: int, entry_last: int, first: int, last: int) -> bool:
        """Whether the entry's own range does: it holds the fault and hardly anything else."""
        return (
            entry_first <= first and last <= entry_last and entry_last - entry_first - (last - first) <= 4
        )

    def _best_tool(self, first: int, last: int) -> tuple[Edit | None, np.ndarray]:
        """What the tools would do, and the frames the best of them would leave bad."""
        track = self.session.track
        best, best_left = None, np.ones(last - first + 1, bool)
        for make in TOOLS:
            try:
                edit = make(track, first, last)
            except CropzoomError:
                continue
            left = self._is_bad_boxes(edit.after.boxes, first, last)
            if best is None or left.sum() < best_left.sum():
                best, best_left = edit, left
        return best, best_left

    def _where_to_help(self, best: Edit | None, first: int, last: int) -> int:
        """A box that drifts off is mended where it is farthest; else where the best tool is worst."""
        track, truth = self.session.track, self.truth[first : last + 1]
        if not track.is_anchor[first : last + 1].any():
            overlap = np.nan_to_num(iou(track.boxes[first : last + 1], truth))
            if min(overlap[0], overlap[-1]) < 0.4 < max(overlap[0], overlap[-1]):
                return first + int(overlap.argmin())
        if best is None:
            return first + (last - first) // 2
        overlap = np.nan_to_num(iou(best.after.boxes, truth))
        overlap[track.is_anchor[first : last + 1]] = 2
        return first + int(overlap.argmin())

    def _is_bad(self, boxes: np.ndarray, first: int, last: int) -> np.ndarray:
        return self._is_bad_boxes(boxes[first : last + 1], first, last)

    def _is_bad_boxes(self, boxes: np.ndarray, first: int, last: int) -> np.ndarray:
        return bad_frames(boxes, self.truth[first : last + 1])


def _usual_size(track: BoxTrack, first: int, last: int) -> Edit:
    return tools.set_size(track, first, last, *tools.usual_size(track, first, last))


TOOLS: tuple[Callable[[BoxTrack, int, int], Edit], ...] = (
    tools.interpolate,
    _usual_size,
    tools.carry_correction,
    lambda track, first, last: tools.carry_correction(track, first, last, ease=True),
    tools.hold,
    lambda track, first, last: fill_gap(track, first, last, "interpolate"),
    lambda track, first, last: tools.mark_absent(track, first, last),
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
