"""Look into a Lightning Pose model folder, without torch, and into a checkpoint, without running it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.files.names import is_hidden, real_path
from napari_cropzoom.files.parsing import MISSHAPEN, read_yaml

HEATMAP_TYPES = ("heatmap", "heatmap_mhcrnn")
KINDS = {
    "heatmap": "heatmap model",
    "heatmap_mhcrnn": "heatmap model with context",
    "regression": "regression model",
}
SINGLE_VIEW_TYPES = (*HEATMAP_TYPES, "regression")
SEVERAL_VIEWS_TYPES = (*HEATMAP_TYPES, "heatmap_multiview_transformer")

MOST_READ = 4  # models of a project, to find the detector among them
CROPPED_IMAGES = "cropped_images"
LONGEST_NAME = 200  # characters; a folder can have 255 bytes
MOST_KEYPOINTS = 2000
LARGEST_IMAGE = 4096  # pixels a side, of the image the network takes


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
    results : Path or None
        Folder in which a folder of the model's name takes what the model finds; None for the model's own.
    views : tuple of str
        Names of the views that a model for several looks at together; empty for one of single videos.
    """

    path: Path
    config: dict[str, Any]
    checkpoint: Path | None
    model_type: str
    keypoint_names: tuple[str, ...]
    image_size: tuple[int, int]
    results: Path | None = None
    views: tuple[str, ...] = ()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        need_checkpoint: bool = True,
        results: Path | None = None,
        several_views: bool = False,
    ) -> ModelFolder:
        """Inspect a model folder; ``results`` as above, ``several_views`` if one for these will do.

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
        views = _views(config_file, data, model_type)
        if views and not several_views:
            raise _for_several(config_file, views)
        _check_kind(config_file, model_type, SEVERAL_VIEWS_TYPES if views else SINGLE_VIEW_TYPES)
        check_model_name(config_file, model.get("model_name", ""))
        checkpoint = find_checkpoint(path, str(model.get("model_name", "")))
        if checkpoint is None and need_checkpoint:
            raise _no_checkpoint(path, str(model.get("model_name", "")))
        return cls(
            path,
            config,
            checkpoint,
            model_type,
            _names(config_file, data),
            _image_size(config_file, data),
            None if results is None else Path(results).absolute(),
            views,
        )

    @classmethod
    def without_model(cls, path: str | Path, results: Path | None = None) -> ModelFolder:
        """A plain folder, for what needs a place for results and no model."""
        output = None if results is None else Path(results).absolute()
        return cls(Path(path).absolute(), {}, None, "", (), (0, 0), output)

    @property
    def output(self) -> Path:
        """Folder that ``video_preds``, ``cropped_videos`` and so on lie in."""
        return self.path if self.results is None else self.results / self.path.name

    @property
    def video_preds_dir(self) -> Path:
        return self.output / "video_preds"

    @property
    def image_preds_dir(self) -> Path:
        return self.output / "image_preds"

    @property
    def labeled_videos_dir(self) -> Path:
        return self.video_preds_dir / "labeled_videos"

    @property
    def cropped_data_dir(self) -> Path:
        return self.output / CROPPED_IMAGES

    @property
    def cropped_videos_dir(self) -> Path:
        return self.output / "cropped_videos"

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
    def is_of_crops(self) -> bool:
        """Whether it was trained on the crops of a detector, and so finds nothing in full frames."""
        return Path(str(self.config["data"].get("data_dir", ""))).name == CROPPED_IMAGES

    @property
    def scorer(self) -> str:
        """The first header row of its predictions."""
        return f"{self.model_type}_tracker"

    @property
    def fast(self) -> bool:
        """Whether frames go through our own decoding, cropping and batching, as all these models' do."""
        return self.model_type in SINGLE_VIEW_TYPES

    @property
    def description(self) -> str:
        """What kind of model it is, for a person."""
        return KINDS.get(self.model_type, self.model_type)


