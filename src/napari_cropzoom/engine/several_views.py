"""Synchronised videos for a model that looks at all views of a frame together: what it needs of them.

Found out before any work, without torch but for the checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.recordings import by_session, is_named_for
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.config import compose
from napari_cropzoom.engine.vetting import vet
from napari_cropzoom.video.index import VideoIndex

VIT_SOURCES = {
    "vits_dino": "facebook/dino-vits16",
    "vitb_dino": "facebook/dino-vitb16",
    "vits_dinov2": "facebook/dinov2-small",
    "vitb_dinov2": "facebook/dinov2-base",
    "vits_dinov3": "facebook/dinov3-vits16-pretrain-lvd1689m",
    "vitb_dinov3": "facebook/dinov3-vitb16-pretrain-lvd1689m",
    "vitb_imagenet": "facebook/vit-mae-base",
    "vitb_sam": "facebook/sam-vit-base",
    "vitb_sam2": "facebook/sam2.1-hiera-base-plus",
    "vits_sam2": "facebook/sam2.1-hiera-small",
    "vitt_sam2": "facebook/sam2.1-hiera-tiny",
}
"""Where Lightning Pose takes backbones of the ViT family from, even for a trained checkpoint."""


@dataclass(frozen=True)
class Views:
    """The videos of one recording, in the order of the model's views.

    Attributes
    ----------
    session : str
        Name that the videos share.
    videos : dict of str to VideoIndex
        By view; all have the same number of frames.
    bbox_files : dict of str to Path
        Boxes of each view; empty for whole frames.
    boxes : dict of str to ndarray, (T, 4)
        What is in these: ``x, y, w, h``, NaN where a review says that no animal is there.
    """

    session: str
    videos: Mapping[str, VideoIndex]
    bbox_files: Mapping[str, Path] = field(default_factory=dict)
    boxes: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def n_frames(self) -> int:
        """Frames of every view."""
        return next(iter(self.videos.values())).n_frames

    @property
    def files(self) -> list[Path]:
        """The videos, in the order of the views."""
        return [index.path for index in self.videos.values()]


def recordings(model: ModelFolder, videos: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """Put videos together as Lightning Pose does, by session and then by view.

    Those whose name holds none of the model's views are left out.

    Raises
    ------
    CropzoomError
        If the name of a view is part of another's, which no name of a video can tell apart.
    """
    for view in model.views:
        other = next((each for each in model.views if view != each and view in each), None)
        if other is not None:
            raise CropzoomError(
                f"{model.path / 'config.yaml'}: the view {brief(view)} is part of the name {brief(other)}"
                ", and Lightning Pose cannot tell their videos apart. Rename a view, and its videos."
            )
    return by_session(videos, model.views)


def open_views(model: ModelFolder, session: str, videos: Mapping[str, Path]) -> Views:
    """Read what the videos of a recording hold.

    Raises
    ------
    CropzoomError
        If a view is missing or cannot be told from another, a video cannot be read, or they do not have
        the same number of frames.
    """
    missing = [view for view in model.views if view not in videos]
    if missing:
        there = ", ".join(video.name for video in videos.values())
        raise CropzoomError(
            f"{session}: the video of the view {brief(missing[0])} is missing (there is {brief(there)}). "
            f"Give {session}_{missing[0]} with the others; the model looks at {', '.join(model.views)} "
            "together."
        )
    for view in model.views:
        named = [video for video in videos.values() if is_named_for(video.stem, view)]
        if named != [videos[view]]:
            raise CropzoomError(
                f"{videos[view]}: Lightning Pose does not know for certain that this is the view "
                f"{brief(view)}. Name the videos <session>_<view>, with the name of one view each."
            )
    indexes = {view: VideoIndex.scan(videos[view]) for view in model.views}
    first, *others = indexes.values()
    for index in others:
        if index.n_frames != first.n_frames:
            raise CropzoomError(
                f"{index.path}: has {counted(index.n_frames, 'frame')}, and {first.path.name} has "
                f"{first.n_frames}. A model of several views needs the same frames of all: cut the "
                "longer one, at the end at which it has more."
            )
    return Views(session, indexes)


def check_model(model: ModelFolder, overrides: Sequence[str] = (), *, trust: bool = False) -> None:
    """Refuse what Lightning Pose would stumble over once it is at work.

    Raises
    ------
    CropzoomError
        If the checkpoint would run code of its own and is not trusted, the files of labels that the
        configuration names are not there (Lightning Pose reads them for videos too), or a backbone would
        be downloaded.
    """
    config = model.path / "config.yaml"
    settings = compose(config, overrides) if overrides else model.config
    _check_labels(config, settings["data"], len(model.views))
    check_backbone(config, str(settings["model"].get("backbone", "")))
    if model.checkpoint is not None and not trust:
        vet(model.checkpoint)


def _check_labels(config: Path, data: Mapping[str, Any], n_views: int) -> None:
    data_dir = Path(str(data.get("data_dir") or "")).expanduser()
    for key, whose in (("csv_file", "labels"), ("bbox_file", "boxes of labels")):
        files = data.get(key) or []
        files = files if isinstance(files, list) else [files]
        if len(files) != n_views and (files or key == "csv_file"):
            raise CropzoomError(
                f"{config}: data.{key} lists {counted(len(files), 'file')} of {whose}, and there are "
                f"{n_views} views. Lightning Pose wants one for each, in the order of data.view_names."
            )
        for file in files:
            if not (data_dir / str(file)).is_file():
                raise CropzoomError(
                    f"{data_dir / str(file)}: no such file. Lightning Pose reads the {whose} of a model "
                    f"of several views for videos too. Put it back, or correct data.data_dir and "
                    f"data.{key} in {config}."
                )


def check_backbone(config: Path, backbone: str) -> None:
    """Refuse a backbone that Lightning Pose would download, whatever the checkpoint holds.

    Raises
    ------
    CropzoomError
    """
    source = VIT_SOURCES.get(backbone)
    if "vit" not in backbone or (source is not None and _is_downloaded(source)):
        return
    cure = f"Run `hf download {source}` where there is internet" if source else "Use another backbone"
    raise CropzoomError(
        f"{config}: the backbone {brief(backbone)} would be downloaded ({source or 'unknown'}), "
        f"even for a trained model, and is not on this computer. {cure}."
    )


def _is_downloaded(source: str) -> bool:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return any((hub / f"models--{source.replace('/', '--')}" / "snapshots").glob("*/config.json"))
