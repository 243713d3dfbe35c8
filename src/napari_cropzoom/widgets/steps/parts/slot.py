"""A place of a fixed height for what is said now and then, so that nothing below it moves."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject, QRect, QSize, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_cropzoom.widgets.controls import CutLabel, Message, line_height

LINES = 3
ALL_LINES = 9  # of a reason, a message and an offer
SPACING = 2
_PAD = 3  # pixels of air in a message's frame
_FRAME = 2 * (_PAD + 1)  # pixels of a message's frame and air, above and below


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

    What always stands above gives way to the first message: it keeps what that leaves, or is not shown
    meanwhile; so is an offer. From other messages it takes what it needs. A message that has no room even
    so is cut, after a whole sentence where one fits, and is whole in its tooltip.

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
        self._least = 0 if above is None else above.most
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
            message.padding = _PAD
            message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            message.changed.connect(self._arrange)
            layout.addWidget(message, 1)
        layout.addWidget(hint, 1)
        self._held = QWidget()  # the offers, so that they can be kept back while they are on
        column = QVBoxLayout(self._held)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING)
        for offer in offers:
            offer.installEventFilter(self)
            column.addWidget(offer)
        layout.addWidget(self._held)
        policy = QSizePolicy.Policy.Fixed if above is None else QSizePolicy.Policy.Preferred
        self.setSizePolicy(QSizePolicy.Policy.Ignored, policy)
        self._arrange()

    def keep_above(self, lines: int) -> None:
        """Keep room for so many lines, and not only for the usual number, of what stands in it."""
        if self._above is not None and lines != self._least:
            self._least = lines
            self.updateGeometry()
            self._arrange()

    def sizeHint(self) -> QSize:
        """Room for a few lines in a frame and for the hint, or for all that may stand here at once."""
        line = line_height(self._hint.font())
        if self._above is not None:
            return QSize(0, ALL_LINES * line + 2 + SPACING)
        return QSize(0, max(LINES * line + _FRAME, self._hint.sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        """The same, or room for the lines that are kept in any case."""
        if self._above is None:
            return self.sizeHint()
        return QSize(0, self._least * line_height(self._hint.font()) + 2 + SPACING)

    def hasHeightForWidth(self) -> bool:
        """Never, though what is in it has."""
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need other lines."""
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for an offer."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent, QEvent.Type.Resize):
            self._arrange()
        return False

    def _arrange(self) -> None:
        offers = [offer for offer in self._offers if not offer.isHidden()]
        said = next((message for message in self._messages if message.kind), None)
        line = line_height(self._hint.font())
        left, taken = self.height(), sum(offer.sizeHint().height() + SPACING for offer in offers)
        needed = said.height_for(self.width()) + SPACING if said else 0
        if said is not self._messages[0]:  # it stands for long: what it stands beside comes first
            needed = min(needed, line + _FRAME + SPACING)
        some = LINES * line + _FRAME + SPACING  # of a message that is cut in any case
        is_kept_back = left - taken < min(needed, some) or left - taken < needed <= left
        self._held.setVisible(bool(offers) and not is_kept_back)
        left -= 0 if is_kept_back else taken
        if self._above is not None:
            needed = max(left // 2, some) if needed > left else needed
            is_shown = left - needed >= line + 2
            self._above.setVisible(is_shown)
            if is_shown:
                self._above.take(left - needed)
                left -= self._above.sizeHint().height() + SPACING
        for message in self._messages:
            message.setVisible(message is said)
        self._hint.setVisible(said is None and not offers and left >= line)
