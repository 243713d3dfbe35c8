"""Checkpoints: what is loaded, what is refused, and what a person is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.checkpoint import plain_backbone
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.vetting import unsafe_globals
from napari_cropzoom.video.video import Video


def rewrite(model: Path, change: object) -> Path:
    import torch

    (checkpoint,) = model.rglob("*.ckpt")
    content = torch.load(checkpoint, weights_only=False)
    change(content)
    torch.save(content, checkpoint)
    return checkpoint


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return make_lp_model(tmp_path / "copy")


def test_small_half_precision_checkpoints_load_here_and_in_litpose(
    copy: Path, engine: Engine, video: Path
) -> None:
    from lightning_pose.api import Model

    def slim(content: dict) -> None:
        kept = ("state_dict", "hyper_parameters", "pytorch-lightning_version")
        for key in set(content) - set(kept):
            del content[key]
        weights = content["state_dict"]
        content["state_dict"] = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
        content["hyper_parameters"]["pretrained"] = True

    rewrite(copy, slim)
    ours = Engine.load(ModelFolder.open(copy))
    assert {str(p.dtype) for p in ours.network.module.parameters()} == {"torch.float32"}
    poses, exact = (run_stage(e.predict(video)) for e in (ours, engine))
    assert np.median(np.abs(poses.xy - exact.xy)) < 1

    rewrite(copy, lambda content: content["hyper_parameters"].update(pretrained=False))
    theirs = Model.from_dir(copy).predict_frame(np.zeros((64, 64, 3), np.uint8))
    assert theirs["keypoints"].dtype == np.float32


class Foreign:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_strangers_code_does_not_run_unless_trusted(copy: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    checkpoint = rewrite(copy, lambda content: content.update(extra=Foreign(marker)))
    assert unsafe_globals(checkpoint) == [f"{os.mkdir.__module__}.mkdir"]
    with pytest.raises(CropzoomError, match=r"\.mkdir.*--trust_checkpoint"):
        Engine.load(ModelFolder.open(copy))
    assert not marker.exists()
    Engine.load(ModelFolder.open(copy), trust=True)
    assert marker.exists()


def test_lightning_poses_own_checkpoints_are_not_questioned(model: ModelFolder) -> None:
    assert model.checkpoint is not None
    assert unsafe_globals(model.checkpoint) == []


def test_weights_of_another_model_are_refused(copy: Path) -> None:
    rewrite(copy, lambda content: content["state_dict"].popitem())
    with pytest.raises(CropzoomError, match="does not fit the model"):
        Engine.load(ModelFolder.open(copy))
    rewrite(copy, lambda content: content["hyper_parameters"].update(num_keypoints=7))
    with pytest.raises(CropzoomError, match="does not fit the model"):
        Engine.load(ModelFolder.open(copy))
    rewrite(copy, lambda content: content.pop("hyper_parameters"))
    with pytest.raises(CropzoomError, match="hyper_parameters"):
        Engine.load(ModelFolder.open(copy))


def test_wrong_choices_name_themselves(model: ModelFolder) -> None:
    with pytest.raises(CropzoomError, match="precision is 'fp8'"):
        Engine.load(model, precision="fp8")
    with pytest.raises(CropzoomError, match="runtime is 'abacus'"):
        Engine.load(model, runtime="abacus")
    with pytest.raises(CropzoomError, match="runtime tensorrt cannot be used"):
        Engine.load(model, runtime="tensorrt", onnx_precision="fp16")
    with pytest.raises(CropzoomError, match=r"overrides data\.nonsense=1"):
        Engine.load(model, overrides=["data.nonsense=1"])


def test_overrides_and_precision_count(model: ModelFolder, engine: Engine, video: Path) -> None:
    changed = Engine.load(model, precision="bf16", overrides=["data.image_resize_dims.width=96"])
    assert changed.image_size == (64, 96)
    assert engine.image_size == (64, 64)
    with Video(video) as source:
        assert len(run_stage(changed.predict(video))) == source.n_frames


@pytest.mark.parametrize("side", ["0", "-64", "7", "'64'", "null"])
def test_overrides_that_no_network_takes(model: ModelFolder, side: str) -> None:
    with pytest.raises(CropzoomError, match=r"image_resize_dims\.height=.*multiple of 32"):
        Engine.load(model, overrides=[f"data.image_resize_dims.height={side}"])


def test_networks_that_would_be_downloaded_are_built_plain() -> None:
    assert plain_backbone("resnet50_animal_ap10k") == "resnet50"
    assert plain_backbone("resnet18") == "resnet18"
