"""Labels files as input, and training."""

from __future__ import annotations

import re
import sys
import threading
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from faults.in_use import needs_sharing, run
from lpmodels import KEYPOINTS, make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine import labeled_frames
from napari_cropzoom.engine.checkpoint import load_model
from napari_cropzoom.engine.labeled_frames import crop_csv, predict_csv
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.making import Recipe, make_config, write_config
from napari_cropzoom.engine.training.train import train
from videos import draw_blobs


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


CROP = """
import sys
from pathlib import Path
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.labeled_frames import crop_csv
from napari_cropzoom.engine.model_folder import ModelFolder
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    opened = next((folder / "cropped_images").rglob("img003.png")).open("rb")
    try:
        run_stage(crop_csv(ModelFolder.open(folder), folder / "CollectedData.csv"))
    except CropzoomError as error:
        print(error)
"""


@needs_sharing
def test_crops_that_are_open_keep_their_labels(labeled: Path) -> None:
    """New crops go elsewhere, and so do new labels: none of these is of the other's boxes."""
    csv, folder = labeled / "CollectedData.csv", labeled / "image_preds" / "CollectedData.csv"
    before = run_stage(crop_csv(ModelFolder.open(labeled), csv)).read_bytes()
    table = pd.read_csv(folder / "bbox.csv", index_col=0)
    table.add([4, 4, 0, 0]).to_csv(folder / "bbox.csv")
    said = run(CROP, labeled)
    assert "kept as cropped_images_new1" in said
    kept = folder / "cropped_CollectedData_new1.csv"
    assert f"Their labels are {kept}." in said
    assert (folder / "cropped_CollectedData.csv").read_bytes() == before
    assert kept.read_bytes() != before
    assert len(list((labeled / "cropped_images_new1").rglob("*.png"))) == 8


def keypoints(predictions: Path) -> np.ndarray:
    table = pd.read_csv(predictions, header=[0, 1, 2], index_col=0)
    return table.iloc[:, : 3 * len(KEYPOINTS)].to_numpy(np.float64).reshape(len(table), -1, 3)


@pytest.mark.parametrize("edge", ["pad", "clamp"])
def test_boxes_of_labeled_frames_are_what_the_network_sees(labeled: Path, edge: str) -> None:
    """As predicting the crops by themselves, brought back; in `litpose` it sees the whole image."""
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    folder = labeled / "image_preds" / "CollectedData.csv"
    table = pd.read_csv(folder / "bbox.csv", index_col=0)
    table.loc[table.index[2], ["x", "y"]] = [-10, -20]
    table.iloc[::-1].to_csv(folder / "bbox.csv")  # in another order
    with_boxes = keypoints(run_stage(predict_csv(model, csv, folder, edge=edge)))  # type: ignore[arg-type]
    assert not (labeled / "image_preds" / "CollectedData.csv" / "crops").exists()

    crops = labeled / "crops"
    for name, (x, y, h, w) in table.iterrows():
        from PIL import Image

        corners = (x, y, x + w, y + h) if edge == "pad" else (max(x, 0), max(y, 0), x + w, y + h)
        (crops / name).parent.mkdir(parents=True, exist_ok=True)
        Image.open(labeled / name).crop(corners).save(crops / name)
        if edge == "clamp":
            table.loc[name] = [corners[0], corners[1], corners[3] - corners[1], corners[2] - corners[0]]
    config = (labeled / "config.yaml").read_text().replace(f"data_dir: {labeled}", f"data_dir: {crops}")
    (labeled / "config.yaml").write_text(config)
    csv.rename(labeled / "Crops.csv")
    alone = keypoints(run_stage(predict_csv(ModelFolder.open(labeled), labeled / "Crops.csv")))
    offset = table[["x", "y"]].to_numpy()[:, None]
    np.testing.assert_allclose(with_boxes[..., :2], alone[..., :2] + offset, atol=1e-3)
    np.testing.assert_allclose(with_boxes[..., 2], alone[..., 2], atol=1e-5)


def test_an_image_without_a_box_is_named(labeled: Path) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    folder = labeled / "image_preds" / "CollectedData.csv"
    table = pd.read_csv(folder / "bbox.csv", index_col=0)
    table.drop("labeled-data/v/img003.png").to_csv(folder / "bbox.csv")
    with pytest.raises(CropzoomError, match=r"has no box for labeled-data/v/img003\.png"):
        run_stage(predict_csv(model, csv, folder))
    table.loc["labeled-data/v/img003.png"] = [5000, 5000, 50, 50]
    table.to_csv(folder / "bbox.csv")
    with pytest.raises(CropzoomError, match="lies outside its image"):
        run_stage(predict_csv(model, csv, folder, edge="clamp"))
    table.loc["labeled-data/v/img003.png"] = [0, 0, 50000, 50000]
    table.to_csv(folder / "bbox.csv")
    with pytest.raises(CropzoomError, match="50000 x 50000 pixels"):
        run_stage(predict_csv(model, csv, folder))


