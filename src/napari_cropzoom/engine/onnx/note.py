"""Where a model's ONNX exports lie, and what was found out about each on this machine; without torch.

That is a note in the user's own data folder, never in the model's: a folder that came from somebody else
brings no note that counts. It is found by the content of the checkpoint and of the export.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.fingerprint import hash_of, hash_of_exports, machine, runtime_versions
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.network.head import Head
from napari_cropzoom.engine.onnx.network import OnnxNetwork
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, load_arrays, parse_json
from napari_cropzoom.files.user_data import user_data_folder

GAIN = 1.05
"""How many times as fast an export must be to be preferred; less is within the measurement's noise."""


@dataclass(frozen=True)
class Note:
    """What was found out about an export.

    Whether it agrees with the network on a device, and how far in words; what it takes to run it without
    torch; and, once measured, where and for which precision how many seconds an image took.
    """

    device: str
    agrees: bool
    found: str
    head: Head
    machine: str = ""
    precision: str = ""
    eager: float = 0.0
    onnx: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether every value is of its kind, which a damaged note's are not."""
        texts = (self.device, self.found, self.machine, self.precision)
        numbers = (self.eager, self.onnx)
        return (
            all(isinstance(text, str) for text in texts)
            and all(isinstance(number, (int, float)) and 0 <= number < math.inf for number in numbers)
            and isinstance(self.agrees, bool)
        )

    @property
    def faster(self) -> str:
        """``onnx`` where it is clearly faster, else ``eager``."""
        return "onnx" if self.eager > GAIN * self.onnx else "eager"

    def describe_speed(self) -> str:
        """What runtime ``auto`` takes, and why, for a person."""
        ratio = self.eager / self.onnx
        times = f"{ratio:.2f} times as fast as" if ratio >= 1 else f"{1 / ratio:.2f} times slower than"
        return f"runtime auto: {self.faster}; onnx is {times} eager on this machine"


@dataclass(frozen=True)
class Export:
    """The ONNX export of a model's checkpoint in one precision, which may not be there."""

    folder: ModelFolder
    precision: str

    @property
    def path(self) -> Path:
        """The graph, where `litpose export` puts it; the weights may lie beside it in ``<name>.data``."""
        return self.folder.path / "exports_onnx" / f"{self.checkpoint.stem}_{self.precision}.onnx"

    @property
    def checkpoint(self) -> Path:
        assert self.folder.checkpoint is not None
        return self.folder.checkpoint

    @property
    def note_path(self) -> Path:
        """In the user's data folder, by all that decides on the keypoints of network and export."""
        files = [self.path.name, hash_of(self.checkpoint), hash_of_exports(self.folder.path)]
        key = [*files, self.folder.image_size, runtime_versions()]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        return user_data_folder() / "onnx" / f"{name}.npz"

    def is_older_than_model(self) -> bool:
        """Whether the checkpoint or its configuration was written after the export."""
        made = self.path.stat().st_mtime
        return any(f.stat().st_mtime > made for f in (self.checkpoint, self.folder.path / "config.yaml"))

    def read_note(self) -> Note | None:
        """Return what is known of these very files with these libraries; None if nothing is."""
        try:
            with load_arrays(self.note_path) as stored:
                head = Head(*(stored[field.name].astype(np.float32) for field in fields(Head)))
                note = Note(**parse_json(str(stored["note"])), head=head)
        except UNREADABLE_ARRAYS:
            return None
        return note if note.is_sound else None

    def write_note(self, note: Note) -> None:
        """Keep a note, if the user's data folder can be written to; else it is all found out again."""
        content = asdict(note)
        head = content.pop("head")
        path = self.note_path
        with contextlib.suppress(CropzoomError), atomic_path(path) as part, part.open("wb") as file:
            np.savez(file, note=np.array(json.dumps(content)), **head)


def preferred_precision(folder: ModelFolder, asked: str | None, device: str) -> str:
    """Return the precision asked for, or ``fp32``, or on a graphics card of the only export there is."""
    there = [name for name in ("fp32", "fp16") if Export(folder, name).path.is_file()]
    return asked or (there[0] if device == "cuda" and len(there) == 1 else "fp32")


def measured_note(folder: ModelFolder, precision: str, onnx_precision: str | None) -> Note | None:
    """Return the note whose speeds hold for this machine and a network of ``precision``, or None."""
    for name in (onnx_precision,) if onnx_precision else ("fp32", "fp16"):
        note = Export(folder, name).read_note()
        if note is not None and (note.machine, note.precision) == (machine(), precision):
            return note
    return None


def open_without_torch(
    folder: ModelFolder, overrides: Sequence[str], onnx_precision: str | None, threads: int
) -> OnnxNetwork | None:
    """Open a model's export if it is known to agree; overrides need Lightning Pose."""
    if overrides or folder.checkpoint is None:
        return None
    export = Export(folder, onnx_precision or "fp32")
    note = export.read_note() if export.path.is_file() else None
    if note is None or not note.agrees:
        return None
    try:
        network = OnnxNetwork(export.path, note.head, threads)
    except ImportError:
        return None
    return network if network.device_type == note.device else None
