"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any


def no_console() -> dict[str, Any]:
    """Arguments of :class:`subprocess.Popen` that keep a program from opening a console on Windows."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def end_with_input(ask: Callable[[], object] | None = None) -> None:
    """End this process and its group once standard input closes, as it does with who started it.

    For a process that leads a group of its own and reads nothing. ``ask`` is called before, in a thread,
    and may take a while in which the process ends by itself.
    """

    def wait() -> None:
        while os.read(0, 1024):
            pass
        if ask is not None:
            ask()

    _end_after(wait)


def end_with_parent() -> None:
    """End this process, one of :mod:`multiprocessing`, once its parent has ended."""
    import multiprocessing  # no command's help needs it

    parent = multiprocessing.parent_process()
    if parent is not None:
        _end_after(parent.join)


def write_nothing() -> None:
    """Have nobody read what this process says: MoviePy's bars and the names of files under way."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _end_after(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        if sys.platform != "win32" and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
