"""What a network can run on here: CUDA, Apple's MPS or the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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


@contextmanager
def no_tf32(device: str) -> Iterator[None]:
    """Have convolutions on a CUDA card compute what is asked of them.

    By default they round to 10 bits ("TF32") within single precision: keypoints then lay up to 0.1 pixels
    of the network's image off those of a processor.
    """
    import torch

    if device != CUDA:
        yield
        return
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


class InSingle:
    """A function of tensors that computes in single precision, within autocast too."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work

    def __call__(self, *arguments: Any) -> Any:
        import torch

        device = arguments[0].device.type
        if not torch.is_autocast_enabled(device):
            return self.work(*arguments)
        with torch.autocast(device, enabled=False):
            return self.work(*(a.float() if isinstance(a, torch.Tensor) else a for a in arguments))
