"""Full frame against cropzoom on labeled frames, with models that Lightning Pose itself runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpmodels import KEYPOINTS, make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.engine.labeled_frames import predict_csv
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.evaluation import evaluate, sets_in_training
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions_table
from videos import draw_blobs

N = 8
NAMES = [f"labeled-data/v/img{i:03d}.png" for i in range(N)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Labeled frames in a folder of their own; one label is not there."""
    from PIL import Image

    folder = tmp_path / "my [project] $x"
    (folder / "labeled-data" / "v").mkdir(parents=True)
    places = np.random.default_rng(3).uniform(40, 90, (N, len(KEYPOINTS), 2))
    for name, place in zip(NAMES, places, strict=True):
        Image.fromarray(draw_blobs(place, 120, 140, 5)).save(folder / name)
    places[2, 1] = np.nan
    columns = pd.MultiIndex.from_product(
        [["me"], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(places.reshape(N, -1), NAMES, columns).to_csv(folder / "CollectedData.csv")
    return folder


@pytest.fixture
def models(tmp_path: Path) -> tuple[ModelFolder, ModelFolder]:
    """Detector and pose model; the pose model knows its body parts in another order."""
    made = make_lp_model(tmp_path / "detector", size=128)
    pose = make_lp_model(tmp_path / "pose", size=128, keypoint_names=KEYPOINTS[::-1])
    return ModelFolder.open(made), ModelFolder.open(pose)


def tell_sets(model: ModelFolder, sets: list[str]) -> None:
    """Write predictions as Lightning Pose does after a training, with the column that tells the sets."""
    columns = pd.MultiIndex.from_product(
        [["heatmap_tracker"], KEYPOINTS, ["x", "y", "likelihood"]],
        names=["scorer", "bodyparts", "coords"],
    )
    table = pd.DataFrame(np.ones((N, len(columns))), NAMES, columns)
    table["set"] = sets
    folder = model.path / "image_preds" / "CollectedData.csv"
    folder.mkdir(parents=True)
    table.to_csv(folder / "predictions.csv")


def xy_of(predictions: Path) -> np.ndarray:
    table = read_predictions_table(predictions)
    order = [table.names.index(name) for name in KEYPOINTS]
    return table.poses().xy[:, order]


def test_errors_are_those_of_predicting_step_by_step(
    project: Path, models: tuple[ModelFolder, ModelFolder]
) -> None:
    detector, pose = models
    before = sorted(path for path in project.parent.rglob("*"))
    found = run_stage(evaluate(project, detector, pose, sizing=SizingSettings(3.0)))
    assert sorted(path for path in project.parent.rglob("*")) == before
    assert found.images == tuple(NAMES)
    assert found.names == KEYPOINTS
    truth = xy_of(project / "CollectedData.csv")

    placed = json.dumps(str(project))
    there = [f"data.data_dir={placed}"]
    labels = project / "CollectedData.csv"
    first = run_stage(predict_csv(detector, labels, overrides=there))
    full = xy_of(first)
    np.testing.assert_allclose(found.full_frame, np.linalg.norm(full - truth, axis=2), atol=1e-3)
    boxes = boxes_from_keypoints(read_predictions_table(first).poses(), SizingSettings(3.0))
    write_bbox_csv(project / "bbox.csv", boxes, NAMES)
    config = {**pose.config, "data": {**pose.config["data"], "data_dir": str(project)}}
    at_project = ModelFolder(
        pose.path, config, pose.checkpoint, pose.model_type, pose.keypoint_names, pose.image_size
    )
    cropped = xy_of(run_stage(predict_csv(at_project, labels, project, overrides=there)))
    np.testing.assert_allclose(found.cropzoom, np.linalg.norm(cropped - truth, axis=2), atol=1e-3)
    assert np.isnan(found.full_frame[2, 1])
    assert np.isnan(found.full_frame).sum() == 1
    assert found.full_frame_scale == pytest.approx(140 / 128)
    assert found.cropzoom_scale == pytest.approx(np.median(boxes[:, 2]) / 128)
    assert not found.is_split_known
    assert found.held_out.all()


def test_frames_that_one_model_was_trained_on_are_not_held_out(
    project: Path, models: tuple[ModelFolder, ModelFolder]
) -> None:
    detector, pose = models
    tell_sets(detector, ["train", "validation", "test", "unused", "train", "test", "test", "test"])
    tell_sets(pose, ["validation", "train", "test", "test", "train", "test", "test", "test"])
    assert sets_in_training(detector)[NAMES[3]] == "unused"
    found = run_stage(evaluate(project / "CollectedData.csv", detector, pose))
    assert found.held_out.tolist() == [False, False, True, True, False, True, True, True]
    rows = {row["body_part"]: row for row in found.table()}
    assert rows["all"]["labels"] == 5 * len(KEYPOINTS) - 1
    assert rows["nose"]["full_frame_median"] == pytest.approx(
        np.median(found.full_frame[found.held_out, 0])
    )
    assert rows["nose"]["cropzoom_mean"] == pytest.approx(found.cropzoom[found.held_out, 0].mean())


def test_the_command_says_which_way_is_closer(
    project: Path,
    models: tuple[ModelFolder, ModelFolder],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    detector, pose = models
    files = ["--detector", str(detector.path), "--pose", str(pose.path)]
    table = tmp_path / "errors.csv"
    assert main(["evaluate", str(project), *files, "--csv", str(table), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == N
    assert told["held_out"] is None
    assert [row["body_part"] for row in told["errors"]] == [*KEYPOINTS, "all"]
    rows = list(csv.reader(table.open(newline="")))
    assert rows[0][:4] == ["image", "set", "nose full_frame", "nose cropzoom"]
    assert [row[0] for row in rows[1:]] == NAMES
    assert rows[3][4] == ""  # no label
    tell_sets(detector, ["train"] * 4 + ["test"] * 4)
    assert main(["evaluate", str(project), *files]) == 0
    said = capsys.readouterr()
    assert f"{N} labeled frames, 4 held out in training" in said.out
    assert "px of the frame for the full-frame model" in said.out
    assert "do not say" not in said.err


def test_what_does_not_fit_is_said_before_a_model_is_loaded(
    project: Path, models: tuple[ModelFolder, ModelFolder], tmp_path: Path
) -> None:
    detector, pose = models
    stranger = ModelFolder.open(make_lp_model(tmp_path / "fly", keypoint_names=("a", "b", "c")))
    with pytest.raises(CropzoomError, match="no body part in common"):
        next(evaluate(project, detector, stranger))
    with pytest.raises(CropzoomError, match=r"no such folder"):
        next(evaluate(project / "nowhere", detector, pose))
    (project / NAMES[3]).unlink()
    with pytest.raises(CropzoomError, match=r"1 of 8 images is not there, the first .*img003\.png"):
        next(evaluate(project, detector, pose))
    (project / "boxes.csv").write_text(",x,y,h,w\n0,1,2,3,4\n")
    with pytest.raises(CropzoomError, match=r"is no labels file .* Give the labels file"):
        next(evaluate(project / "boxes.csv", detector, pose))
    (project / "CollectedData.csv").rename(project / "other.csv")
    with pytest.raises(
        CropzoomError, match=r"cannot tell which file has the labels \(boxes.csv, other.csv\)"
    ):
        next(evaluate(project, detector, pose))
