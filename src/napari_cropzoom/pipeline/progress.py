"""How a stage reports: it is a generator that yields `Progress` and returns its result.

Whoever runs a stage may stop it at any yield by closing the generator; the stage then removes what it
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


Stage = Generator[Progress, None, T]
Tell = Callable[[str], object]
"""Takes a line for a person, outside the count of a stage."""


def quiet(line: str) -> None:
    """Tell nobody."""


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
