"""What a range tool is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_cropzoom.core.boxes import BoxTrack
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError


@dataclass(frozen=True)
class Number:
    """A number that a tool needs.

    Attributes
    ----------
    name : str
        Tools that name the same number share it.
    low, high, step, usual : float
        Bounds, what an arrow of its control adds, and what it is at first; whole numbers if ``step`` is.
    before, after : str
        Shown beside the number.
    """

    name: str
    low: float
    high: float
    step: float
    usual: float
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class RangeTool:
    """One way to correct a range of frames.

    Attributes
    ----------
    name : str
        Unique; object names are made of it.
    label : str
        On the button; empty for a tool that has only a key.
    help : str
        What it does, for help and tooltip.
    key : str
        As napari writes it; empty for none.
    make : callable
        ``(track, frame, first, last, *numbers)`` -> :class:`Edit`; raises `CropzoomError` if it cannot
        be done.
    numbers : tuple of Number
        What the person has to give.
    """

    name: str
    label: str
    help: str
    key: str
    make: Callable[..., Edit]
    numbers: tuple[Number, ...] = ()

    def edit(self, track: BoxTrack, frame: int, first: int, last: int, *numbers: float) -> Edit:
        """What it does to a track.

        Raises
        ------
        CropzoomError
            If it cannot be done, or would change nothing.
        """
        made = self.make(track, frame, first, last, *numbers)
        if made.is_nothing:
            label = f"{made.label[:1].upper()}{made.label[1:]}"
            raise CropzoomError(f"{label}: that is how they are; nothing has changed.")
        return made


def in_range(make: Callable[..., Edit], *given: float) -> Callable[..., Edit]:
    """Make a tool of what takes a track and a range, and then numbers."""
    return lambda track, _frame, first, last, *numbers: make(track, first, last, *given, *numbers)
