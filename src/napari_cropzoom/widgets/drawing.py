"""Draws boxes, handles and keypoints with Qt as napari draws them with OpenGL."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Points, Shapes
from napari.settings import get_settings
from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.layers.conversions import PIXEL_EDGE
from napari_cropzoom.layers.looks import Look
from napari_cropzoom.layers.points_layers import Marks

# screen pixels (napari/layers/shapes/shapes.py)
HANDLE, ARM = 10.0, 20.0
HIGHLIGHT = 1.5  # times napari's thickness, as a line looks that OpenGL has smoothed


def draw_box(painter: QPainter, box: Box, look: Look, zoom: float) -> None:
    """Draw the outline of a box, ``zoom`` times as large."""
    painter.setPen(outline(look))
    x, y = (box.x - PIXEL_EDGE) * zoom, (box.y - PIXEL_EDGE) * zoom
    painter.drawRect(QRectF(x, y, box.w * zoom, box.h * zoom))


def draw_handles(painter: QPainter, layer: Shapes, box: Box, zoom: float) -> None:
    """Draw what napari draws round a selected box: an outline, and discs to take hold of."""
    highlight = get_settings().appearance.highlight
    color, thickness = color_of(highlight.highlight_color), float(highlight.highlight_thickness)
    left, top = (box.x - PIXEL_EDGE) * zoom, (box.y - PIXEL_EDGE) * zoom
    right, bottom = left + box.w * zoom, top + box.h * zoom
    places = [(x, y) for x in (left, right) for y in (top, bottom)]
    painter.setPen(QPen(color, thickness * HIGHLIGHT))
    painter.drawRect(QRectF(QPointF(left, top), QPointF(right, bottom)))
    if layer.mode == "select":
        x, y = (left + right) / 2, (top + bottom) / 2
        places += [(x, top), (x, bottom), (left, y), (right, y), (left - ARM, y)]
        painter.drawLine(QLineF(left, y, left - ARM, y))
    painter.setPen(QPen(color, thickness))
    painter.setBrush(Qt.GlobalColor.white)
    for place in places:
        painter.drawEllipse(QPointF(*place), HANDLE / 2, HANDLE / 2)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def draw_points(painter: QPainter, layer: Points, marks: Marks, zoom: float) -> None:
    """Draw keypoints as their layer does, ``zoom`` times as large."""
    for k in np.flatnonzero(marks.is_there).tolist():
        size = float(layer.size[k]) * zoom
        border = size * float(layer.border_width[k])
        painter.setPen(QPen(color_of(marks.border[k]), border))
        painter.setBrush(color_of(marks.face[k]))
        centre, radius = QPointF(*(marks.xy[k] * zoom).tolist()), size / 2
        if str(layer.symbol[k]) == "diamond":
            corners = ((0, -radius), (radius, 0), (0, radius), (-radius, 0))
            painter.drawPolygon(QPolygonF([centre + QPointF(*corner) for corner in corners]))
        else:
            painter.drawEllipse(centre, radius, radius)


def outline(look: Look) -> QPen:
    """A pen for lines with square corners."""
    pen = QPen(color_of(look.rgba), look.width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def color_of(rgba: Any) -> QColor:
    """Four numbers, 0 to 1, as Qt's colour."""
    return QColor.fromRgbF(*(min(max(float(part), 0.0), 1.0) for part in rgba))
