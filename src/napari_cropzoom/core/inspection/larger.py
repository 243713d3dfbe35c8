"""Makes boxes larger where the pose touches their edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, IntArray, Review, Snapshot, Source
from napari_cropzoom.core.editing.edits import Change, Edit
from napari_cropzoom.core.inspection.cured import is_cured
from napari_cropzoom.core.inspection.inspection import Inspection
from napari_cropzoom.core.inspection.lessons import Offer, listed, located
from napari_cropzoom.core.inspection.posed import TOUCHES, PosedSuspects, meets
from napari_cropzoom.core.inspection.suspect import Suspect
from napari_cropzoom.core.inspection.usual import size_of
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.smoothing.finalize import finalize
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted, verb

LARGER = "larger boxes in"
HELP = (
    "A quarter larger, or as large as the boxes beside where these are larger still. Boxes set by hand "
    "stay; the others beside grow with them, so that smoothing keeps it. Then run the pose model again "
    "on what has changed. Undo takes it back"
)
CURABLE = {"times smaller", "the box misses part of what moves"}
GROWTH, MOST = 1.25, 2.5
AROUND, RAMP = 25, 4  # frames on either side


def offer_larger(
    smoothed: SmoothedTrack, posed: PosedSuspects, here: Suspect | None, others: Sequence[Suspect] = ()
) -> Offer | None:
    """Larger boxes for the suspect that is shown; None if the pose touches no edge in it.

    Parameters
    ----------
    smoothed : SmoothedTrack
    posed : PosedSuspects
    here : Suspect or None
        That is shown.
    others : sequence of Suspect
        Open ones of the boxes, which stay as they are for a person to see.
    """
    left, _ = posed.entries(smoothed)
    shown = tuple(each for each in left if here is not None and meets(each, here))
    if not shown:
        return None
    make = partial(larger_boxes, smoothed=smoothed, posed=posed, suspects=shown, others=others)
    times = _times(smoothed.track, smoothed, shown)
    what, rows = LARGER, [posed.by_hand(each, smoothed) for each in shown]
    where = located(shown)
    if all(each is not None for each in rows):
        what = "larger boxes set by hand in"
        where = located([each for each in rows if each is not None])
    return Offer(
        f"{what.capitalize()} {where}:\n{times} as large",
        f"{listed(shown)}. {HELP}",
        TOUCHES,
        shown,
        make,
    )


def offer_larger_in_all(
    smoothed: SmoothedTrack,
    posed: PosedSuspects,
    newest: Edit | None,
    others: Sequence[Suspect],
    inspection: Inspection,
) -> Offer | None:
    """Larger boxes for all suspects that these cure, once it was done in one; None otherwise.

    Parameters
    ----------
    smoothed : SmoothedTrack
    posed : PosedSuspects
    newest : Edit or None
        The last edit in force.
    others : sequence of Suspect
        All open ones: those that have another reason too, which larger boxes leave, are left out.
    inspection : Inspection
        Judges that.
    """
    if newest is None or not newest.label.startswith(LARGER):
        return None
    left, trial = posed.entries(smoothed)[0], smoothed.track.copy()
    free = [each for each in left if posed.by_hand(each, smoothed) is None]
    alike = list[Suspect]()
    for each in free:
        doubtful = [one for one in others if meets(one, each) and one.reasons != (TOUCHES,)]
        edit = larger_boxes(trial, smoothed, posed, (each,), others) if doubtful else None
        if edit is None or all(
            is_cured(one, trial, edit, inspection, {TOUCHES}, CURABLE) for one in doubtful
        ):
            alike.append(each)
    if not alike:
        return None
    make = partial(larger_boxes, smoothed=smoothed, posed=posed, suspects=alike, others=others)
    text = f"{counted(len(alike), 'suspect')} like this: {LARGER}\n{located(alike)}?"
    left_out, count = "", len(free) - len(alike)
    if count:
        stay = f"{verb(count, 'have')} another reason too and {verb(count, 'stay')} open."
        left_out = f"{counted(count, 'other')} {stay}"
    help_text = " ".join(filter(None, (f"{listed(alike)}.", left_out, HELP)))
    return Offer(text, help_text, TOUCHES, tuple(alike), make, left_out)


def larger_boxes(
    track: BoxTrack,
    smoothed: SmoothedTrack,
    posed: PosedSuspects,
    suspects: Sequence[Suspect],
    others: Sequence[Suspect] = (),
) -> Edit | None:
    """One edit that makes boxes larger where the pose was found in those there are; None if nowhere.

    Beside them boxes grow as well, as far as smoothing reaches, and from there less and less. Boxes that
    are accepted or set by hand stay, and those of ``others``, open suspects that these do not meet; only
    where all of a suspect are set by hand these grow themselves.
    """
    around = _reach(smoothed) + RAMP
    start = max(0, min(each.first for each in suspects) - around)  # what is reached, of a long track
    end = min(len(track), max(each.last for each in suspects) + around + 1)
    factors, here = np.ones(end - start), slice(start, end)
    is_missing = np.isnan(track.boxes[here, 0])
    is_manual = track.is_manual_in(start, end - 1)
    is_free = (track.review[here] != Review.ACCEPTED) & ~is_missing & ~is_manual
    is_beside = is_free.copy()
    for other in others:
        if other.last >= start and other.first < end and not any(meets(other, each) for each in suspects):
            is_beside[max(0, other.first - start) : other.last + 1 - start] = False
    for each in suspects:
        rows = posed.open_rows(each, smoothed)
        inside = slice(each.first - start, each.last + 1 - start)
        own = is_free[inside]
        rows &= own if (rows & own).any() else True
        whole, sides = _factors(track, each, smoothed)
        part = factors[inside]
        part[rows] = np.maximum(part[rows], whole[rows])
        for edge, step in ((each.first, -1), (each.last, 1)):
            beside, fading = _beside(edge, step, smoothed)
            free = is_beside[beside - start]
            beside, fading = beside[free], fading[free]
            if len(beside):
                first = int(beside.min())
                known = size_of(smoothed.part(first, int(beside.max())))[beside - first, 0]
                wanted = np.maximum(sides[0 if step < 0 else -1] / known, 1) ** fading
                factors[beside - start] = np.maximum(factors[beside - start], wanted)
    changes = []
    for begin, stop in runs(factors > 1):
        first, last = start + begin, start + stop
        before = track.snapshot(first, last)
        boxes = grow(smoothed.part(first, last), factors[begin : stop + 1], posed.frame_size)
        source = np.where(before.source == Source.MANUAL, Source.MANUAL, Source.INTERPOLATED)
        review = np.full(len(boxes), Review.EDITED)
        after = Snapshot(boxes, source.astype(np.uint8), review.astype(np.uint8))
        changes.append(Change(track.name, first, before, after))
    if not changes:
        return None
    where = located(suspects) if len(suspects) == 1 else counted(len(suspects), "suspect")
    return Edit(f"{LARGER} {where}", tuple(changes))


def _reach(smoothed: SmoothedTrack) -> int:
    """Frames beside one that smoothing puts into its box."""
    return smoothed.settings.window // 2 if smoothed.settings.active else 0


def _beside(edge: int, step: int, smoothed: SmoothedTrack) -> tuple[IntArray, FloatArray]:
    """Frames beside ``edge``, and their share of its growth: all of it in half a window, then less."""
    reach = _reach(smoothed)
    fading = np.concatenate([np.ones(reach), 1 - np.arange(1, RAMP + 1) / (RAMP + 1)])
    frames = edge + step * np.arange(1, len(fading) + 1)
    inside = (frames >= 0) & (frames < len(smoothed.track))
    return frames[inside], fading[inside]


def grow(boxes: FloatArray, factors: FloatArray, frame_size: tuple[int, int] | None) -> FloatArray:
    """Boxes, (T, 4), larger by factors, (T,), about their middle but in the frame where they can be."""
    side = boxes[:, 2:] * factors[:, None]
    more = side - boxes[:, 2:]
    corner = boxes[:, :2] - more / 2
    if frame_size is not None:
        corner = np.maximum(np.minimum(corner, frame_size - side), 0)
        corner = np.clip(corner, boxes[:, :2] - more, boxes[:, :2])
    return finalize(np.concatenate([corner, side], axis=1))


def _factors(track: BoxTrack, suspect: Suspect, smoothed: SmoothedTrack) -> tuple[FloatArray, FloatArray]:
    """(N,) how much larger each box of a suspect becomes, and (N,) its size then, pixels."""
    sizes = size_of(smoothed.part(suspect.first, suspect.last))[:, 0]
    beside = (
        track.boxes[max(0, suspect.first - AROUND) : suspect.first],
        track.boxes[suspect.last + 1 : suspect.last + 1 + AROUND],
    )
    usual = [
        float(np.median(size_of(known))) for each in beside if len(known := each[~np.isnan(each[:, 0])])
    ]
    factors: FloatArray = np.clip(max(usual, default=0.0) / sizes, GROWTH, MOST)
    return factors, factors * sizes


def _times(track: BoxTrack, smoothed: SmoothedTrack, suspects: Sequence[Suspect]) -> str:
    """``1.25 times`` or ``1.25 to 1.6 times``: how much larger boxes become."""
    factors = np.concatenate([_factors(track, each, smoothed)[0] for each in suspects])
    low, high = (f"{value:.3g}" for value in (factors.min(), factors.max()))
    return f"{low} times" if low == high else f"{low} to {high} times"
