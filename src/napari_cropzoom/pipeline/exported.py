"""Run a model's ONNX export: made on request, compared with the network before it is trusted."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_folder
from napari_cropzoom.pipeline.exports import Export, Record, cannot_open, preferred_precision
from napari_cropzoom.pipeline.lean import Head
from napari_cropzoom.pipeline.models import ModelFolder, one_line
from napari_cropzoom.pipeline.network import FloatArray, Network, Samples
from napari_cropzoom.pipeline.progress import Tell
from napari_cropzoom.pipeline.sizes import image_size
from napari_cropzoom.pipeline.subpixel import SAME, peaks, upsampling_of

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    Forward = Callable[[torch.Tensor], torch.Tensor]

Look = Callable[[tuple[int, int]], Samples]
"""Some frames for a network's image of (height, width) pixels."""

SURE = 0.5
LARGEST_SHIFT = 0.05
"""Pixels of the network's image that a sure keypoint may move by. Nobody labels as exactly; rounding
moved those of trained models by less than 0.001, and of a random one by 0.012."""
LARGEST_DEVIATION = 1e-3
"""Of the network's output, relative to its largest value, where no keypoint is sure."""
RANDOM_IMAGES = 8
NEEDED = ("onnxruntime", "onnx", "onnxscript")
_WARNINGS, _NOTHING = 2, 4
"""What onnxruntime prints by default, and only what ends the process."""


def run_export(
    model: Any,
    network: Network,
    folder: ModelFolder,
    onnx_precision: str | None,
    look: Look | None,
    tell: Tell,
) -> tuple[Export, Forward]:
    """Have a network's forward pass done by its ONNX export, which is made if need be.

    Parameters
    ----------
    model : lightning_pose.api.Model
    network : Network
        Of that model, as it was loaded.
    folder : ModelFolder
        With the checkpoint the model was loaded from.
    onnx_precision : {"fp32", "fp16"} or None
        See :func:`napari_cropzoom.pipeline.exports.preferred_precision`.
    look : callable or None
        Frames to compare export and network on; None for random images.
    tell : callable
        Called with a line for a person before what takes time, and with what was found.

    Returns
    -------
    Export
    callable
        What does the forward pass now.

    Raises
    ------
    CropzoomError
        If a package is missing, the model cannot be exported, or its export gives other keypoints.
    """
    check_can_export(network, model, folder)
    device = network.device.type
    export = Export(folder, preferred_precision(folder, onnx_precision, device))
    if not export.is_there or export.is_of_another_model():
        tell(f"building the ONNX export of {folder.path.name} ({export.precision}), once")
        build(model, network, export)
    forward = _open(model, network, export)
    record = export.known(device)
    if record is None:
        record = _compared(network, forward, export, look)
        export.write(record)
        if record.trusted:
            tell(f"the ONNX export can be trusted: {record.found}")
    if not record.trusted:
        raise CropzoomError(
            f"{export.path}: cannot be trusted, since {record.found}. Delete it to have it built again, "
            "or use --runtime eager."
        )
    network.run_with(forward)
    if device == "cpu" and Head.read(export) is None:
        head = head_of(network, export.folder.image_size)
        if head is not None:
            with contextlib.suppress(CropzoomError):  # it goes on as well without, if slower to start
                head.write(export)
    return export, forward


def head_of(network: Network, size: tuple[int, int]) -> Head | None:
    """Read off a network what is needed to run its export without torch.

    Returns
    -------
    Head or None
        None where that is known for no such network, or gives other keypoints than Lightning Pose.
    """
    import torch

    images = torch.zeros(1, 3, *size, device=network.device)
    with torch.inference_mode():
        heatmaps = network.module.forward(images)
        found = upsampling_of(getattr(network.module, "head", None), heatmaps)
        if found is None:
            return None
        values = (found.tall, found.wide, found.offset, found.temperature, *network.normalizing)
        head = Head(*(value.detach().cpu().float().numpy() for value in values))
        example = peaks(heatmaps)
        wanted = found.maxima(example)
    xy, likelihood = head.keypoints(example.cpu().numpy())
    random = np.random.default_rng(0)
    samples = Samples(
        random.integers(0, 256, (1, 2 * size[0], 2 * size[1], 3), np.uint8),
        random.random((1, size[0]), np.float32),
        random.random((1, size[1]), np.float32),
        np.zeros((1, 4), np.float32),
    )
    same = (
        np.allclose(xy.reshape(1, -1), wanted[0].cpu().numpy(), rtol=0, atol=SAME)
        and np.allclose(likelihood, wanted[1].cpu().numpy(), rtol=0, atol=SAME)
        and np.allclose(head.images(samples), network.images(samples).cpu().numpy(), rtol=0, atol=SAME)
    )
    return head if same else None


