"""One process at a time: a lock of the system where the drive has locks, else a file that says who."""

from __future__ import annotations

import contextlib
import errno
import warnings
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

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
    """

    def __init__(self, soft: Path | None) -> None:
        super().__init__("locked")
        self.soft = soft


class PathLock:
    """A lock that ends with the process; not for several threads at a time.

    A share that refuses locks (SMB on macOS: ENOTSUP, some NFS: ENOLCK) gets a file beside the lock's
    with the name of the machine and the process. What a dead process of this machine left is taken over.

    Parameters
    ----------
    path : Path
        File of the lock; it is made, and removed on release.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._soft = path.with_name(f"{path.name}.soft")
        self._lock: BaseFileLock | None = None

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
            _take(lock)
        except Timeout:
            raise BlockedError(None) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)  # a lock that nobody can have
            lock = SoftFileLock(self._soft, thread_local=False)
            try:
                _take(lock)
            except Timeout:
                raise BlockedError(self._soft) from None
        self._lock = lock

    def release(self, *, remove: bool = True) -> None:
        """Let others have it; ``remove`` its file unless another may be in its place."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        remove = remove and not isinstance(lock, SoftFileLock)  # which removes its own, if it still is
        is_removed = remove and self._remove()  # while it is ours
        with contextlib.suppress(OSError):
            lock.release()
        if remove and not is_removed:  # Windows removes no open file, so not that of another either
            self._remove()

    def _remove(self) -> bool:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            return True
        return False


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
