"""Follow the animal as what differs from a still scene.

A box is about twice as large as its animal, so most of it is floor. What differs from the scene is the
animal alone: where it is and how far it reaches give the box's place and size, by the same proportions
as in the frame whose box is right. A measurement of each frame on its own cannot drift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.detection.blobs import ellipse, gain
from napari_cropzoom.tracking.scene import Gray
from napari_cropzoom.tracking.sight import NO_DOUBT, Doubt, Patch, Sight, Vector

# Gray levels, in units of the scene's noise, that are not the scene.
DISTINCT = 5.0
# The animal in the first frame: share of its box, of its surroundings, contrast in thresholds.
LEAST_SHARE = 0.004
MOST_AROUND = 0.35
LEAST_CONTRAST = 1.4
# Area in units of the usual: less is half hidden; more has touched something.
HIDDEN, FIRM, JOINED = 0.6, 0.8, 1.5
# The same in units of the first, which changes with posture only.
SHRUNK, GROWN = 0.45, 2.2
# Frames that may be bridged by the last picture of the animal while it touches something.
BRIDGED_AT_MOST = 25
WORST_MATCH = 0.5
# How the animal looks changes by a few hundredths as it turns and goes through light and shade.
FIRM_LIKENESS, LEAST_LIKENESS = 0.93, 0.88
# Share learned of a new frame: area, more readily when larger; size; histogram, slower than hiding.
GROWS, SHRINKS, SOON, HISTOGRAM = 0.05, 0.015, 0.35, 0.015
BINS = 24
# A box so many times the outline of its animal is round keypoints; or so loose that its size is fixed.
ROUND_KEYPOINTS, LOOSE = 1.4, 3.5
# By how much such a box grows with the animal: its keypoints' span times 2, and a curled body is thick.
USUAL_SLOPE = 2.3
# Width in units of length, below which an animal has a midline worth following.
SLENDER = 0.5
RIVAL = 0.35
LEAST_PIXELS = 6
# Share of the largest piece from which on a neighbour is not a part of it.
LARGE = 0.3


@dataclass(frozen=True, eq=False)
class Blob:
    """One connected piece that differs from the scene, in pixels of the reduced frame.

    Attributes
    ----------
    centroid, low, high : ndarray, (2,)
        Mean, least and greatest x and y.
    area : float
        Pixels.
    line_low, line_high : ndarray, (2,)
        Least and greatest x and y of its midline, on which keypoints lie.
    depth : float
        Half the width where it is thickest.
    histogram : ndarray, (BINS,)
        Share of its pixels at each brightness.
    mask : ndarray of uint8, (h, w)
        From ``low`` on.
    """

    centroid: Vector
    low: Vector
    high: Vector
    area: float
    line_low: Vector
    line_high: Vector
    depth: float
    histogram: NDArray[np.float64]
    mask: Gray

    @classmethod
    def of(cls, mask: Gray, pixels: Gray, corner: Vector) -> Blob:
        """Measure a mask, (h, w), over the pixels below it; its corner lies at ``corner``."""
        rows, columns = np.nonzero(mask)
        low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
        own = np.ascontiguousarray(mask[low[1] : high[1], low[0] : high[0]])
        line = midline(own)
        histogram = np.bincount(pixels[rows, columns].astype(int) * BINS // 256, minlength=BINS)
        return cls(
            centroid=corner + np.array([columns.mean() + 0.5, rows.mean() + 0.5]),
            low=corner + low,
            high=corner + high,
            area=float(len(rows)),
            line_low=corner + low + line[0],
            line_high=corner + low + line[1],
            depth=line[2],
            histogram=histogram / len(rows),
            mask=own,
        )

    @property
    def span(self) -> Vector:
        """Width and height."""
        return self.high - self.low

    @property
    def middle(self) -> Vector:
        """Middle of the extent of its midline."""
        return (self.line_low + self.line_high) / 2

    @property
    def line_span(self) -> Vector:
        """Width and height of its midline, at least a pixel."""
        return np.maximum(self.line_high - self.line_low, 1)

    def moved(self, by: Vector) -> Blob:
        """Return the same blob elsewhere."""
        return replace(
            self,
            centroid=self.centroid + by,
            low=self.low + by,
            high=self.high + by,
            line_low=self.line_low + by,
            line_high=self.line_high + by,
        )

    def likeness(self, histogram: NDArray[np.float64]) -> float:
        """Overlap with another histogram, from 0 to 1 (Bhattacharyya's coefficient)."""
        return float(np.sqrt(self.histogram * histogram).sum())


class BlobTracker:
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

    _span: Vector

    def __init__(self, scene: Gray, noise: float, image: Gray, centre: Vector, size: Vector) -> None:
        self._scene = scene
        self._threshold = DISTINCT * noise
        self._side = float(size.max())
        self._size = size
        self._bridged = 0
        self.distinct = False
        found, contrast, around = self._find_first(image, centre, size)
        self.still_around = around <= MOST_AROUND
        if found is None:
            return
        self.distinct = (
            found.area >= max(12.0, LEAST_SHARE * float(size.prod()))
            and contrast >= LEAST_CONTRAST
            and self.still_around
            and bool((found.span <= 1.4 * size).all())
        )
        self._first = self._last = found
        self._last_image = image
        self._histogram = found.histogram
        self._area = found.area
        self._proportion(centre)

    def see(self, image: Gray, expected: Vector, reach: float) -> Sight:
        """Find the animal near ``expected``, the centre its box would have if it moved on."""
        shift = expected - self._box_centre(self._last)
        place = self._last.centroid + shift
        half = self._last.span / 2 + np.abs(self._last.centroid - (self._last.low + self._last.high) / 2)
        view = Patch.round(image, place, half + reach)
        blobs = self._blobs(view, gain(self._scene, image))
        large = [blob for blob in blobs if blob.area >= 0.2 * self._area]
        if not large:
            return Sight(expected, self._scale(), Doubt("lost", "nothing there differs from the scene"))
        blob, *rivals = sorted(large, key=lambda blob: self._cost(blob, place))
        if rivals and self._cost(rivals[0], place) < self._cost(blob, place) + RIVAL:
            return Sight(
                expected, self._scale(), Doubt("unsure", "two of the same kind are near each other")
            )
        if blob.area > JOINED * self._area:
            return self._bridge(image, expected, reach)
        self._bridged = 0
        doubt = self._doubt(blob)
        if not doubt.what:
            self._area += (GROWS if blob.area > self._area else SHRINKS) * (blob.area - self._area)
            self._histogram = self._histogram + HISTOGRAM * (blob.histogram - self._histogram)
        self._last, self._last_image = blob, image
        self._span = self._span + SOON * (self._span_of(blob) - self._span)
        firm = blob.area >= FIRM * self._area and self._likeness(blob) >= FIRM_LIKENESS
        return Sight(self._box_centre(blob), self._scale(), doubt, firm)

    def _find_first(self, image: Gray, centre: Vector, size: Vector) -> tuple[Blob | None, float, float]:
        """Return the animal, its contrast in thresholds and the share of distinct surroundings."""
        view = Patch.round(image, centre, 0.75 * size)
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

    def _difference(self, view: Patch, level: np.float32) -> NDArray[np.float32]:
        import cv2

        scene = view.of(self._scene).astype(np.float32)
        difference = cv2.absdiff(view.pixels.astype(np.float32) * level, scene)
        return np.asarray(cv2.blur(difference, (3, 3)), np.float32)

    def _blobs(self, view: Patch, level: np.float32) -> list[Blob]:
        import cv2

        raw = (self._difference(view, level) > self._threshold).astype(np.uint8)
        closed = cv2.morphologyEx(raw, cv2.MORPH_CLOSE, ellipse(max(3, int(self._side / 24))))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, ltype=cv2.CV_16U)
        blobs = []
        for label in range(1, count):
            x, y, w, h, area = (int(value) for value in stats[label])
            if area < LEAST_PIXELS:
                continue
            here = (slice(y, y + h), slice(x, x + w))
            for own in apart((labels[here] == label).astype(np.uint8), raw[here]):
                blobs.append(Blob.of(own, view.pixels[here], view.origin + np.array([x, y])))
        return blobs

    def _cost(self, blob: Blob, place: Vector) -> float:
        distance = float(np.linalg.norm(blob.centroid - place)) / np.sqrt(self._area)
        change = abs(np.log(blob.area / self._area))
        return float(distance + change + 2 * (1 - blob.likeness(self._last.histogram)))

    def _likeness(self, blob: Blob) -> float:
        return max(blob.likeness(self._first.histogram), blob.likeness(self._histogram))

    def _doubt(self, blob: Blob) -> Doubt:
        if blob.area < max(HIDDEN * self._area, SHRUNK * self._first.area):
            return Doubt("unsure", "the animal is partly hidden")
        if blob.area > (GROWN if self._resizes else JOINED) * self._first.area:
            return Doubt("unsure", "the animal is much larger than at first")
        if self._likeness(blob) < LEAST_LIKENESS:
            return Doubt("unsure", "the animal looks different")
        return NO_DOUBT

    def _bridge(self, image: Gray, expected: Vector, reach: float) -> Sight:
        """Find the last picture again while the piece is larger than the animal: it touches something."""
        import cv2

        self._bridged += 1
        last = self._last
        middle = (last.low + last.high) / 2
        shift = expected - self._box_centre(last)
        view = Patch.round(image, middle + shift, last.span / 2 + reach / 2)
        old = Patch.round(self._last_image, middle, last.span / 2)
        mask = old.fitted(last.mask, last.low)
        if any(a < b for a, b in zip(view.pixels.shape, old.pixels.shape, strict=True)):
            return Sight(expected, self._scale(), Doubt("unsure", "the animal touches something"))
        squares = cv2.matchTemplate(
            view.pixels.astype(np.float32),
            old.pixels.astype(np.float32),
            cv2.TM_SQDIFF,
            mask=mask.astype(np.float32),
        )
        error = np.sqrt(np.maximum(squares, 0) / max(1, mask.sum()))
        y, x = np.unravel_index(int(error.argmin()), error.shape)
        moved = view.origin + np.array([x, y]) - old.origin
        contrast = float(cv2.absdiff(old.pixels, old.of(self._scene))[mask > 0].mean())
        self._last = last.moved(moved)
        self._last_image = image
        doubt = NO_DOUBT
        if self._bridged > BRIDGED_AT_MOST or error.min() > WORST_MATCH * contrast:
            doubt = Doubt("unsure", "the animal touches something")
        return Sight(self._box_centre(self._last), self._scale(), doubt, False)

    def _proportion(self, centre: Vector) -> None:
        """Remember where between centroid and middle of the extent the box's centre lies."""
        first = self._first
        times = self._side / float(first.span.max())
        self._on_line = times > ROUND_KEYPOINTS and 2 * first.depth < SLENDER * first.span.max()
        self._resizes = times <= LOOSE
        self._span = self._span_of(first)
        self._slope = self._side / float(self._span.max())
        if self._on_line:
            self._slope = max(self._slope, USUAL_SLOPE)
        across = self._middle(first) - first.centroid
        length = float(across @ across)
        part = float((centre - first.centroid) @ across) / length if length > 1 else 0.5
        self._part = float(np.clip(part, 0, 1))
        self._rest = np.zeros(2)
        self._rest = centre - self._box_centre(first)

    def _middle(self, blob: Blob) -> Vector:
        return blob.middle if self._on_line else (blob.low + blob.high) / 2

    def _span_of(self, blob: Blob) -> Vector:
        return blob.line_span if self._on_line else blob.span

    def _box_centre(self, blob: Blob) -> Vector:
        return blob.centroid + self._part * (self._middle(blob) - blob.centroid) + self._rest

    def _scale(self) -> Vector:
        """Size in units of the first box: a square box follows the longer side, others each side."""
        if not self._resizes:
            return np.ones(2)
        first = self._span_of(self._first)
        if abs(self._size[0] - self._size[1]) <= 0.02 * self._side:
            longer = float(self._span.max() - first.max())
            return np.full(2, max(0.1, 1 + self._slope * longer / self._side))
        return np.asarray(self._span / first, np.float64)


def apart(closed: Gray, raw: Gray) -> list[Gray]:
    """Take a closed piece apart where closing has joined large ones, as an animal and its reflection."""
    import cv2

    raw = raw & closed
    count, labels, stats, _ = cv2.connectedComponentsWithStats(raw, ltype=cv2.CV_16U)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 3 or np.sort(areas)[-2] < LARGE * areas.max():
        return [closed]
    return [
        (labels == label + 1).astype(np.uint8) for label in np.flatnonzero(areas >= LARGE * areas.max())
    ]


def midline(mask: Gray) -> tuple[Vector, Vector, float]:
    """Return the least and greatest x and y of what lies as far from the edge as can be, and how far.

    A thick body reaches beyond its keypoints where it is curled up, and hardly where it is stretched;
    the ridge of the distance to the edge does not.
    """
    import cv2

    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)
    ridge = (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (depth > 0)
    rows, columns = np.flatnonzero(ridge.any(axis=1)), np.flatnonzero(ridge.any(axis=0))
    low, high = np.array([columns[0], rows[0]]) - 0.5, np.array([columns[-1], rows[-1]]) - 0.5
    return low, high, float(depth.max())
