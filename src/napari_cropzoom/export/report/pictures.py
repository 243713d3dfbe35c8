"""Pictures of suspects, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.crop.planes import cut
from napari_cropzoom.export.drawing import BEFORE, BOX, FramePart, Picture, paint_box
from napari_cropzoom.export.keypoints import KeypointLook, paint_pose
from napari_cropzoom.export.plate import encoded
from napari_cropzoom.export.report.facts import Outcome, ReviewFacts, TrackFacts
from napari_cropzoom.video.video import Video

SIDE = 320  # pixels of a picture
AROUND = 1.3  # boxes that are seen at least
LEAST = 64  # pixels of the frame
QUALITY = 82
RADIUS = 4.0  # pixels of a keypoint


@dataclass(frozen=True)
class Pair:
    """A suspect as it was and as it is: bytes of JPEG files, and what they show."""

    outcome: Outcome
    before: bytes
    after: bytes


def pairs_of(facts: ReviewFacts, track: TrackFacts, video: Video) -> list[Pair]:
    """Pictures of the worst suspects of an animal; those of open ones too."""
    return [_pair(facts, track, each, video) for each in track.suspects[: facts.asked.pictures]]


def _pair(facts: ReviewFacts, track: TrackFacts, outcome: Outcome, video: Video) -> Pair:
    frame = outcome.suspect.frame
    raw, final = track.track.raw[frame], track.of_animal[frame]
    place = around(np.array([raw, final]), (video.width, video.height))
    image = video.frame(frame)
    first = _picture(image, place, raw, facts.before, frame, BEFORE)
    return Pair(outcome, first, _picture(image, place, final, facts.after, frame, BOX))


def around(boxes: FloatArray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Square x, y, w, h in whole pixels that holds boxes (N, 4) and some room; without any the frame."""
    known = boxes[~np.isnan(boxes[:, 0])]
    if not len(known):
        return 0, 0, size[0], size[1]
    edge = np.array(size)  # no farther than a frame beyond the frame, wherever a box may lie
    low = np.clip(known[:, :2].min(axis=0), -edge, 2 * edge)
    high = np.clip((known[:, :2] + known[:, 2:]).max(axis=0), -edge, 2 * edge)
    middle = (low + high) / 2
    side = max(LEAST, int(np.ceil(AROUND * (high - low).max())))
    x, y = (round(float(value) - side / 2) for value in middle)
    return x, y, side, side


def _picture(
    image: Picture,
    place: tuple[int, int, int, int],
    box: FloatArray,
    poses: Poses | None,
    frame: int,
    colour: tuple[int, int, int],
) -> bytes:
    x, y, w, h = place
    scale = SIDE / max(w, h)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    how = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
    view = FramePart(np.array(cv2.resize(cut(image, place, 0), size, interpolation=how)), (x, y), scale)
    view.radius = RADIUS
    paint_box(view, box, colour)
    if poses is not None:
        paint_pose(view, poses, frame, KeypointLook())
    return encoded(view.picture, "JPEG", quality=QUALITY)
