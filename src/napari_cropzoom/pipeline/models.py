"""Look into a Lightning Pose model folder, without torch, and into a checkpoint, without running it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from napari_cropzoom.core.errors import CropzoomError

HEATMAP_TYPES = ("heatmap", "heatmap_mhcrnn")
SINGLE_VIEW_TYPES = (*HEATMAP_TYPES, "regression")

ALLOWED_GLOBALS = frozenset(
    {
        "builtins.dict",
        "builtins.int",
        "builtins.list",
        "collections.defaultdict",
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "omegaconf.dictconfig.DictConfig",
        "omegaconf.listconfig.ListConfig",
        "omegaconf.nodes.AnyNode",
        "typing.Any",
    }
)
"""What the checkpoints of Lightning Pose's own models import; none of it can run foreign code."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder that `litpose train` has written.

    Attributes
    ----------
    path : Path
        The folder.
    config : dict
        Its ``config.yaml``.
    checkpoint : Path or None
        The checkpoint `litpose` would load: the best, or else the last, of the newest version.
    model_type : str
        ``heatmap``, ``heatmap_mhcrnn`` or ``regression``.
    keypoint_names : tuple of str
    image_size : (int, int)
        Height and width of the image the network takes, in pixels.
    """

    path: Path
    config: dict[str, Any]
    checkpoint: Path | None
    model_type: str
    keypoint_names: tuple[str, ...]
    image_size: tuple[int, int]

    @classmethod
    def open(cls, path: str | Path, *, need_checkpoint: bool = True) -> ModelFolder:
        """Inspect a model folder.

        Raises
        ------
        CropzoomError
            If it is not a folder, has no readable ``config.yaml`` or no checkpoint, or is a kind of
            model that single videos cannot be given to.
        """
        path = Path(path).absolute()
        config_file = path / "config.yaml"
        config = _read_config(config_file)
        data, model = _section(config, "data", config_file), _section(config, "model", config_file)
        model_type = str(model.get("model_type", ""))
        _check_kind(config_file, data, model_type)
        checkpoint = find_checkpoint(path, str(model.get("model_name", "")))
        if checkpoint is None and need_checkpoint:
            raise CropzoomError(
                f"{path}: no checkpoint under tb_logs. Train for more epochs (litpose saves one whenever "
                f"it validates), or copy tb_logs/{model.get('model_name', '')} from where it was trained."
            )
        return cls(
            path,
            config,
            checkpoint,
            model_type,
            _names(config_file, data),
            _image_size(config_file, data),
        )

    @property
    def video_preds_dir(self) -> Path:
        return self.path / "video_preds"

    @property
    def image_preds_dir(self) -> Path:
        return self.path / "image_preds"

    @property
    def labeled_videos_dir(self) -> Path:
        return self.video_preds_dir / "labeled_videos"

    @property
    def cropped_data_dir(self) -> Path:
        return self.path / "cropped_images"

    @property
    def cropped_videos_dir(self) -> Path:
        return self.path / "cropped_videos"

    def predictions_csv(self, video: Path) -> Path:
        return self.video_preds_dir / f"{video.stem}.csv"

    def bbox_csv(self, video: Path) -> Path:
        return self.video_preds_dir / f"{video.stem}_bbox.csv"

    def labeled_video(self, video: Path) -> Path:
        return self.labeled_videos_dir / f"{video.stem}_labeled.mp4"

    def cropped_video(self, video: Path) -> Path:
        return self.cropped_videos_dir / f"cropped_{video.stem}.mp4"

    def cropped_csv(self, csv: str | Path) -> Path:
        """Where the labels of the cropped frames of a labels file are."""
        name = Path(csv).name
        return self.image_preds_dir / name / f"cropped_{name}"

    @property
    def scorer(self) -> str:
        """The first header row of its predictions."""
        return f"{self.model_type}_tracker"

    @property
    def fast(self) -> bool:
        """Whether frames go through our own decoding, cropping and batching, as all these models' do."""
        return self.model_type in SINGLE_VIEW_TYPES

    @property
    def road(self) -> str:
        """How predictions are made, for a person."""
        return "own fast path" if self.fast else "Lightning Pose's own prediction"


