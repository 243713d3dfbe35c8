"""Previous predictions of a video, and which of its frames they are still right for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.sampling.changed import changed_frames
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.engine.fingerprint import hash_of
from napari_cropzoom.engine.pixels import Edge, crop_boxes
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.provenance import (
    VERSION,
    MadeWith,
    made_with_path,
    read_made_with,
    video_identity,
)
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.video.index import VideoIndex

_ABOUT = {
    "checkpoint": "the model has been trained or copied again",
    "config": "the model's config.yaml has changed",
    "exports": "the exported model has changed",
    "precision": "the precision was another one",
    "runtime": "the runtime was another one",
    "onnx_precision": "the export's precision was another one",
    "overrides": "the overrides were others",
}
_NONE = "there are no predictions yet"
_NO_RECORD = "there is no record of what the predictions were made with"
_OTHERS = "the predictions have been changed or made by another program since"


@dataclass(frozen=True, eq=False)
class RunPlan:
    """What a new run would have to do.

    Attributes
    ----------
    why_all : str
        Why every frame has to run; empty if previous predictions can be used.
    boxes : ndarray, (T, 4)
        As the network will see them.
    before : ndarray, (T, 4), or None
        As it saw them, NaN rows where it saw nothing; None where every frame has to run.
    changed : ndarray, (T,) bool
        Frames whose box is another one, or that it did not see.
    guessed : ndarray, (T,) bool, or None
        Which of these were interpolated; None for none.
    """

    why_all: str
    boxes: FloatArray
    before: FloatArray | None
    changed: BoolArray
    guessed: BoolArray | None = None

    @property
    def up_to_date(self) -> bool:
        """Whether there is nothing to run."""
        return not self.why_all and not self.changed.any()

    @property
    def n_other_boxes(self) -> int:
        """Of how many frames the box is another one; those that were interpolated do not count."""
        seen = self.changed if self.guessed is None else self.changed & ~self.guessed
        return int(seen.sum())

    def check_keeps(self, predictions: Path) -> None:
        """Refuse boxes that seem to be another animal's: few are as before, and most keypoints would go.

        Raises
        ------
        CropzoomError
        """
        if self.before is None:
            return
        had, has = ~np.isnan(self.before[:, 0]), ~np.isnan(self.boxes[:, 0])
        lost, total = int((had & ~has).sum()), int(had.sum())
        if 2 * lost > total and 10 * int((has & ~self.changed).sum()) < int(has.sum()):
            raise CropzoomError(
                f"{predictions}: {lost} of {counted(total, 'frame')} with keypoints would have none any "
                "more, as with the boxes of another animal. Have that one's in a folder of its own "
                "(--output_dir), or run all frames."
            )

    def describe(self) -> str:
        """What runs, in a few words."""
        total, count = len(self.changed), int(self.changed.sum())
        if self.why_all:
            return f"all {counted(total, 'frame')} {verb(total, 'are')} run: {self.why_all}"
        if not count:
            return "up to date: no box has changed"
        changed = f"{verb(count, 'have')} changed or {verb(count, 'were')} interpolated"
        what = "changed" if self.guessed is None else changed
        these = "this is" if count == 1 else "these are"
        return f"{count} of {counted(total, 'frame')} {what}; only {these} run"

    def why_not_the_same(self, every: int = 1) -> str:
        """Why predictions that are kept are not what a new run gives, by their record; empty if unknown.

        Parameters
        ----------
        every : int
            Of the new run: more than 1 if it too may interpolate up to so many frames in a row.
        """
        if self.why_all:
            return "" if self.why_all in (_NONE, _NO_RECORD, _OTHERS) else self.why_all
        total = counted(len(self.changed), "frame")
        others = self.n_other_boxes
        if others:
            return f"its predictions were made with other boxes in {others} of {total}"
        count = 0 if self.guessed is None else int(self.guessed.sum())
        if self.guessed is not None and (every == 1 or _longest(self.guessed) > every):
            return f"{count} of {total} {verb(count, 'are')} interpolated"
        return ""


@dataclass(frozen=True, eq=False)
class PreviousResults:
    """Results to go on from.

    Attributes
    ----------
    boxes : ndarray, (T, 4)
        That they were made with, as the network saw them, NaN rows where it saw none.
    xy : ndarray, (T, K, 2)
    likelihood : ndarray, (T, K)
    """

    boxes: FloatArray
    xy: FloatArray
    likelihood: FloatArray


@dataclass(frozen=True, eq=False)
class PredictedPart:
    """Results of some frames of a video, found by themselves.

    Attributes
    ----------
    frames : ndarray, (N,) int
    xy : ndarray, (N, K, 2)
    likelihood : ndarray, (N, K)
    undecodable : ndarray, (M,) int
        Frames that cannot be decoded, as far as they were met.
    made_with : mapping
        Fingerprint of the engine.
    device : str
        That it ran on.
    """

    frames: NDArray[np.intp]
    xy: FloatArray
    likelihood: FloatArray
    undecodable: NDArray[np.int64]
    made_with: Mapping[str, str]
    device: str


def joined_parts(
    parts: Sequence[PredictedPart],
    seen: FloatArray,
    previous: PreviousResults | None,
    made_with: Mapping[str, str],
    device: str,
) -> PreviousResults | None:
    """Put parts over previous results; those that another engine or device made are left out.

    Parameters
    ----------
    parts : sequence of PredictedPart
    seen : ndarray, (T, 4)
        Boxes as the network saw them, see :func:`seen_boxes`.
    previous : PreviousResults or None
        Of frames that are in no part.
    made_with, device
        Of the engine that goes on from here.
    """
    usable = [one for one in parts if one.made_with == made_with and one.device == device]
    if not usable:
        return previous
    shape = len(seen), *usable[0].likelihood.shape[1:]
    if previous is None:
        boxes, xy, likelihood = (
            np.full((len(seen), 4), np.nan),
            np.full((*shape, 2), np.nan),
            np.zeros(shape),
        )
    else:
        boxes, xy, likelihood = (
            array.copy() for array in (previous.boxes, previous.xy, previous.likelihood)
        )
    for one in usable:
        boxes[one.frames] = seen[one.frames]
        xy[one.frames], likelihood[one.frames] = one.xy, one.likelihood
    return PreviousResults(boxes, xy, likelihood)


def compare_with_previous(
    predictions: Path,
    model: Mapping[str, str],
    index: VideoIndex,
    boxes: FloatArray | None,
    edge: Edge = "pad",
    device: str = "",
) -> RunPlan:
    """Compare what predictions were made with to what they would be made with now.

    Parameters
    ----------
    predictions : Path
    model : mapping
        See :func:`napari_cropzoom.engine.fingerprint.fingerprint`.
    index : VideoIndex
        Of the video.
    boxes : ndarray, (T, 4), or None
        ``x, y, w, h`` in pixels of the frame; None for whole frames.
    edge : {"pad", "clamp"}
    device : str
        What the network runs on; empty where that is not known without torch.

    Raises
    ------
    CropzoomError
        If there is not one box for every frame.
    """
    seen = seen_boxes(boxes, index, edge)
    record = read_made_with(made_with_path(predictions))
    why = _why_all(predictions, record, model, index, device)
    if record is None or why:
        return RunPlan(why, seen, None, np.ones(len(seen), bool))
    before = whole_frames(index) if record.boxes is None else record.boxes
    if record.interpolated is not None:
        before = np.where(record.interpolated[:, None], np.nan, before)
    return RunPlan("", seen, before, changed_frames(before, seen), record.interpolated)


def read_previous(predictions: Path, plan: RunPlan) -> PreviousResults | None:
    """Read the results that an plan builds on, to the last digit; None if they have changed since."""
    record = read_made_with(made_with_path(predictions))
    if plan.before is None or record is None:
        return None
    try:
        poses: Poses = read_predictions(predictions, len(plan.boxes))
        unchanged = file_sha256(predictions) == record.predictions
    except (CropzoomError, OSError):
        return None
    return PreviousResults(plan.before, poses.xy, poses.likelihood) if unchanged else None


def seen_boxes(boxes: FloatArray | None, index: VideoIndex, edge: Edge) -> FloatArray:
    """(T, 4) boxes in whole pixels as the network sees them, NaN rows where there is nothing to see.

    Raises
    ------
    CropzoomError
        If there is not one box for every frame.
    """
    if boxes is None:
        return whole_frames(index)
    if boxes.shape != (index.n_frames, 4):
        raise CropzoomError(
            f"{index.path}: has {counted(index.n_frames, 'frame')}, and there "
            f"{verb(len(boxes), 'are')} {counted(len(boxes), 'box')}. "
            "Make the boxes again for this video."
        )
    return crop_boxes(boxes, index.width, index.height, edge)


def whole_frames(index: VideoIndex) -> FloatArray:
    """(T, 4) boxes that are the whole frame."""
    return np.tile([0.0, 0.0, index.width, index.height], (index.n_frames, 1))


def _longest(rows: BoolArray) -> int:
    """How many rows in a row are True, at most."""
    ends = np.flatnonzero(np.concatenate([[True], ~rows, [True]]))
    return int(np.diff(ends).max()) - 1


def _why_all(
    predictions: Path,
    record: MadeWith | None,
    model: Mapping[str, str],
    index: VideoIndex,
    device: str,
) -> str:
    if not predictions.is_file():
        return _NONE
    if record is None:
        return _NO_RECORD
    if record.version != VERSION:
        return "the predictions are of an older cropzoom, whose last digits differ"
    try:
        if hash_of(predictions) != record.predictions:
            return _OTHERS
        if video_identity(index) != record.video:
            return "the video is another one"
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"
    for rows in (record.boxes, record.interpolated):
        if rows is not None and len(rows) != index.n_frames:
            return "the record is of another video"
    if device and device != record.device:
        return f"the predictions were made on another device ({record.device})"
    for name in [*_ABOUT, *sorted({*model, *record.model} - {*_ABOUT})]:
        if model.get(name) != record.model.get(name):
            return _ABOUT.get(name, f"{name} was of another version")
    return ""
