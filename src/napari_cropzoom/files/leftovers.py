"""What a process that was killed has left half-written; the next process removes it.

Every process keeps a list of its temporary files in the user's own data folder, a file named after the
machine, the process and the time. A list whose process is gone says what may be removed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import platform
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_cropzoom.files.names import name_key
from napari_cropzoom.files.parsing import size_of
from napari_cropzoom.files.user_data import user_data_folder

_FOLDER = "temporaries"
_CLOCK_DRIFT = 10.0  # seconds; a process that started later than its list got the number of a dead one
_own_lists: dict[int, Path] = {}
_one_at_a_time = threading.Lock()  # the parts of a video are made side by side, and share one list


def remember(path: Path) -> None:
    """Write down a temporary file or folder before it is made; where that cannot be done, do nothing."""
    with contextlib.suppress(OSError), _one_at_a_time:
        own = _own_lists.get(os.getpid())
        if own is None:
            remove_leftovers()
            own = _own_lists[os.getpid()] = _folder() / f"{_machine()}-{os.getpid()}-{time.time():.3f}"
            own.parent.mkdir(parents=True, exist_ok=True)
            atexit.register(_forget, os.getpid())
        with own.open("a", encoding="utf-8") as file:
            file.write(json.dumps(os.path.abspath(path)) + "\n")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder where the system keeps such; it goes afterwards, or with the next process."""
    with TemporaryDirectory(prefix="cropzoom-", ignore_cleanup_errors=True) as name:
        remember(Path(name))
        yield Path(name)


def remove_leftovers() -> None:
    """Remove what processes of this machine have left that are no more."""
    try:
        lists = [each for each in _folder().iterdir() if each.name.startswith(f"{_machine()}-")]
    except OSError:
        return
    for each in lists:
        if each not in _own_lists.values() and not _is_alive(each):
            _remove_listed(each)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; what cannot be removed stays."""
    with contextlib.suppress(OSError):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def remove_all(left: Iterable[Path]) -> None:
    """Remove what work that was stopped has left: temporary files, and folders with nothing in them."""
    for path in sorted(left, key=lambda each: -len(each.parts)):
        if _is_temporary(path):
            remove(path)
        else:
            with contextlib.suppress(OSError):
                path.rmdir()


def _is_temporary(path: Path) -> bool:
    return path.name.startswith((".", "cropzoom-"))


def _folder() -> Path:
    return user_data_folder() / _FOLDER


def _machine() -> str:
    """Name of this machine, or of the container: process numbers mean nothing in another."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    name = "".join(c for c in name_key(platform.node()) if c.isalnum())
    return f"{name}{space}"


def _is_alive(own_list: Path) -> bool:
    """Whether the process of a list still runs; where that cannot be told it does."""
    import psutil

    try:
        _, number, written = own_list.name.rsplit("-", 2)
        return bool(psutil.Process(int(number)).create_time() < float(written) + _CLOCK_DRIFT)
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, ValueError, OverflowError):
        return True


def _remove_listed(own_list: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        size_of(own_list)
        for line in own_list.read_text(encoding="utf-8").splitlines():
            path = Path(json.loads(line))
            if _is_temporary(path):  # as all are; a list may be damaged
                remove(path)
    remove(own_list)


def _forget(process: int) -> None:
    if os.getpid() == process:
        remove(_own_lists.pop(process))
