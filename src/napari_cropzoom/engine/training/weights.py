"""Learned weights that a training begins with: whether they are on this computer, and what to do without.

Where Lightning Pose 2.4.3 gets them is in its ``models.backbones.factory``: of torchvision and OpenMMLab
torch keeps them, of the Hugging Face Hub its own client does. Torch need not be imported to look there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OF_TORCH = {
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-11ad3fa6.pth",
    "resnet101": "resnet101-cd907fc2.pth",
    "resnet152": "resnet152-f82ba261.pth",
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
    "efficientnet_b1": "efficientnet_b1-c27df63c.pth",
    "efficientnet_b2": "efficientnet_b2_rwightman-c35c1473.pth",
    "resnet50_animal_apose": "res50_animalpose_256x256-e1f30bff_20210426.pth",
    "resnet50_animal_ap10k": "res50_ap10k_256x256-35760eb8_20211029.pth",
    "resnet50_human_jhmdb": "res50_jhmdb_sub3_256x256-c4ec1a0b_20201122.pth",
    "resnet50_human_res_rle": "deeppose_res50_mpii_256x256_rle-5f92a619_20220504.pth",
    "resnet50_human_top_res": "res50_mpii_256x256-418ffc88_20200812.pth",
    "resnet50_human_hand": "res50_onehand10k_256x256-739c8639_20210330.pth",
}
_OF_HUGGING_FACE = {
    "vits_dino": "dino-vits16",
    "vitb_dino": "dino-vitb16",
    "vits_dinov2": "dinov2-small",
    "vitb_dinov2": "dinov2-base",
    "vits_dinov3": "dinov3-vits16-pretrain-lvd1689m",
    "vitb_dinov3": "dinov3-vitb16-pretrain-lvd1689m",
    "vitb_imagenet": "vit-mae-base",
    "vitb_sam": "sam-vit-base",
    "vitb_sam2": "sam2.1-hiera-base-plus",
    "vits_sam2": "sam2.1-hiera-small",
    "vitt_sam2": "sam2.1-hiera-tiny",
}
_ALWAYS = ("resnet50_animal", "resnet50_human", "vit")
_OFFLINE = re.compile(
    r"URLError: <urlopen error|Name or service not known|name resolution|getaddrinfo failed"
    r"|NameResolution|Network is unreachable|couldn't connect to|LocalEntryNotFound|OfflineModeIsEnabled"
)


def always_learned(backbone: str) -> bool:
    """Whether a network begins with learned weights whatever the configuration says."""
    return backbone.startswith(_ALWAYS)


def to_download(backbone: str, *, pretrained: bool) -> bool:
    """Whether a training would download weights first; False for a network that is not known."""
    if not pretrained and not always_learned(backbone):
        return False
    if backbone in _OF_TORCH:
        return not (_torch_folder() / _OF_TORCH[backbone]).is_file()
    if backbone in _OF_HUGGING_FACE:
        kept = _hugging_face_folder() / f"models--facebook--{_OF_HUGGING_FACE[backbone]}" / "snapshots"
        return not (kept.is_dir() and any(kept.iterdir()))
    return False


DOWNLOADS = "Its learned weights are not on this computer yet"


def told_of_download(settings: Mapping[str, Any]) -> str:
    """That a training downloads weights first, and what to do without; empty where it does not."""
    model = settings.get("model") or {}
    backbone = str(model.get("backbone") or "")
    if not to_download(backbone, pretrained=bool(model.get("backbone_pretrained", True))):
        return ""
    return f"{DOWNLOADS}: it downloads them first, from the internet. Without that, {cure_of(backbone)}."


def cure_of(backbone: str) -> str:
    """What a person can do where the weights of a network cannot be downloaded, if known of which."""
    if backbone and not always_learned(backbone):
        return "take away the tick at “Begin with learned weights” (model.backbone_pretrained=false)"
    return (
        "take ResNet-18 (model.backbone=resnet18) without the tick at “Begin with learned weights” "
        "(model.backbone_pretrained=false)"
    )


def why_ended(log: str) -> str:
    """What a training's log, or its end, says to a person: its last line, or one that is plainer."""
    lines = [line.strip() for line in log.replace("\r", "\n").splitlines() if line.strip()]
    if not lines:
        return "it said nothing."
    if _OFFLINE.search("\n".join(lines[-30:])):
        kept = {**_OF_TORCH, **{name: f"facebook/{file}" for name, file in _OF_HUGGING_FACE.items()}}
        backbone = next((name for name, file in kept.items() if file in log), "")
        return (
            "The learned weights could not be downloaded: no way to the internet. Connect this computer "
            f"once, or {cure_of(backbone)}."
        )
    return lines[-1]


def _torch_folder() -> Path:
    """Where torch keeps what it downloads, as ``torch.hub`` has it."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def _hugging_face_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    kept = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(kept or os.path.join(home, "hub")).expanduser()
