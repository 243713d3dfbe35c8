"""The tracks of a session, the edits of them and their history."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from psygnal import Signal

from napari_cropzoom.core import edits, tools
from napari_cropzoom.core.boxes import Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import check_fill
from napari_cropzoom.core.history import History
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothed import SmoothedTrack
from napari_cropzoom.core.smoothing import SmoothingSettings
from napari_cropzoom.io.bbox_csv import read_bbox_csv
from napari_cropzoom.io.session_store import file_sha256
from napari_cropzoom.io.video import Video
from napari_cropzoom.session_journal import SessionJournal
from napari_cropzoom.session_tracks import TRACK_COLORS, TrackState, rename

FIRST_TRACK = "animal"


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """State of a session, to tell whether anything has changed since."""

    newest: Edit | None
    raws: tuple[FloatArray, ...]
    names: tuple[str, ...]
    smoothing: SmoothingSettings
    fill: str

    def is_same(self, other: Moment | None) -> bool:
        """Whether the reviewed boxes of both moments are the same."""
        return (
            other is not None
            and self.newest is other.newest
            and len(self.raws) == len(other.raws)
            and all(mine is theirs for mine, theirs in zip(self.raws, other.raws, strict=True))
            and (self.names, self.smoothing, self.fill) == (other.names, other.smoothing, other.fill)
        )


class EditableTracks:
    """What a person's gestures act on; the base of :class:`napari_cropzoom.session.Session`."""

    boxes_changed = Signal(str, int, int)  # track name, first and last frame, inclusive
    track_changed = Signal()  # another current track, or new raw boxes: every frame is new
    tracks_changed = Signal()  # a track was added, removed, renamed or coloured
    smoothing_changed = Signal()
    predictions_changed = Signal(str)  # "detector" or "pose"
    history_changed = Signal()
    saved = Signal(object)  # Path of the final boxes
    closed = Signal()

    def __init__(self, video: Video) -> None:
        self.video = video
        self.history = History()
        self.detector_poses: Poses | None = None
        self.pose_poses: Poses | None = None
        self._smoothing = SmoothingSettings()
        self._fill = "interpolate"
        track = BoxTrack.empty(video.n_frames, FIRST_TRACK)
        smoothed = SmoothedTrack(track, self._smoothing)
        self.current = FIRST_TRACK
        self.states = {FIRST_TRACK: TrackState(track, None, smoothed)}
        self._journal = SessionJournal(video.path, video.n_frames)
        self._saved: Moment | None = None

    @property
    def n_frames(self) -> int:
        """Frames of the video."""
        return self.video.n_frames

    @property
    def state(self) -> TrackState:
        """The current track and what belongs to it."""
        return self.states[self.current]

    @property
    def track(self) -> BoxTrack:
        """The current track: raw boxes with the edits applied; without any box at first."""
        return self.state.track

    @property
    def tracks(self) -> dict[str, BoxTrack]:
        """Every track by its name."""
        return {name: state.track for name, state in self.states.items()}

    @property
    def raw_csv(self) -> Path | None:
        """Where the current track's raw boxes lie, or will lie; its review is saved beside it."""
        return self.state.raw_csv

    @property
    def read_only(self) -> str:
        """Why nothing can be edited, e.g. because another window has this review; empty if it can."""
        return self._journal.read_only

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.history.undo_label is not None

    @property
    def can_redo(self) -> bool:
        """Whether an undone edit can be done again."""
        return self.history.redo_label is not None

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window; setting it redraws."""
        return self._smoothing

    @smoothing.setter
    def smoothing(self, settings: SmoothingSettings) -> None:
        if settings != self._smoothing:
            self._smoothing = settings
            for state in self.states.values():
                state.smoothed = SmoothedTrack(state.track, settings)
            self._journal.note(self, "smoothing", method=settings.method, window=settings.window)
            self.smoothing_changed.emit()

    @property
    def fill(self) -> str:
        """How frames without a box are filled in the final boxes: ``interpolate`` or ``hold``."""
        return self._fill

    @fill.setter
    def fill(self, how: str) -> None:
        if how != self._fill:
            check_fill(how)
            self._fill = how
            self._journal.note(self, "fill", how=how)
            self.smoothing_changed.emit()

    # ---- edits ---------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Keep an edit in the journal, apply it and remember it.

        Raises
        ------
        CropzoomError
            If it cannot be kept: the session is read-only, or the disk is full. Nothing has changed then.
        """
        self._journal.edit(self, edit)
        edit.apply(self.tracks)
        self.history.push(edit)
        self._changed(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; returns what was applied to do so, None if there was nothing."""
        if not self.can_undo:
            return None
        self._journal.note(self, "undo", begin=True, count=1)
        return self._changed(self.history.undo(self.tracks))

    def redo(self) -> Edit | None:
        """Do the last undone edit again; returns it, None if there was nothing."""
        if not self.can_redo:
            return None
        self._journal.note(self, "redo", begin=True, count=1)
        return self._changed(self.history.redo(self.tracks))

    def go_to_edit(self, count: int) -> None:
        """Undo or redo until ``count`` edits are in force."""
        while len(self.history) > count and self.undo():
            pass
        while len(self.history) < count and self.redo():
            pass

    def set_box(self, frame: int, box: Box) -> None:
        """Make ``frame`` an anchor with this box, snapped to whole pixels and even sizes."""
        self.apply(edits.set_box(self.track, frame, box))

    def delete_box(self, frame: int) -> None:
        """Say that there is no animal in ``frame``."""
        self.apply(edits.delete_box(self.track, frame))

    def accept(self, first: int, last: int) -> None:
        """Say that the boxes of a range are right as they are."""
        self.apply(edits.accept(self.track, first, last))

    def fill_gap(self, first: int, last: int) -> None:
        """Fill the missing frames of a range, in the session's way to fill."""
        self.apply(edits.fill_gap(self.track, first, last, self._fill))

    def revert(self, first: int, last: int) -> None:
        """Bring the raw boxes of a range back."""
        self.apply(edits.revert_to_raw(self.track, first, last))

    # ---- several animals -----------------------------------------------------------------------

    def select_track(self, name: str) -> None:
        """Make a track the one that is shown for editing.

        Raises
        ------
        CropzoomError
            If there is no such track.
        """
        self._known(name)
        if name != self.current:
            self.current = name
            self.track_changed.emit()
            self.tracks_changed.emit()

    def add_track(
        self, name: str, boxes: FloatArray | None = None, raw_csv: Path | None = None
    ) -> TrackState:
        """Add an animal, without boxes or with those of an outside tracker; it becomes the current one.

        Without ``raw_csv`` its raw boxes go to a folder of its own beside the first track's.

        Raises
        ------
        CropzoomError
            If the name is taken, empty or no name for a folder, the boxes are not one a frame, or
            the session is read-only.
        """
        self._journal.check()
        self._check_name(name)
        on_disk = raw_csv is not None and boxes is not None
        first = next(iter(self.states.values())).raw_csv
        if raw_csv is None and first is not None:
            raw_csv = first.parent / name / first.name
        source = Source.DETECTED if boxes is None else Source.IMPORTED
        track = BoxTrack.empty(self.n_frames, name) if boxes is None else BoxTrack(boxes, name, source)
        self._check_count(len(track))
        used = {state.color for state in self.states.values()}
        color = next((c for c in TRACK_COLORS if c not in used), TRACK_COLORS[0])
        smoothed = SmoothedTrack(track, self._smoothing)
        state = TrackState(track, raw_csv, smoothed, color=color)
        if on_disk and raw_csv is not None:
            state.sha256 = file_sha256(raw_csv)
        self.states[name] = state
        self._journal.track_is_new(name)
        self._journal.note(self, "fill", how=self._fill, begin=True)
        self.select_track(name)
        return state

    def remove_track(self, name: str) -> None:
        """Forget a track that no edit touches; its files stay.

        Raises
        ------
        CropzoomError
            If it is the first track, or edits touch it: take those back first.
        """
        self._known(name)
        if name == next(iter(self.states)):
            raise CropzoomError(f"{name!r} is the first track, with which the review is kept; it stays.")
        if self.history.touches(name):
            raise CropzoomError(f"Edits touch the track {name!r}; undo those first.")
        self._journal.note(self, "remove", begin=True, name=name)
        del self.states[name]
        if self.current == name:
            self.current = next(iter(self.states))
            self.track_changed.emit()
        self.tracks_changed.emit()

    def rename_track(self, name: str, new: str) -> None:
        """Give a track another name.

        Raises
        ------
        CropzoomError
            If the new name is taken, empty or no name for a folder.
        """
        self._known(name)
        if new == name:
            return
        self._check_name(new)
        self._journal.note(self, "rename", begin=True, old=name, new=new)
        rename(self.states, self.history, name, new)
        self.current = new if self.current == name else self.current
        self.tracks_changed.emit()

    def set_color(self, name: str, color: str) -> None:
        """Give a track another colour, ``#rrggbb``."""
        self._known(name)
        self.states[name].color = color
        self._journal.track_is_new(name)
        self._journal.note(self, "fill", how=self._fill)
        self.tracks_changed.emit()

    def load_track(self, name: str, raw_csv: Path) -> TrackState:
        """Add an animal with the boxes of a file; frames without a box are welcome.

        Raises
        ------
        CropzoomError
            If the file is not a table of boxes of this video, or the name will not do.
        """
        boxes = read_bbox_csv(raw_csv, self.n_frames, allow_missing=True)
        return self.add_track(name, boxes, raw_csv)

    def swap(self, other: str, first: int, last: int) -> None:
        """Swap the identities of the current track and another over a range of frames."""
        self._known(other)
        self.apply(tools.swap(self.track, self.states[other].track, first, last))

    # ---- inside --------------------------------------------------------------------------------

    def _changed(self, edit: Edit | None) -> Edit | None:
        if edit is None:
            return None
        for change in edit.changes:
            self.states[change.track].smoothed.renew(change.first, change.last)
        for change in edit.changes:
            self.boxes_changed.emit(change.track, change.first, change.last)
        self.history_changed.emit()
        return edit

    def _check_count(self, count: int) -> None:
        if count != self.n_frames:
            raise CropzoomError(f"There are {count} boxes, but the video has {self.n_frames} frames.")

    def _known(self, name: str) -> None:
        if name not in self.states:
            raise CropzoomError(f"There is no track {name!r}; there are {', '.join(self.states)}.")

    def _check_name(self, name: str) -> None:
        if not name.strip() or any(c in name for c in '/\\:*?"<>|') or name.startswith("."):
            raise CropzoomError(f"{name!r} cannot name a track: use letters, digits, spaces, - and _.")
        if name in self.states:
            raise CropzoomError(f"There is a track {name!r} already; choose another name.")

    def _moment(self) -> Moment:
        states = self.states.values()
        raws = tuple(state.track.raw for state in states)
        names = tuple(state.track.name for state in states)
        return Moment(self.history.newest, raws, names, self._smoothing, self._fill)
