"""What a session tells its journal, and when the journal begins."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Protocol

from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.history import History
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.io.journal import Journal, encode_edit
from napari_cropzoom.io.session_store import journal_file, set_aside
from napari_cropzoom.session_tracks import TrackState, first_lines

HEAVY_FRAMES = 5_000  # an edit of more is written without waiting for it


class SessionState(Protocol):
    """What of a session its journal needs to know; see :class:`napari_cropzoom.session.Session`."""

    states: dict[str, TrackState]
    history: History

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window."""
        ...

    @property
    def fill(self) -> str:
        """How gaps are filled."""
        ...


class SessionJournal:
    """The journal of one session. It begins with the first edit: who only looks leaves no file.

    Attributes
    ----------
    read_only : str
        Why no edit can be kept; empty if they can.
    """

    def __init__(self, video: Path, n_frames: int) -> None:
        self._video = video
        self._n_frames = n_frames
        self._journal: Journal | None = None
        self._has_begun = False
        self._planned: Path | None = None
        self._new_tracks: set[str] = set()

    @property
    def read_only(self) -> str:
        """Why no edit can be kept; empty if they can."""
        return self._journal.locked_out if self._journal else ""

    def attach(self, raw_csv: Path | None, *, goes_on: bool) -> None:
        """Take the journal of the review of ``raw_csv``, and its lock, and let go of any other.

        Parameters
        ----------
        raw_csv : Path or None
            None for boxes that lie nowhere; edits of those are not kept.
        goes_on : bool
            The session is in the state that the journal's last line left it in. Otherwise a journal
            that is there is set aside once there is something to write.
        """
        self._planned = None
        path = journal_file(raw_csv) if raw_csv is not None else None
        if self._journal is not None and self._journal.path == path:
            self._has_begun = self._has_begun and goes_on
            return
        other = Journal(path) if path is not None else None
        self.close()
        self._journal = other
        self._has_begun = goes_on and other is not None and not other.is_empty
        self._new_tracks.clear()

    def attach_later(self, raw_csv: Path) -> None:
        """Take the journal of the review of ``raw_csv`` when there is something to write."""
        self.close()
        self._planned = raw_csv

    def track_is_new(self, name: str) -> None:
        """Write the track's line before the next one: it is new, or its raw boxes are."""
        self._new_tracks.add(name)

    def edit(self, session: SessionState, edit: Edit) -> None:
        """Keep an edit that is about to be applied.

        Raises
        ------
        CropzoomError
            If it cannot be kept, e.g. because the session is read-only or the disk is full.
        """
        journal = self._begin(session)
        if journal is None:
            return
        if edit.last - edit.first >= HEAVY_FRAMES:
            journal.append_later(lambda: encode_edit(edit))
        else:
            journal.append(encode_edit(edit))

    def note(self, session: SessionState, what: str, *, begin: bool = False, **values: Any) -> None:
        """Keep something else, if the journal has begun or is to begin with it.

        Raises
        ------
        CropzoomError
            As :meth:`edit`; a read-only session that has nothing to begin says nothing.
        """
        if not begin and (not self._has_begun or self.read_only):
            return
        journal = self._begin(session)
        if journal is not None:
            journal.append({"do": what, **values})

    def check(self) -> None:
        """Refuse edits of a read-only session.

        Raises
        ------
        CropzoomError
        """
        if self.read_only:
            raise CropzoomError(self.read_only)

    def flush(self) -> None:
        """Wait until everything is on the disk."""
        if self._journal is not None and not self._journal.locked_out:
            self._journal.flush()

    def close(self) -> None:
        """Finish writing and give the lock back."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._has_begun = False

    def _begin(self, session: SessionState) -> Journal | None:
        """Write what has to come before the next line; returns the journal if there is one."""
        if self._planned is not None:
            self.attach(self._planned, goes_on=False)
        journal = self._journal
        if journal is None:
            return None
        if journal.locked_out:
            raise CropzoomError(journal.locked_out)
        if not self._has_begun:
            if journal.path.exists():
                set_aside(journal.path)
            journal.restart()
            self._has_begun = True
            for entry in first_lines(self._video, self._n_frames, []):
                journal.append(entry)
            for state in session.states.values():
                self._append_track(journal, state)
            self._append_past(journal, session)
        else:
            for name in self._new_tracks & set(session.states):
                self._append_track(journal, session.states[name])
        self._new_tracks.clear()
        return journal

    @staticmethod
    def _append_track(journal: Journal, state: TrackState) -> None:
        folder, name = journal.path.parent, state.track.name
        if state.sha256:
            journal.append(state.entry(folder, name))
        else:
            journal.append_later(lambda: state.entry(folder, name))

    @staticmethod
    def _append_past(journal: Journal, session: SessionState) -> None:
        """Settings and edits made before the journal, or carried over to new raw boxes."""
        smoothing: SmoothingSettings = session.smoothing
        journal.append({"do": "smoothing", "method": smoothing.method, "window": smoothing.window})
        journal.append({"do": "fill", "how": session.fill})
        past = session.history.every
        for edit in past:
            journal.append_later(partial(encode_edit, edit))
        undone = len(past) - len(session.history)
        if undone:
            journal.append({"do": "undo", "count": undone})
