"""The lines of a journal, read back, and the edits in them; somebody else may have written them.

Nothing is unpacked to more than the frames it is for. See :mod:`.journal` for the lines.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import (
    BoolArray,
    BoxTrack,
    FloatArray,
    Review,
    Snapshot,
    Source,
    as_boxes,
)
from napari_cropzoom.core.editing.edits import Change, Edit, Tracks
from napari_cropzoom.core.editing.settings import RawBoxes, Settings, SettingsEdit, SizingEdit
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.runs import mask_of, runs
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.files.parsing import MISSHAPEN, parse_json, size_of

VERSION = 2
PLAIN_ROWS = 8  # more boxes than this are packed
BEYOND = 1e12  # pixels; no box is farther away or larger, however it came to be
MOST_BYTES = 2_000_000_000
HIGHEST = {"source": max(Source), "review": max(Review)}
ROW_BYTES = 32
_NUMBERS = ("crop_ratio", "crop_size", "min_likelihood")
_DECODER = json.JSONDecoder()

Entry = dict[str, Any]


def read_lines(path: Path) -> tuple[list[bytes], int]:
    """Whole lines of a journal and the number of bytes they are; nothing if there is no file.

    Raises
    ------
    CropzoomError
        If the file cannot be read, or is larger than any journal.
    """
    try:
        size = size_of(path)
        if size > MOST_BYTES:
            raise broken(path, 1, ValueError(f"{size / 1e9:.1f} GB, more than a journal can have"))
        data = path.read_bytes()
    except FileNotFoundError as error:
        if not os.path.islink(path):
            return [], 0
        raise CropzoomError(
            f"{path}: is a link to {brief(os.readlink(path))}, which is not there. Bring that file back, "
            "or move the link away to begin a new review."
        ) from error
    except OSError as error:
        cure = "Check the drive and your access."
        if path.exists() and not path.is_file():
            cure = "Move it away to begin a new review."
        raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}). {cure}") from error
    *lines, torn = data.split(b"\n")
    return lines, len(data) - len(torn)


def parse_line(path: Path, number: int, line: bytes) -> Entry:
    """Content of line ``number`` of a journal.

    Raises
    ------
    CropzoomError
        If it makes no sense.
    """
    try:
        text = line.decode()
        entry, end = _DECODER.raw_decode(text)  # quicker than json.loads
        if end != len(text):
            entry = parse_json(text)
        entry["do"]
    except MISSHAPEN as error:
        raise broken(path, number, error) from error
    result: Entry = entry
    return result


def read_journal(path: Path) -> tuple[list[Entry], int]:
    """All lines of a journal, parsed, and the number of bytes they are; nothing if there is no file.

    Raises
    ------
    CropzoomError
        If the file cannot be read, or a line before the last makes no sense.
    """
    lines, size = read_lines(path)
    return [parse_line(path, number, line) for number, line in enumerate(lines, 1)], size


def broken(path: Path, line: int, error: Exception) -> CropzoomError:
    """Error for a line that makes no sense."""
    return CropzoomError(
        f"{path}, line {line}: not a line of a review's journal ({brief(error)}). Move the file away to "
        "begin a new review; the reviewed boxes beside it stay as they are."
    )


def encode_edit(edit: Edit, *, with_raw: bool = True) -> Entry:
    """Line for an edit; it says what became of frames or settings, not what they were.

    ``with_raw`` has the line of other raw boxes say what they were too, because no line before does.
    """
    if isinstance(edit, SettingsEdit):
        entry: Entry = {"do": "setting", "label": edit.label}
        if edit.becomes.smoothing != edit.was.smoothing:
            entry["smoothing"] = dataclasses.asdict(edit.becomes.smoothing)
        if edit.becomes.fill != edit.was.fill:
            entry["fill"] = edit.becomes.fill
        return entry
    if isinstance(edit, SizingEdit):
        was = {"was": _encode_raw(edit.was)} if with_raw else {}
        becomes = _encode_raw(edit.becomes)
        return {"do": "sizing", "label": edit.label, "track": edit.track, **was, "becomes": becomes}
    return {"do": "edit", "label": edit.label, "changes": [_encode(one) for one in edit.changes]}


def decode_edit(entry: Entry, tracks: Tracks) -> Edit:
    """Edit of a line, on tracks that are in the state of that moment.

    Raises
    ------
    CropzoomError, KeyError, ValueError, TypeError, OverflowError, zlib.error
        If the line does not fit the tracks.
    """
    changes = tuple([_decode(one, tracks[one["track"]]) for one in entry["changes"]])
    if not changes:
        raise ValueError("an edit without changes")
    return Edit(str(entry["label"]), changes)


def decode_settings(entry: Entry, settings: Settings) -> SettingsEdit:
    """Edit of a line ``setting``, where ``settings`` are in force.

    Raises
    ------
    CropzoomError, KeyError, ValueError, TypeError, OverflowError
        If the line makes no sense.
    """
    smoothing, fill = settings.smoothing, settings.fill
    if "smoothing" in entry:
        content = entry["smoothing"]
        smoothing = SmoothingSettings(str(content["method"]), int(content["window"]))
    if "fill" in entry:
        fill = str(entry["fill"])
    return SettingsEdit.between(settings, Settings(smoothing, fill), str(entry["label"]))


def decode_raw(content: Entry, n_frames: int) -> RawBoxes:
    """Raw boxes in a line ``sizing``.

    Raises
    ------
    CropzoomError, KeyError, ValueError, TypeError, OverflowError, zlib.error
        If they are none, or of another number of frames.
    """
    boxes = as_boxes(_decode_boxes(content["boxes"], n_frames))
    sizing = decode_sizing(content["sizing"])
    return RawBoxes(
        boxes, Source(content["source"]), decode_mask(content["interpolated"], n_frames), sizing
    )


def decode_sizing(content: dict[str, Any] | None) -> SizingSettings | None:
    """How boxes were made of keypoints.

    Raises
    ------
    KeyError, ValueError, TypeError, OverflowError
        If it makes no sense.
    """
    if content is None:
        return None
    anchors = tuple(map(str, content["anchor_keypoints"]))
    numbers = {name: None if content.get(name) is None else float(content[name]) for name in _NUMBERS}
    try:
        made = SizingSettings(**{**content, **numbers, "anchor_keypoints": anchors})
        return (
            made if made.crop_size is None else dataclasses.replace(made, crop_size=int(made.crop_size))
        )
    except CropzoomError as error:
        raise ValueError(str(error)) from error


def decode_mask(ranges: Any, n_frames: int) -> BoolArray:
    """(n_frames,) bool of ranges in their order, of which none overlap.

    Raises
    ------
    ValueError, TypeError
        If they are not.
    """
    before = -1
    for first, last in ranges:
        if not before < first <= last < n_frames:
            raise ValueError("frames that are interpolated are not in order")
        before = last
    return mask_of(ranges, n_frames)


def _encode_raw(raw: RawBoxes) -> Entry:
    return {
        "sizing": dataclasses.asdict(raw.sizing) if raw.sizing else None,
        "source": int(raw.source),
        "interpolated": runs(raw.interpolated),
        "boxes": _encode_boxes(raw.boxes),
    }


def _encode(change: Change) -> Entry:
    after = change.after
    entry: Entry = {"track": change.track, "first": change.first, "count": len(after)}
    if not change.keeps("boxes"):
        entry["boxes"] = _encode_boxes(after.boxes)
    if not change.keeps("source"):
        entry["source"] = _run_lengths(after.source)
    if not change.keeps("review"):
        entry["review"] = _run_lengths(after.review)
    return entry


def _decode(entry: Entry, track: BoxTrack) -> Change:
    first, count = int(entry["first"]), int(entry["count"])
    before = track.snapshot(first, first + count - 1)
    boxes = _decode_boxes(entry["boxes"], count) if "boxes" in entry else before.boxes
    source = _expand(entry["source"], count, "source") if "source" in entry else before.source
    review = _expand(entry["review"], count, "review") if "review" in entry else before.review
    return Change(track.name, first, before, Snapshot(boxes, source, review))


def _encode_boxes(boxes: FloatArray) -> str | list[list[float | None]]:
    if len(boxes) > PLAIN_ROWS:
        packed = zlib.compress(np.ascontiguousarray(boxes, "<f8").tobytes(), 1)
        return base64.b64encode(packed).decode()
    return [[None if np.isnan(v) else v for v in row] for row in boxes.tolist()]


def _decode_boxes(data: str | list[list[float | None]], count: int) -> FloatArray:
    if isinstance(data, str):
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(data, validate=True), count * ROW_BYTES + 1)
        if len(raw) != count * ROW_BYTES or not unpacker.eof:
            raise ValueError("boxes of another number of frames")
        boxes = np.frombuffer(raw, "<f8").astype(np.float64).reshape(-1, 4)
        is_box = (np.abs(boxes) <= BEYOND).all(axis=1)
        if not (is_box | np.isnan(boxes).all(axis=1)).all():
            raise ValueError("a box that is none")
        return boxes
    if len(data) != count or not all(map(_is_row, data)):
        raise ValueError("a box that is none, or boxes of another number of frames")
    return np.array(data, np.float64)  # null becomes NaN


def _is_row(row: list[float | None]) -> bool:
    """Whether a row is four nulls or a box; without numpy, since many lines are read in a moment."""
    x, y, w, h = row
    if x is None:
        return y is None and w is None and h is None
    if y is None or w is None or h is None:
        return False
    low, high = -BEYOND, BEYOND
    return low <= x <= high and low <= y <= high and low <= w <= high and low <= h <= high


def _run_lengths(values: np.ndarray) -> list[list[int]]:
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    counts = np.diff(np.concatenate([starts, [len(values)]]))
    return [[int(values[s]), int(n)] for s, n in zip(starts, counts, strict=True)]


def _expand(pairs: list[list[int]], count: int, name: str) -> NDArray[np.uint8]:
    """(count,) uint8 from pairs of value and run length; not to be written to."""
    if len(pairs) == 1:  # nearly always
        [[value, length]] = pairs
        if length != count or not 0 <= value <= HIGHEST[name]:
            raise ValueError(f"a {name} that is none, or of another number of frames")
        return _constant(int(value), count)
    values, counts = np.array(pairs, np.int64).reshape(-1, 2).T
    if counts.min() < 0 or counts.max() > count or counts.sum() != count:
        raise ValueError(f"{name} of another number of frames")
    if values.min() < 0 or values.max() > HIGHEST[name]:
        raise ValueError(f"a {name} that is none")
    return np.repeat(values.astype(np.uint8), counts)


@lru_cache(64)
def _constant(value: int, count: int) -> NDArray[np.uint8]:
    """One array for all edits of the same state and length."""
    array = np.full(count, value, np.uint8)
    array.flags.writeable = False
    return array
