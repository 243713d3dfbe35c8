"""Keeps the whole picture in view while the window changes its size, until a person moves the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_cropzoom.canvas.video import NAME as VIDEO
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.gl_context import canvas_near

if TYPE_CHECKING:
    import napari.viewer

AFTER = 60  # milliseconds in which a window that is dragged by its edge rests


class Fitting(QObject):
    """Fits the view to the canvas, and again when the canvas becomes larger or smaller.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    widget : QWidget
        One of the viewer's window.
    """

    def __init__(self, viewer: napari.viewer.Viewer, widget: QWidget) -> None:
        super().__init__(widget)
        self._viewer = viewer
        self._widget = widget
        self._watched: QWidget | None = None
        self._fitted: tuple[object, object] | None = None
        self._later = delayed(self, self._fit_again, AFTER)

    def fit(self) -> None:
        """Show the whole picture, and keep it so; boxes that go on beyond it do not make it smaller."""
        self._watch()
        video = next((layer for layer in self._viewer.layers if layer.name == VIDEO), None)
        self._viewer.reset_view(layers=None if video is None else [video])
        self._fitted = self._state()

    def let_go(self) -> None:
        """Leave the view alone from now on."""
        self._later.stop()
        if self._watched is not None and isalive(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait until the size rests."""
        if event.type() == QEvent.Type.Resize:
            self._later.start()
        return False

    def _fit_again(self) -> None:
        if self._fitted is not None and self._fitted == self._state() and len(self._viewer.layers):
            self.fit()

    def _state(self) -> tuple[object, object]:
        camera = self._viewer.scene.camera
        return camera.zoom, tuple(camera.center)

    def _watch(self) -> None:
        """Watch what is round the canvas, which gets few events but those of its size."""
        canvas = canvas_near(self._widget)
        around = canvas.parentWidget() if canvas is not None else None
        if around is not None and around is not self._watched:
            self.let_go()
            self._watched = around
            around.installEventFilter(self)
