"""Finding the videos below a folder, without what models have written."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.names import is_hidden
from napari_cropzoom.video.names import VIDEO_SUFFIXES

RESULT_FOLDERS = ("video_preds", "labeled_videos", "cropped_videos", "image_preds")
"""What models write into: videos in there are results, not recordings."""
Wanted = Callable[[Path], bool]


def is_video(path: Path) -> bool:
    """Whether the name is that of a video, and not hidden."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not is_hidden(path)


def videos_below(
    folder: Path, left_out: Collection[Path] = (), notify: Notify = ignore
) -> Iterator[Path]:
    """Videos in a folder and below it by name, without hidden ones and what models have written.

    Links to folders are followed, each folder once.

    Parameters
    ----------
    folder : Path
    left_out : collection of Path
        Folders that are not gone into, as they are after :meth:`Path.resolve`.
    notify : callable
        Takes a line for a person: which folders cannot be read.
    """

    def tell(error: OSError) -> None:
        notify(f"{error.filename}: cannot be read ({error.strerror}), so its videos are left out.")

    seen = {os.path.realpath(folder)}
    for inner, folders, names in os.walk(folder, onerror=tell, followlinks=True):
        kept = []
        for name in sorted(folders):
            place = os.path.realpath(Path(inner, name))
            if name.startswith(".") or name in RESULT_FOLDERS or Path(place) in left_out or place in seen:
                continue
            seen.add(place)
            kept.append(name)
        folders[:] = kept
        yield from (path for path in (Path(inner, name) for name in sorted(names)) if is_video(path))
