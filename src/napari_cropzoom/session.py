"""One open video with its boxes, keypoints, edits and settings: the only owner of state."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from psygnal import Signal

from napari_cropzoom.core import edits
from napari_cropzoom.core.boxes import MISSING_BOX, Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.edits import Edit, History
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import fill_missing, finalize
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import DEFAULT_AMOUNT, Burst
from napari_cropzoom.core.review_state import Known, ReviewState
from napari_cropzoom.core.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.smoothed import SmoothedTrack
from napari_cropzoom.core.smoothing import SmoothingSettings, jitter
from napari_cropzoom.io.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.io.predictions_csv import read_predictions
from napari_cropzoom.io.session_store import (
    ReviewRecord,
    file_sha256,
    load_review,
    save_review,
)
from napari_cropzoom.io.video import Video

Kind = Literal["detector", "pose"]


class Session:
    """State of the review of one video.

    Everything that shows the state listens to the signals; everything that changes it calls a method
    here. Knows neither Qt nor napari, and is to be used from one thread.

    Parameters
    ----------
    video : Video
        The open video; the session closes it.

    Attributes
    ----------
    video : Video
    track : BoxTrack
        Raw boxes with the edits applied; without any box at first.
    raw_csv : Path or None
        Where the raw boxes lie, or will lie once written. The review is saved beside it.
    detector_poses, pose_poses : Poses or None
        Keypoints of the detector, and of the pose model, in the full frame.
    review : ReviewState
        What is to be looked at, and what the pixels say of it.
    """

    boxes_changed = Signal(str, int, int)  # track name, first and last frame, inclusive
    track_changed = Signal()  # another track: every frame is new
    smoothing_changed = Signal()
    predictions_changed = Signal(str)  # "detector" or "pose"
    history_changed = Signal()
    saved = Signal(object)  # Path of the final boxes
    closed = Signal()

    def __init__(self, video: Video) -> None:
        self.video = video
        self.track = BoxTrack.empty(video.n_frames)
        self.history = History()
        self.raw_csv: Path | None = None
        self.detector_poses: Poses | None = None
        self.pose_poses: Poses | None = None
        self._raw_source = Source.DETECTED
        self._raw_on_disk = False
        self._sizing: SizingSettings | None = None
        self._smoothed = SmoothedTrack(self.track, SmoothingSettings())
        self._fill = "interpolate"
        self._saved_state: object = None
        self.review = ReviewState(self._known)

    # ---- what is shown -------------------------------------------------------------------------

    @property
    def n_frames(self) -> int:
        """Frames of the video."""
        return len(self.track)

    @property
    def has_boxes(self) -> bool:
        """Whether any frame has a box."""
        return not bool(self.track.is_missing.all())

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.history.undo_label is not None

    @property
    def can_redo(self) -> bool:
        """Whether an undone edit can be done again."""
        return self.history.redo_label is not None

    @property
    def unsaved(self) -> bool:
        """Whether the boxes differ from what was last saved or loaded."""
        return self.has_boxes and self._state() != self._saved_state

    def smoothed_box(self, frame: int) -> Box:
        """Smoothed box of one frame, at a cost that does not grow with the video."""
        return self._smoothed.box(frame)

    def smoothed_boxes(self) -> FloatArray:
        """(T, 4) smoothed boxes, NaN where missing; computed once and kept until something changes."""
        return self._smoothed.boxes()

    def final_box(self, frame: int) -> Box:
        """Final box of one frame; missing where the frame has none (gaps are filled on saving)."""
        box = self.smoothed_box(frame)
        return MISSING_BOX if box.is_missing() else Box(*finalize(np.array([box]))[0].tolist())

    def final_boxes(self) -> FloatArray:
        """(T, 4) x, y, w, h as crop, pose and export take them: smoothed, gaps filled, whole pixels."""
        return finalize(fill_missing(self.smoothed_boxes(), self._fill))

    def jitter(self) -> tuple[float, float]:
        """Jitter of the boxes before and after smoothing, in pixels."""
        return jitter(self.track.boxes), jitter(self.smoothed_boxes())

    def queue(self, amount: float = DEFAULT_AMOUNT) -> list[Burst]:
        """Bursts of suspicious frames that nobody has settled or mended, the highest score first.

        ``amount`` is how much to look at: 0 is nothing, 1 everything that is odd in the least.
        """
        return list(self.review.entries(amount)[0])

    # ---- boxes and keypoints from outside ------------------------------------------------------

    @property
    def sizing(self) -> SizingSettings | None:
        """How the raw boxes were made of the detector's keypoints; None if they came from elsewhere."""
        return self._sizing

    def size_box(self, settings: SizingSettings, frame: int) -> Box:
        """Box that ``settings`` would give one frame, for a preview while they change.

        Raises
        ------
        CropzoomError
            If there are no detector keypoints.
        """
        poses = self._need_detector()
        rows = slice(frame, frame + 1)
        one = Poses(poses.names, poses.xy[rows], poses.likelihood[rows], poses.scorer)
        return Box(*boxes_from_keypoints(one, settings)[0].tolist())

    def create_boxes(self, settings: SizingSettings, raw_csv: Path) -> None:
        """Put boxes round the detector's keypoints; edits made so far are carried over.

        ``raw_csv`` is where they will be written by :meth:`write_raw` or :meth:`save`.

        Raises
        ------
        CropzoomError
            If there are no detector keypoints or an anchor keypoint is unknown.
        """
        boxes = boxes_from_keypoints(self._need_detector(), settings)
        self.set_raw(boxes, raw_csv, Source.DETECTED, sizing=settings)

    def load_boxes(
        self, path: Path, source: Source = Source.IMPORTED, *, allow_missing: bool = False
    ) -> str:
        """Take the raw boxes of a CSV, and the review saved beside it if there is one.

        Returns
        -------
        str
            What a person should know, e.g. that the raw boxes changed since the review; may be empty.

        Raises
        ------
        CropzoomError
            If the file is not a table of boxes with one row a frame, or the saved review is broken;
            the session is then as it was.
        """
        boxes = read_bbox_csv(path, self.video.n_frames, allow_missing=allow_missing)
        record = load_review(path, self.video.n_frames)
        self.history = record.restore_history() if record else History()
        if record:
            self._fill = record.fill
            self._smoothed = SmoothedTrack(self.track, record.smoothing)
        self.set_raw(boxes, path, source, sizing=record.sizing if record else None, on_disk=True)
        self.smoothing_changed.emit()
        self._saved_state = self._state()
        count = len(self.history)
        if record and file_sha256(path) != record.raw_sha256:
            return (
                f"{path.name} has changed since it was reviewed; "
                f"the {count} edits were carried over to the new boxes. Look at them once more."
            )
        return f"Review resumed: {count} edits." if count else ""

    def set_raw(
        self,
        boxes: FloatArray,
        raw_csv: Path,
        source: Source,
        *,
        sizing: SizingSettings | None = None,
        on_disk: bool = False,
    ) -> None:
        """Replace the raw boxes; edits made so far are carried over.

        Raises
        ------
        CropzoomError
            If there is not one box a frame, or a box is invalid.
        """
        if len(boxes) != self.video.n_frames:
            raise CropzoomError(
                f"There are {len(boxes)} boxes, but the video has {self.video.n_frames} frames."
            )
        track = BoxTrack(boxes, self.track.name, source)
        self.history.rebase(track)
        self.track = track
        self.raw_csv = raw_csv
        self._raw_source = source
        self._raw_on_disk = on_disk
        self._sizing = sizing
        self._smoothed = SmoothedTrack(track, self.smoothing)
        self.review.forget()
        self.track_changed.emit()
        self.history_changed.emit()

    def load_predictions(self, kind: Kind, path: Path) -> None:
        """Read keypoints of the detector or of the pose model, in pixels of the full frame.

        Raises
        ------
        CropzoomError
            If the file is not a predictions file with one row a frame.
        """
        self.set_predictions(kind, read_predictions(path, self.video.n_frames))

    def set_predictions(self, kind: Kind, poses: Poses) -> None:
        """Take keypoints with one row a frame."""
        if kind == "detector":
            self.detector_poses = poses
            self.review.forget()
        else:
            self.pose_poses = poses
        self.predictions_changed.emit(kind)

    # ---- edits ---------------------------------------------------------------------------------

    def apply(self, edit: Edit) -> None:
        """Apply an edit and remember it."""
        edit.apply(self.track)
        self.history.push(edit)
        self._changed(edit)

    def undo(self) -> Edit | None:
        """Take the last edit back; returns what was applied to do so, None if there was nothing."""
        return self._changed(self.history.undo(self.track))

    def redo(self) -> Edit | None:
        """Do the last undone edit again; returns it, None if there was nothing."""
        return self._changed(self.history.redo(self.track))

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
        self.apply(edits.revert_to_raw(self.track, first, last, self._raw_source))

    # ---- settings ------------------------------------------------------------------------------

    @property
    def smoothing(self) -> SmoothingSettings:
        """Method and window; setting it redraws."""
        return self._smoothed.settings

    @smoothing.setter
    def smoothing(self, settings: SmoothingSettings) -> None:
        if settings != self.smoothing:
            self._smoothed = SmoothedTrack(self.track, settings)
            self.smoothing_changed.emit()

    @property
    def fill(self) -> str:
        """How frames without a box are filled in the final boxes: ``interpolate`` or ``hold``."""
        return self._fill

    @fill.setter
    def fill(self, how: str) -> None:
        if how != self._fill:
            fill_missing(np.empty((0, 4)), how)
            self._fill = how
            self.smoothing_changed.emit()

    # ---- disk ----------------------------------------------------------------------------------

    def write_raw(self) -> Path:
        """Write the raw boxes if they are not on disk yet; returns their path.

        Raises
        ------
        CropzoomError
            If there are no boxes, or the file cannot be written.
        """
        if self.raw_csv is None or not self.has_boxes:
            raise CropzoomError("There are no boxes yet; make, load or draw some first.")
        if not self._raw_on_disk:
            write_bbox_csv(self.raw_csv, self.track.raw)
            self._raw_on_disk = True
        return self.raw_csv

    def save(self) -> Path:
        """Write final boxes, ``metadata.json`` and edits to ``bboxes_reviewed/`` beside the raw boxes.

        Returns
        -------
        Path
            The CSV of the final boxes.

        Raises
        ------
        CropzoomError
            If there are no boxes, or the folder cannot be written to.
        """
        raw_csv = self.write_raw()
        record = ReviewRecord(
            n_frames=self.n_frames,
            raw_file=raw_csv.name,
            raw_sha256=file_sha256(raw_csv),
            sizing=self._sizing,
            smoothing=self.smoothing,
            fill=self._fill,
            history=self.history.to_json(),
        )
        missing = np.flatnonzero(self.track.is_missing)
        summary = {
            "raw": raw_csv.name,
            "method": self.smoothing.method,
            "window": self.smoothing.window,
            "anchors": self.track.anchors().tolist(),
            "absent": np.flatnonzero(self.track.source == Source.ABSENT).tolist(),
            "filled": missing.tolist(),
            "fill": self._fill,
        }
        target = save_review(raw_csv, self.final_boxes(), record, summary)
        self._saved_state = self._state()
        self.saved.emit(target)
        return target

    def close(self) -> None:
        """Close the video and tell the views to let go."""
        self.closed.emit()
        self.video.close()

    # ---- inside --------------------------------------------------------------------------------

    def _need_detector(self) -> Poses:
        if self.detector_poses is None:
            raise CropzoomError("There are no detector keypoints yet; run a detector first.")
        return self.detector_poses

    def _known(self) -> Known:
        anchors = self._sizing.anchor_keypoints if self._sizing else ()
        return Known(self.track, self.detector_poses, anchors, (self.video.width, self.video.height))

    def _state(self) -> tuple[object, ...]:
        newest = list(self.history)[-1] if len(self.history) else None
        return (id(newest), len(self.history), self.smoothing, self._fill, id(self.track.raw))

    def _changed(self, edit: Edit | None) -> Edit | None:
        if edit is None:
            return None
        self._smoothed.renew(edit.first, edit.last)
        self.review.boxes_changed()
        self.boxes_changed.emit(self.track.name, edit.first, edit.last)
        self.history_changed.emit()
        return edit
