"""The tracks of a review, the edits of them and their history; writes nothing and knows no signals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_cropzoom.core.boxes import MISSING_BOX, BoolArray, Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.finalize import DEFAULT_FILL, check_fill, fill_missing, finalize
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.names import check_folder_name, name_key, place_key
from napari_cropzoom.files.review_paths import REVIEW_DIR

FIRST_TRACK = "animal"
# Okabe and Ito's colours, which the colour-blind can tell apart.
TRACK_COLORS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#ffffff")

_numbers = itertools.count(1)


def _is_below(path: Path | None, folder: Path) -> bool:
    return path is not None and path.absolute().is_relative_to(folder.absolute())


class Revision(NamedTuple):
    """The state that reviewed boxes are in; equal revisions have equal boxes.

    Undo comes back to the revision before the edit.

    Attributes
    ----------
    edit : int
        Number of the newest edit in force.
    tracks : int
        Another number whenever tracks with boxes came, or any went, or got another name or other raw
        boxes.
    smoothing : SmoothingSettings
    fill : str
    """

    edit: int
    tracks: int
    smoothing: SmoothingSettings
    fill: str


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
    """

    track: BoxTrack
    smoothed: SmoothedTrack
    raw_csv: Path | None = None
    sizing: SizingSettings | None = None
    color: str = TRACK_COLORS[0]
    sha256: str = ""

    @property
    def has_boxes(self) -> bool:
        """Whether any frame has a box."""
        return self.track.n_missing < len(self.track)

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

    def copy(self) -> ReviewedTrack:
        """The present state, for a thread to work on while the track itself changes."""
        track = self.track.copy()
        return replace(self, track=track, smoothed=SmoothedTrack(track, self.smoothed.settings))


