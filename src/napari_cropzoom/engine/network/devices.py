"""What a network can run on here: CUDA, Apple's MPS or the processor."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

from napari_cropzoom.core.errors import CropzoomError

CPU, CUDA, MPS = "cpu", "cuda", "mps"
DEVICE = re.compile(rf"{CPU}|{MPS}|{CUDA}(:\d+)?", re.ASCII)
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The cards that CUDA shows to a process, by number or name; it is read when CUDA is used first."""

_chosen: list[str] = []


def use_device(device: str) -> None:
    """Have models of this process run on one device; to be said before the first is loaded.

    Other cards are hidden from this process and those it starts, so that onnxruntime, TensorRT and
    Lightning Pose's own code take the same one.

    Parameters
    ----------
    device : str
        Such as ``cpu``, ``mps``, ``cuda`` or ``cuda:1``.
    """
    kind, _, number = device.partition(":")
    if kind == CPU:
        os.environ[VISIBLE] = "-1"
    elif number:
        shown = [each for each in os.environ.get(VISIBLE, "").split(",") if each]
        os.environ[VISIBLE] = shown[int(number)] if int(number) < len(shown) else str(int(number))
    _chosen[:] = [kind]


def may_use_cards() -> bool:
    """Whether models of this process may run on a graphics card."""
    return _chosen != [CPU]


def cards() -> list[str]:
    """Names of the graphics cards that torch can use here; imports it."""
    import torch

    return [f"{CUDA}:{number}" for number in range(torch.cuda.device_count())]


def check_devices(devices: Sequence[str]) -> None:
    """Refuse devices that are not here; imports torch unless all are the processor.

    Raises
    ------
    CropzoomError
        If one is not here, or torch cannot use it.
    """
    if set(devices) == {CPU}:
        return
    import torch

    found = cards()
    there = [CPU, *([MPS] if torch.backends.mps.is_available() else []), *found]
    for device in devices:
        kind, _, number = device.partition(":")
        if (f"{kind}:{int(number or 0)}" if kind == CUDA else kind) not in there:
            cure = (
                "" if found else " If there is a card, install a build of torch for it, see pytorch.org."
            )
            raise CropzoomError(
                f"--device {device}: is not here, or torch cannot use it. Give one of: "
                f"{', '.join(there)}.{cure}"
            )


def best_device() -> str:
    """Return ``cuda`` where torch can use it, else ``mps``, else ``cpu``; or what was chosen."""
    if _chosen:
        return _chosen[0]
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
