"""Whether the files of final boxes hold what the review shows: told from the files themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv, read_bbox_of
from napari_cropzoom.files.belonging import images_of
from napari_cropzoom.files.review_paths import file_sha256, reviewed_csv
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.tracks import Revision, Tracks

Stamp = tuple[int, int]
"""Bytes of a file, and nanoseconds of its last change."""


class OnDisk(Enum):
    """What the files of final boxes hold, compared with the review."""

    NOTHING = "no file"
    OTHER = "other boxes"
    SAME = "these boxes"


@dataclass(frozen=True)
class SavedFiles:
    """Files of final boxes that are known to hold one revision of a review.

    Attributes
    ----------
    revision : Revision or None
        None if no files are known to.
    stamps : mapping of Path to Stamp
        Of these files; one that has another stamp now was written by somebody else since.
    """

    revision: Revision | None = None
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)

    @classmethod
    def read(cls, tracks: Tracks, video: Path, hashes: Sequence[str]) -> SavedFiles:
        """Look at the files of a review that was saved last as it is now; fit for a thread.

        Parameters
        ----------
        tracks : Tracks
        video : Path
        hashes : sequence of str
            Of the files as they were saved, in the order of the tracks that have boxes; none if that is
            not known, and the boxes themselves are compared.
        """
        found = final_files(tracks, video)
        if hashes and len(hashes) != len(found):
            return cls()
        stamps = {}
        for number, (entry, path) in enumerate(found):
            stamp = stamp_of(path)
            if stamp is None or not _holds(
                path, entry, tracks.fill, hashes[number] if hashes else "", video
            ):
                return cls()
            stamps[path] = stamp
        return cls(tracks.revision, stamps)

    def state(self, tracks: Tracks, video: Path) -> OnDisk:
        """Compare with a review as it is now, at the cost of looking for one file a track."""
        now = {path: stamp_of(path) for _, path in final_files(tracks, video)}
        if not any(now.values()):
            return OnDisk.NOTHING
        is_same = tracks.revision == self.revision and now == self.stamps
        return OnDisk.SAME if is_same else OnDisk.OTHER


def final_files(tracks: Tracks, video: Path) -> list[tuple[ReviewedTrack, Path]]:
    """Every track that has boxes, and where its final boxes lie or will lie."""
    return [
        (entry, reviewed_csv(entry.raw_csv, video))
        for entry in tracks.with_boxes
        if entry.raw_csv is not None
    ]


def stamp_of(path: Path) -> Stamp | None:
    """Stamp of a file, None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _holds(path: Path, entry: ReviewedTrack, fill: str, sha256: str, video: Path) -> bool:
    """Whether a file is the one with this hash or, where that is not known, holds the final boxes."""
    try:
        if sha256:
            return file_sha256(path) == sha256
        images = images_of(video)
        held = read_bbox_csv(path, len(entry.track)) if images is None else read_bbox_of(path, images)
        return np.array_equal(held, entry.final_boxes(fill))
    except (CropzoomError, OSError):
        return False
