"""A file of another program, from what it is to tracks: the one way in."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from xml.parsers.expat import ExpatError

import numpy as np

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, doubt_of
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.doubts import doubts
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideFormat,
    OutsideRows,
    VideoFacts,
)
from napari_cropzoom.files.formats.to_tracks import ImportedTrack, ImportedTracks, to_tracks
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS

OVERRULES = {"centre": "corner", "fraction": "unit"}
"""Names of ``--format`` that say how a table of boxes is meant."""
MOST_RUNS = 5
BROKEN = (
    *UNREADABLE_ARRAYS,
    ArithmeticError,
    LookupError,
    struct.error,
    csv.Error,
    ExpatError,
    AssertionError,
    StopIteration,
)
_GUESSED = ("json", "xml", "text")  # kinds by the first letter only: other texts begin so too


@dataclass(frozen=True, eq=False)
class Imported:
    """A file that was understood.

    Attributes
    ----------
    path : Path
    format : OutsideFormat
    settled : ImportedTracks
    notes : tuple of str
        What a person should know.
    """

    path: Path
    format: OutsideFormat
    settled: ImportedTracks
    notes: tuple[str, ...]

    def told(self) -> list[str]:
        """How the file was understood, a line each: format, animals, frames, units, gaps, confidence."""
        return [
            f"{self.path.name}: {self.format.label}, {counted(len(self.settled.tracks), 'animal')}",
            f"frames: numbered from {self.settled.first_frame}",
            self._told_of_boxes(),
            *map(told_of_track, self.settled.tracks),
        ]

    def _told_of_boxes(self) -> str:
        settled = self.settled
        if settled.source == "points":
            return f"boxes: {settled.side:g} x {settled.side:g} pixels round the points of the file"
        if settled.source == "keypoints":
            return "boxes: put round the keypoints of the file, as create_bbox does"
        corner = "the top-left corner" if settled.corner == "corner" else "the centre"
        are = "are taken as" if settled.is_corner_assumed else "are"
        unit = settled.unit.replace("fractions", "fractions of the frame")
        return f"boxes: x, y {are} {corner}, in {unit}"


def format_names() -> list[str]:
    """What ``--format`` takes."""
    return [*(each.name for each in OUTSIDE), *OVERRULES]


def recognise(path: Path) -> OutsideFormat:
    """Return the format of a file, by its content.

    Raises
    ------
    CropzoomError
        If it is none that is known.
    """
    content = Content(path)
    try:
        found = next((each for each in OUTSIDE if each.recognises(content)), None)
    except BROKEN as error:
        raise CropzoomError(
            f"{path}: is damaged, so what it is cannot be told ({brief(error)}). Copy or export it again."
        ) from error
    if found is not None:
        return found
    if content.kind in ("pickle", "npy"):
        raise CropzoomError(
            f"{path}: is a Python pickle or an array of one, which can run code when it is opened, so it "
            "is not. "
            "Export it as HDF5 or CSV (idtracker.ai: trajectories.h5 or trajectories_csv)."
        )
    names = ", ".join(each.name for each in OUTSIDE)
    kind = "" if content.kind in _GUESSED else f" ({content.kind})"
    raise CropzoomError(
        f"{path}: no known format{kind}. If it is one of these, name it with --format: {names}."
    )


@dataclass(frozen=True, eq=False)
class Understood:
    """What a file says, before it is put to the frames of a video.

    Attributes
    ----------
    path : Path
    format : OutsideFormat
    said : OutsideRows
    """

    path: Path
    format: OutsideFormat
    said: OutsideRows


def understand(
    path: Path, video: VideoFacts, options: ImportOptions | None = None, format_name: str | None = None
) -> Understood:
    """Read what a file says; parameters and errors as of :func:`read_outside`."""
    if video.file:
        check_made_of(path, Path(video.file), GIVE_OTHERS)
    wanted = "csv" if format_name in OVERRULES else format_name
    chosen = recognise(path) if wanted is None else format_by_name(wanted)
    with _in_words(path, chosen.label):
        said = chosen.read(path, video, options or ImportOptions())
        told = filter(None, (doubt_of(path), *said.notes, *doubts(path, said)))
        return Understood(path, chosen, replace(said, notes=tuple(told)))


def settled(found: Understood, video: VideoFacts, options: ImportOptions) -> Imported:
    """Put what a file says to the frames of a video; errors as of :func:`read_outside`."""
    notes = list(found.said.notes)
    with _in_words(found.path, found.format.label):
        tracks = to_tracks(found.path, found.said, video, options, notes.append)
    return Imported(found.path, found.format, tracks, tuple(dict.fromkeys(notes)))


def read_outside(
    path: Path, video: VideoFacts, options: ImportOptions | None = None, format_name: str | None = None
) -> Imported:
    """Read a file of another program into one track an animal.

    Parameters
    ----------
    path : Path
        A file, or the folder that the other program wrote.
    video : VideoFacts
    options : ImportOptions, optional
    format_name : str, optional
        One of :func:`format_names`, instead of what is recognised.

    Raises
    ------
    CropzoomError
        If the file cannot be read as such, holds nothing, does not fit the video or is known to be of
        another one, or leaves open what has to be known.
    """
    options = options or ImportOptions()
    if format_name == "centre":
        options = replace(options, corner="centre")
    elif format_name == "fraction":
        options = replace(options, unit="fractions")
    return settled(understand(path, video, options, format_name), video, options)


@contextmanager
def _in_words(path: Path, label: str) -> Iterator[None]:
    """Have errors of a reader name the file, and say what to do."""
    try:
        yield
    except CropzoomError as error:
        if str(path) in str(error):
            raise
        raise CropzoomError(f"{path}: {error}") from error
    except BROKEN as error:
        raise CropzoomError(
            f"{path}: cannot be read as {label} ({brief(error)}). Export it again, or name what it is "
            "with --format."
        ) from error


def format_by_name(name: str) -> OutsideFormat:
    """Return a format by its name.

    Raises
    ------
    CropzoomError
        If there is none of that name.
    """
    for each in OUTSIDE:
        if each.name == name:
            return each
    raise CropzoomError(f"There is no format {name!r}. Choose one of: {', '.join(format_names())}.")


def told_of_track(track: ImportedTrack) -> str:
    """Name, boxes, gaps and confidence of an animal in a line."""
    missing = track.is_missing
    told = f"{track.name}: {counted(int((~missing).sum()), 'box')} in {counted(len(missing), 'frame')}"
    if missing.any():
        told += f", missing in {_runs(missing)}"
    known = track.confidence[np.isfinite(track.confidence)]
    if len(known):
        told += f"; confidence {known.min():.2f} to {known.max():.2f}"
    return told


def _runs(missing: BoolArray) -> str:
    """Frames in words: ``20 to 29, 40``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    runs: Iterable[tuple[int, int]] = zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)
    told = [f"{first}" if first == last else f"{first} to {last}" for first, last in runs]
    more = f" and {counted(len(told) - MOST_RUNS, 'more gap')}" if len(told) > MOST_RUNS else ""
    return ", ".join(told[:MOST_RUNS]) + more
