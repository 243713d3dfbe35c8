"""The plot of the timeline: rows over one axis of frames, playhead, selection, proposal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from qtpy.compat import isalive
from qtpy.QtCore import QElapsedTimer, QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QToolTip

from napari_cropzoom.widgets.pane import Pane, panes_work
from napari_cropzoom.widgets.timeline_looks import DARK, Looks
from napari_cropzoom.widgets.timeline_raster import Picture, Window, hatch, packed
from napari_cropzoom.widgets.timeline_rows import FOLDED, AnchorRow, CurveRow, Row, StripRow
from napari_cropzoom.widgets.timeline_view import FrameAxis, Selection, TimelineView

_NEAR = 7  # pixels
REST = 300  # milliseconds without zooming or panning after which the plot is drawn as any widget
TOLD = 150  # milliseconds between two redraws of what is beside the plot while it zooms or pans
_AHEAD = 0.1  # where the playhead comes to stand when it has left the view


class TimelinePlot(pg.PlotWidget):
    """Draws; knows neither session nor viewer.

    Attributes
    ----------
    view : TimelineView
    rows : dict of str to Row
        From above: likelihood, speed, size, centre x, centre y, bursts, anchors, review.
    drawn
        The rows were drawn anew; told a few times a second while the mouse zooms or pans.
    selection_moved, selection_set
        First and last frame, while it is dragged and when it is released.
    told
        A tooltip is wanted: frame and its row's key, and where on the screen.
    """

    drawn = Signal()
    selection_moved = Signal(int, int)
    selection_set = Signal(int, int)
    told = Signal(float, str, object)

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
        self.rows: dict[str, Row] = {row.key: row for row in make_rows()}
        self._looks = DARK
        self._hatched: tuple[int, int] | None = None
        self._picture = PictureItem(self.view)
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
        self.pane: PlotPane | None = None
        self._moved = QElapsedTimer()
        self._tell_later = QTimer(self)
        self._tell_later.setSingleShot(True)
        self._tell_later.setInterval(TOLD)
        self._tell_later.timeout.connect(self.drawn)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self._uncover)
        self.view.moved.connect(self._on_moved)
        self.view.selecting.connect(self._select_live)
        self.view.selected.connect(self._select_done)

    def _add_items(self) -> None:
        for item, depth in ((self._selection, 10), (self._playhead, 20)):
            item.setZValue(depth)
            self.addItem(item, ignoreBounds=True)
        self._selection.hide()

    # ---- looks ---------------------------------------------------------------------------------

    def set_looks(self, looks: Looks) -> None:
        """Take the colours of a theme."""
        self._looks = looks
        self.setBackground(looks.background)
        axis = self.getAxis("bottom")
        axis.setPen(looks.faint)
        axis.setTextPen(looks.text)
        self._playhead.setPen(pg.mkPen(looks.playhead, width=1))
        tint = QColor(looks.selection)
        tint.setAlpha(45)
        self._selection.setBrush(tint)
        for line in self._selection.lines:
            line.setPen(pg.mkPen(looks.selection, width=2))
            line.setHoverPen(pg.mkPen(looks.playhead, width=3))
        for row in self.rows.values():
            row.looks = looks
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

    def _on_moved(self, left: float, right: float) -> None:
        is_run = self._moved.isValid() and self._moved.elapsed() < REST
        self._moved.start()
        if is_run and self.pane is None and panes_work() and self.window().findChildren(QOpenGLWidget):
            self.pane = PlotPane(self)
        if self.pane is not None:
            self._rest.start()
        self.show_range(left, right)

    def _uncover(self) -> None:
        pane, self.pane = self.pane, None
        if pane is not None and isalive(pane):
            pane.leave()

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
        ratio = self.devicePixelRatioF()
        left, right = self.view.frames_in_view()
        window = Window(left, right, max(round(self.view.width() * ratio), 1))
        picture = np.empty((max(round(self.view.height() * ratio), 1), window.columns), np.uint32)
        for place, row in enumerate(self.rows.values()):
            band = picture[round(row.top * ratio) : round(row.bottom * ratio)]
            behind = self._looks.band if place % 2 == 0 else self._looks.background
            band[:] = packed(behind)
            if row.is_shown and len(band):
                row.draw(band, window, ratio)
        if self._hatched is not None:
            first, last = self._hatched
            begin, end = window.column(np.array([first - 0.5, last + 0.5]))
            hatch(picture, begin, end, self._looks.proposal, round(8 * ratio))
        self._picture.show_picture(picture, ratio, lambda painter: self._decorate(painter, window, ratio))
        if self.pane is None:
            self.drawn.emit()
        elif not self._tell_later.isActive():
            self._tell_later.start()

    def _decorate(self, painter: QPainter, window: Window, ratio: float) -> None:
        for row in self.rows.values():
            if row.is_shown:
                row.decorate(painter, window, ratio)

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
                self.told.emit(at.x(), self.row_at(at.y()), event.globalPos())
            else:
                QToolTip.hideText()
            return True
        return bool(super().viewportEvent(event))


class PlotPane(Pane):
    """Shows the plot while the mouse zooms or pans, which is to go as smoothly as can be.

    Parameters
    ----------
    plot : TimelinePlot
        It is not drawn meanwhile.
    """

    def __init__(self, plot: TimelinePlot) -> None:
        super().__init__(plot.viewport())
        self.setObjectName("timeline_pane")
        self._plot = plot
        plot.viewport().setUpdatesEnabled(False)
        plot.scene().changed.connect(self.show_in_place)
        self.show_in_place()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what the plot would."""
        painter = QPainter(self)
        painter.setRenderHints(self._plot.renderHints())
        painter.fillRect(QRect(0, 0, self.width(), self.height()), self._plot.backgroundBrush())
        area = self._plot.viewport().rect()
        self._plot.render(painter, QRectF(area), area, Qt.AspectRatioMode.IgnoreAspectRatio)
        painter.end()

    def leave(self) -> None:
        """Make way for the plot."""
        self._plot.scene().changed.disconnect(self.show_in_place)
        self._plot.viewport().setUpdatesEnabled(True)
        self._plot.viewport().repaint()
        self.take_away()


