"""A plain table of boxes, which is Lightning Pose's format and our own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.plausible import Faults, FrameSize
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.formats.base import header_cells


class BoxTable:
    """See :class:`napari_cropzoom.files.formats.base.BoxFormat`."""

    name: ClassVar[str] = "table"
    label: ClassVar[str] = "Table of boxes"
    help: ClassVar[str] = "CSV with the columns x, y, h, w, one row a frame, as Lightning Pose writes it"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def recognises(self, path: Path) -> bool:
        """By the names of the columns."""
        return {"x", "y", "w", "h"} <= set(header_cells(path))

    def read(
        self,
        path: Path,
        n_frames: int | None,
        allow_missing: bool,
        *,
        frame_size: FrameSize | None = None,
        faults: Faults = "refuse",
        notify: Notify = ignore,
    ) -> FloatArray:
        """Return the boxes."""
        return read_bbox_csv(
            path,
            n_frames,
            allow_missing=allow_missing,
            frame_size=frame_size,
            faults=faults,
            notify=notify,
        )

    def write(self, path: Path, boxes: FloatArray) -> None:
        """Write the boxes in whole pixels."""
        write_bbox_csv(path, boxes)
