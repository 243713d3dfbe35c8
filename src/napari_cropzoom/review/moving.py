"""Keeping a review in another folder, e.g. because its own has gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_exact_bbox_csv
from napari_cropzoom.files.names import name_key
from napari_cropzoom.files.review_paths import file_sha256, journal_file, set_aside
from napari_cropzoom.review.recorder import JournalRecorder
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.tracks import Tracks


def move_review(tracks: Tracks, journal: JournalRecorder, folder: Path) -> None:
    """Write raw boxes, edits and undone edits of all tracks into a folder, and go on there.

    What lies in the folder before stays where it is.

    Parameters
    ----------
    tracks : Tracks
        Their ``raw_csv`` is in ``folder`` afterwards.
    journal : JournalRecorder
    folder : Path
        Made if need be.

    Raises
    ------
    CropzoomError
        If there are no boxes, the folder has other boxes under these names, or it cannot be written
        to. The review is then kept where it was.
    """
    first = tracks.first.raw_csv
    if first is None:
        raise CropzoomError("There are no boxes yet; make, load or draw some first.")
    entries = list(tracks.entries.values())
    before = [(entry.raw_csv, entry.sha256) for entry in entries]
    used: set[str] = set()
    try:
        for entry in entries:
            place = folder.absolute() / _place(entry, first, used)
            is_needed = entry is entries[0] or bool(entry.sha256) or not entry.begins_empty
            entry.raw_csv, entry.sha256 = place, _put_raw(entry, place) if is_needed else ""
        assert tracks.first.raw_csv is not None
        journal.move(tracks.first.raw_csv, tracks)
    except (CropzoomError, OSError) as error:
        for entry, (raw_csv, sha256) in zip(entries, before, strict=True):
            entry.raw_csv, entry.sha256 = raw_csv, sha256
        if isinstance(error, CropzoomError):
            raise
        raise CropzoomError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def claim_place(entry: ReviewedTrack, read_from: Path | None) -> None:
    """Have a new track's raw boxes to itself: a file that lies where they will be written is set aside.

    Parameters
    ----------
    entry : ReviewedTrack
    read_from : Path or None
        Where its boxes come from; they stay there if that is the track's own place.

    Raises
    ------
    CropzoomError
        If it belongs to another review, or cannot be moved.
    """
    raw_csv = entry.raw_csv
    if raw_csv is None or not raw_csv.exists():
        return
    if raw_csv == read_from:
        entry.sha256 = file_sha256(raw_csv)
        return
    if journal_file(raw_csv).exists():
        raise CropzoomError(f"{raw_csv}: has a review of its own. Choose another name for the track.")
    set_aside(raw_csv)


def _place(entry: ReviewedTrack, first: Path, used: set[str]) -> Path:
    """Where a track's raw boxes belong, relative to those of the first track; a folder not yet used."""
    raw_csv = entry.raw_csv or first
    if entry.raw_csv is not None and raw_csv.is_relative_to(first.parent):
        place = raw_csv.relative_to(first.parent)
    else:
        place = Path(entry.track.name, raw_csv.name)
    number = 1
    while name_key(str(place.parent)) in used:
        number += 1
        place = Path(f"{entry.track.name} {number}", raw_csv.name)
    used.add(name_key(str(place.parent)))
    return place


def _put_raw(entry: ReviewedTrack, place: Path) -> str:
    """Have the raw boxes of a track at a place, fractions of pixels included; returns the file's hash."""
    raw = entry.track.raw
    if place.exists():
        if not np.array_equal(read_bbox_csv(place, len(raw), allow_missing=True), raw, equal_nan=True):
            raise CropzoomError(f"{place}: there are other boxes in this folder. Choose another folder.")
    else:
        write_exact_bbox_csv(place, raw)
    return file_sha256(place)
