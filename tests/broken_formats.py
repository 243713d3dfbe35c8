"""What can happen to a file of another program."""

from __future__ import annotations

from pathlib import Path

from broken_arrays import HDF5, NPZ, TIFF
from broken_bytes import Way
from broken_tables import TABLE
from broken_trees import JSON, XML


def ways_of(path: Path) -> dict[str, Way]:
    """What can happen to a file, by what it is."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"\x89HDF"):
        return HDF5
    if head.startswith(b"PK"):
        return NPZ
    if head.startswith((b"II", b"MM")):
        return TIFF
    if head.lstrip()[:1] in (b"{", b"["):
        return JSON
    return XML if head.startswith(b"<") else TABLE
