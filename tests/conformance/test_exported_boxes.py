"""Boxes that were exported, and came back from another program's format, are taken by `litpose`."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import run_litpose
from napari_cropzoom.cli import main
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.formats.registry import EXPORTS
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.video.index import VideoIndex
from videos import pattern_video

pytest.importorskip("lightning_pose", reason="needs lightning-pose, the extra 'pose'")
pytestmark = pytest.mark.conformance

N = 24
OWN = ("table", "bbox_dir")
"""Exports that are what Lightning Pose reads."""


def bbox_dir_of(export: str, root: Path, boxes: Path, video: Path) -> Path:
    """A folder for ``--bbox_dir`` by way of an export."""
    folder = root / export
    out = folder if export == "bbox_dir" else folder / ("v_bbox.csv" if export == "table" else "out")
    if export != "bbox_dir":
        folder.mkdir()
    words = ["export", boxes, "--video", video, "--to", export, "--output", out]
    assert main([str(word) for word in words]) == 0
    if export in OWN:
        return folder
    words = ["import_bbox", out, "--video", video, "--output_dir", folder / "back"]
    assert main([str(word) for word in words]) == 0
    return folder / "back"


def test_litpose_crops_and_predicts_with_every_export_of_boxes(tmp_path):
    from lpmodels import KEYPOINTS, make_lp_model

    model = make_lp_model(tmp_path / "model")
    labels = [
        ["scorer"] + ["a"] * 2 * len(KEYPOINTS),
        ["bodyparts"],
        ["coords"],
        ["labeled-data/v/img0.png"],
    ]
    for name in KEYPOINTS:  # the metrics of a prediction want labels
        for row, pair in zip(labels[1:], ([name] * 2, ["x", "y"], ["20", "30"]), strict=True):
            row += pair
    (model / "CollectedData.csv").write_text("\n".join(map(",".join, labels)) + "\n")
    video = pattern_video(tmp_path / "v.mp4", N, size=(160, 120))
    step = np.arange(N)
    boxes = tmp_path / "boxes" / "v_bbox.csv"
    write_bbox_csv(boxes, np.column_stack([10.0 + step, 8 + step // 2, np.full((N, 2), 48)]))
    commands, models, contents = [], {}, []
    for export in (each.name for each in EXPORTS):
        folder = bbox_dir_of(export, tmp_path, boxes, video)
        contents.append((folder / "v_bbox.csv").read_bytes())
        if contents[-1] in contents[:-1]:
            continue  # litpose takes it as it takes the other
        models[export] = tmp_path / f"model of {export}"
        shutil.copytree(model, models[export])
        commands.append(["crop", models[export], video, "--bbox_dir", folder])
        commands.append(["predict", models[export], video, "--bbox_dir", folder, "--skip_viz"])
    assert run_litpose(commands) == []
    found = []
    for each in models.values():
        [cropped] = each.rglob("*.mp4")
        assert VideoIndex.scan(cropped).n_frames in (N - 1, N)  # litpose may drop the last
        found.append(read_predictions(each / "video_preds" / "v.csv").xy)
    assert len(contents) == len(EXPORTS)
    for xy in found[1:]:
        np.testing.assert_array_equal(xy, found[0])
