"""The skeleton of a project: which body parts a line joins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.parsing import read_yaml

_ABOVE = 3  # folders above a model's in which the project's file is looked for
_MOST_BONES = 1000


def skeleton_of(model: Path) -> tuple[tuple[str, str], ...]:
    """Pairs of body parts that a model's project joins; empty if it says nothing that can be read.

    Lightning Pose's app keeps them in ``project.yaml`` of the data directory, as pairs of names or of
    numbers in its ``keypoint_names``.

    Parameters
    ----------
    model : Path
        The model's folder.
    """
    for folder in _folders(model):
        file = folder / "project.yaml"
        if file.is_file():
            try:
                project = read_yaml(file)
            except CropzoomError:
                return ()
            return _pairs(project.get("skeleton"), project.get("keypoint_names"))
    return ()


def _folders(model: Path) -> Iterator[Path]:
    try:
        data = read_yaml(model / "config.yaml").get("data")
    except CropzoomError:
        data = None
    where = data.get("data_dir") if isinstance(data, dict) else None
    if isinstance(where, str) and where:
        yield Path(where)
    yield from list(model.absolute().parents)[:_ABOVE]


def _pairs(skeleton: Any, names: Any) -> tuple[tuple[str, str], ...]:
    names = names if isinstance(names, list) else []

    def name(one: Any) -> str | None:
        if isinstance(one, int) and not isinstance(one, bool):
            return str(names[one]) if 0 <= one < len(names) else None
        return one if isinstance(one, str) else None

    found = []
    for each in skeleton[:_MOST_BONES] if isinstance(skeleton, list) else []:
        if isinstance(each, list) and len(each) == 2:
            first, second = name(each[0]), name(each[1])
            if first is not None and second is not None and first != second:
                found.append((first, second))
    return tuple(found)
