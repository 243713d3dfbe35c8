"""All steps of one video after the other, with each model loaded once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.results import DONE, FOR_REVIEW, UP_TO_DATE, Result
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import (
    DEFAULT_AMOUNT,
    Evidence,
    Inspection,
    Suspect,
    anchor_likelihood,
    at_least,
    ranked,
)
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Progress, Stage, ignore
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.core.smoothing.finalize import fill_missing
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints, told_of_small
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.crop.encoders import EncoderSettings
from napari_cropzoom.crop.record import check_crop_of
from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.loop import some_frames
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.pixels import Edge
from napari_cropzoom.engine.predict import is_up_to_date, predict_video
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import check_made_of, read_predictions_of, sign
from napari_cropzoom.files.formats import registry
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import journal_file, reviewed_csv, without_absent
from napari_cropzoom.review.finding import read_found
from napari_cropzoom.video.index import VideoIndex

DETECTED, REVIEWED = "detected", "reviewed"
BOXES, CROP, POSE = UNTIL = "boxes", "crop", "pose"
"""The last step of a batch."""


@dataclass(frozen=True)
class BatchSettings:
    """How every video of a batch is worked on.

    Attributes
    ----------
    sizing : SizingSettings
        How boxes are put round the detector's keypoints.
    window : int
        Frames that detected boxes are smoothed over; 0 or 1 for none.
    review_above : float or None
        A video of whose frames more than this share, 0 to 1, lie in suspects is left for review before
        its pose is found; None leaves none.
    pixels : bool
        Look at the pixels of the video to find suspects, as the review does.
    crop : bool
        Write the cropped videos too.
    until : str
        The last step, one of :data:`UNTIL`; ``crop`` writes the cropped videos in any case.
    labeled_video : bool
        Write Lightning Pose's video with the keypoints drawn.
    edge, batch_size
        See :meth:`.engine.engine.Engine.predict`.
    how : mapping
        ``precision``, ``runtime``, ``overrides``, ``trust``, ``onnx_precision`` of
        :meth:`.engine.engine.Engine.load`.
    overwrite : bool
        Replace what was made of another video of the same name.
    every : int
        Run the detector about every so many frames first, see :mod:`napari_cropzoom.engine.sparse`.
    encoding : EncoderSettings
        Of the cropped videos.
    method : str
        Of smoothing, as in :data:`.core.smoothing.filters.SMOOTHING_METHODS`.
    """

    sizing: SizingSettings = field(default_factory=SizingSettings)
    window: int = 5
    review_above: float | None = None
    pixels: bool = True
    crop: bool = False
    until: str = POSE
    labeled_video: bool = False
    edge: Edge = "pad"
    batch_size: int | None = None
    how: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False
    every: int = 1
    encoding: EncoderSettings = field(default_factory=EncoderSettings)
    method: str = "median"


class Batch:
    """Works on one video after the other; what is there and up to date does not run again.

    Whether it is up to date is told by the records beside the results, not by their names.

    Parameters
    ----------
    detector : ModelFolder
    pose : ModelFolder or None
        None where the last step is not the pose.
    settings : BatchSettings
    notify : callable
        Called with lines for a person.
    """

    def __init__(
        self,
        detector: ModelFolder,
        pose: ModelFolder | None,
        settings: BatchSettings,
        notify: Notify = ignore,
    ) -> None:
        if settings.until not in UNTIL:
            raise CropzoomError(f"The last step is {settings.until!r}. Give one of: {', '.join(UNTIL)}.")
        if pose is None and settings.until == POSE:
            raise CropzoomError("There is no pose model. Choose one, or end with the boxes or the crop.")
        if pose is not None and detector.path.name == pose.path.name and detector.path != pose.path:
            raise CropzoomError(
                f"{pose.path}: has the name of the detector's folder, {detector.path}, and results lie "
                "in folders of these names. Rename one of the model folders."
            )
        self._detector, self._pose, self._settings, self._notify = detector, pose, settings, notify
        self._engines: dict[Path, Engine] = {}

    def check(self, video: BatchVideo) -> None:
        """Refuse a video that cannot be worked on, in a moment and without a network.

        Raises
        ------
        CropzoomError
            If it cannot be read, or what is there was made of another video of this name.
        """
        index = VideoIndex.scan(video.path)
        if index.n_frames == 0:
            raise CropzoomError(f"{video.path}: has no frame. Record or copy it again.")
        if self._settings.overwrite:
            return
        detector, pose = self._models(video)
        raw = detector.bbox_csv(video.path)
        made = [detector.predictions_csv(video.path), raw, reviewed_csv(raw, video.path)]
        if pose is not None:
            made.append(pose.predictions_csv(video.path))
        for file in made:
            check_made_of(file, video.path)
        if self._crops:
            check_crop_of(detector.cropped_video(video.path), video.path)

    def work(self, video: BatchVideo) -> Stage[Result]:
        """Do all steps of a video.

        Returns
        -------
        Result

        Raises
        ------
        CropzoomError
            If a step fails; what was finished before it stays.
        """
        start = time.monotonic()
        index = VideoIndex.scan(video.path)
        detector, pose = self._models(video)
        found = Result(video.path, frames=index.n_frames)
        raw = detector.bbox_csv(video.path)
        boxes, state = self._reviewed(raw, index)
        if state:
            return replace(found, state=FOR_REVIEW, why=state, boxes=REVIEWED)
        ran = False
        if boxes is not None:
            found = replace(found, boxes=REVIEWED)
        else:
            poses, ran = yield from self._detect(detector, video.path, index)
            boxes, is_new = self._put_boxes(poses, raw, video.path)
            ran |= is_new
            suspects, share = yield from self._inspect(boxes, poses, index)
            found = replace(found, boxes=DETECTED, suspects=len(suspects), share=share)
            limit = self._settings.review_above
            if limit is not None and share > limit:
                why = f"{share:.1%} of the frames are in suspects, more than {limit:.1%}"
                return replace(found, state=FOR_REVIEW, why=why, seconds=time.monotonic() - start)
            gaps = int(np.isnan(boxes[:, 0]).sum())
            if gaps:
                found = replace(found, why=f"{counted(gaps, 'frame')} without a box filled")
            boxes = self._smoothed(fill_missing(boxes))
        if self._crops:
            crop = detector.cropped_video(video.path)
            edge, encoding = self._settings.edge, self._settings.encoding
            cropped = yield from crop_video(video.path, boxes, crop, edge=edge, encoding=encoding)
            ran |= cropped.encoded > 0
        if pose is not None and self._settings.until == POSE:
            if found.boxes == REVIEWED:
                boxes = without_absent(boxes, reviewed_csv(raw, video.path), video.path)
            predictions, pose_ran = yield from self._predict(pose, video.path, boxes)
            found, ran = replace(found, predictions=predictions), ran or pose_ran
        return replace(found, state=DONE if ran else UP_TO_DATE, seconds=time.monotonic() - start)

    @property
    def _crops(self) -> bool:
        return self._settings.until == CROP or (self._settings.crop and self._settings.until == POSE)

    def _models(self, video: BatchVideo) -> tuple[ModelFolder, ModelFolder | None]:
        results = None if video.results is None else video.results.absolute()
        pose = None if self._pose is None else replace(self._pose, results=results)
        return replace(self._detector, results=results), pose

    def _reviewed(self, raw: Path, index: VideoIndex) -> tuple[FloatArray | None, str]:
        """Boxes of a review that was saved, or else why the video is to be reviewed first."""
        size = (index.width, index.height)
        if journal_file(raw).is_file():
            review = read_found(raw, index.path, index.n_frames, size)
            if review is not None and not review.is_saved:
                return None, "its review has edits that were not saved: press Save review in Export"
            if review is not None and review.n_animals > 1:
                them = counted(review.n_animals, "animal")
                return None, f"{them}: give the boxes of each to `predict --bbox_dir`"
        final = reviewed_csv(raw, index.path)
        if not final.is_file():
            return None, ""
        check_made_of(final, index.path)
        return registry.read_boxes(final, index.n_frames, frame_size=size, notify=self._notify), ""

    def _detect(self, detector: ModelFolder, video: Path, index: VideoIndex) -> Stage[tuple[Poses, bool]]:
        """Keypoints of the detector, and whether it had to run."""
        path = detector.predictions_csv(video)
        ran = False
        if self._settings.overwrite or not path.is_file() or made_with_path(path).is_file():
            _, ran = yield from self._predict(detector, video, None, self._settings.every)
        poses, note = read_predictions_of(path, index.n_frames, video)
        if note:
            self._notify(note)
        return poses, ran

    def _put_boxes(self, poses: Poses, raw: Path, video: Path) -> tuple[FloatArray, bool]:
        """Boxes round the detector's keypoints, and whether they had to be written."""
        boxes = boxes_from_keypoints(poses, self._settings.sizing)
        if np.isnan(boxes[:, 0]).all():
            raise CropzoomError(
                f"{raw.name}: no frame has a keypoint that counts, so there is no box. Look at the "
                f"detector's keypoints with `cropzoom review {video}`."
            )
        image_size = None if self._pose is None else self._pose.image_size
        if small := told_of_small(boxes, image_size):
            self._notify(f"{video.name}: {small}")
        is_there = raw.is_file() and np.array_equal(
            registry.read_boxes(raw, len(boxes), allow_missing=True, faults="skip"), boxes, equal_nan=True
        )
        if not is_there or not check_made_of(raw, video):
            write_bbox_csv(raw, boxes)
            sign(raw, video)
        return boxes, not is_there

    def _inspect(
        self, boxes: FloatArray, poses: Poses, index: VideoIndex
    ) -> Stage[tuple[list[Suspect], float]]:
        """Suspects, and the share of the frames that lie in one."""
        motion: Motion | None = None
        if self._settings.pixels and index.n_frames >= LEAST_FRAMES:
            try:
                motion = yield from pixel_evidence(index.path, index)
            except CameraMovesError as error:
                self._notify(str(error))
        likelihood = anchor_likelihood(poses, self._settings.sizing.anchor_keypoints)
        evidence = Evidence(likelihood, poses, (index.width, index.height), motion)
        suspects = at_least(ranked(Inspection.of(boxes, evidence).suspects), DEFAULT_AMOUNT)
        inside = np.zeros(len(boxes), bool)
        for each in suspects:
            inside[each.first : each.last + 1] = True
        return suspects, float(inside.mean())

    def _smoothed(self, boxes: FloatArray) -> FloatArray:
        settings = SmoothingSettings(self._settings.method, self._settings.window)
        return boxes if settings.window <= 1 else np.rint(smooth(boxes, settings))

    def _predict(
        self, model: ModelFolder, video: Path, boxes: FloatArray | None, every: int = 1
    ) -> Stage[tuple[Path, bool]]:
        """Run what the record of the predictions does not cover; whether there was anything to run."""
        settings = self._settings
        how = {name: value for name, value in settings.how.items() if name != "trust"}
        how |= {"edge": settings.edge, "every": every}
        if not settings.overwrite and is_up_to_date(model, video, boxes, **how):
            return model.predictions_csv(video), False
        engine = self._engines.get(model.path)
        if engine is None:
            self._notify(f"loading {model.path.name}")
            yield Progress(0, 0, f"loading {model.path.name}")
            examples = partial(some_frames, video, boxes, settings.edge)
            engine = Engine.load(model, **settings.how, examples=examples, notify=self._notify)
            self._engines[model.path] = engine
        path = yield from predict_video(
            model,
            video,
            boxes,
            batch_size=settings.batch_size,
            edge=settings.edge,
            labeled_video=settings.labeled_video and boxes is not None,
            engine=engine,
            only_changed=not settings.overwrite and every == 1,
            every=every,
            overwrite=settings.overwrite,
            notify=lambda what: self._notify(f"{video.name}: {what}"),
        )
        return path, True


def left_for_review(
    results: Iterable[Result], videos: Iterable[BatchVideo], detector: ModelFolder
) -> str:
    """What to do about videos that are left for review; empty if there is none."""
    left = {result.video for result in results if result.state == FOR_REVIEW}
    if not left:
        return ""
    commands = []
    for video in videos:
        if video.path in left:
            where = [] if video.results is None else ["--output_dir", video.results]
            words = ["cropzoom", "review", video.path, "--detector", detector.path, *where]
            commands.append(f"  {shell_line(words)}")
    them = f"{counted(len(left), 'video')} {verb(len(left), 'are')}"
    return "\n".join(
        [f"{them} left for review. Open, save in step Export, and run the batch again:", *commands]
    )
