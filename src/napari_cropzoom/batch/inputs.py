"""The videos of a batch, and where the results of each lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.names import is_hidden, name_key
from napari_cropzoom.video.diagnosis import why_missing
from napari_cropzoom.video.names import VIDEO_SUFFIXES

RESULT_FOLDERS = ("video_preds", "labeled_videos", "cropped_videos", "image_preds")
"""What models write into: videos in there are results, not recordings."""


@dataclass(frozen=True)
class BatchVideo:
    """A video, and the folder for its results; None for the models' own folders."""

    path: Path
    results: Path | None


def find_videos(paths: Sequence[Path], output_dir: Path | None = None) -> list[BatchVideo]:
    """Videos given, and those in folders given and below them, by name.

    Parameters
    ----------
    paths : sequence of Path
    output_dir : Path or None
        Takes the results; a video in a folder below one that was given has its results in a folder of
        the same relative path there. None for the models' own folders.

    Raises
    ------
    CropzoomError
        If a path is missing or no video, a folder holds none, or two videos would have their results in
        the same files.
    """
    found: dict[Path, BatchVideo] = {}
    for path in paths:
        if path.is_dir():
            videos = list(_below(path, output_dir))
            if not videos:
                raise CropzoomError(
                    f"{path}: holds no video ({', '.join(VIDEO_SUFFIXES)}), nor does a folder in it. "
                    "Give a video or another folder."
                )
        elif not path.is_file():
            raise CropzoomError(f"{path}: {why_missing(path)}")
        elif path.suffix.lower() not in VIDEO_SUFFIXES:
            raise CropzoomError(
                f"{path}: this kind of file is not supported. Give one of: {', '.join(VIDEO_SUFFIXES)}."
            )
        else:
            videos = [path]
        for video in videos:
            inner = video.parent.relative_to(path) if path.is_dir() else Path()
            results = None if output_dir is None else output_dir / inner
            found.setdefault(video.resolve(), BatchVideo(video, results))
    _check_results(list(found.values()))
    return list(found.values())


def _below(folder: Path, output_dir: Path | None) -> Iterator[Path]:
    """Videos in a folder and below it, without hidden ones and without what models have written."""
    left_out = None if output_dir is None else output_dir.resolve()
    for inner, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in RESULT_FOLDERS
            and Path(inner, name).resolve() != left_out
        )
        for name in sorted(names):
            path = Path(inner, name)
            if path.suffix.lower() in VIDEO_SUFFIXES and not is_hidden(path):
                yield path


def _check_results(videos: Sequence[BatchVideo]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for video in videos:
        place = name_key(str(video.results or "")), name_key(video.path.stem)
        other = seen.setdefault(place, video.path)
        if other is not video.path:
            cure = (
                "Give --output_dir, and the folder above both: results then keep their folders apart."
                if video.results is None or video.path.parent != other.parent
                else "Rename one."
            )
            raise CropzoomError(
                f"{video.path}: its results would be the same files as those of {other}. {cure}"
            )
