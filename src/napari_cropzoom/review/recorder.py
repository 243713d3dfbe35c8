"""What is written into the journal of a review, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.settings import SettingsEdit, SizingEdit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.journal import Journal
from napari_cropzoom.files.journal_lines import VERSION, Entry, encode_edit
from napari_cropzoom.files.provenance import file_identity
from napari_cropzoom.files.review_paths import journal_file, set_aside
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.stored import track_line, write_raw
from napari_cropzoom.review.tracks import Tracks

HEAVY_FRAMES = 5_000  # an edit of more is written without waiting for it
Line = Entry | Callable[[], Entry]
"""A line, or what makes it in the writing thread because that takes a while."""


class JournalRecorder:
    """Writes down what happens in a review; the journal begins with the first edit.

    What happens before, and new raw boxes, is held back and written just before the next line that
    matters: a person who only looks at a video leaves no file.

    Parameters
    ----------
    video : Path
    n_frames : int
    """

    def __init__(self, video: Path, n_frames: int) -> None:
        self._video = video
        self._head = partial(_head_line, video, n_frames)
        self._journal: Journal | None = None
        self._planned: Path | None = None
        self._has_begun = False
        self._held: dict[Hashable, Line] = {}  # a newer line takes the place of one with the same key

    @property
    def read_only(self) -> str:
        """Why no edit can be kept; empty if they can."""
        return self._journal.locked_out if self._journal else ""

    @property
    def told(self) -> str:
        """What a person should know of how the journal was opened; mostly empty."""
        return self.read_only or (self._journal.note if self._journal else "")

    def check(self) -> None:
        """Refuse edits of a read-only review.

        Raises
        ------
        CropzoomError
        """
        if self.read_only:
            raise CropzoomError(self.read_only)

    # ---- which journal -------------------------------------------------------------------------

    def go_on(self, raw_csv: Path) -> None:
        """Take the journal of the review of ``raw_csv``, whose last line is the present state."""
        self._take(journal_file(raw_csv))
        self._has_begun = self._journal is not None and not self._journal.is_empty

    def start(self, raw_csv: Path, tracks: Tracks, *, later: bool = False) -> None:
        """Take the journal of the review of ``raw_csv`` for a review in the state of ``tracks``.

        A journal that is there already is set aside once there is something to write.

        Parameters
        ----------
        raw_csv : Path
        tracks : Tracks
        later : bool
            Touch nothing on the disk before there is something to write, the lock neither.
        """
        path = journal_file(raw_csv)
        if later:
            self.close()
            self._planned = path
        else:
            self._take(path)
        self._has_begun = False
        self._held = {"begin": self._head}
        for entry in tracks.entries.values():
            self._hold_track(path.parent, entry)
        past = tracks.history.every
        settings = next((e.was for e in past if isinstance(e, SettingsEdit)), tracks.settings)
        self._held["smoothing"] = _smoothing_line(settings.smoothing)
        self._held["fill"] = _fill_line(settings.fill)
        sized: set[str] = set()
        for number, edit in enumerate(past):
            self._held["edit", number] = partial(encode_edit, edit, with_raw=not sized & {*edit.names})
            sized.update(edit.names if isinstance(edit, SizingEdit) else ())
        if len(past) > len(tracks.history):
            self._held["undo"] = {"do": "undo", "count": len(past) - len(tracks.history)}

    def move(self, raw_csv: Path, tracks: Tracks) -> None:
        """Write the whole review at once beside ``raw_csv``, whatever became of the journal so far.

        Raises
        ------
        CropzoomError
            If it cannot be written there; the journal is then the one before.
        """
        before = (self._journal, self._planned, self._has_begun, self._held)
        is_here = self._path == journal_file(raw_csv)
        if not is_here:
            self._journal = self._planned = None
            self._held = {}
        try:
            self.start(raw_csv, tracks)
            self._write()
            self.flush()
        except BaseException:
            if not is_here:
                self.close()
                self._journal, self._planned, self._has_begun, self._held = before
            raise
        if not is_here and before[0] is not None:
            before[0].close()

    def new_raw(self, raw_csv: Path, tracks: Tracks, name: str) -> None:
        """The track ``name`` has new raw boxes; the journal is that of the review of ``raw_csv``."""
        is_here = self._journal is not None and self._journal.path == journal_file(raw_csv)
        if is_here and self._has_begun:
            entry = tracks.entries[name]
            self._hold_track(journal_file(raw_csv).parent, entry)
            if entry is not tracks.first and not entry.begins_empty and not entry.sha256:
                self._write_if_begun()  # the first boxes of an animal, which are in no file yet
        else:
            self.start(raw_csv, tracks)

    # ---- what happens --------------------------------------------------------------------------

    def edit(self, edit: Edit, *, with_raw: bool = True) -> None:
        """An edit is about to be applied.

        Parameters
        ----------
        edit : Edit
        with_raw : bool
            See :func:`.journal_lines.encode_edit`.

        Raises
        ------
        CropzoomError
            If it cannot be kept, e.g. because the review is read-only or the disk is full.
        """
        count = len(edit.keeps_box) if isinstance(edit, SizingEdit) else edit.last - edit.first
        make = partial(encode_edit, edit, with_raw=with_raw)
        self._write(make if count >= HEAVY_FRAMES else make())

    def raw(self, entry: ReviewedTrack) -> None:
        """The raw boxes of a track have changed by an edit that was written; their file follows."""
        self._write(partial(_raw_line, entry, entry.track.name, self._video))

    def write(self, what: str, **values: Any) -> None:
        """Something else is about to happen that is to be kept, e.g. ``undo``.

        Raises
        ------
        CropzoomError
            As :meth:`edit`.
        """
        self._write({"do": what, **values})

    def new_track(self, entry: ReviewedTrack) -> None:
        """A track is about to be added.

        Raises
        ------
        CropzoomError
            As :meth:`edit`.
        """
        if self._path is not None:
            self._hold_track(self._path.parent, entry)
            self._write()

    def color(self, entry: ReviewedTrack) -> None:
        """A track has another colour."""
        if self._has_begun:
            name = entry.track.name
            self._held["color", name] = {"do": "color", "name": name, "color": entry.color}
            self._write_if_begun()
        elif self._path is not None:
            self._hold_track(self._path.parent, entry)

    def smoothing(self, settings: SmoothingSettings) -> None:
        """Method and window are others, before there is anything that an edit could be of."""
        self._held["smoothing"] = _smoothing_line(settings)
        self._write_if_begun()

    def fill(self, how: str) -> None:
        """Gaps are filled in another way, likewise."""
        self._held["fill"] = _fill_line(how)
        self._write_if_begun()

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        if self._journal is not None and not self._journal.locked_out:
            self._journal.flush()

    def close(self) -> None:
        """Finish writing and give the lock back."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._planned = None
        self._has_begun = False
        self._held.clear()

    # ---- inside --------------------------------------------------------------------------------

    @property
    def _path(self) -> Path | None:
        return self._journal.path if self._journal is not None else self._planned

    def _take(self, path: Path) -> None:
        """Take a journal and its lock, and let go of any other; that this one is kept keeps its lock."""
        if self._journal is not None and self._journal.path == path:
            self._held.clear()
            return
        other = Journal(path)
        self.close()
        self._journal = other

    def _hold_track(self, folder: Path, entry: ReviewedTrack) -> None:
        name = entry.track.name
        make = partial(track_line, entry, folder, name, self._video)
        self._held["track", name] = make() if entry.sha256 else make

    def _write_if_begun(self) -> None:
        if self._has_begun and not self.read_only:
            self._write()

    def _write(self, *lines: Line) -> None:
        """Write what is held and then ``lines``; begin the journal with it if need be."""
        if self._planned is not None:
            self._journal, self._planned = Journal(self._planned), None
        journal = self._journal
        if journal is None:
            return
        if journal.locked_out:
            raise CropzoomError(journal.locked_out)
        if not self._has_begun:
            if journal.path.exists():
                set_aside(journal.path)  # also one that came there meanwhile
            journal.restart()
            self._has_begun = True
        while self._held:  # what cannot be written is still held
            key = next(iter(self._held))
            _append(journal, self._held[key])
            del self._held[key]
        for line in lines:
            _append(journal, line)


def _append(journal: Journal, line: Line) -> None:
    if callable(line):
        journal.append_later(line)
    else:
        journal.append(line)


def _head_line(video: Path, n_frames: int) -> Entry:
    """First line of a journal; says which video it is of, as far as that can be read."""
    head: Entry = {"do": "begin", "version": VERSION, "video": video.name, "n_frames": n_frames}
    with contextlib.suppress(OSError):
        head["made_of"] = {"name": video.name, **file_identity(video)}
    return head


def _raw_line(entry: ReviewedTrack, name: str, video: Path) -> Entry:
    """Line for raw boxes that an edit has changed; writes them."""
    write_raw(entry, video)
    return {"do": "raw", "name": name, "sha256": entry.sha256}


def _smoothing_line(settings: SmoothingSettings) -> Entry:
    return {"do": "smoothing", "method": settings.method, "window": settings.window}


def _fill_line(how: str) -> Entry:
    return {"do": "fill", "how": how}
