"""The view of the timeline: what the mouse does, and where the rows are."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal

SHORTEST = 8  # frames in view at most zoom
_ZOOM = 1.0015  # for every eighth of a degree of the wheel
_PAN = 0.15  # share of the view for one notch of the wheel


class TimelineView(pg.ViewBox):
    """Frames from left to right, pixels from top to bottom.

    A click goes there, a drag selects, the wheel zooms about the mouse, Shift and the wheel or the middle
    button pan, a drag on the axis below moves the playhead.

    Attributes
    ----------
    went_to
        Frame that was clicked or dragged to.
    double_clicked
        Frame, as a float, and pixel from the top.
    selecting, selected
        First and last frame while the mouse drags, and once it is released.
    moved
        First and last frame wanted in view.
    """

    went_to = Signal(int)
    double_clicked = Signal(float, float)
    selecting = Signal(int, int)
    selected = Signal(int, int)
    moved = Signal(float, float)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, invertY=True, defaultPadding=0)
        self.setMouseEnabled(x=True, y=False)
        self.n_frames = 1
        self._drag_start = 0

    # ---- where ---------------------------------------------------------------------------------

    def frames_in_view(self) -> tuple[float, float]:
        """Left and right edge, in frames."""
        (left, right), _ = self.viewRange()
        return left, right

    def frames_per_pixel(self) -> float:
        """How many frames share a pixel."""
        left, right = self.frames_in_view()
        return (right - left) / max(float(self.width()), 1.0)

    def frame_at(self, scene_position: QPointF) -> int:
        """Frame at a position of the scene, cut to the video."""
        at = self.mapSceneToView(scene_position).x()
        return int(min(max(round(at), 0), self.n_frames - 1))

    def fitted(self, left: float, right: float) -> tuple[float, float]:
        """Return the range of that length nearest to the one wanted that is in the video."""
        length = min(max(right - left, SHORTEST), max(self.n_frames, SHORTEST))
        middle = (left + right) / 2
        left = min(max(middle - length / 2, -0.5), max(self.n_frames - 0.5 - length, -0.5))
        return left, left + length

    # ---- mouse ---------------------------------------------------------------------------------

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        """Zoom about the mouse; with Shift, or on a wheel that turns sideways, pan."""
        left, right = self.frames_in_view()
        is_sideways = ev.orientation() == Qt.Orientation.Horizontal
        if is_sideways or ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            by = -ev.delta() / 120 * _PAN * (right - left)
            self.moved.emit(left + by, right + by)
        else:
            about = self.mapSceneToView(ev.scenePos()).x()
            scale = max(_ZOOM ** -ev.delta(), SHORTEST / (right - left))
            self.moved.emit(about - (about - left) * scale, about + (right - about) * scale)
        ev.accept()

    def mouseClickEvent(self, ev: Any) -> None:
        """Go there; twice, leave it to others what that means."""
        if ev.button() != Qt.MouseButton.LeftButton:
            return
        ev.accept()
        if ev.double():
            at = self.mapSceneToView(ev.scenePos())
            self.double_clicked.emit(at.x(), at.y())
        else:
            self.went_to.emit(self.frame_at(ev.scenePos()))

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        """Select with the left button, pan with the middle one, move the playhead on the axis."""
        ev.accept()
        frame = self.frame_at(ev.scenePos())
        if ev.button() == Qt.MouseButton.MiddleButton:
            by = (ev.lastScenePos().x() - ev.scenePos().x()) * self.frames_per_pixel()
            left, right = self.frames_in_view()
            self.moved.emit(left + by, right + by)
        elif ev.button() == Qt.MouseButton.LeftButton and axis == 0:
            self.went_to.emit(frame)
        elif ev.button() == Qt.MouseButton.LeftButton:
            if ev.isStart():
                self._drag_start = self.frame_at(ev.buttonDownScenePos())
            ends = min(self._drag_start, frame), max(self._drag_start, frame)
            (self.selected if ev.isFinish() else self.selecting).emit(*ends)


class Selection(pg.LinearRegionItem):
    """A range with handles at its ends; a drag on it starts a new selection."""

    def mouseDragEvent(self, ev: Any) -> None:
        """Leave it to the view."""
        ev.ignore()

    def hoverEvent(self, ev: Any) -> None:
        """Leave it to the handles."""


class FrameAxis(pg.AxisItem):
    """Whole frame numbers with thin spaces between the thousands."""

    def __init__(self) -> None:
        super().__init__("bottom", maxTickLength=-5)
        self.enableAutoSIPrefix(False)
        self.setHeight(20)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Ticks at whole frames only."""
        return [
            (spacing, values)
            for spacing, values in super().tickValues(minVal, maxVal, size)
            if spacing >= 1
        ]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """``12 000``."""
        return [f"{round(value):,}".replace(",", "\u2009") for value in values]