class ModelsNear(NamedTuple):
    """Models of the project that a video belongs to.

    Attributes
    ----------
    folders : tuple of Path
    detector : ModelFolder or None
        That which finds the animal in full frames; None if it is not clear which. Models that were
        trained on crops are none. Of several, it is the one that has predicted the video, or that a
        person has called a detector.
    """

    folders: tuple[Path, ...] = ()
    detector: ModelFolder | None = None

    @classmethod
    def among(cls, folders: Sequence[Path], video: Path) -> ModelsNear:
        """Find the detector; reads few files, a matter of milliseconds."""
        predicted = [each for each in folders if (each / "video_preds" / f"{video.stem}.csv").is_file()]
        called = [each for each in folders if "detect" in each.name.lower()]
        for clearer in (predicted, called, folders):
            if len(clearer) <= MOST_READ:
                models = [model for each in clearer if (model := _detector_in(each)) is not None]
                if len(models) == 1:
                    return cls(tuple(folders), models[0])
        return cls(tuple(folders))


def _detector_in(folder: Path) -> ModelFolder | None:
    with contextlib.suppress(CropzoomError, OSError):
        model = ModelFolder.open(folder)
        return None if model.is_of_crops else model
    return None


def check_model_name(config_file: Path, name: Any) -> None:
    """Refuse a name of a model, the folder below ``tb_logs``, that leads out of it on any system.

    Raises
    ------
    CropzoomError
    """
    parts = re.split(r"[/\\]", str(name))
    is_rooted = str(name)[:1] in ("/", "\\") or re.match(r"[A-Za-z]:", str(name))
    if is_rooted or ".." in parts or "\0" in str(name) or max(map(len, parts)) > LONGEST_NAME:
        raise CropzoomError(
            f"{config_file}: model.model_name is {brief(name)!r}, and checkpoints lie in a folder "
            "of that name below tb_logs. Give a plain name."
        )


def find_checkpoint(path: Path, model_name: str) -> Path | None:
    """Return the checkpoint Lightning Pose would load, None if there is none.

    The newest ``version_N`` counts; in it the one ending in ``-best.ckpt``, else the one with most steps
    (as ``lightning_pose.utils.io.ckpt_path_from_base_path``).
    """

    def number(pattern: str, text: str) -> int:
        match = re.search(pattern, text)
        return int(match.group(1)) if match else -1

    logs = path / "tb_logs" / model_name
    found = [p for p in logs.glob("version_*/checkpoints/*.ckpt") if p.is_file() and not is_hidden(p)]
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


def one_line(error: BaseException) -> str:
    """Return the first 200 characters of what an exception says, its class if it says nothing."""
    lines = str(error).strip().splitlines()
    return brief(lines[0] if lines else error, 200)


def _read_config(config_file: Path) -> dict[str, Any]:
    folder = config_file.parent
    if not folder.is_dir():
        raise CropzoomError(f"{folder}: is not a folder. Give the folder that `litpose train` wrote.")
    if not config_file.is_file():
        raise _no_config(folder)
    return read_yaml(config_file)


def _no_config(folder: Path) -> CropzoomError:
    """Say what is there instead, and what to do."""
    for name in (".hydra/config.yaml", "config.yml"):
        if (folder / name).is_file():
            return CropzoomError(
                f"{folder}: has {name} but no config.yaml, which Lightning Pose reads. Copy {name} to "
                f"{folder / 'config.yaml'}."
            )
    above = [each for each in list(folder.parents)[:4] if (each / "tb_logs").is_dir()]
    above = [each for each in above if (each / "config.yaml").is_file()]
    if above:
        return CropzoomError(f"{folder}: is a folder inside the model {above[0]}. Give {above[0]}.")
    try:
        names = sorted(p.name + ("/" if p.is_dir() else "") for p in folder.iterdir())
    except OSError as error:
        return CropzoomError(f"{folder}: cannot be read ({error.strerror or error}). Check your access.")
    models = [name for name in names if (folder / name / "config.yaml").is_file()]
    if models:
        return CropzoomError(
            f"{folder}: no config.yaml in it, but in {_listed(models)}. Give one of these folders."
        )
    return CropzoomError(
        f"{folder}: no config.yaml in it, so it is not a Lightning Pose model (there is "
        f"{_listed(names) or 'nothing'}). Give the folder that `litpose train` wrote."
    )


