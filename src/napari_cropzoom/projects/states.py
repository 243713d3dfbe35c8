"""How far a video is: worked out from what is on disk, and from the records beside it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.sampling.changed import changed_frames
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.crop.record import doubt_of_crop, read_side_file
from napari_cropzoom.crop.record import record_path as crop_record
from napari_cropzoom.engine.fingerprint import hash_of
from napari_cropzoom.engine.pixels import crop_boxes
from napari_cropzoom.files.belonging import check_made_of, doubt_of
from napari_cropzoom.files.provenance import MadeWith, made_with_path, read_made_with
from napari_cropzoom.files.review_paths import reviewed_csv, without_absent
from napari_cropzoom.projects.counting import Counted, count, frame_size_of
from napari_cropzoom.projects.results import ModelResult, Results
from napari_cropzoom.review.saved_files import stamp_of

NEW, DETECTED, BOXES, IN_REVIEW, REVIEWED, CROPPED, POSED = STAGES = (
    "new", "detected", "boxes", "in review", "reviewed", "cropped", "posed",
)  # fmt: skip
"""How far a video is, in order."""


@dataclass(frozen=True)
class VideoState:
    """How far a video is.

    Attributes
    ----------
    video : Path
    n_frames : int or None
        By what was made of it; None where nothing was.
    detected, posed : tuple of str
        Names of the models that have found keypoints.
    boxes : str
        Where the boxes lie that count, a path; empty without.
    suspects, suspects_left : int or None
        Entries of the review queue, told without a look at the pixels, and those that are open.
    n_missing, n_seen, n_edits, n_animals : int
        Frames without a box, frames a person has looked at, edits, animals.
    is_reviewed : bool
        Whether reviewed boxes were saved.
    is_smoothed, is_cropped : bool
    outdated : tuple of str
        Why results are not what they would be now.
    problems : tuple of str
        What cannot be read, or is of another video.
    """

    video: Path
    n_frames: int | None = None
    detected: tuple[str, ...] = ()
    posed: tuple[str, ...] = ()
    boxes: str = ""
    suspects: int | None = None
    suspects_left: int | None = None
    n_missing: int = 0
    n_seen: int = 0
    n_edits: int = 0
    n_animals: int = 0
    is_reviewed: bool = False
    is_smoothed: bool = False
    is_cropped: bool = False
    outdated: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """One of :data:`STAGES`: the farthest that was reached."""
        reached = (
            (POSED, bool(self.posed)),
            (CROPPED, self.is_cropped),
            (REVIEWED, self.is_reviewed),
            (IN_REVIEW, self.n_edits > 0),
            (BOXES, bool(self.boxes)),
            (DETECTED, bool(self.detected)),
        )
        return next((stage for stage, is_reached in reached if is_reached), NEW)

    @property
    def review(self) -> str:
        """How far the review is: ``41 of 63``, ``63 left``; empty without boxes."""
        if self.suspects is None or self.suspects_left is None:
            return ""
        return f"{self.suspects - self.suspects_left} of {self.suspects}"

    @property
    def why(self) -> str:
        """What is wrong or out of date, for a person."""
        return "; ".join((*self.problems, *self.outdated))

    def as_json(self) -> dict[str, Any]:
        """The fields, for a file."""
        content = {**vars(self), "video": str(self.video)}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in content.items()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> VideoState:
        """The inverse of :meth:`as_json`.

        Raises
        ------
        TypeError, ValueError, KeyError
            If it is none.
        """
        lists = {name: tuple(map(str, v)) for name, v in content.items() if isinstance(v, list)}
        return cls(**{**content, **lists, "video": Path(content["video"])})


def read_state(found: Results) -> VideoState:
    """Work out how far a video is; what is wrong with a file is told, never raised."""
    outdated, problems = list[str](), list[str]()
    if found.video.is_symlink() and not found.video.exists():
        problems.append(f"a link to {found.video.readlink()}, where there is no such file")
    detected = [each for each in found.detected if _is_ours(each.path, found.video, problems)]
    posed = [each for each in found.posed if _is_ours(each.path, found.video, problems)]
    raw = next((each for each in found.raws if _is_ours(each, found.video, problems)), None)
    state = VideoState(
        found.video,
        detected=_names(detected),
        posed=_names(posed),
        boxes="" if raw is None else str(raw),
        is_smoothed=bool(found.smoothed),
    )
    records = {each.path: read_made_with(made_with_path(each.path)) for each in (*detected, *posed)}
    state = replace(state, n_frames=_frames(records.values()))
    outdated += [line for each in (*detected, *posed) for line in _newer_model(each, records[each.path])]
    final: FloatArray | None = None
    if raw is not None:
        pose = posed[0].path if posed else None
        state, final = _with_boxes(state, raw, pose, found, detected, records, outdated, problems)
    for each in posed:
        try:
            outdated += _older_than_boxes(each, records[each.path], raw, final, found.video)
        except CropzoomError as error:  # of metadata.json
            problems.append(str(error))
    if found.on_crop and not posed:
        names = ", ".join(_names(found.on_crop))
        problems.append(f"the keypoints of {names} are in pixels of the crop: run `cropzoom remap`")
    crop = found.crops[0] if found.crops else None
    if crop is not None:
        state = replace(state, is_cropped=True)
        problems += [told] if (told := doubt_of_crop(crop)) else []
        outdated += _crop_outdated(crop, found.video, raw, final)
    return replace(state, outdated=tuple(outdated), problems=tuple(problems))


def _names(found: Sequence[ModelResult]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.model.path.name for each in found))


def _frames(records: Any) -> int | None:
    told = [record.video.get("frames") for record in records if record is not None]
    return next((frames for frames in told if isinstance(frames, int)), None)


def _is_ours(file: Path, video: Path, problems: list[str]) -> bool:
    """Whether a file is not known to be of another video; that is told, and if its record is damaged."""
    try:
        check_made_of(file, video, "")
    except CropzoomError as error:
        problems.append(str(error).strip())
        return False
    if told := doubt_of(file):
        problems.append(told)
    return True


def _newer_model(found: ModelResult, record: MadeWith | None) -> list[str]:
    """Tell that a model was trained again since it has predicted; by the checkpoint's content."""
    checkpoint, made = found.model.checkpoint, stamp_of(found.path)
    trained = None if checkpoint is None else stamp_of(checkpoint)
    if checkpoint is None or made is None or trained is None or trained[1] <= made[1]:
        return []
    if record is not None:
        with contextlib.suppress(OSError):
            if hash_of(checkpoint) == record.model.get("checkpoint"):
                return []
    return [f"{found.model.path.name} was trained again since it found the keypoints"]


