"""Curves of a training, read from the event files that Lightning writes, without tensorboard or torch.

An event file is a row of records: the length of the data (8 bytes, little endian), its checksum (4), the
data, and their checksum (4). The data are a message of protocol buffers, ``Event`` of tensorflow: field
2 is the step, field 5 the summary, whose fields 1 are values with the tag in field 1 and the number in
field 2 (https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from napari_cropzoom.files.parsing import size_of

MOST_RECORD = 1_000_000  # bytes; one with scalars has some dozens
MOST_POINTS = 200_000  # of one curve
EPOCH = "epoch"


@dataclass
class Curve:
    """A number over the steps of a training.

    Attributes
    ----------
    steps : list of int
    values : list of float
    """

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class Curves:
    """All curves of one event file; :meth:`read` goes on where the last reading ended.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    by_tag : dict of str to Curve
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_tag: dict[str, Curve] = {}
        self._place = 0

    def read(self) -> bool:
        """Read what is new; returns whether there was anything. A half-written record waits.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        size_of(self.path)
        with self.path.open("rb") as file:
            file.seek(self._place)
            content = file.read()
        start = 0
        while len(content) - start >= 12:
            (length,) = struct.unpack_from("<Q", content, start)
            end = start + 12 + length + 4
            if length > MOST_RECORD or end > len(content):
                break
            for tag, step, value in _scalars(content[start + 12 : end - 4]):
                curve = self.by_tag.setdefault(tag, Curve())
                if len(curve.steps) < MOST_POINTS:
                    curve.steps.append(step)
                    curve.values.append(value)
            start = end
        self._place += start
        return start > 0

    def over_epochs(self, tag: str) -> tuple[list[float], list[float]]:
        """Epochs from 1, and the mean of a curve in each; steps where nothing says the epochs."""
        curve, epochs = self.by_tag.get(tag), self.by_tag.get(EPOCH)
        if curve is None:
            return [], []
        if epochs is None:
            return [float(step) for step in curve.steps], curve.values
        at = dict(zip(epochs.steps, epochs.values, strict=True))
        found = defaultdict[float, list[float]](list)
        for step, value in zip(curve.steps, curve.values, strict=True):
            if step in at:
                found[at[step] + 1].append(value)
        return list(found), [sum(values) / len(values) for values in found.values()]


def event_files(folder: Path) -> list[Path]:
    """Event files of a model folder, the oldest first."""
    found = []
    for path in folder.glob("tb_logs/**/events*"):
        try:
            found.append((path.stat().st_mtime_ns, path))
        except OSError:
            continue
    return [path for _, path in sorted(found)]


def _scalars(data: bytes) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of an event; none where it is no summary, or is damaged."""
    step, summary = 0, b""
    try:
        for number, value in _fields(data):
            if number == 2 and isinstance(value, int):
                step = value
            elif number == 5 and isinstance(value, bytes):
                summary = value
        for number, entry in _fields(summary):
            if number != 1 or not isinstance(entry, bytes):
                continue
            known = dict(_fields(entry))
            tag, scalar = known.get(1), known.get(2)
            if isinstance(tag, bytes) and isinstance(scalar, bytes) and len(scalar) == 4:
                yield tag.decode("utf-8", "replace"), step, float(struct.unpack("<f", scalar)[0])
    except (IndexError, ValueError):
        return


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of the fields of a message: whole numbers, or bytes for all else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if kind == 2:
            length, place = _varint(data, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"unknown kind of field {kind}")
        if place + length > len(data):
            raise ValueError("the message ends early")
        yield key >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
