"""All steps of one video after the other, with each model loaded once."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.parts import (
    CROP,
    DETECT,
    NOTHING,
    POSE,
    InParts,
    Joined,
    Part,
    cut,
    frames_of_groups,
    write_predicted,
)
from napari_cropzoom.batch.results import DONE, FOR_REVIEW, UP_TO_DATE, Result
from napari_cropzoom.batch.reviewed import reviewed_boxes
from napari_cropzoom.batch.settings import UNTIL, BatchSettings
from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.inspection.inspection import (
    DEFAULT_AMOUNT,
    Evidence,
    Inspection,
    Suspect,
    anchor_likelihood,
    at_least,
    doubtful_frames,
    ranked,
)
from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Notify, Progress, Stage, ignore
from napari_cropzoom.core.sampling.changed import frames_to_see
from napari_cropzoom.core.smoothing.finalize import fill_missing
from napari_cropzoom.core.smoothing.leaving import frames_left, told_of_left
from napari_cropzoom.core.smoothing.methods import SmoothingSettings, smooth
from napari_cropzoom.core.smoothing.sizing import boxes_from_keypoints, told_of_small
from napari_cropzoom.core.words import counted
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.crop.join import EncodedGroups
from napari_cropzoom.crop.parts import crop_part, groups_to_encode
from napari_cropzoom.crop.record import check_crop_of
from napari_cropzoom.detection.evidence import LEAST_FRAMES, CameraMovesError, pixel_evidence
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.loop import some_frames
from napari_cropzoom.engine.model_folder import ModelFolder, check_two_models
from napari_cropzoom.engine.predict import is_up_to_date, plan_of, predict_part, predict_video
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import check_made_of, read_predictions_of, sign
from napari_cropzoom.files.formats import registry
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.files.review_paths import reviewed_csv, without_absent
from napari_cropzoom.video.index import VideoIndex

DETECTED, REVIEWED = "detected", "reviewed"


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
        if pose is not None:
            check_two_models(detector, pose)
        if pose is not None and detector.path.name == pose.path.name:
            raise CropzoomError(
                f"{pose.path}: has the name of the detector's folder, {detector.path}, and results lie "
                "in folders of these names. Rename one of the model folders."
            )
        self._detector, self._pose, self._settings, self._notify = detector, pose, settings, notify
        self._engines: dict[Path, Engine] = {}

    def check(self, video: BatchVideo) -> int:
        """Refuse a video that cannot be worked on, in a moment and without a network.

        Returns
        -------
        int
            Its frames.

        Raises
        ------
        CropzoomError
            If it cannot be read, or what is there was made of another video of this name.
        """
        index = VideoIndex.scan(video.path)
        if index.n_frames == 0:
            raise CropzoomError(f"{video.path}: has no frame. Record or copy it again.")
        if self._settings.overwrite:
            return index.n_frames
        detector, pose = self._models(video)
        raw = detector.bbox_csv(video.path)
        made = [detector.predictions_csv(video.path), raw, reviewed_csv(raw, video.path)]
        if pose is not None:
            made.append(pose.predictions_csv(video.path))
        for file in made:
            check_made_of(file, video.path)
        if self._crops and (told := check_crop_of(detector.cropped_video(video.path), video.path)):
            self._notify(told)
        return index.n_frames

    def work(self, video: BatchVideo) -> Stage[Result]:
        """Do all steps of a video.

        Raises
        ------
        CropzoomError
            If a step fails; what was finished before it stays.
        """
        result = yield from self.advance(video)
        assert isinstance(result, Result)  # since no part may be too long
        return result

    def advance(
        self, video: BatchVideo, joined: Joined = NOTHING, longest: int | None = None
    ) -> Stage[Result | InParts]:
        """Do the steps of a video up to one that has more frames to run than are done at a time.

        Parameters
        ----------
        video : BatchVideo
        joined : Joined
            What :meth:`part` made of the parts that were asked for before.
        longest : int or None
            Frames of a part; None for all.

        Returns
        -------
        Result or InParts
            What became of the video, or what is to be done in parts before.

        Raises
        ------
        CropzoomError
            If a step fails; what was finished before it stays.
        """
        start = time.monotonic()
        index = VideoIndex.scan(video.path)
        detector, pose = self._models(video)
        found = joined.found or Result(video.path, frames=index.n_frames)
        raw = detector.bbox_csv(video.path)

        def said(**what: Any) -> Result:
            seconds = found.seconds + time.monotonic() - start
            return replace(found, seconds=seconds, **what)

        boxes, state = reviewed_boxes(raw, index, self._notify)
        if state:
            return replace(found, state=FOR_REVIEW, why=state, boxes=REVIEWED)
        ran = joined is not NOTHING
        if boxes is not None:
            found = replace(found, boxes=REVIEWED)
        else:
            if self._detects(detector, video.path) and self._settings.every == 1:
                parts = self._parts(DETECT, detector, video.path, None, joined, longest)
                if parts:
                    return InParts(parts, said())
            poses, detected = yield from self._detect(detector, video.path, index, joined)
            boxes, is_new = self._put_boxes(poses, raw, video.path)
            ran |= is_new or detected
            if found.suspects is None:
                suspects, share = yield from self._inspect(boxes, poses, index)
                found = replace(found, boxes=DETECTED, suspects=len(suspects), share=share)
            limit, share = self._settings.review_above, found.share or 0.0
            if limit is not None and share > limit:
                why = f"{share:.1%} of the frames are in suspects, more than {limit:.1%}"
                return said(state=FOR_REVIEW, why=why)
            gaps = int(np.isnan(boxes[:, 0]).sum())
            if gaps:
                found = replace(found, why=f"{counted(gaps, 'frame')} without a box filled")
            boxes = self._smoothed(fill_missing(boxes), video.path)
        if self._crops:
            crop = detector.cropped_video(video.path)
            edge, encoding = self._settings.edge, self._settings.encoding
            if longest is not None and joined.is_before(CROP):
                left = groups_to_encode(video.path, boxes, crop, edge=edge, encoding=encoding)
                frames = frames_of_groups(left.groups, left.group, index.n_frames)
                if len(frames) > longest:
                    return InParts(cut(CROP, frames, left.boxes, longest, left.size, left.group), said())
            encoded = joined.encoded if joined.step == CROP else ()
            cropped = yield from crop_video(
                video.path, boxes, crop, edge=edge, encoding=encoding, parts=encoded
            )
            ran |= cropped.encoded > 0
        if pose is not None and self._settings.until == POSE:
            if found.boxes == REVIEWED:
                boxes = without_absent(boxes, reviewed_csv(raw, video.path), video.path)
            parts = self._parts(POSE, pose, video.path, boxes, joined, longest)
            if parts:
                return InParts(parts, said())
            predictions, pose_ran = yield from self._predict(POSE, pose, video.path, boxes, joined)
            found, ran = replace(found, predictions=predictions), ran or pose_ran
        return said(state=DONE if ran else UP_TO_DATE)

    def part(self, video: BatchVideo, part: Part, folder: Path) -> Stage[Path | EncodedGroups]:
        """Do a part of a step that :meth:`advance` has asked for.

        Parameters
        ----------
        video : BatchVideo
        part : Part
        folder : Path
            Takes the result until it is joined.

        Returns
        -------
        Path or EncodedGroups
            The results of a network, see :func:`.parts.read_predicted`, or groups of the crop.

        Raises
        ------
        CropzoomError
            If it fails.
        """
        settings = self._settings
        boxes = part.all_boxes(VideoIndex.scan(video.path).n_frames)
        if part.step == CROP:
            assert boxes is not None
            what = video.path, boxes, part.groups, part.size, settings.encoding, settings.edge
            return (yield from crop_part(*what, folder / f"{part.name}.mp4"))
        detector, pose = self._models(video)
        model = detector if part.step == DETECT else pose
        assert model is not None
        engine = yield from self._engine(model, video.path, boxes)
        how = settings.batch_size, settings.edge
        found = yield from predict_part(engine, video.path, part.frames, boxes, *how)
        write_predicted(path := folder / f"{part.name}.npz", found)
        return path

    @property
    def _crops(self) -> bool:
        return self._settings.until == CROP or (self._settings.crop and self._settings.until == POSE)

    def _models(self, video: BatchVideo) -> tuple[ModelFolder, ModelFolder | None]:
        results = None if video.results is None else video.results.absolute()
        pose = None if self._pose is None else replace(self._pose, results=results)
        return replace(self._detector, results=results), pose

    def _detects(self, detector: ModelFolder, video: Path) -> bool:
        """Whether the detector may run; keypoints without a record, such as `litpose`'s, stay."""
        path = detector.predictions_csv(video)
        return self._settings.overwrite or not path.is_file() or made_with_path(path).is_file()

    def _parts(
        self,
        step: str,
        model: ModelFolder,
        video: Path,
        boxes: FloatArray | None,
        joined: Joined,
        longest: int | None,
    ) -> tuple[Part, ...]:
        """What a model has to run, in parts; none where that is no more than is done at a time."""
        if longest is None or not joined.is_before(step):
            return ()
        plan = plan_of(model, video, boxes, **self._made_how())
        run = np.ones(len(plan.boxes), bool)
        if not plan.why_all and not self._settings.overwrite:
            run = frames_to_see(plan.changed, context=True)
        frames = np.flatnonzero(run & ~np.isnan(plan.boxes[:, 0]))
        return cut(step, frames, boxes, longest) if len(frames) > longest else ()

    def _detect(
        self, detector: ModelFolder, video: Path, index: VideoIndex, joined: Joined
    ) -> Stage[tuple[Poses, bool]]:
        """Keypoints of the detector, and whether it had to run."""
        path = detector.predictions_csv(video)
        ran = False
        if self._detects(detector, video):
            _, ran = yield from self._predict(DETECT, detector, video, None, joined, self._settings.every)
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

    def _smoothed(self, boxes: FloatArray, video: Path) -> FloatArray:
        settings = SmoothingSettings(self._settings.method, self._settings.window)
        nobody = np.zeros(len(boxes), bool)
        left = frames_left(boxes, settings, nobody, doubtful_frames(boxes))
        if told := told_of_left(left, len(boxes)):
            self._notify(f"{video.name}: {told}. Take a smaller window.")
        return boxes if settings.window <= 1 else np.rint(smooth(boxes, settings))

    def _made_how(self) -> dict[str, Any]:
        """What the numbers of a model depend on but its boxes."""
        how = {name: value for name, value in self._settings.how.items() if name != "trust"}
        return how | {"edge": self._settings.edge}

    def _engine(self, model: ModelFolder, video: Path, boxes: FloatArray | None) -> Stage[Engine]:
        """The model, loaded when it is needed first."""
        engine = self._engines.get(model.path)
        if engine is None:
            self._notify(f"loading {model.path.name}")
            yield Progress(0, 0, f"loading {model.path.name}")
            examples = partial(some_frames, video, boxes, self._settings.edge)
            engine = Engine.load(model, **self._settings.how, examples=examples, notify=self._notify)
            self._engines[model.path] = engine
        return engine

    def _predict(
        self,
        step: str,
        model: ModelFolder,
        video: Path,
        boxes: FloatArray | None,
        joined: Joined,
        every: int = 1,
    ) -> Stage[tuple[Path, bool]]:
        """Run what the record of the predictions does not cover; whether there was anything to run."""
        settings = self._settings
        overwrite = settings.overwrite and not joined.is_after(step)
        if not overwrite and is_up_to_date(model, video, boxes, **self._made_how(), every=every):
            return model.predictions_csv(video), False
        engine = yield from self._engine(model, video, boxes)
        path = yield from predict_video(
            model,
            video,
            boxes,
            batch_size=settings.batch_size,
            edge=settings.edge,
            labeled_video=settings.labeled_video and boxes is not None,
            engine=engine,
            only_changed=not overwrite and every == 1,
            every=every,
            overwrite=overwrite,
            parts=joined.predicted if joined.step == step else (),
            notify=lambda what: self._notify(f"{video.name}: {what}"),
        )
        return path, True
