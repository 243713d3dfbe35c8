from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.vetting import unsafe_globals

CONFIG = {
    "data": {"keypoint_names": ["nose", "tail"], "image_resize_dims": {"height": 128, "width": 256}},
    "model": {"model_type": "heatmap", "model_name": "mouse", "losses_to_use": []},
}


def write_model(folder: Path, config: object = CONFIG, checkpoints: tuple[str, ...] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for name in checkpoints:
        file = folder / "tb_logs" / "mouse" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")
    return folder


def changed(section: str, **values: object) -> dict[str, object]:
    return {**CONFIG, section: {**CONFIG[section], **values}}


def test_reads_what_the_window_shows(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", checkpoints=("version_0/checkpoints/epoch=1-step=9-best.ckpt",))
    model = ModelFolder.open(folder)
    assert model.keypoint_names == ("nose", "tail")
    assert model.image_size == (128, 256)
    assert (model.model_type, model.scorer) == ("heatmap", "heatmap_tracker")
    assert model.fast
    assert model.description == "heatmap model"


def test_needs_no_torch(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", checkpoints=("version_0/checkpoints/a-best.ckpt",))
    code = (
        "import sys; from napari_cropzoom.engine.model_folder import ModelFolder; "
        f"ModelFolder.open({str(folder)!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["version_0/checkpoints/epoch=9-step=90-best.ckpt"], 0),
        (["version_9/checkpoints/e-step=9-best.ckpt", "version_10/checkpoints/e-step=1-best.ckpt"], 1),
        (["version_0/checkpoints/e-step=90.ckpt", "version_0/checkpoints/e-step=10-best.ckpt"], 1),
        (["version_0/checkpoints/e-step=9-best.ckpt", "version_0/checkpoints/e-step=10-best.ckpt"], 1),
        (["version_0/checkpoints/e-step=9.ckpt", "version_0/checkpoints/e-step=10.ckpt"], 1),
    ],
)
def test_takes_the_checkpoint_that_litpose_takes(tmp_path: Path, files: list[str], chosen: int) -> None:
    from lightning_pose.utils.io import ckpt_path_from_base_path

    folder = write_model(tmp_path / "m", checkpoints=tuple(files))
    checkpoint = ModelFolder.open(folder).checkpoint
    assert checkpoint == folder / "tb_logs" / "mouse" / files[chosen]
    assert os.path.samefile(checkpoint, ckpt_path_from_base_path(str(folder), "mouse"))


def test_places_are_those_of_lightning_pose(tmp_path: Path) -> None:
    from lightning_pose.api import Model

    ours = ModelFolder.open(write_model(tmp_path / "m"), need_checkpoint=False)
    theirs = Model.from_dir(ours.path)
    assert ours.video_preds_dir == theirs.video_preds_dir()
    assert ours.image_preds_dir == theirs.image_preds_dir()
    assert ours.labeled_videos_dir == theirs.labeled_videos_dir()
    assert ours.cropped_data_dir == theirs.cropped_data_dir()
    assert ours.cropped_videos_dir == theirs.cropped_videos_dir()
    assert ours.cropped_csv("a/Labels.csv") == theirs.cropped_csv_file_path("a/Labels.csv")
    assert ours.predictions_csv(Path("a/v.mp4")) == ours.path / "video_preds" / "v.csv"
    assert ours.bbox_csv(Path("a/v.mp4")) == ours.path / "video_preds" / "v_bbox.csv"
    assert ours.cropped_video(Path("a/v.mp4")) == ours.path / "cropped_videos" / "cropped_v.mp4"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (changed("data", view_names=["left", "right"]), "several views (left, right)"),
        (changed("model", model_type="heatmap_multiview_transformer"), "several views"),
        (changed("model", model_type="segmenter"), "'segmenter'"),
        (changed("data", keypoint_names=None), "keypoint_names"),
        (changed("data", image_resize_dims={"height": 128}), "image_resize_dims"),
        ({"model": {}}, "no section 'data'"),
        (["a list"], "which has sections"),
    ],
)
def test_refuses_what_it_cannot_run(tmp_path: Path, config: object, words: str) -> None:
    folder = write_model(tmp_path / "m", config)
    with pytest.raises(CropzoomError) as caught:
        ModelFolder.open(folder, need_checkpoint=False)
    assert words in str(caught.value)
    assert "config.yaml" in str(caught.value)


def test_says_what_a_wrong_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(CropzoomError, match=r"no config.yaml.*holiday.jpg"):
        ModelFolder.open(tmp_path)
    with pytest.raises(CropzoomError, match="is not a folder"):
        ModelFolder.open(tmp_path / "absent")
    (tmp_path / "config.yaml").write_text("data: [unclosed")
    with pytest.raises(CropzoomError, match="not readable YAML"):
        ModelFolder.open(tmp_path)


def test_says_how_to_get_a_checkpoint(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    assert ModelFolder.open(folder, need_checkpoint=False).checkpoint is None
    with pytest.raises(CropzoomError, match="Train for more epochs"):
        ModelFolder.open(folder)


def test_says_where_a_config_is_instead(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    (folder / ".hydra").mkdir()
    (folder / "config.yaml").rename(folder / ".hydra" / "config.yaml")
    with pytest.raises(CropzoomError, match=r"has \.hydra/config\.yaml but no config\.yaml.*Copy"):
        ModelFolder.open(folder)
    (folder / ".hydra" / "config.yaml").rename(folder / "config.yml")
    with pytest.raises(CropzoomError, match=r"has config\.yml but no config\.yaml"):
        ModelFolder.open(folder)
    (folder / "config.yml").rename(folder / "config.yaml")
    (folder / "tb_logs" / "mouse").mkdir(parents=True)
    with pytest.raises(CropzoomError, match=r"is a folder inside the model .*m\. Give"):
        ModelFolder.open(folder / "tb_logs" / "mouse")
    with pytest.raises(CropzoomError, match=r"but in m/\. Give one"):
        ModelFolder.open(tmp_path)


def test_says_where_checkpoints_are_instead(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", checkpoints=("version_0/checkpoints/a-best.ckpt",))
    (folder / "tb_logs" / "mouse").rename(folder / "tb_logs" / "rat")
    with pytest.raises(
        CropzoomError, match=r"tb_logs/mouse.* but of rat\. Set model\.model_name to rat in"
    ):
        ModelFolder.open(folder)
    (folder / "tb_logs" / "rat" / "version_0" / "checkpoints" / "a-best.ckpt").rename(folder / "a.ckpt")
    with pytest.raises(
        CropzoomError, match=r"tb_logs/mouse/version_0/checkpoints, but a\.ckpt\. Move it"
    ):
        ModelFolder.open(folder)


class Foreign:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_names_what_a_foreign_checkpoint_imports_without_running_it(tmp_path: Path) -> None:
    import torch

    torch.save({"state_dict": {}, "extra": Foreign(tmp_path / "ran")}, tmp_path / "a.ckpt")
    assert unsafe_globals(tmp_path / "a.ckpt") == [f"{os.mkdir.__module__}.mkdir"]
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(pickle.dumps({"state_dict": {}})[:-3])
    with pytest.raises(CropzoomError, match=r"a\.ckpt: cannot be read as a checkpoint"):
        unsafe_globals(tmp_path / "a.ckpt")
