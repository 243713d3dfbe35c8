"""The range tools: what a person does to many frames at once, in one table that all else is made of.

To add one, write its function and its entry in ``TOOLS`` of one of the modules here: its key, its button,
its form and its help follow from there.

A range is ``first`` to ``last``, both inclusive. Manual boxes inside it (set by a person) are never
moved by a tool that goes from one of them to the next; everything a tool has touched counts as edited.
"""

from napari_cropzoom.core.editing.range_tools import paths, shapes, states
from napari_cropzoom.core.editing.range_tools.paths import carry_correction, hold, interpolate, put_boxes
from napari_cropzoom.core.editing.range_tools.shapes import scale, set_size, shift, usual_size
from napari_cropzoom.core.editing.range_tools.states import copy_from, mark_absent, swap
from napari_cropzoom.core.editing.range_tools.tool import Number, RangeTool

RANGE_TOOLS: tuple[RangeTool, ...] = (*paths.TOOLS, *shapes.TOOLS, *states.TOOLS)

__all__ = [
    "RANGE_TOOLS",
    "Number",
    "RangeTool",
    "carry_correction",
    "copy_from",
    "hold",
    "interpolate",
    "mark_absent",
    "put_boxes",
    "scale",
    "set_size",
    "shift",
    "swap",
    "usual_size",
]
