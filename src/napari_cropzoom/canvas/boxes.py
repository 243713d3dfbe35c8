"""The editable box of the current frame as a napari shapes layer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import napari.layers
import numpy as np
from psygnal import Signal
from qtpy.QtCore import QCoreApplication, QTimer

from napari_cropzoom.canvas.conversions import box_to_rectangle, rectangle_to_box
from napari_cropzoom.canvas.layer_updates import one_redraw
from napari_cropzoom.core.boxes import MISSING_BOX, Box, Source
from napari_cropzoom.core.looks import ANIMAL_COLORS, LineStyle, box_style

NAME = "boxes"
SMALLEST_DRAG = 4  # screen pixels; anything drawn smaller was a click
SMALL = 48  # screen pixels of a side; on smaller boxes handles, 10 pixels each, would hide what is there
FLOAT_NOISE = 0.02  # pixels
ONLY_BOXES = "A box is upright and has four corners: draw one with R, move and resize it with S."
_MODES = ("select", "add_rectangle", "pan_zoom")  # all that can be done to a box
_NUMBERS = re.compile(r"(?<=\]): .*$")
_INVISIBLE = (0.0, 0.0, 0.0, 0.0)
_LEFT, _TURN = 7, 8  # handles by their numbers in `get_value`: one side's middle, and the one that turns


class Shapes(napari.layers.Shapes):  # type: ignore[misc, unused-ignore]
    """napari's shapes without the handle that turns them: no box is turned.

    It is put where a side's handle is, as napari does itself for a box without size, and counts as that.
    The middle of a shape moves it, however near its handles are. The class has napari's name, which says
    the layer's type to what saves layers.
    """

    def interaction_box(self, index: Any) -> Any:
        """(10, 2) handles, of which the last lies on the eighth."""
        box = super().interaction_box(index)
        if box is not None:
            box[-1] = box[_LEFT]
        return box

    def get_status(self, *position: Any, **how: Any) -> Any:
        """Napari's line without the numbers of shape and handle: there is one box, or none."""
        status = super().get_status(*position, **how)
        return {name: _NUMBERS.sub("", each) for name, each in status.items()}

    def get_value(self, position: Any, **how: Any) -> Any:
        """Shape and handle under a place."""
        value = super().get_value(position, **how)
        if not isinstance(value, tuple) or value[1] is None:
            return value
        if self._is_in_middle(self.world_to_data(position) if how.get("world") else position):
            return value[0], None
        return (value[0], _LEFT) if value[1] == _TURN else value

    def _is_in_middle(self, place: Any) -> bool:
        """Whether a place, in data coordinates, lies in the middle of the only shape."""
        if self.nshapes != 1:
            return False
        low, high = self.data[0].min(axis=0), self.data[0].max(axis=0)
        return bool((np.abs(np.asarray(place) - (low + high) / 2) < (high - low) / 4).all())


