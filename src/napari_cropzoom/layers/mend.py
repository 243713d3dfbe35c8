"""The range tools as a person calls them: one table, from which keys, buttons and help are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_cropzoom.core import edits, tools
from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.edits import Edit
from napari_cropzoom.session import Session

Make = Callable[[BoxTrack, int, int, int], Edit]
STEP = 2  # pixels that a key moves a box
GROWTH = 1.05  # by which a key scales it


@dataclass(frozen=True)
class Tool:
    """One way to mend a range of frames.

    Attributes
    ----------
    name : str
        Unique; object names are made of it.
    key : str
        As napari writes it; empty for none.
    text : str
        On the button.
    description : str
        What it does, for help and tooltip.
    make : callable
        ``(track, frame, first, last)`` -> :class:`Edit`; raises `CropzoomError` if it cannot be done.
    """

    name: str
    key: str
    text: str
    description: str
    make: Make


def _copy(track: BoxTrack, frame: int, by: int) -> Edit:
    return tools.copy_from(track, frame, frame + by)


def _usual_size(track: BoxTrack, first: int, last: int) -> Edit:
    return tools.set_size(track, first, last, *tools.usual_size(track, first, last))


TOOLS: tuple[Tool, ...] = (
    Tool(
        "interpolate",
        "J",
        "Interpolate",
        "Join the boxes set by hand in the range, and those beside it, by a smooth path",
        lambda track, _frame, first, last: tools.interpolate(track, first, last),
    ),
    Tool(
        "carry on",
        "M",
        "Carry on",
        "Carry the correction made by hand along the detector's motion through the range",
        lambda track, _frame, first, last: tools.carry_correction(track, first, last),
    ),
    Tool(
        "ease in",
        "Shift-M",
        "Ease in",
        "As Carry on, growing from nothing at the far end of the range: for a box that drifted off",
        lambda track, _frame, first, last: tools.carry_correction(track, first, last, ease=True),
    ),
    Tool(
        "hold",
        "Shift-J",
        "Hold",
        "Hold the last good box through the range",
        lambda track, _frame, first, last: tools.hold(track, first, last),
    ),
    Tool(
        "usual size",
        "Shift-S",
        "Usual size",
        "Give the boxes of the range the size that is usual around it; centres stay",
        lambda track, _frame, first, last: _usual_size(track, first, last),
    ),
    Tool(
        "copy before",
        "Shift-C",
        "Copy ◀",
        "Take the box of the frame before",
        lambda track, frame, _first, _last: _copy(track, frame, -1),
    ),
    Tool(
        "copy after",
        "Shift-D",
        "Copy ▶",
        "Take the box of the frame after",
        lambda track, frame, _first, _last: _copy(track, frame, 1),
    ),
    Tool(
        "absent",
        "Shift-X",
        "No animal",
        "Say that there is no animal in the range",
        lambda track, _frame, first, last: tools.mark_absent(track, first, last),
    ),
    Tool(
        "revert",
        "Shift-R",
        "Revert",
        "Bring back the raw boxes of the range",
        lambda track, _frame, first, last: edits.revert_to_raw(track, first, last),
    ),
    Tool(
        "larger",
        "Control-Shift-PageUp",
        "",
        "Boxes of the range larger by 5 %",
        lambda track, _frame, first, last: tools.scale(track, first, last, GROWTH),
    ),
    Tool(
        "smaller",
        "Control-Shift-PageDown",
        "",
        "Boxes of the range smaller by 5 %",
        lambda track, _frame, first, last: tools.scale(track, first, last, 1 / GROWTH),
    ),
    *(
        Tool(
            f"shift {way}",
            f"Control-Shift-{way.capitalize()}",
            "",
            f"Boxes of the range {STEP} pixels {way}",
            lambda track, _frame, first, last, dx=dx, dy=dy: tools.shift(track, first, last, dx, dy),
        )
        for way, dx, dy in (("left", -STEP, 0), ("right", STEP, 0), ("up", 0, -STEP), ("down", 0, STEP))
    ),
)


def range_at(
    session: Session, frame: int, selection: tuple[int, int] | None, amount: float
) -> tuple[int, int]:
    """Frames that a tool acts on: the selection, else the burst that ``frame`` lies in, else ``frame``.

    A burst counts though it has been looked at or mended in part; of several, the shortest does.
    """
    if selection is not None:
        return selection
    here = [
        (burst.first, burst.last)
        for bursts in (session.review.stretches(amount) if session.review.is_inspected else ())
        for burst in bursts
        if burst.first <= frame <= burst.last
    ]
    return min(here, key=lambda span: span[1] - span[0], default=(frame, frame))
