"""One process at a time: a lock of the system where the drive has locks, else a file that says who."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
import warnings
import weakref
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from napari_cropzoom.core.errors import brief
from napari_cropzoom.files.parsing import size_of

_NO_LOCKS = {
    getattr(errno, name)
    for name in ("ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK", "EINVAL", "ENOTTY")
    if hasattr(errno, name)
}


class BlockedError(Exception):
    """Another process has the lock.

    Attributes
    ----------
    soft : Path or None
        The file that says so on a drive without locks; it stays where that machine was switched off.
    holder : str
        ``process 12 on the computer lab3``, as that file names it; empty if unknown.
    """

    def __init__(self, soft: Path | None) -> None:
        super().__init__("locked")
        self.soft = soft
        self.holder = "" if soft is None else _holder(soft)


class PathLock:
    """A lock that ends with the process; not for several threads at a time.

    A share that refuses locks (SMB on macOS: ENOTSUP, some NFS: ENOLCK) gets a file beside the lock's
    with the name of the machine and the process. What a dead process of this machine left is taken over,
    and so is what was copied along with its folder while a process of this machine had the original, this
    very one too.

    Parameters
    ----------
    path : Path
        File of the lock; it is made, and removed on release.

    Attributes
    ----------
    copied_from : Path or None
        The file of which the one that was here was a copy, if it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._soft = path.with_name(f"{path.name}.soft")
        self._lock: BaseFileLock | None = None
        self.copied_from: Path | None = None

    @property
    def file(self) -> Path:
        """The file that says who has it: the lock's own, or the one beside it."""
        return Path(self._path if self._lock is None else self._lock.lock_file)

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return self._lock is not None

    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises
        ------
        BlockedError
            If another process has it.
        OSError
            If the file cannot be made.
        """
        lock: BaseFileLock = FileLock(self._path, thread_local=False)
        try:
            self._take(lock, self._path)  # where the system has no locks at all it is a soft one too
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)  # a lock that nobody can have
            lock = SoftFileLock(self._soft, thread_local=False)
            self._take(lock, self._soft)
        self._lock = lock
        _held.add(self)

    def release(self, *, remove: bool = True) -> None:
        """Let others have it; ``remove`` its file unless another may be in its place."""
        lock, self._lock = self._lock, None
        _held.discard(self)
        if lock is None:
            return
        remove = remove and not isinstance(lock, SoftFileLock)  # which removes its own, if it still is
        is_removed = remove and self._remove()  # while it is ours
        with contextlib.suppress(OSError):
            lock.release()
        if remove and not is_removed:  # Windows removes no open file, so not that of another either
            self._remove()

    def _take(self, lock: BaseFileLock, path: Path) -> None:
        try:
            _take(lock)
        except Timeout:
            self._remove_copy(path)
            try:
                _take(lock)
            except Timeout:
                raise BlockedError(path if _holder(path) else None) from None

    def _remove_copy(self, soft: Path) -> None:
        """Remove a soft lock that is the copy of another one, and note which if somebody has that."""
        with contextlib.suppress(OSError):
            seen = soft.lstat()
            is_copy, original = _copy_of(soft)
            if is_copy and os.path.samestat(seen, soft.lstat()):
                soft.unlink()
                self.copied_from = original

    def _remove(self) -> bool:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            return True
        return False


_held = weakref.WeakSet[PathLock]()  # in this process


def _take(lock: BaseFileLock) -> None:
    """Take a lock or raise `Timeout`.

    :meth:`PathLock.release` removes the file while it holds the lock. A process that opened it just
    before has a file that is no more; filelock sees that and gives it up, hence the second try.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it takes a soft lock itself: nothing to do
        try:
            lock.acquire(timeout=0)
        except Timeout:
            lock.acquire(timeout=0)


def _holder(soft: Path) -> str:
    """Return who a soft lock names; empty for a lock of the system."""
    try:
        size_of(soft)
        process, computer = soft.read_text(encoding="utf-8").splitlines()[:2]
    except (OSError, ValueError):
        return ""
    return f"process {brief(process)} on the computer {brief(computer)}"


def _copy_of(soft: Path) -> tuple[bool, Path | None]:
    """Whether a soft lock is a copy, and of which that somebody has; False where that is unknown.

    The process that it names is asked, if it runs here and can be: it has its own file open. Where that
    is this process and it has none, what was copied is what it had. Two ways to one folder (a share that
    is mounted twice) are told by a file that is made in one and sought in the other.
    """
    lock = SoftFileLock(soft, thread_local=False)
    is_ours = lock.is_lock_held_by_us
    theirs = [path for path in _files_of(lock.pid) if path.name == soft.name]
    if any(path.exists() and path.samefile(soft) for path in theirs):
        return False, None
    if not theirs:
        return is_ours and not any(each.file.name == soft.name for each in _held), None
    probe = soft.with_name(f".cropzoom_{uuid.uuid4().hex}")
    probe.touch(exist_ok=False)
    try:
        if any(path.with_name(probe.name).exists() for path in theirs):
            return False, None
    finally:
        probe.unlink()
    content = soft.read_bytes()
    found = next((path for path in theirs if path.exists() and path.read_bytes() == content), None)
    return found is not None, found


def _files_of(pid: int | None) -> list[Path]:
    """What a process has open; nothing where it is not known, of another computer or another person."""
    import psutil  # rarely needed

    try:
        return [] if pid is None else [Path(each.path) for each in psutil.Process(pid).open_files()]
    except psutil.Error:
        return []
