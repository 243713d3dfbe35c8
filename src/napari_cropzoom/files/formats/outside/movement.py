"""movement's netCDF: ``position`` is a centre, ``shape`` is (w, h), or keypoints.

Format: https://movement.neuroinformatics.dev, movement 0.15. Read as netCDF 4 with h5py or as netCDF 3
with scipy; written as netCDF 3, which xarray reads too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, centered
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.formats.contents import (
    MOST_ARRAY,
    Content,
    as_text,
    check_dimensions,
    hdf5_array,
    hdf5_numbers,
    hdf5_texts,
    opened_hdf5,
)
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import mean_likelihood
from napari_cropzoom.files.formats.outside_rows import (
    BoxesOut,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    refuse,
)

ORDER = ("time", "individuals", "keypoints", "space")
LONGEST_NAME = 200
OFF = 0.25  # of a frame


class Movement:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "movement"
    label: ClassVar[str] = "Movement netCDF"
    help: ClassVar[str] = "Boxes or poses as movement saves them"
    patterns: ClassVar[tuple[str, ...]] = ("*.nc",)

    def recognises(self, content: Content) -> bool:
        """By the names of its arrays."""
        if content.kind == "netcdf3":
            return b"position" in content.head and b"individuals" in content.head
        return content.kind == "hdf5" and {"position", "individuals", "time"} <= content.names

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Boxes if it has shapes, else poses."""
        arrays, names, about = _netcdf3(path) if Content(path).kind == "netcdf3" else _netcdf4(path)
        position = arrays["position"]
        frames = _frames(path, arrays["time"], about, video)
        if position.shape[0] != len(frames) or position.shape[1] != len(names) or position.shape[3] != 2:
            raise refuse(
                path,
                f"position has the shape {position.shape} of {len(frames)} times and "
                f"{counted(len(names), 'animal')}.",
            )
        confidence = arrays.get("confidence")
        confidence = np.full(position.shape[:3], np.nan) if confidence is None else confidence[..., 0]
        said = OutsideRows.dense(names, position, mean_likelihood(confidence))
        said = replace(said, frame=frames[said.frame])
        if "shape" not in arrays:
            return said
        boxes = np.concatenate([position[:, :, 0], arrays["shape"][:, :, 0]], axis=2).reshape(-1, 4)
        return replace(said, keypoints=None, boxes=boxes, corner="centre")

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write boxes, with the names of the animals and the times in seconds."""
        from scipy.io import netcdf_file

        names = [name.encode() for name in out.tracks]
        width = max(map(len, names))
        tracks = [centered(boxes) for boxes in out.tracks.values()]
        with atomic_path(path) as part, netcdf_file(part, "w", version=2) as file:
            sizes = {"time": out.video.n_frames, "space": 2, "individuals": len(names), "letters": width}
            for dimension, size in sizes.items():
                file.createDimension(dimension, size)
            letters = np.array([list(name.ljust(width, b"\0")) for name in names], np.uint8).view("S1")
            space = np.array([[b"x"], [b"y"]], "S1")
            file.createDimension("letter", 1)
            _variable(file, "individuals", letters, ("individuals", "letters"))._Encoding = "utf-8"
            _variable(file, "space", space, ("space", "letter"))._Encoding = "utf-8"
            _variable(file, "time", np.arange(out.video.n_frames) / out.video.fps, ("time",))
            dims = ("time", "space", "individuals")
            _variable(file, "position", np.stack([each[:, :2] for each in tracks], axis=2), dims)
            _variable(file, "shape", np.stack([each[:, 2:] for each in tracks], axis=2), dims)
            known = np.stack([np.where(np.isnan(each[:, 0]), np.nan, 1.0) for each in tracks], axis=1)
            _variable(file, "confidence", known, ("time", "individuals"))
            file.ds_type, file.time_unit = "bboxes", "seconds"
            file.source_software, file.source_file = "cropzoom", ""
            file.fps = float(out.video.fps)


def _variable(file: Any, name: str, values: np.ndarray, dims: tuple[str, ...]) -> Any:
    variable = file.createVariable(name, values.dtype, dims)
    variable[:] = values
    return variable


Arrays = dict[str, FloatArray]


def _ordered(values: FloatArray, dims: list[str]) -> FloatArray:
    """(time, individuals, keypoints, space) of an array with some of these in any order."""
    there = [name for name in ORDER if name in dims]
    if sorted(there) != sorted(dims):
        raise ValueError(f"dimensions {', '.join(dims)}")
    result = values.transpose([dims.index(name) for name in there])
    return result.reshape([result.shape[there.index(name)] if name in there else 1 for name in ORDER])


def _arrays(names: Any, read: Callable[[str], FloatArray], dims_of: Callable[[str], list[str]]) -> Arrays:
    found = {
        name: _ordered(read(name), dims_of(name))
        for name in ("position", "shape", "confidence")
        if name in names
    }
    return {**found, "time": read("time").ravel()}


def _netcdf4(path: Path) -> tuple[Arrays, list[str], dict[str, Any]]:
    with opened_hdf5(path) as file:
        names = hdf5_texts(file, "individuals")

        def dims_of(name: str) -> list[str]:
            check_dimensions(file[name])
            return [dim[0].name.rpartition("/")[2] if len(dim) else "" for dim in file[name].dims]

        arrays = _arrays(file, lambda name: hdf5_numbers(file, name), dims_of)
        about = {key: file.attrs[key] for key in ("fps", "time_unit") if key in file.attrs}
        if file["time"].dtype.kind not in "iuf":
            hdf5_array(file, "time")
    return arrays, names, about


def _netcdf3(path: Path) -> tuple[Arrays, list[str], dict[str, Any]]:
    from scipy.io import netcdf_file

    if path.stat().st_size > MOST_ARRAY:
        raise refuse(path, "is too large.")
    with netcdf_file(path, mmap=False) as file:
        variables = file.variables
        letters = np.asarray(variables["individuals"].data)
        width = letters.shape[1] if letters.ndim == 2 else 1
        if width > LONGEST_NAME:
            raise ValueError("names that long")
        names = [bytes(row.tobytes()).rstrip(b"\0 ").decode("utf-8", "replace") for row in letters]
        arrays = _arrays(
            variables,
            lambda name: np.array(variables[name].data, np.float64),
            lambda name: list(variables[name].dimensions),
        )
        about = {key: getattr(file, key) for key in ("fps", "time_unit") if hasattr(file, key)}
    return arrays, names, about


def _frames(path: Path, times: FloatArray, about: dict[str, Any], video: VideoFacts) -> Any:
    if not len(times) or not np.isfinite(times).all():
        raise refuse(path, "has no times.")
    unit = as_text(about.get("time_unit", "frames"))
    if unit.startswith("second"):
        fps = float(np.ravel(about["fps"])[0]) if "fps" in about else video.fps
        times = times * fps
    if np.abs(times - np.rint(times)).max() > OFF or np.abs(times).max() > 2**31:
        raise refuse(
            path, f"its times are not those of frames at {video.fps:g} a second, as in {video.name}."
        )
    return np.rint(times).astype(np.int64)
