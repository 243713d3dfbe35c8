"""DeepLabCut's HDF5: a table of pandas, read without pandas, PyTables or unpickling.

The names of the columns are pickled in one of the two layouts: that text is taken apart for the lists and
words in it, and nothing else is ever made of it.
"""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.files.formats.contents import (
    Content,
    as_text,
    hdf5_array,
    hdf5_numbers,
    hdf5_texts,
    opened_hdf5,
)
from napari_cropzoom.files.formats.outside.keypoints.keypoints_csv import (
    Column,
    frames_of,
    said_of_columns,
)
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts, refuse

KEYS = ("df_with_missing", "tracks", "df", "keypoints")
LEVELS = ("scorer", "individuals", "bodyparts", "coords")
MOST_PICKLED = 2**20
_MARK = object()


class DlcHdf5:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "dlc_h5"
    label: ClassVar[str] = "DeepLabCut HDF5"
    help: ClassVar[str] = "Keypoints as DeepLabCut saves them, one or several animals"
    patterns: ClassVar[tuple[str, ...]] = ("*.h5",)
    arrays: ClassVar[tuple[frozenset[str], ...]] = (frozenset({KEYS[0]}),)

    def recognises(self, content: Content) -> bool:
        """By a group with a table of pandas."""
        if content.kind != "hdf5":
            return False
        with opened_hdf5(content.path) as file:
            return _group(file) is not None

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Keypoints of all animals."""
        with opened_hdf5(path) as file:
            group = _group(file)
            if group is None:
                raise refuse(
                    path, "holds no table of pandas. Give the .h5 that DeepLabCut wrote, or its CSV."
                )
            columns, values, index = _fixed(group) if "block0_values" in group else _appendable(group)
        if values.ndim != 2 or values.shape != (len(index), len(columns)):
            raise refuse(
                path, f"its table has the shape {values.shape}, not ({len(index)}, {len(columns)})."
            )
        frames, first = frames_of(path, index)
        return said_of_columns(path, columns, values, frames, first)


def _group(file: Any) -> Any:
    """The group that holds the table, None if there is none."""
    for key in (*KEYS, *list(file)[:10]):
        group = file.get(key)
        kind = (
            ""
            if group is None or not hasattr(group, "keys")
            else as_text(group.attrs.get("pandas_type", b""))
        )
        if kind.startswith("frame"):
            return group
    return None


def _fixed(group: Any) -> tuple[list[Column], FloatArray, list[str]]:
    values = hdf5_numbers(group, "block0_values")
    n_levels = int(group.attrs["block0_items_nlevels"])
    if not 3 <= n_levels <= 4:
        raise ValueError(f"columns of {n_levels} levels")
    rows = []
    for level in range(n_levels):
        words = hdf5_texts(group, f"block0_items_level{level}")
        codes = np.asarray(hdf5_array(group, f"block0_items_label{level}"))
        rows.append([words[int(code)] for code in codes.tolist()])
    return [_column(row) for row in zip(*rows, strict=True)], values, _index(group)


def _index(group: Any) -> list[str]:
    if "axis1" in group:
        labels = np.ravel(hdf5_array(group, "axis1")).tolist()
        return [as_text(label) for label in labels]
    levels = []
    for level in range(int(group.attrs["axis1_nlevels"])):
        words = hdf5_texts(group, f"axis1_level{level}")
        levels.append(
            [words[int(code)] for code in np.asarray(hdf5_array(group, f"axis1_label{level}")).tolist()]
        )
    return ["/".join(row) for row in zip(*levels, strict=True)]


def _appendable(group: Any) -> tuple[list[Column], FloatArray, list[str]]:
    table = hdf5_array(group, "table")
    named = literal(group["table"].attrs["values_block_0_kind"])
    if not isinstance(named, list) or not all(
        isinstance(each, tuple) and 3 <= len(each) <= 4 for each in named
    ):
        raise ValueError("columns without levels")
    values = np.asarray(table["values_block_0"], np.float64).reshape(len(table), -1)
    return [_column(each) for each in named], values, [as_text(each) for each in table["index"].tolist()]


def _column(levels: tuple[str, ...]) -> Column:
    _, *animal, part, coord = levels
    return (animal[0] if animal else "animal"), part, coord


def literal(pickled: Any) -> Any:
    """Lists, tuples, words and whole numbers of a pickled text; nothing is imported, called or made.

    Raises
    ------
    ValueError
        If there is anything else in it.
    """
    if isinstance(pickled, np.ndarray | np.void):
        pickled = pickled.tobytes()
    data = pickled if isinstance(pickled, bytes) else str(pickled).encode("latin-1", "replace")
    if len(data) > MOST_PICKLED:
        raise ValueError("too much in an attribute")
    stack: list[Any] = []
    memo: dict[int, Any] = {}

    def popped() -> list[Any]:
        place = len(stack) - 1 - next(i for i, each in enumerate(reversed(stack)) if each is _MARK)
        items = stack[place + 1 :]
        del stack[place:]
        return items

    for opcode, found, _ in pickletools.genops(data):
        argument: Any = found
        name = opcode.name
        if name in ("PROTO", "FRAME"):
            continue
        if name == "STOP":
            return stack.pop()
        if name == "MARK":
            stack.append(_MARK)
        elif name in ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "INT", "BININT", "BININT1", "BININT2"):
            stack.append(argument)
        elif name in ("EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append([] if name == "EMPTY_LIST" else ())
        elif name in ("LIST", "TUPLE"):
            items = popped()
            stack.append(items if name == "LIST" else tuple(items))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            items = stack[-count:]
            del stack[-count:]
            stack.append(tuple(items))
        elif name == "APPEND":
            item = stack.pop()
            _as_list(stack).append(item)
        elif name == "APPENDS":
            items = popped()
            _as_list(stack).extend(items)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[int(argument)] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument)])
        else:
            raise ValueError(f"an attribute holds more than words ({name})")
    raise ValueError("an attribute is cut short")


def _as_list(stack: list[Any]) -> list[Any]:
    last = stack[-1]
    if not isinstance(last, list):
        raise ValueError("an attribute is not what it should be")
    return last
