"""One step of the dock: a line that says how it stands, and below it, while open, its controls.

A step is one module with one subclass of :class:`Step`, listed in :mod:`registry`. It never imports
another step: what a step has made lies in the session, and the dock opens the step named in ``next_key``.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import ClassVar

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import LineLabel, Message
from napari_cropzoom.widgets.shortcuts_dialog import first_box_hint

AIR, APART, NUMBER = 6, 4, 16  # pixels at the ends of a step's line, between what is in it, of its number
COMPACT_AIR = 3
DONE = "✓"
MARKS = (DONE, "●", "⚠")  # that a state may begin with


class Header(QPushButton):
    """The line of a step: number, title and, at the right, its state."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("Header > QLabel { background: transparent; border: none; padding: 0; }")
        self._title = title
        self._is_low = self._is_compact = False
        self._told = ""
        self._number = QLabel(str(number))
        self._number.setFixedWidth(NUMBER)
        self._name = QLabel(f"<b>{title}</b>")
        self._state = LineLabel()
        self._state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(AIR, 0, AIR, 0)
        layout.setSpacing(APART)
        layout.addWidget(self._number)
        layout.addWidget(self._name)
        layout.addWidget(self._state, 1)
        for label in (self._number, self._name, self._state):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.set_state("")

    def sizeHint(self) -> QSize:
        """One line of text and some air."""
        line = self.fontMetrics().height()
        return QSize(200, line + 3 if self._is_low else max(28, line + 12))

    def set_low(self, is_low: bool) -> None:
        """Take no more height than the text, or have some air round it."""
        if is_low != self._is_low:
            self._is_low = is_low
            self.updateGeometry()

    def compact_width(self) -> int:
        """Pixels across that number, title and a mark need."""
        mark = self._state.fontMetrics().horizontalAdvance(DONE)
        shown = self._compact_number() + self._name.sizeHint().width() + mark
        return int(shown + 2 * (COMPACT_AIR + APART))

    def _compact_number(self) -> int:
        return int(self._number.fontMetrics().horizontalAdvance(self._number.text())) + 1

    def set_compact(self, is_compact: bool) -> None:
        """Show no more of the state than its mark, where other steps stand in the same line."""
        if is_compact != self._is_compact:
            self._is_compact = is_compact
            air = COMPACT_AIR if is_compact else AIR
            self._number.setFixedWidth(self._compact_number() if is_compact else NUMBER)
            self.layout().setContentsMargins(air, 0, air, 0)
            self._write()

    def set_state(self, text: str, done: bool = False) -> None:
        """Show how the step stands; a done one gets a tick."""
        self._told = f"{DONE} {text}" if done else text
        self._write()
        self.setAccessibleName(f"{self._title}: {self._told or 'not done yet'}")

    def _write(self) -> None:
        mark = self._told[:1] if self._told.startswith(MARKS) else ""
        self._state.setText(mark if self._is_compact else self._told)

    @property
    def state(self) -> str:
        """The state as it is told, not shortened."""
        return self._told


NO_VIDEO = "Not for labeled images: the dock Training has the steps for them."
GONE = "The layer “video” was deleted. Show it again first."


NO_BOXES = "There are no keypoints of a detector. Load boxes from a file, or draw them."


def told_of_no_boxes(session: Session | None) -> str:
    """How an animal gets boxes that has none, in the step *Boxes*."""
    is_added = session is not None and len(session.tracks) > 1
    return f"{first_box_hint()}, or load boxes from a file." if is_added else NO_BOXES


class Needs(Enum):
    """What a step needs before it can be opened; the value says it to a person."""

    NOTHING = ""
    VIDEO = "Open a video first."
    BOXES = "Make, load or draw boxes first."


def told_of_detecting(how: str) -> str:
    """How far a detector is that runs, and what comes then; ``how`` as in the line of its step."""
    if how.startswith("cancelling"):
        return "The detector is being cancelled."
    state = {
        "running …": "The detector runs",
        "waits …": "The detector waits until another step has ended",
    }
    return (
        f"{state.get(how, f'The detector runs: {how}')}. When it has ended, the boxes come by themselves."
    )


