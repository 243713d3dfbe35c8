"""Plays a video without OpenGL, where that is computed by the processor.

Without a graphics card (a remote desktop, a virtual machine) napari's canvas takes 50 to 100 ms a frame,
most of it because Qt puts the whole window together by OpenGL. A window of its own in front of the
canvas takes 10. This folder is all of it: without it, and without the line of
:mod:`napari_cropzoom.widgets.player.player` that imports it, videos play on the canvas.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtOpenGLWidgets import QOpenGLWidget

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.widgets.player.painter import CHOICES, FramePainter
from napari_cropzoom.widgets.raster.frame_window import FrameWindow, looks_plain
from napari_cropzoom.widgets.raster.pane import panes_work

SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software", "swrast", "gdi generic", "basic render")
_RENDERER = "cropzoom_renderer"  # property of the canvas


def choose(
    canvas: QOpenGLWidget,
    layers: LayerSet,
    painted: Callable[[], object],
    pressed: Callable[[], object],
) -> FramePainter | None:
    """Return a painter where OpenGL is software and the canvas shows nothing but our layers."""
    if not panes_work() or not is_software(renderer_of(canvas)) or not looks_plain(layers):
        return None
    return FrameWindow(canvas, layers, painted, pressed)


def renderer_of(canvas: QOpenGLWidget) -> str:
    """Return the name of what draws a canvas, as OpenGL tells it; asked once for each window."""
    known = canvas.property(_RENDERER)
    if known is None:
        from vispy.gloo import gl

        canvas.makeCurrent()
        known = str(gl.glGetParameter(gl.GL_RENDERER))
        canvas.setProperty(_RENDERER, known)
    return str(known)


def is_software(renderer: str) -> bool:
    """Whether a renderer computes on the processor, by its name."""
    return any(name in renderer.lower() for name in SOFTWARE)


CHOICES.append(choose)
