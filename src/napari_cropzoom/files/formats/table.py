"""Tables of boxes as Lightning Pose and we have them: one, and a folder of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults, FrameSize
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.formats.base import header_cells
from napari_cropzoom.files.formats.outside_rows import BoxesOut
from napari_cropzoom.files.names import folder_name


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

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write the boxes of one animal in whole pixels."""
        if len(out.tracks) != 1:
            raise CropzoomError(f"{path}: takes one animal. Give one file at a time, or --to bbox_dir.")
        write_bbox_csv(path, next(iter(out.tracks.values())))


class BboxDir:
    """A folder for ``litpose --bbox_dir``: a table a video, of several animals in a folder for each."""

    name: ClassVar[str] = "bbox_dir"
    label: ClassVar[str] = "Folder for --bbox_dir"
    help: ClassVar[str] = "Folder that litpose predict and crop take with --bbox_dir; no gaps"
    patterns: ClassVar[tuple[str, ...]] = ()

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write the boxes in whole pixels, none missing."""
        for name, boxes in out.tracks.items():
            missing = np.isnan(boxes[:, 0])
            if missing.any():
                raise CropzoomError(
                    f"{path}: frame {int(missing.argmax())} of {name} has no box, and litpose takes no "
                    "gaps. Fill them in `cropzoom review`, and export the saved boxes."
                )
        places = self.places(path, out.video.stem, list(out.tracks))
        for place, boxes in zip(places, out.tracks.values(), strict=True):
            write_bbox_csv(place, boxes)

    @staticmethod
    def places(path: Path, stem: str, animals: Sequence[str]) -> list[Path]:
        """The files to be written, one an animal."""
        file = f"{stem}_bbox.csv"
        if len(animals) == 1:
            return [path / file]
        return [path / folder_name(name) / file for name in animals]
