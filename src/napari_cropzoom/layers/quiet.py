"""Change a napari layer in several steps and have it drawn once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from napari.layers import Layer

_EVENTS = ("data", "set_data", "highlight", "features", "edge_color", "face_color", "border_color")


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
