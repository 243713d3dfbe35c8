"""Shows frames that come one upon the other, as with a held key, on a screen before the canvas."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.layers.layer_set import LayerSet
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.screen import Screen, can_stand_for_canvas, canvas_near, prepare


class QuickRun(QObject):
    """Puts a :class:`Screen` before the canvas while frames are in a hurry, and takes it away at rest.

    An edit and a press on the canvas end it too.

    Parameters
    ----------
    bench : Bench
    widget : QWidget
        One of the window whose canvas shows the video.

    Attributes
    ----------
    screen : Screen or None
        During a quick run.
    """

    def __init__(self, bench: Bench, widget: QWidget) -> None:
        super().__init__(widget)
        self.screen: Screen | None = None
        self._bench = bench
        self._widget = widget
        self._layers: LayerSet | None = None
        bench.session_changed.connect(self._on_session)
        bench.frame_changed.connect(self._on_frame)
        bench.edited.connect(self.end)

    def _on_session(self) -> None:
        self.end()
        if self._layers is not None:
            self._layers.hurried.disconnect(self._on_hurried, missing_ok=True)
        self._layers = self._bench.layers
        if self._layers is not None:
            self._layers.hurried.connect(self._on_hurried)
            run_in_thread(prepare)

    def _on_hurried(self, is_hurried: bool) -> None:
        if not is_hurried:
            self.end()
            return
        layers, canvas = self._layers, canvas_near(self._widget)
        if layers is None or canvas is None or layers.is_covered or not can_stand_for_canvas(layers):
            return
        self.screen = Screen(canvas, layers)
        self.screen.pressed.connect(self.end)
        if layers.video is not None:
            layers.video.frame_shown.connect(self._on_frame)

    def _on_frame(self, frame: int) -> None:
        if self.screen is not None and self._layers is not None and self._layers.video is not None:
            self.screen.show_frame(frame, self._layers.video.source.now())

    def end(self) -> None:
        """Let the canvas show what is to be seen, should a screen stand before it."""
        screen, self.screen = self.screen, None
        if screen is None:
            return
        if self._layers is not None and self._layers.video is not None:
            self._layers.video.frame_shown.disconnect(self._on_frame, missing_ok=True)
        if isalive(screen):  # it goes with the window, should that be closed
            screen.leave()
