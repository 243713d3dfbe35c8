"""Unlimited undo and redo over all tracks of a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from napari_cropzoom.core.editing.edits import Edit, Tracks
from napari_cropzoom.core.editing.settings import SettingsEdit, SizingEdit
from napari_cropzoom.core.words import counted


class History:
    """The edits of a session in their order, and how many of them are in force."""

    def __init__(self) -> None:
        self._edits: list[Edit] = []
        # One an edit, none used twice; what leaves boxes and their sources alone has the boxes of the one
        # before.
        self._states: list[int] = []
        self._numbers: list[int] = []
        self._n_pushed = 0
        self._done = 0

    def __iter__(self) -> Iterator[Edit]:
        """Edits in force, oldest first."""
        return iter(self._edits[: self._done])

    def __len__(self) -> int:
        """Edits in force."""
        return self._done

    def __repr__(self) -> str:
        return f"<History: {counted(len(self), 'edit')}, {len(self._edits) - len(self)} undone>"

    @property
    def newest(self) -> Edit | None:
        """The edit that undo would take back."""
        return self._edits[self._done - 1] if self._done else None

    @property
    def newest_undone(self) -> Edit | None:
        """The edit that redo would do again."""
        return self._edits[self._done] if self._done < len(self._edits) else None

    @property
    def revision(self) -> int:
        """Number of the newest edit of boxes in force, 0 for none; the same number, the same boxes.

        An edit of settings does not count, see :attr:`.tracks.Revision`, nor does one that only accepts.
        """
        return self._numbers[self._done - 1] if self._done else 0

    @property
    def state(self) -> int:
        """Number of the newest edit of whatever kind in force, 0 for none."""
        return self._states[self._done - 1] if self._done else 0

    @property
    def every(self) -> tuple[Edit, ...]:
        """Every edit, oldest first; those from ``len(history)`` on are undone."""
        return tuple(self._edits)

    @property
    def undo_label(self) -> str | None:
        """What undo would take back."""
        return self.newest.label if self.newest else None

    @property
    def redo_label(self) -> str | None:
        """What redo would do again."""
        return self.newest_undone.label if self.newest_undone else None

    def push(self, edit: Edit) -> None:
        """Record an edit that has just been applied; what was undone before is forgotten."""
        if self._done < len(self._edits):
            del self._edits[self._done :], self._numbers[self._done :], self._states[self._done :]
        self._n_pushed += 1
        self._numbers.append(self._n_pushed if _moves(edit) else self.revision)
        self._states.append(self._n_pushed)
        self._edits.append(edit)
        self._done += 1

    def undo(self, tracks: Tracks) -> Edit | None:
        """Take the last edit back and return what was applied to do so, None if there is none."""
        if not self._done:
            return None
        self._done -= 1
        inverse = self._edits[self._done].inverse()
        inverse.apply(tracks)
        return inverse

    def redo(self, tracks: Tracks) -> Edit | None:
        """Do the last undone edit again and return it, None if there is none."""
        if self._done == len(self._edits):
            return None
        edit = self._edits[self._done]
        edit.apply(tracks)
        self._done += 1
        return edit

    def rebase(self, tracks: Tracks, name: str) -> None:
        """Carry all edits over to the track ``name``, whose raw boxes are new and hold no edit yet.

        Other tracks keep their state. Edits of how its raw boxes were made are forgotten.
        """
        self.forget_sizing(name)
        edits, done = self._edits, self._done
        track = tracks[name]
        for place, edit in enumerate(edits):
            moved = edit.rebased(tracks, name)
            edits[place] = moved
            for change in moved.changes:
                if change.track == name:
                    track.put(change.first, change.after)
        for edit in reversed(edits[done:]):
            for change in edit.changes:
                if change.track == name:
                    track.put(change.first, change.before)

    def forget_sizing(self, name: str) -> None:
        """Forget how raw boxes of the track ``name`` were made; it has others now."""
        kept = [n for n, edit in enumerate(self._edits) if not _sizes(edit, name)]
        self._done = sum(n < self._done for n in kept)
        self._edits = [self._edits[n] for n in kept]
        self._numbers = [self._numbers[n] for n in kept]
        self._states = [self._states[n] for n in kept]

    def sizes(self, name: str) -> bool:
        """Whether any edit, in force or undone, gives the track ``name`` other raw boxes."""
        return any(_sizes(edit, name) for edit in self._edits)

    def rename(self, names: Mapping[str, str]) -> None:
        """Follow tracks that have other names now."""
        self._edits = [edit.renamed(names) for edit in self._edits]

    def touches(self, name: str) -> bool:
        """Whether any edit, in force or undone, changes the track ``name``."""
        return any(name in edit.names for edit in self._edits)


def _moves(edit: Edit) -> bool:
    """Whether a box is another one after an edit, or comes from elsewhere."""
    if isinstance(edit, SettingsEdit | SizingEdit):
        return isinstance(edit, SizingEdit)
    return not all(each.keeps("boxes") and each.keeps("source") for each in edit.changes)


def _sizes(edit: Edit, name: str) -> bool:
    return isinstance(edit, SizingEdit) and edit.track == name
