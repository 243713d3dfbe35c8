"""What `cropzoom train` refuses to start, since Lightning Pose would run it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from labeled import PARTS, make_labeled_project
from lpmodels import KEYPOINTS, make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import _quoted, compose, going_on, vetted
from napari_cropzoom.engine.training.making import Recipe, make_config, write_config
from napari_cropzoom.engine.training.train import train
from videos import draw_blobs


class Foreign:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A model folder, a hostile checkpoint that leaves the folder `ran`, and a harmless one."""
    folder = make_lp_model(tmp_path / "project", size=128)
    torch.save({"state_dict": {}, "extra": Foreign(folder / "ran")}, folder / "a b=1,{x}'y.ckpt")
    (folder / "deep").mkdir()
    torch.save({"state_dict": {}, "extra": Foreign(folder / "ran")}, folder / "deep" / "foreign.ckpt")
    torch.save({"state_dict": {"w": torch.zeros(2)}}, folder / "good.ckpt")
    return folder


def written(project: Path, **changes: Any) -> Path:
    """The configuration with these keys, dotted with __, written beside the hostile checkpoint."""
    config = yaml.safe_load((project / "config.yaml").read_text())
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            config[section][name] = value
        else:
            config[section] = value
    path = project / "train.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


HOSTILE = "a b=1,{x}'y.ckpt"


