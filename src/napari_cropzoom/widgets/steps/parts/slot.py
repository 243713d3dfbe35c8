"""A place of a fixed height for what is said now and then, so that nothing below it moves."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.widgets.controls import CutLabel, Message, line_height

LINES = 3
SPACING = 2
_FRAME = 12  # pixels of a message's frame and air, above and below


class WholeLabel(CutLabel):
    """Plain text that takes the lines it needs, up to a number; `changed` comes with another text.

    Attributes
    ----------
    most : int
        Lines for which room is kept.
    """

    changed = Signal()

    def __init__(self, most: int, name: str = "") -> None:
        super().__init__(most, name)
        self.most = self._room = most

    def setText(self, text: str | None) -> None:
        """Show another text, and take the room for it."""
        super().setText(text)
        self.updateGeometry()
        self.changed.emit()

    def sizeHint(self) -> QSize:
        """As high as the text at this width."""
        room, metrics = QRect(0, 0, self.contentsRect().width(), 0), self.fontMetrics()
        needed = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, self.text()).height()
        lines = min(self._room, max(1, round(needed / metrics.lineSpacing())))
        return QSize(0, lines * line_height(self.font()) + 2)

    def take(self, height: int) -> None:
        """Need no more than this height in pixels, but one line in any case."""
        room = min(self.most, max(1, (height - 2) // line_height(self.font())))
        if room != self._room:
            self._room = room
            self.updateGeometry()


class Slot(QWidget):
    """Shows the first of several messages that says anything, else a hint; and an offer below it.

    A message is cut to the room there is, and is whole in its tooltip. What always stands above it takes
    what it needs first.

    Parameters
    ----------
    messages : sequence of Message
        The most important first.
    offers : sequence of QWidget
        Of which at most one is shown at a time.
    hint : QLabel
    above : WholeLabel, optional
    """

    def __init__(
        self,
        messages: Sequence[Message],
        offers: Sequence[QWidget],
        hint: QLabel,
        above: WholeLabel | None = None,
    ) -> None:
        super().__init__()
        self._above = above
        self._messages = messages
        self._offers = offers
        self._hint = hint
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        if above is not None:
            above.changed.connect(self._arrange)
            layout.addWidget(above)
            hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            hint.setMinimumHeight(1)
            hint.setAlignment(Qt.AlignmentFlag.AlignBottom)  # it stays there when another text is above
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

    def keep_above(self, lines: int) -> None:
        """Keep room for other than the usual number of lines of what always stands above."""
        if self._above is not None and lines != self._above.most:
            self._above.most = lines
            self.updateGeometry()
            self._arrange()

    def sizeHint(self) -> QSize:
        """Room for a few lines in a frame and for the hint, or for all that may stand above."""
        line = line_height(self._hint.font())
        if self._above is not None:
            return QSize(0, self._above.most * line + 2 + SPACING)
        return QSize(0, max(LINES * line + _FRAME, self._hint.sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        """The same."""
        return self.sizeHint()

    def hasHeightForWidth(self) -> bool:
        """Never, though what is in it has."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need other lines."""
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for an offer."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            self._arrange()
        return False

    def _arrange(self) -> None:
        offers = [offer for offer in self._offers if not offer.isHidden()]
        said = next((message for message in self._messages if message.kind), None)
        line = line_height(self._hint.font())
        left = self.height() - sum(offer.sizeHint().height() + SPACING for offer in offers)
        if self._above is not None:
            self._above.take(left - (SPACING + line + _FRAME if said else 0))
            left -= self._above.sizeHint().height() + SPACING
        for message in self._messages:
            message.setVisible(message is said)
        self._hint.setVisible(said is None and not offers and left >= line)
