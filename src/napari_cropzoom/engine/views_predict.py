"""Keypoints of synchronised videos, by Lightning Pose's own call for several views.

It runs in a process that is kept for the recordings that follow, and ends when a stage is closed.
"""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from napari_cropzoom.core.boxes import BoolArray
from napari_cropzoom.core.children import end_with_parent, write_nothing
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.background import SECONDS_BETWEEN_REPORTS
from napari_cropzoom.engine.fingerprint import fingerprint
from napari_cropzoom.engine.incremental import seen_boxes
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.outputs import (
    outputs_of,
    predictions_frame,
    write_labeled_video,
    write_temporal_norm,
)
from napari_cropzoom.engine.pixels import Edge
from napari_cropzoom.engine.several_views import Views
from napari_cropzoom.files.atomic import check_writable, naming, put_in_place
from napari_cropzoom.files.leftovers import temporary_folder
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.provenance import (
    MadeWith,
    made_with_path,
    read_made_with,
    video_identity,
    write_made_with,
)
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.video.names import whole_name

EDGE: Edge = "clamp"  # what Lightning Pose does where a box leaves the frame
BATCH_SETTINGS = (
    "training.val_batch_size",
    "dali.base.predict.sequence_length",
    "dali.context.predict.sequence_length",
)


class SeveralViews:
    """A model of several views, loaded for the first recording and kept for those that follow.

    To be closed after use.

    Parameters
    ----------
    model : ModelFolder
    precision : {"fp32", "fp16", "bf16"}
    batch_size : int or None
        Frames of each view that are looked at together.
    overrides : sequence of str
        ``key=value`` in Hydra's grammar.
    trust : bool
        Whether code that the checkpoint brings may run.
    """

    def __init__(
        self,
        model: ModelFolder,
        *,
        precision: str = "fp32",
        batch_size: int | None = None,
        overrides: Sequence[str] = (),
        trust: bool = False,
    ) -> None:
        self.model = model
        sizes = [] if batch_size is None else [f"++{name}={batch_size}" for name in BATCH_SETTINGS]
        self._how = (precision, (*overrides, *sizes), trust)
        self._made_with = fingerprint(model, precision, overrides=overrides)
        self._process: BaseProcess | None = None
        self._there: Any = None  # our end of a pipe, of another class on Windows

    def __enter__(self) -> SeveralViews:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._there is not None:
            self._there.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._there = None

    def why_not_the_same(self, views: Views) -> str:
        """Why the predictions of a recording are not what a run now gives; empty if nothing says so."""
        for view, index in views.videos.items():
            record = read_made_with(made_with_path(self.model.predictions_csv(index.path)))
            if record is None:
                continue
            now = self._record(views, view, record.device)
            if record.model != now.model or record.video != now.video:
                return "the model, its settings or a video have changed since"
            if record.boxes is None or now.boxes is None:
                if record.boxes is not now.boxes:
                    return "its predictions were made " + (
                        "with boxes" if now.boxes is None else "of whole frames"
                    )
            elif not np.array_equal(record.boxes, now.boxes, equal_nan=True):
                return "its predictions were made with other boxes"
        return ""

    def predict(self, views: Views, *, labeled_video: bool = False) -> Stage[list[Path]]:
        """Predict a recording: of each view predictions, metrics and the record, then labeled videos.

        Nothing is written if anything fails, or the stage is closed, before the network is done.

        Returns
        -------
        list of Path
            Predictions in the order of the views.

        Raises
        ------
        CropzoomError
            If Lightning Pose fails or gives other than one row a frame, or a file cannot be written.
        """
        targets = [self.model.predictions_csv(video) for video in views.files]
        drawn = [self.model.labeled_video(video) for video in views.files] if labeled_video else []
        for target in targets:
            for file in outputs_of(target, metrics=True, labeled_video=None):
                check_writable(file)
        for video in drawn:
            check_writable(video)
        with naming(targets[0]), temporary_folder() as staging:
            device = yield from self._run(views, staging)
            staged = [staging / target.name for target in targets]
            for file, view in zip(staged, views.videos, strict=True):
                self._finish(file, views, view, device)
            for file, target in zip(staged, targets, strict=True):
                made = [
                    each for each in outputs_of(file, metrics=True, labeled_video=None) if each.is_file()
                ]
                put_in_place(made, target.parent)
        for target, index, output in zip(targets, views.videos.values(), drawn, strict=False):
            frame = predictions_frame(read_predictions(target, index.n_frames))
            yield from write_labeled_video(output, index.path, frame, self.model.config)
        yield Progress(views.n_frames, views.n_frames, "frames")
        return targets

    def _run(self, views: Views, staging: Path) -> Stage[str]:
        """Have the process predict into a folder; return the device it has used."""
        progress, total = staging / "progress.json", views.n_frames
        boxes = (
            [whole_name(views.bbox_files[view]) for view in views.videos] if views.bbox_files else None
        )
        asked = ([whole_name(video) for video in views.files], boxes, str(staging), str(progress))
        is_over = False
        try:
            there = self._started()
            there.send(asked)
            while not there.poll(SECONDS_BETWEEN_REPORTS):
                yield _progress(progress, total, f"loading {self.model.path.name}")
            is_good, said = there.recv()
            is_over = True
        except (EOFError, OSError) as error:
            raise CropzoomError(
                f"{views.files[0]}: the process that predicts has ended by itself, which lack of memory "
                "can cause. Give a smaller --batch_size."
            ) from error
        finally:
            if not is_over:
                self.close()
        if not is_good:
            self.close()
            raise CropzoomError(f"{views.session}: {said}")
        return str(said)

    def _started(self) -> Any:
        if self._there is None:
            spawn = multiprocessing.get_context("spawn")
            self._there, theirs = spawn.Pipe()
            self._process = spawn.Process(target=_work, args=(theirs, str(self.model.path), *self._how))
            self._process.start()
            theirs.close()
        return self._there

    def _finish(self, predictions: Path, views: Views, view: str, device: str) -> None:
        """Check what has come for a view, take keypoints off where no animal is, and write the record."""
        poses = read_predictions(predictions, views.n_frames)
        record = self._record(views, view, device)
        absent = _absent(views, view)
        if absent is not None:
            poses.xy[absent], poses.likelihood[absent] = np.nan, 0
            predictions_frame(poses).to_csv(predictions)
            write_temporal_norm(predictions, poses)
        record = replace(record, predictions=file_sha256(predictions))
        write_made_with(made_with_path(predictions), record)

    def _record(self, views: Views, view: str, device: str) -> MadeWith:
        identities = {name: video_identity(index) for name, index in views.videos.items()}
        others = {name: each for name, each in identities.items() if name != view}
        model = {**self._made_with, "other_views": json.dumps(others, sort_keys=True)}
        index, boxes = views.videos[view], views.boxes.get(view)
        seen = None if boxes is None else seen_boxes(boxes, index, EDGE)
        return MadeWith(model, device, identities[view], seen, video_name=index.path.name)


