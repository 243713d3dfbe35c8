"""Whole tracks as napari's own n-D layers, for other plugins, and such layers as tracks.

A layer that is handed to napari is a copy that belongs to the person: it does not follow the review.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer, Points, Shapes, Tracks

from napari_cropzoom.canvas.conversions import PIXEL_EDGE
from napari_cropzoom.canvas.video import VideoLayer
from napari_cropzoom.core.boxes import BoxTrack, FloatArray, Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.formats.outside_rows import OutsideRows, numbered

if TYPE_CHECKING:  # pandas takes a fifth of a second to load, and the dock starts without it
    import pandas as pd

MOST_SHAPES = 3000
"""More take napari seconds to add, and some of a second for each step."""
WHOSE = ("individual", "individuals", "animal", "track", "track_id", "identity", "id", "name")
HOW_SURE = ("confidence", "likelihood", "score")
PART = ("label", "keypoint", "body_part", "bodypart")
TRANSFORM = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
OFF = 0.25  # frames that a layer may lie between two


def boxes_as_shapes(track: BoxTrack, color: str, video: Layer, frames: tuple[int, int]) -> Shapes:
    """Every box of a range of frames as a rectangle (frame, y, x); frames without a box have none.

    Raises
    ------
    CropzoomError
        If there are more than napari can bear, or none.
    """
    import pandas as pd

    boxes, numbers = _present(track.boxes, frames)
    if len(boxes) > MOST_SHAPES:
        raise CropzoomError(
            f"{counted(len(boxes), 'box')} would make napari very slow; it takes {MOST_SHAPES}. Select a "
            "range on the timeline (drag over it), or hand over the centres, which are a light layer."
        )
    left, top = boxes[:, 0] - PIXEL_EDGE, boxes[:, 1] - PIXEL_EDGE
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    ys, xs = np.stack([top, top, bottom, bottom], 1), np.stack([left, right, right, left], 1)
    corners = np.stack([np.repeat(numbers[:, None], 4, 1), ys, xs], axis=2)
    features = {
        "individual": track.name,
        "source": [Source(each).name.lower() for each in track.source[numbers]],
        "frame": numbers,
    }
    return Shapes(
        corners,
        shape_type="rectangle",
        name=f"boxes of {track.name}",
        features=pd.DataFrame(features),
        edge_color=color,
        face_color="transparent",
        edge_width=2,
        **_transform(video),
    )


def centres_as_tracks(tracks: Mapping[str, BoxTrack], video: Layer, frames: tuple[int, int]) -> Tracks:
    """Centre and size of all boxes of all animals: rows of (track, frame, y, x), with w and h beside.

    Raises
    ------
    CropzoomError
        If there are none.
    """
    import pandas as pd

    rows, features = [], []
    for number, track in enumerate(tracks.values()):
        boxes = track.boxes[frames[0] : frames[1] + 1]
        places = np.flatnonzero(~np.isnan(boxes[:, 0]))
        x, y, w, h = boxes[places].T
        centre = x + w / 2 - PIXEL_EDGE, y + h / 2 - PIXEL_EDGE
        row = np.full(len(places), number), places + frames[0], centre[1], centre[0]
        rows.append(np.column_stack(row))
        features.append(pd.DataFrame({"individual": track.name, "w": w, "h": h}))
    data = np.concatenate(rows)
    if not len(data):
        raise CropzoomError("There is no box in these frames.")
    return Tracks(data, features=pd.concat(features), name="centres of boxes", **_transform(video))


def keypoints_as_points(poses: Poses, name: str, video: Layer, frames: tuple[int, int]) -> Points:
    """Every keypoint as a point (frame, y, x), with the columns that napari-deeplabcut has.

    Raises
    ------
    CropzoomError
        If there are none.
    """
    import pandas as pd

    xy = poses.xy[frames[0] : frames[1] + 1]
    where, which = np.nonzero(np.isfinite(xy).all(axis=2))
    if not len(where):
        raise CropzoomError("There is no keypoint in these frames.")
    x, y = xy[where, which].T
    features = {
        "label": pd.Categorical(np.array(poses.names, object)[which], list(poses.names)),
        "id": "",
        "likelihood": poses.likelihood[where + frames[0], which],
    }
    return Points(
        np.column_stack([where + frames[0], y, x]),
        name=name,
        features=pd.DataFrame(features),
        face_color="label",
        size=6,
        out_of_slice_display=False,
        **_transform(video),
    )


def layer_says(layer: Layer, video: VideoLayer) -> OutsideRows:
    """What a person's or a plugin's layer of shapes, tracks or points says, in frames and pixels.

    Shapes are boxes round each shape. Points and tracks with a column of keypoints are these, others
    are places of an animal; with columns w and h they are boxes again.

    Raises
    ------
    CropzoomError
        If it has no axis of frames, lies between frames, or is of another kind.
    """
    if not isinstance(layer, Shapes | Tracks | Points):
        raise CropzoomError(
            f"{layer.name}: only layers of shapes, tracks or points can become boxes. Choose one in the "
            "layer list."
        )
    if layer.ndim != video.layer.ndim:
        raise CropzoomError(
            f"{layer.name}: is no layer of frame, y and x, as the video is. Make a new layer while the "
            "video is open, and draw in the frames that you want."
        )
    features = layer.features
    if isinstance(layer, Shapes):
        return _of_shapes(layer, video, features)
    data = np.asarray(layer.data, np.float64)
    ids: Any = data[:, 0].astype(np.int64) if isinstance(layer, Tracks) else None
    places = _to_video(layer, video, data[:, 1:] if isinstance(layer, Tracks) else data)
    if not len(places):
        raise CropzoomError(f"{layer.name}: is empty. Draw in it, or choose another layer.")
    frames = _frames(layer, places[:, 0])
    names, animal = _whose(features, len(places), layer.name, ids)
    sure, xy = _column(features, HOW_SURE), places[:, :0:-1]
    part = next((each for each in PART if each in features), None)
    if part is not None:
        return _keypoints(names, animal, frames, xy, np.asarray(features[part].astype(str)), sure)
    if {"w", "h"} <= set(features):
        size = features[["w", "h"]].to_numpy(np.float64)
        boxes = np.column_stack([xy + PIXEL_EDGE - size / 2, size])
        return OutsideRows(names, animal, frames, boxes=boxes, confidence=sure)
    return OutsideRows(names, animal, frames, keypoints=(xy + PIXEL_EDGE)[:, None], confidence=sure)


# ---- inside --------------------------------------------------------------------------------------


def _present(boxes: FloatArray, frames: tuple[int, int]) -> tuple[FloatArray, np.ndarray]:
    part = boxes[frames[0] : frames[1] + 1]
    numbers = np.flatnonzero(~np.isnan(part[:, 0])) + frames[0]
    if not len(numbers):
        raise CropzoomError("There is no box in these frames.")
    return boxes[numbers], numbers


def _transform(video: Layer) -> dict[str, Any]:
    return {name: getattr(video, name) for name in TRANSFORM}


def _of_shapes(layer: Shapes, video: VideoLayer, features: pd.DataFrame) -> OutsideRows:
    if not layer.nshapes:
        raise CropzoomError(f"{layer.name}: is empty. Draw in it, or choose another layer.")
    counts = [len(each) for each in layer.data]
    corners = _to_video(layer, video, np.concatenate([np.asarray(each) for each in layer.data]))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    low, high = np.minimum.reduceat(corners, starts), np.maximum.reduceat(corners, starts)
    if (high[:, 0] - low[:, 0] > 2 * OFF).any():
        raise CropzoomError(
            f"{layer.name}: has a shape that reaches over several frames. Draw one a frame."
        )
    size = high[:, :0:-1] - low[:, :0:-1]
    boxes = np.column_stack([low[:, :0:-1] + PIXEL_EDGE, size])
    names, animal = _whose(features, len(boxes), layer.name, None)
    frames = _frames(layer, low[:, 0])
    return OutsideRows(names, animal, frames, boxes=boxes, confidence=_column(features, HOW_SURE))


def _keypoints(
    names: Any, animal: Any, frames: Any, xy: FloatArray, parts: Any, sure: FloatArray
) -> OutsideRows:
    """Rows of one keypoint each as rows of one animal in one frame each."""
    rows, place = np.unique(np.column_stack([animal, frames]), axis=0, return_inverse=True)
    _, part = np.unique(parts, return_inverse=True)
    keypoints = np.full((len(rows), part.max() + 1, 2), np.nan)
    keypoints[place.ravel(), part] = xy
    count = np.bincount(place.ravel())
    mean = np.bincount(place.ravel(), sure, len(rows)) / count if len(sure) else sure
    return OutsideRows(names, rows[:, 0], rows[:, 1], keypoints=keypoints, confidence=mean)


def _whose(features: pd.DataFrame, n: int, name: str, ids: Any) -> tuple[tuple[str, ...], np.ndarray]:
    column = next((each for each in WHOSE if each in features and _says(features[each])), None)
    if column is not None:
        return numbered(features[column].to_numpy())
    return numbered(ids) if ids is not None else ((name,), np.zeros(n, np.int64))


def _says(column: pd.Series[Any]) -> bool:
    return bool((column.notna() & (column.astype(str) != "")).all())


def _column(features: pd.DataFrame, names: tuple[str, ...]) -> FloatArray:
    import pandas as pd

    found = next((each for each in names if each in features), None)
    if found is None:
        return np.empty(0)
    values = pd.to_numeric(features[found], errors="coerce").to_numpy(np.float64)
    return np.where((values >= 0) & (values <= 1), values, np.nan)


def _frames(layer: Layer, numbers: FloatArray) -> np.ndarray:
    frames = np.round(numbers)
    if (np.abs(numbers - frames) > OFF).any():
        raise CropzoomError(
            f"{layer.name}: lies between the frames of the video. Give it the scale of the layer video."
        )
    return frames.astype(np.int64)


def _to_video(layer: Layer, video: VideoLayer, places: FloatArray) -> FloatArray:
    """Places (N, 3) of a layer as frame, y and x of the video."""
    whole = np.linalg.inv(_matrix(video.layer)) @ _matrix(layer)
    moved: FloatArray = places @ whole[:-1, :-1].T + whole[:-1, -1]
    return moved


def _matrix(layer: Layer) -> FloatArray:
    """Affine matrix, (ndim + 1, ndim + 1), from a layer to the world."""
    ends = (np.zeros(layer.ndim), *np.eye(layer.ndim))
    origin, *axes = (np.array(layer.data_to_world(tuple(each))) for each in ends)
    matrix = np.eye(layer.ndim + 1)
    matrix[:-1] = np.column_stack([*(axis - origin for axis in axes), origin])
    return matrix
