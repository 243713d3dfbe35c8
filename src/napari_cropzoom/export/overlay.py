"""Label images laid over the frames of a video."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.export.drawing import Picture
from napari_cropzoom.export.grounds import STACKS, Ground, by_number, check_fits, opened_stack
from napari_cropzoom.export.palettes import Colour, label_colour
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, without_tiff_logs

USUAL_OPACITY = 0.3
CURE = "Give --masks a page a frame, or one page for all."


@dataclass(frozen=True)
class LabelOverlay:
    """Label images, 0 for nothing and a number for each animal, and how they are drawn.

    Attributes
    ----------
    path : Path
        A TIFF with a page a frame, or one page for all frames; or a folder of such pages, in the order of
        the numbers in their names.
    opacity : float
        Of the inside, 0 to 1.
    outlined : bool
        Draw outlines.
    palette : str or None
        Of :data:`.palettes.PALETTES`; None for the colours of the animals.
    line : int
        Width of outlines in pixels of the frame; 0 for one that fits the picture.
    line_colour : (int, int, int) or None
        Of outlines; None for that of the label.
    """

    path: Path
    opacity: float = USUAL_OPACITY
    outlined: bool = False
    palette: str | None = None
    line: int = 0
    line_colour: Colour | None = None


class Overlay:
    """The label images of some frames.

    Parameters
    ----------
    masks : LabelOverlay
    ground : Ground
        Whose frames they belong to.

    Raises
    ------
    CropzoomError
        If it is no TIFF, or not of as many frames.
    """

    def __init__(self, masks: LabelOverlay, ground: Ground) -> None:
        self._masks, self._ground = masks, ground
        self._file: Any = None
        self._paths: list[Path] = []
        self._unreadable = (
            f"{masks.path}: is no TIFF of label images, or damaged. Give --masks one with a page a frame."
        )
        if masks.path.is_dir():
            found = [each for each in masks.path.iterdir() if each.suffix.lower() in STACKS]
            self._paths = sorted(found, key=by_number)
            self._count = len(found)
        else:
            self._file, self._count = opened_stack(masks.path, self._unreadable)
        if self._count != 1:
            try:
                check_fits(ground, self._count, "page", masks.path, CURE)
            except CropzoomError:
                self.close()
                raise

    def painted(self, number: int, image: Picture) -> Picture:
        """(H, W, 3) a copy of a frame with its labels in the colours of the animals."""
        labels, masks = self._labels(0 if self._count == 1 else number), self._masks
        picture = np.array(image)
        if masks.opacity:
            rows, columns = np.nonzero(labels)
            numbers, place = np.unique(labels[rows, columns], return_inverse=True)
            colours = np.array([self._colour(label) for label in numbers.tolist()], np.float32)
            below = picture[rows, columns]
            picture[rows, columns] = below + masks.opacity * (colours.reshape(-1, 3)[place] - below)
        if masks.outlined:
            line = masks.line or max(1, min(picture.shape[:2]) // 300)
            for label in np.unique(labels[labels > 0]).tolist():
                found = cv2.findContours(
                    (labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
                )
                colour = masks.line_colour or self._colour(label)
                cv2.drawContours(picture, found[0], -1, colour, line, cv2.LINE_AA)
        return picture

    def _colour(self, label: int) -> Colour:
        return label_colour(label, self._masks.palette)

    def _labels(self, number: int) -> NDArray[np.integer[Any]]:
        """(H, W) labels of a frame."""
        size, file, page = (self._ground.height, self._ground.width), self._file, number
        name = f"{self._masks.path}: page {number}"
        if self._paths:
            name, page = f"{self._paths[number]}", 0
            file, _ = opened_stack(
                self._paths[number], f"{name}: is no TIFF, or damaged. Export it again."
            )
        try:
            with without_tiff_logs():
                labels = file.pages[page].asarray()
        except (*UNREADABLE_ARRAYS, LookupError, struct.error) as error:
            raise CropzoomError(
                f"{name} cannot be read; it is damaged. Copy or export it again."
            ) from error
        finally:
            if self._paths:
                file.close()
        if labels.shape != size or labels.dtype.kind not in "ui":
            raise CropzoomError(
                f"{name} is no label image of {size[1]}x{size[0]} whole numbers, as the frames of "
                f"{self._ground.path.name} are. Export label images of the whole frame."
            )
        return np.asarray(labels)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
