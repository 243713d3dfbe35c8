"""Nothing half-written: write beside the target, then rename over it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.leftovers import remember, remove

PATIENCE = 2.0
"""Seconds to try again where a file is open: virus scanners and previews let go of one after a moment."""

LONGEST_NAME = 255  # bytes, of nearly all file systems
LONGEST_PATH = 259  # letters, of Windows
_BETWEEN = 0.1  # seconds
_IN_USE = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY)
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)

_observers: list[Callable[[Path], None]] = []


@contextlib.contextmanager
def observe_temporaries(observer: Callable[[Path], None]) -> Iterator[None]:
    """Call ``observer`` with every temporary path before anything is written to it, and new folders.

    A process that may be killed tells another one this way what to remove after it. Counts for all
    threads of the process, since encoders write from threads of their own.
    """
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def cannot_write(target: Path, error: OSError) -> CropzoomError:
    """Error for a file or folder that cannot be written, with its cure."""
    folders = [*reversed(target.parents)]
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        folders.append(target)
    in_the_way = next((folder for folder in folders if os.path.isfile(folder)), None)
    if in_the_way is not None:
        return CropzoomError(
            f"{target}: cannot be written, since {in_the_way} is a file, not a folder. "
            "Give another folder, or move that file away."
        )
    if error.errno == errno.ENAMETOOLONG:
        return CropzoomError(
            f"{target}: cannot be written, since its name is too long. Rename the video: files "
            "made of it are named after it, with up to 30 letters more."
        )
    cure = "Check that the folder is writable and the disk has room."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        there = next((folder for folder in target.parents if folder.is_dir()), target.parent)
        cure = f"Get the right to write into {there}, or work in a folder of your own."
    return CropzoomError(f"{target}: cannot be written ({error.strerror or error}). {cure}")


def check_writable(target: Path) -> None:
    """Refuse a file that could not be written, before the work whose result it is.

    Makes the folder, and an empty file in it for a moment.

    Raises
    ------
    CropzoomError
        If the folder cannot be made or written to, or it is a folder itself.
    """
    if os.path.isdir(target):
        raise CropzoomError(f"{target}: is a folder. Give the name of a file in it.")
    with contextlib.suppress(_Tried), atomic_path(target) as part:
        part.touch()
        raise _Tried


class _Tried(Exception):
    """The trial has succeeded, and is not to replace anything."""


@contextlib.contextmanager
def naming(target: Path) -> Iterator[None]:
    """Say which file could not be written where the system refuses anything on the way to it."""
    try:
        yield
    except OSError as error:
        raise cannot_write(target, error) from error


@contextlib.contextmanager
def atomic_path(
    target: Path, *, durable: bool = True, check_first: bool = True, outdated: Path | None = None
) -> Iterator[Path]:
    """Yield a path to write to; on success it replaces ``target``, on any failure it is removed.

    The temporary file lies in the target's folder, which is made if needed, is hidden (its name starts
    with a dot) and keeps the target's suffix, so that encoders recognise the format. Its name is no
    longer than the target's where a longer one would not fit. A process that is killed leaves it behind
    for the next one to remove.

    Parameters
    ----------
    target : Path
    durable : bool
        Wait until the disk has the content before it replaces the target.
    check_first : bool
        Refuse a target that is open in another program before anything is written. What long work has
        made already is to be kept whatever is open then: False.
    outdated : Path or None
        A file that tells of the target as it was, removed right before that is replaced.

    Raises
    ------
    CropzoomError
        If the folder cannot be made or written to, or the disk is full; or the target is open in another
        program, on Windows. One that was opened later stays, and so does what tells of it; the new file
        is kept beside it under another name.
    """
    part = target
    try:
        _check_kind(target)
        _make_folder(target.parent)
        part = _temporary(target)
        if check_first:
            check_free(target)
        _announce(part)
        yield part
        if durable:
            sync_file(part)
        _replace(part, target, outdated)
        if durable:
            sync_folder(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if part != target:
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
        If a folder cannot be made or written to, or the disk is full; or, on Windows, a file to be
        replaced is open in another program: the new files are then kept in a folder beside the target.
    """
    part = target
    try:
        _make_folder(target.parent)
        part = _temporary(target)
        _announce(part)
        part.mkdir()
        yield part
        files = sorted((path for path in part.rglob("*") if path.is_file()), reverse=True)
        for file in files:
            sync_file(file)
        places = [target / file.relative_to(part) for file in files]
        try:
            for place in places:
                check_free(place)
            for file, place in zip(files, places, strict=True):
                place.parent.mkdir(parents=True, exist_ok=True)
                _retry(partial(os.replace, file, place))
        except (FileInUseError, OSError) as error:
            raise _kept(part, target, error) from error
        for folder in {place.parent for place in places}:
            sync_folder(folder)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if part != target:
            remove(part)


