"""Reading in a process of its own what could bring down this one: the HDF5 library on a damaged file.

It can hang for ever there, or end the whole process; neither can be caught. `read_in_own_process` is for
commands; a window has its worker.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.importing import OVERRULES, Imported, read_outside, settled, understand
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.files.formats.packed import pack, unpack

LOOK_EVERY = 0.05  # seconds
MOST_SECONDS, BYTES_A_SECOND = 4.0, 20e6
"""Of the processor, and what a sound file takes at most beyond that."""
REFUSED = 3
"""Exit status: what the process printed is a message for a person."""


def may_crash(path: Path) -> bool:
    """Whether a file, or one in a folder, is HDF5.

    Raises
    ------
    CropzoomError
        If it is not there or cannot be read.
    """
    if path.is_dir():
        return any(path.rglob("*.h5"))
    return Content(path).kind == "hdf5"


def read_in_own_process(
    path: Path, video: VideoFacts, options: ImportOptions | None = None, format_name: str | None = None
) -> Imported:
    """As :func:`napari_cropzoom.files.formats.importing.read_outside`, without danger to this process."""
    if not may_crash(path):
        return read_outside(path, video, options, format_name)
    options = options or ImportOptions()
    if format_name in OVERRULES:
        return read_outside(path, video, options, format_name)
    with TemporaryDirectory(prefix="cropzoom-import-") as folder:
        output = Path(folder, "said.npz")
        asked = {
            "path": str(path),
            "video": asdict(video),
            "options": asdict(options),
            "format": format_name,
            "output": str(output),
        }
        _run(path, json.dumps(asked))
        found = replace(unpack(output), path=path)
    return settled(found, video, options)


def _run(path: Path, asked: str) -> None:
    """Have a process read it.

    Raises
    ------
    CropzoomError
        What it says, or that it hangs or died.
    """
    command = [sys.executable, "-m", "napari_cropzoom.files.formats.separate_process", asked]
    most = MOST_SECONDS + _size(path) / BYTES_A_SECOND
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        said = b""
        while True:
            try:
                said, _ = process.communicate(timeout=LOOK_EVERY)
                break
            except subprocess.TimeoutExpired:
                if _seconds(process.pid) > most:
                    break
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode == REFUSED:
        raise CropzoomError(said.decode("utf-8", "replace"))
    if process.returncode:
        raise CropzoomError(
            f"{path}: is damaged HDF5, on which its library fails. Copy or export it again."
        )


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in (path.rglob("*.h5") if path.is_dir() else [path]))


def _seconds(pid: int) -> float:
    """Of the processor, that a process has taken; 0 if it has ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def main() -> int:
    """Read what the only argument asks for."""
    asked = json.loads(sys.argv[1])
    options = ImportOptions(**{**asked["options"], "tracks": tuple(asked["options"]["tracks"])})
    try:
        found = understand(Path(asked["path"]), VideoFacts(**asked["video"]), options, asked["format"])
    except CropzoomError as error:
        sys.stdout.buffer.write(str(error).encode())
        return REFUSED
    pack(Path(asked["output"]), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
