"""A small plot of the boxes before and after smoothing, round the current frame."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.smoothing.methods import smooth, smoothing_reach
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.timeline.colors import Colors

FRAMES_AROUND = 150
QUANTITIES = ("centre x", "centre y", "width", "height")


class Trace(pg.PlotWidget):
    """Raw thin and pale, smoothed dashed, boxes set by hand as dots, a line at the current frame."""

    def __init__(self) -> None:
        super().__init__(background=None)
        self.setObjectName("smooth_trace")
        self.setFixedHeight(130)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getPlotItem().getAxis("left").setWidth(38)
        self._raw = self.plot(connect="finite")
        self._smoothed = self.plot(connect="finite")
        self._manual = pg.ScatterPlotItem(size=8)
        self.addItem(self._manual)
        self._now = pg.InfiniteLine(angle=90)
        self.addItem(self._now)

    def set_colors(self, colors: Colors) -> None:
        """Take the colours of a theme and of an animal."""
        self.setBackground(colors.background)
        for name in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(name)
            axis.setPen(colors.text)
            axis.setTextPen(colors.text)
        self._raw.setPen(pg.mkPen(colors.raw, width=1))
        self._smoothed.setPen(pg.mkPen(colors.final, width=2, style=Qt.PenStyle.DashLine))
        self._now.setPen(pg.mkPen(colors.text, width=1))
        self._manual.setPen(colors.text)
        self._manual.setBrush(colors.animal)

    def show_around(self, session: Session, frame: int, quantity: str) -> None:
        """Draw the frames around ``frame``, at a cost that does not grow with the video."""
        n_frames, track, settings = session.n_frames, session.track, session.smoothing
        first, last = max(0, frame - FRAMES_AROUND), min(n_frames - 1, frame + FRAMES_AROUND)
        start, stop = smoothing_reach(first, last, settings, n_frames)
        after = smooth(track.boxes[start : stop + 1], settings, track.is_manual_in(start, stop))
        after = after[first - start : last + 1 - start]
        before = track.boxes[first : last + 1]
        frames = np.arange(first, last + 1)
        place = QUANTITIES.index(quantity)
        values, smoothed = column(before, place), column(after, place)
        self._raw.setData(frames, values)
        self._smoothed.setData(frames, smoothed)
        is_manual = track.is_manual_in(first, last)
        self._manual.setData(frames[is_manual], values[is_manual])
        self._now.setValue(frame)
        self.setXRange(first, last, padding=0)
        known = values[np.isfinite(values)]
        if len(known):
            low, high = float(known.min()), float(known.max())
            self.setYRange(low, max(high, low + 2), padding=0.08)


def column(boxes: FloatArray, place: int) -> FloatArray:
    """Centre x, centre y, width or height of boxes, (N,)."""
    return boxes[:, place] + boxes[:, place + 2] / 2 if place < 2 else boxes[:, place]
