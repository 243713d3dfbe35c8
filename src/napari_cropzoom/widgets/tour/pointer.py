"""A pointer that moves by itself, and what it does where it is: press a button, drag on the canvas."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QAbstractButton, QWidget

SIZE = 26
BREATH = 0.02  # seconds between two places of it
MOVE = 0.8  # seconds it takes to get somewhere
_SHAPE = ((1, 1), (1, 19), (6, 15), (9, 22), (12, 20.5), (9, 14), (15, 14))


class Pointer(QWidget):
    """Drawn over a window; the mouse of the desk stays where it is.

    What it does is told in steps: each generator yields the seconds to wait before the next.

    Parameters
    ----------
    window : QWidget
        It moves over this one.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tour_pointer")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet("background: transparent")
        self.resize(SIZE, SIZE)
        self.move(window.rect().center())

    def go_to(self, control: QWidget, place: QPoint | None = None) -> Iterator[float]:
        """Move to a place of a control, its middle if none is given."""
        at = control.rect().center() if place is None else place
        goal, start = QPointF(control.mapTo(self.window(), at)), QPointF(self.pos())
        self.show()
        self.raise_()
        count = round(MOVE / BREATH)
        for number in range(1, count + 1):
            part = number / count
            eased = part * part * (3 - 2 * part)
            self.move((start + (goal - start) * eased).toPoint())
            yield BREATH

    def click(self, button: QAbstractButton) -> Iterator[float]:
        """Go to a button and press it."""
        yield from self.go_to(button)
        yield 0.3
        button.click()

    def drag(self, canvas: QWidget, start: QPoint, end: QPoint) -> Iterator[float]:
        """Press the left button at one place of the canvas and release it at another."""
        yield from self.go_to(canvas, start)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self._send(canvas, QEvent.Type.MouseMove, start, none, none)
        self._send(canvas, QEvent.Type.MouseButtonPress, start, left, left)
        count = round(1.2 / BREATH / 2)
        at = start
        try:
            for number in range(1, count + 1):
                at = start + (end - start) * (number / count)
                self.move(canvas.mapTo(self.window(), at))
                self._send(canvas, QEvent.Type.MouseMove, at, none, left)
                yield 2 * BREATH
        finally:  # also where it is left on the way
            self._send(canvas, QEvent.Type.MouseButtonRelease, at, left, none)

    @staticmethod
    def _send(
        canvas: QWidget, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, held: Qt.MouseButton
    ) -> None:
        place, on_screen = QPointF(at), QPointF(canvas.mapToGlobal(at))
        event = QMouseEvent(kind, place, on_screen, button, held, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.sendEvent(canvas, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """An arrow, white with a dark edge: read on any picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#101010"), 1.6))
        painter.setBrush(QColor("#ffffff"))
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in _SHAPE]))
