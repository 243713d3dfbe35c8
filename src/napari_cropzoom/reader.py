"""The npe2 reader: a video dropped on napari becomes a lazy image layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_cropzoom.io.video import VIDEO_SUFFIXES, Video

LayerData = tuple[Any, dict[str, Any], str]
PathOrPaths = str | Path | Sequence[str | Path]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the function that reads ``path``; None if any of it is not a video by its name."""
    paths = _as_list(path)
    if not paths or any(p.suffix.lower() not in VIDEO_SUFFIXES or p.is_dir() for p in paths):
        return None
    return read_videos


def read_videos(path: PathOrPaths) -> list[LayerData]:
    """Open videos, one image layer each; frames are decoded when they are shown.

    Raises
    ------
    CropzoomError
        If a file cannot be used.
    """
    return [_layer(video) for video in [Video(p) for p in _as_list(path)]]


def _layer(video: Video) -> LayerData:
    settings = {
        "name": video.path.stem,
        "rgb": True,
        "contrast_limits": (0, 255),
        "axis_labels": ("frame", "y", "x"),
    }
    return video, settings, "image"


def _as_list(path: PathOrPaths) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]
