"""Edits on their way: into the journal first, then into the tracks and the history."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from psygnal import Signal

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.edits import Change, Edit
from napari_cropzoom.core.editing.settings import RawBoxes, Settings, SettingsEdit, SizingEdit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.belonging import check_made_of
from napari_cropzoom.files.review_paths import is_labels
from napari_cropzoom.review.recorder import JournalRecorder
from napari_cropzoom.review.tracks import Tracks


class Editing:
    """Applies edits of tracks and has them kept; takes them back and does them again.

    What is dragged with the mouse is tried out: it is in force at once, and becomes one edit when it is
    settled. Everything else settles it first.

    Parameters
    ----------
    tracks : Tracks
    journal : JournalRecorder
    video : Path
        To refuse a place where boxes of another video are.

    Attributes
    ----------
    tracks : Tracks
        Others when another review is taken.
    """

    applied = Signal(object)  # Edit that is in force now, or what has taken one back
    history_changed = Signal()
    animal_asked = Signal(str)  # track that undo or redo is about to change, and is not shown
    stepped = Signal(object, bool)  # Edit that was taken back (False) or done again (True)

    def __init__(self, tracks: Tracks, journal: JournalRecorder, video: Path) -> None:
        self.tracks = tracks
        self._journal = journal
        self._video = video

    def apply(self, edit: Edit) -> None:
        """Keep an edit, apply it and remember it; one that changes nothing is left out.

        Raises
        ------
        CropzoomError
            If it cannot be kept; nothing has changed then.
        """
        self.settle()
        self._journal.check()
        if is_labels(self._video) and any(map(_is_of_neighbours, edit.changes)):
            raise CropzoomError(
                "These are single images: those before and after say nothing of where the animal is. Set "
                "the box by hand."
            )
        if not edit.is_nothing:
            self._keep(edit)
            self.tracks.apply(edit)
            self._tell(edit)

    def try_out(self, edit: Edit) -> None:
        """Apply an edit that goes on with the one tried out before, or else settle that one first.

        Raises
        ------
        CropzoomError
            If nothing can be kept, or not what was tried out before; nothing has changed then.
        """
        tried = self.tracks.tried
        if tried is not None and tried.joined(edit) is None:
            self.settle()
        self._journal.check()
        if self.tracks.tried is not None or not edit.is_nothing:
            self.applied.emit(self.tracks.try_out(edit))

    def try_smoothing(self, settings: SmoothingSettings) -> None:
        """Smooth otherwise while a person looks for the right setting."""
        self._try_settings(replace(self.tracks.settings, smoothing=settings))

    def try_fill(self, how: str) -> None:
        """Fill gaps otherwise."""
        self._try_settings(replace(self.tracks.settings, fill=how))

    def try_boxes(self, name: str, raw: RawBoxes, raw_csv: Path, label: str = "") -> None:
        """Put the boxes of a track, which has some, otherwise round the keypoints, or take others.

        Parameters
        ----------
        name : str
            Of the track.
        raw : RawBoxes
        raw_csv : Path
            Where they are to lie; undo does not bring them back to where they were before.
        label : str
            Of the edit; by default what was changed of the size.

        Raises
        ------
        CropzoomError
            As :meth:`try_out`; or there are boxes of another video.
        """
        self._journal.check()
        tracks = self.tracks
        if raw_csv != tracks.entries[name].raw_csv:
            check_made_of(raw_csv, self._video)
            self.settle()
            if tracks.relocate(name, raw_csv):
                assert tracks.first.raw_csv is not None
                self._journal.start(tracks.first.raw_csv, tracks)
        self.try_out(SizingEdit.to(tracks[name], tracks.entries[name].sizing, raw, label))

    def settle(self) -> None:
        """Keep what is tried out as one edit, and remember it.

        Raises
        ------
        CropzoomError
            If it cannot be kept; it is taken back then.
        """
        tried = self.tracks.tried
        if tried is None:
            return
        try:
            if not tried.is_nothing:
                self._keep(tried)
        except CropzoomError:
            self._drop()
            raise
        if tried.is_nothing:
            self._drop()
            return
        self.tracks.keep_tried()
        self._tell_kept(tried)

    def close(self) -> None:
        """Settle if that is possible; a window that may lose edits has asked before."""
        with contextlib.suppress(CropzoomError):
            self.settle()

    def undo(self) -> Edit | None:
        """Take the last edit back; returns what was applied to do so, None if there was nothing."""
        self.settle()
        return self._step("undo", self.tracks.history.newest, self.tracks.undo)

    def redo(self) -> Edit | None:
        """Do the last undone edit again; returns it, None if there was nothing."""
        self.settle()
        return self._step("redo", self.tracks.history.newest_undone, self.tracks.redo)

    def go_to(self, count: int) -> None:
        """Undo or redo until ``count`` edits are in force."""
        while len(self.tracks.history) > count and self.undo():
            pass
        while len(self.tracks.history) < count and self.redo():
            pass

    # ---- inside --------------------------------------------------------------------------------

    def _try_settings(self, settings: Settings) -> None:
        """Try out settings; before there are boxes there is nothing that an edit could be of."""
        tracks = self.tracks
        edit = SettingsEdit.between(tracks.settings, settings)
        if tracks.with_boxes or tracks.history.every:
            self.try_out(edit)
        elif not edit.is_nothing:
            tracks.settings = settings
            self._journal.smoothing(settings.smoothing)
            self._journal.fill(settings.fill)
            self.applied.emit(edit)

    def _step(self, what: str, edit: Edit | None, step: Callable[[], Edit | None]) -> Edit | None:
        self._journal.check()
        if edit is None:
            return None
        if edit.names and self.tracks.current not in edit.names:
            self.animal_asked.emit(edit.names[0])
        self._journal.write(what, count=1)
        done = step()
        if done is not None:
            self._tell(done)
            self.stepped.emit(edit, what == "redo")
        return done

    def _keep(self, edit: Edit) -> None:
        is_first = isinstance(edit, SizingEdit) and not self.tracks.history.sizes(edit.track)
        self._journal.edit(edit, with_raw=is_first)

    def _drop(self) -> None:
        back = self.tracks.drop_tried()
        if back is not None:
            self.applied.emit(back)

    def _tell(self, edit: Edit) -> None:
        self.applied.emit(edit)
        self._tell_kept(edit)

    def _tell_kept(self, edit: Edit) -> None:
        self.history_changed.emit()
        if isinstance(edit, SizingEdit):
            self._journal.raw(self.tracks.entries[edit.track])


def _is_of_neighbours(change: Change) -> bool:
    """Whether a box would be worked out from those of other frames."""
    made = np.isin(change.after.source, (Source.INTERPOLATED, Source.FILLED))
    return bool((made & (change.after.source != change.before.source)).any())
