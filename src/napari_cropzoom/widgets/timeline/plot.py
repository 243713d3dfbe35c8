"""The plot of the timeline: rows over one axis of frames, playhead, selection, proposal."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QHelpEvent, QKeyEvent, QResizeEvent, QTransform
from qtpy.QtWidgets import QGraphicsRectItem, QToolTip

from napari_cropzoom.core.timeline.series import QUANTITIES
from napari_cropzoom.widgets.timeline.colors import DARK, Colors
from napari_cropzoom.widgets.timeline.rows import (
    FOLDED,
    BoxRow,
    CurveRow,
    Row,
    StripRow,
    Window,
    hatching,
)
from napari_cropzoom.widgets.timeline.view import FrameAxis, Selection, TimelineView

_NEAR = 7  # pixels
_AHEAD = 0.1  # where the playhead comes to stand when it has left the view


class TimelinePlot(pg.PlotWidget):
    """Draws; knows neither session nor viewer.

    Attributes
    ----------
    view : TimelineView
    likelihood, suspects, box, review : Row
    quantities : dict of str to CurveRow
        Speed, size, centre x, centre y.
    rows : dict of str to Row
        All of them by key, from above.
    drawn
        The rows were drawn.
    selection_moved, selection_set
        First and last frame, while it is dragged and when it is released.
    tooltip_asked
        A tooltip is wanted: frame and its row's key, and where on the screen.
    """

    drawn = Signal()
    selection_moved = Signal(int, int)
    selection_set = Signal(int, int)
    tooltip_asked = Signal(float, str, object)

    def __init__(self) -> None:
        self.view = TimelineView()
        super().__init__(viewBox=self.view, axisItems={"bottom": FrameAxis()}, background=None)
        self.setObjectName("timeline_plot")
        self.hideAxis("left")
        self.hideButtons()
        self.getPlotItem().setMenuEnabled(False)
        self.getPlotItem().setContentsMargins(0, 0, 0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(140)  # every row, if only just
        self.likelihood = CurveRow("likelihood", "likelihood", (0.0, 1.0), "")
        units = dict.fromkeys(QUANTITIES, "px") | {"speed": "px/frame"}
        self.quantities = {name: CurveRow(name, name, None, unit) for name, unit in units.items()}
        self.suspects = StripRow("suspects", "suspects", 15, Colors.flag_table, widened=True)
        self.box = BoxRow("box", "box", 15)
        self.review = StripRow("review", "review", 15, Colors.state_table)
        marks = (self.suspects, self.box, self.review)
        rows: tuple[Row, ...] = (self.likelihood, *self.quantities.values(), *marks)
        self.rows = {row.key: row for row in rows}
        self._colors = DARK
        self._hatched: tuple[int, int] | None = None
        self._hatching = QGraphicsRectItem()
        self._hatching.setPen(pg.mkPen(None))
        self._selection = Selection(movable=True, swapMode="sort")
        self._playhead = pg.InfiniteLine(angle=90)
        self._selection.sigRegionChanged.connect(lambda: self.selection_moved.emit(*self._selected()))
        self._selection.sigRegionChangeFinished.connect(
            lambda: self.selection_set.emit(*self._selected())
        )
        self._add_items()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.draw)
        self.view.moved.connect(self.show_range)
        self.view.selecting.connect(self._select_live)
        self.view.selected.connect(self._select_done)

    def _add_items(self) -> None:
        depths = [(self._hatching, 5), (self._selection, 10), (self._playhead, 20)]
        for row in self.rows.values():
            depths.append((row.band, -50))
            depths.extend((item, -40 + place) for place, item in enumerate(row.items))
        for item, depth in depths:
            item.setZValue(depth)
            self.addItem(item, ignoreBounds=True)
        self._selection.hide()

    # ---- colours ---------------------------------------------------------------------------------

    def set_colors(self, colors: Colors) -> None:
        """Take the colours of a theme."""
        self._colors = colors
        self.setBackground(colors.background)
        axis = self.getAxis("bottom")
        axis.setPen(colors.faint)
        axis.setTextPen(colors.text)
        self._playhead.setPen(pg.mkPen(colors.playhead, width=1))
        tint = QColor(colors.selection)
        tint.setAlpha(45)
        self._selection.setBrush(tint)
        for line in self._selection.lines:
            line.setPen(pg.mkPen(colors.selection, width=2))
            line.setHoverPen(pg.mkPen(colors.playhead, width=3))
        for place, row in enumerate(self.rows.values()):
            row.set_colors(colors, colors.background if place % 2 else colors.band)
        self.draw_later()

    # ---- what is in view -----------------------------------------------------------------------

    def set_n_frames(self, n_frames: int) -> None:
        """Take the length of another video and show all of it."""
        self.view.n_frames = n_frames
        self._selection.setBounds((-0.5, n_frames - 0.5))
        self.show_all()

    def show_all(self) -> None:
        """Show every frame."""
        self.show_range(-0.5, self.view.n_frames - 0.5)

    def show_range(self, left: float, right: float) -> None:
        """Show the frames from ``left`` to ``right``, or the nearest that are in the video."""
        self.view.setXRange(*self.view.fitted(left, right), padding=0)
        self.draw_later()

    def set_frame(self, frame: int) -> None:
        """Move the playhead, and the view after it if it leaves it."""
        self._playhead.setValue(frame)
        left, right = self.view.frames_in_view()
        if not left <= frame <= right:
            length = right - left
            near = -length < frame - left < 2 * length
            share = (_AHEAD if frame > right else 1 - _AHEAD) if near else 0.5
            self.show_range(frame - share * length, frame + (1 - share) * length)

    def row_at(self, pixel: float) -> str:
        """Key of the row at a pixel from the top, empty if there is none."""
        return next((row.key for row in self.rows.values() if row.top <= pixel < row.bottom), "")

    def reach(self) -> float:
        """How many frames count as near."""
        return _NEAR * self.view.frames_per_pixel()

    # ---- selection and proposal ----------------------------------------------------------------

    def select(self, selection: tuple[int, int] | None) -> None:
        """Show a selected range, or none."""
        blocked = self._selection.blockSignals(True)
        self._selection.setVisible(selection is not None)
        if selection is not None:
            self._selection.setRegion((selection[0] - 0.5, selection[1] + 0.5))
        self._selection.blockSignals(blocked)

    def _selected(self) -> tuple[int, int]:
        left, right = self._selection.getRegion()
        first = min(max(round(left + 0.5), 0), self.view.n_frames - 1)
        return first, min(max(round(right - 0.5), first), self.view.n_frames - 1)

    def _select_live(self, first: int, last: int) -> None:
        self.select((first, last))
        self.selection_moved.emit(first, last)

    def _select_done(self, first: int, last: int) -> None:
        self.select((first, last))
        self.selection_set.emit(first, last)

    def hatch(self, span: tuple[int, int] | None) -> None:
        """Hatch the frames that a proposal would change."""
        self._hatched = span
        self.draw_later()

    # ---- drawing -------------------------------------------------------------------------------

    def draw_later(self, milliseconds: int = 0) -> None:
        """Draw once, however often this is called before the window is idle and the time is over."""
        if not self._later.isActive() or self._later.remainingTime() > milliseconds:
            self._later.start(milliseconds)

    def draw(self) -> None:
        """Draw the rows."""
        self._later.stop()
        self._place_rows()
        self.view.updateMatrix()  # now, not within the next painting, which would ask for another one
        left, right = self.view.frames_in_view()
        window = Window(left, right, max(round(self.view.width()), 1))
        for row in self.rows.values():
            row.draw(window)
        self._hatching.setVisible(self._hatched is not None)
        if self._hatched is not None:
            first, last = self._hatched
            length = max(last - first + 1, self.view.frames_per_pixel())
            self._hatching.setRect(first - 0.5, 0, length, self.view.height())
            brush = hatching(self._colors.proposal)
            brush.setTransform(QTransform.fromScale(self.view.frames_per_pixel(), 1))
            self._hatching.setBrush(brush)
        self.drawn.emit()

    def _place_rows(self) -> None:
        height = self.view.height()
        self.view.setYRange(0, height, padding=0)
        rows = self.rows.values()
        fixed = sum((row.height if row.is_shown else FOLDED) for row in rows if not row.grows)
        shares = sum(row.stretch for row in rows if row.grows)
        unit = max((height - fixed) / shares, FOLDED) if shares else 0.0
        top = 0.0
        for row in rows:
            size = unit * row.stretch if row.grows else (row.height if row.is_shown else FOLDED)
            row.top, row.bottom = top, top + size
            top += size

    # ---- Qt ------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room."""
        super().resizeEvent(event)
        if hasattr(self, "_later"):  # pyqtgraph resizes while it is being made
            self.draw_later()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys to the timeline."""
        event.ignore()

    def viewportEvent(self, event: QEvent) -> bool:
        """Ask for a tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = self.view.mapSceneToView(self.mapToScene(event.pos()))
            inside = self.view.sceneBoundingRect().contains(self.mapToScene(event.pos()))
            if inside:
                self.tooltip_asked.emit(at.x(), self.row_at(at.y()), event.globalPos())
            else:
                QToolTip.hideText()
            return True
        return bool(super().viewportEvent(event))
