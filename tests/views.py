"""A model of two views and a recording of two videos, made in seconds."""

from __future__ import annotations

from pathlib import Path

import yaml

from lpmodels import KEYPOINTS, make_lp_model

VIEWS = ("left", "right")


def make_model_of_views(folder: Path, views: tuple[str, ...] = VIEWS) -> Path:
    """Write a model folder for several views, with the label files that Lightning Pose reads."""
    make_lp_model(folder, size=128)  # Lightning Pose ends itself at sizes that are no multiple of this
    config_file = folder / "config.yaml"
    config = yaml.safe_load(config_file.read_text())
    config["data"] |= {"view_names": list(views), "csv_file": [f"labels_{view}.csv" for view in views]}
    config_file.write_text(yaml.safe_dump(config))
    for view in views:
        write_labels(folder / f"labels_{view}.csv", view)
    return folder


def write_labels(path: Path, view: str) -> None:
    """Labels of some frames, whose images nobody opens to predict videos."""
    columns = [(name, axis) for name in KEYPOINTS for axis in "xy"]
    lines = [
        ",".join(["scorer", *["me"] * len(columns)]),
        ",".join(["bodyparts", *[name for name, _ in columns]]),
        ",".join(["coords", *[axis for _, axis in columns]]),
    ]
    for number in range(10):
        values = ",".join(str(10.0 + number + place) for place in range(len(columns)))
        lines.append(f"labeled-data/s1_{view}/img{number:08d}.png,{values}")
    path.write_text("\n".join(lines) + "\n")