def check_can_export(network: Network, model: Any, folder: ModelFolder) -> None:
    """Refuse what cannot work, before anything is built.

    Raises
    ------
    CropzoomError
        If a package is missing, the model has temporal context, or overrides change its image size.
    """
    if network.context:
        raise CropzoomError(
            f"{folder.path}: Lightning Pose's ONNX exports of models with temporal context return one of "
            "their two heatmaps only. Use --runtime eager."
        )
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CropzoomError(
            f"runtime onnx needs {', '.join(NEEDED)}, and there is no {' and no '.join(missing)}. "
            f"Run: pip install {' '.join(missing)} (with CUDA onnxruntime-gpu in place of onnxruntime), "
            "or use --runtime eager."
        )
    if image_size(model.cfg) != folder.image_size:
        raise CropzoomError(
            f"{folder.path}: an ONNX export has the image size of config.yaml, and the overrides set "
            "another one. Leave them out, or use --runtime eager."
        )


def build(model: Any, network: Network, export: Export) -> None:
    """Have Lightning Pose export a model to where `litpose export` does, all files of it or none.

    Raises
    ------
    CropzoomError
        If it cannot, or the folder cannot be written to.
    """
    from lightning_pose.api import Model

    with atomic_folder(export.path.parent) as part:

        class Staged(Model):
            """The same model, whose exports go to a folder of their own first."""

            def exports_onnx_dir(self) -> Path:
                return part

        staged = Staged(model.model_dir, model.config)
        staged.model = network.module.cpu()  # what is traced there runs anywhere
        try:
            with _silence():
                staged.export("onnx", onnx_precision=export.precision)
        except Exception as error:  # torch raises whatever its tracer and its converter do
            raise CropzoomError(
                f"{export.folder.path}: Lightning Pose cannot export it to ONNX ({one_line(error)}). "
                "Use --runtime eager."
            ) from error
        finally:
            network.module.to(network.device)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep to ourselves what exporter and onnxruntime print, warn and log on the way."""
    import onnxruntime

    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(_NOTHING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        onnxruntime.set_default_logger_severity(_WARNINGS)


def _open(model: Any, network: Network, export: Export) -> Forward:
    """Let Lightning Pose open the export; returns its forward pass.

    Its public ``Model.from_dir`` would load the checkpoint once more, unrestricted, and may download
    weights that the checkpoint replaces.
    """
    try:
        with _silence():  # onnxruntime warns of a CUDA that nobody asked it for
            model._attach_onnx_runtime(export.precision)
    except Exception as error:  # onnxruntime's have no common class
        raise cannot_open(export.path, error) from error
    forward: Forward = vars(model.model).pop("forward")
    network.module.to(network.device)  # Lightning Pose has moved a part of it to the CPU
    return forward


def _compared(network: Network, forward: Forward, export: Export, look: Look | None) -> Record:
    """Compare keypoints, or outputs where no keypoint is sure, of network and export."""
    import torch

    size = export.folder.image_size
    if look is None:
        images = torch.randn(RANDOM_IMAGES, 3, *size, generator=torch.Generator().manual_seed(0))
        images = images.to(network.device)
    else:
        images = network.images(look(size))
    try:
        own = _results(network, None, images)
        other = _results(network, forward, images)
        trusted, found = _agreement(own, other, export.folder.keypoint_names)
    except Exception as error:  # onnxruntime's have no common class
        trusted, found = False, f"it cannot be run ({' '.join(str(error).split())[:200]})"
    finally:
        network.run_with(None)
    return export.record(network.device.type, trusted, found)


Results = tuple[FloatArray, FloatArray, NDArray[np.float32]]


def _results(network: Network, forward: Forward | None, images: torch.Tensor) -> Results:
    """Keypoints in pixels of the network's image, likelihoods, and what the network puts out."""
    import torch

    network.run_with(forward)
    boxes = np.tile(np.array([0, 0, *images.shape[2:]], np.float32), (len(images), 1))
    xy, likelihood = network.keypoints(images, boxes)
    with torch.inference_mode():
        output = network.module.forward(images)
    return xy, likelihood, output.float().cpu().numpy()


def _agreement(own: Results, other: Results, names: tuple[str, ...]) -> tuple[bool, str]:
    """Whether results are the same for a person's purposes, and how far they are, in words."""
    frames = len(own[0])
    sure = ~(np.maximum(own[1], other[1]) < SURE)  # NaN has to be looked at
    if sure.any():
        shift = np.where(sure, np.abs(own[0] - other[0]).max(axis=2), 0)
        shift = np.where(np.isnan(shift), np.inf, shift)
        worst = np.unravel_index(shift.argmax(), shift.shape)
        most, name = float(shift[worst]), names[int(worst[1])]
        return most <= LARGEST_SHIFT, (
            f"{name!r} is {most:.2g} px of the network's image off the checkpoint's own prediction, the "
            f"most of {int(sure.sum())} sure keypoints in {frames} frames (limit {LARGEST_SHIFT} px)"
        )
    off = float(np.abs(own[2] - other[2]).max() / np.abs(own[2]).max())
    return off <= LARGEST_DEVIATION, (
        f"its output is {off:.2g} of the largest value off the checkpoint's own in {frames} frames "
        f"without a sure keypoint (limit {LARGEST_DEVIATION})"
    )
