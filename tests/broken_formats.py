"""Ways in which a file of another program is broken, or written otherwise, and what may become of it.

Each way takes the file as it is and chance, and returns the bytes with how many boxes may differ from the
truth without a word (a cut within a number cannot be told from another number).
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ANY = 10**9
Way = Callable[[bytes, random.Random], tuple[bytes, int] | None]
HUGE = ("1e308", "99999999999999999999", "-1e12", "inf", "-inf", "1e400")


# -- tables


class Table:
    """Cells of a table, its header rows apart."""

    def __init__(self, data: bytes) -> None:
        import csv

        lines = data.decode().splitlines()
        self.delimiter = max(",;\t ", key=lines[0].count)
        rows = list(csv.reader(lines, delimiter=self.delimiter))
        named = [place for place, row in enumerate(rows[:5]) if re.match("[a-z]", row[0])]
        n_header = named[-1] + 1 if named and "/" not in rows[named[-1]][0] else 0
        if rows[0][0] == "scorer":
            n_header = next(place for place, row in enumerate(rows) if row[0] == "coords") + 1
        self.header, self.rows = rows[:n_header], rows[n_header:]

    @property
    def is_json(self) -> bool:
        return any("{" in cell for cell in self.rows[0])

    @property
    def has_points(self) -> bool:
        return bool(self.header) and self.header[0][0] in ("scorer", "seconds")

    def numbers(self, only_sizes: bool = False) -> list[int]:
        """Columns of places and sizes."""
        first = ["class"] if self.delimiter == " " else ["frame", "id"]
        names = [*first, "x", "y", "w", "h"] if not self.header else self.header[-1]
        wanted = "wh" if only_sizes else "xywh"
        return [place for place, name in enumerate(names) if name[0] in wanted]

    def bytes(self, delimiter: str = "", end: str = "\n", quoting: int = 0) -> bytes:
        import csv

        text = io.StringIO(newline="")
        writer = csv.writer(
            text, delimiter=delimiter or self.delimiter, lineterminator=end, quoting=quoting
        )
        writer.writerows([*self.header, *self.rows])
        return text.getvalue().encode()


def some(chance: random.Random, table: Table) -> list[int]:
    """A few rows."""
    return chance.sample(range(len(table.rows)), min(len(table.rows), chance.randint(1, 5)))


def shuffled(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.header and table.header[0][0] == "seconds":
        return None
    chance.shuffle(table.rows)
    return table.bytes(), 0


def rows_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    for row in sorted(some(chance, table), reverse=True):
        del table.rows[row]
    return table.bytes(), 0


def rows_doubled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    for row in some(chance, table):
        table.rows.insert(row, list(table.rows[row]))
    return table.bytes(), 0


def columns_moved(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    """With their headers."""
    table = Table(data)
    if not table.header or table.header[0][0] == "seconds":
        return None
    order = list(range(len(table.rows[0])))
    moved = order[1:]
    chance.shuffle(moved)
    order[1:] = moved
    table.header, table.rows = (
        [[row[k] for k in order] for row in part] for part in (table.header, table.rows)
    )
    return table.bytes(), 0


def columns_swapped(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """Without their headers."""
    table = Table(data)
    a, b = chance.sample(range(len(table.rows[0])), 2)
    for row in table.rows:
        row[a], row[b] = row[b], row[a]
    return table.bytes(), ANY


def cells(values: tuple[str, ...], only_sizes: bool = False) -> Way:
    """A few places or sizes replaced; without one of its keypoints a box is another."""

    def change(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
        table = Table(data)
        if table.is_json or not table.numbers(only_sizes) or (only_sizes and table.has_points):
            return None
        rows = some(chance, table)
        for row in rows:
            table.rows[row][chance.choice(table.numbers(only_sizes))] = chance.choice(values)
        return table.bytes(), len(rows) if table.has_points else 0

    return change


def header_gone(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if not table.header:
        return None
    del table.header[chance.randrange(len(table.header))]
    return table.bytes(), 0


def header_only(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    table = Table(data)
    table.rows = []
    return table.bytes() or b"\n", 0


def delimiter(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.delimiter == ";" and any("," in cell for cell in table.rows[0]):
        return None
    return table.bytes(chance.choice([";", "\t", "|", " ", ":"])), 0


def quoted(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return Table(data).bytes(quoting=1), 0


def line_ends(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return Table(data).bytes(end=chance.choice(["\r\n", "\r", "\n\n"])), 0


def decimal_commas(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if table.is_json:
        return None
    table.rows = [[re.sub(r"^(-?\d+)\.(\d+)$", r"\1,\2", cell) for cell in row] for row in table.rows]
    return table.bytes(chance.choice([";", "\t"])), 0


def comments(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    lines = data.split(b"\n")
    lines.insert(
        chance.randrange(len(lines)), chance.choice([b"# made by hand", b"total 60", b"sep=;", b",,,,"])
    )
    return b"\n".join(lines), 0


def frames_of_other_video(data: bytes, chance: random.Random) -> tuple[bytes, int] | None:
    table = Table(data)
    if not all(re.fullmatch(r"\d+", row[0]) for row in table.rows):
        return None
    more = chance.choice([7, 100, 10_000])
    for row in table.rows:
        row[0] = str(int(row[0]) + more)
    return table.bytes(), ANY if more == 7 else 0


# -- any text, any bytes


def encoding(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    text = data.decode()
    name = chance.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp037", "utf-7"])
    return text.encode(name), 0


def other_letters(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A name in Latin-1 within UTF-8."""
    return data.replace(b"white", "wei\u00df".encode("latin-1")).replace(b"zebra", b"z\xe9bre"), 0


