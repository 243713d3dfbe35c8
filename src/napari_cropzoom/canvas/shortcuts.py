"""The shortcuts of the canvas: one table, from which bindings, help and documentation are made.

Those that napari has already are listed without a function, and so is ``?``, which napari cannot bind and
the dock does. The arrows are napari's too, but there they go by the finest step of any layer; here they
go by a frame of the video. How keys are pressed and held is in :mod:`.keys.presses`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from psygnal import SignalInstance

from napari_cropzoom.canvas.caption import ACCEPT_KEY
from napari_cropzoom.core.boxes import Review
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.editing.range_tools import RANGE_TOOLS, RangeTool
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.runs import next_run
from napari_cropzoom.review.session import Session

NOTHING_LEFT = "No suspect is left."
ONLY_ONE = "This is the only suspect that is left."
ONE_ANIMAL = "There is one animal only. Add another in the menu Animals."
NO_FRAME = "No frame of the video is shown here. Move the slider to the video."


class Canvas(Protocol):
    """What a key needs of the window; :class:`LayerSet` has it."""

    frame: int
    selection: tuple[int, int] | None

    @property
    def is_in_video(self) -> bool:
        """Whether a frame of the video is shown."""

    @property
    def play_toggled(self) -> SignalInstance:
        """Asks the player to play or to pause."""

    @property
    def loop_toggled(self) -> SignalInstance:
        """Asks the player to loop or not to."""

    @property
    def follow_asked(self) -> SignalInstance:
        """Asks the dock to follow the animal, on (1) or back (-1)."""

    @property
    def reason_asked(self) -> SignalInstance:
        """Asks the dock to say what is odd about the suspect that is shown."""

    @property
    def swap_asked(self) -> SignalInstance:
        """Asks the dock which animals are to be swapped."""

    @property
    def video_asked(self) -> SignalInstance:
        """Asks the dock *Projects* for another video, on (1) or back (-1)."""

    @property
    def view_asked(self) -> SignalInstance:
        """Asks for another view of the recording, on (1) or back (-1)."""

    @property
    def selection_asked(self) -> SignalInstance:
        """Asks for another selection, frames or None."""

    @property
    def proposed(self) -> SignalInstance:
        """Tells of an :class:`Edit` that is shown before it is applied, None when that is over."""

    def range_here(self) -> tuple[int, int]:
        """Frames that range tools and *Accept* act on."""

    def tell(self, message: str) -> None:
        """Write a line to the status bar."""

    def refuse(self, error: CropzoomError) -> None:
        """Say why nothing was done."""


Action = Callable[[Session, Canvas], None]


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
        Called with session and canvas; None where the key is napari's own or the dock's.
    edit : callable or None
        Of an edit that is shown while the key is held and applied when it is let go.
    repeats : bool
        Whether it acts again and again while it is held.
    """

    name: str
    key: str
    description: str
    function: Action | None
    edit: Callable[[Session, Canvas], Edit] | None = None
    repeats: bool = False


def undo(session: Session, canvas: Canvas) -> None:
    """Take the last edit back and go where it was."""
    _go_to_edit(session.undo(), canvas, "Nothing to undo.")


def redo(session: Session, canvas: Canvas) -> None:
    """Do the last undone edit again and go where it is."""
    _go_to_edit(session.redo(), canvas, "Nothing to redo.")


def next_suspect(session: Session, canvas: Canvas) -> None:
    """Go to the next frame of the queue; after the last one, to the first."""
    frames = _queue(session, canvas)
    if frames:
        _go_to_suspect(next((f for f in frames if f > canvas.frame), frames[0]), canvas)


def previous_suspect(session: Session, canvas: Canvas) -> None:
    """Go to the frame of the queue before; before the first one, to the last."""
    frames = _queue(session, canvas)
    if frames:
        _go_to_suspect(next((f for f in reversed(frames) if f < canvas.frame), frames[-1]), canvas)


def next_worst(session: Session, canvas: Canvas) -> None:
    """Go to the worst frame of the queue; from there, to the next worst."""
    found = session.suspects.worst_after(canvas.frame)
    if found is None:
        canvas.tell(_nothing_left(session))
        return
    _go_to_suspect(found.frame, canvas)


def accept_and_next(session: Session, canvas: Canvas) -> None:
    """Say that what is here is right, and go to the next suspect frame."""
    if not canvas.is_in_video:
        raise CropzoomError(NO_FRAME)
    if not session.has_boxes:
        raise CropzoomError("There are no boxes yet to be called right.")
    session.accept(*canvas.range_here())
    next_suspect(session, canvas)


