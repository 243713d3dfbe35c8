"""Makes boxes larger where the pose touches their edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, Review, Snapshot, Source
from napari_cropzoom.core.editing.edits import Change, Edit
from napari_cropzoom.core.inspection.lessons import Offer, listed, located
from napari_cropzoom.core.inspection.posed import TOUCHES, PosedSuspects, meets
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.core.inspection.usual import size_of
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted

LARGER = "larger boxes in"
HELP = (
    "A quarter larger, and larger than that where the boxes beside are larger. Then run the pose model "
    "again on what has changed. Undo takes it back"
)
GROWTH, MOST = 1.25, 2.5
AROUND, RAMP = 25, 4  # frames on either side


def offer_larger(
    smoothed: SmoothedTrack, posed: PosedSuspects, here: Suspect | None, newest: Edit | None
) -> Offer | None:
    """Larger boxes for the suspect that is shown or, once that was done, for the others.

    Parameters
    ----------
    smoothed : SmoothedTrack
    posed : PosedSuspects
    here : Suspect or None
        That is shown.
    newest : Edit or None
        The last edit in force.
    """
    left, _ = posed.entries(smoothed)
    shown = tuple(each for each in left if here is not None and meets(each, here))
    if shown:
        make = partial(larger_boxes, smoothed=smoothed, posed=posed, suspects=shown)
        text = f"{LARGER.capitalize()} {located(shown)}"
        return Offer(text, f"{listed(shown)}. {HELP}", TOUCHES, shown, make)
    if not left or newest is None or not newest.label.startswith(LARGER):
        return None
    make = partial(larger_boxes, smoothed=smoothed, posed=posed, suspects=left)
    text = f"{len(left)} more like this: {LARGER}\n{located(left)}?"
    return Offer(text, f"{listed(left)}. {HELP}", TOUCHES, tuple(left), make)


def larger_boxes(
    track: BoxTrack, smoothed: SmoothedTrack, posed: PosedSuspects, suspects: Sequence[Suspect]
) -> Edit | None:
    """One edit that sets larger boxes where the pose was found in those there are; None if nowhere.

    Beside them boxes grow less and less, where nobody has accepted or changed them.
    """
    factors = np.ones(len(track))
    for each in suspects:
        rows, whole = posed.open_rows(each, smoothed), _factors(track, each, smoothed)
        part = factors[each.first : each.last + 1]
        part[rows] = np.maximum(part[rows], whole[rows])
        for edge, step in ((each.first, -1), (each.last, 1)):
            beside = edge + step * np.arange(1, RAMP + 1)
            fading = whole[0 if step < 0 else -1] ** (1 - np.arange(1, RAMP + 1) / (RAMP + 1))
            inside = (beside >= 0) & (beside < len(track))
            beside = beside[inside]
            free = (track.review[beside] < Review.ACCEPTED) & ~np.isnan(track.boxes[beside, 0])
            factors[beside[free]] = np.maximum(factors[beside[free]], fading[inside][free])
    changes = []
    for first, last in runs(factors > 1):
        boxes = grow(smoothed.part(first, last), factors[first : last + 1], posed.frame_size)
        source, review = np.full(len(boxes), Source.MANUAL), np.full(len(boxes), Review.EDITED)
        after = Snapshot(boxes, source.astype(np.uint8), review.astype(np.uint8))
        changes.append(Change(track.name, first, track.snapshot(first, last), after))
    if not changes:
        return None
    where = located(suspects) if len(suspects) == 1 else counted(len(suspects), "suspect")
    return Edit(f"{LARGER} {where}", tuple(changes))


def grow(boxes: FloatArray, factors: FloatArray, frame_size: tuple[int, int] | None) -> FloatArray:
    """Boxes, (T, 4), larger by factors, (T,), about their middle but in the frame where they can be."""
    side = boxes[:, 2:] * factors[:, None]
    more = side - boxes[:, 2:]
    corner = boxes[:, :2] - more / 2
    if frame_size is not None:
        corner = np.maximum(np.minimum(corner, frame_size - side), 0)
        corner = np.clip(corner, boxes[:, :2] - more, boxes[:, :2])
    return finalize(np.concatenate([corner, side], axis=1))


def _factors(track: BoxTrack, suspect: Suspect, smoothed: SmoothedTrack) -> FloatArray:
    """(N,) to a quarter more than the boxes have on that side of a suspect where they are larger."""
    sizes = size_of(smoothed.part(suspect.first, suspect.last))[:, 0]
    beside = (
        track.boxes[max(0, suspect.first - AROUND) : suspect.first],
        track.boxes[suspect.last + 1 : suspect.last + 1 + AROUND],
    )
    usual = [
        float(np.median(size_of(known))) for each in beside if len(known := each[~np.isnan(each[:, 0])])
    ]
    factors: FloatArray = np.clip(GROWTH * max(usual, default=0.0) / sizes, GROWTH, MOST)
    return factors
