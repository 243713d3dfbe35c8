"""What differs from the empty arena, in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.uint8]

# Gray levels: video compression alone changes a still pixel by this much.
LEAST_NOISE = 1.5
# Standard deviations of a normal distribution in one median absolute deviation.
SIGMAS_A_MAD = 1.4826
# A shadow differs less from the background than the animal that casts it.
SHADOW_FRACTION = 0.25
# Share of the arena's contrast below which a picture does not show it: black, white, one colour.
LEAST_CONTRAST = 0.2
MOST_GAIN = 6.0  # what is so much darker than the arena is noise
LEAST_SAMPLES = 3


@dataclass(frozen=True)
class Background:
    """The empty arena and how much each of its pixels flickers, in gray levels."""

    mean: Image
    noise: Image

    @classmethod
    def from_samples(cls, samples: NDArray[np.uint8]) -> Background:
        """Median over frames, (N, H, W), and the median absolute deviation from it.

        The frames are brought to the same brightness first; those that show no picture are left out.
        """
        seen = np.array([contrast(sample) for sample in samples])
        shows = seen >= LEAST_CONTRAST * seen.max()
        if LEAST_SAMPLES <= shows.sum() < len(samples):
            samples = samples[shows]
        first = np.median(samples, axis=0).astype(np.float32)
        level = np.stack([sample * gain(first, sample) for sample in samples])
        middle = np.median(level, axis=0)
        spread = np.median(np.abs(level - middle), axis=0)
        noise = np.maximum(SIGMAS_A_MAD * spread, LEAST_NOISE)
        return cls(middle.astype(np.float32), noise.astype(np.float32))

    @cached_property
    def contrast(self) -> float:
        """See :func:`contrast`."""
        return contrast(np.rint(self.mean).astype(np.uint8))

    def shows(self, image: NDArray[np.uint8]) -> bool:
        """Whether a picture shows this arena at all, however dark: not where the camera was off."""
        level = float(gain(self.mean, image))
        return level <= MOST_GAIN and contrast(image) * level >= LEAST_CONTRAST * self.contrast

    def difference(self, image: NDArray[np.uint8]) -> Image:
        """Absolute difference in units of noise, (H, W), smoothed; 1 is a normal deviation."""
        import cv2

        raw = image * gain(self.mean, image) - self.mean
        offset = np.median(raw[::4, ::4])
        absolute = np.abs(raw - offset)
        everywhere = SIGMAS_A_MAD * np.median(absolute[::4, ::4])
        ratio = absolute / np.maximum(self.noise, everywhere)
        smooth: Image = cv2.GaussianBlur(ratio, (5, 5), 0)
        return smooth


def contrast(image: NDArray[np.uint8]) -> float:
    """Gray levels between the darkest and the brightest twentieth of a picture."""
    counts = np.cumsum(np.bincount(image[::4, ::4].ravel(), minlength=256))
    low, high = np.searchsorted(counts, [0.05 * counts[-1], 0.95 * counts[-1]])
    return float(high - low)


def gain(reference: NDArray[np.generic], image: NDArray[np.uint8]) -> np.float32:
    """Factor that brings an image to the brightness of another, whatever moves in it."""
    bright = reference[::4, ::4].astype(np.float32)
    seen = image[::4, ::4].astype(np.float32)
    usable = (bright > 8) & (seen > 8)
    if usable.mean() < 0.25:
        return np.float32(1)
    return np.float32(np.median(bright[usable] / seen[usable]))


def blobs(
    background: Background, image: NDArray[np.uint8], threshold: float, least_area: float
) -> list[tuple[float, float, float, float, float]]:
    """Return ``x, y, w, h, strength`` of what differs from the background, strongest first.

    Strength is the sum of the differences, so that both large and distinct count.
    """
    import cv2

    if not background.shows(image):
        return []
    difference = background.difference(image)
    mask: Mask = (difference > threshold).astype(np.uint8)
    if not mask.any():
        return []
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, ellipse(3))
    mask = np.asarray(
        cv2.morphologyEx(opened, cv2.MORPH_CLOSE, ellipse(max(5, image.shape[1] // 40))), np.uint8
    )
    n_labels, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    found = []
    for label in range(1, n_labels):
        x, y, w, h, area = (int(value) for value in stats[label])
        if area < least_area:
            continue
        inside = labels[y : y + h, x : x + w] == label
        values = np.where(inside, difference[y : y + h, x : x + w], 0)
        distinct = values > max(threshold, SHADOW_FRACTION * np.percentile(values[inside], 95))
        if not distinct.any():
            continue
        columns, rows = np.flatnonzero(distinct.any(axis=0)), np.flatnonzero(distinct.any(axis=1))
        left, top = x + columns[0], y + rows[0]
        width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
        found.append((float(left), float(top), float(width), float(height), float(values.sum())))
    return sorted(found, key=lambda blob: -blob[4])


def ellipse(size: int) -> Mask:
    """Return an odd structuring element of about ``size`` pixels."""
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size | 1, size | 1)), np.uint8)
