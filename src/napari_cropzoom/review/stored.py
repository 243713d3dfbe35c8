"""A review as it lies on disk: reading it back, and the lines of its journal that say what a track is."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_cropzoom.core.boxes import BoxTrack, Source
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.garbage import collecting_later
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.core.runs import runs
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.bbox_csv import write_exact_bbox_csv
from napari_cropzoom.files.belonging import check_identity, check_made_of, images_of, sign
from napari_cropzoom.files.formats.written import read_confidence, write_confidence
from napari_cropzoom.files.journal_lines import (
    VERSION,
    Entry,
    broken,
    parse_line,
    read_lines,
)
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.parsing import MISSHAPEN
from napari_cropzoom.files.review_paths import file_sha256, journal_file, review_dir
from napari_cropzoom.review.replay import Replay, interpolated_beside, read_raw, reviewed
from napari_cropzoom.review.reviewed_track import BoxLikelihood, ReviewedTrack
from napari_cropzoom.review.saved_files import SavedFiles
from napari_cropzoom.review.tracks import FIRST_TRACK, Tracks

WhenChanged = Literal["carry", "refuse", "afresh"]


class RawChangedError(CropzoomError):
    """The raw boxes are not those that were reviewed; the caller decides what of it."""


@dataclass
class StoredReview:
    """Raw boxes and the review of them as they lie on disk.

    Attributes
    ----------
    raw_csv : Path
    tracks : Tracks
        With the edits in force applied; the first is that of ``raw_csv``.
    changed : list of str
        Tracks whose raw file is not the one that was reviewed; their edits were carried over.
    saved_files : SavedFiles
        Files of final boxes that hold what the journal comes to; none if they hold anything else.
    exists : bool
        Whether there is a journal at all.
    notes : list of str
        What a person should know of the files of boxes, such as rows that are no box.
    """

    raw_csv: Path
    tracks: Tracks
    changed: list[str] = field(default_factory=list)
    saved_files: SavedFiles = field(default_factory=SavedFiles)
    exists: bool = False
    notes: list[str] = field(default_factory=list)

    def choose(self, changed: WhenChanged) -> tuple[Tracks, bool]:
        """Tracks to go on with, and whether they are in the state of the journal's last line.

        Parameters
        ----------
        changed : {"carry", "refuse", "afresh"}
            If the raw boxes are not those that were reviewed: carry the edits over to them, raise
            :class:`RawChangedError`, or begin a new review (the old journal is set aside).
        """
        if self.changed and changed == "refuse":
            raise RawChangedError(self.changes())
        if self.exists and not (self.changed and changed == "afresh"):
            return self.tracks, True
        return self.tracks.without_edits(), False

    def changes(self) -> str:
        """Say which raw boxes are not those that were reviewed."""
        files = ", ".join(str(self.tracks.entries[name].raw_csv) for name in self.changed)
        return f"{files}: the raw boxes have changed since they were reviewed."

    def told(self, goes_on: bool) -> str:
        """What a person should know of the boxes, and of the review where it goes on."""
        return " ".join(filter(None, [*self.notes, self._resumed()] if goes_on else self.notes))

    def _resumed(self) -> str:
        count = len(self.tracks.history)
        if self.changed:
            return f"{self.changes()} {counted(count, 'edit')} {verb(count, 'were')} carried over."
        return f"Review resumed: {counted(count, 'edit')}." if count else ""


def write_raw(entry: ReviewedTrack, video: Path) -> None:
    """Write the raw boxes of a track, and their confidence, if they are not on disk yet.

    Raises
    ------
    CropzoomError
        If the file cannot be written, or there are boxes of another video.
    """
    if entry.raw_csv is not None and not entry.sha256:
        check_made_of(entry.raw_csv, video)
        write_exact_bbox_csv(entry.raw_csv, entry.track.raw, images_of(video))
        sign(entry.raw_csv, video)
        write_confidence(entry.raw_csv, entry.confidence)
        entry.sha256 = file_sha256(entry.raw_csv)


def track_line(entry: ReviewedTrack, folder: Path, name: str, video: Path) -> Entry:
    """Line of the journal in ``folder`` for a track of this name; writes the raw boxes if need be.

    An animal added without any leaves no file: its hash is then empty.
    """
    assert entry.raw_csv is not None
    if not entry.begins_empty or review_dir(entry.raw_csv) == folder:
        write_raw(entry, video)
    return {
        "do": "track",
        "name": name,
        "raw": _relative(entry.raw_csv, folder),
        "sha256": entry.sha256,
        "source": int(entry.track.raw_source),
        "color": entry.color,
        "sizing": dataclasses.asdict(entry.sizing) if entry.sizing else None,
        "interpolated": runs(entry.track.interpolated),
    }


def read_review(
    raw_csv: Path,
    n_frames: int,
    source: Source,
    *,
    allow_missing: bool = False,
    frame_size: FrameSize | None = None,
    video: Path | None = None,
) -> StoredReview:
    """Read raw boxes and the review of them, if there is one; touches nothing, fit for a thread.

    Parameters
    ----------
    raw_csv : Path
    n_frames : int
        Frames of the video.
    source : Source
        What the raw boxes are, where no review says.
    allow_missing : bool
        Accept frames without a box, and rows that are no box as such.
    frame_size : (int, int), optional
        Width and height of the video in pixels, see :mod:`napari_cropzoom.core.plausible`.
    video : Path, optional
        The video, to refuse what was made of another one of this name.

    Raises
    ------
    CropzoomError
        If the boxes are not of this video, the journal is broken, or a track's boxes are not there.
    """
    if video is not None:
        check_made_of(raw_csv, video)
    images = None if video is None else images_of(video)
    boxes, notes = read_raw(raw_csv, n_frames, frame_size, allow_missing=allow_missing, images=images)
    sha256 = file_sha256(raw_csv)
    path = journal_file(raw_csv)
    lines, _ = read_lines(path)
    review = StoredReview(raw_csv, Tracks(n_frames), exists=bool(lines), notes=notes)
    if not lines:
        guessed = interpolated_beside(raw_csv, source, n_frames)
        track = BoxTrack(boxes, FIRST_TRACK, source, guessed)
        review.tracks.replace_all([reviewed(track, raw_csv, review.tracks, sha256)])
        _take_likelihoods(review)
        return review
    _check_head(path, parse_line(path, 1, lines[0]), n_frames, video)
    replay = Replay(path, lines, review.tracks, raw_csv, (boxes, sha256), frame_size, images)
    with collecting_later():  # there are no cycles among edits
        for number, line in enumerate(lines[1:], 2):
            try:
                replay.take(parse_line(path, number, line))
            except (*MISSHAPEN, zlib.error) as error:
                raise broken(path, number, error) from error
    is_saved = replay.is_saved
    replay.finish()
    review.changed = replay.changed
    if is_saved and not review.changed and video is not None:
        review.saved_files = SavedFiles.read(review.tracks, video, replay.hashes)
    review.notes += replay.notes
    if not replay.has_tracks:
        raise broken(path, 1, ValueError("no track follows"))
    _take_likelihoods(review)
    return review


def _take_likelihoods(review: StoredReview) -> None:
    """Read how sure another program is of its boxes, where that lies beside them."""
    for entry in review.tracks.entries.values():
        if entry.raw_csv is not None and entry.track.raw_source == Source.IMPORTED:
            values, told = read_confidence(entry.raw_csv, len(entry.track))
            review.notes += [told] if told else []
            if values is not None:
                entry.likelihoods = (BoxLikelihood(entry.track.raw, values),)


def _relative(path: Path, folder: Path) -> str:
    """Path as seen from a folder, with slashes; absolute where there is no way (another drive)."""
    place = real_path(path.parent) / path.name  # a link's own name: it may lead into a store of contents
    try:
        return Path(os.path.relpath(place, real_path(folder))).as_posix()
    except ValueError:
        return place.as_posix()


def _check_head(path: Path, head: Entry, n_frames: int, video: Path | None) -> None:
    try:
        version, frames = head["version"], int(head["n_frames"])
    except MISSHAPEN as error:
        raise broken(path, 1, error) from error
    cure = "Move the file away to begin a new review; the reviewed boxes beside it stay as they are."
    if version != VERSION:
        raise CropzoomError(
            f"{path}: written by another version of napari-cropzoom ({brief(version)}). {cure}"
        )
    if frames != n_frames:
        raise CropzoomError(
            f"{path}: belongs to a video with another number of frames ({brief(frames)}; this one has "
            f"{n_frames}). {cure}"
        )
    identity = head.get("made_of")
    if identity is not None and not isinstance(identity, dict):
        raise broken(path, 1, TypeError("what it was made of is no object"))
    if video is not None and identity is not None:
        with contextlib.suppress(OSError):
            check_identity(path, identity, video)
