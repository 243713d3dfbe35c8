"""What a file said, carried from the process that read it to the window: an npz without pickles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.files.formats.importing import Understood, format_by_name
from napari_cropzoom.files.formats.outside_rows import OutsideRows

ARRAYS = ("animal", "frame", "boxes", "keypoints", "confidence")
REST = ("names", "first_frame", "usual_first", "corner", "usual_corner", "unit", "body_length", "notes")


def pack(target: Path, found: Understood) -> None:
    """Write what :func:`unpack` reads, to a file of ours that a window takes away again."""
    said = found.said
    rest = {name: getattr(said, name) for name in REST}
    about = {"path": str(found.path), "format": found.format.name, "said": rest}
    arrays = {name: getattr(said, name) for name in ARRAYS if getattr(said, name) is not None}
    with target.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **arrays)


def unpack(source: Path) -> Understood:
    """Read what :func:`pack` has written."""
    with np.load(source, allow_pickle=False) as content:
        about = json.loads(str(content["about"]))
        parts: dict[str, Any] = {name: content[name] for name in ARRAYS if name in content}
    for name, value in about["said"].items():
        parts[name] = tuple(value) if isinstance(value, list) else value
    return Understood(Path(about["path"]), format_by_name(about["format"]), OutsideRows(**parts))
