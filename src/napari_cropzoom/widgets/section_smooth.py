"""Step 5: smooth the boxes over time while watching what that does."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QLabel
from superqt import QLabeledSlider

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.finalize import FILL_METHODS
from napari_cropzoom.core.smoothing import METHODS, SmoothingSettings, jitter, smooth
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.controls import note, row
from napari_cropzoom.widgets.section import Section

TITLES = {
    "none": "None",
    "median": "Rolling median",
    "mean": "Rolling mean",
    "savgol": "Savitzky-Golay",
    "gaussian": "Gaussian",
}
FILL_TITLES = {"interpolate": "Interpolate", "hold": "Hold the last box"}

MEASURE_MS = 250  # without another change before the whole track is smoothed


class SmoothSection(Section):
    """Method and window, the trace, and the jitter as a number."""

    key = "smooth"
    title = "Smooth"

    def __init__(self, bench: Bench, number: int) -> None:
        self.trace: Any = None
        self._jitter: tuple[float, float] | None = None
        self._measured: tuple[FloatArray, SmoothingSettings] | None = None
        super().__init__(bench, number)
        bench.frame_changed.connect(self._draw)
        bench.boxes_changed.connect(self._on_boxes)

    def build(self) -> None:
        """Method, window, trace, jitter, fill."""
        self.method = QComboBox()
        self.method.setObjectName("smooth_method")
        for name in METHODS:
            self.method.addItem(TITLES.get(name, name), name)
        self.window_slider = QLabeledSlider(Qt.Orientation.Horizontal)
        self.window_slider.setObjectName("smooth_window")
        self.window_slider.setRange(1, 301)
        self.window_slider.setToolTip("Window in frames; 1 leaves the boxes as they are")
        self.quantity = QComboBox()
        self.quantity.setObjectName("smooth_quantity")
        self.jitter_label = QLabel()
        self.jitter_label.setObjectName("smooth_jitter")
        self.jitter_label.setToolTip("Frame-to-frame shake of the box centre: before → after")
        self.fill = QComboBox()
        self.fill.setObjectName("smooth_fill")
        self.fill.setToolTip("How frames without a box get one on saving")
        for name in FILL_METHODS:
            self.fill.addItem(FILL_TITLES.get(name, name), name)
        self.form.addLayout(row(QLabel("Method"), self.method, stretch=1))
        self.form.addLayout(row(QLabel("Window"), self.window_slider, stretch=1))
        self._trace_place = row(self.quantity, self.jitter_label, stretch=0)
        self.form.addLayout(self._trace_place)
        self.legend = note("", "smooth_legend")
        self.form.addWidget(self.legend)
        self.form.addLayout(row(QLabel("Missing frames"), self.fill, stretch=1))
        self._latest = Latest(self._on_jitter, self.show_error, pause=DRAWN_FIRST)
        self._draw_later = QTimer(self)  # after the box on the canvas, which follows at once
        self._draw_later.setSingleShot(True)
        self._draw_later.timeout.connect(self._on_boxes)
        self._measure_later = QTimer(self)
        self._measure_later.setSingleShot(True)
        self._measure_later.setInterval(MEASURE_MS)
        self._measure_later.timeout.connect(self._measure)
        self._show_settings()
        self.method.currentIndexChanged.connect(self._on_change)
        self.window_slider.valueChanged.connect(self._on_change)
        self.fill.currentIndexChanged.connect(self._on_fill)
        self.quantity.currentIndexChanged.connect(self._draw)

    def missing(self) -> str:
        """Smoothing needs boxes."""
        session = self.bench.session
        return "" if session and session.has_boxes else "Make, load or draw boxes first."

    def summary(self) -> tuple[str, bool]:
        """``median, window 5``."""
        session = self.bench.session
        if session is None or not session.has_boxes:
            return "", False
        if not session.smoothing.active:
            return "off", True
        text = f"{session.smoothing.method}, window {session.smoothing.window}"
        return f"{text} · {jitter_text(self._jitter)}" if self._jitter else text, True

    def session_changed(self) -> None:
        """Nothing is known of the new boxes."""
        super().session_changed()
        self._latest.drop()
        self._jitter = self._measured = None
        self._show_settings()

    def set_open(self, is_open: bool) -> None:
        """Make the plot the first time it is needed."""
        if is_open and self.trace is None:
            self._make_trace()
        super().set_open(is_open)
        if is_open:
            self._draw()
            self._measure()

    def update_body(self) -> None:
        """Follow settings that came from a saved review."""
        self._show_settings()

    def _make_trace(self) -> None:
        from napari_cropzoom.widgets.trace import QUANTITIES, RAW, SMOOTHED, Trace

        self.trace = Trace()
        self.trace.set_theme(self.bench.viewer.theme)
        self.bench.viewer.events.theme.connect(self._on_theme)
        self.quantity.addItems(QUANTITIES)
        self.form.insertWidget(self.form.indexOf(self._trace_place) + 1, self.trace)
        self.legend.setText(
            f'<span style="color:{RAW}">▬</span> before &nbsp; '
            f'<span style="color:{SMOOTHED}">▬</span> after &nbsp; ● set by hand'
        )

    def let_go(self) -> None:
        """Disconnect from the viewer."""
        self._latest.drop()
        self._draw_later.stop()
        self._measure_later.stop()
        if self.trace is not None:
            self.bench.viewer.events.theme.disconnect(self._on_theme)

    def _on_theme(self, event: Any) -> None:
        self.trace.set_theme(event.value)

    def _show_settings(self) -> None:
        session = self.bench.session
        settings = session.smoothing if session else SmoothingSettings()
        fill = session.fill if session else FILL_METHODS[0]
        for control, value in (
            (self.method, self.method.findData(settings.method)),
            (self.fill, self.fill.findData(fill)),
        ):
            control.blockSignals(True)
            control.setCurrentIndex(value)
            control.blockSignals(False)
        if self.window_slider.value() != settings.window:
            self.window_slider.blockSignals(True)
            self.window_slider.setValue(settings.window)
            self.window_slider.blockSignals(False)

    def _on_change(self, *_: object) -> None:
        session = self.bench.session
        if session is not None:
            session.smoothing = SmoothingSettings(self.method.currentData(), self.window_slider.value())
            self._draw_later.start()

    def _on_fill(self, *_: object) -> None:
        if self.bench.session is not None:
            self.bench.session.fill = self.fill.currentData()

    def _on_boxes(self) -> None:
        self._draw()
        session = self.bench.session
        if session is None or not session.has_boxes:
            return
        # One edit hardly moves a median over the track: while the step is folded, that is left alone.
        is_known = self._measured is not None and (
            self._measured[0] is session.track.raw and self._measured[1] == session.smoothing
        )
        if self.is_open or not is_known:
            self._measure_later.start()

    def _draw(self, *_: object) -> None:
        session = self.bench.session
        if self.trace is not None and self.is_open and session is not None:
            self.trace.show_around(session, self.bench.frame, self.quantity.currentText() or "centre x")

    def _measure(self) -> None:
        """Compute the whole track in a thread, on a copy."""
        session = self.bench.session
        if session is None or not session.has_boxes:
            return
        track = session.track
        self._measured = track.raw, session.smoothing
        self._latest.request(measure, track.boxes.copy(), track.is_anchor, session.smoothing)

    def _on_jitter(self, values: tuple[float, float]) -> None:
        self._jitter = values if np.isfinite(values).all() else None
        self.jitter_label.setText(f"jitter {jitter_text(self._jitter)}" if self._jitter else "")
        text, done = self.summary()
        self.header.set_state(text, done)


def measure(boxes: FloatArray, is_anchor: BoolArray, settings: SmoothingSettings) -> tuple[float, float]:
    """Jitter before and after smoothing the whole track; runs in a thread."""
    return jitter(boxes), jitter(smooth(boxes, settings, is_anchor))


def jitter_text(values: tuple[float, float]) -> str:
    """``3.2 → 0.9 px``."""
    return f"{values[0]:.1f} → {values[1]:.1f} px"