def play(session: Session, canvas: Canvas) -> None:
    """Play or pause; the player listens."""
    canvas.play_toggled.emit()


def loop(session: Session, canvas: Canvas) -> None:
    """Loop over the selection or the suspect here, or stop doing so; the player listens."""
    canvas.loop_toggled.emit()


def go_to_manual_box(session: Session, canvas: Canvas, *, direction: int) -> None:
    """Go to the next frame set by hand, or with ``direction`` -1 to the one before."""
    manual = session.track.manual_frames()
    beyond = manual[(manual - canvas.frame) * direction > 0]
    if len(beyond):
        canvas.frame = int(beyond.min() if direction > 0 else beyond.max())
    else:
        canvas.tell("No frame set by hand lies that way.")


def go_to_unseen(session: Session, canvas: Canvas, *, direction: int) -> None:
    """Go to where the next frames begin that nobody has reviewed."""
    is_open = ~np.isin(session.track.review, (Review.ACCEPTED, Review.EDITED))
    frame = next_run(is_open, canvas.frame, direction)
    if frame is None:
        canvas.tell("No other frames that nobody has reviewed lie that way.")
    else:
        canvas.frame = frame


def follow(session: Session, canvas: Canvas, *, direction: int) -> None:
    """Follow the animal by the pixels; the dock listens."""
    canvas.follow_asked.emit(direction)


def next_animal(session: Session, canvas: Canvas) -> None:
    """Make the next animal the one to edit."""
    names = list(session.tracks)
    if len(names) < 2:
        raise CropzoomError(ONE_ANIMAL)
    session.select_track(names[(names.index(session.current) + 1) % len(names)])
    canvas.tell(f"Editing {session.current}.")


def swap(session: Session, canvas: Canvas) -> None:
    """Swap the current animal with another; the dock asks which, and over which frames."""
    if len(session.tracks) < 2:
        raise CropzoomError(ONE_ANIMAL)
    if not canvas.is_in_video:
        raise CropzoomError(NO_FRAME)
    canvas.swap_asked.emit()


def other_video(session: Session, canvas: Canvas, *, direction: int) -> None:
    """Open the next video of the project, or with ``direction`` -1 the one before."""
    if not len(canvas.video_asked):
        raise CropzoomError("No project is open. Open one in the dock Projects, in the menu Plugins.")
    canvas.video_asked.emit(direction)


def other_view(session: Session, canvas: Canvas, *, direction: int) -> None:
    """Open the next view of the recording at this frame, or with ``direction`` -1 the one before."""
    if not len(canvas.view_asked):
        raise CropzoomError("No other view of this video is known.")
    canvas.view_asked.emit(direction)


def select_from(session: Session, canvas: Canvas) -> None:
    """Begin the selection in this frame; it ends where it did, if that is later."""
    frame, before = canvas.frame, canvas.selection
    canvas.selection_asked.emit((frame, max(frame, before[1]) if before else frame))


def select_to(session: Session, canvas: Canvas) -> None:
    """End the selection in this frame; it begins where it did, if that is earlier."""
    frame, before = canvas.frame, canvas.selection
    canvas.selection_asked.emit((min(frame, before[0]) if before else frame, frame))


def select_nothing(session: Session, canvas: Canvas) -> None:
    """Take the selection away."""
    if canvas.selection is None:
        canvas.tell("No frames are selected.")
    canvas.selection_asked.emit(None)


def make_edit(tool: RangeTool, session: Session, canvas: Canvas) -> Edit:
    """Return what a tool would do here.

    Raises
    ------
    CropzoomError
        If it cannot be done, or nothing would come of it.
    """
    if not canvas.is_in_video:
        raise CropzoomError(NO_FRAME)
    return tool.edit(session.track, canvas.frame, *canvas.range_here())


def use(tool: RangeTool, session: Session, canvas: Canvas) -> None:
    """Do what a tool does."""
    session.apply(make_edit(tool, session, canvas))


