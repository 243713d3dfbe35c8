"""Ways in which archives, HDF5 and images of another program are broken; see `broken_bytes`."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from broken_bytes import ANY, BINARY, Way


def arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data)) as file:
        return {name: file[name] for name in file}


def packed(content: dict[str, Any], kind: Callable[..., None] = np.savez) -> bytes:
    out = io.BytesIO()
    kind(out, **content)
    return out.getvalue()


def npz_values(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    content = arrays(data)
    name = chance.choice([name for name, each in content.items() if each.dtype.kind == "f"])
    flat = content[name].reshape(-1)
    for _ in range(4):
        flat[chance.randrange(flat.size)] = chance.choice([np.nan, np.inf, 1e300, -1e9])
    return packed(content), 0


def npz_shapes(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    content = arrays(data)
    name = chance.choice(list(content))
    change = chance.choice(
        [
            lambda each: each[:-1] if each.ndim else each,
            lambda each: each.T,
            lambda each: np.zeros(0),
            lambda each: each[None],
            lambda each: each.astype("U8"),
            lambda each: each.astype(complex),
            lambda each: np.zeros((0, *each.shape[1:])),
        ]
    )
    content[name] = change(content[name])
    return packed(content), ANY if name in ("missing", "out_probs", "out_obj_ids") else 0


def npz_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    content = arrays(data)
    del content[chance.choice(list(content))]
    return packed(content), ANY


def npz_bomb(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """Zeros that unpack to gigabytes, honestly told or not."""
    name = chance.choice(list(arrays(data)))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for each, array in arrays(data).items():
            if each != name:
                part = io.BytesIO()
                np.save(part, array)
                file.writestr(f"{each}.npy", part.getvalue())
        with file.open(f"{name}.npy", "w", force_zip64=True) as member:
            head = io.BytesIO()
            shape = (chance.choice([50_000_000, 2**62]), 2)
            np.lib.format.write_array_header_1_0(
                head, {"descr": "<f8", "fortran_order": False, "shape": shape}
            )
            member.write(head.getvalue())
            for _ in range(320):
                member.write(b"\0" * 2**20)
    return out.getvalue(), 0


# -- HDF5


def hdf5(change: Callable[[Any, str, random.Random], None], allowed: int) -> Way:
    """Something done to one or two arrays of a file; without a keypoint a box is another."""

    def way(data: bytes, chance: random.Random) -> tuple[bytes, int]:
        import h5py

        out = io.BytesIO(data)
        with h5py.File(out, "r+") as file:
            names: list[str] = []
            file.visititems(
                lambda name, each: names.append(name)
                if isinstance(each, h5py.Dataset) and each.size
                else None
            )
            for name in chance.sample(names, min(len(names), chance.randint(1, 2))):
                change(file, name, chance)
        return out.getvalue(), allowed

    return way


def _replace(file: Any, name: str, values: Any) -> None:
    about = dict(file[name].attrs)
    del file[name]
    file[name] = values
    for key, value in about.items():
        if key not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"):
            file[name].attrs[key] = value


def _gone(file: Any, name: str, chance: random.Random) -> None:
    del file[name]


def _values(file: Any, name: str, chance: random.Random) -> None:
    data = file[name]
    if data.dtype.kind == "f":
        values = data[()]
        flat = np.reshape(values, -1)
        for _ in range(4):
            flat[chance.randrange(flat.size)] = chance.choice([np.nan, np.inf, 1e300, -1e9])
        data[...] = flat.reshape(data.shape)


def _shape(file: Any, name: str, chance: random.Random) -> None:
    values = np.asarray(file[name][()])
    changes = [
        values[:-1] if values.ndim else values,
        values.T,
        values[None],
        values[:0] if values.ndim else values,
    ]
    _replace(file, name, chance.choice(changes))


def _kind(file: Any, name: str, chance: random.Random) -> None:
    shape = file[name].shape
    _replace(
        file, name, chance.choice([np.full(shape, b"x"), np.full(shape, True), np.full(shape, 1j), 3])
    )


def _large(file: Any, name: str, chance: random.Random) -> None:
    shape = file[name].shape
    kind = file[name].dtype
    del file[name]
    file.create_dataset(name, (10**10, *shape[1:]), kind, chunks=(1024, *shape[1:]))


def _attributes(file: Any, name: str, chance: random.Random) -> None:
    places = [file, file[name], file[name].parent]
    about = chance.choice(places).attrs
    for key in chance.sample(sorted(about), min(2, len(about))):
        if chance.random() < 0.5:
            del about[key]
        else:
            about[key] = chance.choice([b"\xff\x80", -1, 1e300, "[[[", np.zeros(3)])


# -- label images


def tiff(change: Callable[[np.ndarray, random.Random], np.ndarray], allowed: int) -> Way:
    def way(data: bytes, chance: random.Random) -> tuple[bytes, int]:
        import tifffile

        out = io.BytesIO()
        tifffile.imwrite(
            out,
            change(tifffile.imread(io.BytesIO(data)), chance),
            compression=chance.choice([None, "zlib"]),
        )
        return out.getvalue(), allowed

    return way


NPZ: dict[str, Way] = {
    **BINARY,
    "huge numbers and NaN": npz_values,
    "arrays of other shapes": npz_shapes,
    "arrays lost": npz_gone,
    "zip bomb": npz_bomb,
}
HDF5: dict[str, Way] = {
    **BINARY,
    "huge numbers and NaN": hdf5(_values, 8),
    "arrays of other shapes": hdf5(_shape, ANY),
    "arrays of other kinds": hdf5(_kind, ANY),
    "arrays lost": hdf5(_gone, ANY),
    "arrays of terabytes": hdf5(_large, 0),
    "attributes lost or wrong": hdf5(_attributes, ANY),
}
TIFF: dict[str, Way] = {
    **BINARY,
    "pages lost": tiff(lambda pages, chance: pages[: chance.randrange(1, len(pages))], 0),
    "fractions": tiff(lambda pages, chance: pages.astype(np.float32), 0),
    "huge labels": tiff(lambda pages, chance: pages.astype(np.uint32) * 10**8, 0),
    "pages turned": tiff(lambda pages, chance: np.ascontiguousarray(pages.transpose(0, 2, 1)), 0),
    "colours": tiff(lambda pages, chance: np.repeat(pages[..., None], 3, axis=3), 0),
}