class PictureItem(pg.GraphicsObject):
    """The rows as one picture behind all else; a playhead that moves over it costs a copy of pixels."""

    def __init__(self, view: TimelineView) -> None:
        super().__init__(view)
        self.setZValue(-50)
        self._pixels: Picture = np.zeros((1, 1), np.uint32)
        self._image = QImage()
        self._rect = QRectF()

    def show_picture(self, pixels: Picture, ratio: float, decorate: Callable[[QPainter], object]) -> None:
        """Take a picture of device pixels, and let ``decorate`` draw on it."""
        height, width = pixels.shape
        self._pixels = pixels  # the image does not copy
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        decorate(painter)
        painter.end()
        image.setDevicePixelRatio(ratio)
        rect = QRectF(0, 0, width / ratio, height / ratio)
        if rect != self._rect:
            self.prepareGeometryChange()
            self._rect = rect
        self._image = image
        self.update()

    def boundingRect(self) -> QRectF:
        """As large as the picture."""
        return self._rect

    def paint(self, painter: QPainter, *_: object) -> None:
        """Copy the pixels."""
        painter.drawImage(QPointF(0, 0), self._image)


def make_rows() -> list[Row]:
    """Rows from above."""
    bursts = StripRow("bursts", "to look at", 15, widened=True)
    bursts.table_of = Looks.flag_table
    return [
        CurveRow("likelihood", "likelihood", (0.0, 1.0), ""),
        CurveRow("speed", "speed", None, "px/frame"),
        CurveRow("size", "size", None, "px"),
        CurveRow("centre x", "centre x", None, "px"),
        CurveRow("centre y", "centre y", None, "px"),
        bursts,
        AnchorRow("anchors", "anchors", 15),
        StripRow("review", "review", 15),
    ]