def cut(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data[: chance.randrange(1, len(data))], 1


def cut_at_line(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: chance.randrange(1, max(2, len(lines)))]), 0


def start_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data[chance.randrange(1, min(len(data), 2000)) :], 1


def zeros(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A block that the disk has lost."""
    place = chance.randrange(len(data))
    return data[:place] + b"\0" * min(512, len(data) - place) + data[place + 512 :], ANY


def noise(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 5, 50])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed), ANY


def doubled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    """A file put behind itself."""
    return data + data, 0


def nothing(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return chance.choice(
        [b"", b"\n\n\n", b"\0" * 100, b"\xef\xbb\xbf", b"\xff\xfe", b"{}", b"[]", b"<a/>"]
    ), 0


def endless_line(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return chance.choice([b",", b"x,", b"[", b"1 ", b"<a>", b'"']) * 3_000_000, 0


# -- JSON


def walked(whole: Any, change: Callable[[Any, Any, Any], None]) -> None:
    """Call for each value with what it is in and its place."""
    todo = [whole]
    while todo:
        part = todo.pop()
        for place, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
            change(part, place, value)
            if isinstance(value, dict | list):
                todo.append(value)


def json_values(values: tuple[Any, ...], allowed: int) -> Way:
    """A few of the numbers replaced."""

    def change(data: bytes, chance: random.Random) -> tuple[bytes, int]:
        whole = json.loads(data)
        spots: list[tuple[Any, Any]] = []
        walked(
            whole,
            lambda part, place, value: spots.append((part, place)) if isinstance(value, float) else None,
        )
        for part, place in chance.sample(spots, min(len(spots), chance.randint(1, 4))):
            part[place] = chance.choice(values)
        return json.dumps(whole).encode(), 4 if b'"keypoints"' in data else allowed

    return change


def json_keys_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    whole = json.loads(data)
    spots: list[tuple[Any, Any]] = []
    walked(whole, lambda part, place, _: spots.append((part, place)))
    for part, place in chance.sample(spots, chance.randint(1, 6)):
        if isinstance(part, dict):
            part.pop(place, None)
    return json.dumps(whole).encode(), 6


def json_shuffled(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    whole = json.loads(data)
    if isinstance(whole, list):
        chance.shuffle(whole)
    else:
        for each in whole.values():
            if isinstance(each, list):
                chance.shuffle(each)
    return json.dumps(whole, indent=chance.choice([None, 4])).encode(), 0


def json_deep(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return data.rstrip()[:-1] + b',"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", ANY


# -- XML


def entities(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    bombs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    outside = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    kind = chance.choice([bombs, outside, '<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;'])
    return data.replace(b"<annotations>", f"<!DOCTYPE a [{kind}]><annotations>&a9;".encode()), 0


def xml_values(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    text = data.decode()
    spots = list(re.finditer(r'"(-?[\d.]+)"', text))
    for spot in sorted(chance.sample(spots, 3), key=lambda each: -each.start()):
        value = chance.choice(["", "nan", "1e308", "-5", "x", "9" * 30, "true"])
        text = text[: spot.start(1)] + value + text[spot.end(1) :]
    return text.encode(), ANY


def xml_boxes_gone(data: bytes, chance: random.Random) -> tuple[bytes, int]:
    return re.sub(rb"<box .*?</box>", lambda found: found[0] if chance.random() > 0.1 else b"", data), ANY


# -- archives of arrays


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


TEXT: dict[str, Way] = {
    "other encoding": encoding,
    "letters of another encoding": other_letters,
    "cut": cut,
    "cut at a line": cut_at_line,
    "beginning lost": start_gone,
    "block of zeros": zeros,
    "bytes changed": noise,
    "twice in one file": doubled,
    "nothing in it": nothing,
    "one endless line": endless_line,
}
TABLE: dict[str, Way] = {
    **TEXT,
    "rows in another order": shuffled,
    "rows lost": rows_gone,
    "rows doubled": rows_doubled,
    "columns in another order": columns_moved,
    "columns swapped below their names": columns_swapped,
    "NaN": cells(("nan", "", "NaN", "null")),
    "huge numbers": cells(HUGE),
    "words for numbers": cells(("x", "1.2.3", "--", "0x10", "1_000", "12:30")),
    "sizes below zero": cells(("-50", "0", "-0.0"), only_sizes=True),
    "header lost": header_gone,
    "header alone": header_only,
    "other delimiter": delimiter,
    "all cells quoted": quoted,
    "other line ends": line_ends,
    "decimal commas": decimal_commas,
    "a line of words": comments,
    "frames of another video": frames_of_other_video,
}
JSON: dict[str, Way] = {
    **TEXT,
    "NaN": json_values((float("nan"), None), 0),
    "huge numbers": json_values((1e308, float("inf"), 10**400, -1e12), 0),
    "words for numbers": json_values(("x", [], {}, True), 4),
    "parts lost": json_keys_gone,
    "in another order": json_shuffled,
    "nested deep": json_deep,
}
XML: dict[str, Way] = {
    **TEXT,
    "entities": entities,
    "wrong values": xml_values,
    "keyframes lost": xml_boxes_gone,
}
BINARY: dict[str, Way] = {
    "cut": cut,
    "block of zeros": zeros,
    "bytes changed": noise,
    "nothing in it": nothing,
}
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


def ways_of(path: Path) -> dict[str, Way]:
    """What can happen to a file, by what it is."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"\x89HDF"):
        return HDF5
    if head.startswith(b"PK"):
        return NPZ
    if head.startswith((b"II", b"MM")):
        return TIFF
    if head.lstrip()[:1] in (b"{", b"["):
        return JSON
    return XML if head.startswith(b"<") else TABLE
