"""The stages of a batch for the worker's process, one video at a time; models stay loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from napari_cropzoom.batch.batch import Batch
from napari_cropzoom.batch.inputs import BatchVideo
from napari_cropzoom.batch.parts import NOTHING, InParts
from napari_cropzoom.batch.results import Result as Outcome
from napari_cropzoom.batch.settings import settings_of
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.crop.join import EncodedGroups
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.worker.stages import (
    Args,
    Result,
    StageFunction,
    identity,
    optional_path,
    required_path,
)

NAME = __name__
"""What the worker is told with ``--stages``."""
CHECK, VIDEO = "batch_check", "batch_video"


class Advanced(NamedTuple):
    """How far a video is, and lines for a person."""

    found: Outcome | InParts
    notes: tuple[str, ...]


class BatchStages:
    """Keeps the batch of the job before, whose models are loaded."""

    def __init__(self) -> None:
        self._batch: Batch | None = None
        self._key = ""
        self._notes: list[str] = []

    def check(self, args: Args) -> Stage[Result]:
        """Look at every video before any work; returns ``frames`` by path.

        ``failed`` has why some cannot be done.
        """
        batch, videos = self._batch_of(args), args["videos"]
        failed, frames = {}, {}
        for number, one in enumerate(videos):
            yield Progress(number, len(videos), "videos")
            try:
                frames[str(one["video"])] = batch.check(video_of(one))
            except CropzoomError as error:
                failed[str(one["video"])] = str(error)
        yield Progress(len(videos), len(videos), "videos")
        return {"failed": failed, "frames": frames}

    def work(self, args: Args) -> Stage[Result]:
        """All steps of one video; returns the fields of a :class:`.results.Result`, and notes."""
        batch = self._batch_of(args)
        self._notes.clear()
        found = yield from batch.work(video_of(args))
        return {**outcome_as_json(found), "note": "; ".join(self._notes)}

    def advance(self, args: Args) -> Stage[Advanced]:
        """All steps of one video up to one that is done in parts, see :meth:`.batch.Batch.advance`.

        ``joined`` and ``longest`` are its arguments; neither they nor what it returns are JSON.
        """
        batch = self._batch_of(args)
        self._notes.clear()
        joined = args.get("joined") or NOTHING
        found = yield from batch.advance(video_of(args), joined, args["longest"])
        return Advanced(found, tuple(self._notes))

    def part(self, args: Args) -> Stage[Path | EncodedGroups]:
        """Do ``part`` of a video, with its result in ``folder``, see :meth:`.batch.Batch.part`."""
        batch = self._batch_of(args)
        self._notes.clear()
        return (yield from batch.part(video_of(args), args["part"], args["folder"]))

    def _batch_of(self, args: Args) -> Batch:
        """The batch of these models and settings: the one before, if it is that."""
        detector = ModelFolder.open(required_path(args, "detector"))
        pose_path = optional_path(args, "pose")
        pose = None if pose_path is None else ModelFolder.open(pose_path)
        settings = dict(args["settings"])
        models = [identity(model) for model in (detector, pose) if model is not None]
        key = json.dumps([models, settings], sort_keys=True)
        if self._batch is None or self._key != key:
            self._batch = None  # its models leave the memory before others come
            self._batch = Batch(detector, pose, settings_of(settings), self._notes.append)
            self._key = key
        return self._batch


stages = BatchStages()
"""Of this process."""
STAGES: dict[str, StageFunction] = {CHECK: stages.check, VIDEO: stages.work}


def outcome_as_json(found: Outcome) -> Result:
    """The fields of a result, for the worker's line."""
    content = vars(found) | {"video": str(found.video)}
    return content | {"predictions": None if found.predictions is None else str(found.predictions)}


def outcome_of(content: Result) -> Outcome:
    """The inverse of :func:`outcome_as_json`."""
    fields = {name: value for name, value in content.items() if name != "note"}
    predictions = content["predictions"]
    paths = {"video": Path(content["video"]), "predictions": predictions and Path(predictions)}
    return Outcome(**{**fields, **paths})


def video_of(args: Args) -> BatchVideo:
    """The video of ``video`` and ``results``."""
    return BatchVideo(required_path(args, "video"), optional_path(args, "results"))
