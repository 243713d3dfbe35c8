"""Frames of reviewed videos in which the detector was wrong and a person has set it right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, Review, Source, iou
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import (
    Evidence,
    Inspection,
    Suspect,
    anchor_likelihood,
    ranked,
)
from napari_cropzoom.core.inspection.suspect import in_words
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.sampling.spread import spread
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.belonging import check_made_of, read_predictions_of
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.stored import read_review
from napari_cropzoom.video.index import VideoIndex

MOST_OVERLAP = 0.6  # intersection over union, from which a correction says nothing of the detector
PROBE = 10.0  # a crop ratio at which the rounding of sides hardly counts
LEAST_RATIO = 1.01
OTHER_KIND = "not suspected"
SIZE_OF_STEP = 0.25  # of a frame, or of a box: a clear difference between two frames


@dataclass(frozen=True, eq=False)
class Corrected:
    """A reviewed video: what was corrected in it.

    Attributes
    ----------
    video : Path
    index : VideoIndex
    boxes : ndarray, (T, 4)
        Final boxes as saved, NaN where a person saw no animal.
    raw : ndarray, (T, 4)
        Boxes as the detector found them, NaN where it found none.
    poses : Poses or None
        Keypoints of the detector, if they are still there.
    sizing : SizingSettings
        How the raw boxes were put round them.
    is_wrong : ndarray, (T,) bool
        Frames whose box a person has changed, where the detector's was missing or elsewhere.
    kinds : list of str, length T
        Why the frame was suspected, in words without numbers.
    """

    video: Path
    index: VideoIndex
    boxes: FloatArray
    raw: FloatArray
    poses: Poses | None
    sizing: SizingSettings
    is_wrong: BoolArray
    kinds: list[str]


def read_corrected(detector: ModelFolder, video: Path) -> Corrected | str:
    """Read the saved review of the boxes of a detector; why there is none to be used, in words.

    Raises
    ------
    CropzoomError
        If boxes, review or video cannot be read.
    """
    raw = detector.bbox_csv(video)
    if not raw.is_file() or not journal_file(raw).is_file():
        return "no review"
    index = VideoIndex.scan(video)
    size = index.width, index.height
    check_made_of(raw, video)
    stored = read_review(
        raw, index.n_frames, Source.DETECTED, allow_missing=True, frame_size=size, video=video
    )
    tracks = stored.tracks
    if stored.saved_files.state(tracks, video) is not OnDisk.SAME:
        return "its review has edits that were not saved"
    if len(tracks.with_boxes) != 1:
        return f"{counted(len(tracks.with_boxes), 'animal')}, and labels are of one"
    entry = tracks.with_boxes[0]
    track = entry.track
    is_wrong = (track.review == Review.EDITED) & ~track.is_missing & ~agrees(track.raw, track.boxes)
    is_wrong[index.damage.numbers()] = False
    predictions, poses = detector.predictions_csv(video), None
    if predictions.is_file():
        poses, _ = read_predictions_of(predictions, index.n_frames, video)
    sizing = entry.sizing or sizing_like(track.raw, poses)
    anchors = sizing.anchor_keypoints
    likelihood = None if poses is None else anchor_likelihood(poses, anchors)
    evidence = Evidence(likelihood, None if poses is None else poses.select(anchors), size)
    suspects = ranked(Inspection.of(track.raw, evidence).suspects)
    kinds = kinds_of(suspects, index.n_frames)
    boxes = entry.pose_boxes(tracks.fill)
    return Corrected(video, index, boxes, track.raw, poses, sizing, is_wrong, kinds)


def sizing_like(boxes: FloatArray, poses: Poses | None) -> SizingSettings:
    """How boxes were put round keypoints, where nobody wrote it down; the usual way without keypoints."""
    sides = boxes[~np.isnan(boxes).any(axis=1), 2]
    if len(sides) and (sides == sides[0]).all():
        return SizingSettings(crop_ratio=None, crop_size=int(sides[0]))
    if poses is None:
        return SizingSettings()
    usual = boxes_from_keypoints(poses, SizingSettings(crop_ratio=PROBE))[:, 2]
    is_known = ~np.isnan(boxes[:, 2]) & (usual > 0)
    if not is_known.any():
        return SizingSettings()
    ratio = PROBE * float(np.median(boxes[is_known, 2] / usual[is_known]))
    return SizingSettings(crop_ratio=max(round(ratio, 2), LEAST_RATIO))


def agrees(boxes: FloatArray, others: FloatArray) -> BoolArray:
    """(T,) whether boxes lie on the same thing; a missing one does not."""
    return np.asarray(np.nan_to_num(iou(boxes, others)) > MOST_OVERLAP)


def kinds_of(suspects: Sequence[Suspect], n_frames: int) -> list[str]:
    """Of every frame, what the worst suspect is that it lies in, without its numbers."""
    result = [OTHER_KIND] * n_frames
    for each in reversed(suspects):
        kind = in_words(each.reasons[0]) if each.reasons else OTHER_KIND
        result[each.first : each.last + 1] = [kind] * (each.last + 1 - each.first)
    return result


def choose(
    corrected: Sequence[Corrected],
    poses: Sequence[Poses],
    is_usable: Sequence[BoolArray],
    count: int,
    gap: int,
) -> list[tuple[int, int]]:
    """Choose frames to be labeled, over videos, kinds of faults, places and poses.

    Parameters
    ----------
    corrected : sequence of Corrected
    poses : sequence of Poses
        Keypoints in the reviewed boxes, of each video.
    is_usable : sequence of ndarray, (T,) bool
        Frames that may be taken.
    count, gap : int
        See :func:`.spread.spread`.

    Returns
    -------
    list of (int, int)
        Number of the video and of the frame, in order.
    """
    rows = [
        (number, frame)
        for number, (each, usable) in enumerate(zip(corrected, is_usable, strict=True))
        for frame in np.flatnonzero(each.is_wrong & usable).tolist()
    ]
    if not rows:
        return []
    features = np.array([features_of(corrected[v], poses[v], frame) for v, frame in rows])
    videos = [video for video, _ in rows]
    kinds = [corrected[video].kinds[frame] for video, frame in rows]
    frames = np.array([frame for _, frame in rows], np.int64)
    return sorted(rows[row] for row in spread(features, videos, kinds, frames, count, gap))


def features_of(corrected: Corrected, poses: Poses, frame: int) -> FloatArray:
    """What a frame shows: where the box is, how large, and how the keypoints lie in it."""
    x, y, w, h = corrected.boxes[frame]
    index = corrected.index
    place = np.array([(x + w / 2) / index.width, (y + h / 2) / index.height, np.log(max(w, 1.0)) / 2])
    inside = (poses.xy[frame] - (x, y)) / (max(w, 1.0), max(h, 1.0))
    shape = np.nan_to_num(inside, nan=0.5).ravel() / np.sqrt(max(inside.shape[0], 1))
    result: FloatArray = np.concatenate([place, shape]) / SIZE_OF_STEP
    return result


def check_names(labeled: Sequence[str], pose: ModelFolder) -> None:
    """Refuse a pose model that knows none of the labels' keypoints.

    Raises
    ------
    CropzoomError
    """
    if not set(labeled) & set(pose.keypoint_names):
        raise CropzoomError(
            f"{pose.path}: has no keypoint of the labels ({', '.join(labeled[:6])}). Give a pose model "
            "of this project."
        )
