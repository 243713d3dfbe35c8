"""Load a Lightning Pose model without running anything a stranger put into its checkpoint."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.models import ALLOWED_GLOBALS, ModelFolder, one_line, unsafe_globals

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
    :func:`napari_cropzoom.pipeline.exported.run_export`.

    Parameters and errors are those of :meth:`napari_cropzoom.pipeline.predict.Engine.load`.
    """
    check_choices(precision, runtime)
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
        model = Model.from_dir2(folder.path, list(overrides) or None, precision)
    except Exception as error:
        raise CropzoomError(
            f"{folder.path / 'config.yaml'}: cannot be loaded with overrides "
            f"{' '.join(overrides) or '(none)'}: {one_line(error)}"
        ) from error
    model.model = load_module(checkpoint, model.cfg, trust=trust)
    if runtime == "tensorrt":
        model.model.forward = _tensorrt_forward(folder, overrides, onnx_precision)
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


def _tensorrt_forward(folder: ModelFolder, overrides: Sequence[str], onnx_precision: str | None) -> Any:
    """Return the forward pass exported for TensorRT.

    Lightning Pose loads the checkpoint again on the way, by which time it is known to be harmless.
    """
    from lightning_pose.api import Model

    try:
        model = Model.from_dir2(
            folder.path, list(overrides) or None, runtime="tensorrt", onnx_precision=onnx_precision
        )
    except Exception as error:
        raise CropzoomError(
            f"{folder.path}: runtime tensorrt cannot be used here: {' '.join(str(error).split())}"
        ) from error
    return model.model.forward


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
    semi_supervised = check_if_semi_supervised(config.model.losses_to_use)
    kind = get_model_class(config.model.model_type, semi_supervised)
    module = _build(kind, dict(settings), checkpoint)
    weights = {_present_name(name): value for name, value in weights.items()}
    try:
        missing = module.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        raise _another_model(checkpoint, " ".join(str(error).split())[:200]) from error
    if missing:
        raise _another_model(checkpoint, f"{len(missing)} weights are missing, such as {missing[0]}")
    return module.to(torch.float32).eval()


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
            f"{checkpoint}: the network with backbone {backbone} cannot be built ({one_line(error)}). "
            "Backbones of the ViT family need the internet the first time."
        ) from error


def read_checkpoint(checkpoint: Path, *, trust: bool = False) -> dict[str, Any]:
    """Unpickle a checkpoint, with torch's restricted loader unless the person trusts it.

    Raises
    ------
    CropzoomError
        If it wants to import more than Lightning Pose's own do and is not trusted, or is damaged.
    """
    import torch

    foreign = unsafe_globals(checkpoint)
    if foreign and not trust:
        raise CropzoomError(
            f"{checkpoint}: loading it would run code of its own ({', '.join(foreign)}). If you trust "
            "where it comes from, add --trust_checkpoint on the command line or confirm in the dock."
        )
    try:
        with torch.serialization.safe_globals(_allowed_objects()):
            content = torch.load(checkpoint, map_location="cpu", weights_only=not foreign)
    except Exception as error:
        raise CropzoomError(
            f"{checkpoint}: cannot be loaded ({one_line(error)}). "
            "Copy it again from where it was trained."
        ) from error
    if not isinstance(content, dict):
        raise CropzoomError(
            f"{checkpoint}: holds a {type(content).__name__}. Use a checkpoint saved by `litpose train`."
        )
    return content


def _allowed_objects() -> list[Any]:
    """Import what ``ALLOWED_GLOBALS`` names."""
    parts = (name.rpartition(".") for name in sorted(ALLOWED_GLOBALS))
    return [getattr(importlib.import_module(module), name) for module, _, name in parts]


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