@pytest.mark.parametrize("layout", ["deeplabcut", "windows", "quoted", "spreadsheet"])
def test_labels_of_other_programs_and_systems_give_the_same(labeled: Path, layout: str) -> None:
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    folder = labeled / "image_preds" / "CollectedData.csv"
    run_stage(predict_csv(model, csv, folder))
    wanted = pd.read_csv(folder / "predictions.csv", header=[0, 1, 2], index_col=0)
    run_stage(crop_csv(model, csv))
    cropped = (folder / "cropped_CollectedData.csv").read_bytes()
    header, rows = csv.read_text().splitlines()[:3], csv.read_text().splitlines()[3:]
    if layout == "deeplabcut":
        header = [line.replace(",", ",,,", 1) for line in header]
        rows = [row.replace("labeled-data/v/", "labeled-data,v,") for row in rows]
    elif layout == "windows":
        rows = [row.replace("/", "\\") for row in rows]
        boxes = (folder / "bbox.csv").read_text()
        (folder / "bbox.csv").write_text(boxes.replace("/", "\\"))
    elif layout == "quoted":
        header = ['"' + line.replace(",", '","') + '"' for line in header]
    else:
        rows = [rows[0], "", *rows[1:], "," * rows[0].count(",")]
    csv.write_text("\n".join([*header, *rows]))
    before = csv.read_bytes()
    run_stage(predict_csv(model, csv, folder))
    found = pd.read_csv(folder / "predictions.csv", header=[0, 1, 2], index_col=0)
    assert found.index.tolist() == wanted.index.tolist()
    np.testing.assert_allclose(
        found.drop(columns="set", level=0).to_numpy(float),
        wanted.drop(columns="set", level=0).to_numpy(float),
    )
    run_stage(crop_csv(model, csv))
    assert (folder / "cropped_CollectedData.csv").read_bytes() == cropped
    assert len(list((labeled / "cropped_images").rglob("*.png"))) == 8
    assert csv.read_bytes() == before


