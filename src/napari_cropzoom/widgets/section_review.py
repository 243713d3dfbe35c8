"""Step 4: go from one doubtful stretch to the next and mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QSlider

from napari_cropzoom.core.boxes import Review, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.review import DEFAULT_AMOUNT, Burst
from napari_cropzoom.core.runs import runs
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.pipeline.pixel_evidence import read_motion
from napari_cropzoom.session import Session
from napari_cropzoom.session_queue import Inspected, Inspector
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.burst_list import BurstList
from napari_cropzoom.widgets.controls import button, note, row
from napari_cropzoom.widgets.follower import Follower
from napari_cropzoom.widgets.job_bar import JobBar
from napari_cropzoom.widgets.mend_tools import MendTools
from napari_cropzoom.widgets.section import Section
from napari_cropzoom.widgets.shortcuts import review_hint, with_keys
from napari_cropzoom.widgets.wording import REVIEWS, SOURCES


class ReviewSection(Section):
    """The queue of doubtful stretches, the edits of one frame, undo and redo.

    Attributes
    ----------
    inspected_at_once : int
        Longest track, in frames, that is inspected without a thread: less than what a person notices.
    """

    key = "review"
    title = "Review"

    def __init__(self, bench: Bench, number: int) -> None:
        self._inspecting = Latest(self._on_inspected, pause=DRAWN_FIRST)
        self._asked_for: Inspector | None = None
        self.inspected_at_once = 5_000
        super().__init__(bench, number)
        bench.boxes_changed.connect(self.refresh)
        bench.frame_changed.connect(self._on_frame)
        bench.selection_changed.connect(self.mend.show_here)

    def build(self) -> None:
        """Where we are, where to go, what to do there."""
        self.here = note("", "review_here")
        self.counts = note("", "review_counts")
        self.bar = QProgressBar()
        self.bar.setObjectName("review_progress")
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.amount = QSlider(Qt.Orientation.Horizontal)
        self.amount.setObjectName("review_amount")
        self.amount.setRange(5, 60)
        self.amount.setValue(round(100 * DEFAULT_AMOUNT))
        self.amount.setToolTip("From the surest faults only, to everything that is odd in the least")
        self.amount.valueChanged.connect(self._on_amount)
        self.count = QLabel()
        self.count.setObjectName("review_count")
        self.list = BurstList()
        self.list.chosen.connect(self._land)
        for widget in (self.here, self.counts, self.bar):
            self.form.addWidget(widget)
        title = QLabel("How much to look at")
        self.form.addLayout(row(title, self.count, stretch=0))
        self.form.addWidget(self.amount)
        self.form.addWidget(self.list)
        self._build_buttons()
        self.mend = MendTools(self.bench)
        self.mend.failed.connect(self.show_error)
        self.follower = Follower(self.bench)
        self.mend.follow.connect(self.follower.start)
        self.follower.told.connect(lambda text: self.message.show_info(text))
        self.follower.failed.connect(self.show_error)
        self.follower.running_changed.connect(self.mend.show_following)
        self.form.addWidget(self.mend)
        self.pixels = JobBar("review_pixels", "Look at the pixels too")
        self.pixels.run_button.setToolTip(
            "Still camera: compares the boxes with what stands out from the background in the video"
        )
        self.pixels.run_clicked.connect(self.look_at_pixels)
        self.pixels.done.connect(self._on_pixels)
        self.pixels.failed.connect(lambda _job, message: self.show_error(message))
        self.form.addWidget(self.pixels)
        self.hint = note(review_hint(), "review_hint")
        self.form.addWidget(self.hint)

    def _build_buttons(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(4)
        self.previous = self._button("◀ Previous", "review_previous", self.go_previous)
        self.next = self._button("Next ▶", "review_next", self.go_next)
        self.worst = self._button("Next worst", "review_worst", self.go_to_worst)
        self.accept = self._button("Accept", "review_accept", self.accept_here)
        self.delete = self._button("Delete box", "review_delete", self.delete_here)
        self.fill = self._button("Fill gap", "review_fill", self.fill_here)
        self.undo = self._button("Undo", "review_undo", lambda: self._step("undo"))
        self.redo = self._button("Redo", "review_redo", lambda: self._step("redo"))
        lines = (
            (self.previous, self.next, self.worst),
            (self.accept, self.undo, self.redo),
            (self.delete, self.fill),
        )
        for line, buttons in enumerate(lines):
            for column, each in enumerate(buttons):
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
        if not self._look(session):
            return "looking for faults …", False
        left, done = session.review.entries(self._amount)
        if not left and not done:
            return "nothing to look at", True
        return f"{len(done)} of {len(left) + len(done)} looked at", not left

    def session_changed(self) -> None:
        """Another video, another queue."""
        super().session_changed()
        if self.bench.layers is not None:
            self.bench.layers.follow_asked.connect(self.follower.start)
        self._inspecting.drop()
        self.pixels.let_go()
        self.follower.let_go()
        self._asked_for = None

    def update_body(self) -> None:
        """Say where we are and what is left."""
        session = self.bench.session
        if session is None:
            return
        left, done = session.review.entries(self._amount) if self._look(session) else ([], [])
        self.list.show_bursts(left, done)
        self.list.mark(self.bench.frame)
        self._show_counts(session, len(left), len(done))
        self._show_here(session)
        for each in (self.next, self.previous, self.worst):
            each.setEnabled(bool(left))
        self.undo.setEnabled(session.can_undo)
        self.redo.setEnabled(session.can_redo)
        self.undo.setToolTip(with_keys("undo", f"Undo: {session.history.undo_label}"))
        self.redo.setToolTip(with_keys("redo", f"Redo: {session.history.redo_label}"))

    @property
    def _amount(self) -> float:
        return self.amount.value() / 100

    def _look(self, session: Session) -> bool:
        """Whether the queue is at hand; if not, it is being made."""
        if session.review.is_inspected or session.n_frames <= self.inspected_at_once:
            return True
        wanted = session.review.inspector()
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._inspecting.request(wanted)
        return False

    def _on_inspected(self, inspected: Inspected) -> None:
        self._asked_for = None
        if self.bench.session is not None:
            self.bench.session.review.take(inspected)
            self.refresh()

    def _show_counts(self, session: Session, left: int, done: int) -> None:
        missing = session.track.n_missing
        text, _ = self.summary()
        without = f"{missing} frames without a box. " if missing else ""
        self.counts.setText(f"{without}{text[:1].upper()}{text[1:]}.")
        self.count.setText(f"<b>{left + done}</b> entries" if session.review.is_inspected else "…")
        self.bar.setRange(0, max(1, left + done))
        self.bar.setValue(done if left + done else 1)

    def _show_here(self, session: Session) -> None:
        self.mend.show_here()
        frame, track = min(self.bench.frame, session.n_frames - 1), session.track
        said = [f"<b>Frame {frame}</b>: {SOURCES[Source(int(track.source[frame]))]}"]
        said.append(REVIEWS[Review(int(track.review[frame]))])
        self.here.setText(", ".join(said))
        is_missing = track.box(frame).is_missing()
        self.delete.setEnabled(not is_missing)
        self.fill.setEnabled(is_missing and session.has_boxes)
        layers = self.bench.layers
        first, last = layers.stretch_here() if layers and self._look(session) else (frame, frame)
        over = f"frame {first}" if first == last else f"frames {first} to {last}"
        self.accept.setToolTip(with_keys("accept", f"{over} is right as it is"))
        self.delete.setToolTip(with_keys("delete box", "There is no animal in this frame"))
        self.fill.setToolTip(with_keys("fill", "Fill this gap from the boxes around it"))
        self.next.setToolTip(with_keys("next suspicious", "Next stretch to look at"))
        self.previous.setToolTip(with_keys("previous suspicious", "Stretch to look at before"))
        self.worst.setToolTip(with_keys("next worst", "The worst stretch; from there, the next worst"))

    def _left(self) -> list[Burst]:
        """What is open, the worst first; nothing while it is being computed."""
        session = self.bench.session
        if session is None or not session.has_boxes or not self._look(session):
            return []
        return session.queue(self._amount)

    def _on_amount(self, _value: int) -> None:
        if self.bench.layers is not None:
            self.bench.layers.amount = self._amount
        self.refresh()

    def _on_frame(self, _frame: int) -> None:
        if self.is_open and self.bench.session is not None:
            self._show_here(self.bench.session)
            self.list.mark(self.bench.frame)

    # ---- going ---------------------------------------------------------------------------------

    def go_next(self) -> None:
        """Show the next stretch of the queue in time, from the start again after the last."""
        entries = sorted(self._left(), key=lambda each: each.frame)
        if entries:
            later = [each for each in entries if each.frame > self.bench.frame]
            self._land((later or entries)[0])

    def go_previous(self) -> None:
        """Show the stretch before, from the end again before the first."""
        entries = sorted(self._left(), key=lambda each: each.frame)
        if entries:
            earlier = [each for each in entries if each.frame < self.bench.frame]
            self._land((earlier or entries)[-1])

    def go_to_worst(self) -> None:
        """Show the worst stretch; from there, the next worst."""
        entries = self._left()
        if entries:
            frames = [each.frame for each in entries]
            place = frames.index(self.bench.frame) + 1 if self.bench.frame in frames else 0
            self._land(entries[place % len(entries)])

    def _land(self, entry: Burst) -> None:
        self.bench.go_to(entry.frame)
        self.message.show_info(f"Frame {entry.frame}: {entry.reason}")

    # ---- doing ---------------------------------------------------------------------------------

    def accept_here(self) -> None:
        """Accept the selection or the stretch of the queue that the current frame is in, or the frame."""
        if self.bench.layers is not None:
            first, last = self.bench.layers.stretch_here()
            self._do(lambda session: session.accept(first, last))

    def delete_here(self) -> None:
        """Say that there is no animal in this frame."""
        self._do(lambda session: session.delete_box(self.bench.frame))

    def fill_here(self) -> None:
        """Fill the gap that the current frame is in."""
        session, frame = self.bench.session, self.bench.frame
        if session is not None:
            around = [run for run in runs(session.track.is_missing) if run[0] <= frame <= run[1]]
            for first, last in around:
                self._do(lambda s, first=first, last=last: s.fill_gap(first, last))

    def look_at_pixels(self) -> None:
        """Start looking at where the pixels change; the queue then knows of it."""
        session = self.bench.session
        if session is not None and not self.pixels.is_running:
            self.message.clear()
            video = session.video.path
            job = self.bench.start("pixels", {"video": video, "output": self.bench.motion_file(video)})
            self.pixels.follow(job, f"Looking at {video.name}")

    def _on_pixels(self, result: dict[str, str]) -> None:
        session = self.bench.session
        if session is None:
            return
        try:
            session.review.motion = read_motion(Path(result["motion"]), session.n_frames)
        except CropzoomError as error:
            self.show_error(error)
        self.refresh()

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