def find_checkpoint(path: Path, model_name: str) -> Path | None:
    """Return the checkpoint Lightning Pose would load, None if there is none.

    The newest ``version_N`` counts; in it the one ending in ``-best.ckpt``, else the one with most steps
    (as ``lightning_pose.utils.io.ckpt_path_from_base_path``).
    """

    def number(pattern: str, text: str) -> int:
        match = re.search(pattern, text)
        return int(match.group(1)) if match else -1

    logs = path / "tb_logs" / model_name
    found = [p for p in logs.glob("version_*/checkpoints/*.ckpt") if p.is_file()]
    if not found:
        return None
    return max(
        found,
        key=lambda p: (
            number(r"version_(\d+)", p.parent.parent.name),
            p.name.endswith("-best.ckpt"),
            number(r"step=(\d+)", p.name),
            p.name,
        ),
    )


def unsafe_globals(checkpoint: Path) -> list[str]:
    """Return what loading a checkpoint would import beyond what Lightning Pose's own do, sorted.

    A checkpoint is a pickle, and what a pickle imports it can call. Nothing in it is run here.

    Raises
    ------
    CropzoomError
        If the file is not a checkpoint of torch.
    """
    import torch

    try:
        found = torch.serialization.get_unsafe_globals_in_checkpoint(checkpoint)
    except Exception as error:
        raise CropzoomError(
            f"{checkpoint}: cannot be read as a checkpoint ({one_line(error)}). "
            "The file is cut short or of another kind; copy it again from where the model was trained."
        ) from error
    return sorted(set(found) - ALLOWED_GLOBALS)


def one_line(error: BaseException) -> str:
    """Return the first line of what an exception says, its class if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _read_config(config_file: Path) -> dict[str, Any]:
    folder = config_file.parent
    if not folder.is_dir():
        raise CropzoomError(f"{folder}: is not a folder. Give the folder that `litpose train` wrote.")
    if not config_file.is_file():
        names = sorted(p.name + ("/" if p.is_dir() else "") for p in folder.iterdir())
        there = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"
        raise CropzoomError(
            f"{folder}: no config.yaml in it, so it is not a Lightning Pose model (there is {there}). "
            "Give the folder that `litpose train` wrote."
        )
    try:
        config = yaml.safe_load(config_file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise CropzoomError(f"{config_file}: is not readable YAML ({problem}).") from error
    if not isinstance(config, dict):
        raise CropzoomError(f"{config_file}: is not a Lightning Pose configuration, which has sections.")
    return config


def _section(config: dict[str, Any], name: str, config_file: Path) -> dict[str, Any]:
    section = config.get(name)
    if not isinstance(section, dict):
        raise CropzoomError(f"{config_file}: has no section {name!r}. Copy it again from the model.")
    return section


def _check_kind(config_file: Path, data: dict[str, Any], model_type: str) -> None:
    views = data.get("view_names") or ()
    if len(views) > 1 or "multiview" in model_type:
        raise CropzoomError(
            f"{config_file}: a model for several views ({', '.join(map(str, views)) or model_type}), "
            "and cropzoom works on one. Use `litpose predict`, or train a model of one view."
        )
    if model_type not in SINGLE_VIEW_TYPES:
        raise CropzoomError(
            f"{config_file}: model.model_type is {model_type!r}, "
            f"which is none of {', '.join(SINGLE_VIEW_TYPES)}. Use `litpose predict` for it."
        )


def _names(config_file: Path, data: dict[str, Any]) -> tuple[str, ...]:
    names = data.get("keypoint_names") or data.get("keypoints")
    if not isinstance(names, list) or not names:
        raise CropzoomError(
            f"{config_file}: data.keypoint_names is missing. List them in the labels file's order."
        )
    return tuple(str(name) for name in names)


def _image_size(config_file: Path, data: dict[str, Any]) -> tuple[int, int]:
    dims = data.get("image_resize_dims")
    try:
        height, width = int(dims["height"]), int(dims["width"])
    except (TypeError, KeyError, ValueError) as error:
        raise CropzoomError(
            f"{config_file}: data.image_resize_dims needs height and width in pixels, as in training."
        ) from error
    return height, width
