"""TRex: one ``<video>_fish<N>.npz`` an animal, centres in cm.

Format: https://trex.run/docs/formats.html
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray, IntArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.contents import MOST_ARRAY, Content, as_numbers
from napari_cropzoom.files.formats.said import ImportOptions, Said, VideoFacts, refuse
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, load_arrays

MOST_OUTSIDE = 0.1  # share of places
LEAST_REACH = 0.25  # share of the frame's width and height
X, Y = ("X#wcentroid", "X#pcentroid", "X"), ("Y#wcentroid", "Y#pcentroid", "Y")


class Trex:
    """See :class:`napari_cropzoom.files.formats.said.OutsideFormat`."""

    name: ClassVar[str] = "trex"
    label: ClassVar[str] = "TRex"
    help: ClassVar[str] = (
        "npz an animal, or their folder; centres in cm, so a crop size and cm per pixel are needed"
    )
    patterns: ClassVar[tuple[str, ...]] = ("*.npz",)

    def recognises(self, content: Content) -> bool:
        """By the arrays X, Y and frame."""
        if content.is_folder:
            files = _files(content.path)
            return bool(files) and self.recognises(Content(files[0]))
        return (
            content.kind == "zip"
            and "frame" in content.names
            and any(name in content.names for name in X)
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> Said:
        """All animals."""
        files = _files(path) if path.is_dir() else [path]
        names = [_name(file) for file in files]
        frames: list[IntArray] = []
        points: list[FloatArray] = []
        notes: list[str] = []
        animal: list[IntArray] = []
        for place, file in enumerate(files):
            number, xy, scale = _read(file)
            scale = options.cm_per_pixel or scale
            if scale is None:
                raise refuse(
                    path,
                    "has places in cm. Say how large a pixel is: --cm_per_pixel C (cm_per_pixel in "
                    "TRex).",
                )
            frames.append(number)
            points.append(xy / scale)
            animal.append(np.full(len(number), place, np.int64))
        if not files:
            raise CropzoomError(f"{path}: holds no npz of TRex.")
        if options.cm_per_pixel is None:
            notes.append(f"{path.name}: cm are pixels by the file's own cm_per_pixel")
        places = np.concatenate(points)
        notes += _doubts(path, places, video, scale)
        return Said(
            tuple(names),
            np.concatenate(animal),
            np.concatenate(frames),
            keypoints=places[:, None],
            notes=tuple(notes),
        )


def _doubts(path: Path, points: FloatArray, video: VideoFacts, scale: float | None) -> list[str]:
    """Notes where places (N, 2) in pixels fill little of the frame, as by a pixel taken for too large.

    Raises
    ------
    CropzoomError
        If many lie outside of it, as by one taken for too small.
    """
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return []
    cure = f"Look up cm_per_pixel in TRex and give it: --cm_per_pixel C (here it was {scale:g})"
    inside = ((known >= 0) & (known <= video.size)).all(axis=1).mean()
    if inside < 1 - MOST_OUTSIDE:
        raise refuse(
            path,
            f"{1 - inside:.0%} of the places lie outside the frame of {video.width} x {video.height} "
            f"pixels. The cm per pixel may be wrong, or the video is another. {cure}.",
        )
    reach = known.max(axis=0)
    if (reach < np.array(video.size) * LEAST_REACH).all():
        return [
            f"{path.name}: all places lie in the first {reach[0]:.0f} x {reach[1]:.0f} pixels of the "
            f"frame, so the cm per pixel may be wrong. {cure}"
        ]
    return []


def _files(folder: Path) -> list[Path]:
    names = sorted(each for each in os.listdir(folder) if each.endswith(".npz") and "_fish" in each)
    return [folder / name for name in names]


def _name(file: Path) -> str:
    return f"fish{file.stem.rpartition('fish')[2]}" if "fish" in file.stem else file.stem


def _read(file: Path) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Frames, places (N, 2) in cm and cm per pixel if the file says it."""
    try:
        with load_arrays(file, MOST_ARRAY) as arrays:
            frames = as_numbers("frame", arrays["frame"]).ravel()
            x, y = (
                as_numbers(names[-1], arrays[next(n for n in names if n in arrays)]).ravel()
                for names in (X, Y)
            )
            missing = (
                np.asarray(arrays["missing"]).ravel() != 0
                if "missing" in arrays
                else np.zeros(len(x), bool)
            )
            scale = float(np.ravel(arrays["cm_per_pixel"])[0]) if "cm_per_pixel" in arrays else None
    except (*UNREADABLE_ARRAYS, StopIteration) as error:
        raise refuse(
            file, f"is not a readable npz of TRex ({' '.join(str(error).split())[:80]})."
        ) from error
    if (
        not len(frames) == len(x) == len(y) == len(missing)
        or not (np.isfinite(frames) & (np.abs(frames) < 2**31)).all()
    ):
        raise refuse(file, "its arrays X, Y, frame and missing do not fit together.")
    xy = np.column_stack([x, y])
    xy[missing | ~np.isfinite(xy).all(axis=1)] = np.nan
    return frames.astype(np.int64), xy, scale if scale is not None and scale > 0 else None
