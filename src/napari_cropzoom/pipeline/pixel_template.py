"""Follow the middle of the box by its pattern, where no still scene is known to compare with.

The last look of the animal finds it in the next frame; the first look, as long as it still fits, takes
back the drift of doing so. A match counts if it leads back to where it came from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.motion_blobs import ellipse
from napari_cropzoom.pipeline.pixel_sight import NO_DOUBT, Doubt, Gray, Sight, Vector, View

# Share of the box that is surely animal where a box is about twice as large as it.
MIDDLE = 0.55
LEAST_PATCH = 6
SCALES = (0.97, 1.03)
# A change of size must fit this much better than none.
BETTER = 0.01
LEARNED = 0.15
# How well a match must fit: never below the first, else below the usual by so much.
LEAST_SCORE, BELOW_USUAL = 0.45, 0.3
ANCHORED = 0.8
# Pixels, and share of the patch, that a match may miss where it came from.
BACK_PIXELS, BACK_SHARE = 1.5, 0.08
RIVAL = 0.95
USUAL_OVER = 12

Pattern = NDArray[np.float32]


class TemplateFollower:
    """Finds in each frame the pattern that was the middle of the box in the frame before.

    Parameters
    ----------
    image : ndarray of uint8, (H, W)
        The frame whose box is right, reduced.
    centre, size : ndarray, (2,)
        Of that box.

    Raises
    ------
    CropzoomError
        If too little of the box lies in the frame, or it is too small.
    """

    def __init__(self, image: Gray, centre: Vector, size: Vector) -> None:
        view = View.round(image, centre, MIDDLE * size / 2)
        height, width = view.pixels.shape
        if min(height, width) < LEAST_PATCH:
            raise CropzoomError(
                "Too little of the box lies in the frame to follow it by its pixels; "
                "start from a frame that shows the animal, or with a larger box."
            )
        self._first = self._last = view.pixels.astype(np.float32)
        self._mask = self._round_mask((height, width))
        self._place = view.origin + np.array([width / 2, height / 2])
        self._offset = centre - self._place
        self._image = image
        self._scale = 1.0
        self._scores: list[float] = []

    def see(self, image: Gray, expected: Vector, reach: float) -> Sight:
        """Find the pattern near ``expected``, the centre its box would have if it moved on."""
        place = expected - self._offset
        half = np.array(self._last.shape[::-1]) / 2
        view = View.round(image, place, half * SCALES[-1] + reach + 2)
        found, score, rival = self._best(view, self._last, self._mask)
        if found is None:
            return Sight(expected, self._sizes(), Doubt("lost", "it has left the frame"))
        found, score = self._resized(view, found, score)
        found = self._anchored(view, found)
        doubt = self._doubt(image, found, score, rival, reach)
        if not doubt.what:
            self._learn(image, found, score)
        self._place, self._image = found, image
        return Sight(found + self._offset, self._sizes(), doubt, score >= self._enough() + 0.05)

    def _sizes(self) -> Vector:
        return np.full(2, self._scale)

    @staticmethod
    def _round_mask(shape: tuple[int, int]) -> Pattern:
        import cv2

        round_one = cv2.resize(ellipse(51), shape[::-1], interpolation=cv2.INTER_NEAREST)
        result: Pattern = round_one.astype(np.float32)
        return result

    @staticmethod
    def _best(view: View, pattern: Pattern, mask: Pattern) -> tuple[Vector | None, float, float]:
        """Return the centre of the best match, its score and that of the best one elsewhere."""
        import cv2

        height, width = pattern.shape
        if view.pixels.shape[0] < height or view.pixels.shape[1] < width:
            return None, 0.0, 0.0
        scores = cv2.matchTemplate(
            view.pixels.astype(np.float32), pattern, cv2.TM_CCOEFF_NORMED, mask=mask
        )
        scores[~np.isfinite(scores)] = -1
        y, x = (int(v) for v in np.unravel_index(int(scores.argmax()), scores.shape))
        best = float(scores[y, x])
        near = View(scores, np.zeros(2)).rectangle(np.array([x, y]), np.array([width, height]) * 0.5)
        fine = np.array([x + _vertex(scores[y], x), y + _vertex(scores[:, x], y)])
        scores[near] = -1
        return view.origin + fine + np.array([width / 2, height / 2]), best, float(scores.max())

    def _resized(self, view: View, found: Vector, score: float) -> tuple[Vector, float]:
        """Try the pattern a little smaller and larger, and take the size that fits clearly better."""
        import cv2

        pattern, least = self._last, score + BETTER
        for scale in SCALES:
            shape = np.rint(np.array(self._last.shape[::-1]) * scale).astype(int)
            tried = cv2.resize(self._last, shape.tolist(), interpolation=cv2.INTER_LINEAR)
            near = View.round(view.pixels, found - view.origin, shape / 2 + 3)
            near = View(near.pixels, near.origin + view.origin)
            place, fits, _ = self._best(near, tried, self._round_mask(tried.shape))
            if place is not None and fits > least:
                found, score, least, pattern = place, fits, fits, tried
        if pattern is not self._last:
            change = pattern.shape[0] / self._last.shape[0]
            if 0.5 <= self._scale * change <= 2:
                self._scale *= change
                self._last, self._mask = pattern, self._round_mask(pattern.shape)
        return found, score

    def _anchored(self, view: View, found: Vector) -> Vector:
        """Move to where the first look fits, if it still does."""
        import cv2

        shape = self._last.shape[::-1]
        first = cv2.resize(self._first, shape, interpolation=cv2.INTER_LINEAR)
        near = View.round(view.pixels, found - view.origin, np.array(shape) / 2 + 3)
        near = View(near.pixels, near.origin + view.origin)
        place, fits, _ = self._best(near, first, self._mask)
        return place if place is not None and fits >= ANCHORED else found

    def _enough(self) -> float:
        if len(self._scores) < 3:
            return LEAST_SCORE
        return max(LEAST_SCORE, float(np.median(self._scores)) - BELOW_USUAL)

    def _doubt(self, image: Gray, found: Vector, score: float, rival: float, reach: float) -> Doubt:
        if score < self._enough():
            return Doubt("unsure", "the animal looks different")
        if rival > RIVAL * score:
            return Doubt("unsure", "two places look alike")
        height, width = self._last.shape
        here = View.round(image, found, np.array([width, height]) / 2).pixels.astype(np.float32)
        before = View.round(self._image, self._place, np.array([width, height]) / 2 + reach / 2 + 2)
        mask = self._mask if here.shape == self._mask.shape else self._round_mask(here.shape)
        back, _, _ = self._best(before, here, mask)
        if back is None:
            return NO_DOUBT
        missed = float(np.linalg.norm(back - self._place))
        if missed > BACK_PIXELS + BACK_SHARE * max(height, width):
            return Doubt("unsure", "the way back leads elsewhere")
        return NO_DOUBT

    def _learn(self, image: Gray, found: Vector, score: float) -> None:
        import cv2

        self._scores = [*self._scores, score][-USUAL_OVER:]
        height, width = self._last.shape
        limit = np.array(image.shape[::-1])
        half = np.array([width, height]) / 2
        if (found - half < 0).any() or (found + half > limit).any():
            return
        seen = cv2.getRectSubPix(image, (width, height), tuple((found - 0.5).tolist()))
        self._last = (1 - LEARNED) * self._last + LEARNED * seen.astype(np.float32)


def _vertex(scores: NDArray[np.float32], place: int) -> float:
    """Place of the maximum between pixels, from a parabola through three of them."""
    if not 0 < place < len(scores) - 1:
        return 0.0
    left, middle, right = (float(value) for value in scores[place - 1 : place + 2])
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 or left < -0.99 or right < -0.99 else 0.5 * (left - right) / bend
