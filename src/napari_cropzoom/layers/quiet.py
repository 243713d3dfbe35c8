"""Change a napari layer in several steps and have it drawn once, or only moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.events import EventEmitter

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.layers.conversions import box_to_rectangle

_EVENTS = ("data", "set_data", "highlight", "features", "edge_color", "face_color", "border_color")
ROOM = 1.2
"""How much less than its box `smaller` draws: a layer that shrinks makes napari slice all layers anew."""


@contextmanager
def drawn_once(layer: Layer) -> Iterator[None]:
    """Hold back the events of a layer, then redraw it; setting its data alone redraws it three times.

    Thumbnails are left as they are.
    """
    with ExitStack() as held:
        for name in _EVENTS:
            if name in layer.events.emitters:
                held.enter_context(layer.events.emitters[name].blocker())
        if hasattr(layer, "block_thumbnail_update"):
            held.enter_context(layer.block_thumbnail_update())
        yield
    layer.refresh(thumbnail=False, extent=False)


def smaller(box: Box) -> Box:
    """What to draw of a box for `stretch` to make many boxes of it, somewhat larger and smaller ones."""
    return box._replace(w=box.w / ROOM, h=box.h / ROOM)


def is_like(box: Box, drawn: Box) -> bool:
    """Whether `stretch` can make one box of the other without the outline showing it."""
    ratios = (box.w / drawn.w, box.h / drawn.h) if drawn.w and drawn.h else (0.0,)
    return all(1 <= ratio <= ROOM**2 for ratio in ratios)


def stretch(layer: Layer, drawn: Box, box: Box) -> None:
    """Show what a 2-D layer drew at one box at another: ``data_to_world`` tells where it is then.

    For new data vispy compiles the layer's shaders anew, at 10 ms and more each; a layer that is moved
    costs a tenth of that. What napari knows of the layer's extent is left as it was.
    """
    scale = np.array([box.h / drawn.h, box.w / drawn.w])
    matrix = np.diag([*scale, 1.0])
    matrix[:2, 2] = box_to_rectangle(box)[0] - scale * box_to_rectangle(drawn)[0]
    _transform(layer, matrix)


def put_back(layer: Layer) -> None:
    """Undo `stretch`."""
    if not np.array_equal(layer.affine.affine_matrix, np.eye(3)):
        _transform(layer, np.eye(3))


def _transform(layer: Layer, matrix: np.ndarray) -> None:
    with ExitStack() as held:
        if hasattr(layer, "block_thumbnail_update"):
            held.enter_context(layer.block_thumbnail_update())
        held.enter_context(layer.events.blocker_all())
        layer.affine = matrix
    _tell_drawing(layer.events.affine, layer)


def _tell_drawing(emitter: EventEmitter, layer: Layer) -> None:
    """Emit an event of a layer to all but the viewer and its list of layers.

    They would work out the extent of the scene and paint the list anew, ten times the work of moving.
    """
    skipped: list[Callable[..., object]] = [layer.events]
    for callback in emitter.callbacks:
        owner = callback[0]() if isinstance(callback, tuple) else None
        if isinstance(owner, ViewerModel):
            skipped.append(getattr(owner, callback[1]))
    with ExitStack() as held:
        for callback in skipped:
            held.enter_context(emitter.blocker(callback))
        emitter()
