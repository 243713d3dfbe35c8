"""The tracks of a review, the edits of them and their history; writes nothing and knows no signals."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Source
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.editing.settings import RawBoxes, Settings, SettingsEdit, SizingEdit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.names import check_folder_name, name_key
from napari_cropzoom.files.review_paths import REVIEW_DIR
from napari_cropzoom.review.reviewed_track import BoxLikelihood, ReviewedTrack, own_place

FIRST_TRACK = "animal"
_numbers = itertools.count(1)


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
    tried : Edit or None
        In force already, but not in the history yet; see :meth:`try_out`.
    """

    def __init__(self, n_frames: int, name: str = FIRST_TRACK) -> None:
        self.n_frames = n_frames
        self.history = History()
        self.tried: Edit | None = None
        self._n_tried = 0
        self._settings = Settings()
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
    def own_raw(self) -> Path | None:
        """Raw boxes of a further animal that is current, whose results lie beside; None for the first."""
        return None if self.entry is self.first else self.entry.raw_csv

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
        edit = -self._n_tried if isinstance(self.tried, SizingEdit) else self.history.revision
        return Revision(edit, self._number, self.smoothing, self.fill)

    @property
    def settings(self) -> Settings:
        """Smoothing and filling, of all tracks; setting them is no edit."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        is_other = settings.smoothing != self.smoothing
        self._settings = settings
        for entry in self.entries.values() if is_other else ():
            entry.smoothed = SmoothedTrack(entry.track, settings.smoothing)

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window."""
        return self._settings.smoothing

    @smoothing.setter
    def smoothing(self, settings: SmoothingSettings) -> None:
        self.settings = replace(self._settings, smoothing=settings)

    @property
    def fill(self) -> str:
        """How frames without a box are filled in the final boxes."""
        return self._settings.fill

    @fill.setter
    def fill(self, how: str) -> None:
        self.settings = replace(self._settings, fill=how)

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

    def try_out(self, edit: Edit) -> Edit:
        """Apply an edit that is not in the history yet, and return what is in force now in its place.

        One that goes on with what is tried out already, as :meth:`.edits.Edit.joined` says, becomes
        part of it.
        """
        joined = self.tried.joined(edit) if self.tried is not None else None
        self.tried = joined or edit
        self._n_tried += 1
        self.tried.apply(self)
        self._renew(self.tried)
        return self.tried

    def keep_tried(self) -> None:
        """Take what is tried out into the history."""
        if self.tried is not None:
            self.history.push(self.tried)
            self.tried = None

    def drop_tried(self) -> Edit | None:
        """Take back what is tried out; returns what was applied to do so, None if there was nothing."""
        tried, self.tried = self.tried, None
        if tried is None:
            return None
        back = tried.inverse()
        back.apply(self)
        return self._renew(back)

    def without_edits(self) -> Tracks:
        """The same tracks and settings with the raw boxes as they are, and no history."""
        bare = Tracks(self.n_frames)
        bare._settings = self._settings
        bare.entries = {name: bare._bare(entry) for name, entry in self.entries.items()}
        bare.current = self.current
        return bare

    # ---- tracks --------------------------------------------------------------------------------

    def new(
        self,
        name: str,
        boxes: FloatArray | None = None,
        raw_csv: Path | None = None,
        confidence: FloatArray | None = None,
    ) -> ReviewedTrack:
        """A track to :meth:`add`, in a colour of its own.

        Parameters
        ----------
        name : str
        boxes : ndarray, (T, 4), optional
            Those of an outside tracker; none for a track without boxes.
        raw_csv : Path, optional
            Where they lie; by default they are to lie in a folder of their own beside the first track's.
        confidence : ndarray, (T,), optional
            How sure the tracker is of them, 0 to 1, NaN where it says nothing.

        Raises
        ------
        CropzoomError
            If the name is taken, or no name for a folder on every system, or another track has its
            boxes in the folder of this name, or the boxes are not one a frame.
        """
        self.check_name(name)
        raw_csv = own_place(self.entries, name, raw_csv)
        if boxes is None:
            track = BoxTrack.empty(self.n_frames, name)
        else:
            self._check_count(len(boxes))
            track = BoxTrack(boxes, name, Source.IMPORTED)
        used = {entry.color for entry in self.entries.values()}
        color = next((each for each in ANIMAL_COLORS if each not in used), ANIMAL_COLORS[0])
        likelihoods = () if confidence is None else (BoxLikelihood(track.raw, confidence),)
        return replace(self._entry(track), raw_csv=raw_csv, color=color, likelihoods=likelihoods)

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
        raw_csv = own_place(self.entries, self.current, raw_csv) or raw_csv
        color = self.entry.color
        self.entries[self.current] = replace(made, raw_csv=raw_csv, sizing=sizing, color=color)
        self.history.rebase(self, self.current)
        self._number = next(_numbers)

    def renew_raw(self, name: str, raw: RawBoxes, sha256: str) -> None:
        """Replace the raw boxes of a track by others found in its file; edits so far are carried over."""
        track = self[name]
        track.put_raw(raw.boxes, raw.source, raw.interpolated)
        track.put(0, track.raw_state(0, len(track) - 1))
        self._take_raw(name, raw.sizing, sha256)
        self.history.rebase(self, name)
        self._number = next(_numbers)

    def relocate(self, name: str, raw_csv: Path) -> bool:
        """Have the raw boxes of a track elsewhere, where that is not its place; says whether it is new.

        Raises
        ------
        CropzoomError
            If another track has that place.
        """
        place = own_place(self.entries, name, raw_csv) or raw_csv
        is_new = place != self.entries[name].raw_csv
        if is_new:
            self.entries[name] = replace(self.entries[name], raw_csv=place, sha256="")
        return is_new

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

    def _entry(self, track: BoxTrack) -> ReviewedTrack:
        return ReviewedTrack(track, SmoothedTrack(track, self.smoothing))

    def _bare(self, entry: ReviewedTrack) -> ReviewedTrack:
        track = entry.track.bare()
        return replace(entry, track=track, smoothed=SmoothedTrack(track, self.smoothing))

    def _renew(self, edit: Edit | None) -> Edit | None:
        if isinstance(edit, SettingsEdit):
            self.settings = edit.becomes
        elif isinstance(edit, SizingEdit):
            self._take_raw(edit.track, edit.becomes.sizing, "")
        elif edit is not None:
            for change in edit.changes:
                self.entries[change.track].smoothed.renew(change.first, change.last)
        return edit

    def _take_raw(self, name: str, sizing: SizingSettings | None, sha256: str) -> None:
        """Follow other raw boxes of a track; the entry is new, since a thread may write the old one."""
        entry = self.entries[name]
        smoothed = SmoothedTrack(entry.track, self.smoothing)
        self.entries[name] = replace(entry, smoothed=smoothed, sizing=sizing, sha256=sha256)

    def _check_count(self, count: int) -> None:
        if count != self.n_frames:
            here = f"{verb(count, 'are')} {counted(count, 'box')}"
            raise CropzoomError(f"There {here}, but the video has {counted(self.n_frames, 'frame')}.")
