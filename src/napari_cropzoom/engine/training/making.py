"""A configuration made from few choices: all else is as `litpose recommend` has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from napari_cropzoom.engine.training.checks import SIDE
from napari_cropzoom.files.atomic import atomic_path

BACKBONES: dict[str, str] = {
    "resnet50_animal_ap10k": "ResNet-50, learned on animals (the usual)",
    "resnet18": "ResNet-18, small and quick",
    "resnet50": "ResNet-50, learned on ImageNet",
    "efficientnet_b0": "EfficientNet-B0, small",
    "vits_dino": "ViT-S DINO, downloaded at the first use",
    "vitb_imagenet": "ViT-B, downloaded at the first use",
}
SIZES = tuple(range(SIDE, 8 * SIDE + 1, SIDE))
UNSUPERVISED = ("temporal", "pca_singleview")
_VALIDATE_TIMES = 40  # in a training


@dataclass(frozen=True)
class Recipe:
    """The choices of a training.

    Attributes
    ----------
    backbone : str
        One of :data:`BACKBONES`, or any other that Lightning Pose knows.
    size : int
        Side of the image that the network takes, in pixels, a multiple of 128.
    epochs : int
    losses : tuple of str
        Unsupervised losses; none for a supervised training.
    pretrained : bool
        Whether the backbone begins with weights that are downloaded at the first use.
    """

    backbone: str = "resnet50_animal_ap10k"
    size: int = 256
    epochs: int = 300
    losses: tuple[str, ...] = ()
    pretrained: bool = True


def make_config(labels: Path, names: Sequence[str], recipe: Recipe, model_name: str) -> dict[str, Any]:
    """A whole configuration of Lightning Pose 2.4 for one view.

    Parameters
    ----------
    labels : Path
        The labels file; its folder is ``data_dir``, videos are in ``videos`` there.
    names : sequence of str
        Keypoints of the labels, in their order.
    recipe : Recipe
    model_name : str
        Folder of the checkpoints below ``tb_logs``.
    """
    epochs, batch = recipe.epochs, 8
    videos = labels.parent / "videos"
    if not videos.is_dir() and not recipe.losses:
        videos = labels.parent  # Lightning Pose asks for a folder, whether it needs one or not
    every = max(1, min(5, epochs // _VALIDATE_TIMES))
    return {
        "data": {
            "image_resize_dims": {"height": recipe.size, "width": recipe.size},
            "data_dir": str(labels.parent),
            "video_dir": str(videos),
            "csv_file": labels.name,
            "downsample_factor": 2,
            "num_keypoints": len(names),
            "keypoint_names": list(names),
            "mirrored_column_matches": None,
            "columns_for_singleview_pca": list(range(len(names))) if recipe.losses else None,
        },
        "training": {
            "imgaug": "dlc-top-down",
            "train_batch_size": batch,
            "val_batch_size": 2 * batch,
            "test_batch_size": 2 * batch,
            "train_prob": 0.9,
            "val_prob": 0.1,
            "train_frames": 1,
            "num_gpus": 1,
            "num_workers": 2,
            "unfreezing_epoch": min(20, epochs // 10) if recipe.pretrained else 0,
            "min_epochs": epochs,
            "max_epochs": epochs,
            "log_every_n_steps": 1,
            "check_val_every_n_epoch": every,
            "ckpt_every_n_epochs": None,
            "early_stopping": False,
            "early_stop_patience": 3,
            "rng_seed_data_pt": 0,
            "rng_seed_model_pt": 0,
            "optimizer": "Adam",
            "optimizer_params": {"learning_rate": 0.001},
            "lr_scheduler": "multisteplr",
            "lr_scheduler_params": {
                "multisteplr": {"milestones": [epochs * n // 6 for n in (3, 4, 5)], "gamma": 0.5}
            },
        },
        "model": {
            "losses_to_use": list(recipe.losses),
            "backbone": recipe.backbone,
            "backbone_pretrained": recipe.pretrained,
            "model_type": "heatmap",
            "heatmap_loss_type": "mse",
            "model_name": model_name,
        },
        "dali": {
            "base": {"train": {"sequence_length": 16}, "predict": {"sequence_length": 96}},
            "context": {"train": {"batch_size": 8}, "predict": {"sequence_length": 96}},
        },
        "losses": {
            "pca_singleview": {
                "log_weight": 5.0,
                "components_to_keep": 0.99,
                "epsilon": None,
            },
            "temporal": {"log_weight": 5.0, "epsilon": 20.0, "prob_threshold": 0.05},
        },
        "eval": {
            "predict_vids_after_training": False,
            "save_vids_after_training": False,
            "test_videos_directory": str(videos),
            "confidence_thresh_for_vid": 0.9,
        },
        "callbacks": {
            "anneal_weight": {
                "attr_name": "total_unsupervised_importance",
                "init_val": 0.0,
                "increase_factor": 0.01,
                "final_val": 1.0,
                "freeze_until_epoch": 0,
            }
        },
    }


def write_config(path: Path, content: dict[str, Any]) -> None:
    """Write a configuration.

    Raises
    ------
    CropzoomError
        If the file cannot be written.
    """
    with atomic_path(path) as part:
        part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
