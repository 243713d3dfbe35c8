"""One open video with its boxes, keypoints, edits and settings: the only owner of state."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_cropzoom.core.boxes import BoolArray, Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.editing import edits, range_tools
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.history import History
from napari_cropzoom.core.editing.settings import RawBoxes, Settings, SettingsEdit, SizingEdit
from napari_cropzoom.core.inspection.inspection import Suspect
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.files.belonging import check_made_of, read_predictions_of
from napari_cropzoom.review.editing import Editing
from napari_cropzoom.review.keypoints import Keypoints, Kind
from napari_cropzoom.review.moving import claim_place, move_review
from napari_cropzoom.review.recorder import JournalRecorder
from napari_cropzoom.review.replay import read_raw
from napari_cropzoom.review.saved_files import OnDisk, SavedFiles
from napari_cropzoom.review.saving import PendingSave
from napari_cropzoom.review.stored import StoredReview, WhenChanged, read_review
from napari_cropzoom.review.suspects import Suspects
from napari_cropzoom.review.tracks import Revision, Tracks
from napari_cropzoom.video.video import Video


class Session:
    """The review of one video: owns its parts and tells the views what has changed.

    What shows the state listens to the signals; what changes it calls a method here. Knows neither Qt
    nor napari, and is to be used from one thread. Every edit is kept at once in a journal beside the
    first track's raw boxes, see :mod:`napari_cropzoom.files.journal`; opening those brings it all back.

    Attributes
    ----------
    video : Video
        The open video; the session closes it. ``frame_size`` is its width and height.
    tracks : Tracks
        Every track by its name, with its edits and history.
    keypoints, suspects
        Of the detector and the pose model; the queue.
    editing : Editing
        Applies edits, and tries out settings.
    """

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
        self.frame_size = (video.width, video.height)
        self.tracks = Tracks(video.n_frames)
        if video.images is not None:  # what lies beside an image says nothing of it
            self.tracks.settings = Settings(SmoothingSettings(window=1))
        self.keypoints = Keypoints(video.n_frames, self.tracks)
        self.suspects = Suspects(self.tracks, self.keypoints, self.frame_size, video.index.damage)
        self.suspects.image_sizes = video.sizes
        self._journal = JournalRecorder(video.path, video.n_frames)
        self.editing = Editing(self.tracks, self._journal, video.path)
        self.editing.applied.connect(self._on_applied)
        self.editing.animal_asked.connect(self.select_track)
        self.editing.history_changed.connect(self.history_changed.emit)
        self._saved = SavedFiles()

    def __repr__(self) -> str:
        return f"<Session of {self.video.path.name}: {self.tracks!r}>"

    @property
    def n_frames(self) -> int:
        """Frames of the video."""
        return self.video.n_frames

    @property
    def current(self) -> str:
        """Name of the track that edits act on."""
        return self.tracks.current

    @property
    def track(self) -> BoxTrack:
        """The current track: raw boxes with the edits applied; without any box at first."""
        return self.tracks.entry.track

    @property
    def raw_csv(self) -> Path | None:
        """Where the current track's raw boxes lie, or will lie; its review is saved beside it."""
        return self.tracks.entry.raw_csv

    @property
    def sizing(self) -> SizingSettings | None:
        """How the raw boxes were made of the detector's keypoints; None if they came from elsewhere."""
        return self.tracks.entry.sizing

    @property
    def detector_poses(self) -> Poses | None:
        """Keypoints of the detector."""
        return self.keypoints.get("detector")

    @property
    def pose_poses(self) -> Poses | None:
        """Keypoints that the pose model has found in the boxes of the current track."""
        return self.keypoints.get("pose")

    @property
    def has_boxes(self) -> bool:
        """Whether any frame has a box."""
        return self.tracks.entry.has_boxes

    @property
    def read_only(self) -> str:
        """Why nothing can be edited, e.g. because another window has this review; empty if it can."""
        return self._journal.read_only

    @property
    def revision(self) -> Revision:
        """Equal revisions have equal reviewed boxes."""
        return self.tracks.revision

    @property
    def on_disk(self) -> OnDisk:
        """What the files of final boxes hold now, by whatever program."""
        return self._saved.state(self.tracks, self.video.path)

    @property
    def unsaved(self) -> bool:
        """Whether there are boxes that the files of final boxes do not hold."""
        return bool(self.tracks.with_boxes) and self.on_disk is not OnDisk.SAME

    @property
    def history(self) -> History:
        return self.tracks.history

    def final_box(self, frame: int) -> Box:
        """Final box of one frame, missing where it has none: gaps are filled on saving."""
        return self.tracks.entry.final_box(frame)

    def final_boxes(self) -> FloatArray:
        """(T, 4) x, y, w, h as other steps take them: smoothed, gaps filled, whole pixels."""
        return self.tracks.entry.final_boxes(self.fill)

    def queue(self, amount: float | None = None) -> list[Suspect]:
        """Suspects that nobody has settled or corrected, the highest score first."""
        return list(self.suspects.entries(amount)[0])

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window; setting it is an edit once there are boxes."""
        return self.tracks.smoothing

    @smoothing.setter
    def smoothing(self, settings: SmoothingSettings) -> None:
        self.editing.try_smoothing(settings)
        self.editing.settle()

    @property
    def fill(self) -> str:
        """How frames without a box are filled in the final boxes; setting it likewise."""
        return self.tracks.fill

    @fill.setter
    def fill(self, how: str) -> None:
        self.editing.try_fill(how)
        self.editing.settle()

    def apply(self, edit: Edit) -> None:
        """Keep an edit in the journal, apply it and remember it; see :meth:`.editing.Editing.apply`."""
        self.editing.apply(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; returns what was applied to do so, None if there was nothing."""
        return self.editing.undo()

    def redo(self) -> Edit | None:
        """Do the last undone edit again; returns it, None if there was nothing."""
        return self.editing.redo()

    def go_to_edit(self, count: int) -> None:
        """Undo or redo until ``count`` edits are in force."""
        self.editing.go_to(count)

    def set_box(self, frame: int, box: Box) -> None:
        """Set the box of ``frame`` by hand, snapped to whole pixels and even sizes."""
        self.apply(edits.set_box(self.track, frame, box))

    def delete_box(self, frame: int) -> None:
        """Say that there is no animal in ``frame``."""
        self.apply(edits.delete_box(self.track, frame))

    def accept(self, first: int, last: int) -> None:
        """Say that the boxes of a range are right as they are."""
        self.apply(edits.accept(self.track, first, last))

    def fill_gap(self, first: int, last: int) -> None:
        """Fill the missing frames of a range, in the session's way to fill."""
        self.apply(edits.fill_gap(self.track, first, last, self.fill))

    def swap(self, other: str, first: int, last: int) -> None:
        """Swap the identities of the current track and another over a range of frames."""
        self.tracks.check_known(other)
        self.apply(range_tools.swap(self.track, self.tracks[other], first, last))

    def select_track(self, name: str) -> None:
        """Make a track the one that is shown for editing."""
        self.tracks.check_known(name)
        if name != self.current:
            self.editing.settle()
            self.tracks.current = name
            self.track_changed.emit()
            self.tracks_changed.emit()

    def add_track(
        self,
        name: str,
        boxes: FloatArray | None = None,
        raw_csv: Path | None = None,
        confidence: FloatArray | None = None,
    ) -> None:
        """Add an animal, which becomes the current one; see :meth:`.tracks.Tracks.new`."""
        self._journal.check()
        entry = self.tracks.new(name, boxes, raw_csv, confidence)
        claim_place(entry, raw_csv if boxes is not None else None)
        self._journal.new_track(entry)
        self.tracks.add(entry)
        self.suspects.forget()  # those of the others were found without this animal
        self.select_track(name)

    def load_track(self, name: str, raw_csv: Path) -> str:
        """Add an animal with the boxes of a file; returns what a person should know of them."""
        check_made_of(raw_csv, self.video.path)
        boxes, notes = read_raw(raw_csv, self.n_frames, self.frame_size, images=self.video.images)
        self.add_track(name, boxes, raw_csv)
        return " ".join(notes)

    def remove_track(self, name: str) -> None:
        """Forget a track that no edit touches, but for the first; its files stay."""
        self.editing.settle()
        self.tracks.check_removable(name)
        self._journal.write("remove", name=name)
        was_current = name == self.current
        self.tracks.remove(name)
        self.keypoints.rename(name, None)
        self.suspects.forget()
        if was_current:
            self.track_changed.emit()
        self.tracks_changed.emit()

    def rename_track(self, name: str, new: str) -> None:
        """Give a track another name; its files keep theirs."""
        self.tracks.check_known(name)
        if new != name:
            self.editing.settle()
            self.tracks.check_name(new, instead_of=name)
            self._journal.write("rename", old=name, new=new)
            self.keypoints.rename(self.keypoints.animal(name), new)
            self.tracks.rename(name, new)
            self.suspects.forget()  # their reasons name animals
            self.tracks_changed.emit()

    def set_color(self, name: str, color: str) -> None:
        """Give a track another colour, ``#rrggbb``."""
        self.tracks.check_known(name)
        self.tracks.entries[name].color = color
        self._journal.color(self.tracks.entries[name])
        self.tracks_changed.emit()

    def load_predictions(self, kind: Kind, path: Path) -> None:
        """Read keypoints of the detector or of the pose model, in pixels of the full frame."""
        self.set_predictions(kind, read_predictions_of(path, self.n_frames, self.video.path)[0])

    def set_predictions(self, kind: Kind, poses: Poses, animal: str | None = None) -> None:
        """Take keypoints with one row a frame; the pose model's are of an animal, or the current one."""
        self.keypoints.put(kind, poses, animal)
        self.suspects.forget()
        self.predictions_changed.emit(kind)

    def create_boxes(self, settings: SizingSettings, raw_csv: Path) -> None:
        """Put boxes round the detector's keypoints; the first are written with an edit or by `save`."""
        self.size_boxes(RawBoxes.round_keypoints(self.keypoints.detector(), settings), raw_csv)
        self.editing.settle()

    def size_boxes(self, raw: RawBoxes, raw_csv: Path) -> None:
        """Take boxes put round keypoints; the first of a track are no edit, others are tried out."""
        if self.has_boxes:
            self.editing.try_boxes(self.current, raw, raw_csv)
        else:
            self.set_raw(raw.boxes, raw_csv, raw.source, sizing=raw.sizing, interpolated=raw.interpolated)

    def set_raw(
        self,
        boxes: FloatArray,
        raw_csv: Path,
        source: Source,
        *,
        sizing: SizingSettings | None = None,
        interpolated: BoolArray | None = None,
    ) -> None:
        """Replace the current track's raw boxes, which is no edit; see :meth:`.tracks.Tracks.set_raw`."""
        self.editing.settle()
        if raw_csv != self.raw_csv:
            check_made_of(raw_csv, self.video.path)
        self.tracks.set_raw(boxes, raw_csv, source, sizing, interpolated)
        if self.tracks.first.raw_csv is not None:
            self._journal.new_raw(self.tracks.first.raw_csv, self.tracks, self.current)
        self.track_changed.emit()
        self.history_changed.emit()

    def load_boxes(
        self,
        path: Path,
        source: Source = Source.IMPORTED,
        *,
        allow_missing: bool = False,
        changed: WhenChanged = "carry",
    ) -> str:
        """Take the boxes of a CSV and the review of them: `.stored.read_review`, `take_review`."""
        video, size = self.video.path, self.frame_size
        stored = read_review(
            Path(path), self.n_frames, source, allow_missing=allow_missing, frame_size=size, video=video
        )
        return self.take_review(stored, changed=changed)

    def take_review(self, stored: StoredReview, *, changed: WhenChanged = "carry") -> str:
        """Take a review that was read, see `.stored.StoredReview.choose`; returns what to tell of it."""
        self.editing.settle()
        tracks, goes_on = stored.choose(changed)
        if goes_on:
            self._journal.go_on(stored.raw_csv)
            for name in stored.changed:
                self._journal.new_raw(stored.raw_csv, tracks, name)
        else:
            tracks.settings = self.tracks.settings
            self._journal.start(stored.raw_csv, tracks)
        self.tracks = self.suspects.tracks = self.editing.tracks = tracks
        self.keypoints.follow(tracks)
        self._saved = stored.saved_files if goes_on else SavedFiles()
        for told in (self.track_changed, self.tracks_changed, self.smoothing_changed):
            told.emit()
        self.history_changed.emit()
        return f"{stored.told(goes_on)} {self._journal.told}".strip()

    def draw_into(self, raw_csv: Path) -> None:
        """Boxes will be drawn from nothing, and kept there once there is one; a review there goes on."""
        self.tracks.entry.raw_csv = raw_csv
        self._journal.start(raw_csv, self.tracks, later=True)
        if raw_csv.is_file():
            self.load_boxes(raw_csv, Source.DETECTED, allow_missing=True)

    def save(self) -> Path:
        """Write the reviewed boxes of all tracks, warn of those without any; returns as `mark_saved`."""
        (pending := self.to_save()).write()
        pending.warn()
        return self.mark_saved(pending)

    def to_save(self) -> PendingSave:
        """What :meth:`save` would write now, for writing in a thread; then :meth:`mark_saved`."""
        self.editing.settle()
        self._journal.check()
        return PendingSave.of(self.video.path, self.tracks, self._journal.flush)

    def mark_saved(self, pending: PendingSave) -> Path:
        """Take note that ``pending`` is on disk; returns the CSV of `PendingSave.target`."""
        self._saved = pending.saved_files
        if self.revision == pending.revision:
            self._journal.write("saved", sha256=pending.hashes)
        self.saved.emit(target := pending.target(self.current))
        return target

    def keep_in(self, folder: Path) -> None:
        """Keep the review in another folder from now on; see :func:`.moving.move_review`."""
        self.editing.settle()
        move_review(self.tracks, self._journal, folder)
        self.tracks_changed.emit()

    def close(self) -> None:
        """Close journal and video and tell the views to let go."""
        self.editing.close()
        self.closed.emit()
        self._journal.close()
        self.video.close()

    def _on_applied(self, edit: Edit) -> None:
        """Tell the views what an edit has changed."""
        if isinstance(edit, SettingsEdit):
            self.smoothing_changed.emit()
        elif isinstance(edit, SizingEdit):
            self.track_changed.emit()
        for change in edit.changes:
            self.suspects.renew(change.track, change.first, change.last)
        for change in edit.changes:
            self.boxes_changed.emit(change.track, change.first, change.last)
