"""The npe2 readers: a video becomes a lazy image layer that the docks take over; so do boxes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video.video import VIDEO_SUFFIXES, Video

if TYPE_CHECKING:
    from napari_cropzoom.widgets.dock import CropzoomDock

LayerData = tuple[Any, dict[str, Any], str]
PathOrPaths = str | Path | Sequence[str | Path]


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """Return the function that reads ``path``; None if any of it is not a video by its name."""
    paths = _as_list(path)
    if not paths or any(p.suffix.lower() not in VIDEO_SUFFIXES or p.is_dir() for p in paths):
        return None
    return read_videos


def read_videos(
    path: PathOrPaths, then: Callable[[CropzoomDock], object] | None = None
) -> list[LayerData]:
    """Open videos, one image layer each; frames are decoded when they are shown.

    In a window of napari the docks come, and open the video for review in the place of its layer. What a
    person opens there and cannot be used is told in step *Video*, in full.

    Parameters
    ----------
    path : path or sequence of path
    then : callable, optional
        Called with the dock once it has opened the video.

    Raises
    ------
    CropzoomError
        If a file cannot be used, and no person is told so in a window.
    """
    videos, refused = [], []
    for each in _as_list(path):
        try:
            videos.append(Video(each))
        except CropzoomError as error:
            if not _is_in_window():
                raise
            refused.append(str(error))
    if "qtpy" in sys.modules:  # else there is no window
        from napari_cropzoom.widgets.docks import take_over_soon, tell_soon

        if refused:
            tell_soon("\n".join(refused), after=len(videos))
        if videos:
            take_over_soon(videos, then)
    return [_layer(video) for video in videos] or [(None,)]  # type: ignore[list-item]


def get_boxes_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[Any]] | None:
    """Return the function that takes ``path`` to the docks; None if any of it is no boxes or review."""
    from napari_cropzoom.widgets.exchange.dropped import is_recognised

    paths = _as_list(path)
    return read_boxes_files if paths and all(is_recognised(each) for each in paths) else None


def read_boxes_files(path: PathOrPaths) -> list[Any]:
    """Have the docks come and open boxes, keypoints or a review over their video.

    They are no layers of their own: napari is told that there is none.

    Parameters
    ----------
    path : path or sequence of path

    Raises
    ------
    CropzoomError
        If there is no window.
    """
    paths, is_taken = _as_list(path), False
    if "qtpy" in sys.modules:  # else there is no window
        from napari_cropzoom.widgets.docks import take_files_soon

        is_taken = take_files_soon(paths)
    if not is_taken:
        raise CropzoomError(
            f"{paths[0]}: boxes are shown over their video, in a window of napari. Use `cropzoom review "
            "VIDEO --bbox FILE`, or napari_cropzoom.open_review in a script."
        )
    return [(None,)]


def _is_in_window() -> bool:
    if "qtpy" not in sys.modules:
        return False
    from napari_cropzoom.widgets.docks import is_used_by_person

    return is_used_by_person()


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