def _absent(views: Views, view: str) -> BoolArray | None:
    """Frames in which no animal is, None for none."""
    boxes = views.boxes.get(view)
    if boxes is None:
        return None
    absent: BoolArray = np.isnan(boxes[:, 0])
    return absent if absent.any() else None


def _progress(file: Path, total: int, loading: str) -> Progress:
    """How far Lightning Pose says it is; it counts batches."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        share = said["completed"] / said["total"]
    except (OSError, ValueError, KeyError, ZeroDivisionError):
        return Progress(0, total, loading)
    return Progress(min(round(share * total), total), total, "frames")


def _work(
    here: Any, path: str, precision: str, overrides: Sequence[str], trust: bool
) -> None:  # pragma: no cover (in a process of its own)
    """Load a model and predict what is asked for, until nobody asks any more."""
    end_with_parent()
    write_nothing()
    tqdm.set_lock(threading.RLock())  # its own is one of the system, which a killed process leaves behind
    try:
        model = _load(path, precision, overrides, trust)
    except CropzoomError as error:
        here.send((False, str(error)))
        return
    while True:
        try:
            videos, boxes, output, progress = here.recv()
        except EOFError:
            return
        try:
            model.predict_on_video_file_multiview(
                videos, output_dir=output, progress_file=Path(progress), bbox_file_per_view=boxes
            )
        except (Exception, SystemExit) as error:
            why = "" if isinstance(error, SystemExit) else f" ({brief(error, 200)})"
            here.send((False, f"Lightning Pose could not predict it{why}. `litpose predict` says more."))
        else:
            here.send((True, str(_accelerator())))


def _load(path: str, precision: str, overrides: Sequence[str], trust: bool) -> Any:
    from napari_cropzoom.engine.checkpoint import load_model

    return load_model(ModelFolder.open(path, several_views=True), precision, "eager", overrides, trust)


def _accelerator() -> str:
    from lightning_pose.utils.device import get_accelerator

    kind = str(get_accelerator())
    return "cuda" if kind == "gpu" else kind
