"""Change a napari layer in several steps and have it drawn once; lay one layer over another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_cropzoom.core.boxes import FloatArray

_EVENTS = ("data", "set_data", "highlight", "features", "edge_color", "face_color", "border_color")
_OF_NEW_SHAPES = ("current_edge_color", "current_face_color", "edge_width")
_OF_FRAMES = ("set_data", "_extent_augmented")  # told of a picture with every frame
TRANSFORM_EVENTS = ("scale", "translate", "rotate", "shear", "affine", "units")


@contextmanager
def one_redraw(layer: Layer, *, highlight: bool = True) -> Iterator[None]:
    """Hold back the events of a layer, then redraw it; setting its data alone redraws it three times.

    What napari's controls show of the shapes to come is told once, and only if it is another: they are
    painted again each time. Thumbnails are left as they are; the list of layers is told nothing, which
    paints the rows of all layers for any event of one. Without ``highlight`` what is drawn round a
    selected shape is left too, which napari draws as slowly as the shape itself.
    """
    before = _of_new_shapes(layer)
    with layer.events.blocker():  # of those who listen to all events of the layer, as the list does
        with ExitStack() as held:
            for name in (*_EVENTS, *_OF_NEW_SHAPES):
                if name in layer.events.emitters:
                    held.enter_context(layer.events.emitters[name].blocker())
            if hasattr(layer, "block_thumbnail_update"):
                held.enter_context(layer.block_thumbnail_update())
            yield
        layer.refresh(thumbnail=False, extent=False, highlight=highlight)
        for name, value in _of_new_shapes(layer).items():
            if value != before[name]:
                layer.events.emitters[name]()


class LayerListRest:
    """Keep napari's list of layers still while frames follow each other closely.

    The list paints the rows of all layers for any event of one of them. Of a layer at rest it is not told
    of another frame, and its thumbnail stays; what draws the layer, and all others that listen to one of
    its events, hear them as ever.
    """

    def __init__(self) -> None:
        self._layer: Layer | None = None

    def rest(self, layer: Layer | None) -> None:
        """Let this layer rest, or none: then the list shows it as it is."""
        before, self._layer = self._layer, layer
        if layer is before:
            return
        if before is not None:
            for name in _of_frames(before):
                before.events.emitters[name].unblock(before.events)
            before.events.thumbnail.unblock()
            before.events.thumbnail()
        if layer is not None:
            for name in _of_frames(layer):
                layer.events.emitters[name].block(layer.events)
            layer.events.thumbnail.block()


def _of_frames(layer: Layer) -> list[str]:
    return [name for name in _OF_FRAMES if name in layer.events.emitters]


def _of_new_shapes(layer: Layer) -> dict[str, Any]:
    """What napari's controls show, by the event that tells of it."""
    names = {name: name if name.startswith("current") else f"current_{name}" for name in _OF_NEW_SHAPES}
    return {event: getattr(layer, name) for event, name in names.items() if hasattr(layer, name)}


def lay_over(layer: Layer, pixels_to_world: FloatArray, units: tuple[Any, ...]) -> None:
    """Draw a 2-D layer, whose data are pixels of the video, over these pixels.

    Parameters
    ----------
    layer : napari.layers.Layer
    pixels_to_world : ndarray, (3, 3)
        Affine matrix of (y, x).
    units : tuple
        Units of y and x in the world.
    """
    if tuple(layer.units) != units:
        layer.units = units
    is_plain = (
        np.allclose(layer.scale, 1)
        and np.allclose(layer.translate, 0)
        and np.allclose(layer.rotate, np.eye(2))
        and np.allclose(layer.shear, 0)
    )
    if not is_plain:
        layer.scale, layer.translate, layer.rotate, layer.shear = (1, 1), (0, 0), 0, (0,)
    if not np.allclose(layer.affine.affine_matrix, pixels_to_world, rtol=1e-9, atol=1e-9):
        layer.affine = pixels_to_world
