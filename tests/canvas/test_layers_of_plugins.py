"""Layers as napari-deeplabcut 0.4.0 and movement 0.15.0 make them, taken as boxes.

Columns and order are those of layers that the plugins themselves made of the shared recording.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Points, Shapes, Tracks

from napari_cropzoom.canvas.as_layers import layer_says
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.files.formats.to_tracks import to_tracks

N = 12
VIDEO = VideoFacts("mouse.mp4", 320, 240, N, 30.0)
NAMES, PARTS = ("white", "brown"), ("nose", "body", "tail")
POINTS = np.array([[20.0, 0], [0, 0], [-20, 0]])


@pytest.fixture(scope="module")
def video():
    return SimpleNamespace(layer=Image(np.zeros((N, VIDEO.height, VIDEO.width), np.uint8)))


def centre(frame, animal):
    return np.array([60.0 + 5 * frame + 80 * animal, 70 + 60 * animal])


def is_there(frame, animal):
    return not (animal == 1 and 4 <= frame < 6)


def movement(kind, parts):
    """Of each animal and keypoint a track; rows of NaN are left out, as by its loader."""
    rows, features = [], []
    for animal, name in enumerate(NAMES):
        for part, keypoint in enumerate(parts):
            for frame in range(N):
                if is_there(frame, animal):
                    x, y = centre(frame, animal) + (POINTS[part] if len(parts) > 1 else 0)
                    rows.append([animal * len(parts) + part, frame, y, x])
                    features.append((name, keypoint, frame / 30, 0.8))
    table = pd.DataFrame(features, columns=["individual", "keypoint", "time", "confidence"])
    if len(parts) == 1:
        del table["keypoint"]
    if kind is Tracks:
        return Tracks(np.array(rows), features=table)
    if kind is Points:
        return Points(np.array(rows)[:, 1:], features=table)
    half = np.array([[-10, -15], [10, -15], [10, 15], [-10, 15]])
    corners = [np.column_stack([np.full(4, row[1]), row[2:] + half]) for row in rows]
    return Shapes(corners, shape_type="rectangle", features=table)


def deeplabcut():
    rows, features = [], []
    for frame in range(N):
        for animal, name in enumerate(NAMES):
            for part, label in enumerate(PARTS):
                if is_there(frame, animal):
                    x, y = centre(frame, animal) + POINTS[part]
                    rows.append([frame, y, x])
                    features.append((label, name, 0.8, True))
    table = pd.DataFrame(features, columns=["label", "id", "likelihood", "valid"])
    return Points(np.array(rows), features=table)


@pytest.mark.parametrize(
    "make",
    [
        lambda: movement(Points, PARTS),
        lambda: movement(Tracks, PARTS),
        lambda: movement(Points, ("centroid",)),
        lambda: movement(Tracks, ("centroid",)),
        lambda: movement(Shapes, ("centroid",)),
        deeplabcut,
    ],
    ids=[
        "poses, points",
        "poses, tracks",
        "boxes, points",
        "boxes, tracks",
        "boxes, shapes",
        "deeplabcut",
    ],
)
def test_they_become_both_animals_with_names_gaps_and_confidence(video, make):
    layer = make()
    said = layer_says(layer, video)
    options = ImportOptions(crop_size=None if said.boxes is not None else 40)
    tracks = to_tracks(None, said, VIDEO, options, lambda _: None).tracks
    assert tuple(track.name for track in tracks) == NAMES
    for animal, track in enumerate(tracks):
        assert np.flatnonzero(track.is_missing).tolist() == ([4, 5] if animal else [])
        for frame in np.flatnonzero(~track.is_missing).tolist():
            x, y, w, h = track.boxes[frame]
            np.testing.assert_allclose([x + w / 2, y + h / 2], centre(frame, animal), atol=1)
        np.testing.assert_allclose(track.confidence[~track.is_missing], 0.8)
