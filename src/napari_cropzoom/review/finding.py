"""Finds the reviews of a video that lie on disk, and says what is in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import Review, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.review_paths import REVIEW_DIR, journal_file
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.stored import read_review

PREDICTIONS_DIR = "video_preds"
MOST = 200  # folders that are looked into


@dataclass(frozen=True)
class FoundReview:
    """A review on disk.

    Attributes
    ----------
    raw_csv : Path
        The raw boxes; the review lies beside them.
    changed_at : datetime
        When it was last written, by an edit or by saving, in local time.
    n_frames, n_edits : int
        Frames of the video, edits in force.
    n_manual, n_seen : int
        Frames whose box was set by hand, and frames that were accepted or edited, of all animals.
    n_animals : int
    is_saved : bool
        Whether the reviewed boxes on disk are those of the last edit.
    is_of_others : bool
        Whether the raw boxes on disk are not those that were reviewed.
    n_seen_of : mapping of str to int
        ``n_seen`` of each animal by its name, where that is known.
    """

    raw_csv: Path
    changed_at: datetime
    n_frames: int
    n_edits: int
    n_manual: int
    n_seen: int
    n_animals: int
    is_saved: bool
    is_of_others: bool = False
    n_seen_of: Mapping[str, int] = field(default_factory=dict)

    @property
    def model_dir(self) -> Path | None:
        """Folder of the model whose keypoints the boxes are put round; None where there is none."""
        folder = self.raw_csv.parent
        return folder.parent if folder.name == PREDICTIONS_DIR else None

    @property
    def place(self) -> str:
        """Where the boxes lie, in a word or two: the model's name, or that of their folder."""
        return (self.model_dir or self.raw_csv.parent).name

    def describe(self) -> str:
        """What is there, when it was left and how far it is, for a person."""
        parts = [counted(self.n_edits, "edit"), counted(self.n_manual, "box") + " set by hand"]
        if self.n_animals > 1:
            parts.insert(0, counted(self.n_animals, "animal"))
        when = f"{self.changed_at:%Y-%m-%d %H:%M}"
        return f"A review of the boxes in {self.place}: {', '.join(parts)}; {self._seen}. " + (
            f"Last edited or saved {when}."
            if self.is_saved
            else f"Last edited {when}, and not saved for other programs since."
        )

    def how_far(self) -> str:
        """The same in a line, for those who have been told of its edits."""
        when = f"{self.changed_at:%Y-%m-%d %H:%M}"
        return f"{self._seen}, {self.n_manual} set by hand; as of {when}."

    @property
    def _seen(self) -> str:
        each = [f"{count} ({name})" for name, count in self.n_seen_of.items()]
        seen = " and ".join(each) if len(each) > 1 else str(self.n_seen)
        return f"{seen} of {counted(self.n_frames, 'frame')} accepted or changed"


def find_reviews(
    video: Path, results: Path | None, models: Iterable[Path], also: Iterable[Path]
) -> list[Path]:
    """Look where the reviews of a video usually lie; a matter of milliseconds.

    Parameters
    ----------
    video : Path
    results : Path or None
        Folder for what is made of this video, None for the usual places.
    models : iterable of Path
        Folders of models that have been used before.
    also : iterable of Path
        Raw boxes whose review is known from before.

    Returns
    -------
    list of Path
        Raw boxes that have a review, that edited last first.
    """
    folders = [folder for root in (results, video.parent) if root is not None for folder in _below(root)]
    folders += [model / PREDICTIONS_DIR for model in (*models, *_models_near(video))]
    found = [raw for raw in also if raw.is_file() and journal_file(raw).is_file()]
    for folder in folders:
        if (folder / REVIEW_DIR / f"{video.stem}_journal.jsonl").is_file():
            found += [raw for raw in _raw_in(folder, video.stem) if raw.is_file()][:1]
    by_journal = {real_path(journal_file(raw)): raw for raw in reversed(found)}
    return sorted(by_journal.values(), key=lambda raw: -journal_file(raw).stat().st_mtime)


def find_models(video: Path) -> list[Path]:
    """Model folders in the Lightning Pose project that a video lies in; a matter of milliseconds."""
    return [model for model in _models_near(video) if (model / "config.yaml").is_file()]


def read_found(raw_csv: Path, video: Path, n_frames: int, frame_size: FrameSize) -> FoundReview | None:
    """Read what a review holds, for a thread; None where it is of another video or has no edit.

    Raises
    ------
    CropzoomError
        If the review is broken.
    """
    changed_at = datetime.fromtimestamp(journal_file(raw_csv).stat().st_mtime)
    stored = read_review(
        raw_csv, n_frames, Source.IMPORTED, allow_missing=True, frame_size=frame_size, video=video
    )
    tracks = list(stored.tracks.values())
    seen = [int(np.isin(track.review, (Review.ACCEPTED, Review.EDITED)).sum()) for track in tracks]
    if not len(stored.tracks.history):
        return None
    return FoundReview(
        raw_csv=raw_csv,
        changed_at=changed_at,
        n_frames=n_frames,
        n_edits=len(stored.tracks.history),
        n_manual=sum(len(track.manual_frames()) for track in tracks),
        n_seen=sum(seen),
        n_animals=len(tracks),
        is_saved=stored.saved_files.state(stored.tracks, video) is OnDisk.SAME,
        is_of_others=bool(stored.changed),
        n_seen_of=dict(zip(stored.tracks, seen, strict=True)),
    )


def read_all_found(
    raws: Iterable[Path], video: Path, n_frames: int, frame_size: FrameSize
) -> tuple[list[FoundReview], list[str]]:
    """:func:`read_found` of several; also what a person should know of those that cannot be read."""
    found, notes = list[FoundReview](), list[str]()
    for raw in raws:
        try:
            review = read_found(raw, video, n_frames, frame_size)
        except (CropzoomError, OSError) as error:
            notes.append(str(error))
            continue
        if review is not None:
            found.append(review)
    return found, notes


def _models_near(video: Path) -> list[Path]:
    """Folders in which the project of a video may have models: the video's folder is one, or in one."""
    folders = list[Path]()
    for project in dict.fromkeys((video.parent, video.parent.parent)):
        with contextlib.suppress(OSError):
            folders += [*sorted(project.glob("models/*")), *sorted(project.glob("outputs/*/*"))]
    return folders[:MOST]


def _below(root: Path) -> list[Path]:
    """A folder, and those in it that boxes are put into."""
    folders = [root]
    with contextlib.suppress(OSError):
        folders += sorted(each for each in root.glob("bboxes_*") if each.name != REVIEW_DIR)[:MOST]
        folders += sorted(root.glob(f"*/{PREDICTIONS_DIR}"))[:MOST]
    return folders


def _raw_in(folder: Path, stem: str) -> tuple[Path, ...]:
    return folder / f"{stem}_bbox.csv", folder / f"{stem}.csv"
