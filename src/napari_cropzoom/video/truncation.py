"""Whether a file ends before its container says it does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """Return how many bytes an MP4, MOV, AVI or MKV lacks at its end; 0 if none or unknown.

    Only the sizes at the head of each outermost chunk are read. (ISO/IEC 14496-12, 4.2, boxes; AVI:
    RIFF and OpenDML; RFC 8794, EBML element sizes.)
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            end = _riff_end(file, size)
        elif head[:4] == b"\x1a\x45\xdf\xa3":
            end = _matroska_end(file)
        else:
            end = _boxes_end(file, size)
    return max(0, end - size)


def _riff_end(file: BinaryIO, size: int) -> int:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            break
        at += 8 + length + length % 2
    return at


def has_box(path: Path, name: bytes) -> bool:
    """Whether an MP4 or MOV holds an outermost box of this name, whole; also where others are odd."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return any(box == name and end <= size for box, end in _boxes(file, size))


def _boxes_end(file: BinaryIO, size: int) -> int:
    return max((end for _, end in _boxes(file, size)), default=0)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield name and end of each outermost box; one of length 0 goes on to the end of the file."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length == 0 and name.isalnum():
            length = size - at
        if length < 8 or not name.isalnum():
            break
        at += length
        yield name, at


def _matroska_end(file: BinaryIO) -> int:
    file.seek(4)
    length = _ebml_size(file)
    if length is None:
        return 0
    file.seek(length, 1)
    if file.read(4) != _MATROSKA_SEGMENT:
        return 0
    length = _ebml_size(file)
    return 0 if length is None else file.tell() + length


def _ebml_size(file: BinaryIO) -> int | None:
    """Read an element's size; None if it is unknown, as in a recording that was never finished."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(width - 1), "big") & ((1 << 7 * width) - 1)
    return None if value == (1 << 7 * width) - 1 else value
