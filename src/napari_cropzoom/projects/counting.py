"""Suspects, edits and frames looked at in a review on disk."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, Review, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.journal_lines import parse_line
from napari_cropzoom.files.parsing import MISSHAPEN, size_of
from napari_cropzoom.files.provenance import MadeWith, read_video_predictions
from napari_cropzoom.files.review_paths import journal_file, own_place_of, reviewed_csv
from napari_cropzoom.review.keypoints import Keypoints, Kind
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.review.suspects import Suspects
from napari_cropzoom.video.container import opened

FrameSize = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Counted:
    """What a review on disk comes to.

    Attributes
    ----------
    n_frames, n_missing, n_seen, n_edits, n_animals : int
        Frames of the video, those without a box and those a person has looked at (of all animals),
        edits in force, animals that have boxes.
    suspects, suspects_left : int
        Of all animals, without a look at the pixels; those of the pose too, where its boxes are these.
    has_saved, is_saved : bool
        Whether final boxes were saved, and whether they are those of the last edit.
    is_smoothed : bool
    is_of_others : bool
        Whether the raw boxes are not those that were reviewed.
    final : ndarray, (T, 4)
        Final boxes of the first animal, if they were saved.
    """

    n_frames: int
    n_missing: int
    n_seen: int
    n_edits: int
    n_animals: int
    suspects: int
    suspects_left: int
    has_saved: bool
    is_saved: bool
    is_smoothed: bool
    is_of_others: bool
    final: FloatArray


def count(
    raw: Path, video: Path, predictions: Path | None, size: FrameSize | None, pose: Path | None = None
) -> Counted:
    """Read boxes and their review, and count what is odd in them.

    Parameters
    ----------
    raw, video : Path
    predictions : Path or None
        Keypoints of the detector, which are evidence.
    size : (int, int) or None
        Width and height of the frame in pixels, where they are known.
    pose : Path or None
        Keypoints of the pose model in the first animal's boxes, which say where a box may cut it off;
        those of further animals are found beside theirs.

    Raises
    ------
    CropzoomError
        If the boxes or the review cannot be read.
    """
    source = Source.IMPORTED if predictions is None else Source.DETECTED
    stored = read_review(raw, _n_frames(raw), source, allow_missing=True, video=video)
    tracks = stored.tracks
    left, done = _suspects(stored, predictions, pose, size)
    entries = tracks.with_boxes
    final = reviewed_csv(raw, video)
    is_saved = final.is_file() and stored.saved_files.state(tracks, video) is OnDisk.SAME
    if final.is_file() and not stored.exists:
        is_saved = True  # nothing says what they were made of: saved in another folder, or copied
    boxes = (
        read_bbox_csv(final, tracks.n_frames, allow_missing=True) if final.is_file() else np.empty((0, 4))
    )
    method = SMOOTHING_METHODS.get(tracks.smoothing.method)
    seen = [np.isin(each.track.review, (Review.ACCEPTED, Review.EDITED)).sum() for each in entries]
    return Counted(
        n_frames=tracks.n_frames,
        n_missing=sum(each.track.n_missing for each in entries),
        n_seen=int(sum(seen)),
        n_edits=len(tracks.history),
        n_animals=len(entries),
        suspects=left + done,
        suspects_left=left,
        has_saved=final.is_file(),
        is_saved=is_saved,
        is_smoothed=final.is_file() and method is not None and method.filter is not None,
        is_of_others=bool(stored.changed),
        final=boxes,
    )


def frame_size_of(record: MadeWith | None, video: Path) -> FrameSize | None:
    """Width and height by the record of predictions, or else by the header of the video; or None."""
    if record is not None:
        size = record.video.get("width"), record.video.get("height")
        if isinstance(size[0], int) and isinstance(size[1], int):
            return size[0], size[1]
    with contextlib.suppress(CropzoomError), opened(video) as (_, stream):
        return int(stream.codec_context.width), int(stream.codec_context.height)
    return None


def _suspects(
    stored: StoredReview, predictions: Path | None, pose: Path | None, size: FrameSize | None
) -> tuple[int, int]:
    """How many suspects are open, and how many are settled."""
    tracks = stored.tracks
    keypoints = Keypoints(tracks.n_frames, tracks)
    given: list[tuple[Kind, Path | None, str]] = [("detector", predictions, ""), ("pose", pose, "")]
    for name, entry in [*tracks.entries.items()][1:]:
        if pose is not None and entry.raw_csv is not None:
            given.append(("pose", own_place_of(pose, entry.raw_csv), name))
    for kind, path, name in given:
        if path is not None and (path.is_file() or not name):
            with contextlib.suppress(CropzoomError):
                keypoints.put(kind, read_video_predictions(path, tracks.n_frames), name)
    suspects = Suspects(tracks, keypoints, size)
    left = done = 0
    for name in list(tracks):
        tracks.current = name
        opened_, settled = suspects.entries()
        left, done = left + len(opened_), done + len(settled)
    return left, done


def _n_frames(raw: Path) -> int:
    """Frames by the first line of the journal, or else by the rows of the boxes."""
    journal = journal_file(raw)
    with contextlib.suppress(OSError, CropzoomError, *MISSHAPEN):
        size_of(journal)
        with journal.open("rb") as file:
            frames = parse_line(journal, 1, file.readline(1_000_000).rstrip(b"\n"))["n_frames"]
        if isinstance(frames, int) and frames > 0:
            return frames
    return len(read_bbox_csv(raw, allow_missing=True, faults="skip"))
