"""The shortcuts of the canvas: one table, from which bindings, help and documentation are made.

None of them is one of napari's own; those that napari has already are listed without a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Layer

from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.review import stretch_at

if TYPE_CHECKING:
    from napari_cropzoom.layers.layer_set import LayerSet
    from napari_cropzoom.session import Session

NOTHING_LEFT = "No suspicious frame is left."
Action = Callable[["Session", "LayerSet"], None]


@dataclass(frozen=True)
class Shortcut:
    """One key.

    Attributes
    ----------
    name : str
        Short name, unique.
    key : str
        As napari writes it, e.g. ``"Control-Z"``; on macOS Control is Command.
    description : str
        What a person reads in the help.
    function : callable or None
        Called with session and layer set; None where the key is napari's own.
    """

    name: str
    key: str
    description: str
    function: Action | None


def undo(session: Session, layer_set: LayerSet) -> None:
    """Take the last edit back and go where it was."""
    _go_to_edit(session.undo(), layer_set, "Nothing to undo.")


def redo(session: Session, layer_set: LayerSet) -> None:
    """Do the last undone edit again and go where it is."""
    _go_to_edit(session.redo(), layer_set, "Nothing to redo.")


def next_suspicious(session: Session, layer_set: LayerSet) -> None:
    """Go to the next frame of the queue; after the last one, to the first."""
    frames = _queue(session, layer_set)
    if frames:
        layer_set.frame = next((f for f in frames if f > layer_set.frame), frames[0])


def previous_suspicious(session: Session, layer_set: LayerSet) -> None:
    """Go to the frame of the queue before; before the first one, to the last."""
    frames = _queue(session, layer_set)
    if frames:
        layer_set.frame = next((f for f in reversed(frames) if f < layer_set.frame), frames[-1])


def next_worst(session: Session, layer_set: LayerSet) -> None:
    """Go to the worst frame of the queue; from there, to the next worst."""
    frames = [entry.frame for entry in session.queue(layer_set.amount)]
    if not frames:
        layer_set.tell(NOTHING_LEFT)
        return
    place = frames.index(layer_set.frame) + 1 if layer_set.frame in frames else 0
    layer_set.frame = frames[place % len(frames)]


def accept_and_next(session: Session, layer_set: LayerSet) -> None:
    """Say that the suspicious stretch here, or this frame, is right, and go to the next one."""
    session.accept(*stretch_at(session.queue(layer_set.amount), layer_set.frame))
    next_suspicious(session, layer_set)


def step(session: Session, layer_set: LayerSet, *, by: int) -> None:
    """Go ``by`` frames on, or to the end of the video."""
    layer_set.frame = layer_set.frame + by


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("previous frame", "Left", "One frame back", None),
    Shortcut("next frame", "Right", "One frame on", None),
    Shortcut("back 10", "Shift-Left", "Ten frames back", partial(step, by=-10)),
    Shortcut("on 10", "Shift-Right", "Ten frames on", partial(step, by=10)),
    Shortcut("next suspicious", "N", "Next suspicious frame", next_suspicious),
    Shortcut("previous suspicious", "Shift-N", "Previous suspicious frame", previous_suspicious),
    Shortcut("next worst", "W", "Most suspicious frame; from there, the next", next_worst),
    Shortcut("accept", "G", "All good here; next suspicious frame", accept_and_next),
    Shortcut("delete box", "Delete", "No animal in this frame: delete its box", None),
    Shortcut("draw box", "R", "Draw a box; where there is none, just drag", None),
    Shortcut("select box", "S", "Move and resize the box", None),
    Shortcut("pan", "Space", "Hold to move the picture", None),
    Shortcut("undo", "Control-Z", "Undo the last edit", undo),
    Shortcut("redo", "Control-Shift-Z", "Redo", redo),
)


def bind_shortcuts(layer: Layer, session: Session, layer_set: LayerSet) -> None:
    """Bind the table to one layer; they act while it is the active one and end with it."""
    for shortcut in SHORTCUTS:
        if shortcut.function is not None:
            layer.bind_key(shortcut.key, _handler(shortcut.function, session, layer_set))


def _handler(function: Action, session: Session, layer_set: LayerSet) -> Callable[[Layer], None]:
    def handle(layer: Layer) -> None:
        try:
            function(session, layer_set)
        except CropzoomError as error:
            layer_set.tell(str(error))

    return handle


def _go_to_edit(edit: Edit | None, layer_set: LayerSet, nothing: str) -> None:
    if edit is None:
        layer_set.tell(nothing)
    elif not edit.first <= layer_set.frame <= edit.last:
        layer_set.frame = edit.first


def _queue(session: Session, layer_set: LayerSet) -> list[int]:
    frames = sorted(entry.frame for entry in session.queue(layer_set.amount))
    if not frames:
        layer_set.tell(NOTHING_LEFT)
    return frames
