"""Where a model's ONNX exports lie, and what has been found out about each; without torch.

``exports_onnx/<checkpoint>_<precision>.onnx`` is `litpose export`'s own place. Beside it, with the suffix
``.json``, is our record: JSON with

``version``
    1;
``checkpoint``, ``export``
    SHA-256 of the checkpoint it was made from and of the exported files;
``image_size``
    height and width in pixels;
``libraries``, ``device``
    versions and kind of device of the comparison with the network itself;
``trusted``, ``found``
    whether both agreed, and how far, in words;
``speed``
    null, or ``machine``, ``precision`` of the eager network and seconds an image, ``eager`` and ``onnx``.

A record that cannot be read, or is of other files, counts as none: the export is compared again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.atomic import atomic_path
from napari_cropzoom.pipeline.fingerprint import RUNTIME_LIBRARIES, hash_of, library_versions
from napari_cropzoom.pipeline.models import ModelFolder

VERSION = 1
FOLDER = "exports_onnx"
GAIN = 1.05
"""How many times as fast an export must be to be preferred; less is within the measurement's noise."""


@dataclass(frozen=True)
class Speed:
    """Seconds an image, the network itself and its export timed in turn on one machine."""

    machine: str
    precision: str
    eager: float
    onnx: float

    @property
    def runtime(self) -> str:
        """``onnx`` where it is clearly faster, else ``eager``."""
        return "onnx" if self.eager > GAIN * self.onnx else "eager"

    def say(self) -> str:
        """What was measured, in a few words."""
        ratio = self.eager / self.onnx
        faster = f"{ratio:.2f} times as fast as" if ratio >= 1 else f"{1 / ratio:.2f} times slower than"
        return f"onnx is {faster} eager on this machine"


@dataclass(frozen=True)
class Record:
    """What is known of an export; see the module for the fields."""

    checkpoint: str
    export: str
    image_size: tuple[int, int]
    libraries: dict[str, str]
    device: str
    trusted: bool
    found: str
    speed: Speed | None = None


@dataclass(frozen=True)
class Export:
    """The ONNX export of a model's checkpoint in one precision, which may not be there.

    Attributes
    ----------
    folder : ModelFolder
    precision : {"fp32", "fp16"}
        Of the exported weights.
    """

    folder: ModelFolder
    precision: str

    @property
    def path(self) -> Path:
        """The graph; the weights may lie beside it in ``<name>.data``."""
        stem = self._checkpoint.stem
        return self.folder.path / FOLDER / f"{stem}_{self.precision}.onnx"

    @property
    def record_path(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def _checkpoint(self) -> Path:
        assert self.folder.checkpoint is not None
        return self.folder.checkpoint

    @property
    def is_there(self) -> bool:
        return self.path.is_file()

    def is_of_another_model(self) -> bool:
        """Whether the checkpoint or the size of its image is another one than it was made for.

        Of an export of `litpose` nothing is known but its age.
        """
        record = self.read()
        if record is None:
            return self.path.stat().st_mtime < self._checkpoint.stat().st_mtime
        made_for = (record.checkpoint, record.image_size)
        return made_for != (hash_of(self._checkpoint), self.folder.image_size)

    def record(self, device: str, trusted: bool, found: str) -> Record:
        """Make the record of a comparison that was made just now."""
        size, libraries = self.folder.image_size, library_versions(*RUNTIME_LIBRARIES)
        checkpoint = hash_of(self._checkpoint)
        return Record(checkpoint, self._content(), size, libraries, device, trusted, found)

    def known(self, device: str) -> Record | None:
        """Return the record if a comparison on this device with these libraries need not be repeated."""
        record = self.read()
        if record is None or record.device != device:
            return None
        return record if record.libraries == library_versions(*RUNTIME_LIBRARIES) else None

    def read(self) -> Record | None:
        """Return the record of these very files; None if there is none."""
        try:
            content = json.loads(self.record_path.read_text(encoding="utf-8"))
            if content.pop("version") != VERSION:
                return None
            speed = content.pop("speed")
            height, width = content.pop("image_size")
            record = Record(
                **content, image_size=(height, width), speed=Speed(**speed) if speed else None
            )
            return record if record.export == self._content() else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, record: Record) -> None:
        """Put a record beside the export.

        Raises
        ------
        CropzoomError
            If the folder cannot be written to.
        """
        content = {"version": VERSION, **asdict(record)}
        with atomic_path(self.record_path) as part:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def remember(self, record: Record, speed: Speed) -> None:
        """Put the measured speeds beside the export."""
        self.write(replace(record, speed=speed))

    def _content(self) -> str:
        digest = hashlib.sha256()
        for file in (self.path, self.path.with_name(f"{self.path.name}.data")):
            if file.is_file():
                digest.update(f"{file.name}\0{hash_of(file)}\0".encode())
        return digest.hexdigest()


def preferred_precision(folder: ModelFolder, asked: str | None, device: str) -> str:
    """Return the precision of the export to use: ``fp32`` where nothing says otherwise.

    A graphics card takes the only export that is there, as `litpose predict` does; half precision does
    a processor no good.
    """
    if asked is not None:
        return asked
    there = [name for name in ("fp32", "fp16") if Export(folder, name).is_there]
    return there[0] if device == "cuda" and len(there) == 1 else "fp32"


def machine() -> str:
    """What a measured speed holds for."""
    return f"{platform.node()}, {platform.machine()}, {os.cpu_count()} processors"


def remembered_runtime(folder: ModelFolder, precision: str, onnx_precision: str | None) -> str | None:
    """Return what was faster when runtime ``auto`` measured it here; None if that is not known.

    Parameters
    ----------
    folder : ModelFolder
    precision : str
        Of the eager network.
    onnx_precision : str or None
    """
    speed = _remembered(folder, precision, onnx_precision)
    return None if speed is None else speed.runtime


def say_remembered(folder: ModelFolder, precision: str, onnx_precision: str | None) -> str:
    """What runtime ``auto`` takes here, and why, for a person."""
    speed = _remembered(folder, precision, onnx_precision)
    assert speed is not None
    return f"runtime auto: {speed.runtime}; {speed.say()}"


def _remembered(folder: ModelFolder, precision: str, onnx_precision: str | None) -> Speed | None:
    for name in (onnx_precision,) if onnx_precision else ("fp32", "fp16"):
        record = Export(folder, name).read()
        if record is None or record.speed is None or Export(folder, name).is_of_another_model():
            continue
        if (record.speed.machine, record.speed.precision) == (machine(), precision):
            return record.speed
    return None


def cannot_open(path: Path, error: Exception) -> CropzoomError:
    """Say what onnxruntime has against an export, whose weights may lie in a file beside it."""
    said = " ".join(str(error).split())
    weights = path.with_name(f"{path.name}.data")
    if "external" in said.lower():
        said = f"its weights in {weights.name} are {'cut short' if weights.exists() else 'missing'}"
    return CropzoomError(
        f"{path}: cannot be opened ({said}). Delete it to have it built again, or use --runtime eager."
    )
