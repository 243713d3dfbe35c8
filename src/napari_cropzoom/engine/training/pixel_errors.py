"""Pixel errors of a model on its labeled frames, as Lightning Pose writes them after a training."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cropzoom.core.boxes import BoolArray, FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.scores import TRAINED
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.csv_table import plain_path, read_text

ERRORS_FILE = "predictions_pixel_error.csv"
SET = "set"


@dataclass(frozen=True, eq=False)
class PixelErrors:
    """Distances of a model's keypoints from the labels.

    Attributes
    ----------
    images : tuple of str, length N
    names : tuple of str, length K
    values : ndarray, (N, K) float64
        Pixels of the image; NaN where there is no label.
    sets : tuple of str, length N
        ``train``, ``validation``, ``test`` or ``unused``; empty where nothing says.
    """

    images: tuple[str, ...]
    names: tuple[str, ...]
    values: FloatArray
    sets: tuple[str, ...]

    @property
    def held_out(self) -> BoolArray:
        """(N,) bool: images that it was not trained on."""
        return np.array([each != TRAINED for each in self.sets], bool)

    def worst(self, most: int = 50) -> list[tuple[int, float, str]]:
        """Images by their largest error, the worst first: number in the table, pixels, keypoint."""
        known = np.nan_to_num(self.values, nan=-1.0)
        if not known.size:
            return []
        largest = known.max(axis=1)
        order = [int(n) for n in np.argsort(-largest) if largest[n] >= 0][:most]
        return [(n, float(largest[n]), self.names[int(known[n].argmax())]) for n in order]


def errors_file(model: Path) -> Path | None:
    """The table of a model folder, None if there is none."""
    files = [*sorted(model.glob(f"image_preds/*/{ERRORS_FILE}")), model / ERRORS_FILE]
    return next((file for file in files if file.is_file()), None)


def read_pixel_errors(file: Path) -> PixelErrors:
    """Read ``predictions_pixel_error.csv``: a column a keypoint, and ``set``.

    Raises
    ------
    CropzoomError
        If it is no such table.
    """
    header, *rows = list(csv.reader(read_text(file, "errors").splitlines())) or [[]]
    place = header.index(SET) if SET in header else None
    columns = [n for n in range(1, len(header)) if n != place]
    images, values, sets = [], [], []
    for line, row in enumerate(rows, 2):
        try:
            if len(row) != len(header):
                raise ValueError(f"{counted(len(row), 'cell')} instead of {len(header)}")
            values.append([float(row[n]) if row[n].strip() else np.nan for n in columns])
        except ValueError as error:
            raise CropzoomError(
                f"{file}: line {line}: is no row of pixel errors ({brief(error)}). Train again."
            ) from error
        images.append(plain_path(row[0]))
        sets.append(row[place] if place is not None else "")
    if not values or not columns:
        raise CropzoomError(f"{file}: has no pixel errors. Train again.")
    names = tuple(header[n] for n in columns)
    return PixelErrors(tuple(images), names, np.array(values, np.float64), tuple(sets))
