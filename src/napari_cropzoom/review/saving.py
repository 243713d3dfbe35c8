"""Writing the reviewed boxes, in a thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import BoxTrack, Review, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import doubtful_frames
from napari_cropzoom.core.smoothing.leaving import frames_left
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.belonging import images_of, sign
from napari_cropzoom.files.review_paths import (
    file_sha256,
    is_labels,
    reviewed_csv,
    save_final,
    why_set_aside,
)
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.saved_files import SavedFiles, Stamp, stamp_of
from napari_cropzoom.review.stored import write_raw
from napari_cropzoom.review.tracks import Revision, Tracks


@dataclass(frozen=True)
class PendingSave:
    """The reviewed boxes of every track that has any, at one revision; :meth:`write` may run in a thread.

    Attributes
    ----------
    video : Path
    entries : tuple of ReviewedTrack
        They may be edited meanwhile.
    copies : tuple of ReviewedTrack
        Those are not.
    revision : Revision
        Of the review, to tell whether something has changed since.
    told : str
        Which tracks are left out since they have no boxes, and which ``metadata.json`` is set aside;
        empty if none is.
    wait : callable
        Returns when what was to be written before is on disk.
    stamps : dict of Path to Stamp
        Of the files of final boxes, once they are written, and in their order:
    hashes : list of str
    """

    video: Path
    entries: tuple[ReviewedTrack, ...]
    copies: tuple[ReviewedTrack, ...]
    revision: Revision
    told: str
    wait: Callable[[], None]
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, video: Path, tracks: Tracks, wait: Callable[[], None]) -> PendingSave:
        """Copy what can change.

        Raises
        ------
        CropzoomError
            If no track has boxes, or nobody has said where those of a track are to lie.
        """
        entries = tracks.with_boxes
        if not entries:
            raise CropzoomError("There are no boxes yet; make, load or draw some first.")
        for entry in entries:
            if entry.raw_csv is None:
                raise CropzoomError(
                    f"Nobody has said where the boxes of {entry.track.name!r} are to lie. Say it with "
                    "`session.draw_into(FILE)` before the first box."
                )
        if is_labels(video):
            _check_complete(video, entries)
        left_out = _left_out(video, [each for each in tracks.entries.values() if not each.has_boxes])
        aside = (why_set_aside(each.raw_csv, video) for each in entries if each.raw_csv is not None)
        told = " ".join(filter(None, (left_out, *dict.fromkeys(aside))))
        copies = tuple(entry.copy() for entry in entries)
        return cls(video, tuple(entries), copies, tracks.revision, told, wait)

    def warn(self) -> None:
        """Warn of what is left out or set aside, in the name of who called `.session.Session.save`."""
        if self.told:
            warnings.warn(self.told, stacklevel=3)

    def target(self, name: str) -> Path:
        """CSV of the final boxes of a track, or of the first if that one is left out."""
        entry = next((each for each in self.entries if each.track.name == name), self.entries[0])
        assert entry.raw_csv is not None
        return reviewed_csv(entry.raw_csv, self.video)

    @property
    def saved_files(self) -> SavedFiles:
        """What was written."""
        return SavedFiles(self.revision, self.stamps)

    def write(self) -> Path:
        """Write raw boxes that are not on disk yet, final boxes and ``metadata.json`` of every track.

        Returns
        -------
        Path
            The CSV of the first track's final boxes.

        Raises
        ------
        CropzoomError
            If a file cannot be written; those of the other tracks are.
        """
        self.wait()
        targets, failed = list[Path](), dict[str, CropzoomError]()
        for entry, copy in zip(self.entries, self.copies, strict=True):
            try:
                targets.append(self._write(entry, copy))
            except CropzoomError as error:
                failed[copy.track.name] = error
        if failed:
            raise _not_all(failed, len(targets))
        return targets[0]

    def _write(self, entry: ReviewedTrack, copy: ReviewedTrack) -> Path:
        write_raw(entry, self.video)
        assert entry.raw_csv is not None
        final = copy.final_boxes(self.revision.fill)
        summary = self._summary(entry.raw_csv, copy.track)
        images = images_of(self.video)
        target = save_final(entry.raw_csv, self.video, final, self.revision.smoothing, summary, images)
        sign(target, self.video)
        self.hashes.append(file_sha256(target))
        if (stamp := stamp_of(target)) is not None:
            self.stamps[target] = stamp
        return target

    def _summary(self, raw_csv: Path, track: BoxTrack) -> dict[str, Any]:
        doubtful = doubtful_frames(track.boxes) & (track.review < Review.ACCEPTED)
        return {
            "raw": raw_csv.name,
            "track": track.name,
            "method": self.revision.smoothing.method,
            "window": self.revision.smoothing.window,
            "manual": track.manual_frames().tolist(),
            "absent": np.flatnonzero(track.source == Source.ABSENT).tolist(),
            "filled": np.flatnonzero(track.is_missing).tolist(),
            "fill": self.revision.fill,
            "left": frames_left(track.boxes, self.revision.smoothing, track.is_manual, doubtful),
        }


def _not_all(failed: dict[str, CropzoomError], n_saved: int) -> CropzoomError:
    """Say which of several tracks could not be saved, and why; of a single one why alone."""
    if len(failed) == 1 and not n_saved:
        return next(iter(failed.values()))
    why = " ".join(f"{name!r} could not be saved: {error}" for name, error in failed.items())
    return CropzoomError(f"{why} {counted(n_saved, 'other track')} {verb(n_saved, 'were')} saved.")


def _check_complete(labels: Path, entries: Sequence[ReviewedTrack]) -> None:
    """Refuse images without a box: their neighbours say nothing of where the animal is."""
    for entry in entries:
        missing = np.flatnonzero(entry.track.is_missing)
        if len(missing):
            some = ", ".join(map(str, missing[:8].tolist())) + (", ..." if len(missing) > 8 else "")
            raise CropzoomError(
                f"{labels.name}: {counted(len(missing), 'image')} {verb(len(missing), 'have')} no box "
                f"(image {some}). Draw one in each, then save."
            )


def _left_out(video: Path, entries: list[ReviewedTrack]) -> str:
    """Say which tracks have no boxes, and that what was saved of them before is older."""
    if not entries:
        return ""
    older = [
        str(file)
        for each in entries
        if each.raw_csv is not None and (file := reviewed_csv(each.raw_csv, video)).exists()
    ]
    told = f"Left out, since there is no box: {', '.join(repr(each.track.name) for each in entries)}."
    return told + (f" What was saved before stays: {', '.join(older)}." if older else "")
