"""Step *Review*: go from one suspect to the next and correct its boxes.

Object names: ``review_here``, ``review_reason``, ``review_misfit``, ``review_progress``,
``review_amount``, ``review_count``, ``review_list``, ``review_alike``,
``review_go_on``, ``review_previous``, ``review_next``, ``review_worst``, ``review_accept``,
``review_delete``, ``review_fill``, ``review_undo``, ``review_redo``, ``review_hint``, and those of
the look at the pixels and of the range tools.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider

from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT, Suspect
from napari_cropzoom.core.inspection.motion import told_of_misfit
from napari_cropzoom.core.looks import CORRECTED, source_word
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.inspecting.inspector import Inspected, Inspector
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import CutLabel, Message, row, thin_bar
from napari_cropzoom.widgets.shortcuts_dialog import review_hint
from napari_cropzoom.widgets.steps.base import Step
from napari_cropzoom.widgets.steps.parts.slot import LINES, Slot, WholeLabel
from napari_cropzoom.widgets.steps.reviewing.go_on import GoOn
from napari_cropzoom.widgets.steps.reviewing.offer_button import OfferButton
from napari_cropzoom.widgets.steps.reviewing.pixel_look import WAYS_ON, PixelLook
from napari_cropzoom.widgets.steps.reviewing.pixel_tracking import PixelTracking
from napari_cropzoom.widgets.steps.reviewing.range_buttons import RangeButtons
from napari_cropzoom.widgets.steps.reviewing.suspect_buttons import SuspectButtons, why_nothing
from napari_cropzoom.widgets.steps.reviewing.suspect_list import (
    IN_PART,
    LEAST_ROWS,
    SuspectList,
    along,
    named,
    reason_text,
)

REVIEW_WORDS = {Review.ACCEPTED: "accepted", Review.EDITED: "edited"}
REASON_LINES = 6  # kept free, so that nothing below moves from one suspect to the next
TIGHT_LINES, TIGHT_ROWS = 4, 2  # where the dock is very low


class ReviewStep(Step):
    """The queue of suspects, the edits of one frame, the range tools, undo and redo.

    Attributes
    ----------
    inspected_at_once : int
        Longest track, in frames, that is inspected without a thread: too short for a person to notice.
    """

    key = "review"
    title = "Review"
    help = "Go from one suspect to the next and correct its boxes."
    place = 40
    next_key = "smooth"
    grows = is_for_images = True

    def __init__(self, controller: Controller, number: int) -> None:
        self._inspecting = Latest(self._on_inspected, pause=DRAWN_FIRST)
        self._asked_for: Inspector | None = None
        self._is_list_held = False  # as it is, while the mouse may be about to click
        self._said_at = 0  # frame that was shown when the message came
        self.inspected_at_once = 5_000
        super().__init__(controller, number)
        controller.boxes_changed.connect(self.refresh)
        controller.frame_rested.connect(self._on_frame)
        controller.selection_changed.connect(self.range_buttons.show_here)
        controller.proposal_changed.connect(self._release_list)

    def build(self) -> None:
        """The current frame, what is said, the queue, the buttons."""
        self.here = CutLabel(1, "review_here")
        self.reason = WholeLabel(REASON_LINES, "review_reason")
        self.misfit = Message()
        self.misfit.setObjectName("review_misfit")
        self.alike = OfferButton()
        self.alike.clicked.connect(lambda: self.take_offer())
        self.go_on = GoOn(self.controller, lambda: self.pixels.to_come)
        self.go_on.clicked.connect(self._leave)
        self.go_on.known.connect(self.refresh)
        self.message.changed.connect(self._note_frame)
        self.hint = CutLabel(LINES, "review_hint")
        self.hint.setText(review_hint())
        self.said = Slot((self.message, self.misfit), (self.alike, self.go_on), self.hint, self.reason)
        self.bar = thin_bar("review_progress")
        self.bar.setFixedHeight(4)
        self.list = SuspectList()
        self.list.chosen.connect(self._go_to)
        self.pixels = PixelLook(self.controller)
        self.pixels.found.connect(self._on_found)
        self.pixels.looking_changed.connect(self.refresh)
        self.body.installEventFilter(self)
        self.form.setContentsMargins(8, 1, 8, 2)
        self.set_tight(False)
        self.form.addWidget(self.here)
        self.form.addWidget(self.said)
        self.form.addLayout(self._build_amount())
        self.form.addWidget(self.bar)
        self.form.addWidget(self.list, 100)  # as many rows as there are, then only air grows below
        self._build_buttons()
        self.range_buttons = RangeButtons(self.controller)
        self.range_buttons.failed.connect(self.show_error)
        self.tracking = PixelTracking(self.controller)
        self.range_buttons.follow_asked.connect(self.tracking.start)
        self.tracking.status_changed.connect(self.message.show_info)
        self.tracking.failed.connect(self.show_error)
        self.tracking.running_changed.connect(self.range_buttons.show_following)
        self.form.addWidget(self.range_buttons)
        self.form.addWidget(self.pixels)
        self.form.addStretch(1)

    def _build_amount(self) -> QHBoxLayout:
        self.amount = QSlider(Qt.Orientation.Horizontal)
        self.amount.setObjectName("review_amount")
        self.amount.setRange(5, 60)
        self.amount.setValue(round(100 * DEFAULT_AMOUNT))
        self.amount.setToolTip("Left: only clear faults are suspects. Right: all that may be wrong")
        self.amount.valueChanged.connect(self._on_amount)
        self.count = QLabel()
        self.count.setObjectName("review_count")
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.count.setMinimumWidth(self.count.fontMetrics().horizontalAdvance("0000"))
        return row(QLabel("How many suspects"), self.amount, self.count, stretch=1)

    def _build_buttons(self) -> None:
        self.buttons = SuspectButtons(
            {
                "previous": self.go_previous,
                "next": self.go_next,
                "worst": self.go_to_worst,
                "accept": self.accept_here,
                "delete": self.delete_here,
                "fill": self.fill_here,
                "undo": lambda: self._do(Session.undo),
                "redo": lambda: self._do(Session.redo),
            }
        )
        self.previous, self.next, self.worst, self.undo = list(self.buttons.values())[:4]
        self.accept, self.delete, self.fill, self.redo = list(self.buttons.values())[4:]
        self.form.addLayout(self.buttons.grid())

    # ---- state ---------------------------------------------------------------------------------

    def summary(self) -> tuple[str, bool]:
        """``9 of 37 reviewed``."""
        session = self.controller.session
        if session is None or not session.has_boxes:
            return "", False
        if not self._is_inspected(session):
            return "searching for suspects …", False
        left, done = session.suspects.entries()
        return self.go_on.told(session, len(left), len(done), self.inspected_at_once)

    def set_tight(self, is_tight: bool) -> None:
        """Keep fewer lines free for the reason, and fewer rows of the list."""
        self.form.setSpacing(1 if is_tight else 2)
        self.said.keep_above(TIGHT_LINES if is_tight else REASON_LINES)
        self.list.keep_rows(TIGHT_ROWS if is_tight else LEAST_ROWS)

    def session_changed(self) -> None:
        """Forget the queue of the video before."""
        super().session_changed()
        if self.controller.session is not None:
            self.controller.session.suspects.amount = self._amount
        if self.controller.layers is not None:
            self.controller.layers.follow_asked.connect(self.tracking.start)
        self._is_list_held = False
        self.release()
        self._asked_for = None

    def release(self) -> None:
        """Stop what runs."""
        self._inspecting.drop()
        for each in (self.go_on, self.pixels, self.tracking):
            each.release()

    def update_body(self) -> None:
        """Show the current frame and the suspects."""
        session = self.controller.session
        if session is None:
            return
        left, done = session.suspects.entries() if self._is_inspected(session) else ([], [])
        if self._is_list_held:
            settled = session.track.review >= Review.ACCEPTED
            self.list.keep_suspects(lambda each: bool(settled[each.first : each.last + 1].all()))
        else:
            self.list.show_suspects(left, done)
        self._show_counts(session, len(left), len(done))
        self._show_offer(session)
        told = told_of_misfit(session.suspects.missed)
        self.misfit.show_warning(f"{told} {WAYS_ON}" if told else "")
        self._show_here(session)
        self.buttons.show_queue(session, has_left=bool(left), missing=self._missing(session))
        is_done = session.has_boxes and self._is_inspected(session) and not left
        self.go_on.offer(session, is_done and session.video.images is None, self.inspected_at_once)

    def _missing(self, session: Session) -> str:
        return why_nothing(session, is_working=self.controller.is_working, detecting=self.detecting)

    @property
    def _amount(self) -> float:
        return float(self.amount.value() / 100)

    def _is_inspected(self, session: Session) -> bool:
        """Whether the queue is there; if not, it is made in a thread."""
        if session.suspects.is_inspected or session.n_frames <= self.inspected_at_once:
            return True
        wanted = session.suspects.inspector()
        if wanted != self._asked_for:
            self._asked_for = wanted
            self._inspecting.request(wanted)
        return False

    def _on_inspected(self, inspected: Inspected) -> None:
        self._asked_for = None
        if self.controller.session is not None:
            self.controller.session.suspects.take(inspected)
            self.refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Bring the list up to date once the mouse has left the step."""
        if event.type() in (QEvent.Type.Leave, QEvent.Type.Hide):
            self._release_list(has_left=True)
        return bool(super().eventFilter(watched, event))

    def _on_found(self) -> None:
        """Take the queue that the look at the pixels has changed, but move no row under the mouse."""
        self._is_list_held = self._is_in_use()
        self.refresh()
        if self.pixels.more:
            self.message.show_info(self.pixels.more)  # the dock says it where this step is folded

    def _is_in_use(self, *, has_left: bool = False) -> bool:
        """Whether a person may be about to click on a row or a button, or has the key of a tool down."""
        is_under_mouse = not has_left and self.is_open and self.body.underMouse()
        return is_under_mouse or self.controller.proposal is not None

    def _release_list(self, *, has_left: bool = False) -> None:
        if self._is_list_held and not self._is_in_use(has_left=has_left):
            self._is_list_held = False
            self.refresh()

    def _show_counts(self, session: Session, left: int, done: int) -> None:
        missing = session.track.n_missing
        self.count.setToolTip(f"{counted(missing, 'frame')} without a box" if missing else "")
        self.count.setText(f"<b>{left + done}</b>" if session.suspects.is_inspected else "…")
        self.bar.setRange(0, max(1, left + done))
        self.bar.setValue(done if left + done else 1)

    def _show_offer(self, session: Session) -> None:
        is_known = self._is_inspected(session)
        self.alike.offer(session.suspects.offer(self.controller.frame) if is_known else None)

    def _show_here(self, session: Session) -> None:
        self.range_buttons.show_here()
        self.range_buttons.show_missing(self._missing(session))
        frame, track = min(self.controller.frame, session.n_frames - 1), session.track
        suspect = session.suspects.at(frame)
        is_open = suspect is not None and session.suspects.is_open(suspect)
        state = REVIEW_WORDS.get(Review(int(track.review[frame])))
        word = source_word(track, frame)
        said = [
            f"{named(session, frame)}: {word}",
            None if word == CORRECTED and state == "edited" else state,
        ]
        said.append("suspect" if is_open else None if state else "not reviewed")
        self.here.setText(", ".join(filter(None, said)))
        shown = suspect or session.suspects.before(frame)
        in_part = IN_PART if state == REVIEW_WORDS[Review.EDITED] else ""
        since = in_part if is_open else "reviewed" if suspect else "edited"
        none = self._missing(session) or "No suspect in this frame."
        self.reason.setText(reason_text(shown, since) if shown else none)
        self.list.mark(suspect)
        layers = self.controller.layers
        over = layers.range_here() if layers else (frame, frame)
        self.buttons.show_here(session, frame, over, self._missing(session))

    def _left(self) -> list[Suspect]:
        """Suspects that are not reviewed, the worst first; none while they are computed."""
        session = self.controller.session
        if session is None or not session.has_boxes or not self._is_inspected(session):
            return []
        return session.queue()

    def _on_amount(self, _value: int) -> None:
        if self.controller.session is not None:
            self.controller.session.suspects.amount = self._amount
        self.refresh()

    def _on_edited(self) -> None:
        """What was said is of the edit before."""
        self.message.clear()

    def _note_frame(self) -> None:
        self._said_at = self.controller.frame

    def _on_frame(self, frame: int) -> None:
        session = self.controller.session
        if session is not None and self.message.kind == "info" and frame != self._said_at:
            suspect = session.suspects.at(frame)
            if suspect is not None and session.suspects.is_open(suspect):
                self.message.clear()  # it would stand over the reason of a suspect it says nothing of
        if self.is_open and session is not None:
            self._show_offer(session)
            self._show_here(session)

    # ---- going ---------------------------------------------------------------------------------

    def go_next(self) -> None:
        """Show the next suspect in time; after the last one, the first."""
        self._go_along(1)

    def go_previous(self) -> None:
        """Show the suspect before; before the first one, the last."""
        self._go_along(-1)

    def _go_along(self, way: int) -> None:
        if left := self._left():
            assert self.controller.session is not None
            self._go_to(along(left, self.controller.frame, self.controller.session.track, way))

    def go_to_worst(self) -> None:
        """Show the worst suspect; from there, the next worst."""
        session = self.controller.session
        if session is not None and self._left():
            found = session.suspects.worst_after(self.controller.frame)
            assert found is not None
            self._go_to(found)

    def _leave(self) -> None:
        """Go to another animal that has suspects left, or on to the next step."""
        if other := self.go_on.animal:
            self._do(lambda session: session.select_track(other))
            self.go_next()
        else:
            self.next_key = self.go_on.next_key
            self.finished.emit()

    def _go_to(self, suspect: Suspect) -> None:
        self.message.clear()
        self.controller.go_to(suspect.frame)

    # ---- doing ---------------------------------------------------------------------------------

    def accept_here(self) -> None:
        """Accept the selection or the suspect that the current frame is in, or the frame."""
        if self.controller.layers is not None:
            first, last = self.controller.layers.range_here()
            before = self.controller.session and self.controller.session.history.state
            self._do(lambda session: session.accept(first, last))
            if self.controller.session and self.controller.session.history.state == before:
                self.message.show_info(f"{frames_text(first, last).capitalize()}: accepted already.")

    def take_offer(self) -> None:
        """Do to the suspects that are alike what the button says, as one edit."""
        session = self.controller.session
        if session is not None:
            try:
                said = self.alike.take(session, session.suspects.offer(self.controller.frame))
            except CropzoomError as error:
                self.show_error(error)
            else:
                self.message.show_info(said or self.message.plain)

    def delete_here(self) -> None:
        """Say that there is no animal in this frame."""
        self._do(lambda session: session.delete_box(self.controller.frame))

    def fill_here(self) -> None:
        """Fill the gap that the current frame is in."""
        session, frame = self.controller.session, self.controller.frame
        if session is not None:
            for first, last in runs(session.track.is_missing):
                if first <= frame <= last:
                    self._do(partial(Session.fill_gap, first=first, last=last))

    def _do(self, act: Callable[[Session], object]) -> None:
        if self.controller.session is None:
            return
        self.message.clear()
        try:
            act(self.controller.session)
        except CropzoomError as error:
            self.show_error(error)
