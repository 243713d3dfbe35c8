"""Plots of the dock Training: curves over epochs, bars of pixel errors; they follow the theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QResizeEvent

from napari_cropzoom.core.looks import ANIMAL_COLORS, readable

FIRST, SECOND = ANIMAL_COLORS[0], ANIMAL_COLORS[1]
HEIGHT = 170  # pixels, at least
BELOW = 5  # pixels, by which pyqtgraph has the label of an axis hang out of the plot
ROUND_BARS = 70  # pixels above and below the bars
MOST_LETTERS = 14  # of a keypoint's name beside its bars


class Plot(pg.PlotWidget):
    """A plot that only shows: it neither moves nor has a menu of its own.

    Parameters
    ----------
    name : str
        Object name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(background=None)
        self.setObjectName(name)
        self.setMinimumHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.layout.setContentsMargins(1, 1, 1, BELOW)
        item.getViewBox().setMouseEnabled(x=False, y=False)
        self._legend = item.addLegend(offset=(-6, 2), labelTextSize="8pt", colCount=2)
        self._repaint()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        themes = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if event.type() in themes and self.isVisible():
            self._repaint()
            self.draw()

    def showEvent(self, event: QEvent) -> None:
        """Take the colours of the theme, which a hidden widget does not know."""
        super().showEvent(event)
        self._repaint()
        self.draw()

    def draw(self) -> None:
        """Draw again what is shown."""

    def wheelEvent(self, event: QEvent) -> None:
        """Leave the wheel to what lies round the plot."""
        event.ignore()

    def color(self, color: str) -> str:
        """A colour as it reads on the background."""
        return readable(color, self.palette().window().color().name())

    def _repaint(self) -> None:
        text = self.palette().windowText().color()
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
        self._legend.setLabelTextColor(text)
        self.resetCachedContent()  # the background of the theme before


class CurvePlot(Plot):
    """Curves over epochs, on a logarithmic scale."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._curves: dict[str, tuple[Sequence[float], Sequence[float]]] = {}
        self.getPlotItem().setLogMode(x=False, y=True)
        self.setLabel("bottom", "epoch")

    def show_curves(self, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
        """Show epochs and values of each curve, by its name."""
        self._curves = dict(curves)
        self.draw()

    def draw(self) -> None:
        """Draw the curves."""
        self.clear()
        self._legend.clear()
        shown = list[float]()
        for (name, (epochs, values)), color in zip(self._curves.items(), ANIMAL_COLORS, strict=False):
            x, y = np.asarray(epochs, float), np.asarray(values, float)
            known = np.isfinite(y) & (y > 0)
            if known.any():
                pen = pg.mkPen(self.color(color), width=2)
                symbol = "o" if known.sum() == 1 else None
                self.plot(x[known], y[known], pen=pen, symbol=symbol, name=name)
                shown += [float(y[known].min()), float(y[known].max())]
        if shown:
            low, high = float(np.log10(min(shown))), float(np.log10(max(shown)))
            room = max(high - low, 0.1)
            self.setYRange(low - 0.05 * room, high + 0.25 * room, padding=0)
            self.getPlotItem().getAxis("left").setTicks([_ticks(low, high)])


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Places of 1, 2 and 5 times the powers of ten between two decimal logarithms, with their words.

    The ends themselves where fewer than two such lie between them.
    """
    values = (n * 10.0**power for power in range(int(low) - 2, int(high) + 2) for n in (1, 2, 5))
    found = [(float(np.log10(value)), f"{value:g}") for value in values]
    inside = [(place, text) for place, text in found if low <= place <= high]
    return inside if len(inside) > 1 else [(end, f"{10**end:.2g}") for end in sorted({low, high})]


class BarPlot(Plot):
    """Bars for each keypoint, one below the other so that their names can be read, in pixels."""

    _names: Sequence[str] = ()

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._bars: dict[str, Sequence[float]] = {}
        self.setLabel("bottom", "error, px")
        self.getPlotItem().getViewBox().invertY(True)

    def show_bars(self, names: Sequence[str], bars: Mapping[str, Sequence[float]]) -> None:
        """Show a value of each series for each keypoint."""
        self._names, self._bars = names, dict(bars)
        self.draw()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Write as many names as have room."""
        super().resizeEvent(event)
        if self.getPlotItem() is not None:  # there is none before and after its life
            self._write_names()

    def draw(self) -> None:
        """Draw the bars."""
        self.clear()
        self._legend.clear()
        places = np.arange(len(self._names))
        width = 0.8 / max(len(self._bars), 1)
        for number, ((name, values), color) in enumerate(
            zip(self._bars.items(), (FIRST, SECOND), strict=False)
        ):
            lengths = np.nan_to_num(np.asarray(values, float))
            at = places - 0.4 + width * (number + 0.5)
            look = {"brush": self.color(color), "pen": None, "name": name}
            self.addItem(pg.BarGraphItem(x0=0, y=at, width=lengths, height=width, **look))
        self._write_names()
        highest = max((float(np.nanmax([0.0, *values])) for values in self._bars.values()), default=1.0)
        self.getPlotItem().setXRange(0, 1.05 * max(highest, 0.1), padding=0)
        legend = 1 + len(self._names) / 12  # rows above the bars
        self.setYRange(-0.5 - legend, max(len(self._names) - 0.5, 0.6), padding=0)

    def _write_names(self) -> None:
        room = max(self.height() - ROUND_BARS, 1)
        every = max(-(-len(self._names) * self.fontMetrics().height() * 9 // (room * 10)), 1)
        short = [
            name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…" for name in self._names
        ]
        self.getPlotItem().getAxis("left").setTicks([list(enumerate(short))[::every]])
