"""The files `litpose predict` leaves for a video, written at once or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.io.made_with import MadeWith, made_with_path, write_made_with
from napari_cropzoom.io.session_store import file_sha256
from napari_cropzoom.pipeline.background import SECONDS_BETWEEN_REPORTS, awaited
from napari_cropzoom.pipeline.progress import Progress, Stage

if TYPE_CHECKING:
    import pandas as pd

DRAWN_ABOVE = 0.9
"""Likelihood below which a labeled video leaves keypoints out, where the configuration is silent."""


def write_outputs(
    poses: Poses,
    target: Path,
    video: Path,
    config: Any,
    *,
    metrics: bool,
    labeled_video: Path | None,
    record: MadeWith | None = None,
) -> Stage[None]:
    """Write predictions, metrics, the labeled video and the record of what they were made with.

    Parameters
    ----------
    poses : Poses
    target : Path
        The predictions; metrics go beside it.
    video : Path
        What they were found in.
    config : DictConfig
        The model's configuration.
    metrics : bool
    labeled_video : Path or None
        Where to write it; None for none.
    record : MadeWith or None
        Of these predictions, whose hash is filled in here; None for none.

    Raises
    ------
    CropzoomError
        If a file cannot be written, or the metrics or the video cannot be made.
    """
    total = len(poses)
    frame = predictions_frame(poses)
    with contextlib.ExitStack() as stack:
        staging = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cropzoom-")))
        staged = staging / target.name
        frame.to_csv(staged)
        if metrics:
            pool = stack.enter_context(ThreadPoolExecutor(1))
            yield from awaited(
                pool.submit(write_metrics, staged, poses, config), Progress(total, total, "metrics")
            )
        if record is not None:
            record = dataclasses.replace(record, predictions=file_sha256(staged))
            write_made_with(made_with_path(staged), record)
        for file in sorted(staging.iterdir()):
            part = stack.enter_context(atomic_path(target.with_name(file.name)))
            shutil.copyfile(file, part)
        if labeled_video is not None:
            part = stack.enter_context(atomic_path(labeled_video))
            yield from _draw(part, video, frame, config)
        yield Progress(total, total, "frames")


def predictions_frame(poses: Poses) -> pd.DataFrame:
    """Return keypoints as Lightning Pose's table: three header rows scorer, bodyparts, coords."""
    import pandas as pd

    columns = pd.MultiIndex.from_product(
        [[poses.scorer], poses.names, ["x", "y", "likelihood"]],
        names=["scorer", "bodyparts", "coords"],
    )
    values = np.concatenate([poses.xy, poses.likelihood[..., None]], axis=2)
    return pd.DataFrame(values.reshape(len(poses), -1), columns=columns)


def write_metrics(predictions: Path, poses: Poses, config: Any) -> None:
    """Write Lightning Pose's metric files beside a predictions file.

    The PCA errors need the labels the model was trained on, and are left out where those are not. With
    them Lightning Pose computes all; what moves by how much from frame to frame does not need it.

    Raises
    ------
    CropzoomError
        If Lightning Pose cannot compute them.
    """
    if not _pca_is_wanted(config):
        write_temporal_norm(predictions, poses)
        return
    from lightning_pose.api.model import _build_datamodule_pred
    from lightning_pose.metrics import compute_metrics_single

    try:
        compute_metrics_single(
            cfg=config,
            labels_file=None,
            preds_file=predictions,
            data_module=_build_datamodule_pred(config),
        )
    except (Exception, SystemExit) as error:
        raise CropzoomError(
            f"{predictions.name}: Lightning Pose cannot compute its metrics ({error}). "
            "Check the section losses of the model's config.yaml, or predict without metrics."
        ) from error


def write_temporal_norm(predictions: Path, poses: Poses) -> None:
    """Write ``<stem>_temporal_norm.csv``: pixels each body part has moved by since the frame before.

    (T, K), with NaN in the first row, as Lightning Pose's ``lightning_pose.metrics.temporal_norm``.
    """
    import pandas as pd

    moved = np.diff(poses.xy.astype(np.float32), axis=0)
    norm = np.full(poses.likelihood.shape, np.nan)
    norm[1:] = np.sqrt((moved * moved).sum(axis=2))
    frame = pd.DataFrame(norm, columns=pd.Index(poses.names))
    frame.to_csv(predictions.with_name(f"{predictions.stem}_temporal_norm.csv"))


def _pca_is_wanted(config: Any) -> bool:
    """Whether a PCA metric is configured and the labels it needs are here."""
    data = config.data
    if not (data.get("columns_for_singleview_pca") or data.get("mirrored_column_matches")):
        return False
    files = data.csv_file if not isinstance(data.csv_file, str) else [data.csv_file]
    return all((Path(data.data_dir) / file).is_file() for file in files)


def _draw(part: Path, video: Path, frame: pd.DataFrame, config: Any) -> Iterator[Progress]:
    """Run Lightning Pose's drawing in a process of its own, which can be stopped half way."""
    settings = config.get("eval") or {}
    process = multiprocessing.get_context("spawn").Process(
        target=_draw_here,
        args=(
            str(video),
            frame,
            str(part),
            float(settings.get("confidence_thresh_for_vid", DRAWN_ABOVE)),
            str(settings.get("colormap", "cool")),
        ),
        daemon=True,
    )
    process.start()
    try:
        while process.is_alive():
            yield Progress(0, 0, "drawing the labeled video")
            process.join(SECONDS_BETWEEN_REPORTS)
    finally:
        process.kill()
        process.join()
    if process.exitcode != 0 or not part.is_file():
        raise CropzoomError(
            f"{video}: Lightning Pose could not draw the labeled video. Predict without it (--skip_viz)."
        )


def _draw_here(video: str, frame: pd.DataFrame, output: str, threshold: float, colormap: str) -> None:
    from lightning_pose.utils.predictions import generate_labeled_video

    generate_labeled_video(video, frame, output, threshold, colormap)
