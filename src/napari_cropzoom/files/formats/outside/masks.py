"""Masks as a stack of label images, TIFF: a page a frame, a number an animal."""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.contents import MOST_ARRAY, Content
from napari_cropzoom.files.formats.said import ImportOptions, Said, VideoFacts, numbered, refuse
from napari_cropzoom.files.parsing import UNREADABLE_ARRAYS

MOST_LABELS = 1000


class Masks:
    """See :class:`napari_cropzoom.files.formats.said.OutsideFormat`."""

    name: ClassVar[str] = "masks"
    label: ClassVar[str] = "Label images (TIFF)"
    help: ClassVar[str] = "A stack with one page a frame, 0 for nothing and a number for each animal"
    patterns: ClassVar[tuple[str, ...]] = ("*.tif", "*.tiff")

    def recognises(self, content: Content) -> bool:
        """By the first bytes of a TIFF."""
        return content.kind == "tiff"

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> Said:
        """Read the extent of each label, page by page."""
        import tifffile
        from scipy.ndimage import find_objects

        rows: list[tuple[int, int, int, int, int, int]] = []
        # it says of a damaged file what only its authors understand
        words = [logging.getLogger(name) for name in ("tifffile", "tifffile.tifffile")]
        for each in words:
            each.disabled = True
        try:
            with tifffile.TiffFile(path) as file:
                n_pages = len(file.pages)
                if n_pages != video.n_frames:
                    raise refuse(
                        path,
                        f"has {counted(n_pages, 'page')} but {video.name} has "
                        f"{counted(video.n_frames, 'frame')}. Write one page a frame; if it had "
                        "as many, it was cut short: copy it again.",
                    )
                for frame in range(n_pages):
                    page = file.pages[frame]
                    if page.shape != (video.height, video.width):
                        raise refuse(
                            path,
                            f"page {frame} has the shape {page.shape}, the frames of {video.name} are "
                            f"{video.width} x "
                            f"{video.height}. Write label images of the whole frame.",
                        )
                    if page.dtype is None or page.dtype.kind not in "ui" or page.size * 8 > MOST_ARRAY:
                        raise refuse(path, f"page {frame} is not a label image of whole numbers.")
                    labels = page.asarray().astype(np.int64)
                    found = find_objects(labels, max_label=_highest(path, frame, labels))
                    rows += [
                        (frame, number, spot[1].start, spot[0].start, spot[1].stop, spot[0].stop)
                        for number, spot in enumerate(found, 1)
                        if spot is not None
                    ]
        except (tifffile.TiffFileError, *UNREADABLE_ARRAYS, LookupError, struct.error) as error:
            raise refuse(path, "is no TIFF, damaged or cut short. Copy or export it again.") from error
        finally:
            for each in words:
                each.disabled = False
        if not rows:
            raise refuse(path, "holds no mask: all pages are 0.")
        values = np.array(rows, np.float64)
        names, animal = numbered(values[:, 1])
        return Said(
            names,
            animal,
            values[:, 0].astype(np.int64),
            boxes=np.column_stack([values[:, 2:4], values[:, 4:6] - values[:, 2:4]]),
        )


def _highest(path: Path, frame: int, labels: np.ndarray) -> int:
    highest = int(labels.max(initial=0))
    if highest > MOST_LABELS:
        raise refuse(
            path,
            f"page {frame} has the label {highest}; labels are numbers of animals, at most "
            f"{MOST_LABELS}.",
        )
    return highest
