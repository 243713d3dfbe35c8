"""Numbers and names in sentences."""

from __future__ import annotations

_PLURALS = {"box": "boxes"}
_SINGULARS = {"have": "has", "are": "is", "were": "was"}


def counted(count: int, noun: str, *, commas: bool = False) -> str:
    """A number and what is counted: ``1 box``, ``2 boxes``, ``0 frames``.

    Parameters
    ----------
    count : int
    noun : str
        In the singular; its last word is what is counted.
    commas : bool
        Whether to part thousands: ``1,200 frames``.
    """
    number = f"{count:,}" if commas else str(count)
    return f"{number} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """More than one of it."""
    *before, last = noun.split(" ")
    return " ".join([*before, _PLURALS.get(last, f"{last}s")])


def verb(count: int, plural_form: str) -> str:
    """The form of a verb that agrees with a number: ``verb(1, "have")`` is ``has``."""
    if count != 1:
        return plural_form
    return _SINGULARS.get(plural_form, f"{plural_form}s")


def shortened(text: str, length: int) -> str:
    """Cut a text down to ``length`` letters, in the middle: names often differ in their ends."""
    if len(text) <= length:
        return text
    end = length // 2
    return f"{text[: length - 1 - end].rstrip()}…{text[-end:].lstrip()}"
