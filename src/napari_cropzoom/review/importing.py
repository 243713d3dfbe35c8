"""Boxes of another program in a review: one of their own, in place of others, or as more animals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.settings import RawBoxes
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.to_tracks import ImportedTrack
from napari_cropzoom.files.formats.written import write_confidence, write_imported
from napari_cropzoom.files.names import folder_name, name_key
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.review.moving import claim_place
from napari_cropzoom.review.reviewed_track import BoxLikelihood, own_place
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import StoredReview, read_review, write_raw
from napari_cropzoom.review.tracks import FIRST_TRACK

Where = Literal["own", "replace", "add"]
"""A review of their own, in the place of the current animal's boxes, or more animals of this review."""
MOST_TOLD = 3
HALF = 0.5  # pixels; the file has whole ones


@dataclass(frozen=True, eq=False)
class ReadyImport:
    """Imported tracks whose review can begin.

    Attributes
    ----------
    stored : StoredReview
        Of the first of them.
    tracks : tuple of ImportedTrack
    goes_on : bool
        Whether a review of just these is there already.
    """

    stored: StoredReview
    tracks: tuple[ImportedTrack, ...]
    goes_on: bool


def make_ready(
    tracks: Sequence[ImportedTrack], results: Path, format_name: str, video: Path, size: tuple[int, int]
) -> ReadyImport:
    """Write the first track as raw boxes, where no others are; fit for a thread.

    They go to ``bboxes_<format>/<video>_bbox.csv`` in ``results``, or the next such folder that is free.
    Where the same boxes are there from before, their review goes on.

    Parameters
    ----------
    tracks : sequence of ImportedTrack
    results : Path
    format_name : str
    video : Path
    size : (int, int)
        Width and height of the video.

    Raises
    ------
    CropzoomError
        If the files cannot be written.
    """
    n_frames = len(tracks[0].boxes)
    for table in _places(results, format_name, video):
        goes_on = table.exists()
        if goes_on and not _has(table, tracks, video, size):
            continue
        if goes_on:
            folders = [table.parent, *(table.parent / name for name in _names(tracks)[1:])]
            for track, folder in zip(tracks, folders, strict=True):
                write_confidence(folder / table.name, track.confidence)
        else:
            write_imported(table, video, tracks[0])
        stored = read_review(
            table, n_frames, Source.IMPORTED, allow_missing=True, frame_size=size, video=video
        )
        goes_on = goes_on and stored.exists
        if not goes_on:
            _put_between(stored, tracks, video)
        return ReadyImport(stored, tuple(tracks), goes_on)
    raise AssertionError


def _put_between(stored: StoredReview, tracks: Sequence[ImportedTrack], video: Path) -> None:
    """Add all tracks but the first, which is there, and the last, with which the journal begins."""
    names = _names(tracks)
    if len(names) == 1:
        return
    stored.tracks.rename(next(iter(stored.tracks)), names[0])
    for track, name in zip(tracks[1:-1], names[1:-1], strict=True):
        entry = stored.tracks.new(name, track.boxes, confidence=track.confidence)
        claim_place(entry, None)
        write_raw(entry, video)
        stored.tracks.add(entry)


def begin(session: Session, ready: ReadyImport) -> str:
    """Take the review of imported tracks; returns what a person should know of it."""
    said = session.take_review(ready.stored)
    if ready.goes_on:
        return said
    names = _names(ready.tracks)
    if len(names) > 1:
        last = ready.tracks[-1]
        session.add_track(names[-1], last.boxes, confidence=last.confidence)
    elif names[0] != FIRST_TRACK:
        session.rename_track(session.current, names[0])
    session.select_track(names[0])
    return " ".join(filter(None, (said, told_of(ready.tracks))))


def add_animals(session: Session, tracks: Sequence[ImportedTrack]) -> str:
    """Add imported tracks as animals of the review; returns what a person should know of them."""
    for track, name in zip(tracks, _names(tracks, session.tracks), strict=True):
        session.add_track(name, track.boxes, confidence=track.confidence)
    return told_of(tracks)


def replace_boxes(session: Session, track: ImportedTrack, label: str, place: Path) -> str:
    """Put an imported track in the place of the current one's raw boxes, as one edit.

    Parameters
    ----------
    session : Session
    track : ImportedTrack
    label : str
        Of the edit.
    place : Path
        Where the boxes are to lie from now on, see :func:`free_place`.
    """
    boxes = track.boxes.copy()
    boxes.flags.writeable = False
    raw = RawBoxes(boxes, Source.IMPORTED, np.zeros(len(boxes), bool), None)
    session.tracks.entry.likelihoods += (BoxLikelihood(boxes, track.confidence),)
    session.editing.try_boxes(session.current, raw, place, label)
    session.editing.settle()
    session.suspects.forget()
    return told_of([track])


def free_place(results: Path, format_name: str, video: Path) -> Path:
    """Where boxes can lie that are in the place of others."""
    return next(each for each in _places(results, format_name, video) if not each.exists())


def folder_for(session: Session, where: Where, results: Path, format_name: str) -> Path:
    """Folder that imported boxes go into; those of more animals into one of each animal's name in it.

    A review of their own goes on in a folder where the same boxes lie already.
    """
    first = session.tracks.first.raw_csv
    if where == "add" and first is not None:
        return first.parent
    place = free_place(results, format_name, session.video.path)
    if where == "replace":
        place = own_place(session.tracks.entries, session.current, place) or place
    return place.parent


def told_of(tracks: Sequence[ImportedTrack]) -> str:
    """Say what is left to do, such as ``brown has no box in 2 frames: fill them in the review``."""
    gaps = [(track.name, int(track.is_missing.sum())) for track in tracks]
    told = [f"{name} has no box in {counted(n, 'frame')}" for name, n in gaps if n]
    more = f", and {counted(len(told) - MOST_TOLD, 'more animal')}" if len(told) > MOST_TOLD else ""
    return f"{', '.join(told[:MOST_TOLD])}{more}: such frames are suspects." if told else ""


def _places(results: Path, format_name: str, video: Path) -> Iterable[Path]:
    """Tables that boxes of a format may be written to, the usual one first."""
    for number in count(1):
        folder = results / f"bboxes_{format_name}{'' if number == 1 else f'_{number}'}"
        table = folder / f"{video.stem}_bbox.csv"
        if table.exists() or not journal_file(table).exists():
            yield table


def _has(table: Path, tracks: Sequence[ImportedTrack], video: Path, size: tuple[int, int]) -> bool:
    """Whether the review of a table is of just these tracks."""
    n_frames = len(tracks[0].boxes)
    try:
        there = read_review(
            table, n_frames, Source.IMPORTED, allow_missing=True, frame_size=size, video=video
        )
    except CropzoomError:
        return False
    raws = [track.raw for track in there.tracks.values()]
    if len(raws) != len(tracks) or (len(tracks) > 1 and list(there.tracks) != _names(tracks)):
        return False
    return all(
        np.allclose(raw, track.boxes, rtol=0, atol=HALF, equal_nan=True)
        for raw, track in zip(raws, tracks, strict=True)
    )


def _names(tracks: Sequence[ImportedTrack], taken: Iterable[str] = ()) -> list[str]:
    """Names of animals that name folders too, each only once."""
    used = {name_key(name) for name in taken}
    names: list[str] = []
    for track in tracks:
        name = folder_name(track.name)
        number = 2
        while name_key(name) in used:
            name, number = f"{folder_name(track.name)} {number}", number + 1
        used.add(name_key(name))
        names.append(name)
    return names
