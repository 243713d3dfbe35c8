"""A few of many frames that differ: spread over groups, far apart in time and in what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray


def spread(
    features: FloatArray,
    videos: Sequence[Hashable],
    kinds: Sequence[Hashable],
    frames: IntArray,
    count: int,
    gap: int,
) -> list[int]:
    """Choose rows: of each video and kind in turn the one least like those chosen so far.

    Parameters
    ----------
    features : ndarray, (N, F)
        What a frame shows, in units in which a distance of 1 is a clear difference.
    videos, kinds : sequence, length N
        Groups that are to have their share; a video has its share before a kind has.
    frames : ndarray, (N,)
        Numbers within the video.
    count : int
        At most so many are chosen.
    gap : int
        Two of one video are at least so many frames apart.

    Returns
    -------
    list of int
        Rows, in the order they were chosen; fewer than ``count`` where no other lies far enough apart.
    """
    n = len(features)
    groups = list(zip(videos, kinds, strict=True))
    ids = sorted_ids(videos)
    video_ids = np.array([ids[video] for video in videos], np.int64)
    nearest = np.full(n, np.inf)
    is_free = np.ones(n, bool)
    chosen = list[int]()
    of_video: Counter[Hashable] = Counter()
    of_group: Counter[Hashable] = Counter()
    centre = np.median(features, axis=0) if n else np.zeros(0)
    usual = np.linalg.norm(features - centre, axis=1) if n else np.zeros(0)
    while len(chosen) < count and is_free.any():
        free = np.flatnonzero(is_free)
        fewest = min((of_video[videos[row]], of_group[groups[row]]) for row in free.tolist())
        wanted = [
            row for row in free.tolist() if (of_video[videos[row]], of_group[groups[row]]) == fewest
        ]
        # the first of all is the most usual one: an odd frame is a poor start
        key = -usual[wanted] if not chosen else nearest[wanted]
        row = wanted[int(np.argmax(key))]
        chosen.append(row)
        of_video[videos[row]] += 1
        of_group[groups[row]] += 1
        nearest = np.minimum(nearest, np.linalg.norm(features - features[row], axis=1))
        is_free &= (video_ids != video_ids[row]) | (np.abs(frames - frames[row]) >= gap)
        is_free[row] = False
    return chosen


def sorted_ids(names: Sequence[Hashable]) -> dict[Hashable, int]:
    """A number for each different name, in the order they come."""
    return {name: number for number, name in enumerate(dict.fromkeys(names))}
