"""Damaged HDF5 read in a fork: its library can end the process that reads it, or hang."""

from __future__ import annotations

import os
import signal
import traceback
import tracemalloc
from multiprocessing import Pipe
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import Imported, read_outside
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.files.formats.separate_process import may_crash, read_in_own_process

HANGS = 20.0  # seconds


def read_safely(
    path: Path, video: VideoFacts, options: ImportOptions, format_name: str, most: float = float("inf")
) -> Imported:
    """As `read_apart`, without a new Python for each file; `most` bytes are traced where that is on."""
    if not may_crash(path):
        return read_outside(path, video, options, format_name)
    if not hasattr(os, "fork"):
        return read_in_own_process(path, video, options, format_name)
    receiving, sending = Pipe(duplex=False)
    child = os.fork()
    if not child:
        try:
            sending.send(_said(path, video, options, format_name))
        finally:
            os._exit(0)
    sending.close()
    try:
        what, said, peak = receiving.recv() if receiving.poll(HANGS) else ("hangs", None, 0)
    except EOFError:
        what, said, peak = "died", None, 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        receiving.close()
    assert what != "failed", said
    assert peak < most, path
    if what != "read":
        raise CropzoomError(said or f"{path}: is damaged HDF5, on which its library fails.")
    return said


def _said(path, video, options, format_name) -> tuple[str, object, int]:
    try:
        said = "read", read_outside(path, video, options, format_name)
    except CropzoomError as error:
        said = "refused", str(error)
    except BaseException:
        said = "failed", traceback.format_exc()
    return *said, tracemalloc.get_traced_memory()[1]
