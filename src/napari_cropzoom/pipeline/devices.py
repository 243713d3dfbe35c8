"""What a network can run on here: CUDA, Apple's MPS or the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CPU, CUDA, MPS = "cpu", "cuda", "mps"


def best_device() -> str:
    """Return ``cuda`` where torch can use it, else ``mps``, else ``cpu``."""
    import torch

    if torch.cuda.is_available():
        return CUDA
    return MPS if torch.backends.mps.is_available() else CPU


def half_precision(device: str, precision: str) -> torch.dtype | None:
    """Return the type that torch's autocast computes in; None for single precision throughout.

    Parameters
    ----------
    device : {"cpu", "cuda", "mps"}
    precision : {"fp32", "fp16", "bf16"}
        On a CPU ``fp16`` is ``bf16``, as with ``litpose``. Where the device has no autocast, single
        precision takes the place of either.
    """
    import torch

    if precision == "fp32" or not torch.amp.is_autocast_available(device):
        return None
    return torch.bfloat16 if precision == "bf16" or device == CPU else torch.float16
