"""Small real Lightning Pose models, made in seconds.

The networks are Lightning Pose's own classes, saved by Lightning, so that `litpose` itself runs on the
folders. They are not trained: heatmaps are sharp and follow the picture, but find nothing in particular.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.predictions_csv import write_predictions
from videos import draw_blobs

KEYPOINTS = ("nose", "back", "tail")
SPREAD = 6.0


def make_lp_model(
    folder: Path,
    backbone: str = "resnet18",
    model_type: str = "heatmap",
    keypoint_names: tuple[str, ...] = KEYPOINTS,
    size: int = 64,
) -> Path:
    """Write a model folder as `litpose train` does; it predicts sharply, though nothing sensible.

    The first model of a kind takes some seconds, its copies none.
    """
    folder = Path(folder)
    config = model_config(folder, backbone, model_type, keypoint_names, size)
    trainer, model = _trained(backbone, model_type, keypoint_names, size)
    checkpoints = folder / "tb_logs" / "blobs" / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    trainer.strategy.connect(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.save_checkpoint(checkpoints / "epoch=0-step=0-best.ckpt")
    return folder


def make_predictions_folder(folder: Path, video: Path, poses: Poses) -> Path:
    """Write a model folder with predictions of a video made before; its checkpoint is only a name."""
    checkpoint = folder / "tb_logs" / "blobs" / "version_0" / "checkpoints" / "epoch=1-step=2-best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"not a checkpoint")
    config = model_config(folder, "resnet18", "heatmap", poses.names, 128)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "video_preds").mkdir()
    write_predictions(folder / "video_preds" / f"{video.stem}.csv", poses)
    return folder


def model_config(
    folder: Path, backbone: str, model_type: str, names: tuple[str, ...], size: int
) -> dict[str, Any]:
    """Return the sections of ``config.yaml`` that Lightning Pose reads."""
    return {
        "data": {
            "image_resize_dims": {"height": size, "width": size},
            "data_dir": str(folder),
            "video_dir": str(folder),
            "csv_file": "CollectedData.csv",
            "downsample_factor": 2,
            "num_keypoints": len(names),
            "keypoint_names": list(names),
            "mirrored_column_matches": None,
            "columns_for_singleview_pca": None,
        },
        "training": {
            "imgaug": "default",
            "train_batch_size": 4,
            "val_batch_size": 4,
            "test_batch_size": 4,
            "train_prob": 0.8,
            "val_prob": 0.2,
            "train_frames": 1,
            "num_gpus": 0,
            "num_workers": 0,
            "rng_seed_data_pt": 0,
            "rng_seed_model_pt": 0,
            "optimizer": "Adam",
            "optimizer_params": {"learning_rate": 1e-3},
            "lr_scheduler": "multisteplr",
            "lr_scheduler_params": {"multisteplr": {"milestones": [20], "gamma": 0.5}},
        },
        "model": {
            "losses_to_use": [],
            "backbone": backbone,
            "backbone_pretrained": False,
            "model_type": model_type,
            "heatmap_loss_type": "mse",
            "model_name": "blobs",
        },
        "dali": {
            "base": {"train": {"sequence_length": 8}, "predict": {"sequence_length": 16}},
            "context": {"train": {"batch_size": 8}, "predict": {"sequence_length": 16}},
        },
        "losses": {"temporal": {"log_weight": 5.0, "epsilon": 20.0, "prob_threshold": 0.05}},
        "eval": {"confidence_thresh_for_vid": 0.5, "test_videos_directory": str(folder)},
    }


@lru_cache
def _trained(backbone: str, model_type: str, names: tuple[str, ...], size: int) -> tuple[Any, Any]:
    import lightning.pytorch as pl
    from lightning_pose.models import get_model
    from omegaconf import OmegaConf

    config = OmegaConf.create(model_config(Path(), backbone, model_type, names, size))
    model = get_model(config, None, {"supervised": None, "unsupervised": None})
    if model_type == "heatmap":
        _sharpen(model, len(names), size)
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, max_steps=0, accelerator="cpu")
    return trainer, model


def _sharpen(model: Any, count: int, size: int) -> None:
    """Make the random network's heatmaps peaked, each at a place that depends on the picture."""
    import torch

    rng = np.random.default_rng(0)
    places = rng.uniform(size * 0.1, size * 0.9, (8, count, 2))
    pictures = np.stack([draw_blobs(p, size, size, 3, i) for i, p in enumerate(places)])
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        model.train()
        for _ in range(8):
            features = model.get_representations(images)
        model.eval()
        features = model.get_representations(images)
        spread = model.head.upsampling_layers(features).std()
        model.head.upsampling_layers[-1].weight.mul_(SPREAD / spread)
