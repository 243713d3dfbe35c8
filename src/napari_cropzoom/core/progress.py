"""How a stage reports: it is a generator that yields `Progress` and returns its result.

The caller may stop a stage at any yield by closing the generator; the stage then removes what it
has half written (``try`` / ``finally``) and nothing else is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a stage is: ``done`` of ``total`` units (frames unless ``text`` says otherwise)."""

    done: int
    total: int
    text: str = ""


class Tenths:
    """Which reports of a stage are worth a line where nobody sees a bar: at most ten."""

    def __init__(self) -> None:
        self._seen = 0

    def is_new(self, progress: Progress) -> bool:
        """Whether another tenth of the whole is done; never where the whole is not known."""
        tenth = 10 * progress.done // progress.total if progress.total > 0 else 0
        is_new, self._seen = tenth > self._seen, max(tenth, self._seen)
        return is_new


Stage = Generator[Progress, None, T]
Notify = Callable[[str], object]
"""Takes a line for a person, outside the count of a stage."""


def ignore(line: str) -> None:
    """Notify nobody."""


def part_of(stage: Stage[T], before: float, share: float, total: int, text: str = "") -> Stage[T]:
    """Report a stage as a part of the work that is counted once: ``share`` of it, after ``before``.

    Parameters
    ----------
    stage : Stage
    before, share : float
        Parts of the whole work, 0 to 1, by the time they take.
    total : int
        What the whole is counted by, e.g. the frames of a video that is gone through twice.
    text : str
        What is counted.
    """
    try:
        while True:
            progress = next(stage)
            part = progress.done / progress.total if progress.total > 0 else 0.0
            yield Progress(round(total * (before + share * part)), total, text)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        stage.close()


def run_stage(stage: Stage[T], report: Callable[[Progress], None] | None = None) -> T:
    """Run a stage to its end and return its result, calling ``report`` with each progress."""
    while True:
        try:
            progress = next(stage)
        except StopIteration as end:
            result: T = end.value
            return result
        if report is not None:
            report(progress)
