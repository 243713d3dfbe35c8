"""A checkpoint is a pickle: look into it without running it, and read no more than it should hold."""

from __future__ import annotations

import importlib
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError, brief

ALLOWED_GLOBALS = frozenset(
    {
        "builtins.dict",
        "builtins.int",
        "builtins.list",
        "collections.defaultdict",
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "omegaconf.dictconfig.DictConfig",
        "omegaconf.listconfig.ListConfig",
        "omegaconf.nodes.AnyNode",
        "typing.Any",
    }
)
"""What the checkpoints of Lightning Pose's own models import; none of it can run foreign code."""

MOST_UNPACKED = 4, 64_000_000
"""A checkpoint holds at most so many times its bytes on disk and so many more: torch packs nothing."""
MOST_PICKLED = 8_000_000  # bytes of the pickle without tensors; Lightning Pose's own have 0.2 MB
MOST_MEMBERS = 20_000

TRUST = (
    "If you trust where it comes from, add --trust_checkpoint on the command line or confirm in the dock."
)
AGAIN = "Copy it again from where the model was trained."

_ZIP = b"PK\x03\x04"
_MAGIC = bytes.fromhex(
    "6cfc9c46f9206aa85019"
)  # 0x1950a86a20f9469cfc6c, first in files of torch 0.2 to 1.5
_TAR = 257, b"ustar"
_NO_ZIP = (
    OSError,
    zipfile.BadZipFile,
    ValueError,
    EOFError,
    struct.error,
    NotImplementedError,
    zlib.error,
)


def unsafe_globals(checkpoint: Path) -> list[str]:
    """Return what loading a checkpoint would import beyond what Lightning Pose's own do, sorted.

    A checkpoint is a pickle, and what a pickle imports it can call. Nothing in it is run here.

    Raises
    ------
    CropzoomError
        If the file is not a checkpoint of torch, is of the old format, or unpacks to far more than it
        should.
    """
    import torch

    check_size(checkpoint)
    try:
        found = torch.serialization.get_unsafe_globals_in_checkpoint(checkpoint)
    except Exception as error:
        raise _unreadable(checkpoint, error) from error
    return sorted(set(found) - ALLOWED_GLOBALS)


def check_size(checkpoint: Path) -> None:
    """Refuse a checkpoint that would fill the memory, before any of it is unpacked.

    Raises
    ------
    CropzoomError
        If it cannot be read as a checkpoint at all, too.
    """
    try:
        if is_old_format(checkpoint):
            return
        size = checkpoint.stat().st_size
        with zipfile.ZipFile(checkpoint) as file:
            members = file.infolist()
    except _NO_ZIP as error:
        raise _unreadable(checkpoint, error) from error
    unpacked = sum(member.file_size for member in members)
    times, more = MOST_UNPACKED
    pickled = max((m.file_size for m in members if m.filename.endswith(".pkl")), default=0)
    if unpacked > times * size + more or pickled > MOST_PICKLED or len(members) > MOST_MEMBERS:
        raise CropzoomError(
            f"{checkpoint}: has {size / 1e6:.0f} MB and would unpack to {unpacked / 1e6:.0f} MB in "
            f"{len(members)} parts ({pickled / 1e6:.0f} MB without weights), which no model of Lightning "
            f"Pose does. {AGAIN}"
        )


def is_old_format(checkpoint: Path) -> bool:
    """Whether a checkpoint is of a format that torch wrote before 1.6; since then it is a zip archive.

    Raises
    ------
    OSError
    """
    with checkpoint.open("rb") as file:
        start = file.read(512)
    is_tar = start[_TAR[0] :].startswith(_TAR[1])  # of torch 0.1
    return not start.startswith(_ZIP) and (_MAGIC in start[:32] or is_tar)


def vet(checkpoint: Path, why: str = "") -> None:
    """Refuse a checkpoint that would run code of its own, or that cannot be read.

    Parameters
    ----------
    checkpoint : Path
    why : str
        A sentence for the message: what it would be loaded for.

    Raises
    ------
    CropzoomError
    """
    check_size(checkpoint)
    if is_old_format(checkpoint):
        read_checkpoint(checkpoint)  # its loader is restricted
        return
    foreign = unsafe_globals(checkpoint)
    if foreign:
        raise CropzoomError(
            f"{checkpoint}: loading it would run code of its own ({brief(', '.join(foreign))}). "
            f"{why}{TRUST}"
        )


def read_checkpoint(checkpoint: Path, *, trust: bool = False) -> dict[str, Any]:
    """Unpickle a checkpoint, with torch's restricted loader unless the person trusts it.

    Raises
    ------
    CropzoomError
        If it wants to import more than Lightning Pose's own do and is not trusted, or is damaged.
    """
    import torch

    check_size(checkpoint)
    is_old = is_old_format(checkpoint)
    if not is_old and not trust:
        vet(checkpoint)
    try:
        with torch.serialization.safe_globals(_allowed_objects()):
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:
        if not trust:
            raise _old(checkpoint, error) if is_old else _unreadable(checkpoint, error) from error
        try:
            content = torch.load(checkpoint, map_location="cpu", weights_only=False)
        except Exception as again:
            raise _unreadable(checkpoint, again) from again
    if not isinstance(content, dict):
        raise CropzoomError(
            f"{checkpoint}: holds a {type(content).__name__}. Use a checkpoint saved by `litpose train`."
        )
    return content


def check_weights(checkpoint: Path, weights: Mapping[str, Any]) -> None:
    """Refuse weights that claim to be larger than what is stored of them.

    Raises
    ------
    CropzoomError
    """
    import torch

    for name, value in weights.items():
        is_tensor = isinstance(value, torch.Tensor)
        if not is_tensor or value.layout != torch.strided or value.device.type != "cpu":
            raise CropzoomError(
                f"{checkpoint}: {brief(name)!r} in its state_dict is no tensor with numbers. {AGAIN}"
            )
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CropzoomError(
                f"{checkpoint}: {brief(name)!r} claims {value.numel()} numbers, and fewer are stored. "
                f"{AGAIN}"
            )


def _allowed_objects() -> list[Any]:
    """Import what ``ALLOWED_GLOBALS`` names."""
    parts = (name.rpartition(".") for name in sorted(ALLOWED_GLOBALS))
    return [getattr(importlib.import_module(module), name) for module, _, name in parts]


def _old(checkpoint: Path, error: Exception) -> CropzoomError:
    foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
    why = f"it would run {brief(foreign[1])}" if foreign else brief(error)
    return CropzoomError(
        f"{checkpoint}: is of the old format, of PyTorch before 1.6, and torch's restricted loader does "
        f"not read it ({why}). {TRUST}"
    )


def _unreadable(checkpoint: Path, error: Exception) -> CropzoomError:
    if isinstance(error, OSError) and error.strerror is not None:
        return CropzoomError(f"{checkpoint}: cannot be read ({error.strerror}). Check its permissions.")
    return CropzoomError(
        f"{checkpoint}: cannot be read as a checkpoint ({brief(error, 200)}). "
        f"The file is cut short or of another kind. {AGAIN}"
    )
