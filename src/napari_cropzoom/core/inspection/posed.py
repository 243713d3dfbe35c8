"""What a pose says of the boxes it was found in: where it touches their edge, the animal may be cut off.

A pose model finds its keypoints inside the box only. What lies beyond is put at its edge, or is unlikely.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import scipy

from napari_cropzoom.core.boxes import BoolArray, FloatArray, Review
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.inspection.suspect import (
    CERTAIN,
    Suspect,
    merged,
    rank,
    score_of,
    worst_of_runs,
)
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smoothing_reach
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted, verb

TOUCHES = "may be cut off: the pose touches the edge of the box"
RUN_AGAIN = "run the pose again to see"
# Of the side: nearer to the edge than that, a part of the animal is likely to be cut off.
EDGE = 0.02
# Beside such frames others count that are nearly as near, 2.5 % of the side: where a part is cut off, the
# model puts it at the edge to about a cell of its heatmap, in one frame nearer than in the next.
ENDS = 0.8
# A keypoint that is less likely says nothing of its place.
LIKELY = 0.5
# A keypoint that is at the edge in more of its frames is left there on purpose, as a tail may be.
OFTEN = 0.3
BLOCK = 2**16  # frames
TOGETHER = 5  # frames; where most of them touch the edge is the worst


def edge_distance(xy: FloatArray, boxes: FloatArray) -> FloatArray:
    """(T, K, 4) how far points are inside their box, of its side: from left, top, right, bottom.

    Parameters
    ----------
    xy : ndarray, (T, K, 2)
    boxes : ndarray, (T, 4)
    """
    low, side = boxes[:, None, :2], boxes[:, None, 2:]
    share = (xy - low) / side
    distance: FloatArray = np.concatenate([share, 1 - share], axis=2)
    return distance


def at_edge(poses: Poses, boxes: FloatArray) -> BoolArray:
    """(T, K) likely keypoints that lie at the edge of their box, (T, 4), or beyond it."""
    with np.errstate(invalid="ignore"):
        near = (edge_distance(poses.xy, boxes) < EDGE).any(axis=2)
    touching: BoolArray = near & (poses.likelihood >= LIKELY)
    return touching


def can_grow(boxes: FloatArray, frame_size: tuple[int, int] | None) -> BoolArray:
    """(T, 4) whether there is more of the frame to the left, the top, the right, the bottom of a box."""
    if frame_size is None:
        return np.ones(boxes.shape, bool)
    spare = EDGE * boxes[:, 2:]
    low = boxes[:, :2] > spare
    high = boxes[:, :2] + boxes[:, 2:] < np.array(frame_size) - spare
    possible: BoolArray = np.concatenate([low, high], axis=1)
    return possible


def cut_off(poses: Poses, boxes: FloatArray, frame_size: tuple[int, int] | None) -> FloatArray:
    """(T,) how surely a part of the animal is outside the box: 1 is the threshold.

    Parameters
    ----------
    poses : Poses
        Of the pose model.
    boxes : ndarray, (T, 4)
        That they were found in, NaN rows where that is not known.
    frame_size : (int, int) or None
        Width and height in pixels. Where a box ends with the frame, nothing is cut off.
    """
    return _cut_off(poses, boxes, frame_size)[0]


def _cut_off(
    poses: Poses, boxes: FloatArray, frame_size: tuple[int, int] | None
) -> tuple[FloatArray, BoolArray]:
    """:func:`cut_off`, and (K,) the keypoints that count: those not left at the edge on purpose."""
    severity, n_likely = np.zeros(poses.likelihood.shape), np.zeros(len(poses.names))
    for rows in _blocks(len(poses)):
        severity[rows], is_likely = _severity(
            poses.xy[rows], poses.likelihood[rows], boxes[rows], frame_size
        )
        n_likely += is_likely.sum(axis=0)
    counts: BoolArray = (severity >= CERTAIN).sum(axis=0) <= OFTEN * n_likely
    return severity[:, counts].max(axis=1, initial=0.0), counts


def _severity(
    xy: FloatArray, likelihood: FloatArray, boxes: FloatArray, frame_size: tuple[int, int] | None
) -> tuple[FloatArray, BoolArray]:
    """(T, K) how surely each point is outside its box, (T, 4), and whether it is likely."""
    distance = edge_distance(xy, boxes)
    is_likely = (likelihood >= LIKELY) & np.isfinite(distance).all(axis=2)
    distance[~(is_likely[..., None] & can_grow(boxes, frame_size)[:, None])] = np.inf
    return EDGE / np.maximum(distance.min(axis=2), EDGE / 4), is_likely


def touching(severity: FloatArray) -> list[Suspect]:
    """Suspects of :func:`cut_off`, (T,), by first frame."""
    together = scipy.ndimage.uniform_filter1d(severity, TOGETHER)
    worst_by = np.where(severity >= CERTAIN, together, 0.0)
    found = worst_of_runs(severity, lambda _frame: TOUCHES, worst_by, ENDS)
    return [replace(each, reasons=(TOUCHES,)) for each in found if each.score >= score_of(CERTAIN)]


class PosedSuspects:
    """Suspects of a pose, each while its boxes are those that the pose was found in.

    After a change of the track, call :meth:`renew` with the range that changed. An edit costs what the
    suspects near it cost.

    Parameters
    ----------
    poses : Poses
        Of the pose model.
    boxes : ndarray, (T, 4)
        That they were found in, NaN rows where that is not known.
    frame_size : (int, int) or None
        Width and height in pixels.

    Attributes
    ----------
    found : list of Suspect
        All of them, by first frame.
    frame_size : (int, int) or None
    """

    def __init__(self, poses: Poses, boxes: FloatArray, frame_size: tuple[int, int] | None) -> None:
        severity, self._counts = _cut_off(poses, boxes, frame_size)
        self.found = touching(severity)
        self._poses = poses
        self.frame_size = frame_size
        self._boxes = boxes
        self._settings: SmoothingSettings | None = None
        self._told = list(self.found)  # with what else there is to say
        # whether each is open or settled; None where its boxes are others
        self._is_open: list[bool | None] = [None] * len(self.found)
        self._changed: list[tuple[int, int]] = []

    @classmethod
    def of(cls, poses: Poses, final: FloatArray, frame_size: tuple[int, int] | None) -> PosedSuspects:
        """Those of a pose; where nothing says in which boxes it was found, in the final ones, (T, 4).

        That is in the frames in which they hold all of its keypoints.
        """
        if poses.boxes is not None:
            return cls(poses, poses.boxes, frame_size)
        boxes = final.copy()
        for rows in _blocks(len(boxes)):
            with np.errstate(invalid="ignore"):
                outside = edge_distance(poses.xy[rows], boxes[rows]) < 0
            is_out = np.count_nonzero(outside, axis=(1, 2)) > 0
            boxes[rows][is_out] = np.nan
        return cls(poses, boxes, frame_size)

    def renew(self, first: int, last: int) -> None:
        """Take note that the frames ``first`` to ``last``, both inclusive, have changed."""
        self._changed.append((first, last))

    def follow(self, smoothed: SmoothedTrack) -> None:
        """Catch up with the track, as :meth:`entries` does."""
        if smoothed.settings != self._settings:
            self._settings, self._changed = smoothed.settings, [(0, len(self._boxes) - 1)]
        changed, self._changed = self._changed, []
        reached = [smoothing_reach(*span, smoothed.settings, len(self._boxes)) for span in changed]
        for place, each in enumerate(self.found):
            if any(first <= each.last and each.first <= last for first, last in reached):
                self._is_open[place] = is_open = self._judge(each, smoothed)
                self._told[place] = replace(each, note=self._note(each, smoothed, is_open))

    def entries(self, smoothed: SmoothedTrack) -> tuple[list[Suspect], list[Suspect]]:
        """Suspects that are open and suspects that are settled.

        One is settled when a person has accepted all of it, or has changed its boxes. One whose boxes are
        others for another reason, as after other smoothing, stays open where these do not hold the pose
        either, and else is neither: the pose says nothing of them.
        """
        self.follow(smoothed)
        states = list(zip(self._told, self._is_open, strict=True))
        left = [each for each, is_open in states if is_open]
        return left, [each for each, is_open in states if is_open is False]

    def by_hand(self, suspect: Suspect, smoothed: SmoothedTrack) -> Suspect | None:
        """The open frames of a suspect, from the first to the last, if all of them are set by hand."""
        rows = self.open_rows(suspect, smoothed)
        if not rows.any() or (rows & ~smoothed.track.is_manual_in(suspect.first, suspect.last)).any():
            return None
        frames = np.flatnonzero(rows) + suspect.first
        return replace(suspect, first=int(frames[0]), last=int(frames[-1]))

    def open_rows(self, suspect: Suspect, smoothed: SmoothedTrack) -> BoolArray:
        """Which frames of a suspect are open: not accepted, and of which the pose says something.

        That is where the box is the one that it was found in, and where another one, that no person has
        changed, does not hold it either.
        """
        final = finalize(smoothed.part(suspect.first, suspect.last))
        rows = slice(suspect.first, suspect.last + 1)
        review = smoothed.track.review[rows]
        speaks = is_same(self._boxes[rows], final, self.frame_size)
        if Review.EDITED not in review and not speaks.all():
            xy, likelihood = self._poses.xy[rows], self._poses.likelihood[rows]
            severity, _ = _severity(
                xy[:, self._counts], likelihood[:, self._counts], final, self.frame_size
            )
            is_known = ~np.isnan(self._boxes[rows, 0])
            speaks |= is_known & (severity >= CERTAIN).any(axis=1)
        is_open: BoolArray = speaks & (review != Review.ACCEPTED)
        return is_open

    def _note(self, suspect: Suspect, smoothed: SmoothedTrack, is_open: bool | None) -> str:
        """Why a suspect is still open, or what says whether its new boxes are better."""
        if is_open:
            kept = self.by_hand(suspect, smoothed)
            if kept is None:
                return ""
            where, stay = frames_text(kept.first, kept.last), verb(kept.n_frames, "stay")
            return f"set by hand in {where}, so {'it' if kept.n_frames == 1 else 'they'} {stay}"
        review = smoothed.track.review[suspect.first : suspect.last + 1]
        return RUN_AGAIN if Review.EDITED in review else ""

    def _judge(self, suspect: Suspect, smoothed: SmoothedTrack) -> bool | None:
        if self.open_rows(suspect, smoothed).any():
            return True
        review = smoothed.track.review[suspect.first : suspect.last + 1]
        is_settled = (review >= Review.ACCEPTED).all() or Review.EDITED in review
        return False if is_settled else None


def is_same(seen: FloatArray, boxes: FloatArray, frame_size: tuple[int, int] | None) -> BoolArray:
    """(T,) whether boxes, (T, 4), are those that a network saw, which may be cut to the frame."""
    same: BoolArray = (seen == boxes).all(axis=1)
    if frame_size is None:
        return same
    corner = np.maximum(boxes[:, :2], 0)
    side = np.minimum(boxes[:, :2] + boxes[:, 2:], frame_size) - corner
    cut: BoolArray = (seen == np.concatenate([corner, side], axis=1)).all(axis=1)
    return same | cut


def found_in_others(poses: Poses, boxes: FloatArray, frame_size: tuple[int, int] | None = None) -> int:
    """In how many frames keypoints were found in other boxes than these, (T, 4), NaN rows for none.

    0 where nobody says in which boxes they were found, or in none, as those of a detector.
    """
    if poses.boxes is None:
        return 0
    same = is_same(poses.boxes, boxes, frame_size)
    same |= np.isnan(poses.boxes[:, 0]) & np.isnan(boxes[:, 0])
    if poses.interpolated is not None:
        same |= poses.interpolated
    return int(np.count_nonzero(~same))


def told_of_others(count: int, n_frames: int) -> str:
    """What a person should know of keypoints :func:`found_in_others`; empty for none."""
    if not count:
        return ""
    return (
        f"In {count} of {counted(n_frames, 'frame')} the boxes have changed since the pose model ran, so "
        "the keypoints there are of other boxes."
    )


def with_posed(left: Sequence[Suspect], posed: Sequence[Suspect]) -> list[Suspect]:
    """Open suspects of the boxes and those of the pose; where they meet, one in place of both.

    Those of the pose are by first frame and free of overlaps.
    """
    met, others, starts = list[Suspect](), list[Suspect](), [each.first for each in posed]
    for each in left:
        before = bisect_right(starts, each.last)
        (met if before and meets(each, posed[before - 1]) else others).append(each)
    return sorted([*others, *merged([*met, *posed])], key=rank)


def _blocks(n_frames: int) -> Iterator[slice]:
    """Rows that are looked at together: all of a long video would take gigabytes."""
    return (slice(start, start + BLOCK) for start in range(0, n_frames, BLOCK))


def meets(one: Suspect, other: Suspect) -> bool:
    """Whether two suspects have a frame in common."""
    return one.first <= other.last and other.first <= one.last
