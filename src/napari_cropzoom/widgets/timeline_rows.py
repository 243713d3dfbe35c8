"""The rows of the timeline: curves, strips of one colour a frame, anchors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from napari_cropzoom.core.pyramid import Pyramid, RankStrip
from napari_cropzoom.widgets.timeline_looks import DARK, Looks
from napari_cropzoom.widgets.timeline_raster import Picture, Window, draw_spans, packed, spans

FOLDED = 15  # pixels of a row that is switched off: room for its name
MARGIN = 3
RAW, FINAL, PROPOSED = 1.0, 1.8, 2.0  # pixels of the lines
_RAW_ROOM = 3.0  # a raw peak may make a row this much taller than its final curve needs; then it is cut

Points = tuple[NDArray[np.float64], NDArray[np.floating]]


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
        self.looks: Looks = DARK

    @property
    def grows(self) -> bool:
        """Whether the row takes a share of the height that is left."""
        return self.stretch > 0 and self.is_shown

    def draw(self, picture: Picture, window: Window, ratio: float) -> None:
        """Draw what is in view into the row's part of the picture; ``ratio`` is pixels a pixel."""

    def decorate(self, painter: QPainter, window: Window, ratio: float) -> None:
        """Draw what is better drawn by Qt, in device pixels of the whole plot."""


class CurveRow(Row):
    """Up to three curves in one scale: raw thin, final thick, proposed dashed."""

    def __init__(self, key: str, label: str, bounds: tuple[float, float] | None, unit: str) -> None:
        super().__init__(key, label, stretch=1.0)
        self.unit = unit
        self._bounds = bounds
        self.raw: Pyramid | None = None
        self.final: Pyramid | None = None
        self.proposed: tuple[int, Pyramid] | None = None

    def draw(self, picture: Picture, window: Window, ratio: float) -> None:
        """Draw the curves and find their scale."""
        offset, proposed = self.proposed or (0, None)
        seen = [view_of(self.raw, window), view_of(self.final, window), view_of(proposed, window, offset)]
        low, high = self._bounds or self._limits([extent(points) for points in seen])
        has_any = any(len(points[0]) for points in seen) and np.isfinite(low)
        self.scale = (f"{high:.4g}", f"{low:.4g}") if has_any else ("", "")
        if not has_any:
            return
        looks, room = self.looks, len(picture) - 2 * MARGIN * ratio
        main = looks.likelihood if self.key == "likelihood" else looks.final
        styles = ((looks.raw, RAW, 0), (main, FINAL, 0), (looks.proposal, PROPOSED, 5))
        for (frames, values), (color, thick, dash) in zip(seen, styles, strict=True):
            y = len(picture) - MARGIN * ratio - np.clip((values - low) / (high - low), 0, 1) * room
            above, below = spans(window.column(frames), y, window.columns)
            draw_spans(picture, above, below, color, thick * ratio, round(dash * ratio))

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
    """One colour a frame; where frames are thinner than a pixel, the most important one shows."""

    def __init__(self, key: str, label: str, height: int, *, widened: bool = False) -> None:
        super().__init__(key, label, height=height)
        self.strip: RankStrip | None = None
        self._widened = widened
        self.table_of: Callable[[Looks], NDArray[np.uint32]] = Looks.state_table

    def draw(self, picture: Picture, window: Window, ratio: float) -> None:
        """Draw one row of pixels, as tall as the row less a line."""
        if self.strip is None or not len(self.strip):
            return
        start, step, states = self.strip.view(window.first, window.last, window.columns)
        if not len(states):
            return
        table = self.table_of(self.looks)
        if self._widened:
            states = self._wider(states, 1 + int(1.0 // (step * window.per_frame)))
        centers = window.left + (np.arange(window.columns) + 0.5) / window.per_frame
        cell = np.floor((centers - start + 0.5) / step).astype(np.int64)
        is_inside = (cell >= 0) & (cell < len(states)) & (centers < len(self.strip) - 0.5)
        colors = table[states[np.clip(cell, 0, len(states) - 1)]]
        is_seen = is_inside & (colors > 0)
        picture[1:-1, is_seen] = colors[is_seen]

    def _wider(self, states: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
        """Let what is important reach over its neighbours, so that one frame can be seen and hit."""
        for _ in range(min(by, 2)):
            states = np.maximum(states, np.maximum(np.append(states[1:], 0), np.append(0, states[:-1])))
        return states.astype(np.uint8)


class AnchorRow(Row):
    """A diamond for every frame set by hand; where they are dense, a tick."""

    MOST_DIAMONDS = 150

    def __init__(self, key: str, label: str, height: int) -> None:
        super().__init__(key, label, height=height)
        self.anchors: NDArray[np.int64] = np.empty(0, np.int64)

    def _seen(self, window: Window) -> NDArray[np.int64]:
        begin, end = np.searchsorted(self.anchors, (window.first, window.last + 1))
        return self.anchors[begin:end]

    def draw(self, picture: Picture, window: Window, ratio: float) -> None:
        """Draw ticks if there are many."""
        seen = self._seen(window)
        if len(seen) > self.MOST_DIAMONDS:
            columns = np.unique(window.column(seen).astype(np.int64))
            columns = columns[(columns >= 0) & (columns < window.columns)]
            picture[2:-2, columns] = packed(self.looks.anchor)

    def decorate(self, painter: QPainter, window: Window, ratio: float) -> None:
        """Draw diamonds if there are few."""
        seen = self._seen(window)
        if len(seen) > self.MOST_DIAMONDS:
            return
        painter.setPen(QPen(QColor(self.looks.background), ratio))
        painter.setBrush(QColor(self.looks.anchor))
        middle, size = (self.top + self.bottom) / 2 * ratio, 5.0 * ratio
        for x in window.column(seen).tolist():
            corners = [(x, middle - size), (x + size, middle), (x, middle + size), (x - size, middle)]
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))


def view_of(pyramid: Pyramid | None, window: Window, offset: int = 0) -> Points:
    """Points of a pyramid whose first frame is ``offset``, in view and one beyond each edge."""
    if pyramid is None:
        return np.empty(0), np.empty(0, np.float32)
    margin = 1 + int(2 / window.per_frame)
    first, last = window.first - margin - offset, window.last + margin - offset
    frames, values = pyramid.view(first, last, 2 * window.columns)
    return frames + offset, values


def extent(points: Points) -> tuple[float, float]:
    """Lowest and highest value, NaN left out; NaN if there is none."""
    values = points[1]
    if not len(values):
        return np.nan, np.nan
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
