"""Small icons for playing and stepping, drawn in the colour of the text."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

_SIZE = 32  # drawn large, shown at 16


def icon(name: str, color: str) -> QIcon:
    """Return ``play``, ``pause``, ``loop``, ``back``, ``on``, ``back10`` or ``on10``."""
    pixmap = QPixmap(_SIZE, _SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    if name.startswith("back"):
        painter.translate(_SIZE, 0)
        painter.scale(-1, 1)
    if name == "pause":
        painter.drawRect(QRectF(8, 6, 6, 20))
        painter.drawRect(QRectF(18, 6, 6, 20))
    elif name == "play":
        _triangle(painter, 8, 18)
    elif name == "loop":
        _loop(painter, color)
    elif name.endswith("10"):
        _triangle(painter, 5, 11)
        _triangle(painter, 16, 11)
    else:
        _triangle(painter, 8, 12)
        painter.drawRect(QRectF(21, 7, 3, 18))
    painter.end()
    return QIcon(pixmap)


def _triangle(painter: QPainter, left: float, width: float) -> None:
    half = _SIZE / 2
    corners = [QPointF(left, half - 10), QPointF(left + width, half), QPointF(left, half + 10)]
    painter.drawPolygon(QPolygonF(corners))


def _loop(painter: QPainter, color: str) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(color), 3))
    painter.drawArc(QRectF(6, 7, 20, 18), 50 * 16, 290 * 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawPolygon(QPolygonF([QPointF(17, 2), QPointF(27, 7), QPointF(18, 14)]))
