"""Keypoints of a video, and what `litpose predict` writes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.progress import Notify, Progress, Stage, ignore
from napari_cropzoom.crop.record import doubt_of_crop, undecodable_in
from napari_cropzoom.detection.background import awaited
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.fingerprint import fingerprint
from napari_cropzoom.engine.incremental import (
    PredictedPart,
    RunPlan,
    compare_with_previous,
    joined_parts,
    read_previous,
    seen_boxes,
)
from napari_cropzoom.engine.loop import some_frames
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.onnx.note import measured_note
from napari_cropzoom.engine.outputs import outputs_of, write_outputs
from napari_cropzoom.engine.pixels import Edge
from napari_cropzoom.engine.sparse import check_every, frames_run, predict_sparsely
from napari_cropzoom.files.atomic import check_writable
from napari_cropzoom.files.belonging import check_made_of
from napari_cropzoom.files.provenance import MadeWith, video_identity
from napari_cropzoom.video.damage import undecodable_text
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.judge import note_odd
from napari_cropzoom.video.video import Video


def plan_of(
    model: ModelFolder,
    video: Path,
    boxes: NDArray[np.float64] | None = None,
    *,
    edge: Edge = "pad",
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    onnx_precision: str | None = None,
) -> RunPlan:
    """What a run would have to do, by the record of the predictions; without a network.

    Parameters
    ----------
    model, video, boxes, edge
        As in :func:`predict_video`.
    precision, runtime, overrides, onnx_precision
        As in :meth:`Engine.load`.

    Raises
    ------
    CropzoomError
        If the video cannot be read, or there is not one box for every frame.
    """
    if runtime == "auto":
        note = measured_note(model, precision, onnx_precision)
        runtime = note.faster if note else "auto"  # of which there are no predictions
    made_with = fingerprint(
        model, precision=precision, runtime=runtime, overrides=overrides, onnx_precision=onnx_precision
    )
    target = model.predictions_csv(video)
    return compare_with_previous(target, made_with, VideoIndex.scan(video), boxes, edge)


def is_up_to_date(
    model: ModelFolder,
    video: Path,
    boxes: NDArray[np.float64] | None = None,
    *,
    edge: Edge = "pad",
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    onnx_precision: str | None = None,
    every: int = 1,
    notify: Notify = ignore,
) -> bool:
    """Whether a run would change nothing, see :func:`plan_of`; ``notify`` is told so.

    With ``every`` more than 1, predictions of which as few frames were run will do.
    """
    plan = plan_of(
        model,
        video,
        boxes,
        edge=edge,
        precision=precision,
        runtime=runtime,
        overrides=overrides,
        onnx_precision=onnx_precision,
    )
    if plan.up_to_date:
        notify(plan.describe())
    return plan.up_to_date or (every > 1 and not plan.why_all and not plan.why_not_the_same(every))


def predict_part(
    engine: Engine,
    video: Path,
    frames: NDArray[np.intp],
    boxes: NDArray[np.float64] | None = None,
    batch_size: int | None = None,
    edge: Edge = "pad",
) -> Stage[PredictedPart]:
    """Find the keypoints of some frames, for :func:`predict_video` to put together with others.

    Parameters
    ----------
    engine : Engine
    video : Path
    frames : ndarray, (N,) int
        Cheapest from a multiple of the batch size on, without gaps.
    boxes, batch_size, edge
        See :meth:`Engine.predict`; with temporal context the two frames on either side need theirs too.

    Raises
    ------
    CropzoomError
        As :meth:`Engine.predict`.
    """
    with Video(video) as opened:
        only = np.zeros(opened.n_frames, bool)
        only[frames] = True
        poses = yield from engine.predict(opened, boxes, batch_size=batch_size, edge=edge, only=only)
        lost = opened.index.damage.numbers()
    found = poses.xy[frames], poses.likelihood[frames]
    return PredictedPart(frames, *found, lost, dict(engine.made_with), engine.device)


def predict_video(
    model: ModelFolder,
    video: Path,
    boxes: NDArray[np.float64] | None = None,
    *,
    output: Path | None = None,
    batch_size: int | None = None,
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    edge: Edge = "pad",
    metrics: bool = True,
    labeled_video: bool = False,
    trust: bool = False,
    engine: Engine | None = None,
    only_changed: bool = False,
    every: int = 1,
    overwrite: bool = False,
    parts: Sequence[PredictedPart] = (),
    notify: Notify = ignore,
) -> Stage[Path]:
    """Predict a video and write its files: predictions, metrics, then the labeled video.

    A record of what they were made with goes beside the predictions, see
    :mod:`napari_cropzoom.files.provenance`.

    Parameters
    ----------
    model : ModelFolder
    video : Path
    boxes, batch_size, edge
        See :meth:`Engine.predict`.
    output : Path or None
        The predictions; None for where `litpose predict` puts them.
    precision, runtime, overrides, trust
        See :meth:`Engine.load`; not looked at if ``engine`` is given.
    metrics : bool
        Also write Lightning Pose's metrics beside the predictions, ``<stem>_temporal_norm.csv`` and
        so on.
    labeled_video : bool
        Also write Lightning Pose's video with the keypoints drawn, into ``labeled_videos``.
    engine : Engine or None
        A warm one for this model.
    only_changed : bool
        Run only the frames whose result the boxes have changed since the predictions that are there
        were made, and keep the others to the last digit; all frames where those cannot be built on.
        Nothing is written where nothing has changed.
    every : int
        More than 1 for every n-th whole frame first, then all where that is not enough, see
        :mod:`napari_cropzoom.engine.sparse`; the others are interpolated and the record says which.
    overwrite : bool
        Replace predictions that were made of another video of this name.
    parts : sequence of PredictedPart
        What :func:`predict_part` has found with these boxes and this batch size; it does not run again.
    notify : callable
        Called with what will run, with ``only_changed``, or what has run, with ``every``, in a few words
        for a person.

    Returns
    -------
    Path
        The predictions.

    Raises
    ------
    CropzoomError
        As :meth:`Engine.load`, :meth:`Engine.predict` and :func:`write_outputs`, if ``every`` is more
        than 1 and there are boxes or only what has changed is to be run, or if the predictions there are
        of another video.
    """
    check_every(every, boxes is not None, only_changed)
    video = Path(video)
    target = output or model.predictions_csv(video)
    drawn = model.labeled_video(video) if labeled_video else None
    if not overwrite:
        check_made_of(target, video)
    for file in outputs_of(target, metrics=metrics, labeled_video=drawn):
        check_writable(file)
    with Video(video) as opened:
        total = opened.n_frames
        if engine is None:
            with ThreadPoolExecutor(1) as loader:
                how = (precision, runtime, overrides, trust)
                examples = partial(some_frames, video, boxes, edge)
                loading = loader.submit(partial(Engine.load, model, *how, examples=examples))
                engine = yield from awaited(loading, Progress(0, total, f"loading {model.path.name}"))
        previous = None
        if only_changed:
            plan = compare_with_previous(
                target, engine.made_with, opened.index, boxes, edge=edge, device=engine.device
            )
            plan.check_keeps(target)
            notify(plan.describe())
            if plan.up_to_date:
                return target
            previous = read_previous(target, plan)
        if parts:
            seen = seen_boxes(boxes, opened.index, edge)
            previous = joined_parts(parts, seen, previous, engine.made_with, engine.device)
            for one in parts:
                opened.index.damage.add(one.undecodable.tolist())
        if every == 1:
            stage = engine.predict(opened, boxes, batch_size=batch_size, edge=edge, previous=previous)
        else:
            note_odd(opened.index)  # damage in frames that are left out would not be met
            stage = predict_sparsely(engine, opened, every, batch_size=batch_size)
        poses = yield from stage
        if every > 1:
            notify(frames_run(poses))
        if told := doubt_of_crop(video):
            notify(told)
        lost = sorted({*opened.index.damage.numbers().tolist(), *undecodable_in(video)})
        if lost:
            poses.xy[lost], poses.likelihood[lost] = np.nan, 0
            notify(undecodable_text(np.array(lost), opened.n_frames))
        looked_at = None if boxes is None else seen_boxes(boxes, opened.index, edge)
        identity, guessed = video_identity(opened.index), poses.interpolated
        record = MadeWith(
            dict(engine.made_with),
            engine.device,
            identity,
            looked_at,
            interpolated=guessed,
            video_name=video.name,
        )
    yield from write_outputs(
        poses, target, video, engine.config, metrics=metrics, labeled_video=drawn, record=record
    )
    return target