def _no_checkpoint(path: Path, model_name: str) -> CropzoomError:
    """Say where checkpoints are instead, and what to do."""
    place = f"tb_logs/{model_name}/version_0/checkpoints"
    found = sorted(
        {f for pattern in ("*.ckpt", "tb_logs/**/*.ckpt", "*/*.ckpt") for f in path.glob(pattern)}
    )
    named = [f.relative_to(path).parts[1:-3] for f in found if f.parent.name == "checkpoints"]
    others = sorted({"/".join(parts) for parts in named if parts} - {model_name})
    if others:
        return CropzoomError(
            f"{path}: no checkpoint in tb_logs/{model_name}, the model.model_name of config.yaml, but of "
            f"{_listed(others)}. Set model.model_name to {others[-1]} in {path / 'config.yaml'}, or "
            "rename that folder."
        )
    if found:
        there = _listed([f.relative_to(path).as_posix() for f in found])
        return CropzoomError(f"{path}: no checkpoint in {place}, but {there}. Move it there.")
    return CropzoomError(
        f"{path}: no checkpoint under tb_logs. Train for more epochs (litpose saves one whenever "
        f"it validates), or copy tb_logs/{model_name} from where it was trained."
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(brief(name) for name in names[:most]) + (", ..." if len(names) > most else "")


def _section(config: dict[str, Any], name: str, config_file: Path) -> dict[str, Any]:
    section = config.get(name)
    if not isinstance(section, dict):
        raise CropzoomError(f"{config_file}: has no section {name!r}. Copy it again from the model.")
    return section


def _views(config_file: Path, data: dict[str, Any], model_type: str) -> tuple[str, ...]:
    """Names of the views of a model for several; empty for one of single videos."""
    given = data.get("view_names") or ()
    views = tuple(map(str, given)) if isinstance(given, list) else ()
    if "multiview" in model_type and len(views) < 2:
        raise CropzoomError(
            f"{config_file}: model.model_type {brief(model_type)} is one for several views, and "
            "data.view_names does not list two. Copy it again from the model."
        )
    return views if len(views) > 1 else ()


def _for_several(config_file: Path, views: Sequence[str]) -> CropzoomError:
    return CropzoomError(
        f"{config_file}: a model for several views ({brief(', '.join(views[:9]))}), and only "
        "`cropzoom predict` takes it, with the videos of all views and --bbox_dir for their boxes. Give "
        "a model of single videos here."
    )


def _check_kind(config_file: Path, model_type: str, known: Sequence[str]) -> None:
    if model_type not in known:
        raise CropzoomError(
            f"{config_file}: model.model_type is {brief(model_type)!r}, "
            f"which is none of {', '.join(known)}. Use `litpose predict` for it."
        )


def _names(config_file: Path, data: dict[str, Any]) -> tuple[str, ...]:
    names = data.get("keypoint_names") or data.get("keypoints")
    if not isinstance(names, list) or not names:
        raise CropzoomError(
            f"{config_file}: data.keypoint_names is missing. List them in the labels file's order."
        )
    if len(names) > MOST_KEYPOINTS:
        raise CropzoomError(
            f"{config_file}: data.keypoint_names lists {len(names)}, and a model can have "
            f"{MOST_KEYPOINTS} at most. Copy it again from the model."
        )
    return tuple(str(name) for name in names)


def _image_size(config_file: Path, data: dict[str, Any]) -> tuple[int, int]:
    dims: Any = data.get("image_resize_dims")
    try:
        height, width = int(dims["height"]), int(dims["width"])
    except MISSHAPEN as error:
        raise CropzoomError(
            f"{config_file}: data.image_resize_dims needs height and width in pixels, as in training."
        ) from error
    if not 0 < min(height, width) <= max(height, width) <= LARGEST_IMAGE:
        raise CropzoomError(
            f"{config_file}: data.image_resize_dims is {brief(height)} x {brief(width)} pixels, and a "
            f"network takes 1 to {LARGEST_IMAGE} a side. Set it as in training."
        )
    return height, width


def check_two_models(detector: ModelFolder, pose: ModelFolder) -> None:
    """Refuse one folder as both, whose results would replace each other.

    Raises
    ------
    CropzoomError
    """
    if real_path(detector.path) == real_path(pose.path):
        raise CropzoomError(
            f"{pose.path}: is given as detector and as pose model, but their results would be the same "
            "files. Give a pose model of its own."
        )
