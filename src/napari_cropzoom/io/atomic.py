"""Nothing half-written: write beside the target, then rename over it."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError

_observers: list[Callable[[Path], None]] = []


@contextlib.contextmanager
def observe_temporaries(observer: Callable[[Path], None]) -> Iterator[None]:
    """Call ``observer`` with every temporary path before anything is written to it.

    A process that may be killed tells another one this way what to remove after it. Counts for all
    threads of the process, since encoders write from threads of their own.
    """
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces ``target``, on any failure it is removed.

    The temporary file lies in the target's folder, which is made if needed, is hidden (its name starts
    with a dot) and keeps the target's suffix, so that encoders recognise the format.

    Raises
    ------
    CropzoomError
        If the folder cannot be made or written to, or the disk is full.
    """
    part = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for observer in tuple(_observers):
            observer(part)
        yield part
        os.replace(part, target)
    except OSError as error:
        raise CropzoomError(
            f"{target}: cannot be written ({error.strerror or error}). "
            "Check that the folder is writable and the disk has room."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder to write to; on success its files go to ``target``, on any failure nowhere.

    The temporary folder lies beside the target and is hidden. Files of the same name are replaced, each
    at once; others in the target stay. Names are taken from the last to the first, so that
    ``predictions.csv``, by which a finished prediction is known, comes after its metrics.

    Raises
    ------
    CropzoomError
        If a folder cannot be made or written to, or the disk is full.
    """
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        for observer in tuple(_observers):
            observer(part)
        part.mkdir(parents=True)
        yield part
        for file in sorted((path for path in part.rglob("*") if path.is_file()), reverse=True):
            place = target / file.relative_to(part)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
    except OSError as error:
        raise CropzoomError(
            f"{target}: cannot be written ({error.strerror or error}). "
            "Check that the folder is writable and the disk has room."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
