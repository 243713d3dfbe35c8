"""One animal's track and what belongs to it, and where its raw boxes lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_cropzoom.core.boxes import MISSING_BOX, Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.core.smoothing.finalize import fill_missing, finalize
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.files.names import place_key


class BoxLikelihood(NamedTuple):
    """How sure another program is of its boxes.

    Attributes
    ----------
    raw : ndarray, (T, 4)
        The boxes it is of.
    values : ndarray, (T,)
        0 to 1, NaN where nothing is said.
    """

    raw: FloatArray
    values: FloatArray

    def is_of(self, boxes: FloatArray) -> bool:
        """Whether boxes are those that it is of."""
        return boxes is self.raw or np.array_equal(boxes, self.raw, equal_nan=True)

    def of(self, boxes: FloatArray) -> FloatArray | None:
        """(T,) likelihood of boxes, the usual one where nothing is said; None if it is of others."""
        known = np.isfinite(self.values)
        if not self.is_of(boxes) or not known.any():
            return None
        return np.where(known, self.values, np.median(self.values[known]))


@dataclass
class ReviewedTrack:
    """One animal's track, where its raw boxes lie and how they were made.

    Attributes
    ----------
    track : BoxTrack
    smoothed : SmoothedTrack
    raw_csv : Path or None
        Where the raw boxes lie, or will lie once written.
    sizing : SizingSettings or None
        How they were made of keypoints, None if they came from elsewhere.
    color : str
        Hexadecimal.
    sha256 : str
        Of the raw file; empty while it is not written.
    likelihoods : tuple of BoxLikelihood
        What another program said of boxes that are, or were, the raw ones.
    """

    track: BoxTrack
    smoothed: SmoothedTrack
    raw_csv: Path | None = None
    sizing: SizingSettings | None = None
    color: str = ANIMAL_COLORS[0]
    sha256: str = ""
    likelihoods: tuple[BoxLikelihood, ...] = ()

    @property
    def has_boxes(self) -> bool:
        """Whether any frame has a box."""
        return self.track.n_missing < len(self.track)

    @property
    def confidence(self) -> FloatArray | None:
        """(T,) how sure another program is of the raw boxes, NaN where nothing is said; or None."""
        found = (each.values for each in reversed(self.likelihoods) if each.is_of(self.track.raw))
        return next(found, None)

    @property
    def begins_empty(self) -> bool:
        """Whether there is no raw box, only what a person draws."""
        return bool(np.isnan(self.track.raw[:, 0]).all())

    def final_box(self, frame: int) -> Box:
        """Final box of one frame, at a cost that does not grow with the track; missing in a gap."""
        box = self.smoothed.box(frame)
        return MISSING_BOX if box.is_missing() else Box(*finalize(np.array([box]))[0].tolist())

    def final_boxes(self, fill: str) -> FloatArray:
        """(T, 4) final boxes: smoothed, gaps filled, whole pixels."""
        return finalize(fill_missing(self.smoothed.boxes(), fill))

    def pose_boxes(self, fill: str) -> FloatArray:
        """(T, 4) final boxes as a pose model is given them: NaN where a person saw no animal.

        The same as `.review_paths.without_absent` makes of the files once they are saved.
        """
        return np.where((self.track.source == Source.ABSENT)[:, None], np.nan, self.final_boxes(fill))

    def to_finalize(self, fill: str, *, for_pose: bool = False) -> Callable[[], FloatArray]:
        """What :meth:`final_boxes`, or :meth:`pose_boxes`, would return now, to be called in a thread."""
        now = self.copy()
        return lambda: (now.pose_boxes if for_pose else now.final_boxes)(fill)

    def copy(self) -> ReviewedTrack:
        """The present state, for a thread to work on while the track itself changes."""
        track = self.track.copy()
        return replace(self, track=track, smoothed=SmoothedTrack(track, self.smoothed.settings))


def own_place(entries: Mapping[str, ReviewedTrack], name: str, raw_csv: Path | None) -> Path | None:
    """Where a track's raw boxes lie: in a folder of its own, since all reviews have the same names.

    That is the folder of ``raw_csv``, or where another track has that one, or it is not that of the
    first track's boxes or in it, or none is given, the folder of the track's name beside these.

    Parameters
    ----------
    entries : mapping of str to ReviewedTrack
        All tracks; the first is that with whose raw boxes the review is kept.
    name : str
        Of the track, which may be a new one.
    raw_csv : Path or None

    Raises
    ------
    CropzoomError
        If another track has its boxes in the folder of this name.
    """
    used = {
        place_key(entry.raw_csv.parent): other
        for other, entry in entries.items()
        if other != name and entry.raw_csv is not None
    }
    first = next(iter(entries.values())).raw_csv
    if first is None:
        return raw_csv
    is_anywhere = name == next(iter(entries)) or _is_below(raw_csv, first.parent)
    if raw_csv is not None and is_anywhere and place_key(raw_csv.parent) not in used:
        return raw_csv
    place = first.parent / name / first.name
    if (other := used.get(place_key(place.parent))) is not None:
        raise CropzoomError(
            f"{place.parent}: there are the boxes of the track {other!r}, which was renamed. Choose "
            f"another name than {name!r}."
        )
    return place


def _is_below(path: Path | None, folder: Path) -> bool:
    return path is not None and path.absolute().is_relative_to(folder.absolute())
