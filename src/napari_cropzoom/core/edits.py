"""Edits as values: what changes, what was there before, and how to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from napari_cropzoom.core.boxes import (
    MISSING_BOX,
    Box,
    BoxTrack,
    Review,
    Snapshot,
    Source,
    as_boxes,
)
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import fill_missing

Tracks = Mapping[str, BoxTrack]


@dataclass(frozen=True)
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

    @property
    def last(self) -> int:
        """Last frame, inclusive."""
        return self.first + len(self.after) - 1

    def inverse(self) -> Change:
        """Change that takes this one back."""
        return replace(self, before=self.after, after=self.before)


@dataclass(frozen=True)
class Edit:
    """One gesture of a person, over one track or several; does nothing until it is applied.

    Attributes
    ----------
    label : str
        What a person reads in the history, e.g. ``"set box of frame 12"``.
    changes : tuple of Change
        At least one; at most one a track.
    """

    label: str
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, label: str, track: BoxTrack, first: int, after: Snapshot) -> Edit:
        """Edit of one track, from its present state to ``after``."""
        before = track.snapshot(first, first + len(after) - 1)
        return cls(label, (Change(track.name, first, before, after),))

    @property
    def first(self) -> int:
        """First frame that changes."""
        return min(change.first for change in self.changes)

    @property
    def last(self) -> int:
        """Last frame that changes, inclusive."""
        return max(change.last for change in self.changes)

    @property
    def before(self) -> Snapshot:
        """State of the first track it changes, as it was."""
        return self.changes[0].before

    @property
    def after(self) -> Snapshot:
        """State of the first track it changes, as it will be."""
        return self.changes[0].after

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
        """Edit with the same outcome on another state of the track ``name``: its raw boxes are new."""
        changes = [
            replace(one, before=tracks[name].snapshot(one.first, one.last)) if one.track == name else one
            for one in self.changes
        ]
        return replace(self, changes=tuple(changes))

    def renamed(self, old: str, new: str) -> Edit:
        """Edit of a track that has another name now."""
        changes = [replace(one, track=new) if one.track == old else one for one in self.changes]
        return replace(self, changes=tuple(changes))


def set_box(track: BoxTrack, frame: int, box: Box) -> Edit:
    """Set the box of one frame by hand; the frame becomes an anchor.

    The box is snapped to whole pixels and even sizes, so that it reaches *final* unchanged.

    Raises
    ------
    CropzoomError
        If a value is NaN or infinite, or a side is not positive.
    """
    as_boxes([box])
    box = Box(*box)
    if box.is_missing():
        raise CropzoomError(f"Give frame {frame} a box, or delete its box if no animal is there.")
    return _edit_frame(track, frame, f"set box of frame {frame}", box.snapped(), Source.ANCHOR)


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
        raise CropzoomError(f"Frames {first} to {last} all have a box; there is nothing to fill.")
    boxes = fill_missing(track.boxes, how)[first : last + 1]
    if np.isnan(boxes).any():
        raise CropzoomError("No frame has a box yet; draw one first.")
    after = Snapshot(
        boxes,
        np.where(missing, Source.FILLED, before.source).astype(np.uint8),
        np.where(missing, Review.EDITED, before.review).astype(np.uint8),
    )
    return Edit.of(over("fill", first, last), track, first, after)


def over(verb: str, first: int, last: int) -> str:
    """Label of an edit over a range, e.g. ``"accept frames 3 to 9"``."""
    return f"{verb} frame {first}" if first == last else f"{verb} frames {first} to {last}"


def _edit_frame(track: BoxTrack, frame: int, label: str, box: Box, source: Source) -> Edit:
    after = Snapshot(
        np.array([box], np.float64),
        np.array([source], np.uint8),
        np.array([Review.EDITED], np.uint8),
    )
    return Edit.of(label, track, frame, after)
