"""What a person named on the command line, as files that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".m4v")


def is_video(path: Path) -> bool:
    """Whether the file's name is that of a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def expand(paths: Sequence[Path], *, csv: bool = True) -> list[Path]:
    """Files to work on, directories replaced by the videos in them, by name.

    Parameters
    ----------
    paths : sequence of Path
    csv : bool
        Whether label CSV files are accepted as well as videos.

    Raises
    ------
    CropzoomError
        If a file is missing or of another kind, or a directory holds no video; nothing has been done by
        then.
    """
    files = [file for path in paths for file in (_videos_in(path) if path.is_dir() else [path])]
    for file in files:
        _check(file, csv)
    _check_stems([file for file in files if is_video(file)])
    return files


def _videos_in(directory: Path) -> list[Path]:
    videos = sorted(file for file in directory.iterdir() if is_video(file) and file.name[0] != ".")
    if not videos:
        raise CropzoomError(
            f"{directory}: holds no video ({', '.join(VIDEO_SUFFIXES)}). Give a video or "
            "another directory."
        )
    return videos


def _check(file: Path, csv: bool) -> None:
    wanted = ", ".join((*VIDEO_SUFFIXES, ".csv") if csv else VIDEO_SUFFIXES)
    if not (is_video(file) or (csv and file.suffix == ".csv")):
        raise CropzoomError(f"{file}: this kind of file is not supported. Give one of: {wanted}.")
    if not file.is_file():
        raise CropzoomError(f"{file}: there is no such file. Check the name and the folder.")


def _check_stems(videos: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for video in videos:
        other = seen.setdefault(video.stem, video)
        if other.resolve() != video.resolve():
            raise CropzoomError(
                f"{video}: would be written to the same files as {other}. Rename one, or "
                "give one at a time."
            )
