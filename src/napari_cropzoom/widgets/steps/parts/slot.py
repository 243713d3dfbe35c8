"""A place of a fixed height for what is said now and then, so that nothing below it moves."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject, QSize
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.widgets.controls import Message, line_height

LINES = 3
_FRAME = 12  # pixels of a message's frame and air, above and below


class Slot(QWidget):
    """Shows the first of several messages that says anything, else a hint; and an offer below it.

    A message is cut to the room there is, and is whole in its tooltip.

    Parameters
    ----------
    messages : sequence of Message
        The most important first.
    offers : sequence of QWidget
        Of which at most one is shown at a time.
    hint : QLabel
    """

    def __init__(self, messages: Sequence[Message], offers: Sequence[QWidget], hint: QLabel) -> None:
        super().__init__()
        self._messages = messages
        self._offers = offers
        self._hint = hint
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for message in messages:
            message.is_cut = True
            message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            message.changed.connect(self._arrange)
            layout.addWidget(message, 1)
        layout.addWidget(hint, 1)
        for offer in offers:
            offer.installEventFilter(self)
            layout.addWidget(offer)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._arrange()

    def sizeHint(self) -> QSize:
        """Room for a few lines in a frame."""
        return QSize(0, LINES * line_height(self._hint.font()) + _FRAME)

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def hasHeightForWidth(self) -> bool:
        """Never, though what is in it has."""
        return False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for an offer."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            self._arrange()
        return False

    def _arrange(self) -> None:
        said = next((message for message in self._messages if message.kind), None)
        for message in self._messages:
            message.setVisible(message is said)
        is_free = said is None and all(offer.isHidden() for offer in self._offers)
        self._hint.setVisible(is_free)
