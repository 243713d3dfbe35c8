"""Draws boxes and keypoints with Qt as napari draws them with OpenGL."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from napari_cropzoom.canvas.conversions import PIXEL_EDGE
from napari_cropzoom.canvas.keypoints.marks import Marks
from napari_cropzoom.canvas.keypoints.skeleton import COLOR, OPACITY, WIDTH
from napari_cropzoom.core.boxes import Box, FloatArray
from napari_cropzoom.core.looks import LineStyle


def draw_box(painter: QPainter, box: Box, style: LineStyle, zoom: float) -> None:
    """Draw the outline of a box, ``zoom`` times as large."""
    painter.setPen(outline(style))
    painter.setBrush(color_of(style.face_rgba))
    x, y = (box.x - PIXEL_EDGE) * zoom, (box.y - PIXEL_EDGE) * zoom
    painter.drawRect(QRectF(x, y, box.w * zoom, box.h * zoom))


def draw_points(painter: QPainter, layer: Points, marks: Marks, zoom: float) -> None:
    """Draw keypoints as their layer does, ``zoom`` times as large."""
    least, most = layer.canvas_size_limits
    for k in np.flatnonzero(marks.is_there).tolist():
        size = min(max(float(layer.size[k]) * zoom, least), most)
        border = size * float(layer.border_width[k])
        painter.setPen(QPen(color_of(marks.border[k]), border))
        painter.setBrush(color_of(marks.face[k]))
        centre, radius = QPointF(*(marks.xy[k] * zoom).tolist()), size / 2
        if str(layer.symbol[k]) == "diamond":
            corners = ((0, -radius), (radius, 0), (0, radius), (-radius, 0))
            painter.drawPolygon(QPolygonF([centre + QPointF(*corner) for corner in corners]))
        else:
            painter.drawEllipse(centre, radius, radius)


def draw_bones(painter: QPainter, bones: FloatArray, zoom: float) -> None:
    """Draw the lines of the skeleton, (N, 2, 2), ``zoom`` times as large."""
    painter.setPen(outline(LineStyle(WIDTH, OPACITY, color=COLOR)))
    painter.drawLines([QLineF(*a, *b) for a, b in (bones * zoom).tolist()])


def outline(style: LineStyle) -> QPen:
    """A pen for lines with square corners."""
    pen = QPen(color_of(style.rgba), style.width)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def color_of(rgba: Any) -> QColor:
    """Four numbers, 0 to 1, as Qt's colour."""
    return QColor.fromRgbF(*(min(max(float(part), 0.0), 1.0) for part in rgba))
