"""Python's search for garbage, put off while much is made and nothing is thrown away."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Put off the cyclic garbage collector until the end.

    Hundreds of modules and widgets that are made at once have it look through every object of napari
    several times: a fifth of the time in which the docks come. So do the edits of a long journal.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
