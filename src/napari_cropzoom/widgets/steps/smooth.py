"""Step *Smooth*: smooth the boxes over time and see the effect.

Object names: ``smooth_method``, ``smooth_window``, ``smooth_quantity``, ``smooth_trace``,
``smooth_jitter``, ``smooth_legend``, ``smooth_fill``, ``smooth_worse``, ``smooth_better``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel
from superqt import QLabeledSlider

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.editing.settings import SettingsEdit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import doubtful_frames
from napari_cropzoom.core.looks import ANIMAL_COLORS
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.core.smoothing.finalize import DEFAULT_FILL, FILL_METHODS
from napari_cropzoom.core.smoothing.leaving import frames_left, told_of_left
from napari_cropzoom.core.smoothing.methods import Shake, SmoothingSettings
from napari_cropzoom.core.smoothing.track import SmoothedTrack
from napari_cropzoom.core.words import counted
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import Message, button, choice, delayed, note, row, silent
from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.parts.settling import Settling
from napari_cropzoom.widgets.timeline.colors import colors_of

WORSE = (
    "This smoothing makes the boxes shake more: jitter {}. Choose another window or method, or “None”."
)
BETTER = "gaussian"  # it moves centre and size alike, while a median of corner and size pulls them apart
MEASURE_MS = 250  # without another change before the whole track is smoothed
FOLDED_MS = 1_500  # the same where nobody looks


class SmoothStep(Step):
    """Method and window, the trace, and the jitter as a number."""

    key = "smooth"
    title = "Smooth"
    help = "Smooth the boxes over time. Boxes set by hand stay exactly as they are."
    place = 50
    needs = Needs.BOXES
    edits = SettingsEdit

    def __init__(self, controller: Controller, number: int) -> None:
        self.trace: Any = None
        self._coloured: tuple[str, str] = ("", "")
        self._shake: Shake | None = None
        self._n_left = 0  # boxes that smoothing leaves
        self._was_open = False  # for this video
        self._measured: tuple[FloatArray, SmoothingSettings] | None = None
        super().__init__(controller, number)
        controller.frame_changed.connect(self._draw)
        controller.boxes_changed.connect(self._on_boxes)

    def build(self) -> None:
        """Method, window, trace, jitter, fill."""
        titles = {name: each.label for name, each in SMOOTHING_METHODS.items()}
        self.method = choice("smooth_method", "How boxes are smoothed", titles)
        for place, method in enumerate(SMOOTHING_METHODS.values()):
            self.method.setItemData(place, method.help, Qt.ItemDataRole.ToolTipRole)
        self.window_slider = QLabeledSlider(Qt.Orientation.Horizontal)
        self.window_slider.setObjectName("smooth_window")
        self.window_slider.setRange(1, 301)
        self.window_slider.setToolTip("Window in frames; 1 leaves the boxes as they are")
        self.quantity = choice("smooth_quantity", "What the plot shows")
        self.jitter_label = QLabel()
        self.jitter_label.setObjectName("smooth_jitter")
        self.jitter_label.setToolTip(
            "Median distance of the box centre from the middle between those in the frames before and "
            "after, as in a report: before smoothing → of the final boxes"
        )
        titles = {name: each.label for name, each in FILL_METHODS.items()}
        self.fill = choice("smooth_fill", "How frames without a box get one on saving", titles)
        for place, way in enumerate(FILL_METHODS.values()):
            self.fill.setItemData(place, way.help, Qt.ItemDataRole.ToolTipRole)
        self.form.addLayout(row(QLabel("Method"), self.method, stretch=1))
        self.form.addLayout(row(QLabel("Window (frames)"), self.window_slider, stretch=1))
        self._trace_place = row(self.quantity, self.jitter_label, stretch=0)
        self.form.addLayout(self._trace_place)
        self.legend = note("", "smooth_legend")
        self.form.addWidget(self.legend)
        self.form.addLayout(row(QLabel("Missing frames"), self.fill, stretch=1))
        self.worse = Message()
        self.worse.setObjectName("smooth_worse")
        self.better = button("", "smooth_better", "Smooth so that the boxes shake less")
        self.better.hide()
        for each in (self.worse, self.better):  # the last, so that no control moves when they come
            self.form.addWidget(each)
        self.better.clicked.connect(self._take_better)
        self._latest = Latest(self._on_measured, self.show_error, pause=DRAWN_FIRST)
        self._draw_later = delayed(self, self._on_boxes)  # the box on the canvas comes first
        self._measure_later = delayed(self, self._measure, MEASURE_MS)
        self._settling = Settling(self.controller, self, self.window_slider)
        self._settling.failed.connect(self._refuse)
        self._show_settings()
        self.method.currentIndexChanged.connect(self._on_change)
        self.window_slider.valueChanged.connect(self._on_change)
        self.fill.currentIndexChanged.connect(self._on_fill)
        self.quantity.currentIndexChanged.connect(self._draw)

    def summary(self) -> tuple[str, bool]:
        """``median, 5 frames``."""
        session = self.controller.session
        if session is None or not session.has_boxes:
            return "", False
        if not session.smoothing.active:
            return "off", True
        window = counted(session.smoothing.window, "frame")
        text = f"{session.smoothing.method}, {window}"
        if self._n_left:
            return f"⚠ leaves {counted(self._n_left, 'box')} · {text}", False
        if self._shake is not None and self._shake.is_worse:
            return f"⚠ shakes more · {text} · {self._shake}", False
        if not self._was_open and session.on_disk is OnDisk.NOTHING:
            return text, False  # nobody has chosen it
        return (text if self._shake is None else f"{text} · {self._shake}"), True

    def session_changed(self) -> None:
        """Forget the jitter of the video before."""
        super().session_changed()
        self._latest.drop()
        self._shake = self._measured = None
        self._n_left = 0
        self._was_open = self.is_open
        self.worse.clear()
        self.better.hide()
        self._show_settings()

    def set_open(self, is_open: bool) -> None:
        """Make the plot the first time it is needed."""
        if is_open and self.trace is None:
            self._make_trace()
        self._was_open = self._was_open or is_open
        super().set_open(is_open)
        if is_open:
            self.header.set_state(*self.summary())
            self._draw()
            self._measure()

    @property
    def is_measured(self) -> bool:
        """Whether it is known what the chosen smoothing does to the boxes."""
        return not (
            self._draw_later.isActive() or self._measure_later.isActive() or self._latest.is_running
        )

    def update_body(self) -> None:
        """Show settings that came from a saved review, and the animal's colour."""
        self._show_settings()
        self._set_colors()

    def _make_trace(self) -> None:
        from napari_cropzoom.widgets.steps.parts.trace import QUANTITIES, Trace

        self.trace = Trace()
        self.controller.viewer.events.theme.connect(self._set_colors)
        self.quantity.addItems(QUANTITIES)
        self.form.insertWidget(self.form.indexOf(self._trace_place) + 1, self.trace)
        self._set_colors()

    def release(self) -> None:
        """Disconnect from the viewer."""
        self._latest.drop()
        self._draw_later.stop()
        self._measure_later.stop()
        self._settling.stop()
        if self.trace is not None:
            self.controller.viewer.events.theme.disconnect(self._set_colors)

    def _set_colors(self) -> None:
        """Draw in the animal's colour, as it reads on the theme."""
        session = self.controller.session
        animal = session.tracks.entry.color if session is not None else ANIMAL_COLORS[0]
        if self.trace is None or (self.controller.viewer.theme, animal) == self._coloured:
            return
        self._coloured = self.controller.viewer.theme, animal
        colors = colors_of(*self._coloured)
        self.trace.set_colors(colors)
        self.legend.setText(
            f'<span style="color:{colors.raw}">▬</span>\u00a0before &nbsp; '
            f'<span style="color:{colors.final}">╍╍</span>\u00a0after &nbsp; '
            f'<span style="color:{colors.animal}">●</span>\u00a0set\u00a0by\u00a0hand'
        )

    def _show_settings(self) -> None:
        session = self.controller.session
        settings = session.smoothing if session else SmoothingSettings()
        fill = session.fill if session else DEFAULT_FILL
        with silent((self.method, self.fill, self.window_slider)):
            self.method.setCurrentIndex(self.method.findData(settings.method))
            self.fill.setCurrentIndex(self.fill.findData(fill))
            if self.window_slider.value() != settings.window:
                self.window_slider.setValue(settings.window)

    def _on_change(self, *_: object) -> None:
        session = self.controller.session
        if session is not None:
            settings = SmoothingSettings(self.method.currentData(), self.window_slider.value())
            self._try(partial(session.editing.try_smoothing, settings))
            self._draw_later.start()

    def _on_fill(self, *_: object) -> None:
        session = self.controller.session
        if session is not None:
            self._try(partial(session.editing.try_fill, self.fill.currentData()))

    def _try(self, act: Callable[[], object]) -> None:
        self.message.clear()
        try:
            act()
            self._settling.start()
        except CropzoomError as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        self.show_error(error)
        self._show_settings()

    def _on_boxes(self) -> None:
        self._draw()
        session = self.controller.session
        if session is None or not session.has_boxes:
            return
        # One edit hardly changes a median over the track, so a folded step waits for the last of them.
        is_known = self._measured is not None and (
            self._measured[0] is session.track.raw and self._measured[1] == session.smoothing
        )
        self._measure_later.start(MEASURE_MS if self.is_open or not is_known else FOLDED_MS)

    def _draw(self, *_: object) -> None:
        session = self.controller.session
        if self.trace is not None and self.is_open and session is not None:
            self.trace.show_around(
                session, self.controller.frame, self.quantity.currentText() or "centre x"
            )

    def _measure(self) -> None:
        """Compute the whole track in a thread, on a copy."""
        session = self.controller.session
        if session is None or not session.has_boxes:
            return
        track = session.track
        self._measured = track.raw, session.smoothing
        smoothed, boxes = session.tracks.entry.smoothed, track.boxes.copy()
        doubtful = session.suspects.doubtful()
        self._latest.request(measure, smoothed, boxes, track.is_manual, session.smoothing, doubtful)

    def _on_measured(self, measured: Measured) -> None:
        shake, better = measured.shake, measured.better
        self._shake = shake if np.isfinite(shake.after) else None
        self._n_left = measured.n_left
        measured.smoothed.shake, measured.smoothed.n_left = self._shake, self._n_left
        self.jitter_label.setText(f"jitter {self._shake}" if self._shake else "")
        left = told_of_left(self._n_left, len(measured.smoothed.track))
        said = (
            f"{left[:1].upper()}{left[1:]}. Choose a smaller window." if left else "",
            WORSE.format(shake) if shake.is_worse else "",
        )
        self.worse.show_warning(" ".join(filter(None, said)))
        self.better.setText(
            "" if better is None else f"Use {SMOOTHING_METHODS[BETTER].label} instead: {better}"
        )
        self.better.setVisible(better is not None)
        self.controller.changed.emit()  # the steps that take the smoothed boxes say it too

    def _take_better(self) -> None:
        self.method.setCurrentIndex(self.method.findData(BETTER))


@dataclass(frozen=True)
class Measured:
    """What smoothing does to the boxes of ``smoothed``, and what shakes them less if need be."""

    smoothed: SmoothedTrack
    shake: Shake
    better: Shake | None
    n_left: int


def measure(
    smoothed: SmoothedTrack,
    boxes: FloatArray,
    is_manual: BoolArray,
    settings: SmoothingSettings,
    doubtful: BoolArray | None,
) -> Measured:
    """Measure boxes, (T, 4), before and after smoothing; runs in a thread.

    ``doubtful``, (T,), are the frames of open suspects; None where nobody has looked for them yet.
    """
    shake = Shake.of(boxes, settings, is_manual)
    better = None
    if shake.is_worse:
        cure = Shake.of(boxes, SmoothingSettings(BETTER, settings.window), is_manual)
        better = None if cure.is_worse else cure
    doubtful = doubtful_frames(boxes) if doubtful is None else doubtful
    return Measured(smoothed, shake, better, frames_left(boxes, settings, is_manual, doubtful))
