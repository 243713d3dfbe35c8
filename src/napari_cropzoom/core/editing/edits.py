"""Edits as values: what changes, what was there before, and how to take it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from napari_cropzoom.core.boxes import (
    MISSING_BOX,
    Box,
    BoxTrack,
    FloatArray,
    Review,
    Snapshot,
    Source,
    as_boxes,
)
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.finalize import fill_missing
from napari_cropzoom.core.words import counted

Tracks = Mapping[str, BoxTrack]


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """What becomes of consecutive frames of one track.

    Attributes
    ----------
    track : str
        Name of the track.
    first : int
        First frame, 0-based.
    before, after : Snapshot
        The same number of frames as they were and as they will be.
    """

    track: str
    first: int
    before: Snapshot
    after: Snapshot

    def __repr__(self) -> str:
        return f"<Change of {self.track!r}, {frames_text(self.first, self.last)}>"

    @property
    def last(self) -> int:
        """Last frame, inclusive."""
        return self.first + len(self.after) - 1

    @property
    def is_nothing(self) -> bool:
        """Whether the frames stay as they are."""
        return self.after == self.before

    def inverse(self) -> Change:
        """Change that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def rebased(self, track: BoxTrack) -> Change:
        """The same change of other frames than it was made for, because the raw boxes are new.

        Of boxes, source and review, what the change left alone it leaves alone again.
        """
        before = track.snapshot(self.first, self.last)
        boxes = before.boxes if self.keeps("boxes") else self.after.boxes
        source = before.source if self.keeps("source") else self.after.source
        review = before.review if self.keeps("review") else self.after.review
        return replace(self, before=before, after=Snapshot(boxes, source, review))

    def keeps(self, name: Literal["boxes", "source", "review"]) -> bool:
        """Whether one of the three arrays stays as it is in all frames."""
        after, before = getattr(self.after, name), getattr(self.before, name)
        return after is before or np.array_equal(after, before, equal_nan=name == "boxes")


@dataclass(frozen=True, slots=True, repr=False)
class Edit:
    """One gesture of a person, over one track or several; does nothing until it is applied.

    Attributes
    ----------
    label : str
        What a person reads in the history, e.g. ``"set box of frame 12"``.
    changes : tuple of Change
        Those of a track have no frame in common; none where only a setting changes.
    """

    label: str
    changes: tuple[Change, ...]

    def __repr__(self) -> str:
        return f"<Edit {self.label!r} of {', '.join(repr(change.track) for change in self.changes)}>"

    @classmethod
    def of(cls, label: str, track: BoxTrack, first: int, after: Snapshot) -> Edit:
        """Edit of one track, from its present state to ``after``."""
        before = track.snapshot(first, first + len(after) - 1)
        return cls(label, (Change(track.name, first, before, after),))

    @property
    def first(self) -> int:
        """First frame that changes."""
        return min((change.first for change in self.changes), default=0)

    @property
    def last(self) -> int:
        """Last frame that changes, inclusive."""
        return max((change.last for change in self.changes), default=0)

    @property
    def before(self) -> Snapshot:
        """State of the first track it changes, as it was."""
        return self.changes[0].before

    @property
    def after(self) -> Snapshot:
        """State of the first track it changes, as it will be."""
        return self.changes[0].after

    @property
    def is_nothing(self) -> bool:
        """Whether every frame stays as it is."""
        return all(change.is_nothing for change in self.changes)

    @property
    def names(self) -> tuple[str, ...]:
        """Tracks that it changes."""
        return tuple(dict.fromkeys(change.track for change in self.changes))

    def covers(self, frame: int) -> bool:
        """Whether a person who looks at a frame sees it, or frames on both sides of it, change."""
        return self.first <= frame <= self.last

    def where(self, *, names_animal: bool) -> str:
        """Where it is, as far as its label does not say so; ``names_animal`` if there are several."""
        frames = frames_text(self.first, self.last)
        parts = [] if frames in self.label else [frames]
        if names_animal:
            parts.append(" and ".join(self.names))
        return ", ".join(parts)

    def joined(self, later: Edit) -> Edit | None:
        """One edit in place of this one and one right after it; None where they are two gestures."""
        return None

    def inverse(self) -> Edit:
        """Edit that takes this one back."""
        return replace(self, changes=tuple(change.inverse() for change in self.changes))

    def apply(self, tracks: Tracks) -> None:
        """Write the new state into the tracks."""
        for change in self.changes:
            tracks[change.track].put(change.first, change.after)

    def fits(self, tracks: Tracks) -> bool:
        """Whether the tracks are as they were when the edit was made."""
        return all(
            each.track in tracks and tracks[each.track].snapshot(each.first, each.last) == each.before
            for each in self.changes
        )

    def rebased(self, tracks: Tracks, name: str) -> Edit:
        """The same edit on another state of the track ``name``: its raw boxes are new."""
        changes = [one.rebased(tracks[name]) if one.track == name else one for one in self.changes]
        return replace(self, changes=tuple(changes))

    def renamed(self, names: Mapping[str, str]) -> Edit:
        """Edit of tracks that have other names now."""
        changes = [replace(one, track=names.get(one.track, one.track)) for one in self.changes]
        return replace(self, changes=tuple(changes))


