"""What a model's numbers depend on, told without torch and in hashes."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.review_paths import file_sha256

LIBRARIES = ("lightning-pose", "torch")
RUNTIME_LIBRARIES = ("onnxruntime", "onnxruntime-gpu")
"""One of them runs the exports, for TensorRT too."""
EXPORTS = ("exports_onnx", "exports_trt")
"""Folders in which ``litpose export`` leaves what the runtimes other than ``eager`` run."""


def fingerprint(
    model: ModelFolder,
    precision: str = "fp32",
    runtime: str = "eager",
    overrides: Sequence[str] = (),
    onnx_precision: str | None = None,
) -> dict[str, str]:
    """Return everything about a model that changes its numbers but the device it runs on.

    The checkpoint and, for the runtimes that use them, the exported files by their content; the
    configuration, which says image size, kind of model and keypoints; the settings; the versions of
    the libraries. Parameters are those of :meth:`napari_cropzoom.engine.engine.Engine.load`.

    Raises
    ------
    OSError
        If the checkpoint or an export cannot be read.
    """
    config = json.dumps(model.config, sort_keys=True, default=str)
    return {
        "checkpoint": hash_of(model.checkpoint) if model.checkpoint else "",
        "config": hashlib.sha256(config.encode()).hexdigest(),
        "exports": "" if runtime == "eager" else hash_of_exports(model.path),
        "precision": precision,
        "runtime": runtime,
        "onnx_precision": onnx_precision or "",
        "overrides": json.dumps(list(overrides)),
        **(library_versions() if runtime == "eager" else runtime_versions()),
    }


def library_versions(*further: str) -> dict[str, str]:
    """Return the versions of what the numbers depend on, and of further packages; empty if absent."""
    return {name: _version(name) for name in (*LIBRARIES, *further)}


def runtime_versions() -> dict[str, str]:
    """Return the versions of what the numbers of a network and of its export depend on."""
    return library_versions(*RUNTIME_LIBRARIES)


def hash_of_exports(folder: Path) -> str:
    """SHA-256 of the names and contents of all files that a model's exports may consist of."""
    digest = hashlib.sha256()
    for name in EXPORTS:
        for file in sorted(path for path in (folder / name).rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(folder).as_posix()}\0{hash_of(file)}\0".encode())
    return digest.hexdigest()


def machine() -> str:
    """What a measured speed holds for."""
    return f"{platform.node()}, {platform.machine()}, {os.cpu_count()} processors"


def hash_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; computed again once its size or time of change is another one.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    stat = path.stat()
    return _known_hash(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _known_hash(path: Path, size: int, time: int) -> str:
    return file_sha256(path)


@lru_cache
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
