"""Finds the OpenGL canvas of a napari window, and keeps two windows from freeing each other's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QObject
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    import napari.viewer


class OwnContext(QObject):
    """Makes a window's own OpenGL context current before layers are removed from it.

    napari (0.9.2, ``VispyCanvas._clean_and_update_scenegraph``) frees what the removed layers drew with
    in whichever context is current. With two windows that may be the other's, which then loses its
    objects of the same numbers and draws nothing but ``GLError``.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    widget : QWidget
        One of the viewer's window.
    """

    def __init__(self, viewer: napari.viewer.Viewer, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._canvas: QOpenGLWidget | None = None
        self._events = (viewer.layers.events.removing, viewer.layers.events.begin_batch)
        for event in self._events:
            event.connect(self.make_current)

    def let_go(self) -> None:
        """End every connection."""
        for event in self._events:
            event.disconnect(self.make_current)

    def make_current(self) -> None:
        """Make the context current; a window that closes has one as long as its canvas lives."""
        if self._canvas is None or not isalive(self._canvas):
            self._canvas = largest(top_of(self._widget).findChildren(QOpenGLWidget))
        if self._canvas is not None:
            self._canvas.makeCurrent()


def canvas_near(widget: QWidget) -> QOpenGLWidget | None:
    """Find the canvas of the napari window that a widget belongs to, in a floating dock too."""
    return largest([c for c in top_of(widget).findChildren(QOpenGLWidget) if c.isVisible()])


def largest(canvases: list[QOpenGLWidget]) -> QOpenGLWidget | None:
    """Return the largest canvas, None if there is none."""
    return max(canvases, key=lambda each: each.width() * each.height(), default=None)


def top_of(widget: QWidget) -> QWidget:
    """The window that a widget belongs to, that of its floating dock included."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget
