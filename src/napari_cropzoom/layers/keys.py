"""The shortcuts of the canvas: one table, from which bindings, help and documentation are made.

None of them is one of napari's own; those that napari has already are listed without a function, and so
is ``?``, which napari cannot bind and the dock does. The key of a tool shows what the tool would do while
it is held, and does it when it is let go.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer

from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.runs import next_run
from napari_cropzoom.layers.mend import TOOLS, Tool

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
        Called with session and layer set; None where the key is napari's own or the dock's.
    edit : callable or None
        Of an edit that is shown while the key is held and applied when it is let go.
    """

    name: str
    key: str
    description: str
    function: Action | None
    edit: Callable[[Session, LayerSet], Edit] | None = None


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
    """Say that what is here is right, and go to the next suspicious frame."""
    session.accept(*layer_set.stretch_here())
    next_suspicious(session, layer_set)


def play(session: Session, layer_set: LayerSet) -> None:
    """Play or pause; the player listens."""
    layer_set.play_toggled.emit()


def loop(session: Session, layer_set: LayerSet) -> None:
    """Loop over the selection or the burst here, or stop doing so; the player listens."""
    layer_set.loop_toggled.emit()


def go_to_anchor(session: Session, layer_set: LayerSet, *, direction: int) -> None:
    """Go to the next frame set by hand, or with ``direction`` -1 to the one before."""
    anchors = session.track.anchors()
    beyond = anchors[(anchors - layer_set.frame) * direction > 0]
    if len(beyond):
        layer_set.frame = int(beyond.min() if direction > 0 else beyond.max())
    else:
        layer_set.tell("No frame set by hand lies that way.")


def go_to_unseen(session: Session, layer_set: LayerSet, *, direction: int) -> None:
    """Go to where the next stretch begins that nobody has looked at."""
    is_open = ~np.isin(session.track.review, (Review.ACCEPTED, Review.EDITED))
    frame = next_run(is_open, layer_set.frame, direction)
    if frame is None:
        layer_set.tell("No other unseen stretch lies that way.")
    else:
        layer_set.frame = frame


def follow(session: Session, layer_set: LayerSet, *, direction: int) -> None:
    """Follow the animal by the pixels; the dock listens."""
    layer_set.follow_asked.emit(direction)


def next_animal(session: Session, layer_set: LayerSet) -> None:
    """Make the next animal the one to edit."""
    names = list(session.states)
    session.select_track(names[(names.index(session.current) + 1) % len(names)])
    layer_set.tell(f"Editing {session.current}.")


def select_from(session: Session, layer_set: LayerSet) -> None:
    """Begin the selection in this frame; it ends where it did, if that is later."""
    frame, before = layer_set.frame, layer_set.selection
    layer_set.selection_asked.emit((frame, max(frame, before[1]) if before else frame))


def select_to(session: Session, layer_set: LayerSet) -> None:
    """End the selection in this frame; it begins where it did, if that is earlier."""
    frame, before = layer_set.frame, layer_set.selection
    layer_set.selection_asked.emit((min(frame, before[0]) if before else frame, frame))


def select_nothing(session: Session, layer_set: LayerSet) -> None:
    """Take the selection away."""
    layer_set.selection_asked.emit(None)


def make_edit(tool: Tool, session: Session, layer_set: LayerSet) -> Edit:
    """Return what a tool would do here.

    Raises
    ------
    CropzoomError
        If it cannot be done.
    """
    return tool.make(session.track, layer_set.frame, *layer_set.range_here())


def mend(tool: Tool, session: Session, layer_set: LayerSet) -> None:
    """Do what a tool does."""
    session.apply(make_edit(tool, session, layer_set))


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
    Shortcut("next anchor", "H", "Next frame set by hand", partial(go_to_anchor, direction=1)),
    Shortcut(
        "previous anchor", "Shift-H", "Previous frame set by hand", partial(go_to_anchor, direction=-1)
    ),
    Shortcut("next unseen", "U", "Next stretch nobody has looked at", partial(go_to_unseen, direction=1)),
    Shortcut("previous unseen", "Shift-U", "Unseen stretch before", partial(go_to_unseen, direction=-1)),
    Shortcut("play", "K", "Play or pause", play),
    Shortcut(
        "loop",
        "Shift-K",
        "Loop over the selection, or the stretch to look at and ten frames round it",
        loop,
    ),
    Shortcut("accept", "G", "All good here; next suspicious frame", accept_and_next),
    Shortcut("select from", "Shift-B", "Select for the tools below: from this frame", select_from),
    Shortcut("select to", "Shift-E", "Select for the tools below: up to this frame", select_to),
    Shortcut("select nothing", "Shift-Z", "Select nothing", select_nothing),
    Shortcut("delete box", "Delete", "No animal in this frame: delete its box", None),
    Shortcut("draw box", "R", "Draw a box; where there is none, just drag", None),
    Shortcut("select box", "S", "Move and resize the box", None),
    Shortcut("pan", "Space", "Hold to move the picture", None),
    *(
        Shortcut(tool.name, tool.key, tool.description, partial(mend, tool), partial(make_edit, tool))
        for tool in TOOLS
    ),
    Shortcut("follow on", "Q", "Follow the animal by the pixels on", partial(follow, direction=1)),
    Shortcut(
        "follow back", "Shift-Q", "Follow the animal by the pixels back", partial(follow, direction=-1)
    ),
    Shortcut("next animal", "Shift-T", "Edit the next animal", next_animal),
    Shortcut("undo", "Control-Z", "Undo the last edit", undo),
    Shortcut("redo", "Control-Shift-Z", "Redo", redo),
    Shortcut("help", "?", "This table", None),
)


def bind_shortcuts(layer: Layer, session: Session, layer_set: LayerSet) -> None:
    """Bind the table to one layer; they act while it is the active one and end with it."""
    for shortcut in SHORTCUTS:
        if shortcut.function is not None:
            layer.bind_key(shortcut.key, _handler(shortcut, session, layer_set))


def perform(function: Action, session: Session, layer_set: LayerSet) -> None:
    """Do what a key does; why it cannot be done is told in the status bar and in the dock."""
    try:
        function(session, layer_set)
    except CropzoomError as error:
        layer_set.refuse(error)


def _handler(shortcut: Shortcut, session: Session, layer_set: LayerSet) -> Callable[[Layer], object]:
    function, make = shortcut.function, shortcut.edit
    assert function is not None
    if make is None:
        return lambda layer: perform(function, session, layer_set)

    def show_then_apply(layer: Layer) -> Generator[None]:
        try:
            edit = make(session, layer_set)
        except CropzoomError as error:
            layer_set.refuse(error)
            return
        layer_set.proposed.emit(edit)
        layer_set.tell(f"{edit.label[:1].upper()}{edit.label[1:]}")
        yield
        layer_set.proposed.emit(None)
        if edit.fits(session.tracks):
            perform(lambda session, layer_set: session.apply(edit), session, layer_set)
        else:
            layer_set.tell("The boxes have changed while the key was held; press it again.")

    return show_then_apply


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
