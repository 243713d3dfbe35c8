"""The session on napari's canvas: layers, gestures and shortcuts."""

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.canvas.shortcuts import SHORTCUTS, Shortcut

__all__ = ["SHORTCUTS", "LayerSet", "Shortcut"]
