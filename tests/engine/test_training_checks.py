"""What is said before a training starts, beside what Lightning Pose says once torch is loaded."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from lightning_pose.api.model_config import ModelConfig
from lightning_pose.models import ALLOWED_MODEL_TYPES
from lightning_pose.models.backbones.factory import ALLOWED_BACKBONES
from omegaconf import OmegaConf

from labeled import NAMES, PARTS, make_labeled_project
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.training import checks
from napari_cropzoom.engine.training.checks import MODEL_TYPES, problems_of
from napari_cropzoom.engine.training.curves import Curves, event_files
from napari_cropzoom.engine.training.losses import Losses
from napari_cropzoom.engine.training.making import (
    BACKBONES,
    UNSUPERVISED,
    Recipe,
    make_config,
    write_config,
)
from napari_cropzoom.engine.training.pixel_errors import read_pixel_errors
from napari_cropzoom.engine.training.train import train

OUT = Path("/somewhere/models/made")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return make_labeled_project(tmp_path / "project") / "CollectedData.csv"


@pytest.fixture
def settings(labels: Path) -> dict[str, Any]:
    return make_config(labels, PARTS, Recipe(epochs=60), "made")


def test_a_made_configuration_is_one_that_lightning_pose_takes(settings: dict[str, Any]) -> None:
    ModelConfig(OmegaConf.create(settings)).validate()
    assert problems_of(settings, OUT) == []
    assert set(MODEL_TYPES) == set(get_args(ALLOWED_MODEL_TYPES))
    known = {name for group in get_args(ALLOWED_BACKBONES) for name in get_args(group)}
    assert set(BACKBONES) <= known


def _set(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(settings: dict[str, Any]) -> None:
        section = settings
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = to

    return change


def _drop(*keys: str) -> Callable[[dict[str, Any]], None]:
    return lambda settings: settings[keys[0]].pop(keys[1])


STONES = ("training", "lr_scheduler_params", "multisteplr")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("data", "num_keypoints", to=4), "keypoint_names has 3"),
        (_set("data", "num_keypoints", to=0), "num_keypoints is 0"),
        (_set("data", "image_resize_dims", "width", to=200), "a multiple of 128, such as 256"),
        (_set("data", "view_names", to=["top"]), "single view"),
        (_set("data", "view_names", to=["a", "b", "c"]), "one file for each"),
        (_set("training", "train_prob", to=0.95), "more than 1"),
        (_set("training", "ckpt_every_n_epochs", to=7), "multiple of training.check_val_every_n_epoch"),
        (_set(*STONES, "milestones", to=[90]), "go beyond training.max_epochs (60)"),
        (_set("training", "max_steps", to=90), "does not go with"),
        (_drop("training", "unfreezing_epoch"), "unfreezing_epoch is missing"),
        (_set(*STONES, to={"gamma": 0.5, "milestone_steps": [3]}), "needs milestones"),
        (_set("model", "model_type", to="heat"), "model.model_type is heat"),
    ],
)
def test_what_lightning_pose_refuses_is_refused_in_plain_words(
    settings: dict[str, Any], change: Callable[[dict[str, Any]], None], said: str
) -> None:
    wrong = copy.deepcopy(settings)
    wrong["training"]["check_val_every_n_epoch"] = 5
    change(wrong)
    with pytest.raises((AssertionError, ValueError, AttributeError)):
        ModelConfig(OmegaConf.create(wrong)).validate()
    assert said in " ".join(problems_of(wrong, OUT))


def test_a_training_that_would_keep_nothing_is_refused(settings: dict[str, Any]) -> None:
    """Lightning Pose trains it to the end, and has no checkpoint then."""
    wrong = copy.deepcopy(settings)
    wrong["training"] |= {"max_epochs": 4, "min_epochs": 4, "check_val_every_n_epoch": 5}
    assert "nothing is kept before epoch 5" in " ".join(problems_of(wrong, OUT))
    wrong["training"] |= {"max_epochs": 5, "min_epochs": 5}
    assert "nothing is kept" not in " ".join(problems_of(wrong, OUT))


@pytest.mark.parametrize(
    ("name", "value"),
    [("train_batch_size", 0), ("val_batch_size", -3), ("max_epochs", float("nan")), ("max_epochs", 60.5)],
)
def test_numbers_over_which_a_training_falls_late_are_refused(
    settings: dict[str, Any], name: str, value: float
) -> None:
    wrong = copy.deepcopy(settings)
    wrong["training"][name] = value
    assert f"training.{name} is {value}; give a whole number" in " ".join(problems_of(wrong, OUT))
    wrong["training"]["optimizer_params"] = {"learning_rate": -0.001}
    assert "learning_rate is -0.001; give a number greater than 0" in " ".join(problems_of(wrong, OUT))


def test_semi_supervised_needs_cuda_dali_and_videos(
    labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = make_config(labels, PARTS, Recipe(epochs=60, losses=UNSUPERVISED), "made")
    ModelConfig(OmegaConf.create(wanted)).validate()
    monkeypatch.setattr(checks, "has_cuda", lambda: False)
    said = " ".join(problems_of(wanted, OUT))
    assert "temporal, pca_singleview" in said
    assert "needs a graphics card with CUDA" in said
    assert f"data.video_dir ({labels.parent / 'videos'}) holds none" in said
    (labels.parent / "videos").mkdir()
    (labels.parent / "videos" / "a.mp4").touch()
    monkeypatch.setattr(checks, "has_cuda", lambda: True)
    monkeypatch.setattr(checks, "has_dali", lambda: False)
    assert problems_of(wanted, OUT) == [
        "The losses temporal, pca_singleview need the package nvidia-dali-cuda120. Install it, or take "
        "them out."
    ]
    monkeypatch.setattr(checks, "has_dali", lambda: True)
    assert problems_of(wanted, OUT) == []


def test_labels_and_images_are_looked_for(labels: Path, settings: dict[str, Any]) -> None:
    (labels.parent / NAMES[2]).unlink()
    assert "1 of 6 images cannot be found" in " ".join(problems_of(settings, OUT))
    settings["data"]["csv_file"] = "Other.csv"
    assert "there is no such file" in " ".join(problems_of(settings, OUT))
    settings["data"]["data_dir"] = str(labels.parent / "gone")
    assert "there is no such folder" in " ".join(problems_of(settings, OUT))


def test_folders_are_looked_for_where_lightning_pose_does(labels: Path, settings: dict[str, Any]) -> None:
    settings["data"].update(data_dir=labels.parent.name, video_dir="none")
    out = labels.parent.parent / "project" / "models" / "made"
    assert problems_of(settings, out) == [
        f"data.video_dir is {labels.parent / 'none'}, and there is no such folder. Lightning Pose asks "
        f"for one; {labels.parent} will do."
    ]


def test_the_check_needs_no_torch(labels: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    write_config(config, make_config(labels, PARTS, Recipe(epochs=60), "made"))
    code = (
        "import sys; from pathlib import Path\n"
        "from napari_cropzoom.engine.training.train import prepare\n"
        "prepare(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(config), str(tmp_path / "out")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_training_is_refused_before_anything_is_written(labels: Path, tmp_path: Path) -> None:
    content = make_config(labels, PARTS, Recipe(size=200), "made")
    write_config(tmp_path / "config.yaml", content)
    with pytest.raises(CropzoomError, match="a multiple of 128"):
        run_stage(train(tmp_path / "config.yaml", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_curves_are_those_that_were_written(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    folder = tmp_path / "tb_logs" / "made" / "version_0"
    values = np.random.default_rng(0).uniform(0.01, 3, 40).astype(np.float32)
    writer = SummaryWriter(str(folder))
    writer.add_hparams({"a": 1}, {})  # what is no scalar is passed over
    for number, value in enumerate(values[:20].tolist()):
        writer.add_scalar("train_supervised_loss", value, 3 * number + 2)
        writer.add_scalar("epoch", number, 3 * number + 2)
    writer.flush()
    losses = Losses(tmp_path, goes_on=True)
    assert losses.latest() == {"train_supervised_loss": pytest.approx(values[19])}
    assert not losses.read()
    for number, value in enumerate(values[20:].tolist(), 20):
        writer.add_scalar("train_supervised_loss", value, 3 * number + 2)
        writer.add_scalar("epoch", number, 3 * number + 2)
    writer.close()
    assert losses.read()
    assert losses.curves is not None
    epochs, found = losses.curves.over_epochs("train_supervised_loss")
    assert epochs == list(range(1, 41))
    np.testing.assert_array_equal(np.float32(found), values)


def test_an_epoch_of_many_steps_is_one_point_of_the_curve(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "tb_logs"))
    for step in range(12):
        writer.add_scalar("train_supervised_loss", step, step)
        writer.add_scalar("epoch", step // 4, step)
    writer.close()
    curves = Curves(event_files(tmp_path)[-1])
    curves.read()
    assert curves.over_epochs("train_supervised_loss") == ([1, 2, 3], [1.5, 5.5, 9.5])


def test_a_half_written_or_damaged_file_of_curves_does_no_harm(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "tb_logs"))
    for number in range(5):
        writer.add_scalar("val_supervised_loss", 0.5, number)
    writer.close()
    path = event_files(tmp_path)[-1]
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        curves = Curves(path)
        curves.read()
        path.write_bytes(whole)
        curves.read()
        assert curves.by_tag["val_supervised_loss"].values == [0.5] * 5
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        Curves(path).read()


def test_pixel_errors_with_the_worst_images_first(tmp_path: Path) -> None:
    table = pd.DataFrame(np.arange(18.0).reshape(6, 3), NAMES, PARTS)
    table.iloc[5, 1] = np.nan
    table["set"] = ["train", "validation", "test", "train", "train", "unused"]
    file = tmp_path / "predictions_pixel_error.csv"
    table.to_csv(file)
    found = read_pixel_errors(file)
    assert found.names == PARTS
    assert found.held_out.tolist() == [False, True, True, False, False, True]
    assert found.worst(2) == [(5, 17.0, "tail"), (4, 14.0, "tail")]
    file.write_text("image,nose,set\nimg.png,x,train\n")
    with pytest.raises(CropzoomError, match="line 2: is no row of pixel errors"):
        read_pixel_errors(file)
