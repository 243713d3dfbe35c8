"""The rows of the timeline as items of its plot: curves, strips of one colour a frame, marks.

Every row is fed by what is in view only, from pyramids, so that drawing costs the same in long videos.
Coordinates are frames from left to right and pixels from the top of the plot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QGraphicsRectItem

from napari_cropzoom.core.timeline.pyramid import Pyramid, RankStrip
from napari_cropzoom.widgets.timeline.colors import DARK, Colors

LEAST_WIDTH = 3  # pixels that a suspect of one frame is widened to, about
FOLDED = 15  # pixels of a row that is switched off: room for its name
MARGIN = 3
RAW, FINAL, PROPOSED = 1.0, 1.8, 2.0  # pixels of the lines
SMOOTH_LENGTH = 8  # pixels a point: with fewer, lines are one pixel and not smoothed, 20 times as fast
_RAW_ROOM = 3.0  # a raw peak may make a row this much taller than its final curve needs; then it is cut

Table = Callable[[Colors], NDArray[np.uint8]]
Points = tuple[NDArray[np.float64], NDArray[np.floating]]


@dataclass(frozen=True)
class Window:
    """What is in view: frames from edge to edge, and the pixels they are drawn in."""

    left: float
    right: float
    columns: int

    @property
    def first(self) -> int:
        """First whole frame in view."""
        return int(np.floor(self.left))

    @property
    def last(self) -> int:
        """Last whole frame in view."""
        return int(np.ceil(self.right))

    @property
    def per_frame(self) -> float:
        """Pixels that one frame takes."""
        return self.columns / (self.right - self.left)


class Row:
    """One row: where it is, whether it is shown, and what it needs.

    Parameters
    ----------
    key, label : str
    stretch : float
        Share of the height that is left; 0 for a row of fixed height.
    height : int
        Pixels of a row of fixed height.

    Attributes
    ----------
    band : QGraphicsRectItem
        Behind the row.
    items : list of QGraphicsItem
        What is drawn; the plot adds them.
    top, bottom : float
        Pixels from the top of the plot.
    scale : (str, str)
        Highest and lowest value, in words.
    """

    def __init__(self, key: str, label: str, stretch: float = 0.0, height: int = 0) -> None:
        self.key = key
        self.label = label
        self.stretch = stretch
        self.height = height
        self.is_shown = True
        self.top = 0.0
        self.bottom = 0.0
        self.scale: tuple[str, str] = ("", "")
        self.colors: Colors = DARK
        self.band = QGraphicsRectItem()
        self.band.setPen(pg.mkPen(None))
        self.items: list[pg.GraphicsObject] = []

    @property
    def grows(self) -> bool:
        """Whether the row takes a share of the height that is left."""
        return self.stretch > 0 and self.is_shown

    def set_colors(self, colors: Colors, band: str) -> None:
        """Take the colours of a theme, and that of the band behind the row."""
        self.colors = colors
        self.band.setBrush(QColor(band))

    def draw(self, window: Window) -> None:
        """Bring the items up to date with what is in view."""
        self.band.setRect(window.left, self.top, window.right - window.left, self.bottom - self.top)
        for item in self.items:
            item.setVisible(self.is_shown)
        if self.is_shown:
            self.fill(window)

    def fill(self, window: Window) -> None:
        """Give the items what is in view; called only while the row is shown."""


class CurveRow(Row):
    """Up to three curves in one scale: raw thin and pale, final dashed, proposed in another colour.

    Where frames are too close for dashes, curves are thin lines.
    """

    def __init__(self, key: str, label: str, bounds: tuple[float, float] | None, unit: str) -> None:
        super().__init__(key, label, stretch=1.0)
        self.unit = unit
        self._bounds = bounds
        self.raw: Pyramid | None = None
        self.final: Pyramid | None = None
        self.proposed: tuple[int, Pyramid] | None = None
        self.items = [pg.PlotCurveItem(connect="finite") for _ in range(3)]
        self.set_colors(DARK, DARK.band)

    def set_colors(self, colors: Colors, band: str) -> None:
        """Take the colours of a theme."""
        super().set_colors(colors, band)
        main = colors.likelihood if self.key == "likelihood" else colors.final
        dashed = Qt.PenStyle.DashLine
        of_final = Qt.PenStyle.SolidLine if self.key == "likelihood" else dashed
        self._pens = (
            pg.mkPen(colors.raw, width=RAW),
            pg.mkPen(main, width=FINAL, style=of_final),
            pg.mkPen(colors.proposal, width=PROPOSED, style=dashed),
        )

    def fill(self, window: Window) -> None:
        """Draw the curves and find their scale."""
        offset, proposed = self.proposed or (0, None)
        seen = [view_of(self.raw, window), view_of(self.final, window), view_of(proposed, window, offset)]
        low, high = self._bounds or self._limits([extent(points) for points in seen])
        has_any = any(len(points[0]) for points in seen) and bool(np.isfinite(low))
        self.scale = (f"{high:.4g}", f"{low:.4g}") if has_any else ("", "")
        room = self.bottom - self.top - 2 * MARGIN
        for item, pen, (frames, values) in zip(self.items, self._pens, seen, strict=True):
            if not has_any or not len(frames):
                item.setData([], [])
                continue
            y = self.bottom - MARGIN - np.clip((values - low) / (high - low), 0, 1) * room
            is_dense = len(frames) * SMOOTH_LENGTH > window.columns
            if is_dense:
                pen = pg.mkPen(pen.color(), width=1)
            item.setData(frames, y.astype(np.float64), pen=pen, antialias=not is_dense)

    def _limits(self, extents: list[tuple[float, float]]) -> tuple[float, float]:
        (raw_low, raw_high), *others = extents
        low = float(np.fmin.reduce([pair[0] for pair in others]))
        high = float(np.fmax.reduce([pair[1] for pair in others]))
        if np.isfinite(low):
            room = (_RAW_ROOM - 1) / 2 * max(high - low, 1.0)
            low = float(np.fmin(low, max(raw_low, low - room)))
            high = float(np.fmax(high, min(raw_high, high + room)))
        else:
            low, high = raw_low, raw_high
        if self.key == "speed" and np.isfinite(low):
            low = 0.0
        return low, max(high, low + 2.0)


class StripRow(Row):
    """One colour a frame, or several from above; of frames in one pixel the most important shows."""

    def __init__(
        self, key: str, label: str, height: int, table_of: Table, *, widened: bool = False
    ) -> None:
        super().__init__(key, label, height=height)
        self.strip: RankStrip | None = None
        self._widened = widened
        self._table_of = table_of
        self._image = pg.ImageItem(axisOrder="row-major")
        self.items: list[pg.GraphicsObject] = [self._image]

    def fill(self, window: Window) -> None:
        """Draw one pixel a frame, or a block of frames, as tall as the row less a line."""
        length = len(self.strip) if self.strip is not None else 0
        self._image.setVisible(length > 0)
        if self.strip is None or not length:
            return
        start, step, states = self.strip.view(window.first, window.last, window.columns)
        if self._widened:
            states = self._wider(states, round(LEAST_WIDTH / (step * window.per_frame)))
        cells = self._table_of(self.colors)[states]
        rows = cells[np.newaxis] if cells.ndim == 2 else cells.swapaxes(0, 1)
        self._image.setImage(np.ascontiguousarray(rows), autoLevels=False)
        self._image.setRect(QRectF(start - 0.5, self.top + 1, len(states) * step, self.height - 2))

    def _wider(self, states: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
        """Let what is important reach over its neighbours, so that one frame can be seen and hit."""
        for _ in range(min(by, 2)):
            states = np.maximum(states, np.maximum(np.append(states[1:], 0), np.append(0, states[:-1])))
        return states.astype(np.uint8)


class BoxRow(StripRow):
    """The look of every frame's box; where it was set by hand a diamond, or a tick in dense places."""

    MOST_DIAMONDS = 150

    def __init__(self, key: str, label: str, height: int) -> None:
        super().__init__(key, label, height, Colors.source_table)
        self.frames: NDArray[np.int64] = np.empty(0, np.int64)
        self._diamonds = pg.ScatterPlotItem(symbol="d", size=10)
        self._ticks = pg.PlotCurveItem(connect="pairs")
        self.items += [self._diamonds, self._ticks]

    def set_colors(self, colors: Colors, band: str) -> None:
        """Take the colours of a theme."""
        super().set_colors(colors, band)
        self._diamonds.setPen(colors.background)
        self._diamonds.setBrush(colors.animal)
        self._ticks.setPen(colors.animal)

    def fill(self, window: Window) -> None:
        """Draw the strip, and on it diamonds if there are few, else ticks."""
        super().fill(window)
        begin, end = np.searchsorted(self.frames, (window.first, window.last + 1))
        frames = self.frames[begin:end].astype(np.float64)
        is_dense = len(frames) > self.MOST_DIAMONDS
        if is_dense:  # one tick a pixel
            frames = np.unique(np.round(frames * window.per_frame)) / window.per_frame
        self._diamonds.setVisible(not is_dense)
        self._ticks.setVisible(is_dense)
        if is_dense:
            ends = np.tile([self.top + 2, self.bottom - 2], len(frames))
            self._ticks.setData(np.repeat(frames, 2), ends)
        else:
            self._diamonds.setData(frames, np.full(len(frames), (self.top + self.bottom) / 2))


