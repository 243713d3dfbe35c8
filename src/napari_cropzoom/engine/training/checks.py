"""What would end a training early, found out in a moment: Lightning Pose says it after torch is loaded.

The rules are those of Lightning Pose 2.4.3, ``api.model_config.ModelConfig.validate``, which needs torch
to be imported, and what its data modules refuse later on.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.belonging import images_of
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.video.names import VIDEO_SUFFIXES

MODEL_TYPES = ("regression", "heatmap", "heatmap_mhcrnn", "heatmap_multiview_transformer")
MULTIVIEW = "heatmap_multiview_transformer"
CAMERA_LOSSES = ("supervised_reprojection_heatmap_mse", "supervised_pairwise_projections")
SIDE = 128  # pixels; the sides of a network's input are multiples of it
_FOLDERS_UP = 3
LEAST_LABELS = 4  # images, so that there is one for validation and one to learn from

Section = Mapping[str, Any]


def problems_of(settings: Section, output_dir: Path) -> list[str]:
    """What is wrong with a configuration, in sentences with the cure; empty if nothing is known to be.

    Parameters
    ----------
    settings : mapping
        As :func:`.config.compose` gives them.
    output_dir : Path
        The model folder; Lightning Pose takes a relative ``data.data_dir`` from three folders above it.
    """
    found: list[str] = []
    named, data = settings["data"].get("data_dir"), settings["data"]
    above = output_dir.absolute().parents
    if named and not Path(str(named)).is_absolute() and len(above) >= _FOLDERS_UP:
        data = {**data, "data_dir": str(above[_FOLDERS_UP - 1] / str(named))}
        settings = {**settings, "data": data}
    for check in (_data, _schedule, _numbers, _model, _losses, _semi_supervised, _labels):
        try:
            found += check(settings)
        except (TypeError, ValueError, AttributeError, KeyError, OSError) as error:
            found.append(f"A value is not of the kind that Lightning Pose takes ({brief(error)}).")
    return found


def refuse(config: Path, settings: Section, output_dir: Path) -> None:
    """Raise CropzoomError with what is wrong with a configuration, if anything is."""
    found = problems_of(settings, output_dir)
    if found:
        raise CropzoomError(f"{config}: {' '.join(found)}")


def losses_of(settings: Section) -> list[str]:
    """The unsupervised losses, for which a training is semi-supervised."""
    losses = settings["model"].get("losses_to_use") or []
    return [str(each) for each in ([losses] if isinstance(losses, str) else losses) if each]


def has_cuda() -> bool:
    """Whether a graphics card of NVIDIA can be used, asked without torch."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
        count = ctypes.c_int(0)
        return bool(driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count)
    except (OSError, AttributeError):
        return False


def has_dali() -> bool:
    """Whether the package that reads unlabeled videos is installed."""
    try:
        return importlib.util.find_spec("nvidia.dali") is not None
    except (ImportError, ValueError):
        return False


# ---- one function a section ------------------------------------------------------------------


def _data(settings: Section) -> Iterator[str]:
    data = settings["data"]
    count, names, views = data.get("num_keypoints"), data.get("keypoint_names"), data.get("view_names")
    if not isinstance(count, int) or count < 1:
        yield f"data.num_keypoints is {brief(count)}; give how many keypoints the labels have."
    elif names is not None and len(names) != count:
        yield f"data.num_keypoints is {count}, but data.keypoint_names has {len(names)}. Make them agree."
    if views is not None and len(views) == 1:
        yield "data.view_names has a single view. Leave it out for one camera."
    elif views is not None and len(views) != len(data.get("csv_file") or ()):
        yield "data.csv_file needs one file for each of data.view_names."
    sizes = data.get("image_resize_dims") or {}
    for side in ("height", "width"):
        value = sizes.get(side)
        if value is not None and value % SIDE:
            near = max(SIDE, round(value / SIDE) * SIDE)
            yield f"data.image_resize_dims.{side} is {value}; take a multiple of {SIDE}, such as {near}."


def _schedule(settings: Section) -> Iterator[str]:
    training = settings["training"]
    shares = [training.get(name) for name in ("train_prob", "val_prob")]
    if None in shares:
        yield "training.train_prob and training.val_prob are missing. Give 0.9 and 0.1."
    elif sum(shares) > 1.0:
        yield (
            f"training.train_prob and training.val_prob are {shares[0]} and {shares[1]}, more than 1 "
            "together. Take less."
        )
    every = training.get("check_val_every_n_epoch")
    checkpoints = training.get("ckpt_every_n_epochs")
    if checkpoints is not None and (not every or checkpoints % every):
        yield (
            f"training.ckpt_every_n_epochs is {checkpoints}; take a multiple of "
            f"training.check_val_every_n_epoch ({every})."
        )
    epochs = training.get("max_epochs")
    if every and epochs is not None and epochs < every:
        yield (
            f"training.max_epochs is {epochs}, and nothing is kept before epoch {every} "
            "(training.check_val_every_n_epoch). Take more epochs, or a smaller one of these."
        )
    counts_steps = "min_steps" in training or "max_steps" in training
    unit, other = ("steps", "epochs") if counts_steps else ("epochs", "steps")
    single, other_single = unit[:-1], other[:-1]
    for name in (f"min_{unit}", f"max_{unit}", f"unfreezing_{single}"):
        if name not in training:
            yield f"training.{name} is missing. Add it."
    for name in (f"min_{other}", f"max_{other}", f"unfreezing_{other_single}"):
        if name in training:
            yield f"training.{name} does not go with training.max_{unit}. Take it out."
    stones = (training.get("lr_scheduler_params") or {}).get("multisteplr")
    if stones is None:
        return
    mine, theirs = (
        ("milestone_steps", "milestones") if counts_steps else ("milestones", "milestone_steps")
    )
    last = training.get(f"max_{unit}")
    if theirs in stones or mine not in stones:
        yield f"training.lr_scheduler_params.multisteplr needs {mine}, and not {theirs}."
    elif last is not None and any(each > last for each in stones[mine]):
        yield (
            f"training.lr_scheduler_params.multisteplr.{mine} go beyond training.max_{unit} ({last}). "
            "Take smaller ones."
        )