def step(session: Session, canvas: Canvas, *, by: int) -> None:
    """Go ``by`` frames on, or to the end of the video."""
    before = canvas.frame
    canvas.frame = before + by
    if canvas.frame == before:
        canvas.tell(f"This is the {'first' if by < 0 else 'last'} frame of the video.")


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("previous frame", "Left", "One frame back", partial(step, by=-1), repeats=True),
    Shortcut("next frame", "Right", "One frame on", partial(step, by=1), repeats=True),
    Shortcut("back 10", "Shift-Left", "Ten frames back", partial(step, by=-10), repeats=True),
    Shortcut("on 10", "Shift-Right", "Ten frames on", partial(step, by=10), repeats=True),
    Shortcut("next suspect", "N", "Next suspect", next_suspect),
    Shortcut("previous suspect", "Shift-N", "Previous suspect", previous_suspect),
    Shortcut("next worst", "W", "Worst suspect; from there, the next worst", next_worst),
    Shortcut("next manual box", "H", "Next frame set by hand", partial(go_to_manual_box, direction=1)),
    Shortcut(
        "previous manual box",
        "Shift-H",
        "Previous frame set by hand",
        partial(go_to_manual_box, direction=-1),
    ),
    Shortcut(
        "next unseen", "U", "Next frames that nobody has reviewed", partial(go_to_unseen, direction=1)
    ),
    Shortcut(
        "previous unseen",
        "Shift-U",
        "Frames before that nobody has reviewed",
        partial(go_to_unseen, direction=-1),
    ),
    Shortcut("play", "K", "Play or pause", play),
    Shortcut(
        "loop",
        "Shift-K",
        "Loop over the range, or over the suspect and ten frames round it",
        loop,
    ),
    Shortcut("accept", ACCEPT_KEY, "All good here; next suspect", accept_and_next),
    Shortcut("select from", "Shift-B", "Select for the tools below: from this frame", select_from),
    Shortcut("select to", "Shift-E", "Select for the tools below: up to this frame", select_to),
    Shortcut("select nothing", "Shift-Z", "Select nothing", select_nothing),
    Shortcut("delete box", "Delete", "No animal in this frame: delete its box", None),
    Shortcut("draw box", "R", "Draw a box; where there is none, just drag", None),
    Shortcut("select box", "S", "Move and resize the box", None),
    Shortcut("pan", "Space", "Hold to move the picture", None),
    *(
        Shortcut(tool.name, tool.key, tool.help, partial(use, tool), partial(make_edit, tool))
        for tool in RANGE_TOOLS
        if tool.key
    ),
    Shortcut("follow on", "Q", "Follow the animal by the pixels on", partial(follow, direction=1)),
    Shortcut(
        "follow back", "Shift-Q", "Follow the animal by the pixels back", partial(follow, direction=-1)
    ),
    Shortcut("next animal", "Shift-T", "Edit the next animal", next_animal),
    Shortcut("swap animals", "Shift-W", "Swap this animal with another: opens a menu", swap),
    Shortcut(
        "next video", "Control-PageDown", "Next video of the project", partial(other_video, direction=1)
    ),
    Shortcut(
        "previous video",
        "Control-PageUp",
        "Previous video of the project",
        partial(other_video, direction=-1),
    ),
    Shortcut(
        "next view",
        "Shift-PageDown",
        "Next view of the recording, at the same frame",
        partial(other_view, direction=1),
    ),
    Shortcut(
        "previous view",
        "Shift-PageUp",
        "Previous view of the recording, at the same frame",
        partial(other_view, direction=-1),
    ),
    Shortcut("undo", "Control-Z", "Undo the last edit", undo),
    Shortcut("redo", "Control-Shift-Z", "Redo", redo),
    Shortcut("help", "?", "This table", None),
)


def perform(function: Action, session: Session, canvas: Canvas) -> None:
    """Do what a key does; why it cannot be done is told in the status bar and in the dock."""
    try:
        function(session, canvas)
    except CropzoomError as error:
        canvas.refuse(error)


def _go_to_edit(edit: Edit | None, canvas: Canvas, nothing: str) -> None:
    if edit is None:
        canvas.tell(nothing)
    elif not edit.covers(canvas.frame):
        canvas.frame = edit.first


def _go_to_suspect(frame: int, canvas: Canvas) -> None:
    if frame == canvas.frame:
        canvas.tell(ONLY_ONE)
    canvas.frame = frame
    canvas.reason_asked.emit()


def _nothing_left(session: Session) -> str:
    return NOTHING_LEFT if len(session.tracks) == 1 else f"No suspect of {session.current} is left."


def _queue(session: Session, canvas: Canvas) -> list[int]:
    frames = sorted(entry.frame for entry in session.queue())
    if not frames:
        canvas.tell(_nothing_left(session))
    return frames