class BoxesLayer:
    """Shows one box and tells what a person wants it to become.

    The box is always selected, so that one press moves it and its handles resize it; where a frame
    has no box a drag draws one, in select mode as with napari's rectangle tool. The handles of a box
    that is small on the screen are not drawn, so that it is seen; they work. Tools that make no box
    are refused. Whatever a gesture leaves in the layer (two shapes, nothing), the box round the newest
    shape is told, and the layer shows one axis-aligned box again. A gesture during which the frame
    changes is dropped.

    Attributes
    ----------
    layer : napari.layers.Shapes
    box_dragged : psygnal.Signal
        :class:`Box` under way while the mouse is dragged; None where nothing came of it.
    edited : psygnal.Signal
        :class:`Box` that a person set, None if they deleted it.
    refused : psygnal.Signal
        Why a tool was not taken, a sentence.
    """

    box_dragged = Signal(object)
    edited = Signal(object)
    refused = Signal(str)

    def __init__(self) -> None:
        self.layer = Shapes(ndim=2, name=NAME, face_color=[_INVISIBLE], opacity=1)
        self._frame: int | None = None
        self._box = MISSING_BOX
        self._style = box_style(Source.DETECTED, ANIMAL_COLORS[0])
        self._pixel = 1.0
        self._is_own = False
        self._is_changed = False
        self._has_handles = self._are_wanted = True
        self._is_gesture = self._is_taken = False
        self._gesture_frame: int | None = None
        self._dragged = MISSING_BOX
        self.layer.events.data.connect(self._on_data)
        self.layer.events.set_data.connect(self._on_set_data)
        self.layer.events.mode.connect(self._on_mode)
        self.layer.mouse_drag_callbacks.append(self._follow_drag)
        self.layer.mode = "select"

    @property
    def box(self) -> Box:
        """The box shown, all NaN if there is none."""
        return self._box

    def show(self, frame: int | None, box: Box, style: LineStyle) -> None:
        """Show the box of a frame; costs next to nothing if it is shown already."""
        if frame != self._frame:
            self._frame = frame
            self._is_changed = self._is_changed or self._is_gesture
        is_same = style == self._style and np.array_equal(box, self._box, equal_nan=True)
        self._box, self._style = box, style
        if not is_same or self._is_changed:
            self._draw()
            self._update_handles()

    def set_zoom(self, zoom: float) -> None:
        """Keep the outline as wide on the screen; ``zoom`` is in screen pixels per video pixel."""
        self._pixel = 1 / zoom
        if self.layer.nshapes == 1:
            with self._own(), one_redraw(self.layer):
                self.layer.edge_width = self._style.width * self._pixel
        self._update_handles()

    def show_handles(self, wanted: bool) -> None:
        """Draw the handles of the box, or leave them out where they would cost more than the box."""
        self._are_wanted = wanted
        self._update_handles()

    def _update_handles(self) -> None:
        is_small = min(self._box.w, self._box.h) < SMALL * self._pixel  # not where there is none
        if (self._are_wanted and not is_small) != self._has_handles:
            self._has_handles = not self._has_handles
            self.layer.update_highlight_visibility(self._has_handles)

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

    def _draw(self) -> None:
        """Make the layer show the box and nothing else."""
        layer, box, width = self.layer, self._box, self._style.width * self._pixel
        self._is_changed = False
        with self._own(), one_redraw(layer, highlight=self._has_handles):
            if box.is_missing():
                layer.remove(list(range(layer.nshapes)))
            elif layer.nshapes == 1 and layer.shape_type == ["rectangle"]:
                if not np.allclose(layer.edge_color[0], self._style.rgba):
                    layer.edge_color = [self._style.rgba]
                if not np.allclose(layer.face_color[0], self._style.face_rgba):
                    layer.face_color = [self._style.face_rgba]
                if layer.edge_width != [width]:
                    layer.edge_width = width
                layer.data = [box_to_rectangle(box)]
            else:
                layer.remove(list(range(layer.nshapes)))
                layer.add(
                    box_to_rectangle(box),
                    edge_width=width,
                    edge_color=[self._style.rgba],
                    face_color=[self._style.face_rgba],
                )
            self._hold()

    def _hold(self) -> None:
        """Select the box, so that its handles are there; not in the middle of another gesture."""
        is_free = not self._is_gesture or self._gesture_frame == self._frame
        if self.layer.mode == "select" and self.layer.nshapes and is_free:
            self.layer.selected_data = {0}

    # ---- gestures ------------------------------------------------------------------------------

    def _on_data(self, event: Any) -> None:
        if self._is_own or str(event.action) not in ("added", "changed", "removed"):
            return
        self._is_changed = True
        # A tool to draw with has not finished when it tells of a new shape; it redraws once it has.
        if not self._is_gesture and not self.layer.mode.startswith("add_"):
            self._settle()

    def _on_set_data(self) -> None:
        if self._is_own or self._is_gesture:
            return
        is_pasted = self.layer.nshapes > 1 or (self.layer.nshapes and self._box.is_missing())
        if self._is_changed or (is_pasted and not self.layer.mode.startswith("add_")):
            self._settle()

    def _on_mode(self) -> None:
        callbacks = self.layer.mouse_drag_callbacks
        if self._follow_drag in callbacks:  # after napari's own, which finishes the shape
            callbacks.remove(self._follow_drag)
            callbacks.append(self._follow_drag)
        if self._is_own:
            return
        if self.layer.mode in _MODES:
            self._hold()
        elif QCoreApplication.instance() is None:
            self._refuse_mode()
        else:  # once napari's buttons show the mode, so that they can show another
            QTimer.singleShot(0, self._refuse_mode)

    def _refuse_mode(self) -> None:
        if self.layer.mode not in _MODES:
            self.layer.mode = "select"
            self.refused.emit(ONLY_BOXES)

    def _follow_drag(self, layer: Shapes, event: Any) -> Iterator[None]:
        self._is_gesture, self._gesture_frame = True, self._frame
        self._dragged, self._is_taken = self._box, False
        before, start = self._dragged, layer.world_to_data(event.position)
        draws = layer.mode == "select" and layer.nshapes == 0
        drawn: Box | None = None
        yield
        while event.type == "mouse_move":
            if draws:
                drawn = rectangle_to_box([start, layer.world_to_data(event.position)])
                self._tell(drawn)
            elif layer.nshapes:
                self._tell(self._newest())
            yield
        self._is_gesture = False
        if self._gesture_frame != self._frame:
            self._draw()
        elif drawn is not None:
            self._want(drawn)
        elif self._is_changed:
            self._settle()
        self._hold()
        if self._dragged != before and not self._is_taken:
            self.box_dragged.emit(None)

    def _newest(self) -> Box:
        """Box round the newest shape."""
        return rectangle_to_box(self.layer.data[-1])

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
            self._is_taken = True
            self.edited.emit(None)
            if self._is_changed and not self._box.is_missing():
                self._draw()

    def _want(self, box: Box) -> None:
        smallest = max(1.0, SMALLEST_DRAG * self._pixel)
        box = _without_noise(box, self._box)
        is_new = self._box.is_missing() or box.snapped() != self._box.snapped()
        if is_new and min(box.w, box.h) >= smallest:
            self._is_changed = self._is_taken = True
            self.edited.emit(box)
        if self._is_changed:
            self._draw()


def _without_noise(box: Box, before: Box) -> Box:
    """Take from ``before`` what differs by napari's rounding to float32 only."""
    pairs = zip(box, before, strict=True)
    return Box(*(old if abs(new - old) < FLOAT_NOISE else new for new, old in pairs))
