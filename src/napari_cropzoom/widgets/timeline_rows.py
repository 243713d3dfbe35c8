"""The rows of the timeline: curves, and strips of one colour a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from qtpy.QtCore import QRectF

from napari_cropzoom.core.pyramid import Pyramid, RankStrip
from napari_cropzoom.widgets.timeline_looks import Looks

FOLDED = 15  # pixels of a row that is switched off: room for its name
MARGIN = 3
_RAW_ROOM = 3.0  # a raw peak may make a row this much taller than its final curve needs; then it is cut


@dataclass
class Window:
    """What is in view: frames, both inclusive, and the pixels to draw them in."""

    first: int
    last: int
    columns: int


class Row:
    """One row: where it is, whether it is shown, and what it needs.

    Parameters
    ----------
    key, label : str
    stretch : float
        Share of the height that is left; 0 for a row of fixed height.
    height : int
        Pixels of a row of fixed height.
    """

    def __init__(self, key: str, label: str, stretch: float = 0.0, height: int = 0) -> None:
        self.key = key
        self.label = label
        self.stretch = stretch
        self.height = height
        self.is_shown = True
        self.top = 0.0
        self.bottom = 0.0
        self.items: list[pg.GraphicsObject] = []
        self.scale: tuple[str, str] = ("", "")

    def place(self, top: float, bottom: float) -> None:
        """Take the pixels from ``top`` to ``bottom``."""
        self.top, self.bottom = top, bottom

    def show(self, is_shown: bool) -> None:
        """Switch the row on or off."""
        self.is_shown = is_shown
        for item in self.items:
            item.setVisible(is_shown)

    def draw(self, window: Window) -> None:
        """Draw what is in view."""

    def set_looks(self, looks: Looks) -> None:
        """Take the colours of a theme."""


class CurveRow(Row):
    """Up to three curves in one scale: raw thin, final thick, proposed dashed."""

    def __init__(self, key: str, label: str, bounds: tuple[float, float] | None, unit: str) -> None:
        super().__init__(key, label, stretch=1.0)
        self.unit = unit
        self._bounds = bounds
        self.raw: Pyramid | None = None
        self.final: Pyramid | None = None
        self.proposed: tuple[int, Pyramid] | None = None
        self._curves = [pg.PlotCurveItem(connect="finite") for _ in range(3)]
        self.items = list(self._curves)

    def set_looks(self, looks: Looks) -> None:
        """Raw, final or likelihood, and proposal have a colour, a width and a dash of their own."""
        main = looks.likelihood if self.key == "likelihood" else looks.final
        dash = pg.QtCore.Qt.PenStyle.DashLine
        self._curves[0].setPen(pg.mkPen(looks.raw, width=1))
        self._curves[1].setPen(pg.mkPen(main, width=2))
        self._curves[2].setPen(pg.mkPen(looks.proposal, width=2, style=dash))

    def draw(self, window: Window) -> None:
        """Draw the curves and find their scale."""
        views = [None if p is None else view_of(p, window) for p in (self.raw, self.final)]
        offset, proposed = self.proposed or (0, None)
        views.append(None if proposed is None else view_of(proposed, window, offset))
        low, high = self._bounds or self._limits(*views)
        self.scale = (f"{high:.4g}", f"{low:.4g}") if np.isfinite(low) else ("", "")
        span = self.bottom - self.top - 2 * MARGIN
        for curve, seen in zip(self._curves, views, strict=True):
            if seen is None or not len(seen[0]) or not np.isfinite(low):
                curve.setData([], [])
                continue
            share = np.clip((seen[1] - low) / (high - low), 0.0, 1.0)
            curve.setData(seen[0], self.bottom - MARGIN - share * span)

    def _limits(self, *views: tuple[NDArray, NDArray] | None) -> tuple[float, float]:
        found = [extent(view[1]) if view is not None else (np.nan, np.nan) for view in views]
        (raw_low, raw_high), *others = found
        low = float(np.fmin.reduce([pair[0] for pair in others]))
        high = float(np.fmax.reduce([pair[1] for pair in others]))
        if np.isfinite(low):
            room = (_RAW_ROOM - 1) / 2 * max(high - low, 1.0)
            low, high = min(low, max(raw_low, low - room)), max(high, min(raw_high, high + room))
        else:
            low, high = raw_low, raw_high
        if self.key == "speed" and np.isfinite(low):
            low = 0.0
        return low, max(high, low + 2.0)


class StripRow(Row):
    """One colour a frame; the important ones are never thinner than ``widen`` pixels and a bit."""

    def __init__(self, key: str, label: str, height: int, widen: int = 0) -> None:
        super().__init__(key, label, height=height)
        self.strip: RankStrip | None = None
        self._widen = widen
        self._table = np.zeros((5, 4), np.uint8)
        self._image = pg.ImageItem(axisOrder="row-major")
        self.items = [self._image]
        self.table_of: Callable[[Looks], NDArray[np.uint8]] = Looks.state_table

    def set_looks(self, looks: Looks) -> None:
        """Take the table of colours."""
        self._table = self.table_of(looks)

    def draw(self, window: Window) -> None:
        """Draw one row of pixels, as tall as the row."""
        if self.strip is None or not len(self.strip):
            self._image.clear()
            return
        start, step, states = self.strip.view(window.first, window.last, window.columns)
        for _ in range(self._widen if step > 1 or window.last - window.first > window.columns / 3 else 0):
            states = np.maximum(states, np.maximum(np.append(states[1:], 0), np.append(0, states[:-1])))
        self._image.setImage(self._table[states][np.newaxis], autoLevels=False, levels=(0, 255))
        top, height = self.top + 1, self.bottom - self.top - 2
        self._image.setRect(QRectF(start - 0.5, top, len(states) * step, height))


class AnchorRow(Row):
    """A diamond for every frame set by hand; where they are dense, a tick."""

    MOST_DIAMONDS = 150

    def __init__(self, key: str, label: str, height: int) -> None:
        super().__init__(key, label, height=height)
        self.anchors = np.empty(0, np.int64)
        self._ticks = pg.PlotCurveItem(connect="pairs")
        self._diamonds = pg.ScatterPlotItem(symbol="d", size=9, pxMode=True)
        self.items = [self._ticks, self._diamonds]

    def set_looks(self, looks: Looks) -> None:
        """Anchors are filled."""
        self._ticks.setPen(pg.mkPen(looks.anchor, width=1))
        self._diamonds.setPen(pg.mkPen(looks.background, width=1))
        self._diamonds.setBrush(looks.anchor)

    def draw(self, window: Window) -> None:
        """Draw those in view, one for a column at most."""
        begin, end = np.searchsorted(self.anchors, (window.first, window.last + 1))
        seen = self.anchors[begin:end]
        if len(seen) > 2 * window.columns:
            cell = (seen - window.first) * window.columns // (window.last - window.first + 1)
            seen = seen[np.concatenate([[True], np.diff(cell) > 0])]
        is_dense = len(seen) > self.MOST_DIAMONDS
        middle = (self.top + self.bottom) / 2
        ends = np.tile([self.top + 1, self.bottom - 1], len(seen)) if is_dense else np.empty(0)
        self._ticks.setData(np.repeat(seen, 2) if is_dense else [], ends)
        self._diamonds.setData([] if is_dense else seen, [] if is_dense else np.full(len(seen), middle))


def view_of(pyramid: Pyramid, window: Window, offset: int = 0) -> tuple[NDArray, NDArray]:
    """Points of a pyramid whose first frame is ``offset``, in view."""
    margin = max(1, (window.last - window.first) // window.columns)
    first, last = window.first - margin - offset, window.last + margin - offset
    frames, values = pyramid.view(first, last, window.columns)
    return frames + offset, values


def extent(values: NDArray) -> tuple[float, float]:
    """Lowest and highest value, NaN left out; NaN if there is none."""
    if not len(values):
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
