"""What the states of a frame are called on screen."""

from __future__ import annotations

from napari_cropzoom.core.boxes import Review, Source

SOURCES = {
    Source.MISSING: "no box",
    Source.DETECTED: "detected",
    Source.IMPORTED: "imported",
    Source.ANCHOR: "set by hand (anchor)",
    Source.INTERPOLATED: "interpolated",
    Source.FILLED: "filled",
    Source.ABSENT: "no animal (absent)",
}
REVIEWS = {
    Review.UNSEEN: "not looked at",
    Review.FLAGGED: "to look at",
    Review.ACCEPTED: "accepted",
    Review.EDITED: "edited",
}
