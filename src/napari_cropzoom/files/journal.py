"""The journal of a review: one JSON object a line, appended as things happen, never rewritten.

``bboxes_reviewed/<stem>_journal.jsonl`` beside the raw boxes. Every line has a key ``do``:

``begin``      version, video, n_frames
``track``      name, raw (relative to the journal's folder), sha256 (empty for an animal added without
               boxes, which has no file), source, color, sizing, and interpolated (first and last frame
               of each run, may be left out): a track is new, or has new raw boxes that are no edit (or
               another colour, in journals of 0.1.0)
``color``      name, color
``rename``     old, new
``remove``     name
``edit``       label and changes: track, first, count and what became of the frames. ``boxes``, ``source``
               and ``review`` are left out where they stayed; boxes are rows x, y, w, h (null where
               missing) or, when many, base64 of zlib of little-endian float64; the others are pairs of
               value and run length
``setting``    label, and smoothing (method, window) or fill or both: an edit of settings
``sizing``     label, track, becomes (sizing, source, interpolated, and all raw boxes) and, in the first
               line of a track, was: an edit that gives it other raw boxes
``raw``        name, sha256: the file of raw boxes was written after such an edit, or its undo
``undo``, ``redo``  count
``smoothing``  method, window: what they were before the first edit
``fill``       how, likewise
``saved``      the final boxes on disk are those of this moment; sha256 of each file, in the order of the
               tracks that have boxes (since 0.1.0; older journals have none)

:mod:`.journal_lines` reads them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import IO

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.journal_lines import Entry
from napari_cropzoom.files.locks import BlockedError, PathLock
from napari_cropzoom.files.parsing import size_of

MOMENT = 0.03  # seconds
TAIL = 200  # bytes at the end of a journal by which it is known again
_GONE = {
    getattr(errno, name, errno.ENOENT)
    for name in ("ENOENT", "ENOTDIR", "ESTALE", "ENODEV", "ENXIO", "EIO", "ENOTCONN", "EHOSTDOWN")
}
_KEPT = (
    "All edits so far are kept in this window. Put the folder back where it was and go on, or choose "
    "'Keep the review in another folder' in the menu Edit."
)


class Journal:
    """Takes one file for this process alone and appends to it; a last line that was cut off is dropped.

    Lines are written in a thread, in order; :meth:`append` waits until its line has left the process
    unless something heavy is before it, and the disk is told to keep it (fsync) right after. A line is
    only ever added to the very file that the lines before it are in.

    Parameters
    ----------
    path : Path
        Of the journal; folder and file come with the first line.
    what : str
        What the review is of, for messages.

    Attributes
    ----------
    locked_out : str
        Why nothing can be written, e.g. because another window has this review open; empty if it can.
    note : str
        What a person should know of how the file was taken; mostly empty.
    """

    def __init__(self, path: Path, what: str = "boxes") -> None:
        self.path = path
        self._what = what
        self.locked_out = self.note = ""
        self._made: list[Path] = []
        self._lock = PathLock(path.with_name(f".{path.name}.lock"))
        self._take_lock()
        self._good_bytes, self._bytes, self._tail = _what_is_there(path)
        self._is_gone = False
        self._writer = ThreadPoolExecutor(1, "journal")
        self._syncer = ThreadPoolExecutor(1, "journal-sync")
        self._late: deque[Callable[[], Entry]] = deque()  # lines of what has been done, to be written
        self._heavy: Future[None] | None = None
        self._sync: Future[None] | None = None
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no line yet."""
        return self._good_bytes == 0

    def append(self, entry: Entry) -> None:
        """Write one line.

        Raises
        ------
        CropzoomError
            If this or an earlier line could not be written; this one is not in the file then.
        """
        if self._is_busy:
            self.append_later(lambda: entry)
        else:
            self._submit(lambda: self._write_all(entry)).result()

    def append_later(self, make: Callable[[], Entry]) -> None:
        """Write a line that takes a while to make, without waiting; lines after it wait for it.

        One that cannot be written is tried again before the next line.

        Raises
        ------
        CropzoomError
            If the journal cannot be written to, or an earlier line could not be written.
        """
        if not self._is_busy:
            self._submit(self._write_all).result()
        self._late.append(make)
        self._heavy = self._submit(self._write_all)

    def flush(self) -> None:
        """Wait until everything is on the disk.

        Raises
        ------
        CropzoomError
            If a line could not be written, or the journal is not there any more.
        """
        self._submit(self._write_all).result()
        if self._sync is not None:
            self._sync.result()

    def restart(self) -> None:
        """Forget the lines that were there; the file has been moved away."""
        self._submit(self._late.clear).result()
        self._good_bytes, self._bytes, self._tail = 0, None, b""

    def close(self) -> None:
        """Finish writing and let others have the file; closing twice is harmless."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.shutdown(wait=True)
        self._syncer.shutdown(wait=True)
        if self._lock.is_held:
            is_ours = False
            with contextlib.suppress(CropzoomError):
                self._check_place()
                is_ours = True
            self._lock.release(remove=is_ours)  # another folder may be there by now, with its own lock
            with contextlib.suppress(OSError):
                for folder in self._made:
                    folder.rmdir()  # only if nothing was written to it

    # ---- inside --------------------------------------------------------------------------------

    @property
    def _is_busy(self) -> bool:
        """Whether a long line is still being written, after a moment that nobody notices."""
        return self._heavy is not None and bool(wait([self._heavy], MOMENT).not_done)

    def _take_lock(self) -> None:
        try:
            missing = [each for each in self.path.parents if not each.exists()]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._made = missing
            self._lock.acquire()
            if self._lock.copied_from is not None:
                self.note = (
                    "This review is a copy of one that is open in another window "
                    f"({self._lock.copied_from.parent}). Edits here do not reach that one."
                )
        except BlockedError as error:
            self.locked_out = (
                "This review is open in another window, so it is read-only here. "
                f"Close the other window and open the {self._what} again to edit them."
            )
            if error.soft is not None:
                by = f" It was opened by {error.holder}." if error.holder else ""
                self.locked_out += (
                    f"{by} If this folder is a copy, or there is no other window on any machine, delete "
                    f"{error.soft}."
                )
        except OSError as error:
            lock = self._lock.file
            if os.path.lexists(lock) and (lock.is_symlink() or not lock.is_file()):
                self.locked_out = (
                    f"{lock} is a folder, a link or a device where a lock belongs, so this review is "
                    f"read-only. Delete it, and open the {self._what} again to edit them."
                )
                return
            self.locked_out = (
                f"{self.path.parent} cannot be written to ({error.strerror or error}), so this review is "
                f"read-only. Copy the {self._what} to a folder of your own to edit them."
            )

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        if self.locked_out:
            raise CropzoomError(self.locked_out)
        return self._writer.submit(work)

    def _write_all(self, entry: Entry | None = None) -> None:
        """Write what waits and then a line; with neither, only see that the journal is there."""
        self._check_place()
        while self._late:
            self._write(self._late[0]())
            self._late.popleft()
        if entry is not None:
            self._write(entry)

    def _check_place(self) -> None:
        """Refuse to go on where the file is not the one that was written so far.

        Raises
        ------
        CropzoomError
        """
        try:
            if self._bytes is None:
                self._is_gone = self._is_gone or not self.path.parent.is_dir()
                self.path.parent.parent.stat()  # the folder of the raw boxes; the review's is made again
            else:
                size_of(self.path)
                with self.path.open("rb") as file:
                    self._check_content(file)
        except OSError as error:
            if error.errno not in _GONE:
                return  # writing will tell
            self._is_gone = True
            raise CropzoomError(
                f"{self.path}: the journal of this review is gone ({error.strerror}). Its folder was "
                f"moved or renamed, or the drive is not there. {_KEPT}"
            ) from error
        if self._is_gone:  # and is back: a drive that comes back knows nothing of the lock
            self._lock.release(remove=False)
            self._take_lock()
            self._is_gone = bool(self.locked_out)
            if self.locked_out:
                raise CropzoomError(self.locked_out)

    def _check_content(self, file: IO[bytes]) -> None:
        size = file.seek(0, os.SEEK_END)
        file.seek(self._good_bytes - len(self._tail))
        if size != self._bytes or file.read(len(self._tail)) != self._tail:
            raise CropzoomError(
                f"{self.path}: another file is in the place of this review's journal, or another program "
                f"has changed it. It is left as it is. {_KEPT}"
            )

    def _write(self, entry: Entry) -> None:
        line = json.dumps(entry, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            with self.path.open("xb" if self._bytes is None else "r+b") as file:
                if self._bytes is not None:
                    self._check_content(file)  # once more: making the line may have taken a while
                try:
                    file.truncate(self._good_bytes)
                    file.seek(self._good_bytes)
                    file.write(line)
                    file.flush()
                except OSError:
                    with contextlib.suppress(OSError):
                        file.truncate(self._good_bytes)
                    raise
                finally:
                    self._bytes = file.seek(0, os.SEEK_END)
        except OSError as error:
            raise CropzoomError(
                f"{self.path}: the edit could not be kept ({error.strerror or error}). "
                "Make room or give access, then do it again."
            ) from error
        self._good_bytes += len(line)
        self._tail = line[-TAIL:]
        if self._sync is None or self._sync.running() or self._sync.done():
            self._sync = self._syncer.submit(self._keep)

    def _keep(self) -> None:
        """Have the disk keep what was written; one sync covers all lines before it."""
        with contextlib.suppress(OSError), self.path.open("rb+") as file:
            os.fsync(file.fileno())


def _what_is_there(path: Path) -> tuple[int, int | None, bytes]:
    """Bytes of whole lines, all bytes (None without a file), and the end of the last whole line."""
    try:
        size_of(path)
        data = path.read_bytes()
    except OSError:
        return 0, None, b""
    good = data.rfind(b"\n") + 1
    return good, len(data), data[:good][-TAIL:]
