"""A boxes layer by itself, moved by napari's own mouse callbacks."""

from types import SimpleNamespace

import numpy as np
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from napari_cropzoom.canvas.boxes import BoxesLayer
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, box_style

BOX = Box(20, 10, 40, 30)


class BoxesWindow:
    """A boxes layer with what a session would do: show what is edited."""

    def __init__(self, box=BOX):
        self.boxes = BoxesLayer()
        self.layer = self.boxes.layer
        self.edits, self.dragged = [], []
        self.event = SimpleNamespace(modifiers=(), button=1, handled=False)
        self.boxes.edited.connect(self.edit)
        self.boxes.box_dragged.connect(self.dragged.append)
        self.show(box)

    def edit(self, box):
        self.edits.append(box)
        self.show(MISSING_BOX if box is None else box.snapped(), Source.MANUAL)

    def show(self, box, source=Source.DETECTED, frame=0):
        self.boxes.show(frame, box, box_style(source, ANIMAL_COLORS[0]))

    def mouse(self, kind, yx, callbacks):
        event = self.event  # the same one all along, as napari's is
        event.type, event.position, event.pos = kind, yx, np.array(yx[::-1])
        event.is_dragging = kind == "mouse_move"
        callbacks(self.layer, event)

    def drag(self, start, *path, release=True):
        self.mouse("mouse_press", start, mouse_press_callbacks)
        for yx in path:
            self.mouse("mouse_move", yx, mouse_move_callbacks)
        if release:
            self.release((path or (start,))[-1])

    def release(self, yx):
        self.mouse("mouse_release", yx, mouse_release_callbacks)

    def assert_shows(self, box):
        assert self.boxes.box == box
        assert self.layer.nshapes == 1
        assert self.layer.shape_type == ["rectangle"]
        corners = self.layer.data[0]
        x0, y0 = box.x - 0.5, box.y - 0.5
        assert corners.tolist() == [
            [y0, x0],
            [y0, x0 + box.w],
            [y0 + box.h, x0 + box.w],
            [y0 + box.h, x0],
        ]
