"""Sparsely: which frames a detector runs on first, what lies between, where that will not do.

A box that was not detected is a straight line's guess. It is kept where the detector's frames on either
side leave little room for another one, and where the review would not ask a person to look.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.inspection.evidence import LOW_SHARE, Evidence
from napari_cropzoom.core.inspection.inspection import anchor_likelihood, at_least, find_suspects
from napari_cropzoom.core.inspection.steps import BoxPath
from napari_cropzoom.core.inspection.suspicion import LEAST_STEP
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints

FARTHEST = 4 * LEAST_STEP
"""Of its size a box may move, or of the logarithm of its side change, from one frame run to the next.

What gathers speed evenly from rest is a quarter of its way from the straight line in the middle.
"""


def frames_first(n_frames: int, every: int, batch_size: int = 1) -> BoolArray:
    """(T,) bool: about every n-th frame, the first and the last one always.

    A frame has its place in a batch for good (see ``batches`` beside this), and multiples of
    ``every`` may share a few places, with the rest of each batch computed for nothing. They are
    therefore moved on, by less than the greatest common divisor of both numbers and by one at a time,
    so that all places are used. Two neighbours are at most ``every + 1`` apart, ``every`` on average.

    Parameters
    ----------
    n_frames, every : int
        1 or more.
    batch_size : int
        Frames given to the network at a time; 1 for the multiples of ``every`` themselves.
    """
    shared = math.gcd(every, batch_size)
    number = np.arange(n_frames // every + 1)
    turn = number // (batch_size // shared) % (2 * shared)
    frames = number * every + np.minimum(turn, 2 * shared - 1 - turn)
    first = np.zeros(n_frames, bool)
    first[frames[frames < n_frames]] = True
    first[-1] = True
    return first


def interpolated(poses: Poses, run: BoolArray) -> Poses:
    """Keypoints with the frames between those that were run filled in.

    Parameters
    ----------
    poses : Poses
        T frames; those not run are not looked at.
    run : ndarray, (T,) bool
        With the first and the last frame.

    Returns
    -------
    Poses
        Each keypoint goes in a straight line from one frame run to the next, with the lower likelihood
        of both; NaN with likelihood 0 where one of them has none. Frames that were run are as they were.
    """
    if run.all():
        return replace(poses, interpolated=None)
    frames, known = np.arange(len(run)), np.flatnonzero(run)
    after = known[np.searchsorted(known, frames)]
    before = known[np.searchsorted(known, frames, side="right") - 1]
    share = ((frames - before) / np.maximum(after - before, 1))[:, None, None]
    line = poses.xy[before] + share * (poses.xy[after] - poses.xy[before])
    lower = np.minimum(poses.likelihood[before], poses.likelihood[after])
    lower = np.where(np.isnan(line).any(axis=2) | np.isnan(lower), 0.0, lower)
    xy = np.where(run[:, None, None], poses.xy, line)
    likelihood = np.where(run[:, None], poses.likelihood, lower)
    return replace(poses, xy=xy, likelihood=likelihood, interpolated=~run)


def frames_next(poses: Poses, run: BoolArray, first: BoolArray, frame_size: tuple[int, int]) -> BoolArray:
    """(T,) bool: frames to be run because a straight line will not do for them.

    These are all frames between two of ``first`` where one of the two has no box or a keypoint unlikely
    for that keypoint; where the box moves or grows by more than :data:`FARTHEST` from one to the other;
    where the review is suspicious, of the boxes of ``first`` by themselves or of all boxes; and the
    frames of the gaps before and after such a gap.

    Parameters
    ----------
    poses : Poses
        T frames, see :func:`interpolated`.
    run, first : ndarray, (T,) bool
        Frames that were run so far, and those of them that were run first.
    frame_size : (int, int)
        Width and height in pixels.
    """
    ends = np.flatnonzero(first)
    sparse = Poses(poses.names, poses.xy[ends], poses.likelihood[ends], poses.scorer)
    boxes = boxes_from_keypoints(sparse, SizingSettings())
    is_doubtful = _unsteady(boxes)
    bad = np.isnan(boxes[:, 0]) | _unlikely(sparse.likelihood)
    is_doubtful |= bad[:-1] | bad[1:]
    ranges = [(ends[a], ends[b]) for a, b in _suspicious(sparse, boxes, frame_size)]
    ranges += _suspicious(poses, boxes_from_keypoints(poses, SizingSettings()), frame_size)
    for begin, end in ranges:
        place = np.searchsorted(ends[1:], begin)
        is_doubtful[place : np.searchsorted(ends[:-1], end, side="right")] = True
    wide = is_doubtful.copy()
    wide[1:] |= is_doubtful[:-1]
    wide[:-1] |= is_doubtful[1:]
    result: BoolArray = np.append(np.repeat(wide, np.diff(ends)), False) & ~run
    return result


def _unsteady(boxes: FloatArray) -> BoolArray:
    """(T - 1,) bool: steps that leave room for another way than the straight one."""
    if np.isnan(boxes[:, 0]).all():
        return np.ones(len(boxes) - 1, bool)
    path = BoxPath.of(boxes)
    move = np.hypot(*np.diff(path.center, axis=0).T)
    size = np.minimum(path.usual_size[:-1], path.usual_size[1:])
    growth = np.abs(np.diff(path.log_size, axis=0)).max(axis=1)
    result: BoolArray = np.maximum(move / size, growth) > FARTHEST
    return result


def _unlikely(likelihood: FloatArray) -> BoolArray:
    """(T,) bool: frames in which a keypoint is far less likely than it usually is."""
    known = np.nan_to_num(likelihood)
    result: BoolArray = np.any(known < LOW_SHARE * np.median(known, axis=0), axis=1)
    return result


def _suspicious(poses: Poses, boxes: FloatArray, frame_size: tuple[int, int]) -> list[tuple[int, int]]:
    """First and last frame of all that the review would show a person, and that more frames may help."""
    evidence = Evidence(anchor_likelihood(poses), poses, frame_size)
    found = find_suspects(boxes, evidence, small=False)
    return [(each.first, each.last) for each in at_least(found)]
