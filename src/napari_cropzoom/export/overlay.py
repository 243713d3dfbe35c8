"""Label images laid over the frames of a video."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.export.drawing import Picture
from napari_cropzoom.export.palettes import colour_of
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS, without_tiff_logs

if TYPE_CHECKING:
    from napari_cropzoom.video.video import Video


class Overlay:
    """A stack of label images, TIFF: a page a frame, 0 for nothing and a number for each animal.

    Parameters
    ----------
    path : Path
    video : Video
        Whose frames they belong to.
    opacity : float
        0 to 1.
    outlined : bool
        Draw the outlines only.

    Raises
    ------
    CropzoomError
        If it is no TIFF, or not of as many frames.
    """

    def __init__(self, path: Path, video: Video, opacity: float, outlined: bool) -> None:
        import tifffile

        self._path, self._video, self._opacity, self._outlined = path, video, opacity, outlined
        try:
            with without_tiff_logs():
                self._file: Any = tifffile.TiffFile(path)
                n_pages = len(self._file.pages)
        except (tifffile.TiffFileError, *UNREADABLE_ARRAYS, LookupError, struct.error) as error:
            raise CropzoomError(
                f"{path}: is no TIFF of label images, or damaged. Give --masks one with a page a frame."
            ) from error
        if n_pages != video.n_frames:
            self.close()
            raise CropzoomError(
                f"{path}: has {counted(n_pages, 'page')}, and {video.path.name} has "
                f"{counted(video.n_frames, 'frame')}. Give --masks a stack with a page a frame."
            )

    def painted(self, number: int, image: Picture) -> Picture:
        """(H, W, 3) a copy of a frame with its labels in the colours of the animals."""
        labels = self._labels(number)
        picture = np.array(image)
        if self._outlined:
            line = max(1, min(picture.shape[:2]) // 300)
            for label in np.unique(labels[labels > 0]).tolist():
                found = cv2.findContours(
                    (labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
                )
                cv2.drawContours(picture, found[0], -1, colour_of(label - 1), line, cv2.LINE_AA)
            return picture
        rows, columns = np.nonzero(labels)
        numbers, place = np.unique(labels[rows, columns], return_inverse=True)
        colours = np.array([colour_of(int(label) - 1) for label in numbers], np.float32).reshape(-1, 3)
        below = picture[rows, columns]
        picture[rows, columns] = below + self._opacity * (colours[place] - below)
        return picture

    def _labels(self, number: int) -> NDArray[np.integer[Any]]:
        """(H, W) labels of a frame."""
        size = self._video.height, self._video.width
        try:
            with without_tiff_logs():
                labels = self._file.pages[number].asarray()
        except (*UNREADABLE_ARRAYS, LookupError, struct.error) as error:
            raise CropzoomError(
                f"{self._path}: page {number} cannot be read; it is damaged. Copy or export it again."
            ) from error
        if labels.shape != size or labels.dtype.kind not in "ui":
            raise CropzoomError(
                f"{self._path}: page {number} is no label image of {size[1]}x{size[0]} whole numbers, as "
                f"the frames of {self._video.path.name} are. Export label images of the whole frame."
            )
        return np.asarray(labels)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