def put_in_place(files: Sequence[Path], folder: Path) -> None:
    """Copy what long work has made into a folder: the first by itself, then each of the others.

    None is thrown away for another's sake. One whose target is open in another program is kept beside
    that under another name. Where this is the first, the others stay with it: all that begin with its
    stem get its new one.

    Parameters
    ----------
    files : sequence of Path
        The first is the one that the others tell of.
    folder : Path

    Raises
    ------
    FileInUseError
        If a file was kept under another name; all that can be written are by then.
    CropzoomError
        If the first cannot be written at all, or one of the others.
    """
    first, stem = files[0], files[0].stem
    errors: list[CropzoomError] = []
    for file in files:
        name = stem + file.name.removeprefix(first.stem)
        try:
            with atomic_path(folder / name, check_first=False) as part:
                shutil.copyfile(file, part)
        except FileInUseError as error:
            errors.append(error)
            if file == first and error.kept is not None:
                stem = error.kept.stem
        except CropzoomError as error:
            if file == first:
                raise
            errors.append(error)
    if errors:
        kind = (
            FileInUseError if all(isinstance(each, FileInUseError) for each in errors) else CropzoomError
        )
        raise kind(" ".join(map(str, errors)))


def put_beside(file: Path, target: Path) -> Path:
    """Copy a file beside a target that is not to be replaced, under a name nothing has yet.

    Raises
    ------
    CropzoomError
        If the folder cannot be written to.
    """
    with atomic_path(other := _free_name(target)) as part:
        shutil.copyfile(file, part)
    return other


def take_away(path: Path) -> None:
    """Remove a file, if it is there.

    Raises
    ------
    CropzoomError
        If it cannot be removed, or is open in another program.
    """
    try:
        check_free(path)
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


class FileInUseError(CropzoomError):
    """A file cannot be replaced, since another program has it open.

    Attributes
    ----------
    kept : Path or None
        Where the new one lies instead, if there is one.
    """

    def __init__(self, message: str, kept: Path | None = None) -> None:
        super().__init__(message)
        self.kept = kept


def sync_file(path: Path) -> None:
    """Have the disk keep what was written to a file; an error of the disk is raised here, not lost."""
    with path.open("rb+") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _NO_SYNC:  # a file system that has no such thing
                raise


def sync_folder(path: Path) -> None:
    """Have the disk keep the names in a folder, where the system can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _check_kind(target: Path) -> None:
    """Refuse what is there and is no file: a rename would put one in the place of a device."""
    if target.is_dir():
        raise CropzoomError(f"{target}: cannot be written: it is a folder. Give the name of a file.")
    if target.exists() and not target.is_file():
        raise CropzoomError(
            f"{target}: cannot be written: it is a device or a pipe. Give the name of a file."
        )


def _temporary(target: Path) -> Path:
    """A hidden name beside the target that nothing has yet, no longer than it where that may not be."""
    number = uuid.uuid4().hex[:8]
    part = target.with_name(f".{target.stem}.{number}.part{target.suffix}")
    if len(os.fsencode(part.name)) <= LONGEST_NAME and len(os.path.abspath(part)) <= LONGEST_PATH:
        return part
    return target.with_name(f".{number}{target.suffix}")


def _announce(part: Path) -> None:
    remember(part)
    for observer in tuple(_observers):
        observer(part)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it; who may have to remove what is left hears of each."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in new:
        for observer in tuple(_observers):
            observer(each)


def check_free(target: Path) -> None:
    """Refuse a target that is open in another program: there it cannot take its own name.

    Raises
    ------
    FileInUseError
    OSError
    """
    if not target.is_file() or not os.access(target.parent, os.W_OK):
        return
    try:
        _retry(partial(os.rename, target, target))
    except OSError as error:
        if error.errno not in _IN_USE:
            raise
        raise FileInUseError(
            f"{target}: is open in another program. Close it there, or remove the file, and try again."
        ) from error


def _replace(part: Path, target: Path, outdated: Path | None) -> None:
    """Rename a finished file over the target; one that is open meanwhile stays, and nothing is lost."""
    try:
        if outdated is not None:
            check_free(target)  # or it would stay without what tells of it
            take_away(outdated)
        _retry(partial(os.replace, part, target))
    except (FileInUseError, OSError) as error:
        raise _kept(part, target, error) from error


def _kept(part: Path, target: Path, error: Exception) -> Exception:
    """Keep a finished file or folder under another name if the target is open; the error to raise."""
    if isinstance(error, OSError) and error.errno not in _IN_USE:
        return error
    other = _free_name(target)
    _retry(partial(os.rename, part, other))
    return FileInUseError(
        f"{target}: is open in another program, so it was not replaced. The new one is kept as "
        f"{other.name}: close the other program and rename it.",
        other,
    )


def _free_name(target: Path) -> Path:
    """A name beside the target that nothing has yet."""
    number = 1
    while os.path.lexists(other := target.with_name(f"{target.stem}_new{number}{target.suffix}")):
        number += 1
    return other


def _retry(act: Callable[[], object]) -> None:
    """Do something again for a while where the system says that a file is open."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except OSError as error:
            if error.errno not in _IN_USE or time.monotonic() >= end:
                raise
        time.sleep(_BETWEEN)
