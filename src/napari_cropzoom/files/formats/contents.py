"""What lies in a file of another program, looked at without trusting it.

A format is recognised by content: by the first bytes, by the names in an HDF5 file or an archive, by the
first lines of a text. Nothing here unpickles, follows a link out of the file, expands XML entities or
reads more than :data:`MOST_BYTES`.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.files.csv_table import UTF16, quoted
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, parse_json

HEAD = 2**16
MOST_BYTES = 300_000_000  # of a text
MOST_JSON = 100_000_000  # which takes ten times that in memory
MOST_ARRAY = 300_000_000
MOST_NAMES = 10_000
EXTRA = "formats"
MOST_SEARCHED = 2**30
LEAST_HEAP = 4096
_HEAP = b"GCOL\1\0\0\0"
_ROOT_HEAP = {0: 88, 1: 92}  # by the version of the first block: where it says where names are
MOST_NAMED = 2**20

_MAGIC = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"PK\x03\x04", "zip"),
    (b"\x93NUMPY", "npy"),
    (b"CDF\x01", "netcdf3"),
    (b"CDF\x02", "netcdf3"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x80\x02", "pickle"),
    (b"\x80\x03", "pickle"),
    (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"),
)
_DIGITS = re.compile(r"(\d+)\D*$")


def needs(module: str, what: str, extra: str = EXTRA) -> Any:
    """Import a package that only some formats need.

    Raises
    ------
    CropzoomError
        If it is not installed, with the line that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise CropzoomError(
            f"{what} needs the package {module.partition('.')[0]}, which is not installed. "
            f'Install it with: pip install "napari-cropzoom[{extra}]"'
        ) from error