def _numbers(settings: Section) -> Iterator[str]:
    """What Lightning Pose falls over long after it has begun."""
    training = settings["training"]
    for name in ("train_batch_size", "val_batch_size", "test_batch_size", "max_epochs", "max_steps"):
        value = training.get(name)
        if value is not None and not (isinstance(value, int) and value >= 1):
            yield f"training.{name} is {brief(value)}; give a whole number, 1 or more."
    rate = (training.get("optimizer_params") or {}).get("learning_rate")
    if isinstance(rate, int | float) and not 0 < rate < float("inf"):
        yield f"training.optimizer_params.learning_rate is {brief(rate)}; give a number greater than 0."


def _model(settings: Section) -> Iterator[str]:
    kind = settings["model"].get("model_type")
    if kind not in MODEL_TYPES:
        yield f"model.model_type is {brief(kind)}; take one of {', '.join(MODEL_TYPES)}."


def _losses(settings: Section) -> Iterator[str]:
    known = settings.get("losses") or {}
    for name in losses_of(settings):
        weight = (known.get(name) or {}).get("log_weight")
        if weight is not None and not isinstance(weight, int | float):
            yield f"losses.{name}.log_weight is {brief(weight)}; give a number."
    views = settings["data"].get("view_names")
    if views is None or len(views) < 2:
        return
    for name in CAMERA_LOSSES:
        if (known.get(name) or {}).get("log_weight") is None:
            continue
        training = settings["training"]
        if settings["model"].get("model_type") != MULTIVIEW:
            yield f"losses.{name} needs model.model_type {MULTIVIEW}. Set its log_weight to null."
        elif training.get("imgaug") != "dlc" or training.get("imgaug_3d") is not True:
            yield f"losses.{name} needs training.imgaug dlc and training.imgaug_3d true."


def _semi_supervised(settings: Section) -> Iterator[str]:
    losses = losses_of(settings)
    if not losses:
        return
    named = ", ".join(losses)
    if not has_cuda():
        yield (
            f"The losses {named} (model.losses_to_use) make it semi-supervised, which needs a graphics "
            "card with CUDA, and none is found here. Take them out, or train on a computer that has one."
        )
    elif not has_dali():
        yield f"The losses {named} need the package nvidia-dali-cuda120. Install it, or take them out."
    folder = _video_dir(settings["data"])
    if not folder.is_dir() or not any(each.suffix.lower() in VIDEO_SUFFIXES for each in folder.iterdir()):
        yield f"The losses {named} learn from videos, and data.video_dir ({folder}) holds none."


def _video_dir(data: Section) -> Path:
    folder = Path(str(data.get("video_dir") or ""))
    return folder if folder.is_absolute() else Path(str(data.get("data_dir") or "")) / folder


def _labels(settings: Section) -> Iterator[str]:
    data = settings["data"]
    files = data.get("csv_file") or ()
    files = [files] if isinstance(files, str) else list(files)
    if not files:
        yield "data.csv_file is missing. Give the labels file."
    folder = Path(str(data.get("data_dir") or ""))
    if not folder.is_dir():
        yield f"data.data_dir is {brief(folder)}, and there is no such folder. Give where the images are."
        return
    videos = _video_dir(data)
    if not videos.exists() and not losses_of(settings):
        yield (
            f"data.video_dir is {brief(videos)}, and there is no such folder. Lightning Pose asks for "
            f"one; {folder} will do."
        )
    for file in map(str, files):
        path = Path(file) if Path(file).is_absolute() else folder / file
        if not path.is_file():
            yield f"data.csv_file is {brief(file)}, and there is no such file in {folder}."
            continue
        yield from _labels_in(path, folder, data.get("keypoint_names"))


def _labels_in(path: Path, folder: Path, names: Any) -> Iterator[str]:
    try:
        images = images_of(path) or ()
        parts = read_predictions_table(path).names
    except CropzoomError as error:
        yield str(error)
        return
    missing = [image for image in images if not (folder / image).is_file()]
    if missing:
        some = f"{len(missing)} of {counted(len(images), 'image')}"
        yield f"{path.name}: {some} cannot be found, the first {folder / missing[0]}. Copy them there."
    if len(images) < LEAST_LABELS:
        yield f"{path.name} has {counted(len(images), 'image')}; label {LEAST_LABELS} at least."
    if names is not None and len(parts) != len(names):
        yield (
            f"{path.name} has labels of {counted(len(parts), 'keypoint')}, data.keypoint_names has "
            f"{len(names)}. Make them agree."
        )