class Tracks(Mapping[str, BoxTrack]):
    """The tracks of one video by name, in the order they were added; at first one without boxes.

    Parameters
    ----------
    n_frames : int
    name : str
        Of the first track.

    Attributes
    ----------
    entries : dict of str to ReviewedTrack
        Not to be changed from outside.
    current : str
        Name of the track that edits act on.
    history : History
        Of all tracks.
    """

    def __init__(self, n_frames: int, name: str = FIRST_TRACK) -> None:
        self.n_frames = n_frames
        self.history = History()
        self._smoothing = SmoothingSettings()
        self._fill = DEFAULT_FILL
        self._number = next(_numbers)
        self.entries = {name: self._entry(BoxTrack.empty(n_frames, name))}
        self.current = name

    def __getitem__(self, name: str) -> BoxTrack:
        return self.entries[name].track

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"<Tracks: {counted(len(self.history), 'edit')} of {', '.join(map(repr, self.values()))}>"

    @property
    def first(self) -> ReviewedTrack:
        """The track with whose raw boxes the review is kept."""
        return next(iter(self.entries.values()))

    @property
    def entry(self) -> ReviewedTrack:
        """The current track and what belongs to it."""
        return self.entries[self.current]

    @property
    def with_boxes(self) -> list[ReviewedTrack]:
        """Those of which some frame has a box."""
        return [entry for entry in self.entries.values() if entry.has_boxes]

    @property
    def revision(self) -> Revision:
        """Says whether anything has changed, whatever the length of the video."""
        return Revision(self.history.revision, self._number, self._smoothing, self._fill)

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window, of all tracks."""
        return self._smoothing

    @smoothing.setter
    def smoothing(self, settings: SmoothingSettings) -> None:
        self._smoothing = settings
        for entry in self.entries.values():
            entry.smoothed = SmoothedTrack(entry.track, settings)

    @property
    def fill(self) -> str:
        """How frames without a box are filled in the final boxes."""
        return self._fill

    @fill.setter
    def fill(self, how: str) -> None:
        check_fill(how)
        self._fill = how

    # ---- edits ---------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Apply an edit and remember it."""
        edit.apply(self)
        self.history.push(edit)
        self._renew(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; returns what was applied to do so, None if there was nothing."""
        return self._renew(self.history.undo(self))

    def redo(self) -> Edit | None:
        """Do the last undone edit again; returns it, None if there was nothing."""
        return self._renew(self.history.redo(self))

    def without_edits(self) -> Tracks:
        """The same tracks and settings with the raw boxes as they are, and no history."""
        bare = Tracks(self.n_frames)
        bare._smoothing, bare._fill = self._smoothing, self._fill
        bare.entries = {name: bare._bare(entry) for name, entry in self.entries.items()}
        bare.current = self.current
        return bare

    # ---- tracks --------------------------------------------------------------------------------

    def new(
        self, name: str, boxes: FloatArray | None = None, raw_csv: Path | None = None
    ) -> ReviewedTrack:
        """A track to :meth:`add`, in a colour of its own.

        Parameters
        ----------
        name : str
        boxes : ndarray, (T, 4), optional
            Those of an outside tracker; none for a track without boxes.
        raw_csv : Path, optional
            Where they lie; by default they are to lie in a folder of their own beside the first track's.

        Raises
        ------
        CropzoomError
            If the name is taken, or no name for a folder on every system, or another track has its
            boxes in the folder of this name, or the boxes are not one a frame.
        """
        self.check_name(name)
        raw_csv = self._own_place(name, raw_csv)
        if boxes is None:
            track = BoxTrack.empty(self.n_frames, name)
        else:
            self._check_count(len(boxes))
            track = BoxTrack(boxes, name, Source.IMPORTED)
        used = {entry.color for entry in self.entries.values()}
        color = next((each for each in TRACK_COLORS if each not in used), TRACK_COLORS[0])
        return replace(self._entry(track), raw_csv=raw_csv, color=color)

    def add(self, entry: ReviewedTrack) -> None:
        """Take a track in."""
        self.entries[entry.track.name] = entry
        if entry.has_boxes:
            self._number = next(_numbers)

    def replace_all(self, entries: list[ReviewedTrack]) -> None:
        """Take other tracks, none of them edited; the first becomes the current one."""
        self.entries = {entry.track.name: entry for entry in entries}
        self.current = next(iter(self.entries))
        self._number = next(_numbers)

    def check_removable(self, name: str) -> None:
        """Refuse to remove the first track and one that edits touch.

        Raises
        ------
        CropzoomError
        """
        self.check_known(name)
        if name == next(iter(self)):
            raise CropzoomError(f"{name!r} is the first track, with which the review is kept; it stays.")
        if self.history.touches(name):
            raise CropzoomError(f"Edits touch the track {name!r}; undo those first.")

    def remove(self, name: str) -> None:
        """Forget a track."""
        del self.entries[name]
        if self.current == name:
            self.current = next(iter(self))
        self._number = next(_numbers)

    def rename(self, old: str, new: str) -> None:
        """Give a track another name, in its place among the others."""
        self.rename_all({old: new})

    def rename_all(self, names: Mapping[str, str]) -> None:
        """Give tracks other names, all at once."""
        names = {old: new for old, new in names.items() if new != old}
        if not names:
            return
        self.entries = {names.get(name, name): entry for name, entry in self.entries.items()}
        for name, entry in self.entries.items():
            entry.track.name = name
        self.history.rename(names)
        self.current = names.get(self.current, self.current)
        self._number = next(_numbers)

    def set_raw(
        self,
        boxes: FloatArray,
        raw_csv: Path,
        source: Source,
        sizing: SizingSettings | None = None,
        interpolated: BoolArray | None = None,
    ) -> None:
        """Replace the current track's raw boxes; edits made so far are carried over.

        Raises
        ------
        CropzoomError
            If there is not one box a frame, or a box is invalid.
        """
        self._check_count(len(boxes))
        made = self._entry(BoxTrack(boxes, self.current, source, interpolated))
        raw_csv = self._own_place(self.current, raw_csv) or raw_csv
        color = self.entry.color
        self.entries[self.current] = replace(made, raw_csv=raw_csv, sizing=sizing, color=color)
        self.history.rebase(self, self.current)
        self._number = next(_numbers)

    def check_known(self, name: str) -> None:
        """Refuse a name that no track has.

        Raises
        ------
        CropzoomError
        """
        if name not in self.entries:
            raise CropzoomError(f"There is no track {name!r}; there are {', '.join(self)}.")

    def check_name(self, name: str, *, instead_of: str = "") -> None:
        """Refuse a name that is taken, or that cannot name a folder on every system.

        Names that differ only in case or in the form of accents are one name: there are disks that take
        them for one.

        Parameters
        ----------
        name : str
        instead_of : str
            Name that the track has now.

        Raises
        ------
        CropzoomError
        """
        check_folder_name(name, "a track")
        if name_key(name) == name_key(REVIEW_DIR):
            raise CropzoomError(f"{name!r} is the folder of reviewed boxes; choose another name.")
        for other in self.entries:
            if other != instead_of and name_key(other) == name_key(name):
                raise CropzoomError(f"There is a track {other!r} already; choose another name.")

    # ---- inside --------------------------------------------------------------------------------

    def _own_place(self, name: str, raw_csv: Path | None) -> Path | None:
        """Where a track's raw boxes lie: in a folder of its own, since all reviews have the same names.

        That is the folder of ``raw_csv``, or where another track has that one, or it is not that of the
        first track's boxes or in it, or none is given, the folder of the track's name beside these.
        """
        used = {
            place_key(entry.raw_csv.parent): other
            for other, entry in self.entries.items()
            if other != name and entry.raw_csv is not None
        }
        first = self.first.raw_csv
        if first is None:
            return raw_csv
        is_anywhere = name == next(iter(self)) or _is_below(raw_csv, first.parent)
        if raw_csv is not None and is_anywhere and place_key(raw_csv.parent) not in used:
            return raw_csv
        place = first.parent / name / first.name
        if (other := used.get(place_key(place.parent))) is not None:
            raise CropzoomError(
                f"{place.parent}: there are the boxes of the track {other!r}, which was renamed. Choose "
                f"another name than {name!r}."
            )
        return place

    def _entry(self, track: BoxTrack) -> ReviewedTrack:
        return ReviewedTrack(track, SmoothedTrack(track, self._smoothing))

    def _bare(self, entry: ReviewedTrack) -> ReviewedTrack:
        old = entry.track
        track = BoxTrack(old.raw, old.name, old.raw_source, old.interpolated)
        return replace(entry, track=track, smoothed=SmoothedTrack(track, self._smoothing))

    def _renew(self, edit: Edit | None) -> Edit | None:
        if edit is not None:
            for change in edit.changes:
                self.entries[change.track].smoothed.renew(change.first, change.last)
        return edit

    def _check_count(self, count: int) -> None:
        if count != self.n_frames:
            here = f"{verb(count, 'are')} {counted(count, 'box')}"
            raise CropzoomError(f"There {here}, but the video has {counted(self.n_frames, 'frame')}.")
