"""Labels files as input, and training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpmodels import KEYPOINTS, draw_blobs, make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.pipeline.labeled_frames import crop_csv, predict_csv
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.pipeline.progress import run_stage
from napari_cropzoom.pipeline.train import train


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Eight labeled frames in the model's data folder, with boxes where `create_bbox` puts them."""
    from PIL import Image

    copy = make_lp_model(tmp_path / "labeled", size=128)
    rng = np.random.default_rng(3)
    names = [f"labeled-data/v/img{i:03d}.png" for i in range(8)]
    places = rng.uniform(40, 90, (8, len(KEYPOINTS), 2))
    (copy / "labeled-data" / "v").mkdir(parents=True)
    for name, place in zip(names, places, strict=True):
        Image.fromarray(draw_blobs(place, 120, 140, 5)).save(copy / name)
    columns = pd.MultiIndex.from_product(
        [["me"], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(places.reshape(8, -1), names, columns).to_csv(copy / "CollectedData.csv")
    boxes = copy / "image_preds" / "CollectedData.csv"
    boxes.mkdir(parents=True)
    pd.DataFrame({"x": 10, "y": 20, "h": 80, "w": 90}, names).to_csv(boxes / "bbox.csv")
    return copy


def test_labeled_frames_are_predicted_and_cropped_where_litpose_does(labeled: Path) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    folder = labeled / "image_preds" / "CollectedData.csv"
    assert run_stage(predict_csv(model, csv, folder, batch_size=3)) == folder / "predictions.csv"
    assert len(pd.read_csv(folder / "predictions.csv", header=[0, 1, 2])) == 8
    assert (folder / "predictions_pixel_error.csv").is_file()
    cropped = run_stage(crop_csv(model, csv))
    assert cropped == folder / "cropped_CollectedData.csv"
    before, after = (
        pd.read_csv(f, header=[0, 1, 2], index_col=0).to_numpy().reshape(8, -1, 2) for f in (csv, cropped)
    )
    np.testing.assert_allclose(before - after, np.broadcast_to([10, 20], before.shape))
    assert len(list((labeled / "cropped_images").rglob("*.png"))) == 8
    assert (labeled / "cropped_videos").is_dir()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_stopped_prediction_changes_nothing(labeled: Path) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    (labeled / "image_preds" / csv.name / "predictions.csv").write_text("of an older run")
    before = contents(labeled)
    stage = predict_csv(model, csv)
    assert next(stage).text == "predicting labeled frames"
    stage.close()
    assert contents(labeled) == before
    assert [path.name for path in (labeled / "image_preds").iterdir()] == [csv.name]


def test_a_crop_that_fails_half_way_changes_nothing(labeled: Path) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    (labeled / "labeled-data" / "v" / "img007.png").write_bytes(b"no picture")
    before, names = contents(labeled), sorted(path.name for path in labeled.iterdir())
    with pytest.raises(CropzoomError, match="cropping labeled frames failed"):
        run_stage(crop_csv(model, csv))
    assert contents(labeled) == before
    assert sorted(path.name for path in labeled.iterdir()) == names


def test_missing_labels_and_boxes_are_named(labeled: Path, tmp_path: Path) -> None:
    model = ModelFolder.open(labeled)
    with pytest.raises(CropzoomError, match=r"absent\.csv: no such file"):
        run_stage(predict_csv(model, tmp_path / "absent.csv"))
    with pytest.raises(CropzoomError, match=r"bbox\.csv: no such file.*create_bbox"):
        run_stage(crop_csv(model, labeled / "CollectedData.csv", tmp_path))


def test_training_refuses_what_crops_cannot_give(labeled: Path, tmp_path: Path) -> None:
    detector, config = ModelFolder.open(labeled), labeled / "config.yaml"
    with pytest.raises(CropzoomError, match="pca_multiview"):
        run_stage(
            train(config, tmp_path / "o", detector, ["model.losses_to_use=[pca_multiview,temporal]"])
        )
    with pytest.raises(CropzoomError, match="Crop the labeled frames first"):
        run_stage(train(config, tmp_path / "o", detector))
    with pytest.raises(CropzoomError, match="no such file"):
        run_stage(train(tmp_path / "none.yaml", tmp_path / "o"))
    assert not (tmp_path / "o").exists()


def test_a_training_that_fails_says_why_in_one_line(labeled: Path, tmp_path: Path) -> None:
    with pytest.raises(CropzoomError, match="exit code 1") as caught:
        run_stage(train(labeled / "config.yaml", tmp_path / "out", overrides=["data.nonsense=1"]))
    assert "\n" not in str(caught.value)
    assert "nonsense" in (tmp_path / "out" / "train.log").read_text()
