"""Which files may be written, and what fits a video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.names import real_path

LARGEST = 16384  # pixels a side, of H.264
LEAST = 16  # pixels a side of a picture made smaller


def check_target(
    output: Path, suffixes: Sequence[str], video: Path | None = None, *, overwrite: bool
) -> None:
    """Refuse a file to write, before the work whose result it is.

    Raises
    ------
    CropzoomError
        If it is of another kind, is the video itself, or is there already and is not to be replaced.
    """
    if output.suffix.lower() not in suffixes:
        raise CropzoomError(f"{output}: can be {' or '.join(suffixes)}. Give another name.")
    if video is not None and real_path(output) == real_path(video):
        raise CropzoomError(f"{output}: is the video itself. Give another --output.")
    if output.exists() and not overwrite:
        raise CropzoomError(f"{output}: is there already. Give another --output, or --overwrite.")


def check_size(width: int, height: int, least: int) -> None:
    """Refuse a picture, before it is made, that no video holds or nobody can make out.

    Raises
    ------
    CropzoomError
    """
    if max(width, height) > LARGEST:
        raise CropzoomError(
            f"The picture would be {width} x {height} pixels, and a video holds {LARGEST} a side at "
            "most. Give a smaller --scale."
        )
    if min(width, height) < least:
        raise CropzoomError(
            f"The picture would be {width} x {height} pixels, too few to see anything. "
            "Give a larger --scale."
        )


def check_rows(
    video: Path, n_frames: int, boxes: FloatArray | None, before: FloatArray | None, poses: Poses | None
) -> None:
    """Refuse boxes or keypoints that are not one a frame.

    Raises
    ------
    CropzoomError
    """
    for what, rows in (("box", boxes), ("box", before), ("pose", poses)):
        if rows is not None and len(rows) != n_frames:
            raise CropzoomError(
                f"{video}: has {counted(n_frames, 'frame')}, and there are {counted(len(rows), what)}. "
                "Give those of this video."
            )