@pytest.mark.parametrize(
    "named",
    [
        {"model__checkpoint": f"{{folder}}/{HOSTILE}"},
        {"model__checkpoint": "{folder}/deep"},
        {"model__checkpoint": "{folder}"},
        {"model__checkpoint": "../project/deep/foreign.ckpt"},
        {"model__checkpoint": "${mine}/foreign.ckpt", "mine": "{folder}/deep"},
        {"model__checkpoint": "${oc.env:CROPZOOM_TEST_FOLDER}/deep/foreign.ckpt"},
        {"model__backbone_checkpoint": "{folder}/deep/foreign.ckpt"},
        {"model__head_checkpoint": "{folder}/deep/foreign.ckpt"},
        {"training__resume": {"from": ["{folder}/deep/foreign.ckpt"]}},
    ],
)
def test_no_form_of_a_hostile_checkpoint_in_a_config_is_loaded(
    project: Path, tmp_path: Path, named: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROPZOOM_TEST_FOLDER", str(project))
    (project / "good.ckpt").unlink()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: filled(v) for k, v in value.items()}
        return (
            [filled(v) for v in value]
            if isinstance(value, list)
            else value.replace("{folder}", str(project))
        )

    for kept in list(project.rglob("tb_logs/**/*.ckpt")):
        kept.unlink()
    config = written(project, **filled(named))
    with pytest.raises(CropzoomError, match=r"would run code of its own.*mkdir.*--trust_checkpoint"):
        run_stage(train(config, tmp_path / "out"))
    assert not (project / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_a_folder_that_links_into_itself_is_gone_through_once(project: Path, tmp_path: Path) -> None:
    """Lightning Pose's own way takes 2 to the power of 40 steps here."""
    ring = tmp_path / "ring"
    ring.mkdir()
    for name in ("one", "other"):
        (ring / name).symlink_to(ring, target_is_directory=True)
    config = written(project, model__checkpoint=str(ring))
    with pytest.raises(CropzoomError, match="there is no checkpoint"):
        run_stage(train(config, tmp_path / "out"))


def test_a_folder_of_very_many_is_not_searched(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_cropzoom.engine.training.config.MOST_FOLDERS", 20)
    for number in range(30):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
    config = written(project, model__checkpoint=str(tmp_path / "many"))
    with pytest.raises(
        CropzoomError, match=r"more than 20 others in it. Give the whole path of a \.ckpt"
    ):
        run_stage(train(config, tmp_path / "out"))


@pytest.mark.parametrize(
    "override",
    [
        "+model.checkpoint={folder}/deep/foreign.ckpt",
        "++model.checkpoint={folder}/deep/foreign.ckpt",
        "++model.backbone_checkpoint='{folder}/deep/foreign.ckpt'",
        '+model.checkpoint="{folder}/a b=1,{{x}}\'y.ckpt"',
        "+model={{checkpoint: {folder}/deep}}",
        "++model={{backbone_checkpoint: {folder}/deep/foreign.ckpt}}",
        "+model.weights.checkpoint={folder}/deep/foreign.ckpt",
        "+extra={{deep: {{ckpt_path: {folder}/deep/foreign.ckpt}}}}",
        "+model.checkpoint=${{data.data_dir}}/deep/foreign.ckpt",
    ],
)
def test_no_form_of_an_override_gets_past(project: Path, tmp_path: Path, override: str) -> None:
    config = written(project)
    with pytest.raises(CropzoomError, match="would run code of its own"):
        run_stage(train(config, tmp_path / "out", overrides=[override.format(folder=project)]))
    assert not (project / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "overrides"), [({}, ["+other=set"]), ({"defaults": ["_self_", {"other": "set"}]}, [])]
)
def test_a_group_beside_the_config_is_looked_into_as_well(
    project: Path, tmp_path: Path, changes: dict[str, Any], overrides: list[str]
) -> None:
    (project / "other").mkdir()
    (project / "other" / "set.yaml").write_text(
        f"# @package model\nbackbone_checkpoint: {project}/deep/foreign.ckpt\n"
    )
    with pytest.raises(CropzoomError, match="would run code of its own"):
        run_stage(train(written(project, **changes), tmp_path / "out", overrides=overrides))


@pytest.mark.parametrize(
    ("changes", "overrides"),
    [
        ({"hydra": {"searchpath": ["pkg://payload"]}}, []),
        ({"hydra": {"searchpath": ["structured://payload"]}}, []),
        ({}, ["hydra.searchpath=[pkg://payload]"]),
        ({}, ["++hydra.callbacks.a={_target_: os.system}"]),
        ({}, ["+hydra/launcher=basic"]),
    ],
)
def test_hydra_is_not_told_where_to_import_from(
    project: Path, tmp_path: Path, changes: dict[str, Any], overrides: list[str]
) -> None:
    (project / "payload.py").write_text(f"import os; os.mkdir({str(project / 'ran')!r})")
    with pytest.raises(CropzoomError, match="run code"):
        run_stage(train(written(project, **changes), tmp_path / "out", overrides=overrides))
    assert not (project / "ran").exists()


@pytest.mark.parametrize(
    "name",
    ["../../x", "/abs", "a/../../b", "..", "C:\\x", "..\\..\\x", "\\\\server\\x", "x" * 300, "a\0b"],
)
def test_a_models_name_never_leads_out_of_its_folder(project: Path, tmp_path: Path, name: str) -> None:
    from napari_cropzoom.engine.model_folder import ModelFolder

    config = written(project, model__model_name=name)
    with pytest.raises(CropzoomError, match="Give a plain name"):
        run_stage(train(config, tmp_path / "out"))
    config.replace(project / "config.yaml")
    with pytest.raises(CropzoomError, match="Give a plain name"):
        ModelFolder.open(project)


def test_a_checkpoint_left_in_the_output_folder_counts(project: Path, tmp_path: Path) -> None:
    """Lightning Pose takes the newest version for its own once the training is over."""
    left = tmp_path / "out" / "tb_logs" / "blobs" / "version_99x" / "checkpoints" / "a-best.ckpt"
    left.parent.mkdir(parents=True)
    (project / "deep" / "foreign.ckpt").rename(left)
    with pytest.raises(CropzoomError, match="left from before"):
        run_stage(train(written(project), tmp_path / "out"))


def test_references_that_unfold_without_end_are_not_worked_out(project: Path, tmp_path: Path) -> None:
    keys = {f"k{n}": f"${{k{n + 1}}}${{k{n + 1}}}" for n in range(60)} | {"k60": "x" * 100}
    for name in ("model__checkpoint", "model__model_name"):
        config = written(project, **keys, **{name: "${k0}"})
        with pytest.raises(CropzoomError, match=r"there is no checkpoint|cannot be worked out"):
            run_stage(train(config, tmp_path / "out"))
    lists = {f"k{n}": [f"${{k{n + 1}}}"] * 2 for n in range(60)} | {"k60": [1]}
    assert compose(written(project, **lists))["k0"] == ["${k1}"] * 2


@pytest.mark.parametrize("name", ["SaveDebugImageEveryNBatches", "imshow", "os"])
def test_augmentations_that_write_or_are_none_are_refused(
    project: Path, tmp_path: Path, name: str
) -> None:
    config = written(project, training__imgaug={name: {"p": 1.0, "args": ["/tmp"]}})
    with pytest.raises(CropzoomError, match=r"training\.imgaug"):
        run_stage(train(config, tmp_path / "out"))


def test_a_checkpoint_that_is_not_there_is_said_before_the_start(project: Path, tmp_path: Path) -> None:
    for value in ("weights/x.ckpt", "none", 7, "a\0.ckpt"):
        config = written(project, model__checkpoint=value)
        if value == 7:
            continue  # no text: Lightning Pose refuses it
        with pytest.raises(CropzoomError, match="there is no checkpoint"):
            run_stage(train(config, tmp_path / "out"))


def test_a_good_checkpoint_and_a_trusted_one_are_pinned(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    config = written(project, model__checkpoint=str(project / HOSTILE))
    pins = vetted(config, compose(config), out, trust=True)
    again = compose(config, pins)["model"]
    assert again["checkpoint"] == str(project / HOSTILE)
    assert again["model_name"] == "blobs"
    config = written(project, model__checkpoint="../project/good.ckpt", model__model_name="run_${now:%H}")
    settings = compose(config)
    again = compose(config, vetted(config, settings, out, trust=False))["model"]
    assert Path(again["checkpoint"]).resolve() == (project / "good.ckpt").resolve()
    assert again["model_name"] == settings["model"]["model_name"]
    assert again["model_name"].startswith("run_")


@pytest.mark.parametrize(
    "text",
    ["/a/b.ckpt", r"C:\a\b c\e=1.ckpt", 'we"ird', "a'b,{[x]}=:#", "d${x}", 'a\\"b', "end\\", "ü ☃"],
)
def test_any_path_survives_hydras_grammar(project: Path, text: str) -> None:
    assert (
        compose(written(project), [f"++model.checkpoint={_quoted(text)}"])["model"]["checkpoint"] == text
    )


def test_a_module_in_the_folder_it_is_run_in_is_not_taken(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lightning_pose", "torch", "hydra_plugins"):
        (project / f"{name}.py").write_text(f"import os; os.mkdir({str(project / 'ran')!r})")
    labels = make_labeled_project(tmp_path / "labels") / "CollectedData.csv"
    config = project / "train.yaml"  # all is well but the network, which Lightning Pose looks for last
    write_config(config, make_config(labels, PARTS, Recipe("no_such_network", 128, 3), "made"))
    monkeypatch.chdir(project)
    with pytest.raises(CropzoomError, match="exit code 1"):
        run_stage(train(config, tmp_path / "out"))
    assert not (project / "ran").exists()


def test_a_training_takes_the_checkpoint_that_was_checked(project: Path, tmp_path: Path) -> None:
    """A real one, of two epochs; the path has a blank, an equals sign and braces."""
    from PIL import Image

    rng = np.random.default_rng(3)
    names = [f"labeled-data/v/img{number:03d}.png" for number in range(8)]
    places = rng.uniform(40, 90, (8, len(KEYPOINTS), 2))
    (project / "labeled-data" / "v").mkdir(parents=True)
    for name, place in zip(names, places, strict=True):
        Image.fromarray(draw_blobs(place, 120, 140, 5)).save(project / name)
    columns = pd.MultiIndex.from_product(
        [["me"], KEYPOINTS, ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(places.reshape(8, -1), names, columns).to_csv(project / "CollectedData.csv")
    (checkpoint,) = project.glob("tb_logs/**/*.ckpt")
    named = checkpoint.rename(project / "a b={1,2}.ckpt")
    epochs: dict[str, Any] = {
        "min_epochs": 1,
        "max_epochs": 2,
        "check_val_every_n_epoch": 1,
        "log_every_n_steps": 1,
    }
    epochs["lr_scheduler_params"] = {"multisteplr": {"milestones": [1], "gamma": 0.5}}
    training = yaml.safe_load((project / "config.yaml").read_text())["training"]
    config = written(
        project,
        training={**training, **epochs, "unfreezing_epoch": 0, "num_gpus": 1},
        losses={},
        model__checkpoint=str(named),
        eval__predict_vids_after_training=False,
    )
    said: list[str] = []
    out = run_stage(train(config, tmp_path / "out", notify=said.append))
    assert [line.partition(":")[0] for line in said][-1:] == ["epoch 2 of 2"]
    assert re.search(r": loss \d.*, validation \d.*, \d+\.\d px$", said[-1])
    assert [path.name for path in out.glob("tb_logs/blobs/version_0/checkpoints/*.ckpt")]
    assert yaml.safe_load((out / "config.yaml").read_text())["model"]["checkpoint"] == str(named)
    assert f"loading weights from {named}" in (out / "train.log").read_text()


def test_a_model_trained_by_steps_goes_on_from_its_own_configuration(project: Path) -> None:
    """Lightning Pose writes the epochs beside the steps, and refuses to read both."""
    config = yaml.safe_load((project / "config.yaml").read_text())
    training = config["training"]
    training |= {"min_steps": 2, "max_steps": 2, "unfreezing_step": 0}
    training["lr_scheduler_params"] = {
        "multisteplr": {"milestone_steps": [1], "milestones": [1], "gamma": 1}
    }
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    model = ModelFolder.open(project)
    composed = compose(project / "config.yaml", going_on(model))
    assert composed["training"]["lr_scheduler_params"]["multisteplr"] == {
        "milestone_steps": [1],
        "gamma": 1,
    }
    assert composed["model"]["checkpoint"] == str(model.checkpoint)
    assert composed["model"]["backbone_pretrained"] is False  # nothing is downloaded to be replaced
    training["lr_scheduler_params"] = {"multisteplr": {"milestones": [1], "gamma": 1}}
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    composed = compose(project / "config.yaml", going_on(ModelFolder.open(project)))
    assert composed["training"]["lr_scheduler_params"]["multisteplr"]["milestones"] == [1]
