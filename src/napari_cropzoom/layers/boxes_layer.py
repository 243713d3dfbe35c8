"""The editable box of the current frame as a napari shapes layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.layers import Shapes
from psygnal import Signal

from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.layers.conversions import box_to_rectangle, rectangle_to_box
from napari_cropzoom.layers.looks import BOX_LOOKS, Look
from napari_cropzoom.layers.quiet import ROOM, drawn_once, is_like, put_back, smaller, stretch

NAME = "boxes"
SMALLEST_DRAG = 4  # screen pixels; anything drawn smaller was a click
FLOAT_NOISE = 0.02  # pixels
_HELD_MODES = ("select", "direct", "vertex_insert", "vertex_remove")
_INVISIBLE = (0.0, 0.0, 0.0, 0.0)
_REHEARSED = Box(0, 0, 1, 1)


class BoxesLayer:
    """Shows one box and tells what a person wants it to become.

    The box is always selected, so that one press moves it and its handles resize it; where a frame
    has no box a drag draws one, in select mode as with napari's rectangle tool. Whatever a gesture
    leaves in the layer (turned, a polygon, two shapes, nothing), the box round the newest shape is
    told, and the layer shows one axis-aligned box again. A gesture during which the frame changes is
    dropped.

    Attributes
    ----------
    layer : napari.layers.Shapes
    box_dragged : psygnal.Signal
        :class:`Box` under way while the mouse is dragged.
    edited : psygnal.Signal
        :class:`Box` that a person set, None if they deleted it.
    """

    box_dragged = Signal(object)
    edited = Signal(object)

    def __init__(self) -> None:
        self.layer = Shapes(ndim=2, name=NAME, face_color=[_INVISIBLE], opacity=1)
        self._frame = -1
        self._box = MISSING_BOX
        self._look = self._drawn_look = BOX_LOOKS[Source.DETECTED]
        self._pixel = 1.0
        self._is_own = False
        self._drawn = MISSING_BOX  # what the layer's data say; moved to the box during a quick run
        self._is_changed = False
        self._has_handles = True
        self._is_rehearsal = False
        self._gesture_frame: int | None = None
        self._dragged = MISSING_BOX
        self.layer.events.data.connect(self._on_data)
        self.layer.events.set_data.connect(self._on_set_data)
        self.layer.events.mode.connect(self._on_mode)
        self.layer.events.affine.connect(self._on_affine)
        self.layer.mouse_drag_callbacks.append(self._follow_drag)
        self.layer.mode = "select"

    @property
    def box(self) -> Box:
        """The box shown, all NaN if there is none."""
        return self._box

    def show(self, frame: int, box: Box, source: Source, is_hurried: bool = False) -> None:
        """Show the box of a frame; costs next to nothing if it is shown already.

        In a hurry the layer is only moved, which is quicker; ``layer.data`` stay as they were until
        the frames rest.
        """
        look = BOX_LOOKS.get(source, self._look)
        if frame != self._frame:
            self._frame = frame
            self._is_changed = self._is_changed or self._gesture_frame is not None
        is_same = look == self._look and np.array_equal(box, self._box, equal_nan=True)
        is_free = not (self._is_changed or self._is_rehearsal) and self._gesture_frame is None
        self._box, self._look = box, look
        if is_hurried and is_free and not box.is_missing():
            if not is_same:
                self._move(look)
        elif not is_same or self._is_changed or (self._is_moved and self._gesture_frame is None):
            self._draw(box)

    @property
    def is_plain(self) -> bool:
        """Whether a gesture shows a box and its handles only; some of napari's tools show more."""
        return str(self.layer.mode) in ("select", "add_rectangle")

    @property
    def has_handles(self) -> bool:
        """Whether a box is held, that is selected."""
        return self._has_handles and self.layer.mode in _HELD_MODES

    def set_zoom(self, zoom: float) -> None:
        """Keep the outline as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        if self.layer.nshapes == 1:
            with self._own(), drawn_once(self.layer):
                self.layer.edge_width = self._look.width * self._pixel

    def show_handles(self, wanted: bool) -> None:
        """Select the box, or leave it unselected: while a video plays, handles cost more than the box."""
        self._has_handles = wanted
        with self._own():
            if not wanted:
                self.layer.selected_data = set()
            self._hold()

    def rehearse(self) -> None:
        """Draw a box that cannot be seen, where there is none: the first one that is drawn takes long."""
        if self._box.is_missing() and self._gesture_frame is None:
            self._is_rehearsal = True
            self.layer.opacity = 0
            self._draw(_REHEARSED)

    def end_rehearsal(self) -> None:
        """Show what there is again."""
        if self._is_rehearsal:
            self._draw(self._box)

    def announce_mode(self) -> None:
        """Have napari's buttons show the mode, which they do not read when the layer is added."""
        with self._own():
            mode = self.layer.mode
            self.layer.mode = "pan_zoom"
            self.layer.mode = mode

    def close(self) -> None:
        """Let go of the layer."""
        self.layer.events.data.disconnect(self._on_data)
        self.layer.events.set_data.disconnect(self._on_set_data)
        self.layer.events.mode.disconnect(self._on_mode)
        self.layer.events.affine.disconnect(self._on_affine)
        if self._follow_drag in self.layer.mouse_drag_callbacks:
            self.layer.mouse_drag_callbacks.remove(self._follow_drag)

    # ---- drawing -------------------------------------------------------------------------------

    @contextmanager
    def _own(self) -> Iterator[None]:
        before, self._is_own = self._is_own, True
        try:
            yield
        finally:
            self._is_own = before

    @property
    def _is_moved(self) -> bool:
        return not np.array_equal(self.layer.affine.affine_matrix, np.eye(3))

    def _move(self, look: Look) -> None:
        """Show the box by moving what is drawn; that is drawn anew only where it does not do."""
        if look != self._drawn_look or not is_like(self._box, self._drawn):
            self._draw(smaller(self._box), 1 / ROOM)
        with self._own():
            stretch(self.layer, self._drawn, self._box)

    def _draw(self, drawn: Box, scale: float = 1.0) -> None:
        """Draw a box as the layer's data; ``scale`` is of the outline's width."""
        layer, width = self.layer, self._look.width * self._pixel * scale
        self._is_changed = False
        self._drawn, self._drawn_look = drawn, self._look
        with self._own(), drawn_once(layer):
            put_back(layer)
            if drawn.is_missing():
                layer.remove(list(range(layer.nshapes)))
            elif layer.nshapes == 1 and layer.shape_type == ["rectangle"]:
                if not np.allclose(layer.edge_color[0], self._look.rgba):
                    layer.edge_color = [self._look.rgba]
                if layer.edge_width != [width]:
                    layer.edge_width = width
                layer.data = [box_to_rectangle(drawn)]
            else:
                layer.remove(list(range(layer.nshapes)))
                layer.add(
                    box_to_rectangle(drawn),
                    edge_width=width,
                    edge_color=[self._look.rgba],
                    face_color=[_INVISIBLE],
                )
            self._hold()
        if self._is_rehearsal and drawn != _REHEARSED:
            self._is_rehearsal = False
            layer.opacity = 1

    def _hold(self) -> None:
        """Select the box, so that its handles are there; not in the middle of another gesture."""
        is_free = self._gesture_frame in (None, self._frame)
        if self.has_handles and self.layer.nshapes and is_free:
            self.layer.selected_data = {0}

    # ---- gestures ------------------------------------------------------------------------------

    def _on_data(self, event: Any) -> None:
        if self._is_own or self._is_rehearsal or str(event.action) not in ("added", "changed", "removed"):
            return
        self._is_changed = True
        # A tool to draw with has not finished when it tells of a new shape; it redraws once it has.
        if self._gesture_frame is None and not self.layer.mode.startswith("add_"):
            self._settle()

    def _on_set_data(self) -> None:
        if self._is_own or self._is_rehearsal or self._gesture_frame is not None:
            return
        is_pasted = self.layer.nshapes > 1 or (self.layer.nshapes and self._box.is_missing())
        if self._is_changed or (is_pasted and not self.layer.mode.startswith("add_")):
            self._settle()

    def _on_mode(self) -> None:
        callbacks = self.layer.mouse_drag_callbacks
        if self._follow_drag in callbacks:  # after napari's own, which finishes the shape
            callbacks.remove(self._follow_drag)
            callbacks.append(self._follow_drag)
        if not self._is_own:
            self._hold()

    def _on_affine(self) -> None:
        """Undo napari's transform tool: a layer that is moved shows its boxes where they are not."""
        if not self._is_own and self._is_moved:
            self._draw(self._box)

    def _follow_drag(self, layer: Shapes, event: Any) -> Iterator[None]:
        self.end_rehearsal()
        self._gesture_frame = self._frame
        self._dragged = self._box
        start = event.position[-2:]
        draws = layer.mode == "select" and layer.nshapes == 0
        drawn: Box | None = None
        yield
        while event.type == "mouse_move":
            if draws:
                drawn = rectangle_to_box([start, event.position[-2:]])
                self._tell(drawn)
            elif layer.nshapes:
                self._tell(self._newest())
            yield
        is_dropped = self._gesture_frame != self._frame
        self._gesture_frame = None
        if is_dropped:
            self._draw(self._box)
        elif drawn is not None:
            self._want(drawn)
        elif self._is_changed:
            self._settle()
        self._hold()

    def _newest(self) -> Box:
        """Box round the newest shape, in the frame."""
        return rectangle_to_box([self.layer.data_to_world(point) for point in self.layer.data[-1]])

    def _tell(self, box: Box) -> None:
        if self._gesture_frame == self._frame and box != self._dragged:
            self._dragged = box
            self.box_dragged.emit(box.snapped())

    def _settle(self) -> None:
        """Take what a gesture left in the layer as the box that is wanted."""
        layer = self.layer
        self._is_changed = True
        if layer.mode.startswith("add_"):
            with self._own():
                layer.mode = "select"
        if layer.nshapes:
            self._want(self._newest())
        elif self._box.is_missing():
            self._is_changed = False
        else:
            self.edited.emit(None)
            if self._is_changed and not self._box.is_missing():
                self._draw(self._box)

    def _want(self, box: Box) -> None:
        smallest = max(1.0, SMALLEST_DRAG * self._pixel)
        box = _without_noise(box, self._box)
        is_new = self._box.is_missing() or box.snapped() != self._box.snapped()
        if is_new and min(box.w, box.h) >= smallest:
            self._is_changed = True
            self.edited.emit(box)
        if self._is_changed:
            self._draw(self._box)


def _without_noise(box: Box, before: Box) -> Box:
    """Take from ``before`` what differs by napari's rounding to float32 only."""
    pairs = zip(box, before, strict=True)
    return Box(*(old if abs(new - old) < FLOAT_NOISE else new for new, old in pairs))