def _with_boxes(
    state: VideoState,
    raw: Path,
    pose: Path | None,
    found: Results,
    detected: Sequence[ModelResult],
    records: dict[Path, MadeWith | None],
    outdated: list[str],
    problems: list[str],
) -> tuple[VideoState, FloatArray | None]:
    """What the boxes and their review come to; and the final boxes where they were saved."""
    beside = [each for each in detected if each.path.parent == raw.parent]
    predictions = beside[0].path if beside else None
    record = records[predictions] if predictions else None
    size = frame_size_of(record, found.video)
    try:
        counts = count(raw, found.video, predictions, size, pose)
    except (CropzoomError, OSError) as error:
        problems.append(str(error))
        final = reviewed_csv(raw, found.video)
        return replace(state, is_reviewed=final.is_file() and _is_ours(final, found.video, [])), None
    if counts.is_of_others:
        outdated.append("the raw boxes are not those that were reviewed")
    if counts.has_saved and not counts.is_saved:
        outdated.append("edits were made since the review was saved")
    state = replace(
        state,
        n_frames=counts.n_frames,
        suspects=counts.suspects,
        suspects_left=counts.suspects_left,
        n_missing=counts.n_missing,
        n_seen=counts.n_seen,
        n_edits=counts.n_edits,
        n_animals=counts.n_animals,
        is_reviewed=counts.has_saved,
        is_smoothed=state.is_smoothed or counts.is_smoothed,
    )
    return state, _final(counts)


def _final(counts: Counted) -> FloatArray | None:
    return counts.final if counts.is_saved else None


def _older_than_boxes(
    found: ModelResult, record: MadeWith | None, raw: Path | None, final: FloatArray | None, video: Path
) -> list[str]:
    """Tell that boxes have changed since a pose model has seen them: by its record, or else by time."""
    name = found.model.path.name
    if raw is None:
        return []
    if final is not None and record is not None and record.boxes is not None:
        seen = without_absent(final, reviewed_csv(raw, video), video)
        n = min(_n_changed(record, seen, edge) for edge in ("pad", "clamp"))
        them = f"{n} of {counted(len(final), 'box')}"
        return [f"{name}: {them} {verb(n, 'have')} changed since the pose was found"] if n else []
    boxes = raw if final is None else reviewed_csv(raw, video)
    made, boxed = stamp_of(found.path), stamp_of(boxes)
    if made is not None and boxed is not None and made[1] < boxed[1]:
        return [f"{name}: the boxes are newer than the keypoints"]
    return []


def _n_changed(record: MadeWith, final: FloatArray, edge: Any) -> int:
    assert record.boxes is not None
    width, height = int(record.video.get("width", 0)), int(record.video.get("height", 0))
    if len(record.boxes) != len(final) or not width or not height:
        return len(final)
    return int(changed_frames(record.boxes, crop_boxes(final, width, height, edge)).sum())


def _crop_outdated(crop: Path, video: Path, raw: Path | None, final: FloatArray | None) -> list[str]:
    """Tell that a crop was made of other boxes or of another video: by its record, or else by time."""
    try:
        record = read_side_file(crop_record(crop))
    except CropzoomError:
        made, boxed = stamp_of(crop), None if raw is None else stamp_of(reviewed_csv(raw, video))
        is_old = made is not None and boxed is not None and made[1] < boxed[1]
        return ["the boxes are newer than the cropped video"] if is_old else []
    stamp = stamp_of(video)
    if record.making is not None and stamp is not None and record.making.source.get("bytes") != stamp[0]:
        return ["the cropped video is of another file"]
    if final is None or np.isnan(final).any():
        return []
    n = len(final)
    if len(record.boxes) == n:
        n = int((record.boxes != final).any(axis=1).sum())
    them = f"{n} of {counted(len(final), 'box')}"
    return [f"{them} {verb(n, 'have')} changed since the video was cropped"] if n else []
