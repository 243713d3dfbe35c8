"""Checkpoints and configurations that would fill the memory, and those of the old format."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lpmodels import make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.vetting import check_size, is_old_format, read_checkpoint, unsafe_globals


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return make_lp_model(tmp_path / "copy")


def checkpoint_of(model: Path) -> Path:
    (checkpoint,) = model.rglob("*.ckpt")
    return checkpoint


def rewritten(model: Path, change: Callable[[dict[str, Any]], object], **how: Any) -> Path:
    checkpoint = checkpoint_of(model)
    content = torch.load(checkpoint, weights_only=False)
    change(content)
    torch.save(content, checkpoint, **how)
    return checkpoint


class Foreign:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def packed(checkpoint: Path, zeros: int) -> None:
    """Pack the members of a checkpoint, one of them replaced by so many zero bytes."""
    with zipfile.ZipFile(checkpoint) as file:
        members = {name: file.read(name) for name in file.namelist()}
    largest = max(members, key=lambda name: len(members[name]))
    with zipfile.ZipFile(checkpoint, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            with file.open(name, "w") as member:
                if name == largest:
                    for _ in range(zeros // 1_000_000):
                        member.write(bytes(1_000_000))
                else:
                    member.write(data)


def test_a_checkpoint_that_unpacks_to_far_more_is_refused_before_it_is_read(copy: Path) -> None:
    checkpoint = checkpoint_of(copy)
    packed(checkpoint, 600_000_000)
    assert checkpoint.stat().st_size < 60_000_000
    tracemalloc.start()
    for read in (unsafe_globals, read_checkpoint, check_size):
        with pytest.raises(CropzoomError, match=r"would unpack to \d+ MB"):
            read(checkpoint)
    with pytest.raises(CropzoomError, match="would unpack to"):
        Engine.load(ModelFolder.open(copy), trust=True)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_a_checkpoint_of_nothing_but_pickle_is_refused(copy: Path) -> None:
    checkpoint = rewritten(copy, lambda content: content.update(more=[[] for _ in range(9_000_000)]))
    with pytest.raises(CropzoomError, match="without weights"):
        Engine.load(ModelFolder.open(copy))
    assert checkpoint.exists()


def said(**settings: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["hyper_parameters"].update(settings)


def bias(value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["state_dict"].update({"head.upsampling_layers.1.bias": value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (said(num_keypoints=10**9), "keypoints are 3, by the weights 1000000000"),
        (said(num_keypoints="9" * 500), "keypoints are 3"),
        (said(downsample_factor=-(10**9)), "downsample_factor"),
        (said(downsample_factor=torch.zeros(3)), "downsample_factor"),
        (said(backbone="resnet152"), "does not fit the model"),
        (said(backbone="vit_h_14"), "no layer of its head|cannot be built"),
        (said(backbone="x" * 10_000), "cannot be built"),
        (bias(torch.zeros(1).expand(3)), "claims 3"),
        (bias(torch.zeros(7)), "should be"),
        (bias("text"), "is no tensor"),
        (bias(torch.zeros(3).to_sparse()), "is no tensor"),
        (bias(torch.zeros(3, device="meta")), "is no tensor"),
    ],
)
def test_a_network_is_not_built_where_numbers_do_not_agree(copy: Path, change: Any, words: str) -> None:
    rewritten(copy, change)
    with pytest.raises(CropzoomError, match=words) as caught:
        Engine.load(ModelFolder.open(copy))
    assert len(str(caught.value)) < 700


def test_a_config_of_another_count_is_refused(copy: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["data"]["keypoint_names"].append("ear")
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(CropzoomError, match="keypoint_names keypoints are 4, by the weights 3"):
        Engine.load(ModelFolder.open(copy))


def test_a_checkpoint_of_the_old_format_is_read_where_it_is_harmless(copy: Path) -> None:
    checkpoint = rewritten(copy, lambda _: None, _use_new_zipfile_serialization=False)
    assert is_old_format(checkpoint)
    Engine.load(ModelFolder.open(copy))


def test_a_foreign_one_of_the_old_format_is_named_for_what_it_is(copy: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    checkpoint = rewritten(
        copy, lambda c: c.update(extra=Foreign(marker)), _use_new_zipfile_serialization=False
    )
    with pytest.raises(CropzoomError, match=r"old format.*mkdir.*--trust_checkpoint") as caught:
        Engine.load(ModelFolder.open(copy))
    assert "cut short" not in str(caught.value)
    assert not marker.exists()
    Engine.load(ModelFolder.open(copy), trust=True)
    assert marker.exists()
    checkpoint.write_bytes(b"no checkpoint at all")
    with pytest.raises(CropzoomError, match="cut short or of another kind"):
        Engine.load(ModelFolder.open(copy))


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "aliases"),
        ("a: &a [*a]", "part of"),
        ("a: " + "[" * 60 + "]" * 60, "nested deeper"),
        ("a: " + "[" * 100_000, "not readable YAML|nested deeper"),
        ("a: " + "x" * 1_100_000, "1.1 MB"),
        ("a: 2024-13-45", "not readable YAML"),
        ("a: !!int ''", "not readable YAML"),
        ("a: !!bool maybe", "not readable YAML"),
        ("a: " + "9" * 5000, "not readable YAML|has no section"),
        ("{[1]: 2}", "not readable YAML|sections"),
        ("a: !!python/object/apply:os.system ['true']", "not readable YAML"),
        ("a: \x01", "not readable YAML"),
        ("key" * 100_000 + ": [", "not readable YAML"),
    ],
)
def test_a_hostile_configuration_takes_no_time(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(CropzoomError, match=words) as caught:
        ModelFolder.open(tmp_path)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_an_honest_alias_is_read(tmp_path: Path) -> None:
    from napari_cropzoom.files.parsing import read_yaml

    (tmp_path / "c.yaml").write_text("a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n")
    assert read_yaml(tmp_path / "c.yaml") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("data", {"image_resize_dims": {"height": 40_000, "width": 128}}, "40000 x 128 pixels"),
        ("data", {"image_resize_dims": {"height": 0, "width": 128}}, "0 x 128 pixels"),
        ("data", {"image_resize_dims": {"height": float("inf"), "width": 1}}, "needs height and width"),
        ("data", {"keypoint_names": [f"k{i}" for i in range(5000)]}, "lists 5000"),
        ("data", {"keypoint_names": [f"k{i}" for i in range(50_000)]}, "more than 20000 values"),
        ("data", {"view_names": 3}, ""),
        ("model", {"model_type": "x" * 10_000}, "is none of"),
    ],
)
def test_sizes_and_counts_of_a_configuration_have_limits(
    copy: Path, section: str, values: dict[str, Any], words: str
) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config[section] |= values
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    if not words:
        ModelFolder.open(copy)
        return
    with pytest.raises(CropzoomError, match=words) as caught:
        ModelFolder.open(copy)
    assert len(str(caught.value)) < 400 + len(str(copy))
