"""Everything that a report says, gathered from a video, its boxes, their review and its keypoints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, BoxTrack, FloatArray, Review, Source
from napari_cropzoom.core.editing.settings import Settings, is_changed
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.accepted import acceptances_of, by_gesture, without_accepted
from napari_cropzoom.core.inspection.inspection import DEFAULT_AMOUNT, Suspect, at_least, rank, ranked
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.inspection.posed import found_in_others, told_of_others, with_posed
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage, part_of
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
from napari_cropzoom.export.report.numbers import EditFacts, edits_of, seen
from napari_cropzoom.files.atomic import naming
from napari_cropzoom.files.belonging import GIVE_OTHERS, check_made_of, read_predictions_of
from napari_cropzoom.files.provenance import MadeWith, made_with_path, read_made_with
from napari_cropzoom.files.review_paths import REVIEW_DIR, journal_file, own_place_of, reviewed_csv, stem
from napari_cropzoom.review.inspecting.inspector import Inspected, Inspector
from napari_cropzoom.review.reviewed_track import ReviewedTrack
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.review.suspects import lost_frames, over
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.judge import note_odd

PIECE = 2**24  # bytes of a file that are hashed at a time
PARTS = 100  # that the work is counted in
LOOKING = 0.9  # of the time that gathering takes, for the look at the pixels
OPEN, ACCEPTED, CORRECTED, CLEARED = "open", "found right", "corrected", "no suspect any more"
"""What became of a suspect."""


@dataclass(frozen=True)
class ReportSettings:
    """What a report is to be made of, and what it is to say.

    Attributes
    ----------
    video, boxes : Path
        The video and its raw boxes; the review lies beside these.
    before, after : Path or None
        Keypoints of the detector (by default those beside the boxes), and of the pose model in the first
        animal's boxes; those of further animals are found beside theirs.
    pixels : bool
        Look at the pixels for suspects too, as the window does.
    amount : float
        How many suspects, 0 none to 1 everything odd.
    pictures : int
        How many suspects to show.
    who : str
        Name of the reviewer, to be said.
    when : bool
        Say when the report was made, and the journal was written last.
    paths : bool
        Say in which folders the files lie.
    """

    video: Path
    boxes: Path
    before: Path | None = None
    after: Path | None = None
    pixels: bool = True
    amount: float = DEFAULT_AMOUNT
    pictures: int = 6
    who: str = ""
    when: bool = False
    paths: bool = False


@dataclass(frozen=True)
class Outcome:
    """A suspect of the raw boxes and what became of it."""

    suspect: Suspect
    what: str


@dataclass(frozen=True, eq=False)
class TrackFacts:
    """One animal.

    Attributes
    ----------
    track : BoxTrack
        Raw boxes, and these with the edits.
    final : ndarray, (T, 4)
    sizing : SizingSettings or None
    suspects : list of Outcome
        The highest score first.
    new : list of Suspect
        What is suspicious in the corrected boxes and was not in the raw ones.
    edits : list of EditFacts
    changed : ndarray, (T,) bool
        Frames whose box is not the raw one, smoothing aside.
    n_others : int
        Frames whose keypoints after were found in another box than the final one.
    """

    track: BoxTrack
    final: FloatArray
    sizing: SizingSettings | None
    suspects: list[Outcome]
    new: list[Suspect]
    edits: list[EditFacts]
    changed: BoolArray
    n_others: int = 0

    @property
    def of_animal(self) -> FloatArray:
        """(T, 4) the final boxes, NaN in frames marked as without an animal: those boxes are filled."""
        boxes: FloatArray = np.where((self.track.source == Source.ABSENT)[:, None], np.nan, self.final)
        return boxes

    @property
    def in_suspects(self) -> int:
        """Frames that lie in a suspect."""
        mask = np.zeros(len(self.track), bool)
        for each in self.suspects:
            mask[each.suspect.first : each.suspect.last + 1] = True
        return int(mask.sum())

    def with_outcome(self, what: str) -> list[Outcome]:
        """Suspects of which this became."""
        return [each for each in self.suspects if each.what == what]

    def frames_of(self, source: Source) -> int:
        """Frames whose box, after the edits, is of a source."""
        return int(np.count_nonzero(self.track.source == source))


@dataclass(frozen=True)
class FileFacts:
    """A file and what identifies it."""

    what: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, eq=False)
class ReviewFacts:
    """Everything a report says.

    Attributes
    ----------
    asked : ReportSettings
    index : VideoIndex
    settings : Settings
        Smoothing and filling.
    tracks : list of TrackFacts
        Those that have boxes.
    before, after : Poses or None
        Keypoints; frames that no network has seen are NaN.
    models : dict of str to MadeWith
        What made them, by ``before`` and ``after``, where that is recorded.
    files : list of FileFacts
    saved : OnDisk
        What the files of final boxes hold.
    reviewed : bool
        Whether there is a review at all.
    notes : list of str
        What the reader should know.
    made, touched : datetime or None
        When the report was made and the journal written last, if that is to be said.
    """

    asked: ReportSettings
    index: VideoIndex
    settings: Settings
    tracks: list[TrackFacts]
    before: Poses | None
    after: Poses | None
    models: dict[str, MadeWith]
    files: list[FileFacts]
    saved: OnDisk
    reviewed: bool
    notes: list[str] = field(default_factory=list)
    made: datetime | None = None
    touched: datetime | None = None

    @property
    def n_others(self) -> int:
        """Frames of all animals whose keypoints after were found in another box than the final one."""
        return sum(each.n_others for each in self.tracks)


def gather(asked: ReportSettings) -> Stage[ReviewFacts]:
    """Read everything, look at the pixels, hash the files.

    Raises
    ------
    CropzoomError
        If a file cannot be read or is of another video.
    """
    _refuse_final(asked.boxes)
    index = VideoIndex.scan(asked.video, look=True)
    check_made_of(asked.boxes, asked.video, GIVE_OTHERS)
    stored = read_review(
        asked.boxes, index.n_frames, Source.IMPORTED, allow_missing=True,
        frame_size=(index.width, index.height), video=asked.video,
    )  # fmt: skip
    notes = list(stored.notes)
    if stored.changed:
        notes.append(stored.changes())
    if not stored.exists:
        notes.append("These boxes were not reviewed: there is no journal of a review beside them.")
    given = _keypoint_files(asked)
    poses = dict[str, Poses]()
    for which, path in given.items():
        found, told = read_predictions_of(path, index.n_frames, asked.video, GIVE_OTHERS)
        poses[which] = seen(found)
        notes.extend([told.replace(str(path), path.name)] if told else [])
    for name, path in _poses_of_others(asked, stored).items():
        found, _ = read_predictions_of(path, index.n_frames, asked.video, GIVE_OTHERS)
        poses[f"of {name}"] = seen(found)
    note_odd(index)
    motion = (yield from _look(asked, index, notes)) if asked.pixels else None
    names = [entry.track.name for entry in stored.tracks.with_boxes]
    tracks = [_facts_of(stored, name, poses, motion, index, asked.amount) for name in names]
    if not tracks:
        raise CropzoomError(f"{asked.boxes}: no frame has a box, so there is nothing to report.")
    for each in tracks:
        of = f"{each.track.name}: " if len(tracks) > 1 else ""
        notes.extend([of + told] if (told := told_of_others(each.n_others, index.n_frames)) else [])
    before = LOOKING if asked.pixels else 0.0
    hashing = _hashed(list(_files(asked, stored, given)))
    files = yield from part_of(hashing, before, 1 - before, PARTS, "parts")
    made = {which: read_made_with(made_with_path(path)) for which, path in given.items()}
    journal = journal_file(asked.boxes)
    return ReviewFacts(
        asked,
        index,
        stored.tracks.settings,
        tracks,
        poses.get("before"),
        poses.get("after"),
        {which: record for which, record in made.items() if record is not None},
        files,
        stored.saved_files.state(stored.tracks, asked.video),
        stored.exists,
        notes,
        datetime.now(UTC) if asked.when else None,
        _time_of(journal) if asked.when and stored.exists else None,
    )


def _refuse_final(boxes: Path) -> None:
    if boxes.parent.name == REVIEW_DIR:
        raise CropzoomError(
            f"{boxes}: are the final boxes of a review. Give the raw ones in {boxes.parent.parent}."
        )


def _keypoint_files(asked: ReportSettings) -> dict[str, Path]:
    beside = asked.boxes.with_name(f"{stem(asked.boxes)}.csv")
    before = asked.before or (beside if beside.is_file() and beside != asked.boxes else None)
    return {
        which: path for which, path in (("before", before), ("after", asked.after)) if path is not None
    }


def _poses_of_others(asked: ReportSettings, stored: StoredReview) -> dict[str, Path]:
    """Keypoints that the same pose model has found in the boxes of further animals, by their names."""
    others = stored.tracks.with_boxes if asked.after is not None else []
    own = {
        each.track.name: own_place_of(asked.after, each.raw_csv)
        for each in others
        if each is not stored.tracks.first and each.raw_csv is not None and asked.after is not None
    }
    return {name: path for name, path in own.items() if path.is_file()}


def _look(asked: ReportSettings, index: VideoIndex, notes: list[str]) -> Stage[Motion | None]:
    if index.n_frames < LEAST_FRAMES:
        return None
    try:
        return (yield from part_of(pixel_evidence(asked.video, index), 0.0, LOOKING, PARTS, "parts"))
    except CameraMovesError as error:
        notes.append(str(error).replace(str(asked.video), asked.video.name))
        return None


def _facts_of(
    stored: StoredReview,
    name: str,
    poses: Mapping[str, Poses],
    motion: Motion | None,
    index: VideoIndex,
    amount: float,
) -> TrackFacts:
    tracks = stored.tracks
    entry = tracks.entries[name]
    track = entry.track
    size = (index.width, index.height)
    others = {other: each.raw for other, each in tracks.items() if other != name}
    anchors = entry.sizing.anchor_keypoints if entry.sizing else ()
    evidence = poses.get("before") if entry is tracks.first else None
    pose, smoothing = poses.get("after" if entry is tracks.first else f"of {name}"), tracks.smoothing
    about = (anchors, size, motion, others)
    inspected = Inspector(track, evidence, *about, pose=pose, smoothing=smoothing)()
    left, settled = inspected.queue.entries(track, amount)
    raw = at_least(ranked(inspected.queue.inspection.suspects), amount)
    lost = lost_frames(index.damage, len(track))
    done = {*settled, *(each for each in lost if _is_settled(each, track))}
    found = over(lost, raw)
    posed, posed_done = _posed(inspected, entry, amount)
    still = with_posed([each for each in found if each not in done], posed)
    edited = [each for each in still if _became(each, track) == CORRECTED]  # its rest is among the new
    rest, accepted = without_accepted([each for each in still if each not in edited], track.review)
    still = [*edited, *rest]
    closed = [*(each for each in found if each in done), *posed_done, *accepted]
    closed = by_gesture(closed, track.review, acceptances_of(tracks.history, name))
    outcomes = [
        *(Outcome(each, OPEN) for each in still),
        *(Outcome(each, _became(each, track)) for each in closed),
    ]
    return TrackFacts(
        track,
        entry.final_boxes(tracks.settings.fill),
        entry.sizing,
        sorted(outcomes, key=lambda each: rank(each.suspect)),
        [each for each in left if not any(_meet(each, other) for other in still)],
        edits_of(tracks.history, name, len(track)),
        is_changed(track),
        0 if pose is None else found_in_others(pose, entry.pose_boxes(tracks.settings.fill), size),
    )


def _posed(
    inspected: Inspected, entry: ReviewedTrack, amount: float
) -> tuple[list[Suspect], list[Suspect]]:
    """Open and settled suspects of the pose, of the boxes that it was found in."""
    if inspected.posed is None:
        return [], []
    left, done = inspected.posed.entries(entry.smoothed)
    return at_least(left, amount), at_least(done, amount)


def _is_settled(suspect: Suspect, track: BoxTrack) -> bool:
    return bool((track.review[suspect.first : suspect.last + 1] >= Review.ACCEPTED).all())


def _became(suspect: Suspect, track: BoxTrack) -> str:
    review = track.review[suspect.first : suspect.last + 1]
    if (review == Review.EDITED).any():
        return CORRECTED
    return ACCEPTED if (review == Review.ACCEPTED).all() else CLEARED


def _meet(one: Suspect, other: Suspect) -> bool:
    return one.first <= other.last and other.first <= one.last


def _files(
    asked: ReportSettings, stored: StoredReview, given: dict[str, Path]
) -> Iterator[tuple[str, Path]]:
    yield "video", asked.video
    several = len(stored.tracks.with_boxes) > 1
    for entry in stored.tracks.with_boxes:
        if entry.raw_csv is not None:
            of = f" of {entry.track.name}" if several else ""
            yield f"raw boxes{of}", entry.raw_csv
            yield f"final boxes{of}", reviewed_csv(entry.raw_csv, asked.video)
    yield "journal of the review", journal_file(asked.boxes)
    for which, path in given.items():
        yield f"keypoints {which}", path


def _hashed(files: list[tuple[str, Path]]) -> Stage[list[FileFacts]]:
    """Hash files that are there, with progress."""
    there = [(what, path, path.stat().st_size) for what, path in files if path.is_file()]
    total, done, found = sum(size for _, _, size in there), 0, list[FileFacts]()
    for what, path, size in there:
        digest = hashlib.sha256()
        with naming(path), path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                done += len(piece)
                yield Progress(done * PARTS // max(total, 1), PARTS, "parts")
        found.append(FileFacts(what, path, digest.hexdigest(), size))
    return found


def _time_of(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
