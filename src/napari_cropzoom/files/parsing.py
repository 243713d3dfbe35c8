"""YAML and JSON that somebody else may have written: limits before parsing, one error for all of it."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from tokenize import TokenError
from typing import Any

import numpy as np
import yaml

from napari_cropzoom.core.errors import CropzoomError, brief

MISSHAPEN = (
    ValueError,  # of JSON, UnicodeError and zipfile's NUL in a name, too
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,  # int(inf)
    RecursionError,
    MemoryError,  # numpy takes the size of an array from the file
)
"""What content that is not as expected raises when it is read and taken apart."""

UNREADABLE_ARRAYS = (
    *MISSHAPEN,
    OSError,
    EOFError,
    RuntimeError,  # of zipfile, for encrypted members; NotImplementedError, for unknown compression
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,  # numpy's headers are Python's words
    TokenError,
)
"""What :func:`load_arrays` raises, and taking out an array."""

YAML_BYTES = 1_000_000
YAML_DEPTH = 50
YAML_NODES = 20_000
JSON_BYTES = 256_000_000
ARRAY_BYTES = 1_000_000_000

_YAML_ERRORS = (yaml.YAMLError, *MISSHAPEN)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def size_of(path: Path) -> int:
    """Bytes of a file, before it is opened: a pipe would be waited for, and a device has no end.

    Raises
    ------
    OSError
        If it is not there, or is no file.
    """
    found = path.stat()
    if not S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return found.st_size


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a configuration, its aliases, depth and size checked before anything is built.

    Raises
    ------
    CropzoomError
        If it cannot be read, is no YAML or no mapping, or is larger than any configuration.
    """
    try:
        size = size_of(path)
        if size > YAML_BYTES:
            raise CropzoomError(
                f"{path}: has {size / 1e6:.1f} MB, a configuration at most {YAML_BYTES / 1e6:.0f}. "
                "Give the config.yaml that Lightning Pose wrote."
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CropzoomError(
            f"{path}: cannot be read ({error.strerror or error}). Check the file and its access."
        ) from error
    except UnicodeDecodeError as error:
        raise CropzoomError(
            f"{path}: is not readable YAML (not UTF-8 at byte {error.start}). Save it as UTF-8."
        ) from error
    try:
        _check_yaml(text)
        content = yaml.load(text, Loader=_Loader)  # a safe loader
    except CropzoomError as error:
        raise CropzoomError(f"{path}: {error}") from error
    except _YAML_ERRORS as error:
        raise CropzoomError(
            f"{path}: is not readable YAML ({_line(error, 'problem_mark')}{_problem(error)}). "
            "Correct it, or copy it again from the model."
        ) from error
    if not isinstance(content, dict):
        raise CropzoomError(f"{path}: is not a Lightning Pose configuration, which has sections.")
    return content


def _check_yaml(text: str) -> None:
    """Walk the events, which costs no memory, and count what aliases would unfold to."""
    whole: dict[str, int] = {}  # nodes of what an anchor names
    open_: list[tuple[str | None, int]] = []  # collections around: anchor, nodes before
    count = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in whole:
                raise CropzoomError(f"{_line(event)}an alias of what it is part of.")
            count += whole[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                whole[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, count))
            if event.anchor:
                whole.pop(event.anchor, None)
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                whole[anchor] = count - before
        if len(open_) > YAML_DEPTH:
            raise CropzoomError(f"{_line(event)}is nested deeper than {YAML_DEPTH} levels.")
        if count > YAML_NODES:
            raise CropzoomError(
                f"{_line(event)}has more than {YAML_NODES} values, its aliases "
                "written out, which is no configuration."
            )


def _line(said: Any, mark: str = "start_mark") -> str:
    """Where in the file, if an event or error of YAML says it."""
    place = getattr(said, mark, None)
    return "" if place is None else f"line {place.line + 1}: "


def _problem(error: Exception) -> str:
    return brief(getattr(error, "problem", None) or error)


def read_json(path: Path, most: int = JSON_BYTES) -> Any:
    """Read a JSON file.

    Raises
    ------
    OSError
    ValueError
        If it is no JSON, is not UTF-8, is nested too deep, or has more than ``most`` bytes.
    """
    size = size_of(path)
    if size > most:
        raise ValueError(f"{size / 1e6:.1f} MB, and such a file has at most {most / 1e6:.0f}")
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        If it is no JSON or is nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def load_arrays(path: Path, most: int = ARRAY_BYTES) -> Any:
    """Open an ``.npz`` file, without pickled objects, that unpacks to no more than ``most`` bytes.

    Returns
    -------
    numpy.lib.npyio.NpzFile
        To be used in a ``with`` statement.

    Raises
    ------
    ValueError
        If it is no such file; for all others see ``UNREADABLE_ARRAYS``.
    """
    size_of(path)
    with zipfile.ZipFile(path) as file:
        unpacked = sum(member.file_size for member in file.infolist())
    if unpacked > most:
        raise ValueError(f"would unpack to {unpacked / 1e6:.0f} MB")
    return np.load(path, allow_pickle=False)


class OtherVersionError(ValueError):
    """A record is of a version that is not known here."""

    def __init__(self, version: object) -> None:
        super().__init__(f"it is of version {brief(version)}, which this cropzoom does not know")


def why_not_read(error: BaseException) -> str:
    """Why a record that is there could not be read: what the system says, its version, or damage."""
    if isinstance(error, OSError):
        return error.strerror or "it is damaged"
    return str(error) if isinstance(error, OtherVersionError) else "it is damaged"


@contextlib.contextmanager
def without_tiff_logs() -> Iterator[None]:
    """Keep back what tifffile logs of a damaged file, which only its authors understand."""
    loggers = [logging.getLogger(name) for name in ("tifffile", "tifffile.tifffile")]
    before = [each.disabled for each in loggers]
    for each in loggers:
        each.disabled = True
    try:
        yield
    finally:
        for each, was in zip(loggers, before, strict=True):
            each.disabled = was
