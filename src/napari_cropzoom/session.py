"""One open video with its boxes, keypoints, edits and settings: the only owner of state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from napari_cropzoom.core.boxes import MISSING_BOX, BoolArray, Box, BoxTrack, FloatArray, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.finalize import fill_missing, finalize
from napari_cropzoom.core.history import History
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.review import DEFAULT_AMOUNT, Burst
from napari_cropzoom.core.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.smoothed import SmoothedTrack
from napari_cropzoom.core.smoothing import jitter, smooth
from napari_cropzoom.io.made_with import read_video_predictions
from napari_cropzoom.io.session_store import reviewed_csv
from napari_cropzoom.io.video import Video
from napari_cropzoom.session_edits import FIRST_TRACK, EditableTracks, Moment
from napari_cropzoom.session_queue import ReviewState
from napari_cropzoom.session_tracks import PendingSave, StoredReview, TrackState, read_review

Kind = Literal["detector", "pose"]
WhenChanged = Literal["carry", "refuse", "afresh"]


class RawChangedError(CropzoomError):
    """The raw boxes are not those that were reviewed; whoever opens them decides what of it."""


class Session(EditableTracks):
    """State of the review of one video.

    Everything that shows the state listens to the signals; everything that changes it calls a method
    here. Knows neither Qt nor napari, and is to be used from one thread.

    Every edit is kept at once in a journal beside the first track's raw boxes, see
    :mod:`napari_cropzoom.io.journal`; opening those boxes brings it all back.

    Parameters
    ----------
    video : Video
        The open video; the session closes it.

    Attributes
    ----------
    video : Video
    states : dict of str to TrackState
        Every track with its raw file and colour, in the order they were added.
    current : str
        Name of the track that edits act on.
    history : History
        Of all tracks.
    detector_poses, pose_poses : Poses or None
        Keypoints of the detector, and of the pose model, in the full frame.
    review : ReviewState
        What is to be looked at, and what the pixels say of it.
    """

    def __init__(self, video: Video) -> None:
        super().__init__(video)
        self.review = ReviewState(self)

    # ---- what is shown -------------------------------------------------------------------------

    @property
    def has_boxes(self) -> bool:
        """Whether any frame has a box."""
        return self.track.n_missing < len(self.track)

    @property
    def unsaved(self) -> bool:
        """Whether the boxes differ from what was last saved or loaded."""
        return self.has_boxes and not self._moment().is_same(self._saved)

    def smoothed_box(self, frame: int) -> Box:
        """Smoothed box of one frame, at a cost that does not grow with the video."""
        return self.state.smoothed.box(frame)

    def smoothed_boxes(self) -> FloatArray:
        """(T, 4) smoothed boxes, NaN where missing; computed once and kept until something changes."""
        return self.state.smoothed.boxes()

    def final_box(self, frame: int) -> Box:
        """Final box of one frame; missing where the frame has none (gaps are filled on saving)."""
        box = self.smoothed_box(frame)
        return MISSING_BOX if box.is_missing() else Box(*finalize(np.array([box]))[0].tolist())

    def final_boxes(self) -> FloatArray:
        """(T, 4) x, y, w, h as crop, pose and export take them: smoothed, gaps filled, whole pixels."""
        return finalize(fill_missing(self.smoothed_boxes(), self._fill))

    def to_finalize(self) -> Callable[[], FloatArray]:
        """What :meth:`final_boxes` would return now, to be called in a thread."""
        boxes, anchors = self.track.boxes.copy(), self.track.is_anchor.copy()
        settings, fill = self.smoothing, self._fill
        return lambda: finalize(fill_missing(smooth(boxes, settings, anchors), fill))

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
        return self.state.sizing

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

        Where no detector has looked the source is ``INTERPOLATED``.
        ``raw_csv`` is where they will be written with the first edit or by :meth:`save`.

        Raises
        ------
        CropzoomError
            If there are no detector keypoints or an anchor keypoint is unknown.
        """
        poses = self._need_detector()
        boxes = boxes_from_keypoints(poses, settings)
        guessed = poses.interpolated
        self.set_raw(boxes, raw_csv, Source.DETECTED, sizing=settings, interpolated=guessed)

    def load_boxes(
        self,
        path: Path,
        source: Source = Source.IMPORTED,
        *,
        allow_missing: bool = False,
        changed: WhenChanged = "carry",
    ) -> str:
        """Take the raw boxes of a CSV, and the review of them if there is one, history and all.

        Parameters
        ----------
        path : Path
        source : Source
        allow_missing : bool
            Accept frames without a box.
        changed : {"carry", "refuse", "afresh"}
            If the raw boxes are not those that were reviewed: carry the edits over to them, raise
            :class:`RawChangedError`, or begin anew (the old journal is set aside).

        Returns
        -------
        str
            What a person should know, e.g. that the raw boxes changed since the review; may be empty.

        Raises
        ------
        CropzoomError
            If the file is not a table of boxes with one row a frame, or the review is broken; the
            session is then as it was.
        """
        stored = read_review(path, self.n_frames, FIRST_TRACK, source, allow_missing=allow_missing)
        return self.take_review(stored, changed=changed)

    def take_review(self, stored: StoredReview, *, changed: WhenChanged = "carry") -> str:
        """Take what ``session_tracks.read_review`` has read, as :meth:`load_boxes` does."""
        if stored.changed and changed == "refuse":
            raise RawChangedError(_changed_message(stored))
        goes_on = stored.exists and not (stored.changed and changed == "afresh")
        if stored.exists and not goes_on:
            stored = dataclasses.replace(stored, history=History(), tracks=_bare(stored.tracks))
        self._journal.attach(stored.raw_csv, goes_on=goes_on)
        self.history = stored.history
        self.states = stored.tracks
        self.current = next(iter(stored.tracks))
        if goes_on:
            self._fill, self._smoothing = stored.fill, stored.smoothing
        for state in self.states.values():
            state.smoothed = SmoothedTrack(state.track, self._smoothing)
        for name in stored.changed:
            self._journal.track_is_new(name)
        self.track_changed.emit()
        self.tracks_changed.emit()
        self.smoothing_changed.emit()
        self.history_changed.emit()
        self._saved = self._moment() if stored.saved or not len(self.history) else None
        return self._say_loaded(stored, goes_on)

    def set_raw(
        self,
        boxes: FloatArray,
        raw_csv: Path,
        source: Source,
        *,
        sizing: SizingSettings | None = None,
        interpolated: BoolArray | None = None,
    ) -> None:
        """Replace the current track's raw boxes; edits made so far are carried over.

        ``interpolated``, (T,) bool, marks frames whose box lies between detected ones.

        Raises
        ------
        CropzoomError
            If there is not one box a frame, or a box is invalid.
        """
        self._check_count(len(boxes))
        track = BoxTrack(boxes, self.current, source, interpolated)
        if self.state is next(iter(self.states.values())):
            same = self.state.raw_csv == raw_csv
            self._journal.attach(raw_csv, goes_on=same)
        state = dataclasses.replace(
            self.state,
            track=track,
            raw_csv=raw_csv,
            sizing=sizing,
            sha256="",
            smoothed=SmoothedTrack(track, self._smoothing),
        )
        self.states[self.current] = state
        self.history.rebase(self.tracks, self.current)
        self._journal.track_is_new(self.current)
        self.track_changed.emit()
        self.history_changed.emit()

    def draw_into(self, raw_csv: Path) -> None:
        """Boxes will be drawn from nothing and kept there; a review that is there goes on.

        Nothing is written before the first box is drawn.

        Raises
        ------
        CropzoomError
            If what is there is broken.
        """
        self.state.raw_csv = raw_csv
        self._journal.attach_later(raw_csv)
        if raw_csv.is_file():
            self.load_boxes(raw_csv, Source.DETECTED, allow_missing=True)

    def load_predictions(self, kind: Kind, path: Path) -> None:
        """Read keypoints of the detector or of the pose model, in pixels of the full frame.

        Raises
        ------
        CropzoomError
            If the file is not a predictions file with one row a frame.
        """
        self.set_predictions(kind, read_video_predictions(path, self.video.n_frames))

    def set_predictions(self, kind: Kind, poses: Poses) -> None:
        """Take keypoints with one row a frame."""
        if kind == "detector":
            self.detector_poses = poses
        else:
            self.pose_poses = poses
        self.predictions_changed.emit(kind)

    # ---- disk ----------------------------------------------------------------------------------

    def save(self) -> Path:
        """Write final boxes and ``metadata.json`` of every track to ``bboxes_reviewed/`` beside its raw.

        Returns
        -------
        Path
            The CSV of the current track's final boxes.

        Raises
        ------
        CropzoomError
            If there are no boxes, or the folder cannot be written to.
        """
        pending = self.to_save()
        pending.write()
        return self.mark_saved(pending)

    def to_save(self) -> PendingSave:
        """What :meth:`save` would write now, for writing in a thread; then :meth:`mark_saved`.

        Raises
        ------
        CropzoomError
            If there are no boxes, or the session is read-only.
        """
        if self.raw_csv is None or not self.has_boxes:
            raise CropzoomError("There are no boxes yet; make, load or draw some first.")
        self._journal.check()
        states = [s for s in self.states.values() if s.track.n_missing < len(s.track)]
        settings, moment = (self.smoothing, self._fill), self._moment()
        return PendingSave.of(self.video.path, states, *settings, moment, self._journal.flush)

    def mark_saved(self, pending: PendingSave) -> Path:
        """Take note that ``pending`` is on disk; returns the CSV of the current track's final boxes."""
        assert isinstance(pending.marker, Moment)
        self._saved = pending.marker
        if self._moment().is_same(pending.marker):
            self._journal.note(self, "saved", begin=True)
        assert self.raw_csv is not None
        target = reviewed_csv(self.raw_csv, self.video.path)
        self.saved.emit(target)
        return target

    def close(self) -> None:
        """Close journal and video and tell the views to let go."""
        self.closed.emit()
        self._journal.close()
        self.video.close()

    # ---- inside --------------------------------------------------------------------------------

    def _need_detector(self) -> Poses:
        if self.detector_poses is None:
            raise CropzoomError("There are no detector keypoints yet; run a detector first.")
        return self.detector_poses

    def _say_loaded(self, stored: StoredReview, goes_on: bool) -> str:
        count = len(self.history)
        said = self.read_only
        if stored.changed and goes_on:
            said = f"{_changed_message(stored)} The {count} edits were carried over. {said}".strip()
        elif goes_on:
            said = f"Review resumed: {count} edits. {said}".strip()
        return said


def _changed_message(stored: StoredReview) -> str:
    files = ", ".join(str(stored.tracks[name].raw_csv) for name in stored.changed)
    return f"{files}: the raw boxes have changed since they were reviewed."


def _bare(states: dict[str, TrackState]) -> dict[str, TrackState]:
    """The same tracks without any edit."""
    bare = {}
    for name, state in states.items():
        track = BoxTrack(state.track.raw, name, state.track.raw_source, state.track.interpolated)
        bare[name] = dataclasses.replace(state, track=track)
    return bare
