"""The journal of a review: one JSON object a line, appended as things happen, never rewritten.

``bboxes_reviewed/<stem>_journal.jsonl`` beside the raw boxes. Every line has a key ``do``:

``begin``      version, video, n_frames
``track``      name, raw (relative to the raw boxes' folder), sha256, source, color, sizing: a track
               is new, or has new raw boxes
``rename``     old, new
``remove``     name
``edit``       label and changes: track, first, count and what became of the frames. ``boxes``, ``source``
               and ``review`` are left out where they stayed; boxes are rows x, y, w, h (null where
               missing) or, when many, base64 of zlib of little-endian float64; the others are pairs of
               value and run length
``undo``, ``redo``  count
``smoothing``  method, window
``fill``       how
``saved``      the reviewed boxes on disk are those of this moment
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from napari_cropzoom.core.boxes import BoxTrack, FloatArray, Snapshot
from napari_cropzoom.core.edits import Change, Edit, Tracks
from napari_cropzoom.core.errors import CropzoomError

VERSION = 2
PLAIN_ROWS = 8  # more boxes than this are packed
Entry = dict[str, Any]


class Journal:
    """Takes one file for this process alone and appends to it; a last line that was cut off is dropped.

    Lines are written in a thread, in order; :meth:`append` waits until its line has left the process
    unless something heavy is before it, and the disk is told to keep it (fsync) right after.

    Parameters
    ----------
    path : Path
        Of the journal; folder and file come with the first line.

    Attributes
    ----------
    locked_out : str
        Why nothing can be written, e.g. because another window has this review open; empty if it can.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.locked_out = ""
        self._made: list[Path] = []
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
        self._take_lock(path)
        self._good_bytes = _whole_lines(path)
        self._writer = ThreadPoolExecutor(1, "journal")
        self._syncer = ThreadPoolExecutor(1, "journal-sync")
        self._last: Future[None] | None = None
        self._sync: Future[None] | None = None
        self._heavy: Future[None] | None = None
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
            If this or an earlier line could not be written.
        """
        written = self._submit(lambda: self._write(entry))
        if self._heavy is None or self._heavy.done():
            self._last = None
            written.result()

    def append_later(self, make: Callable[[], Entry]) -> None:
        """Write a line that takes a while to make, without waiting; lines after it wait for it."""
        self._heavy = self._submit(lambda: self._write(make()))

    def flush(self) -> None:
        """Wait until everything is on the disk.

        Raises
        ------
        CropzoomError
            If a line could not be written.
        """
        for pending in (self._last, self._sync):
            if pending is not None:
                pending.result()

    def restart(self) -> None:
        """Forget the lines that were there; the file has been moved away."""
        self.flush()
        self._good_bytes = 0

    def close(self) -> None:
        """Finish writing and let others have the file; closing twice is harmless."""
        if self._is_closed:
            return
        self._is_closed = True
        self._writer.shutdown(wait=True)
        self._syncer.shutdown(wait=True)
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()
            with contextlib.suppress(OSError):
                for folder in self._made:
                    folder.rmdir()  # only if nothing was written to it

    # ---- inside --------------------------------------------------------------------------------

    def _take_lock(self, path: Path) -> None:
        try:
            missing = [each for each in (path.parent, *path.parent.parents) if not each.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made = missing
            self._lock.acquire(timeout=0)
        except Timeout:
            self.locked_out = (
                "This review is open in another window, so it is read-only here. "
                "Close the other window and open the boxes again to edit them."
            )
        except OSError as error:
            self.locked_out = (
                f"{path.parent} cannot be written to ({error.strerror or error}), so this review is "
                "read-only. Copy the boxes to a folder of your own to edit them."
            )

    def _submit(self, work: Callable[[], None]) -> Future[None]:
        if self.locked_out:
            raise CropzoomError(self.locked_out)
        before, self._last = self._last, None
        if before is not None and before.done():
            before.result()
        self._last = self._writer.submit(work)
        return self._last

    def _write(self, entry: Entry) -> None:
        line = json.dumps(entry, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                if self._good_bytes != file.tell():
                    file.truncate(self._good_bytes)
                file.write(line)
        except OSError as error:
            raise CropzoomError(
                f"{self.path}: the edit could not be kept ({error.strerror or error}). "
                "Make room or give access, then do it again."
            ) from error
        self._good_bytes += len(line)
        if self._sync is None or self._sync.running() or self._sync.done():
            self._sync = self._syncer.submit(self._keep)

    def _keep(self) -> None:
        """Have the disk keep what was written; one sync covers all lines before it."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb+") as file:
            os.fsync(file.fileno())


