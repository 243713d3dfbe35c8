"""Reading a file of another program while the window goes on, with a way to stop it.

A small file is read in a thread. A large one, and HDF5, whose library can hang on a damaged file, is read
in a process of its own: a thread that parses keeps the window waiting, and nothing can stop it.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.importing import Understood, understand
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.files.formats.packed import unpack
from napari_cropzoom.jobs import Job, Latest, Worker

LARGE = 1_000_000  # bytes
MANY = 500  # files in a folder


class Reading(QObject):
    """One file at a time; a newer request takes the place of the one that runs.

    Attributes
    ----------
    done : Signal
        Sends the :class:`.Understood`.
    failed : Signal
        Sends an exception.
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._latest = Latest(self.done.emit, self.failed.emit)
        self._worker: Worker | None = None
        self._job: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether an answer is still to come."""
        return self._job is not None or self._latest.is_running

    def start(
        self, path: Path, video: VideoFacts, format_name: str | None, cm_per_pixel: float | None
    ) -> None:
        """Read what a file says; ``format_name`` instead of what is recognised."""
        self.cancel()
        if not needs_process(path):
            options = ImportOptions(cm_per_pixel=cm_per_pixel)
            self._latest.request(understand, path, video, options, format_name)
            return
        folder = TemporaryDirectory(prefix="cropzoom-import-")
        packed = Path(folder.name, "said.npz")
        args: dict[str, Any] = {
            "path": str(path),
            "video": asdict(video),
            "format": format_name,
            "cm_per_pixel": cm_per_pixel,
            "output": str(packed),
        }
        if self._worker is None:
            self._worker = Worker(self)
        job = self._job = self._worker.start("understand", args)

        def unpacked() -> Understood:
            with folder:
                return unpack(packed)

        def done(_: dict[str, Any]) -> None:
            if self._job is job:
                self._job = None
                self._latest.request(unpacked)

        def failed(message: str) -> None:
            folder.cleanup()
            if self._job is job:
                self._job = None
                self.failed.emit(CropzoomError(message) if job.kind == "user" else RuntimeError(message))

        job.done.connect(done)
        job.failed.connect(failed)
        job.cancelled.connect(folder.cleanup)

    def cancel(self) -> None:
        """Drop the answer still to come; a process that reads ends."""
        self._latest.drop()
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def release(self) -> None:
        """End the process too."""
        self.cancel()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
            worker.deleteLater()


def needs_process(path: Path) -> bool:
    """Whether a file, or the number of files in a folder, takes more than a moment, or may hang."""
    try:
        if not path.is_dir():
            return path.stat().st_size > LARGE or Content(path).kind == "hdf5"
        with os.scandir(path) as entries:
            names = [each.name for _, each in zip(range(MANY + 1), entries, strict=False)]
        return len(names) > MANY or any(name.endswith(".h5") for name in names)
    except (OSError, CropzoomError):
        return False
