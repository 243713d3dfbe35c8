"""Step 4: go from one doubtful frame to the next and mend it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton
from superqt import QLabeledDoubleSlider

from napari_cropzoom.core.boxes import BoxTrack, Review, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.review import (
    LIKELIHOOD_REASON,
    MISSING_REASON,
    Suspicion,
    anchor_likelihood,
    stretch_at,
    suspicious_frames,
)
from napari_cropzoom.core.runs import runs
from napari_cropzoom.session import Session
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import button, note, row
from napari_cropzoom.widgets.section import Section
from napari_cropzoom.widgets.shortcuts import review_hint, with_keys

SOURCES = {
    Source.MISSING: "no box",
    Source.DETECTED: "detected",
    Source.IMPORTED: "imported",
    Source.ANCHOR: "set by hand (anchor)",
    Source.INTERPOLATED: "interpolated",
    Source.FILLED: "filled",
    Source.ABSENT: "no animal (absent)",
}
REVIEWS = {
    Review.UNSEEN: "not looked at",
    Review.FLAGGED: "to look at",
    Review.ACCEPTED: "accepted",
    Review.EDITED: "edited",
}


class ReviewSection(Section):
    """The queue of doubtful frames, the edits of one frame, undo and redo."""

    key = "review"
    title = "Review"

    def __init__(self, bench: Bench, number: int) -> None:
        self._queue: list[Suspicion] = []
        self._all: list[Suspicion] = []
        self._all_of: tuple[object, ...] = ()
        self._queue_is_stale = True
        super().__init__(bench, number)
        bench.boxes_changed.connect(self._on_boxes)
        bench.frame_changed.connect(self._on_frame)

    def build(self) -> None:
        """Where we are, where to go, what to do there."""
        self.here = note("", "review_here")
        self.counts = note("", "review_counts")
        self.bar = QProgressBar()
        self.bar.setObjectName("review_progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setObjectName("review_threshold")
        self.threshold.setRange(0.0, 1.0)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(0.5)
        self.threshold.setToolTip("Frames whose anchor keypoints are less likely are worth a look")
        self.threshold.valueChanged.connect(self._on_boxes)
        for widget in (self.here, self.counts, self.bar):
            self.form.addWidget(widget)
        self.form.addLayout(row(QLabel("Low likelihood below"), self.threshold, stretch=1))
        self._build_buttons()
        self.hint = note(review_hint(), "review_hint")
        self.form.addWidget(self.hint)

    def _build_buttons(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(4)
        self.previous = self._button("◀ Previous", "review_previous", self.go_previous)
        self.next = self._button("Next ▶", "review_next", self.go_next)
        self.next_missing = self._button(
            "Next without a box", "review_next_missing", lambda: self.go_next(MISSING_REASON)
        )
        self.next_low = self._button(
            "Next low likelihood", "review_next_low", lambda: self.go_next(LIKELIHOOD_REASON)
        )
        self.accept = self._button("Accept", "review_accept", self.accept_here)
        self.delete = self._button("Delete box", "review_delete", self.delete_here)
        self.fill = self._button("Fill gap", "review_fill", self.fill_here)
        self.revert = self._button("Revert to raw", "review_revert", self.revert_here)
        self.undo = self._button("Undo", "review_undo", lambda: self._step("undo"))
        self.redo = self._button("Redo", "review_redo", lambda: self._step("redo"))
        pairs = (
            (self.previous, self.next),
            (self.next_missing, self.next_low),
            (self.accept, self.delete),
            (self.fill, self.revert),
            (self.undo, self.redo),
        )
        for line, pair in enumerate(pairs):
            for column, each in enumerate(pair):
                grid.addWidget(each, line, column)
        self.form.addLayout(grid)

    def _button(self, text: str, name: str, act: Callable[[], object]) -> QPushButton:
        made = button(text, name)
        made.clicked.connect(lambda: act())
        return made

    # ---- state ---------------------------------------------------------------------------------

    def summary(self) -> tuple[str, bool]:
        """``9 of 37 looked at``."""
        session = self.bench.session
        if session is None or not session.has_boxes:
            return "", False
        self._renew()
        settled = len(self._all) - self._open_count()
        if not self._all:
            return "nothing to look at", True
        return f"{settled} of {len(self._all)} looked at", settled == len(self._all)

    def session_changed(self) -> None:
        """Another video, another queue."""
        super().session_changed()
        self._queue_is_stale = True
        self._all_of = ()

    def update_body(self) -> None:
        """Say where we are and what is left."""
        session = self.bench.session
        if session is None:
            return
        self._renew()
        self._show_counts(session)
        self._show_here(session)
        has = {reason: any(reason in e.reason for e in self._queue) for reason in REASONS}
        self.next.setEnabled(bool(self._queue))
        self.previous.setEnabled(bool(self._queue))
        self.next_missing.setEnabled(has[MISSING_REASON])
        self.next_low.setEnabled(has[LIKELIHOOD_REASON])
        self.undo.setEnabled(session.can_undo)
        self.redo.setEnabled(session.can_redo)
        self.undo.setToolTip(with_keys("undo", f"Undo: {session.history.undo_label}"))
        self.redo.setToolTip(with_keys("redo", f"Redo: {session.history.redo_label}"))

    def _show_counts(self, session: Session) -> None:
        missing = int(session.track.is_missing.sum())
        low = sum(LIKELIHOOD_REASON in e.reason for e in self._queue)
        parts = [f"{missing} frames without a box"]
        if session.detector_poses is not None:
            parts.append(f"{low} stretches of low likelihood")
        text, _ = self.summary()
        self.counts.setText(f"{', '.join(parts)}. {text[:1].upper()}{text[1:]}.")
        self.bar.setRange(0, max(1, len(self._all)))
        self.bar.setValue(len(self._all) - self._open_count() if self._all else 1)

    def _show_here(self, session: Session) -> None:
        frame, track = min(self.bench.frame, session.n_frames - 1), session.track
        said = [f"<b>Frame {frame}</b>: {SOURCES[Source(int(track.source[frame]))]}"]
        likelihood = self._likelihood(session, slice(frame, frame + 1))
        if likelihood is not None:
            said.append(f"likelihood {float(likelihood[0]):.2f}")
        said.append(REVIEWS[Review(int(track.review[frame]))])
        self.here.setText(", ".join(said))
        is_missing = bool(track.is_missing[frame])
        self.delete.setEnabled(not is_missing)
        self.fill.setEnabled(is_missing and session.has_boxes)
        first, last = stretch_at(self._queue, frame)
        over = f"frame {first}" if first == last else f"frames {first} to {last}"
        self.accept.setToolTip(with_keys("accept", f"{over} is right as it is"))
        self.delete.setToolTip(with_keys("delete box", "There is no animal in this frame"))
        self.revert.setToolTip(with_keys("revert", "Bring back what the detector said of this frame"))
        self.fill.setToolTip(with_keys("fill", "Fill this gap from the boxes around it"))
        self.next.setToolTip(with_keys("next suspicious", "Next frame to look at"))
        self.previous.setToolTip(with_keys("previous suspicious", "Previous frame to look at"))

    def _likelihood(self, session: Session, rows: slice) -> np.ndarray | None:
        poses = session.detector_poses
        if poses is None:
            return None
        anchors = session.sizing.anchor_keypoints if session.sizing else ()
        some = type(poses)(poses.names, poses.xy[rows], poses.likelihood[rows], poses.scorer)
        return anchor_likelihood(some, anchors)

    def _renew(self) -> None:
        """Compute the queue when the boxes, keypoints or threshold are new."""
        session = self.bench.session
        if session is None:
            self._queue, self._all = [], []
            return
        threshold = self.threshold.value()
        whole = (id(session.track.raw), id(session.detector_poses), threshold, session.sizing)
        if whole != self._all_of:
            self._all_of = whole
            likelihood = self._likelihood(session, slice(None))
            self._all = suspicious_frames(BoxTrack(session.track.raw), likelihood, threshold)
            self._queue_is_stale = True
        if self._queue_is_stale:
            self._queue = session.queue(threshold)
            self._queue_is_stale = False

    def _open_count(self) -> int:
        """Entries of the whole list of which no frame is settled yet."""
        session = self.bench.session
        assert session is not None
        settled = np.isin(session.track.review, (Review.ACCEPTED, Review.EDITED))
        seen = np.concatenate([[0], np.cumsum(settled)])
        return sum(not seen[e.last + 1] - seen[e.first] for e in self._all)

    def _on_boxes(self, *_: object) -> None:
        self._queue_is_stale = True
        if self.bench.layers is not None:
            self.bench.layers.threshold = self.threshold.value()
        self.refresh()

    def _on_frame(self, _frame: int) -> None:
        if self.is_open and self.bench.session is not None:
            self._show_here(self.bench.session)

    # ---- going ---------------------------------------------------------------------------------

    def go_next(self, reason: str = "") -> None:
        """Show the next entry of the queue, from the start again after the last."""
        self._renew()
        frame = self.bench.frame
        entries = [e for e in self._queue if reason in e.reason]
        later = [e for e in entries if e.first > frame]
        if entries:
            self._land((later or entries)[0])

    def go_previous(self) -> None:
        """Show the entry before, from the end again before the first."""
        self._renew()
        frame = self.bench.frame
        earlier = [e for e in self._queue if e.last < frame]
        if self._queue:
            self._land((earlier or self._queue)[-1])

    def _land(self, entry: Suspicion) -> None:
        self.bench.go_to(entry.frame)
        self.message.show_info(f"Frame {entry.frame}: {entry.reason}")

    # ---- doing ---------------------------------------------------------------------------------

    def accept_here(self) -> None:
        """Accept the stretch of the queue that the current frame is in, or the frame."""
        first, last = stretch_at(self._queue, self.bench.frame)
        self._do(lambda session: session.accept(first, last))

    def delete_here(self) -> None:
        """Say that there is no animal in this frame."""
        self._do(lambda session: session.delete_box(self.bench.frame))

    def revert_here(self) -> None:
        """Bring the raw box of this frame back."""
        self._do(lambda session: session.revert(self.bench.frame, self.bench.frame))

    def fill_here(self) -> None:
        """Fill the gap that the current frame is in."""
        session, frame = self.bench.session, self.bench.frame
        if session is not None:
            around = [run for run in runs(session.track.is_missing) if run[0] <= frame <= run[1]]
            for first, last in around:
                self._do(lambda s, first=first, last=last: s.fill_gap(first, last))

    def _step(self, which: str) -> None:
        def step(session: Session) -> None:
            edit = session.undo() if which == "undo" else session.redo()
            if edit is not None and not edit.first <= self.bench.frame <= edit.last:
                self.bench.go_to(edit.first)

        self._do(step)

    def _do(self, act: Callable[[Session], object]) -> None:
        if self.bench.session is None:
            return
        self.message.clear()
        try:
            act(self.bench.session)
        except CropzoomError as error:
            self.show_error(error)


REASONS: Sequence[str] = (MISSING_REASON, LIKELIHOOD_REASON)
