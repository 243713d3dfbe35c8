"""One animal that moves in a still arena, found by background subtraction.

Twice through the video at reduced size: once for the background, once for what differs from it. The
choice among several candidates is made at the end, over the whole video, so that one odd frame cannot
lead the track astray.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.detect import setting
from napari_cropzoom.pipeline.motion_blobs import Background, blobs
from napari_cropzoom.pipeline.motion_track import Candidates, best_path
from napari_cropzoom.pipeline.progress import Progress, Stage

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from napari_cropzoom.io.video import Video

SMALL_WIDTH = 480
SAMPLES = 80
FRAMES_A_PROGRESS = 5
# How far an animal may well go from one frame to the next, in diagonals of the frame.
REACH = 0.1
# A candidate this much weaker than the animal usually is, is not the animal.
LEAST_STRENGTH = 0.2


EIGHT_BIT_LUMA_FIRST = frozenset(
    ["gray", "nv12", "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"]
)


@dataclass(frozen=True)
class MotionSettings:
    """What can be chosen; see the metadata of each field for what it means."""

    margin: float = setting(
        0.1, "Margin", "Free space on each side, as a fraction of the animal's size", 0.0, 2.0
    )
    box_size: int = setting(
        0, "Box size", "Side of every box in pixels; 0 lets boxes follow the animal", 0, 10_000
    )
    min_area: float = setting(
        0.02, "Least area", "Smaller than this is not the animal, in percent of the frame", 0.0, 100.0
    )
    threshold: float = setting(
        5.0, "Threshold", "Difference to the background that counts, in units of the noise", 1.0, 50.0
    )


class MotionDetector:
    """Boxes round the one animal that moves; see `napari_cropzoom.pipeline.detect.Detector`."""

    name: ClassVar[str] = "motion"
    title: ClassVar[str] = "Motion (still camera, no model)"
    settings: ClassVar[type[MotionSettings]] = MotionSettings

    def detect(self, video: Path, settings: MotionSettings) -> Stage[NDArray[np.float64]]:
        """Yield progress over both passes and return boxes.

        Returns
        -------
        ndarray of float64, shape (T, 4)
            ``x, y, w, h`` in pixels of the full frame; whole numbers, even sizes, inside the frame.
            NaN where nothing was found.

        Raises
        ------
        CropzoomError
            If the video cannot be read, or is too short to tell what moves in it.
        """
        from napari_cropzoom.io.video import Video

        with Video(video) as source:
            if source.n_frames < 3:
                raise CropzoomError(
                    f"{video}: {source.n_frames} frames are too few to see motion. Draw the box."
                )
            factor = reduction(source.width)
            background = yield from learn_background(source)
            candidates = yield from find_candidates(source, background, settings)
        reach = REACH * float(np.hypot(source.width, source.height)) / factor
        boxes = factor * best_path(candidates, reach, LEAST_STRENGTH)
        yield Progress(2 * source.n_frames, 2 * source.n_frames, "frames")
        return framed(boxes, settings, source.width, source.height)


def learn_background(source: Video) -> Stage[Background]:
    """First pass: the empty arena, from frames spread over the whole video.

    A long video has keyframes enough to take only those, which need no decoding between.
    """
    n_frames = source.n_frames
    wanted = np.unique(np.linspace(0, n_frames - 1, SAMPLES).astype(int))
    keyframes = source.index.keyframes
    near = np.unique(keyframes[np.searchsorted(keyframes, wanted, side="right") - 1])
    samples = []
    if len(near) >= SAMPLES // 2:
        for place, number in enumerate(near.tolist()):
            samples += [small_gray(frame, source) for frame in source.stream(number, number + 1)]
            yield Progress(place * n_frames // len(near), 2 * n_frames, "background")
    else:
        picked = set(wanted.tolist())
        for number, frame in enumerate(source.stream()):
            if number in picked:
                samples.append(small_gray(frame, source))
            if number % FRAMES_A_PROGRESS == 0:
                yield Progress(number, 2 * n_frames, "background")
    return Background.from_samples(np.stack(samples))


def find_candidates(source: Video, background: Background, settings: MotionSettings) -> Stage[Candidates]:
    """Second pass: what differs from the background in every frame."""
    least_area = settings.min_area / 100 * background.mean.size
    candidates = Candidates(source.n_frames)
    for number, frame in enumerate(source.stream()):
        image = small_gray(frame, source)
        candidates.put(number, blobs(background, image, settings.threshold, least_area))
        if number % FRAMES_A_PROGRESS == 0:
            yield Progress(source.n_frames + number, 2 * source.n_frames, "frames")
    return candidates


def reduction(width: int) -> int:
    """Return by what whole factor frames are reduced: whole ones average fastest."""
    return max(1, round(width / SMALL_WIDTH))


def gray(frame: VideoFrame, source: Video) -> NDArray[np.uint8]:
    """Brightness of a frame as displayed, (H, W); a view of the frame where that is possible."""
    if frame.format.name in EIGHT_BIT_LUMA_FIRST:
        plane = frame.planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        luma = luma[: frame.height, : frame.width]
    else:
        luma = frame.to_ndarray(format="gray")
    if source.index.rotation:
        luma = np.ascontiguousarray(np.rot90(luma, -source.index.rotation // 90))
    return luma


def small_gray(frame: VideoFrame, source: Video) -> NDArray[np.uint8]:
    """Brightness of a frame as displayed, reduced by averaging."""
    import cv2

    luma = gray(frame, source)
    factor = reduction(source.width)
    height, width = luma.shape[0] // factor, luma.shape[1] // factor
    whole = luma[: height * factor, : width * factor]
    return np.array(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def framed(
    boxes: NDArray[np.float64], settings: MotionSettings, width: int, height: int
) -> NDArray[np.float64]:
    """Give boxes their margin or fixed size; whole pixels, even sizes, inside the frame."""
    if settings.box_size:
        size = np.full((len(boxes), 2), float(settings.box_size))
    else:
        size = boxes[:, 2:] * (1 + 2 * settings.margin)
    frame = np.array([width, height])
    size = np.minimum(2 * np.ceil(size / 2), frame // 2 * 2)
    corner = np.floor(boxes[:, :2] + boxes[:, 2:] / 2 - size / 2)
    corner = np.clip(corner, 0, frame - size)
    result = np.hstack([corner, size])
    result[np.isnan(boxes).any(axis=1)] = np.nan
    return result
