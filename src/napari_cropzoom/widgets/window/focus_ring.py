"""A ring round the control that has the focus, so that those who go by keys see where they are."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QRectF, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

WIDTH = 2


class FocusRing(QWidget):
    """Drawn along the edge of a control, in the colour that the window's theme has for text.

    While it shows it is a child of the control; it takes no event.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("cropzoom_focus")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet("background: transparent")
        self.hide()

    def put_round(self, control: QWidget) -> None:
        """Show it round a control."""
        self.leave()
        self.setParent(control)
        control.installEventFilter(self)
        self.setGeometry(control.rect())
        self.show()
        self.raise_()

    def leave(self) -> None:
        """Show it no longer."""
        self.hide()
        control = self.parentWidget()
        if control is not None:
            control.removeEventFilter(self)
        self.setParent(None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the control."""
        control = self.parentWidget()
        if event.type() == QEvent.Type.Resize and control is not None:
            self.setGeometry(control.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().windowText().color(), WIDTH))
        room = WIDTH / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(room, room, -room, -room), 3, 3)