def test_predictions_of_a_video_are_no_labels(labeled: Path) -> None:
    csv = labeled / "v.csv"
    csv.write_text("scorer,m,m\nbodyparts,a,a\ncoords,x,y\n0,1,2\n1,1,2\n")
    with pytest.raises(CropzoomError, match=r"v\.csv: line 4: '0' is not the path of an image"):
        run_stage(predict_csv(ModelFolder.open(labeled), csv))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_stopped_prediction_changes_nothing(labeled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()  # so that it is not over before it can be stopped

    def load_later(*how: Any) -> Any:
        assert go_on.wait(60)
        return load_model(*how)

    monkeypatch.setattr(labeled_frames, "load_model", load_later)
    model, csv = ModelFolder.open(labeled), labeled / "CollectedData.csv"
    (labeled / "image_preds" / csv.name / "predictions.csv").write_text("of an older run")
    before = contents(labeled)
    stage = predict_csv(model, csv)
    assert next(stage).text == "predicting labeled frames"
    go_on.set()
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


def test_a_crop_whose_process_is_killed_says_so(labeled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(ThreadPoolExecutor):
        def __init__(self, *_: object) -> None:
            super().__init__(1)

        def submit(self, *_: object) -> Future[None]:
            result = Future[None]()
            result.set_exception(BrokenExecutor("terminated abruptly"))
            return result

    before = contents(labeled)
    monkeypatch.setattr(labeled_frames, "ProcessPoolExecutor", Killed)
    with pytest.raises(CropzoomError, match="its process was killed, maybe for want of memory"):
        run_stage(crop_csv(ModelFolder.open(labeled), labeled / "CollectedData.csv"))
    assert contents(labeled) == before


def test_missing_labels_and_boxes_are_named(labeled: Path, tmp_path: Path) -> None:
    model = ModelFolder.open(labeled)
    with pytest.raises(CropzoomError, match=r"absent\.csv: no such file"):
        run_stage(predict_csv(model, tmp_path / "absent.csv"))
    with pytest.raises(CropzoomError, match=r"bbox\.csv: no such file.*create_bbox"):
        run_stage(crop_csv(model, labeled / "CollectedData.csv", tmp_path))


def test_images_of_a_moved_project_are_found_beside_its_labels_and_missing_ones_are_named(
    labeled: Path, tmp_path: Path
) -> None:
    moved = labeled.rename(tmp_path / "mäuse [1]")
    model, csv = ModelFolder.open(moved), moved / "CollectedData.csv"
    run_stage(predict_csv(model, csv))
    run_stage(crop_csv(model, csv))
    crop = Path("labeled-data", "v", "img003.png")
    assert (model.cropped_data_dir / crop).is_file()
    whole = csv.read_text()
    csv.write_text(whole + whole.splitlines()[-1].replace("/", "\\") + "\n")
    with pytest.raises(CropzoomError, match=r"Data\.csv: '.*img007\.png' is in two rows\. Remove one"):
        run_stage(crop_csv(model, csv))
    csv.write_text(whole)
    (moved / crop).unlink()
    said = rf"{re.escape(str(csv))}: 1 of 8 images cannot be found.*data\.data_dir in .*config\.yaml"
    for stage in (predict_csv(model, csv), crop_csv(model, csv)):
        with pytest.raises(CropzoomError, match=said):
            run_stage(stage)


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
    config = tmp_path / "config.yaml"
    recipe = Recipe("no_such_network", 128, 3)
    write_config(config, make_config(labeled / "CollectedData.csv", KEYPOINTS, recipe, "made"))
    with pytest.raises(CropzoomError, match="exit code 1") as caught:
        run_stage(train(config, tmp_path / "out"))
    assert "\n" not in str(caught.value)
    assert "no_such_network" in (tmp_path / "out" / "train.log").read_text()
    with pytest.raises(CropzoomError, match=r"none\.csv, and there is no such file"):
        run_stage(train(config, tmp_path / "early", overrides=["data.csv_file=none.csv"]))
    with pytest.raises(CropzoomError, match="nonsense") as caught:
        run_stage(train(labeled / "config.yaml", tmp_path / "early", overrides=["data.nonsense=1"]))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "early").exists()


def renamed(labeled: Path, old: str, new: str) -> None:
    """Another name for an image, in the labels and the boxes."""
    for file in (
        labeled / "CollectedData.csv",
        labeled / "image_preds" / "CollectedData.csv" / "bbox.csv",
    ):
        file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    "name",
    [
        "{labeled}/labeled-data/v/img003.png",
        "{labeled}/outside.png",
        "../outside1.png",
        "labeled-data/v/../../../outside1.png",
        "..\\outside1.png",
        "C:\\outside1.png",
        "C:outside1.png",
        "\\outside1.png",
        "//server/share/outside1.png",
    ],
)
def test_a_crop_is_never_written_elsewhere(labeled: Path, tmp_path: Path, name: str) -> None:
    (labeled / "outside.png").write_bytes((labeled / "labeled-data/v/img003.png").read_bytes())
    (tmp_path / "outside1.png").write_bytes(b"kept")
    renamed(labeled, "labeled-data/v/img003.png", name.format(labeled=labeled))
    before = contents(tmp_path)
    with pytest.raises(CropzoomError, match=r"bbox\.csv: line 5: the crop of .* would lie outside"):
        run_stage(crop_csv(ModelFolder.open(labeled), labeled / "CollectedData.csv"))
    assert contents(tmp_path) == before


links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@links
def test_a_link_in_the_output_folder_leads_nowhere_else(labeled: Path) -> None:
    (labeled / "cropped_images").mkdir()
    (labeled / "cropped_images" / "labeled-data").symlink_to(labeled / "labeled-data")
    before = contents(labeled)
    with pytest.raises(CropzoomError, match="a link leads out of"):
        run_stage(crop_csv(ModelFolder.open(labeled), labeled / "CollectedData.csv"))
    assert contents(labeled) == before


@links
def test_originals_are_no_place_for_crops(labeled: Path) -> None:
    (labeled / "cropped_images").symlink_to(labeled)
    before = contents(labeled)
    with pytest.raises(CropzoomError, match="where images are cropped from"):
        run_stage(crop_csv(ModelFolder.open(labeled), labeled / "CollectedData.csv"))
    assert contents(labeled) == before


@links
def test_an_output_folder_on_another_disk_is_fine(labeled: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (labeled / "cropped_images").symlink_to(tmp_path / "disk")
    run_stage(crop_csv(ModelFolder.open(labeled), labeled / "CollectedData.csv"))
    assert len(list((tmp_path / "disk").rglob("*.png"))) == 8
