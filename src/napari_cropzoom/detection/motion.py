"""One animal that moves in a still arena, found by background subtraction.

Twice through the video at reduced size: once for the background, once for what differs from it. The
choice among several candidates is made at the end, over the whole video, so that one odd frame cannot
lead the track astray.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage, part_of
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.blobs import Background, blobs
from napari_cropzoom.detection.path import Candidates, best_path
from napari_cropzoom.detection.registry import setting
from napari_cropzoom.video.damage import undecodable_text
from napari_cropzoom.video.planes import plane_array

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from napari_cropzoom.video.video import Video

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
        0.1, "Margin (× size)", "Free space on each side, as a fraction of the animal's size", 0.0, 2.0
    )
    box_size: int = setting(
        0,
        "Box size (0: as animal)",
        "Side of every box in pixels; 0 lets boxes follow the animal, each as wide and as high as it is",
        0,
        10_000,
    )
    min_area: float = setting(
        0.02, "Least area (%)", "Smaller than this is not the animal, in percent of the frame", 0.0, 100.0
    )
    threshold: float = setting(
        5.0,
        "Threshold (× noise)",
        "Difference to the background that counts, in units of the noise",
        1.0,
        50.0,
    )


class MotionDetector:
    """Boxes round the one animal that moves; see `napari_cropzoom.detection.registry.Detector`."""

    name: ClassVar[str] = "motion"
    label: ClassVar[str] = "Motion (still camera, no model)"
    help: ClassVar[str] = "Finds the one animal that moves in front of a still background."
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
        from napari_cropzoom.video.video import Video

        with Video(video) as source:
            if source.n_frames < 3:
                raise CropzoomError(
                    f"{video}: {counted(source.n_frames, 'frame')}, too few to see motion. Draw the box."
                )
            factor = reduction(source.width)
            _, candidates = yield from what_stands_out(source, settings)
        reach = REACH * float(np.hypot(source.width, source.height)) / factor
        boxes = factor * best_path(candidates, reach, LEAST_STRENGTH)
        yield Progress(source.n_frames, source.n_frames, "frames")
        return framed(boxes, settings, source.width, source.height)


def what_stands_out(
    source: Video,
    settings: MotionSettings,
    *,
    check: Callable[[Background], object] | None = None,
    into: Candidates | None = None,
) -> Stage[tuple[Background, Candidates]]:
    """Go through the video twice: for the empty arena, then for what differs from it in every frame.

    ``check`` is given the empty arena and may raise; what is found is put ``into`` as it is found.

    Progress counts every frame once, each pass by the frames that it decodes.
    """
    n_frames, sampled = source.n_frames, sampled_keyframes(source)
    decoded = n_frames if sampled is None else len(sampled)
    share = decoded / (decoded + n_frames)
    first = learn_background(source)
    background = yield from part_of(first, 0, share, n_frames, "frames")
    if check is not None:
        check(background)
    second = find_candidates(source, background, settings, into)
    candidates = yield from part_of(second, share, 1 - share, n_frames, "frames")
    return background, candidates


def sampled_keyframes(source: Video) -> NDArray[np.intp] | None:
    """Keyframes spread over the whole video, None where there are too few of them.

    They need no decoding between.
    """
    keyframes = source.index.keyframes
    near = np.unique(keyframes[np.searchsorted(keyframes, _wanted(source), side="right") - 1])
    return near if len(near) >= SAMPLES // 2 else None


def learn_background(source: Video) -> Stage[Background]:
    """First pass: the empty arena, from frames spread over the whole video that can be decoded."""
    samples, near = [], sampled_keyframes(source)
    if near is not None:
        for place, number in enumerate(near.tolist()):
            for frame in source.stream(number, number + 1):
                if number not in source.index.damage:
                    samples.append(small_gray(frame, source))
            yield Progress(place, len(near), "background")
    else:
        picked = set(_wanted(source).tolist())
        for number, frame in enumerate(source.stream()):
            if number in picked and number not in source.index.damage:
                samples.append(small_gray(frame, source))
            if number % FRAMES_A_PROGRESS == 0:
                yield Progress(number, source.n_frames, "background")
    if not samples:
        told = undecodable_text(source.index.damage.numbers(), source.n_frames)
        raise CropzoomError(f"{source.path}: {told}. Copy the file again from the camera.")
    return Background.from_samples(np.stack(samples))


def find_candidates(
    source: Video, background: Background, settings: MotionSettings, into: Candidates | None = None
) -> Stage[Candidates]:
    """Second pass: what differs from the background in every frame that can be decoded, put ``into``."""
    least_area = settings.min_area / 100 * background.mean.size
    candidates = Candidates(source.n_frames) if into is None else into
    for number, frame in enumerate(source.stream()):
        if number not in source.index.damage:
            image = small_gray(frame, source)
            candidates.put(number, blobs(background, image, settings.threshold, least_area))
        if number % FRAMES_A_PROGRESS == 0:
            yield Progress(number, source.n_frames, "frames")
    return candidates


def _wanted(source: Video) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, source.n_frames - 1, SAMPLES).astype(int))


def reduction(width: int) -> int:
    """Return by what whole factor frames are reduced: whole ones average fastest."""
    return max(1, round(width / SMALL_WIDTH))


def gray(frame: VideoFrame, source: Video) -> NDArray[np.uint8]:
    """Brightness of a frame as displayed, (H, W); a view of the frame where that is possible."""
    if frame.format.name in EIGHT_BIT_LUMA_FIRST:
        luma = plane_array(frame.planes[0])
    else:
        luma = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
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
