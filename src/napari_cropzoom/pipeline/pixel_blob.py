"""Follow the animal as what differs from a still scene.

A box is about twice as large as its animal, so most of it is floor. What differs from the scene is the
animal alone: where it is and how far it reaches give the box's place and size, by the same proportions
as in the frame whose box is right. A measurement of each frame on its own cannot drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.pipeline.motion_blobs import ellipse, gain
from napari_cropzoom.pipeline.pixel_scene import Gray
from napari_cropzoom.pipeline.pixel_sight import NO_DOUBT, Doubt, Sight, Vector, View

# Gray levels, in units of the scene's noise, that are not the scene.
DISTINCT = 5.0
# The animal in the first frame: share of its box, of its surroundings, contrast in thresholds.
LEAST_SHARE = 0.004
MOST_AROUND = 0.35
LEAST_CONTRAST = 1.4
# Area in units of the usual: less is half hidden; more has touched something.
HIDDEN, FIRM, JOINED = 0.5, 0.8, 1.5
SHRUNK_AT_LAST = 0.35
# Frames that may be bridged by the last look of the animal while it touches something.
BRIDGED_AT_MOST = 25
WORST_MATCH = 0.5
LEAST_LIKENESS = 0.75
SLOWLY, SOON = 0.05, 0.35
BINS = 24


@dataclass(frozen=True, eq=False)
class Blob:
    """One connected piece that differs from the scene, in pixels of the reduced frame.

    Attributes
    ----------
    centroid, low, high : ndarray, (2,)
        Mean, least and greatest x and y.
    area : float
        Pixels.
    look : ndarray, (BINS,)
        Share of its pixels at each brightness.
    mask : ndarray of uint8, (h, w)
        From ``low`` on.
    """

    centroid: Vector
    low: Vector
    high: Vector
    area: float
    look: NDArray[np.float64]
    mask: Gray

    @property
    def span(self) -> Vector:
        """Width and height."""
        return self.high - self.low

    def likeness(self, other: Blob) -> float:
        """Overlap of the two looks, from 0 to 1 (Bhattacharyya's coefficient)."""
        return float(np.sqrt(self.look * other.look).sum())


class BlobFollower:
    """Finds in each frame the piece that was the animal in the frame before.

    Parameters
    ----------
    scene : ndarray of uint8, (H, W)
        The scene without the animal, reduced as the frames are.
    noise : float
        Of a still pixel, in gray levels.
    image : ndarray of uint8, (H, W)
        The frame whose box is right.
    centre, size : ndarray, (2,)
        Of that box.
    """

    def __init__(self, scene: Gray, noise: float, image: Gray, centre: Vector, size: Vector) -> None:
        self._scene = scene
        self._threshold = DISTINCT * noise
        self._side = float(size.max())
        self._size = size
        self._bridged = 0
        self.informative = False
        found, contrast, around = self._first_look(image, centre, size)
        if found is None:
            return
        self.informative = (
            found.area >= max(12.0, LEAST_SHARE * float(size.prod()))
            and contrast >= LEAST_CONTRAST
            and around <= MOST_AROUND
            and bool((found.span <= 1.4 * size).all())
        )
        self._first = self._last = found
        self._last_image = image
        self._area = found.area
        self._span = found.span
        self._proportion(centre)

    def see(self, image: Gray, expected: Vector, reach: float) -> Sight:
        """Find the animal near ``expected``, the centre its box would have if it moved on."""
        shift = expected - self._box_centre(self._last)
        place = self._last.centroid + shift
        half = self._last.span / 2 + np.abs(self._last.centroid - (self._last.low + self._last.high) / 2)
        view = View.round(image, place, half + reach)
        blobs = self._blobs(view, gain(self._scene, image))
        large = [blob for blob in blobs if blob.area >= 0.2 * self._area]
        if not large:
            return Sight(expected, self._scale(), Doubt("lost", "nothing there differs from the scene"))
        blob = min(large, key=lambda blob: self._cost(blob, place))
        if blob.area > JOINED * self._area:
            return self._bridge(image, expected, reach)
        self._bridged = 0
        doubt = self._doubt(blob)
        if not doubt.what:
            self._area += SLOWLY * (blob.area - self._area)
        self._last, self._last_image = blob, image
        self._span = self._span + SOON * (blob.span - self._span)
        return Sight(self._box_centre(blob), self._scale(), doubt, blob.area >= FIRM * self._area)

    def _first_look(
        self, image: Gray, centre: Vector, size: Vector
    ) -> tuple[Blob | None, float, float]:
        """Return the animal, its contrast in thresholds and the share of distinct surroundings."""
        view = View.round(image, centre, 0.75 * size)
        level = gain(self._scene, image)
        difference = self._difference(view, level)
        blobs = self._blobs(view, level)
        inside = view.rectangle(centre, size / 2)
        mask = difference > self._threshold
        around = (mask.sum() - mask[inside].sum()) / max(1, mask.size - mask[inside].size)

        def weight(blob: Blob) -> float:
            distance = (blob.centroid - centre) / (0.35 * size)
            return blob.area * float(np.exp(-(distance @ distance)))

        if not blobs:
            return None, 0.0, 0.0
        found = max(blobs, key=weight)
        here = view.rectangle((found.low + found.high) / 2, found.span / 2)
        values = difference[here][mask[here]]
        return found, float(np.mean(values)) / self._threshold, float(around)

    def _difference(self, view: View, level: np.float32) -> NDArray[np.float32]:
        import cv2

        scene = view.of(self._scene).astype(np.float32)
        result: NDArray[np.float32] = cv2.blur(cv2.absdiff(view.pixels.astype(np.float32) * level, scene), (3, 3))
        return result

    def _blobs(self, view: View, level: np.float32) -> list[Blob]:
        import cv2

        mask = (self._difference(view, level) > self._threshold).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, ellipse(max(3, int(self._side / 24))))
        count, labels, stats, centroids = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
        blobs = []
        for label in range(1, count):
            x, y, w, h, area = (int(value) for value in stats[label])
            if area < 6:
                continue
            own = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
            values = view.pixels[y : y + h, x : x + w][own > 0]
            look = np.bincount(values.astype(int) * BINS // 256, minlength=BINS) / area
            low = view.origin + (x, y)
            blobs.append(
                Blob(view.origin + centroids[label] + 0.5, low, low + (w, h), float(area), look, own)
            )
        return blobs

    def _cost(self, blob: Blob, place: Vector) -> float:
        distance = float(np.linalg.norm(blob.centroid - place)) / np.sqrt(self._area)
        change = abs(np.log(blob.area / self._area))
        return distance + change + 2 * (1 - blob.likeness(self._last))

    def _doubt(self, blob: Blob) -> Doubt:
        if blob.area < max(HIDDEN * self._area, SHRUNK_AT_LAST * self._first.area):
            return Doubt("unsure", "the animal is partly hidden")
        if max(blob.likeness(self._first), blob.likeness(self._last)) < LEAST_LIKENESS:
            return Doubt("unsure", "the animal looks different")
        return NO_DOUBT

    def _bridge(self, image: Gray, expected: Vector, reach: float) -> Sight:
        """Find the last look again while the piece is larger than the animal: it touches something."""
        import cv2

        self._bridged += 1
        last = self._last
        middle = (last.low + last.high) / 2
        shift = expected - self._box_centre(last)
        view = View.round(image, middle + shift, last.span / 2 + reach / 2)
        old = View.round(self._last_image, middle, last.span / 2)
        mask = old.fitted(last.mask, last.low)
        if any(a < b for a, b in zip(view.pixels.shape, old.pixels.shape, strict=True)):
            return Sight(expected, self._scale(), Doubt("unsure", "the animal touches something"))
        squares = cv2.matchTemplate(
            view.pixels.astype(np.float32), old.pixels.astype(np.float32), cv2.TM_SQDIFF, mask=mask.astype(np.float32)
        )
        error = np.sqrt(np.maximum(squares, 0) / max(1, mask.sum()))
        y, x = np.unravel_index(int(error.argmin()), error.shape)
        moved = view.origin + (x, y) - old.origin
        contrast = float(cv2.absdiff(old.pixels, old.of(self._scene))[mask > 0].mean())
        self._last = Blob(
            last.centroid + moved, last.low + moved, last.high + moved, last.area, last.look, last.mask
        )
        self._last_image = image
        doubt = NO_DOUBT
        if self._bridged > BRIDGED_AT_MOST or error.min() > WORST_MATCH * contrast:
            doubt = Doubt("unsure", "the animal touches something")
        return Sight(self._box_centre(self._last), self._scale(), doubt, False)

    def _proportion(self, centre: Vector) -> None:
        """Remember where between centroid and middle of the extent the box's centre lies."""
        first = self._first
        across = (first.low + first.high) / 2 - first.centroid
        length = float(across @ across)
        part = float((centre - first.centroid) @ across) / length if length > 1 else 0.5
        self._part = float(np.clip(part, 0, 1))
        self._rest = np.zeros(2)
        self._rest = centre - self._box_centre(first)

    def _box_centre(self, blob: Blob) -> Vector:
        middle = (blob.low + blob.high) / 2
        return blob.centroid + self._part * (middle - blob.centroid) + self._rest

    def _scale(self) -> Vector:
        """Size in units of the first box: a square box follows the longer side, others each side."""
        if abs(self._size[0] - self._size[1]) <= 0.02 * self._side:
            return np.full(2, self._span.max() / self._first.span.max())
        return self._span / self._first.span