class Content:
    """A first look at a file or folder: enough to say what it is.

    Raises
    ------
    CropzoomError
        If it is not there or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.is_dir()
        self.head = b""
        if self.is_folder:
            return
        if not path.is_file():
            lacks = "is a pipe or a device, not a file" if path.exists() else "there is no such file"
            raise CropzoomError(f"{path}: {lacks}. Give the file that the other tool wrote.")
        try:
            with path.open("rb") as file:
                self.head = file.read(HEAD)
        except OSError as error:
            raise CropzoomError(f"{path}: cannot be read ({error.strerror or error}).") from error
        if not self.head.strip():
            raise CropzoomError(f"{path}: is empty. Give the file that the other tool wrote.")

    @cached_property
    def kind(self) -> str:
        """``folder``, ``hdf5``, ``zip``, ``npy``, ``tiff``, ``json``, ``xml``, ``text``, ..."""
        if self.is_folder:
            return "folder"
        for magic, kind in _MAGIC:
            if self.head.startswith(magic):
                return kind
        if b"\0" in self.head and not self.head.startswith(UTF16):
            return "binary"
        text = self.text.lstrip()
        if text[:1] in ("{", "["):
            return "json"
        return "xml" if text.startswith("<") else "text"

    @cached_property
    def text(self) -> str:
        """The beginning, as text."""
        return self.head.decode(encoding_of(self.head), "replace")

    @cached_property
    def lines(self) -> list[str]:
        """The first lines, without empty ones."""
        return [line for line in self.text.splitlines()[:50] if line.strip()]

    @cached_property
    def certain_names(self) -> frozenset[str]:
        """Top-level names in an HDF5 file, read without its library, so without a wait or danger.

        Empty where the file is of the newer layout, or damaged. Format: "HDF5 File Format Specification",
        superblock of version 0 or 1, symbol table entry and local heap.
        """
        at = _ROOT_HEAP.get(self.head[8]) if self.kind == "hdf5" and len(self.head) > 100 else None
        if at is None:
            return frozenset()
        with self.path.open("rb") as file:
            heap = _part(file, int.from_bytes(self.head[at : at + 8], "little"), 32)
            if not heap.startswith(b"HEAP"):
                return frozenset()
            size = int.from_bytes(heap[8:16], "little")
            names = _part(file, int.from_bytes(heap[24:32], "little"), min(size, MOST_NAMED))
        return frozenset(name.decode("utf-8", "replace") for name in names.split(b"\0") if name)

    @cached_property
    def names(self) -> frozenset[str]:
        """Top-level names in an HDF5 file or an archive of arrays; of some files in a folder."""
        if self.kind == "hdf5":
            with opened_hdf5(self.path) as file:
                return frozenset(name for _, name in zip(range(MOST_NAMES), file, strict=False))
        if self.kind == "zip":
            try:
                with zipfile.ZipFile(self.path) as archive:
                    members = archive.namelist()[:MOST_NAMES]
            except UNREADABLE_ARRAYS:
                return frozenset()
            return frozenset(name.removesuffix(".npy") for name in members)
        if self.is_folder:
            with os.scandir(self.path) as found:
                return frozenset(each.name for _, each in zip(range(MOST_NAMES), found, strict=False))
        return frozenset()


def _part(file: BinaryIO, start: int, size: int) -> bytes:
    """Bytes of a file from a place on, fewer or none where it ends before."""
    if start >= os.fstat(file.fileno()).st_size:
        return b""
    file.seek(start)
    return file.read(size)


def encoding_of(data: bytes) -> str:
    """Of a text: UTF-16 where its first bytes say so, else UTF-8."""
    return "utf-16" if data.startswith(UTF16) else "utf-8-sig"


def read_whole_text(path: Path) -> str:
    """Text of a file in UTF-8 or UTF-16, line feeds between its lines, of a bounded size.

    Raises
    ------
    CropzoomError
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CropzoomError(
            f"{path}: has {size / 1e6:.0f} MB; tables of up to {MOST_BYTES / 1e6:.0f} MB are read. "
            "Split it by animal or by video."
        )
    data = path.read_bytes()
    try:
        text = data.decode(encoding_of(data))
    except UnicodeDecodeError as error:
        raise CropzoomError(
            f"{path}: is not text in UTF-8 (byte {error.start}). Save it as UTF-8 in the other program."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_bounded_json(path: Path) -> Any:
    """Content of a JSON file.

    Raises
    ------
    CropzoomError
    """
    size = path.stat().st_size
    if size > MOST_JSON:
        raise CropzoomError(
            f"{path}: has {size / 1e6:.0f} MB; JSON of up to {MOST_JSON / 1e6:.0f} MB is read. Write one "
            "file a video, without masks."
        )
    try:
        data = path.read_bytes()
        return parse_json(data.decode(encoding_of(data)))
    except (ValueError, MemoryError) as error:
        raise CropzoomError(f"{path}: is not JSON ({brief(error)}). Write the file again.") from error


@contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """Yield an ``h5py.File`` to read.

    Raises
    ------
    CropzoomError
        If h5py is not installed or the file is damaged.
    """
    h5py = needs("h5py", f"{path.name}: reading HDF5")
    if has_endless_heap(path):
        raise CropzoomError(f"{path}: is damaged HDF5 (a part of it is zeros). Copy or export it again.")
    try:
        file = h5py.File(path, "r", locking=False)  # some network drives have no locks
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise CropzoomError(
            f"{path}: is not a readable HDF5 file ({brief(error)}). Copy it again."
        ) from error
    with file:
        yield file


def has_endless_heap(path: Path) -> bool:
    """Whether the HDF5 library would read for ever: an object of no size in a heap of texts.

    Format: "HDF5 File Format Specification", global heap. Looks at the first gigabyte.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = data.find(_HEAP, 0, MOST_SEARCHED)
        while place >= 0:
            end = place + int.from_bytes(data[place + 8 : place + 16], "little")
            at = place + 16
            while place + LEAST_HEAP <= end <= len(data) and at + 16 <= end:
                size = int.from_bytes(data[at + 8 : at + 16], "little")
                if data[at : at + 2] != b"\0\0":
                    at += 16 + (size + 7) // 8 * 8
                elif size:
                    at += size
                else:
                    return True
            place = data.find(_HEAP, place + len(_HEAP), MOST_SEARCHED)
    return False


def hdf5_array(group: Any, name: str) -> Any:
    """Return one array of an HDF5 file, none of it from elsewhere, of a bounded size.

    Raises
    ------
    ValueError
        If it is not there, leads out of the file or is too large.
    """
    h5py = needs("h5py", "reading HDF5")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"has no array {quoted(name)} of its own")
    data = group[name]
    if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external:
        raise ValueError(f"{quoted(name)} is no array of its own")
    if data.shape is None:
        raise ValueError(f"{quoted(name)} is empty")
    if data.size * max(1, data.dtype.itemsize) > MOST_ARRAY:
        raise ValueError(f"{quoted(name)} would take {data.size * data.dtype.itemsize / 1e6:.0f} MB")
    return data[()]


def check_dimensions(data: Any) -> None:
    """Refuse a list of dimensions that is none, on which h5py would end the process.

    Raises
    ------
    ValueError
    """
    h5py = needs("h5py", "reading HDF5")
    if "DIMENSION_LIST" not in data.attrs:
        raise ValueError("an array without dimensions")
    kind = h5py.check_vlen_dtype(data.attrs.get_id("DIMENSION_LIST").dtype)
    if kind is None or h5py.check_ref_dtype(kind) is not h5py.Reference:
        raise ValueError("dimensions that are none")


def hdf5_numbers(group: Any, name: str) -> FloatArray:
    """The same as numbers."""
    return as_numbers(name, hdf5_array(group, name))


def as_numbers(name: str, values: Any) -> FloatArray:
    """An array of real numbers as float64.

    Raises
    ------
    ValueError
        If it has others.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{quoted(name)} holds no numbers")
    return array.astype(np.float64, copy=False)


def hdf5_texts(group: Any, name: str) -> list[str]:
    """The same as texts."""
    return [as_text(each) for each in np.ravel(hdf5_array(group, name))[:MOST_NAMES].tolist()]


def as_text(value: Any) -> str:
    """Text of an attribute or cell, whether bytes, an array of one, or text."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def json_text(value: Any) -> Any:
    """What JSON in an attribute says; None where it is none."""
    try:
        return json.loads(as_text(value))
    except (ValueError, RecursionError):
        return None


def number_in_name(name: str) -> int | None:
    """Number of the frame in a file's name, the last one in it: 12 of ``clip_0012.png``."""
    stem = name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or name
    found = _DIGITS.search(stem)
    return int(found[1][-15:]) if found else None
