"""Imported tracks as the raw boxes of a video, one ``<video>_bbox.csv`` an animal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_path, take_away
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.formats.to_tracks import ImportedTrack
from napari_cropzoom.files.names import folder_name, name_key
from napari_cropzoom.files.parsing import size_of, why_not_read

CONFIDENCE_HEADER = "frame,confidence"
MOST_BYTES_A_FRAME = 100


def written_paths(folder: Path, video: Path, tracks: Sequence[ImportedTrack]) -> list[Path]:
    """Where the boxes of each animal go: into ``folder``, or a folder of its name in there.

    Raises
    ------
    CropzoomError
        If two names are one on some disk.
    """
    name = f"{video.stem}_bbox.csv"
    if len(tracks) == 1:
        return [folder / name]
    folders = [folder_name(track.name) for track in tracks]
    if len({name_key(each) for each in folders}) < len(folders):
        raise CropzoomError(
            f"{folder}: two animals would have the same folder ({', '.join(sorted(folders))[:200]}). "
            "Import them one at a time: --track NAME, each with its own --output_dir."
        )
    return [folder / each / name for each in folders]


def confidence_path(path: Path) -> Path:
    """Where the confidence of the boxes in a file lies, which Lightning Pose's file has no place for."""
    return path.with_name(f"{path.stem}_confidence.csv")


def check_same(path: Path, track: ImportedTrack) -> None:
    """Refuse to replace a file that holds other boxes: another animal's, a detector's, or corrected ones.

    Raises
    ------
    CropzoomError
    """
    if not path.exists():
        return
    try:
        there = read_bbox_csv(path, len(track.boxes), allow_missing=True)
        is_same = np.array_equal(there, np.rint(track.boxes), equal_nan=True)
    except CropzoomError:
        is_same = False
    if not is_same:
        raise CropzoomError(
            f"{path}: is there already and holds other boxes than {track.name} of this file. Replace it "
            "with --overwrite, or give another --output_dir."
        )


def write_imported(path: Path, video: Path, track: ImportedTrack) -> None:
    """Write boxes in whole pixels, empty rows where missing; confidence beside it if the file had some.

    Raises
    ------
    CropzoomError
        If a file cannot be written.
    """
    write_bbox_csv(path, track.boxes)
    sign(path, video)
    write_confidence(path, track.confidence)


def write_confidence(path: Path, values: FloatArray | None) -> None:
    """Write the confidence of boxes beside their table, or take away what is there if there is none.

    Parameters
    ----------
    path : Path
        Of the boxes.
    values : ndarray, (T,), or None
        0 to 1, NaN where nothing is said.

    Raises
    ------
    CropzoomError
        If a file cannot be written.
    """
    beside = confidence_path(path)
    if values is None or np.isnan(values).all():
        take_away(beside)
        return
    with atomic_path(beside) as part:
        cells = ("" if value != value else f"{value:.6g}" for value in values.tolist())
        lines = "".join(f"{frame},{cell}\n" for frame, cell in enumerate(cells))
        part.write_text(f"{CONFIDENCE_HEADER}\n{lines}", encoding="utf-8", newline="")


def read_confidence(path: Path, n_frames: int) -> tuple[FloatArray | None, str]:
    """Confidence of the boxes in a file, (T,), as :func:`write_imported` wrote it; None if there is none.

    A file that is not as it was written counts as none, for boxes are reviewed without it too; that is
    said in the second value, which is empty otherwise.
    """
    beside = confidence_path(path)
    if not os.path.lexists(beside):
        return None, ""
    try:
        if size_of(beside) > MOST_BYTES_A_FRAME * (n_frames + 1):
            raise ValueError("too large")
        header, *lines = beside.read_text("utf-8").splitlines()
        cells = [line.partition(",")[2] for line in lines]
        values = np.array([float(cell) if cell else np.nan for cell in cells])
        if header != CONFIDENCE_HEADER or len(values) != n_frames or np.isinf(values).any():
            raise ValueError("not as it was written")
    except (OSError, ValueError) as error:
        return None, (
            f"{beside}: cannot be read ({why_not_read(error)}), so how sure the other program was of its "
            "boxes is not known. Import them again, or delete that file."
        )
    return values, ""