def read_journal(path: Path) -> tuple[list[Entry], int]:
    """Lines of a journal and the number of bytes that are whole lines; nothing if there is no file.

    Raises
    ------
    CropzoomError
        If a line before the last cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    *lines, torn = data.split(b"\n")
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            entry["do"]
        except (ValueError, KeyError, TypeError) as error:
            raise broken(path, number, error) from error
        entries.append(entry)
    return entries, len(data) - len(torn)


def _whole_lines(path: Path) -> int:
    """Bytes of a journal up to the end of its last whole line; what follows was cut off."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    return data.rfind(b"\n") + 1


def broken(path: Path, line: int, error: Exception) -> CropzoomError:
    """Error for a line that makes no sense."""
    return CropzoomError(
        f"{path}, line {line}: not a line of a review's journal ({error}). Move the file away to start "
        "the review anew; the reviewed boxes beside it stay as they are."
    )


def encode_edit(edit: Edit) -> Entry:
    """Line for an edit; it says what the frames became, not what they were."""
    return {"do": "edit", "label": edit.label, "changes": [_encode(one) for one in edit.changes]}


def decode_edit(entry: Entry, tracks: Tracks) -> Edit:
    """Edit of a line, on tracks that are in the state of that moment.

    Raises
    ------
    CropzoomError, KeyError, ValueError, TypeError
        If the line does not fit the tracks.
    """
    changes = tuple(_decode(one, tracks[one["track"]]) for one in entry["changes"])
    if not changes:
        raise ValueError("an edit without changes")
    return Edit(str(entry["label"]), changes)


def _encode(change: Change) -> Entry:
    before, after = change.before, change.after
    entry: Entry = {"track": change.track, "first": change.first, "count": len(after)}
    same = after.boxes is before.boxes or np.array_equal(after.boxes, before.boxes, equal_nan=True)
    if not same:
        entry["boxes"] = _encode_boxes(after.boxes)
    for name in ("source", "review"):
        new, old = getattr(after, name), getattr(before, name)
        if new is not old and not np.array_equal(new, old):
            entry[name] = _run_lengths(new)
    return entry


def _decode(entry: Entry, track: BoxTrack) -> Change:
    first, count = int(entry["first"]), int(entry["count"])
    before = track.snapshot(first, first + count - 1)
    boxes = _decode_boxes(entry["boxes"]) if "boxes" in entry else before.boxes
    states = [_expand(entry[n]) if n in entry else getattr(before, n) for n in ("source", "review")]
    if not len(boxes) == len(states[0]) == len(states[1]) == count:
        raise ValueError("boxes, source and review differ in length")
    return Change(track.name, first, before, Snapshot(boxes, *states))


def _encode_boxes(boxes: FloatArray) -> str | list[list[float | None]]:
    if len(boxes) > PLAIN_ROWS:
        packed = zlib.compress(np.ascontiguousarray(boxes, "<f8").tobytes(), 1)
        return base64.b64encode(packed).decode()
    return [[None if np.isnan(v) else v for v in row] for row in boxes.tolist()]


def _decode_boxes(data: str | list[list[float | None]]) -> FloatArray:
    if isinstance(data, str):
        raw = zlib.decompress(base64.b64decode(data, validate=True))
        return np.frombuffer(raw, "<f8").astype(np.float64).reshape(-1, 4)
    return np.array(data, np.float64).reshape(-1, 4)  # null becomes NaN


def _run_lengths(values: np.ndarray) -> list[list[int]]:
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    counts = np.diff(np.concatenate([starts, [len(values)]]))
    return [[int(values[s]), int(n)] for s, n in zip(starts, counts, strict=True)]


def _expand(pairs: list[list[int]]) -> np.ndarray:
    if len(pairs) == 1:  # nearly always; ten thousand lines are to be read in a moment
        [[value, count]] = pairs
        return np.full(int(count), int(value) & 0xFF, np.uint8)
    values, counts = np.array(pairs, np.int64).reshape(-1, 2).T
    return np.repeat(values.astype(np.uint8), counts)
