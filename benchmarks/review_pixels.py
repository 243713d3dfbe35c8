"""What the pixels of a simulated recording say: pictures are drawn, and looked at as a video is."""

from __future__ import annotations

import cv2
import numpy as np

from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.detection.blobs import Background, blobs
from napari_cropzoom.detection.motion import SAMPLES, MotionSettings
from napari_cropzoom.detection.path import Candidates
from review_animals import BODY, FRAME, Recording

FACTOR = 4
FLICKER, NOISES = 2.0, 16
COAT = 45


def simulated_motion(good: Recording, seed: int) -> Motion:
    """The animal as a dark oval on a floor with texture, among things that look like it and stand still.

    The other animal that faults may sit on is not drawn: the pixels are to tell of one animal.
    """
    rng = np.random.default_rng(2_000_000 + seed)
    width, height = FRAME[0] // FACTOR, FRAME[1] // FACTOR
    floor = cv2.GaussianBlur(rng.integers(90, 170, (height, width)).astype(np.uint8), (5, 5), 0)
    for thing in good.distractors[:3]:
        _oval(floor, thing[0] / FACTOR, np.array(BODY) / FACTOR)
    noises = rng.normal(0, FLICKER, (NOISES, height, width)).astype(np.float32)

    def picture(frame: int) -> np.ndarray:
        image = floor.copy()
        box = good.truth[frame] / FACTOR
        if not np.isnan(box[0]):
            _oval(image, box[:2] + box[2:] / 2, box[2:])
        return cv2.add(image, noises[frame % NOISES], dtype=cv2.CV_8U)

    frames = len(good.truth)
    samples = [picture(frame) for frame in np.linspace(0, frames - 1, SAMPLES).astype(int).tolist()]
    background = Background.from_samples(np.stack(samples))
    found, settings = Candidates(frames), MotionSettings()
    least_area = settings.min_area / 100 * floor.size
    for frame in range(frames):
        found.put(frame, blobs(background, picture(frame), settings.threshold, least_area))
    return Motion(FACTOR * found.boxes.astype(np.float64), found.strength.astype(np.float64))


def _oval(image: np.ndarray, middle: np.ndarray, sides: np.ndarray) -> None:
    centre, axes = np.rint(16 * middle).astype(int), np.rint(8 * sides).astype(int)
    cv2.ellipse(image, tuple(centre.tolist()), tuple(axes.tolist()), 0, 0, 360, COAT, -1, shift=4)
