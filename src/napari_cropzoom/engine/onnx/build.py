"""Build a model's ONNX export, and compare it with the network before it is used."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import statistics
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Notify
from napari_cropzoom.engine.checkpoint import check_picked
from napari_cropzoom.engine.fingerprint import machine
from napari_cropzoom.engine.model_folder import ModelFolder, one_line
from napari_cropzoom.engine.network.executor import processors, shared
from napari_cropzoom.engine.network.head import Single
from napari_cropzoom.engine.network.samples import Examples, FloatArray, Network, blank, image_size, noise
from napari_cropzoom.engine.network.torch_network import TorchNetwork
from napari_cropzoom.engine.onnx.network import OnnxNetwork
from napari_cropzoom.engine.onnx.note import Export, Note, preferred_precision
from napari_cropzoom.files.atomic import atomic_folder

SURE = 0.5
LARGEST_SHIFT = 0.05
"""Pixels of the network's image that a sure keypoint may move by: rounding moved one by 0.012 at most."""
LARGEST_DEVIATION = 1e-3
"""Of the network's output, relative to its largest value, where no keypoint is sure."""
RANDOM_IMAGES = 8
ROUNDS = 5
NEEDED = ("onnxruntime", "onnx", "onnxscript")


def run_export(
    model: Any,
    network: TorchNetwork,
    folder: ModelFolder,
    onnx_precision: str | None,
    examples: Examples | None,
    notify: Notify,
) -> tuple[Export, Note, OnnxNetwork]:
    """Return a network's ONNX export, built if need be, once it is known to give the same keypoints.

    Frames to compare on come from ``examples``, or are random; ``notify`` is called with a line for a
    person before what takes time, and with what was found. Raises a `CropzoomError` if a package is
    missing, the model cannot be exported, or its export gives other keypoints.
    """
    check_can_export(network, model, folder)
    export = Export(folder, preferred_precision(folder, onnx_precision, network.device_type))
    note = export.read_note() if export.path.is_file() else None
    if not export.path.is_file() or (note is None and export.is_older_than_model()):
        notify(f"building the ONNX export of {folder.path.name} ({export.precision}), once")
        build(model, network, export)
        note = export.read_note()
    elif note is None and export.path.with_suffix(".json").is_file():
        notify(f"{export.path.name}: the note beside it is of an older cropzoom and not used; comparing")
    head = note.head if note is not None else network.read_head(folder.image_size)
    found = OnnxNetwork(export.path, head, shared(processors())[1])
    if network.device_type == "cuda" != found.device_type:
        raise CropzoomError(
            "onnxruntime cannot use the graphics card here. Install the onnxruntime-gpu that fits the "
            "CUDA of torch, or use --runtime eager."
        )
    if note is None or note.device != found.device_type:
        note = compare(network, found, folder, examples)
        export.write_note(note)
        if note.agrees:
            notify(f"the ONNX export agrees with the network: {note.found}")
    if not note.agrees:
        raise CropzoomError(
            f"{export.path}: cannot be used, since {note.found}. Delete it to have it built again, "
            "or use --runtime eager."
        )
    return export, note, found


def check_can_export(network: TorchNetwork, model: Any, folder: ModelFolder) -> None:
    """Refuse what cannot work, before anything is built."""
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
    check_picked(model, Export(folder, "fp32").checkpoint)
    if image_size(model.cfg) != folder.image_size:
        raise CropzoomError(
            f"{folder.path}: an ONNX export has the image size of config.yaml, and the overrides set "
            "another one. Leave them out, or use --runtime eager."
        )


def build(model: Any, network: TorchNetwork, export: Export) -> None:
    """Have Lightning Pose export a model to where `litpose export` does, all files of it or none."""
    from lightning_pose.api import Model

    level = logging.root.manager.disable
    with atomic_folder(export.path.parent) as part:

        class Staged(Model):
            def exports_onnx_dir(self) -> Path:
                return part

        staged = Staged(model.model_dir, model.config)
        staged.model = network.module.cpu()  # what is traced there runs anywhere
        try:  # and keep to ourselves what the exporter prints, warns and logs on the way
            logging.disable(logging.WARNING)
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                staged.export("onnx", onnx_precision=export.precision)
        except Exception as error:  # torch raises whatever its tracer and its converter do
            raise CropzoomError(
                f"{export.folder.path}: Lightning Pose cannot export it to ONNX ({one_line(error)}). "
                "Use --runtime eager."
            ) from error
        finally:
            logging.disable(level)
            network.module.to(network.device)


def compare(
    network: TorchNetwork, onnx: OnnxNetwork, folder: ModelFolder, examples: Examples | None
) -> Note:
    """Compare keypoints, or outputs where no keypoint is sure, of network and export."""
    height, width = folder.image_size
    samples = noise(folder.image_size, RANDOM_IMAGES) if examples is None else examples(folder.image_size)
    frame = np.array([0, 0, height, width], np.float32)  # keypoints in pixels of the network's image
    samples = replace(samples, boxes=np.tile(frame, (len(samples.boxes), 1)))
    images = network.images(samples)
    own = *network.keypoints(images, samples.boxes), network.outputs(images)
    try:
        other = *onnx(samples), onnx.outputs(images.cpu().numpy())
        agrees, found = _agreement(own, other, folder.keypoint_names)
    except Exception as error:  # onnxruntime's have no common class
        agrees, found = False, f"it cannot be run ({' '.join(str(error).split())[:200]})"
    return Note(onnx.device_type, agrees, found, onnx.head)


Results = tuple[FloatArray, FloatArray, Single]
"""Keypoints in pixels of the network's image, likelihoods, and what the network puts out."""


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


def measure(network: TorchNetwork, export: Export, note: Note, precision: str, batch_size: int) -> Note:
    """Time a network of ``precision`` and its export in turn, each warm, and note what was found."""
    network.fold(export.folder.image_size)
    onnx = OnnxNetwork(export.path, note.head, processors())
    samples = blank(export.folder.image_size, batch_size)
    times: list[list[float]] = [[], []]
    both: tuple[Network, ...] = (network, onnx)
    for _ in range(ROUNDS + 1):
        for run, seconds in zip(both, times, strict=True):
            started = time.perf_counter()
            run(samples)
            seconds.append((time.perf_counter() - started) / batch_size)
    eager, exported = (statistics.median(seconds[1:]) for seconds in times)
    note = replace(note, machine=machine(), precision=precision, eager=eager, onnx=exported)
    export.write_note(note)
    return note
