"""The session on napari's canvas: layers, gestures and shortcuts."""

from napari_cropzoom.layers.keys import SHORTCUTS, Shortcut
from napari_cropzoom.layers.layer_set import LayerSet

__all__ = ["SHORTCUTS", "LayerSet", "Shortcut"]