def hatching(color: str) -> QBrush:
    """Return a brush for the frames that a proposal would change."""
    return QBrush(QColor(color), Qt.BrushStyle.BDiagPattern)


def view_of(pyramid: Pyramid | None, window: Window, offset: int = 0) -> Points:
    """Points of a pyramid whose first frame is ``offset``, in view and one beyond each edge."""
    if pyramid is None:
        return np.empty(0), np.empty(0, np.float32)
    margin = 1 + int(2 / window.per_frame)
    first, last = window.first - margin - offset, window.last + margin - offset
    frames, values = pyramid.view(first, last, window.columns)
    return with_dots(frames + offset, values)


def with_dots(frames: NDArray[np.float64], values: NDArray[np.floating]) -> Points:
    """Make a short line of every point between two gaps, which a curve would not show."""
    gaps = np.concatenate([[True], np.isnan(values), [True]])
    alone = np.flatnonzero(~gaps[1:-1] & gaps[:-2] & gaps[2:])
    frames = np.insert(frames, alone + 1, frames[alone] + 0.25)
    frames[alone + np.arange(len(alone))] -= 0.25
    return frames, np.insert(values, alone + 1, values[alone])


def extent(points: Points) -> tuple[float, float]:
    """Lowest and highest value, NaN left out; NaN if there is none."""
    values = points[1]
    if not len(values):
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
