"""What a tracker by pixels looks at: brightness, forward or backward, and the scene without animals."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.blobs import LEAST_NOISE, SIGMAS_A_MAD
from napari_cropzoom.detection.motion import gray
from napari_cropzoom.video.damage import undecodable_text

if TYPE_CHECKING:
    from napari_cropzoom.video.video import Video

Gray = NDArray[np.uint8]

SAMPLES = 24
# Fewer keyframes than this do not make a background; frames between them are decoded then.
ENOUGH_KEYFRAMES = 12
# Where frames must be decoded one by one, only so many round the one of interest.
DECODED_AT_MOST = 1500
# Gray levels of noise beyond which nothing stands still: more than the sensors of cameras make.
MOST_NOISE = 12.0
# Bytes of frames kept to walk back through.
KEPT_BYTES = 128 * 2**20
FRAMES_A_PROGRESS = 10


@dataclass(frozen=True)
class StillScene:
    """The scene without what moves in it, for a camera that stands still.

    Attributes
    ----------
    gray : ndarray of uint8, shape (H, W)
        Brightness of the full frame.
    noise : float
        Standard deviation of a still pixel, in gray levels.
    """

    gray: Gray
    noise: float

    @property
    def is_still(self) -> bool:
        """Whether most pixels stayed as they were, as they do unless the camera moves."""
        return self.noise <= MOST_NOISE

    @classmethod
    def from_samples(cls, samples: NDArray[np.uint8]) -> StillScene:
        """Median of frames, (N, H, W), far enough apart that the animal has moved."""
        middle = np.partition(samples, len(samples) // 2, axis=0)[len(samples) // 2]
        difference = samples[:, ::4, ::4].astype(np.int16) - middle[::4, ::4]
        noise = SIGMAS_A_MAD * float(np.median(np.abs(difference)))
        return cls(middle, max(noise, LEAST_NOISE))


def learn_scene(video: Video, around: int) -> Stage[StillScene]:
    """Learn the scene from some frames, at a bounded cost; keep it for the next box of this video.

    Keyframes over the whole video if there are enough of them, which need no decoding between; else
    frames round ``around``, decoded one after the other.

    Returns
    -------
    StillScene
    """
    n_frames = video.n_frames
    wanted = np.unique(np.linspace(0, n_frames - 1, SAMPLES).astype(int))
    keyframes = video.index.keyframes
    near = np.unique(keyframes[np.maximum(np.searchsorted(keyframes, wanted, side="right") - 1, 0)])
    samples = []
    if len(near) >= ENOUGH_KEYFRAMES:
        for place, number in enumerate(near.tolist()):
            for frame in video.stream(number, number + 1):
                if number not in video.index.damage:
                    samples.append(gray(frame, video))
            yield Progress(place, len(near), "background")
    else:
        first = int(np.clip(around - DECODED_AT_MOST // 2, 0, max(n_frames - DECODED_AT_MOST, 0)))
        last = min(first + DECODED_AT_MOST, n_frames) - 1
        picked = set(np.linspace(first, last, SAMPLES).astype(int).tolist())
        for number, frame in enumerate(video.stream(first, last + 1), first):
            if number in picked and number not in video.index.damage:
                samples.append(gray(frame, video))
            if number % FRAMES_A_PROGRESS == 0:
                yield Progress(number - first, last - first + 1, "background")
    if not samples:
        told = undecodable_text(video.index.damage.numbers(), n_frames)
        raise CropzoomError(f"{video.path}: {told}. Copy the file again from the camera.")
    return StillScene.from_samples(np.stack(samples))


def reduced(image: Gray, factor: int) -> Gray:
    """Average blocks of ``factor`` x ``factor`` pixels; what is left over at the edges is cut off."""
    import cv2

    if factor == 1:
        return np.ascontiguousarray(image)
    height, width = image.shape[0] // factor, image.shape[1] // factor
    whole = image[: height * factor, : width * factor]
    return np.array(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def walk(video: Video, first: int, last: int, factor: int) -> Generator[Gray | bool]:
    """Yield reduced brightness of every frame from ``first`` to ``last``, backward if last < first.

    Backward, stretches from keyframe to keyframe are decoded forward and kept reduced; ``False`` is
    yielded for every frame that is decoded but not yet due, so that following can be stopped then.
    """
    if last >= first:
        for frame in video.stream(first, last + 1):
            yield reduced(gray(frame, video), factor)
        return
    keyframes = video.index.keyframes
    most = max(8, KEPT_BYTES * factor**2 // (video.width * video.height))
    end = first
    while end >= last:
        place = int(np.searchsorted(keyframes, end, side="right")) - 1
        keyframe = int(keyframes[place]) if place >= 0 else 0
        start = max(keyframe, last, end - most + 1)
        kept = []
        for frame in video.stream(start, end + 1):
            kept.append(reduced(gray(frame, video), factor))
            yield False
        while kept:
            yield kept.pop()
        end = start - 1
