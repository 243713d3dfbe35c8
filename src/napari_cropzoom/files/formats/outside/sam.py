"""SAM 2 and 3: boxes of every frame under ``out_boxes_xywh``, in fractions, as JSON or arrays.

There is no standard file; these are the names of the model's own outputs, and what scripts save.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.contents import MOST_ARRAY, Content, as_numbers, read_bounded_json
from napari_cropzoom.files.formats.outside_rows import (
    ImportOptions,
    OutsideRows,
    VideoFacts,
    numbered,
    refuse,
)
from napari_cropzoom.files.parsing import load_arrays

BOXES, IDS, SCORES = "out_boxes_xywh", "out_obj_ids", "out_probs"
FRAMES = ("frame", "frame_idx", "frame_index", "frame_id")


class Sam:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "sam"
    label: ClassVar[str] = "SAM boxes"
    help: ClassVar[str] = "JSON or npz with out_boxes_xywh, out_obj_ids and out_probs of every frame"
    patterns: ClassVar[tuple[str, ...]] = ("*.json", "*.npz")

    def recognises(self, content: Content) -> bool:
        """By the name of the boxes."""
        return (content.kind == "json" and f'"{BOXES}"' in content.text) or (
            content.kind == "zip" and BOXES in content.names
        )

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Boxes of all objects."""
        boxes, ids, scores, frames = _arrays(path) if Content(path).kind == "zip" else _listed(path)
        names, animal = numbered(ids)
        return OutsideRows(
            names,
            animal,
            frames,
            boxes=boxes,
            confidence=np.where(np.isnan(boxes[:, 0]), np.nan, scores),
            first_frame=None,
            usual_first=0,
            unit=None,
        )


def _arrays(path: Path) -> tuple[Any, Any, Any, Any]:
    with load_arrays(path, MOST_ARRAY) as file:
        boxes = as_numbers(BOXES, file[BOXES])
        if boxes.ndim != 3 or boxes.shape[2] != 4:
            raise refuse(path, f"{BOXES} has the shape {boxes.shape}, not (frames, objects, 4).")
        shape = boxes.shape[:2]
        ids = np.broadcast_to(as_numbers(IDS, file[IDS]), shape) if IDS in file else None
        scores = np.broadcast_to(as_numbers(SCORES, file[SCORES]), shape) if SCORES in file else None
        name = next((name for name in FRAMES if name in file), None)
        frames = np.arange(shape[0]) if name is None else as_numbers(name, file[name]).astype(np.int64)
    if len(frames) != shape[0]:
        raise refuse(path, f"has {counted(len(frames), 'number')} of frames and boxes of {shape[0]}.")
    ids = np.broadcast_to(np.arange(1.0, shape[1] + 1), shape) if ids is None else ids
    scores = np.full(shape, np.nan) if scores is None else scores
    return boxes.reshape(-1, 4), ids.ravel(), scores.ravel(), np.repeat(frames, shape[1])


def _listed(path: Path) -> tuple[Any, Any, Any, Any]:
    whole = read_bounded_json(path)
    if isinstance(whole, dict) and BOXES not in whole:
        whole = [{"frame": int(key), **each} for key, each in whole.items()]
    if not isinstance(whole, list):
        raise refuse(path, "is not a list of frames.")
    boxes, ids, scores, frames = [], [], [], []
    for place, each in enumerate(whole):
        found = each[BOXES]
        count = len(found)
        mine = each.get(IDS, list(range(1, count + 1)))
        likely = each.get(SCORES, [np.nan] * count)
        if len(mine) != count or len(likely) != count:
            raise refuse(
                path,
                f"entry {place}: has {counted(count, 'box')}, {counted(len(mine), 'id')} and "
                f"{counted(len(likely), 'score')}.",
            )
        number = int(next((each[name] for name in FRAMES if name in each), place))
        boxes += [[float(value) for value in box] for box in found]
        ids += [float(value) for value in mine]
        scores += [float(value) for value in likely]
        frames += [number] * count
    if not boxes:
        raise refuse(path, "holds no boxes. Look at the masks first: no object was found in any frame.")
    return (
        np.asarray(boxes).reshape(-1, 4),
        np.asarray(ids),
        np.asarray(scores),
        np.asarray(frames, np.int64),
    )
