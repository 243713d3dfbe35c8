"""A question in the step *Boxes*: what becomes of frames that a person has changed or accepted.

It waits in the step, so that a slider can be dragged on; nothing is changed before it is answered.

Object names: ``boxes_question``, ``boxes_change``, ``boxes_leave``.
"""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import FloatArray, Review, Source
from napari_cropzoom.core.editing.settings import is_changed, told_of_kept, told_of_remade
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controls import Message, button, delayed

FROM_A_FILE = (
    "These boxes are from a file. Boxes round the keypoints take their place; undo brings them back."
)
ALL_AGAIN = "The boxes of all frames are made again."
Agreed = tuple[Session, str, int, int]


class SizingQuestion(QWidget):
    """Says what becomes of the boxes, and asks before the first change; hidden while nothing is asked.

    Attributes
    ----------
    agreed, declined : Signal
        A person wants the boxes made again, or left as they are.
    """

    agreed = Signal()
    declined = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.message = Message()
        self.message.setObjectName("boxes_question")
        self.change = button("Make the others again", "boxes_change")
        self.leave = button("Leave all as they are", "boxes_leave")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.message)
        layout.addWidget(self.change)
        layout.addWidget(self.leave)
        self._agreed: Agreed | None = None
        self._asked: Agreed | None = None
        self._of: tuple[Session, str, FloatArray] | None = None
        self._show_later = delayed(self, self._come_into_view)
        self.change.clicked.connect(self._agree)
        self.leave.clicked.connect(self._decline)
        self.hide()

    @property
    def is_open(self) -> bool:
        """Whether an answer is awaited."""
        return self._asked is not None

    def is_due(self, session: Session) -> bool:
        """Whether there is anything to ask that was not agreed to before."""
        return bool(told(session)) and _state(session) != self._agreed

    def ask(self, session: Session) -> None:
        """Say what becomes of the boxes, and wait for an answer."""
        self._of = session, session.current, session.track.raw
        self.tell(session)
        self.show()
        self._show_later.start()

    def tell(self, session: Session) -> None:
        """Say what becomes of the boxes as they are now."""
        self._asked = _state(session)
        self.message.show_warning(told(session) or ALL_AGAIN)
        which = "the others" if told_of_kept(session.track) else "all boxes"
        self.change.setText(f"Make {which}{'' if session.sizing is None else ' again'}")

    def is_moot(self, session: Session | None) -> bool:
        """Whether an answer is awaited of other boxes than those there are now."""
        if self._of is None:
            return False
        before, animal, raw = self._of
        return session is not before or session.current != animal or session.track.raw is not raw

    def forget(self) -> None:
        """Ask nothing any more."""
        self._asked = self._of = None
        self.hide()

    def _come_into_view(self) -> None:
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                parent.ensureWidgetVisible(self, 0, 4)
            parent = parent.parentWidget()

    def _agree(self) -> None:
        self._agreed = self._asked
        self.forget()
        self.agreed.emit()

    def _decline(self) -> None:
        self.forget()
        self.declined.emit()


def _state(session: Session) -> Agreed:
    changed = is_changed(session.track)
    accepted = (session.track.review == Review.ACCEPTED) & ~changed
    return session, session.current, int(np.count_nonzero(changed)), int(np.count_nonzero(accepted))


def told(session: Session) -> str:
    """Say what becomes of the boxes of the current track when they are made of keypoints again."""
    track = session.track
    if not session.has_boxes:
        return ""
    is_foreign = session.sizing is None and track.raw_source == Source.IMPORTED
    is_foreign = is_foreign and not np.isnan(track.raw).all()
    remade = told_of_remade(track)
    if is_foreign:
        return f"{FROM_A_FILE} {remade}".strip()
    return f"{ALL_AGAIN} {remade}" if remade and not told_of_kept(track) else remade