class Step(QFrame):
    """Base of the steps; a subclass names itself, fills `form` and answers the questions below.

    Object names: ``<key>_section`` with ``<key>_header``, ``<key>_body`` and ``<key>_message``.

    Attributes
    ----------
    key, title, help : str
        Name in code and tests, on screen, and what the step is for.
    place : int
        Where it stands in the dock: steps are in ascending order.
    needs : Needs
        What has to be done first.
    next_key : str
        Step that opens once this one has `finished`; empty to stay.
    grows : bool
        Whether it has a use for all the room that is left below it.
    most_dropped : int
        How many files at once it takes.
    is_for_images : bool
        Whether it is of use for labeled images too, which do not follow each other in time.
    edits : type of Edit, or None
        Settings that it has the controls of: it opens when one of them is undone or done again.
    form : QVBoxLayout
        Where the controls go.
    detecting : str
        How far a detector is that runs on the video, in a few words; empty while none does.
    told : Signal
        What a person should read though the step may be folded.
    message : Message
        The one place for errors and warnings of the step; below the controls, unless `build` puts it
        elsewhere.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    place: ClassVar[int]
    needs: ClassVar[Needs] = Needs.VIDEO
    next_key: str = ""
    grows: ClassVar[bool] = False
    most_dropped: ClassVar[int] = 1
    is_for_images: ClassVar[bool] = False
    edits: ClassVar[type[Edit] | None] = None
    toggled = Signal(bool)
    finished = Signal()
    failed = Signal()
    told = Signal(str)

    def __init__(self, controller: Controller, number: int) -> None:
        super().__init__()
        self.controller = controller
        self.detecting = ""
        self.setObjectName(f"{self.key}_section")
        self.header = Header(number, self.title)
        self.header.setObjectName(f"{self.key}_header")
        self.body = QWidget()
        self.body.setObjectName(f"{self.key}_body")
        self.form = QVBoxLayout(self.body)
        self.form.setContentsMargins(8, 4, 8, 10)
        self.form.setSpacing(6)
        self.message = Message()
        self.message.setObjectName(f"{self.key}_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.header)
        layout.addWidget(self.body)
        self.build()
        if self.message.parent() is None:
            self.form.addWidget(self.message)
        if not self.grows:
            self.form.addStretch(1)  # what room is left over for a moment moves no control
        self.body.hide()
        self.header.clicked.connect(self.toggled)
        controller.changed.connect(self.refresh)
        controller.session_changed.connect(self.session_changed)
        controller.edited.connect(self._on_edited)
        self.refresh()

    # ---- for the subclass ----------------------------------------------------------------------

    def build(self) -> None:
        """Put the controls into `form`."""

    def missing(self) -> str:
        """What has to be done first, for a person; empty when the step is possible."""
        session = self.controller.session
        layers = self.controller.layers
        if self.needs is not Needs.NOTHING and layers is not None and layers.video is None:
            return GONE
        if session is not None and session.video.images is not None and not self.is_for_images:
            return NO_VIDEO
        is_met = {
            Needs.NOTHING: True,
            Needs.VIDEO: session is not None,
            Needs.BOXES: session is not None and session.has_boxes,
        }
        if self.needs is Needs.BOXES and session is not None and self.detecting:
            return "" if is_met[self.needs] else told_of_detecting(self.detecting)
        return "" if is_met[self.needs] else self.needs.value

    def start_after(self, key: str) -> None:
        """Go on with what the step ``key`` has made, when that step opens this one."""

    def can_open(self, path: Path) -> bool:
        """Whether a file that is dropped on the dock is for this step."""
        return False

    def open(self, path: Path) -> None:
        """Open a file that `can_open` accepts."""

    def agrees_to_drop(self, paths: list[Path]) -> bool:
        """Whether files that were dropped on the window may be opened; asks the person where need be."""
        return True

    def drop(self, paths: list[Path], *, alone: bool = True) -> None:
        """Open files that a person has dropped on the window, up to `most_dropped`.

        Not ``alone`` are those that others come with, to be opened once these are.
        """
        self.open(paths[0])

    def summary(self) -> tuple[str, bool]:
        """State in a few words, and whether the step is done."""
        return "", False

    def update_body(self) -> None:
        """Bring the controls up to date; called only while the step is open."""

    def set_tight(self, is_tight: bool) -> None:
        """Do without room that is kept free for what may come, or keep it again."""

    def session_changed(self) -> None:
        """Forget what belonged to the video before."""
        self.message.clear()

    def release(self) -> None:
        """Stop what runs and disconnect from what outlives the step; called when the dock closes."""

    # ---- for the dock --------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the controls show."""
        return not self.body.isHidden()

    def set_open(self, is_open: bool) -> None:
        """Show or fold the controls."""
        self.header.setChecked(is_open)
        self.body.setVisible(is_open)
        if is_open:
            self.update_body()

    def refresh(self) -> None:
        """Bring the line up to date, and the controls if they show."""
        missing = self.missing()
        text, done = self.summary()
        self.header.setEnabled(not missing)
        self.header.set_state(text, done and not missing)
        self._show_help()
        if missing and self.is_open:
            self.set_open(False)
        if self.is_open:
            self.update_body()

    def show_detecting(self, how: str) -> None:
        """Say how far the detector is where its boxes are missed; empty once it has ended."""
        self.detecting = how
        session = self.controller.session
        if session is None or session.has_boxes:
            return
        self._show_help()
        if self.is_open:
            self.update_body()

    def _show_help(self) -> None:
        said = self.missing() or self.summary()[0]
        self.header.setToolTip("\n".join(filter(None, (self.help, said))))

    def _on_edited(self) -> None:
        """Forget why an edit could not be made once one was."""
        if self.message.kind == "error":
            self.message.clear()

    def show_error(self, error: Exception | str) -> None:
        """Say what went wrong, in the step itself; a bug goes to napari's notifications instead."""
        if not isinstance(error, str) and not self.controller.is_for_person(error):
            raise error
        self.message.show_error(str(error))
        self.failed.emit()
