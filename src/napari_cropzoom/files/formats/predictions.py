"""Keypoints of Lightning Pose or DeepLabCut, round which boxes are put."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults, FrameSize
from napari_cropzoom.core.progress import Notify, ignore
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.files.bbox_table import checked_frames
from napari_cropzoom.files.formats.base import header_cells
from napari_cropzoom.files.predictions_csv import HEADER, read_predictions_table


class Predictions:
    """See :class:`napari_cropzoom.files.formats.base.BoxFormat`; sizes are ``create_bbox``'s usual."""

    name: ClassVar[str] = "keypoints"
    label: ClassVar[str] = "Keypoints"
    help: ClassVar[str] = "CSV of Lightning Pose or DeepLabCut; boxes are put round all keypoints"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)

    def recognises(self, path: Path) -> bool:
        """By the first of the three header rows."""
        return header_cells(path)[0] == HEADER[0]

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
        """Return boxes round the keypoints, and tell so."""
        table = read_predictions_table(path, n_frames)
        if table.is_labeled_frames:
            raise CropzoomError(
                f"{path}: is a table of labeled images, not of the frames of a video. Give the "
                "predictions of the video, or its boxes."
            )
        boxes = boxes_from_keypoints(table.poses(), SizingSettings())
        notify(
            f"{path.name}: is a table of keypoints, not of boxes. Boxes are put round all of them, as "
            "`cropzoom create_bbox` does; run that first for boxes of another size."
        )
        boxes = checked_frames(path, boxes, frame_size, faults if allow_missing else "refuse", notify)
        missing = np.isnan(boxes[:, 0])
        if (n := int(missing.sum())) and not allow_missing:
            raise CropzoomError(
                f"{path}: frame {int(missing.argmax())} has no keypoint and so no box "
                f"({counted(n, 'frame')} {verb(n, 'have')} none). Fill the gaps in `cropzoom review`."
            )
        return boxes
