"""The videos of a batch, and where the results of each lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.names import name_key, real_path
from napari_cropzoom.projects.walking import videos_below
from napari_cropzoom.video.diagnosis import why_missing
from napari_cropzoom.video.names import VIDEO_SUFFIXES


@dataclass(frozen=True)
class BatchVideo:
    """A video, and the folder for its results; None for the models' own folders."""

    path: Path
    results: Path | None


def find_videos(
    paths: Sequence[Path], output_dir: Path | None = None, notify: Notify = ignore
) -> list[BatchVideo]:
    """Videos given, and those in folders given and below them, by name.

    Parameters
    ----------
    paths : sequence of Path
    output_dir : Path or None
        Takes the results; a video in a folder below one that was given has its results in a folder of
        the same relative path there. None for the models' own folders.
    notify : callable
        Takes a line for a person: which folders cannot be read.

    Raises
    ------
    CropzoomError
        If a path is missing or no video, a folder holds none, or two videos would have their results in
        the same files.
    """
    found: dict[Path, BatchVideo] = {}
    for path in paths:
        if path.is_dir():
            left_out = () if output_dir is None else (real_path(output_dir),)
            videos = list(videos_below(path, left_out, notify))
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
            found.setdefault(real_path(video), BatchVideo(video, results))
    check_results(list(found.values()))
    return list(found.values())


def check_results(videos: Sequence[BatchVideo]) -> None:
    """Refuse two videos whose results would be the same files.

    Raises
    ------
    CropzoomError
    """
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