def set_box(track: BoxTrack, frame: int, box: Box) -> Edit:
    """Set the box of one frame by hand; smoothing will pass through it.

    The box is snapped to whole pixels and even sizes, so that it reaches *final* unchanged.

    Raises
    ------
    CropzoomError
        If a value is NaN or infinite, or a side is not positive.
    """
    box = Box(*as_boxes([box], frame)[0].tolist())
    if box.is_missing():
        raise CropzoomError(f"Give frame {frame} a box, or delete its box if no animal is there.")
    return _edit_frame(track, frame, f"set box of frame {frame}", box.snapped(), Source.MANUAL)


def delete_box(track: BoxTrack, frame: int) -> Edit:
    """Take the box of one frame away; the frame has then no animal (absent)."""
    return _edit_frame(track, frame, f"delete box of frame {frame}", MISSING_BOX, Source.ABSENT)


def revert_to_raw(track: BoxTrack, first: int, last: int) -> Edit:
    """Bring the raw boxes of a range back."""
    return Edit.of(over("revert", first, last), track, first, track.raw_state(first, last))


def accept(track: BoxTrack, first: int, last: int) -> Edit:
    """Mark a range as looked at and right."""
    before = track.snapshot(first, last)
    review = np.full(len(before), Review.ACCEPTED, np.uint8)
    after = replace(before, review=review)
    return Edit(over("accept", first, last), (Change(track.name, first, before, after),))


def accept_all(track: BoxTrack, ranges: Sequence[tuple[int, int]], what: str) -> Edit:
    """Mark many ranges, free of overlaps, as looked at and right; ``what`` names them in the history."""
    changes = tuple(accept(track, first, last).changes[0] for first, last in ranges)
    return Edit(f"accept {counted(len(ranges), 'suspect')}: {what}", changes)


def fill_gap(track: BoxTrack, first: int, last: int, how: str) -> Edit:
    """Fill the missing frames of a range from the boxes around them.

    Raises
    ------
    CropzoomError
        If nothing in the range is missing, or the track has no box at all.
    """
    before = track.snapshot(first, last)
    missing = np.isnan(before.boxes[:, 0])
    if not missing.any():
        raise CropzoomError(f"No box is missing in {frames_text(first, last)}; there is nothing to fill.")
    boxes = fill_missing(track.boxes, how)[first : last + 1]
    if np.isnan(boxes).any():
        raise CropzoomError("No frame has a box yet; draw one first.")
    after = Snapshot(
        boxes,
        np.where(missing, Source.FILLED, before.source).astype(np.uint8),
        np.where(missing, Review.EDITED, before.review).astype(np.uint8),
    )
    return Edit.of(over("fill", first, last), track, first, after)


def replace_boxes(track: BoxTrack, label: str, first: int, boxes: FloatArray) -> Edit:
    """New boxes for a range, whose manual boxes stay as they are."""
    before = track.snapshot(first, first + len(boxes) - 1)
    keep = before.source == Source.MANUAL
    after = Snapshot(
        np.where(keep[:, None], before.boxes, boxes),
        np.where(keep, Source.MANUAL, Source.INTERPOLATED).astype(np.uint8),
        np.full(len(boxes), Review.EDITED, np.uint8),
    )
    missing = np.isnan(after.boxes[:, 0])
    after.source[missing] = before.source[missing]
    after.review[missing] = before.review[missing]
    return Edit(label, (Change(track.name, first, before, after),))


def reshape_boxes(
    track: BoxTrack, label: str, first: int, boxes: FloatArray, *, by_hand: bool = False
) -> Edit:
    """The same boxes in another place or size: manual boxes move with the rest, and are snapped again.

    ``by_hand`` has them all be manual then.
    """
    last = first + len(boxes) - 1
    before = track.snapshot(first, last)
    known = ~np.isnan(before.boxes[:, 0])
    if not known.any():
        raise CropzoomError(
            f"{frames_text(first, last).capitalize()} {'has' if first == last else 'have'} no box."
        )
    boxes = boxes.copy()
    moved = known & np.isin(before.source, (Source.DETECTED, Source.IMPORTED, Source.FILLED))
    source = np.where(moved, Source.INTERPOLATED, before.source).astype(np.uint8)
    if by_hand:
        source[known] = Source.MANUAL
    for place in np.flatnonzero(source == Source.MANUAL):
        boxes[place] = Box(*boxes[place].tolist()).snapped()
    after = replace(
        before,
        boxes=boxes,
        source=source,
        review=np.where(known, Review.EDITED, before.review).astype(np.uint8),
    )
    return Edit(label, (Change(track.name, first, before, after),))


def over(verb: str, first: int, last: int) -> str:
    """Label of an edit over a range, e.g. ``"accept frames 3 to 9"``."""
    return f"{verb} {frames_text(first, last)}"


def frames_text(first: int, last: int) -> str:
    """``frame 3`` or ``frames 3 to 9``."""
    return f"frame {first}" if first == last else f"frames {first} to {last}"


def _edit_frame(track: BoxTrack, frame: int, label: str, box: Box, source: Source) -> Edit:
    after = Snapshot(
        np.array([box], np.float64),
        np.array([source], np.uint8),
        np.array([Review.EDITED], np.uint8),
    )
    return Edit.of(label, track, frame, after)
