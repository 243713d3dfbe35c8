"""COCO JSON: images, annotations and categories, ``bbox`` as ``[x, y, w, h]`` in pixels.

Format: https://cocodataset.org/#format-data. The frame is the number in an image's name (or
``frame_id``), the animal a track in ``attributes``; both are usual, neither is in the format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.plausible import FrameSize
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.files.formats.contents import Content, number_in_name, read_bounded_json
from napari_cropzoom.files.formats.outside_rows import (
    BoxesOut,
    ImportOptions,
    OutsideRows,
    VideoFacts,
    notes_on_video,
    numbered,
    refuse,
)

TRACKS = ("track", "track_id", "object_id", "instance_id", "id", "name")
FRAMES = ("frame_id", "frame_index", "frame_idx", "frame")
PARTS = ('"annotations"', '"images"', '"image_id"')
CODE0, CONTINUED, SIGN = 48, 32, 16


class Coco:
    """See :class:`napari_cropzoom.files.formats.outside_rows.OutsideFormat`."""

    name: ClassVar[str] = "coco"
    label: ClassVar[str] = "COCO JSON"
    help: ClassVar[str] = "Boxes, keypoints or masks of images whose names hold the frame number"
    patterns: ClassVar[tuple[str, ...]] = ("*.json",)

    def recognises(self, content: Content) -> bool:
        """By the names of its parts."""
        head = content.text
        return content.kind == "json" and any(name in head for name in PARTS)

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """Boxes; keypoints where boxes are but their extent; masks where there are no boxes."""
        whole = read_bounded_json(path)
        if isinstance(whole, list):
            whole = {"annotations": whole}
        if not isinstance(whole, dict) or not isinstance(whole.get("annotations"), list):
            raise refuse(path, "has no list of annotations. Export it again as COCO.")
        annotations = [each for each in whole["annotations"] if isinstance(each, dict)]
        if not annotations:
            raise refuse(path, "has no annotations. Label frames and export it again.")
        frame_of = _frames(path, whole.get("images"), annotations)
        frames = np.array([frame_of[each["image_id"]] for each in annotations], np.int64)
        names, animal, notes = _animals(path, annotations, whole.get("categories"))
        notes = (*notes, *notes_on_video(path, video, _size(whole.get("images"))))
        more: dict[str, Any] = {"confidence": _scores(annotations), "notes": notes}
        more |= {"first_frame": None, "usual_first": 0}
        points = _keypoints(annotations)
        boxes = np.array([_box(each) for each in annotations], np.float64)
        if points is not None and (_is_extent(boxes, points) or options.crop_size or options.crop_ratio):
            return OutsideRows(names, animal, frames, keypoints=points, **more)
        return OutsideRows(names, animal, frames, boxes=boxes, **more)

    def write(self, path: Path, out: BoxesOut) -> None:
        """Write one image a frame; the name of the animal is in ``attributes.track``."""
        video = out.video
        images = [
            {
                "id": frame + 1,
                "file_name": f"{video.stem}_frame_{frame:06d}.png",
                "width": video.width,
                "height": video.height,
                "frame_id": frame,
            }
            for frame in range(video.n_frames)
        ]
        annotations: list[dict[str, Any]] = []
        for place, (name, boxes) in enumerate(out.tracks.items(), 1):
            for frame in np.flatnonzero(~np.isnan(boxes[:, 0])).tolist():
                box = boxes[frame].tolist()
                about = {"track": name, "object_id": place}
                one: dict[str, Any] = {
                    "id": len(annotations) + 1,
                    "image_id": frame + 1,
                    "category_id": 1,
                }
                one |= {"bbox": box, "area": box[2] * box[3], "iscrowd": 0, "attributes": about}
                annotations.append(one)
        whole = {
            "info": {"description": f"boxes of {video.name}"},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "animal"}],
        }
        with atomic_path(path) as part:
            part.write_text(json.dumps(whole), encoding="utf-8")


def _size(images: Any) -> FrameSize | None:
    """Width and height of the images, where the file says one for all."""
    listed = images if isinstance(images, list) else []
    said = [(each.get("width"), each.get("height")) for each in listed if isinstance(each, dict)]
    sizes = {(w, h) for w, h in said if isinstance(w, int) and isinstance(h, int) and w > 0 < h}
    return sizes.pop() if len(sizes) == 1 else None


def _frames(path: Path, images: Any, annotations: list[dict[str, Any]]) -> dict[Any, int]:
    """Frame of each image."""
    if not isinstance(images, list) or not images:
        return {each["image_id"]: int(each["image_id"]) for each in annotations}
    found: dict[Any, int] = {}
    for image in images:
        number = next((image[key] for key in FRAMES if isinstance(image.get(key), int)), None)
        number = number_in_name(str(image.get("file_name", ""))) if number is None else number
        if number is None:
            raise refuse(
                path, f"the image {str(image.get('file_name'))[:60]!r} has no frame number in its name."
            )
        found[image["id"]] = number
    if len(set(found.values())) != len(found):
        raise refuse(
            path, "two images have the same frame number in their names. Export one video at a time."
        )
    return found


def _animals(
    path: Path, annotations: list[dict[str, Any]], categories: Any
) -> tuple[tuple[str, ...], Any, tuple[str, ...]]:
    tracks = [_track(each) for each in annotations]
    if all(track is not None for track in tracks):
        is_number = all(isinstance(track, int) for track in tracks)
        return *numbered([track if is_number else str(track) for track in tracks]), ()
    labels = {}
    if isinstance(categories, list):
        labels = {
            each["id"]: str(each.get("name", each["id"])) for each in categories if isinstance(each, dict)
        }
    kinds = [labels.get(each.get("category_id"), "animal") for each in annotations]
    note = (
        (f"{path.name}: has no tracks, so each category is taken for one animal",)
        if len(set(kinds)) > 1
        else ()
    )
    return *numbered(kinds), note


def _track(annotation: dict[str, Any]) -> Any:
    """Id or name of the animal, None if nothing says it."""
    attributes = annotation.get("attributes")
    for place in (
        (attributes if isinstance(attributes, dict) else {}),
        {k: annotation.get(k) for k in TRACKS[:4]},
    ):
        for key in TRACKS:
            value = place.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool):
                return value
    return None


def _scores(annotations: list[dict[str, Any]]) -> FloatArray:
    scores = [each.get("score") for each in annotations]
    return np.array([score if isinstance(score, int | float) else np.nan for score in scores], np.float64)


def _keypoints(annotations: list[dict[str, Any]]) -> FloatArray | None:
    """(N, K, 2) where all have as many, NaN where not labelled; None if there are none."""
    rows = [each.get("keypoints") for each in annotations]
    length = len(rows[0]) if isinstance(rows[0], list) else 0
    if length < 3 or length % 3 or any(not isinstance(row, list) or len(row) != length for row in rows):
        return None
    points = np.array(rows, np.float64).reshape(len(rows), -1, 3)
    return np.where(points[..., 2:] > 0, points[..., :2], np.nan)


def _is_extent(boxes: FloatArray, points: FloatArray) -> bool:
    """Whether the boxes say nothing that the keypoints do not."""
    known = ~np.asarray(np.isnan(points).any(axis=2)).all(axis=1)
    if not known.any():
        return False
    low, high = np.nanmin(points[known], axis=1), np.nanmax(points[known], axis=1)
    return bool(np.allclose(boxes[known], np.column_stack([low, high - low]), atol=1.0, equal_nan=True))


def _box(annotation: dict[str, Any]) -> list[float]:
    box = annotation.get("bbox")
    if (
        isinstance(box, list)
        and len(box) == 4
        and all(isinstance(each, int | float) for each in box)
        and any(box)
    ):
        return [float(each) for each in box]
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        return _box_of_runs(segmentation)
    if isinstance(segmentation, list) and segmentation:
        points = np.concatenate([np.asarray(part, np.float64) for part in segmentation]).reshape(-1, 2)
        low, high = points.min(axis=0), points.max(axis=0)
        return [*low.tolist(), *(high - low).tolist()]
    return [np.nan] * 4


def _box_of_runs(segmentation: dict[str, Any]) -> list[float]:
    """Box of a run-length mask, columns first, see ``maskApi.c`` of pycocotools."""
    height = int(segmentation["size"][0])
    counts = segmentation["counts"]
    ends = np.cumsum(np.asarray(_runs(counts) if isinstance(counts, str) else counts, np.int64))
    starts, stops = ends[0:-1:2], ends[1::2]
    keep = stops > starts
    starts, stops = starts[keep], stops[keep] - 1
    if not len(starts) or height <= 0:
        return [np.nan] * 4
    left, right = int((starts // height).min()), int((stops // height).max())
    spans = (starts // height) != (stops // height)
    top, bottom = int((starts % height).min()), int((stops % height).max())
    if spans.any():
        top, bottom = 0, height - 1
    return [float(left), float(top), float(right - left + 1), float(bottom - top + 1)]


def _runs(text: str) -> list[int]:
    """Counts from the text of pycocotools: five bits a letter, differences from the last but one."""
    counts: list[int] = []
    value, shift = 0, 0
    for letter in text.encode("ascii"):
        code = letter - CODE0
        value |= (code & (CONTINUED - 1)) << shift
        shift += 5
        if not code & CONTINUED:
            if code & SIGN:
                value |= -1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value, shift = 0, 0
    return counts
