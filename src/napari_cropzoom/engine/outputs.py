"""The files `litpose predict` leaves: predictions, metrics, then the labeled video."""

from __future__ import annotations

import contextlib
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Stage
from napari_cropzoom.detection.background import awaited
from napari_cropzoom.engine.drawing import draw
from napari_cropzoom.files.atomic import FileInUseError, atomic_path, naming, put_in_place
from napari_cropzoom.files.leftovers import temporary_folder
from napari_cropzoom.files.provenance import MadeWith, made_with_path, write_made_with
from napari_cropzoom.files.review_paths import file_sha256

if TYPE_CHECKING:
    import pandas as pd

_METRICS = ("temporal_norm", "pca_singleview_error", "pca_multiview_error")


def outputs_of(target: Path, *, metrics: bool, labeled_video: Path | None) -> list[Path]:
    """Every file that :func:`write_outputs` may write: predictions, their record, metrics, video."""
    names = [f"{target.stem}_{metric}.csv" for metric in _METRICS] if metrics else []
    beside = [made_with_path(target), *(target.with_name(name) for name in names)]
    return [target, *beside, *([labeled_video] if labeled_video is not None else [])]


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
    """Write predictions, metrics and the record of what they were made with, then the labeled video.

    The predictions come first, and none is thrown away for another's sake: see
    :func:`napari_cropzoom.files.atomic.put_in_place`.

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
        If a file cannot be written, or was kept under another name since one is open in another
        program, or the metrics or the video cannot be made.
    """
    total = len(poses)
    frame = predictions_frame(poses)
    in_use: FileInUseError | None = None
    with naming(target), contextlib.ExitStack() as stack:
        staging = stack.enter_context(temporary_folder())
        staged = staging / target.name
        frame.to_csv(staged)
        if metrics:
            pool = stack.enter_context(ThreadPoolExecutor(1))
            yield from awaited(
                pool.submit(write_metrics, staged, poses, config), Progress(0, 0, "computing metrics")
            )
        if record is not None:
            record = dataclasses.replace(record, predictions=file_sha256(staged))
            write_made_with(made_with_path(staged), record)
        try:
            put_in_place([staged, *sorted(set(staging.iterdir()) - {staged})], target.parent)
        except FileInUseError as error:
            in_use = error
    try:
        if labeled_video is not None:  # if the drawing is stopped, the predictions stay
            yield from write_labeled_video(labeled_video, video, frame, config)
    except CropzoomError as error:
        if in_use is None:
            raise
        raise CropzoomError(f"{in_use} {error}") from error
    if in_use is not None:
        raise in_use
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


def write_labeled_video(output: Path, video: Path, frame: pd.DataFrame, config: Any) -> Stage[None]:
    """Write Lightning Pose's video with the keypoints of a table drawn.

    Raises
    ------
    CropzoomError
        If it cannot be drawn or written.
    """
    with atomic_path(output) as part:
        yield from draw(part, video, frame, config)
