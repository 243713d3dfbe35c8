"""A small project of labeled images of mixed sizes, with what a detector has made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from lpmodels import make_predictions_folder
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions

PARTS = ("nose", "back", "tail")
SIZES = ((200, 150), (160, 180), (200, 150), (120, 100), (200, 150), (200, 150))
NAMES = tuple(f"labeled-data/day 1/img{number:08d}.png" for number in range(len(SIZES)))
WRONG, WITHOUT = 3, 4
"""The image whose labels the box misses, and the one without a box."""


def make_labeled_project(root: Path) -> Path:
    """Images, labels, and a detector that is wrong in one image and finds nothing in another."""
    rng = np.random.default_rng(5)
    for name, (width, height) in zip(NAMES, SIZES, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(60, 200, (height, width, 3)).astype(np.uint8)
        Image.fromarray(picture).save(root / name)
    places = np.stack([[40 + 3 * i, 40 + 2 * i] for i in range(len(SIZES))])[:, None] + np.array(
        [[0, 0], [8, 6], [16, 12]]
    )
    labels = places.astype(float)
    labels[1, 2] = np.nan
    columns = pd.MultiIndex.from_product(
        [["me"], PARTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    csv = root / "CollectedData.csv"
    pd.DataFrame(labels.reshape(len(SIZES), -1), NAMES, columns).to_csv(csv)
    found, likelihood = places + 1.0, np.full(places.shape[:2], 0.9)
    found[WRONG] -= 38
    found[WITHOUT], likelihood[WITHOUT] = np.nan, np.nan
    poses = Poses(PARTS, found, likelihood)
    detector = make_predictions_folder(root / "models" / "detector", root / "v.mp4", poses)
    folder = detector / "image_preds" / csv.name
    folder.mkdir(parents=True)
    write_predictions(folder / "predictions.csv", poses, NAMES)
    sign(folder / "predictions.csv", csv)
    write_bbox_csv(folder / "bbox.csv", boxes_from_keypoints(poses, SizingSettings()), NAMES)
    sign(folder / "bbox.csv", csv)
    return root


def tiny_config(project: Path, epochs: int) -> Path:
    """Write a configuration that trains a small network, of random weights, on the six images."""
    from napari_cropzoom.engine.training.making import Recipe, make_config

    recipe = Recipe("resnet18", 128, epochs, pretrained=False)
    content = make_config(project / "CollectedData.csv", PARTS, recipe, "tiny")
    content["training"].update(num_workers=0, train_prob=0.6, val_prob=0.4, imgaug="default")
    path = project / "config_tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return path
