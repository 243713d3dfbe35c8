"""What is odd in the boxes of labeled images, which are no video: each is judged by its own labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray, IntArray
from napari_cropzoom.core.inspection.suspect import WEAKEST, Suspect, score_of
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted

LEFT_OUT = 20.0  # severity of the first label outside the box, so that nothing else comes before it
OFF_THE_IMAGE = 0.5  # share of the box's side
OTHER_SIZE = 2.0  # times the usual
MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """What is known of labeled images beside their boxes.

    Attributes
    ----------
    sizes : ndarray, (N, 2) int64
        Width and height of each image in pixels.
    labels : Poses or None
        Keypoints as a person labeled them, in N images; NaN where there is none.
    """

    sizes: IntArray
    labels: Poses | None = None

    def part(self, first: int, last: int) -> LabeledImages:
        """Those of the images ``first`` to ``last``, both inclusive."""
        labels = None if self.labels is None else self.labels.rows(first, last)
        return replace(self, sizes=self.sizes[first : last + 1], labels=labels)


def labeled_suspects(boxes: FloatArray, known: LabeledImages, is_open: BoolArray) -> list[Suspect]:
    """A suspect for every image whose box (N, 4) has something against it, by image.

    Labels outside the box come first, then images without a box, then boxes far over the edge of their
    image or of another size than is usual.
    """
    reasons: dict[int, list[tuple[float, str]]] = {}
    for number, severity, reason in _findings(boxes, known):
        if severity >= WEAKEST and is_open[number]:
            reasons.setdefault(number, []).append((severity, reason))
    found = []
    for number, some in sorted(reasons.items()):
        some.sort(reverse=True)
        words = tuple(reason for _, reason in some)
        found.append(Suspect(number, number, number, score_of(some[0][0]), words))
    return found


def _findings(boxes: FloatArray, known: LabeledImages) -> Iterator[tuple[int, float, str]]:
    missing = np.isnan(boxes[:, 0])
    for number in np.flatnonzero(missing).tolist():
        yield number, LEFT_OUT / 2, "no box"
    if missing.all():
        return
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    sides = boxes[:, 2:].max(axis=1)
    if known.labels is not None:
        xy = known.labels.xy
        is_out = ((xy < low[:, None]) | (xy > high[:, None])).any(axis=2)
        is_out &= np.isfinite(xy).all(axis=2) & ~missing[:, None]
        for number in np.flatnonzero(is_out.any(axis=1)).tolist():
            names = [known.labels.names[part] for part in np.flatnonzero(is_out[number])]
            some = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
            yield number, LEFT_OUT + len(names), f"{counted(len(names), 'label')} outside the box: {some}"
    over = np.maximum(-low, high - known.sizes).max(axis=1)
    usual = float(np.median(sides[~missing]))
    with np.errstate(invalid="ignore"):
        off = over / (OFF_THE_IMAGE * sides)
        other = np.abs(np.log(sides / usual)) / np.log(OTHER_SIZE)
    for number in np.flatnonzero(~missing).tolist():
        if off[number] >= WEAKEST:
            yield number, float(off[number]), f"{over[number]:.0f} px over the edge of the image"
        if other[number] >= WEAKEST:
            yield number, float(other[number]), f"{sides[number]:.0f} px a side, usually {usual:.0f}"
