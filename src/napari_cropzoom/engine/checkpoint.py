"""Load a Lightning Pose model without running anything a stranger put into its checkpoint."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.engine.model_folder import MOST_KEYPOINTS, ModelFolder, one_line
from napari_cropzoom.engine.training.config import check_hydra
from napari_cropzoom.engine.vetting import check_weights, read_checkpoint
from napari_cropzoom.files.names import real_path

STRIDE = 32  # pixels of the image to one of what a backbone makes of it
PRECISIONS = ("fp32", "fp16", "bf16")
RUNTIMES = ("eager", "onnx", "tensorrt", "auto")


def load_model(
    folder: ModelFolder,
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    trust: bool = False,
    onnx_precision: str | None = None,
) -> Any:
    """Return a ``lightning_pose.api.Model`` with its network loaded.

    Its forward pass is the network's own but for runtime ``tensorrt``; ONNX exports are for
    :func:`napari_cropzoom.engine.onnx.build.run_export`.

    Parameters and errors are those of :meth:`napari_cropzoom.engine.engine.Engine.load`.
    """
    check_choices(precision, runtime)
    check_hydra(folder.path / "config.yaml", folder.config)
    checkpoint = folder.checkpoint or ModelFolder.open(folder.path).checkpoint
    assert checkpoint is not None
    try:
        from lightning_pose.api import Model
    except ImportError as error:
        raise CropzoomError(
            f"Lightning Pose cannot be imported ({one_line(error)}). "
            'Install it with: pip install "napari-cropzoom[pose]".'
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Hydra, over the version that Lightning Pose asks for
            model = Model.from_dir2(folder.path, list(overrides) or None, precision)
    except Exception as error:
        raise CropzoomError(
            f"{folder.path / 'config.yaml'}: cannot be loaded with overrides "
            f"{' '.join(overrides) or '(none)'}: {one_line(error)}"
        ) from error
    for side, pixels in dict(model.cfg.data.image_resize_dims).items() if overrides else ():
        if not isinstance(pixels, int) or pixels < 1 or pixels % STRIDE:
            raise CropzoomError(
                f"--overrides data.image_resize_dims.{side}={brief(pixels)}: must be a multiple of "
                f"{STRIDE}. Leave it out to have the model's own."
            )
    model.model = load_module(checkpoint, model.cfg, trust=trust)
    if runtime == "tensorrt":
        check_picked(model, checkpoint)
        _attach_tensorrt(model, onnx_precision)
    return model


def check_choices(precision: str, runtime: str) -> None:
    """Refuse what is no precision or no runtime.

    Raises
    ------
    CropzoomError
    """
    _check_choice("precision", precision, PRECISIONS)
    _check_choice("runtime", runtime, RUNTIMES)


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise CropzoomError(f"{name} is {value!r}, and can be {', '.join(choices)}.")


def check_picked(model: Any, checkpoint: Path) -> None:
    """Refuse a model in which Lightning Pose would pick another checkpoint than the one that was checked.

    It picks by itself where it looks for exports, which are named after the checkpoint.

    Parameters
    ----------
    model : lightning_pose.api.Model
    checkpoint : Path

    Raises
    ------
    CropzoomError
    """
    from lightning_pose.utils.io import ckpt_path_from_base_path

    name = str(model.cfg.model.model_name)
    picked = ckpt_path_from_base_path(base_path=str(model.model_dir), model_name=name)
    if picked is None or real_path(picked) != real_path(checkpoint):
        raise CropzoomError(
            f"{checkpoint}: was checked, but Lightning Pose picks {picked or 'no checkpoint'} in this "
            "folder. Leave one checkpoint in it, in a folder whose path has no version_N but that of "
            "tb_logs, or use --runtime eager."
        )


def _attach_tensorrt(model: Any, onnx_precision: str | None) -> None:
    """Have TensorRT do the forward pass; the network is there, so Lightning Pose loads no checkpoint."""
    try:
        model._attach_tensorrt_runtime(onnx_precision)
    except Exception as error:
        raise CropzoomError(
            f"{model.model_dir}: runtime tensorrt cannot be used here: {' '.join(str(error).split())}"
        ) from error


def load_module(checkpoint: Path, config: Any, *, trust: bool = False) -> Any:
    """Build the network of a checkpoint, with its weights as float32, on the CPU.

    Nothing is downloaded for networks of torchvision: a trained checkpoint has all weights. Nothing
    outside Lightning Pose's own list is run unless ``trust``.

    Parameters
    ----------
    checkpoint : Path
    config : DictConfig
        The model's configuration.
    trust : bool
        Whether the person trusts where the checkpoint comes from.

    Raises
    ------
    CropzoomError
        If the checkpoint wants to import what it should not need, is damaged, or is of another model
        than ``config.yaml`` says.
    """
    import torch
    from lightning_pose.models import check_if_semi_supervised, get_model_class

    content = read_checkpoint(checkpoint, trust=trust)
    weights, settings = content.get("state_dict"), content.get("hyper_parameters")
    if not isinstance(weights, Mapping) or not isinstance(settings, Mapping):
        raise CropzoomError(
            f"{checkpoint}: has no state_dict or no hyper_parameters, so the network cannot be built. "
            "Use the checkpoint as Lightning saved it, or keep both keys when making it smaller."
        )
    check_weights(checkpoint, weights)
    weights = {_present_name(str(name)): value for name, value in weights.items()}
    _check_counts(checkpoint, settings, config.data)
    semi_supervised = check_if_semi_supervised(config.model.losses_to_use)
    kind = get_model_class(config.model.model_type, semi_supervised)
    _check_fit(kind, dict(settings), weights, checkpoint)
    module = _build(kind, dict(settings), checkpoint)
    try:
        missing = module.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        raise _another_model(checkpoint, brief(error, 200)) from error
    if missing:
        n, first = len(missing), missing[0]
        what = f"{counted(n, 'weight')} {verb(n, 'are')} missing, such as {first}"
        raise _another_model(checkpoint, what)
    return module.to(torch.float32).eval()


def _check_counts(checkpoint: Path, settings: Mapping[str, Any], data: Any) -> None:
    """Compare what a checkpoint says of its network with the configuration.

    Raises
    ------
    CropzoomError
    """
    count = settings.get("num_keypoints")
    names = data.get("keypoint_names") or data.get("keypoints") or ()
    for what, value in (("keypoint_names", len(names)), ("num_keypoints", data.get("num_keypoints"))):
        if value and value != count:
            raise _another_model(
                checkpoint, f"by data.{what} keypoints are {brief(value)}, by the weights {brief(count)}"
            )
    factor = settings.get("downsample_factor", 2)
    if not (_is_within(count, 1, MOST_KEYPOINTS) and _is_within(factor, 1, 3)):
        raise CropzoomError(
            f"{checkpoint}: says num_keypoints {brief(count)} and downsample_factor {brief(factor)}, "
            "which no model of Lightning Pose has. Copy it again from where the model was trained."
        )


def _is_within(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and low <= value <= high


def _check_fit(kind: Any, settings: dict[str, Any], weights: Mapping[str, Any], checkpoint: Path) -> None:
    """Compare the weights with the network's layers before these take any memory.

    Networks of the ViT family are taken from Hugging Face and cannot be built empty; of these the head
    must have as many outputs as there are keypoints.
    """
    import torch

    if "vit" in str(settings.get("backbone")):
        count = settings["num_keypoints"]
        sides = {side for name, value in weights.items() if name[:5] == "head." for side in value.shape}
        if not sides & {count, 2 * count}:
            raise _another_model(checkpoint, f"no layer of its head has {count} outputs")
        return
    with torch.device("meta"):
        layers = _build(kind, settings, checkpoint).state_dict()
    for name, layer in layers.items():
        if name not in weights:
            raise _another_model(checkpoint, f"weights are missing, such as {name}")
        if weights[name].shape != layer.shape:
            raise _another_model(
                checkpoint, f"{name} is {list(weights[name].shape)} and should be {list(layer.shape)}"
            )


def _build(kind: Any, settings: dict[str, Any], checkpoint: Path) -> Any:
    """Make the network with whatever weights, but without downloading any."""
    backbone = plain_backbone(str(settings.get("backbone", "resnet50")))
    settings |= {"backbone": backbone, "pretrained": False, "backbone_checkpoint": None}
    for name in inspect.signature(kind).parameters:
        if name.startswith("loss_factory"):
            settings[name] = None
    try:
        return kind(**settings)
    except Exception as error:
        raise CropzoomError(
            f"{checkpoint}: the network with backbone {brief(backbone)} cannot be built "
            f"({one_line(error)}). Backbones of the ViT family need the internet the first time."
        ) from error


def plain_backbone(name: str) -> str:
    """Return the backbone of the same layers whose building downloads nothing."""
    return "resnet50" if name.startswith(("resnet50_animal", "resnet50_human")) else name


def _present_name(name: str) -> str:
    """Checkpoints of Lightning Pose before 1.5 have the head's layers one level up."""
    return f"head.{name}" if name.startswith("upsampling_layers.") else name


def _another_model(checkpoint: Path, problem: str) -> CropzoomError:
    return CropzoomError(
        f"{checkpoint}: does not fit the model that config.yaml beside it describes ({problem}). "
        "Put back the config.yaml it was trained with."
    )
