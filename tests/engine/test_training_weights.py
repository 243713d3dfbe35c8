"""Learned weights: whether they are here, and what is said of a training that could not download them."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch
from lightning_pose.models.backbones import factory
from torchvision import models

from napari_cropzoom.engine.training import weights
from napari_cropzoom.engine.training.making import BACKBONES
from napari_cropzoom.engine.training.train import last_line
from napari_cropzoom.engine.training.weights import always_learned, to_download, told_of_download


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_every_network_of_the_dock_is_known_by_the_files_that_lightning_pose_takes() -> None:
    assert set(BACKBONES) <= {*weights._OF_TORCH, *weights._OF_HUGGING_FACE}
    source = inspect.getsource(factory)
    kinds = {"resnet18": "ResNet18", "resnet50": "ResNet50", "efficientnet_b0": "EfficientNet_B0"}
    for name, file in weights._OF_TORCH.items():
        if name in kinds:  # as the factory names them
            version = "IMAGENET1K_V2" if name == "resnet50" else "IMAGENET1K_V1"
            assert f"{kinds[name]}_Weights.{version}" in source
            assert getattr(getattr(models, f"{kinds[name]}_Weights"), version).url.endswith(f"/{file}")
        elif "_" in name and not name.startswith("efficient"):
            assert f"/{file}" in source
    for name in weights._OF_HUGGING_FACE.values():
        assert f"facebook/{name}" in source


def test_weights_are_looked_for_where_torch_and_the_hub_keep_them(caches: Path) -> None:
    assert not to_download("resnet18", pretrained=False)
    assert to_download("resnet18", pretrained=True)
    assert to_download("resnet50_animal_ap10k", pretrained=False)  # whatever the configuration says
    assert to_download("vitb_imagenet", pretrained=False)
    kept = Path(torch.hub.get_dir()) / "checkpoints"
    assert kept == caches / "torch" / "hub" / "checkpoints"
    kept.mkdir(parents=True)
    (kept / weights._OF_TORCH["resnet18"]).touch()
    assert not to_download("resnet18", pretrained=True)
    (caches / "huggingface" / "hub" / "models--facebook--vit-mae-base" / "snapshots" / "a1").mkdir(
        parents=True
    )
    assert not to_download("vitb_imagenet", pretrained=True)


def test_what_to_do_without_the_internet_fits_the_network() -> None:
    assert told_of_download({"model": {"backbone": "resnet50", "backbone_pretrained": False}}) == ""
    said = told_of_download({"model": {"backbone": "resnet50"}})
    assert "from the internet" in said
    assert "take away the tick at “Begin with learned weights”" in said
    assert always_learned("resnet50_animal_ap10k")
    said = told_of_download({"model": {"backbone": "resnet50_animal_ap10k"}})
    assert "take ResNet-18" in said


def test_a_download_that_failed_is_told_in_one_plain_line(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    url = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    log.write_text(
        f'Downloading: "{url}" to /x/resnet18-f37072fd.pth\nTraceback (most recent call last):\n'
        "socket.gaierror: [Errno -2] Name or service not known\n"
        "urllib.error.URLError: <urlopen error [Errno -2] Name or service not known>\n"
    )
    assert last_line(log) == (
        "The learned weights could not be downloaded: no way to the internet. Connect this computer "
        "once, or take away the tick at “Begin with learned weights” (model.backbone_pretrained=false)."
    )
    log.write_text("one\ntwo: no such thing\n")
    assert last_line(log) == "two: no such thing"
