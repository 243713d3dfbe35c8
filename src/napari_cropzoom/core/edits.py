"""Edits as values: what changes, what was there before, and how to take it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import (
    MISSING_BOX,
    Box,
    BoxTrack,
    FloatArray,
    Review,
    Snapshot,
    Source,
)
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import fill_missing


@dataclass(frozen=True)
class Edit:
    """A change of the frames ``first`` to ``last``; does nothing until it is applied.

    Attributes
    ----------
    label : str
        What a person reads in the history, e.g. ``"set box of frame 12"``.
    first : int
        First frame, 0-based.
    before, after : Snapshot
        The same number of frames as they were and as they will be.
    """

    label: str
    first: int
    before: Snapshot
    after: Snapshot

    @property
    def last(self) -> int:
        """Last frame, inclusive."""
        return self.first + len(self.after) - 1

    def inverse(self) -> Edit:
        """Edit that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def apply(self, track: BoxTrack) -> None:
        """Write the new state into ``track``."""
        track.put(self.first, self.after)

    def rebased(self, track: BoxTrack) -> Edit:
        """Edit with the same outcome on another state of the track (its raw boxes have changed)."""
        return replace(self, before=track.snapshot(self.first, self.last))

    def to_json(self) -> dict[str, Any]:
        """Plain object for JSON; NaN becomes null."""
        return {
            "label": self.label,
            "first": self.first,
            "before": _state_to_json(self.before),
            "after": _state_to_json(self.after),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Edit:
        """Read back what :meth:`to_json` gave.

        Raises
        ------
        CropzoomError
            If a key is missing or the frames do not fit together.
        """
        try:
            edit = cls(
                str(data["label"]),
                int(data["first"]),
                _state_from_json(data["before"]),
                _state_from_json(data["after"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CropzoomError(f"An edit in the session file cannot be read ({error!r}).") from error
        if len(edit.before) != len(edit.after) or edit.first < 0 or len(edit.after) == 0:
            raise CropzoomError(f"The edit {edit.label!r} in the session file does not fit together.")
        return edit


def set_box(track: BoxTrack, frame: int, box: Box) -> Edit:
    """Set the box of one frame by hand; the frame becomes an anchor.

    The box is snapped to whole pixels and even sizes, so that it reaches *final* unchanged.
    """
    return _edit_frame(track, frame, f"set box of frame {frame}", box.snapped(), Source.ANCHOR)


def delete_box(track: BoxTrack, frame: int) -> Edit:
    """Take the box of one frame away; the frame has then no animal (absent)."""
    return _edit_frame(track, frame, f"delete box of frame {frame}", MISSING_BOX, Source.ABSENT)


def revert_to_raw(track: BoxTrack, first: int, last: int, raw_source: Source) -> Edit:
    """Bring the raw boxes of a range back."""
    before = track.snapshot(first, last)
    boxes = track.raw[first : last + 1].copy()
    missing = np.isnan(boxes[:, 0])
    after = Snapshot(
        boxes,
        np.where(missing, Source.MISSING, raw_source).astype(np.uint8),
        np.where(missing, Review.FLAGGED, Review.UNSEEN).astype(np.uint8),
    )
    return Edit(_over("revert", first, last), first, before, after)


def accept(track: BoxTrack, first: int, last: int) -> Edit:
    """Mark a range as looked at and right."""
    before = track.snapshot(first, last)
    review = np.full(len(before), Review.ACCEPTED, np.uint8)
    return Edit(_over("accept", first, last), first, before, replace(before, review=review))


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
    return Edit(_over("fill", first, last), first, before, after)


class History:
    """Unlimited undo and redo over one track."""

    def __init__(self) -> None:
        self._edits: list[Edit] = []
        self._done = 0

    def __iter__(self) -> Iterator[Edit]:
        """Edits in force, oldest first."""
        return iter(self._edits[: self._done])

    def __len__(self) -> int:
        return self._done

    @property
    def undo_label(self) -> str | None:
        """What undo would take back."""
        return self._edits[self._done - 1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        """What redo would do again."""
        return self._edits[self._done].label if self._done < len(self._edits) else None

    def push(self, edit: Edit) -> None:
        """Record an edit that has just been applied; what was undone before is forgotten."""
        del self._edits[self._done :]
        self._edits.append(edit)
        self._done += 1

    def undo(self, track: BoxTrack) -> Edit | None:
        """Take the last edit back and return what was applied to do so, None if there is none."""
        if not self._done:
            return None
        self._done -= 1
        inverse = self._edits[self._done].inverse()
        inverse.apply(track)
        return inverse

    def redo(self, track: BoxTrack) -> Edit | None:
        """Do the last undone edit again and return it, None if there is none."""
        if self._done == len(self._edits):
            return None
        edit = self._edits[self._done]
        edit.apply(track)
        self._done += 1
        return edit

    def rebase(self, track: BoxTrack) -> None:
        """Carry all edits over to ``track``, whose raw boxes are new, and apply those in force."""
        edits, done = self._edits, self._done
        self._edits, self._done = [], 0
        for edit in edits:
            moved = edit.rebased(track)
            moved.apply(track)
            self.push(moved)
        while self._done > done:
            self.undo(track)

    def to_json(self) -> dict[str, Any]:
        """Plain object for JSON, redo included."""
        return {"done": self._done, "edits": [edit.to_json() for edit in self._edits]}

    @classmethod
    def from_json(cls, data: dict[str, Any], n_frames: int) -> History:
        """Read back what :meth:`to_json` gave, without applying anything.

        Raises
        ------
        CropzoomError
            If an edit is broken or reaches beyond ``n_frames``.
        """
        history = cls()
        try:
            history._edits = [Edit.from_json(item) for item in data["edits"]]
            history._done = int(data["done"])
        except (KeyError, TypeError, ValueError) as error:
            raise CropzoomError(f"The history in the session file is broken ({error!r}).") from error
        if not 0 <= history._done <= len(history._edits):
            raise CropzoomError("The history in the session file is broken (count of edits).")
        for edit in history._edits:
            if edit.last >= n_frames:
                raise CropzoomError(
                    f"The edit {edit.label!r} reaches frame {edit.last}, "
                    f"but the video has {n_frames} frames."
                )
        return history


def _edit_frame(track: BoxTrack, frame: int, label: str, box: Box, source: Source) -> Edit:
    before = track.snapshot(frame, frame)
    after = Snapshot(
        np.array([box], np.float64),
        np.array([source], np.uint8),
        np.array([Review.EDITED], np.uint8),
    )
    return Edit(label, frame, before, after)


def _over(verb: str, first: int, last: int) -> str:
    return f"{verb} frame {first}" if first == last else f"{verb} frames {first} to {last}"


def _state_to_json(state: Snapshot) -> dict[str, Any]:
    boxes = [[None if np.isnan(v) else v for v in row] for row in state.boxes.tolist()]
    return {"boxes": boxes, "source": state.source.tolist(), "review": state.review.tolist()}


def _state_from_json(data: dict[str, Any]) -> Snapshot:
    boxes: FloatArray = np.array(
        [[np.nan if v is None else float(v) for v in row] for row in data["boxes"]], np.float64
    ).reshape(-1, 4)
    source = np.array([Source(v) for v in data["source"]], np.uint8)
    review = np.array([Review(v) for v in data["review"]], np.uint8)
    if not len(boxes) == len(source) == len(review):
        raise ValueError("boxes, source and review differ in length")
    return Snapshot(boxes, source, review)
