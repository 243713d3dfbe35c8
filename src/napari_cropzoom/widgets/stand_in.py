"""Has what changes seen at once: a screen stands before the canvas until frames and edits rest."""

from __future__ import annotations

from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QObject, QTimer
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.layers.layer_set import LayerSet
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.screen import Screen, can_stand_for_canvas, canvas_near, prepare

REST = 250  # milliseconds after the last change in which the canvas may stay behind
_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


class StandIn(QObject):
    """Puts a :class:`Screen` before the canvas when boxes change and while frames are in a hurry.

    The layers follow once that rests, and before a key or a press on the canvas is handled.

    Parameters
    ----------
    bench : Bench
    widget : QWidget
        One of the window whose canvas shows the video.

    Attributes
    ----------
    screen : Screen or None
        While it stands there.
    """

    def __init__(self, bench: Bench, widget: QWidget) -> None:
        super().__init__(widget)
        self.screen: Screen | None = None
        self._bench = bench
        self._widget = widget
        self._layers: LayerSet | None = None
        self._canvas: QOpenGLWidget | None = None
        self._is_hurried = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(self._on_rest)
        bench.session_changed.connect(self._on_session)
        bench.frame_changed.connect(self._on_frame)

    def end(self) -> None:
        """Let the canvas show what is to be seen, should a screen stand before it."""
        self._rest.stop()
        screen, self.screen = self.screen, None
        if screen is None:
            return
        if (application := QCoreApplication.instance()) is not None:
            application.removeEventFilter(self)
        if self._layers is not None and self._layers.video is not None:
            self._layers.video.frame_shown.disconnect(self._on_frame, missing_ok=True)
        if isalive(screen):  # it goes with the window, should that be closed
            screen.leave()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's call before every event of the application, while a screen stands there."""
        if event.type() in _KEYS and self._rest.isActive() and self._layers is not None:
            self._layers.follow()
        return False

    def _on_session(self) -> None:
        self.end()
        self._is_hurried = False
        for signal, slot in self._connections():
            signal.disconnect(slot, missing_ok=True)
        self._layers = self._bench.layers
        for signal, slot in self._connections():
            signal.connect(slot)
        if self._layers is not None:
            run_in_thread(prepare)

    def _connections(self) -> list[tuple[Any, Any]]:
        layers = self._layers
        if layers is None:
            return []
        return [
            (layers.hurried, self._on_hurried),
            (layers.changing, self._on_changing),
            (layers.closing, self.end),
            (layers.box_dragged, self._on_dragged),
        ]

    def _on_hurried(self, is_hurried: bool) -> None:
        self._is_hurried = is_hurried
        if is_hurried:
            if self.screen is not None or self._stand():
                self._rest_canvas()
        elif not self._rest.isActive():
            self.end()

    def _on_changing(self) -> None:
        self._show_change(None)

    def _on_dragged(self, box: Box) -> None:
        if self._layers is not None and self._layers.boxes is not None and self._layers.boxes.is_plain:
            self._show_change(box)
            self._rest_canvas()

    def _rest_canvas(self) -> None:
        if self.screen is not None:
            self.screen.rest_canvas()

    def _on_rest(self) -> None:
        if not self._is_hurried:
            self.end()

    def _show_change(self, dragged: Box | None) -> None:
        if self.screen is None and not self._stand():
            return
        self._rest.start()
        self._show(self._bench.frame, dragged)

    def _on_frame(self, frame: int) -> None:
        if self._rest.isActive() and not self._is_hurried and self._layers is not None:
            self._layers.follow()
        self._show(frame, None)

    def _stand(self) -> bool:
        layers = self._layers
        if (
            layers is None
            or layers.video is None
            or layers.is_covered
            or not can_stand_for_canvas(layers)
        ):
            return False
        if self._canvas is None or not isalive(self._canvas) or not self._canvas.isVisible():
            self._canvas = canvas_near(self._widget)
        if self._canvas is None:
            return False
        self.screen = Screen(self._canvas, layers)
        self.screen.pressed.connect(self.end)
        layers.video.frame_shown.connect(self._on_frame)
        if (application := QCoreApplication.instance()) is not None:
            application.installEventFilter(self)
        return True

    def _show(self, frame: int, dragged: Box | None) -> None:
        layers = self._layers
        if self.screen is not None and layers is not None and layers.video is not None:
            self.screen.show_frame(frame, layers.video.source.now(), dragged)
