"""The models of a project: what kind each is, how good, and what is wrong with its folder."""

from __future__ import annotations

import contextlib
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.status import COMPLETED, TrainingStatus
from napari_cropzoom.files.csv_table import read_text
from napari_cropzoom.files.names import is_hidden, name_key, real_path
from napari_cropzoom.files.parsing import MISSHAPEN, read_yaml

DETECTOR, POSE, FULL_FRAME, ENSEMBLE, UNKNOWN = "detector", "pose", "full frame", "ensemble", ""
MOST = 400  # folders that are looked into for models
ERRORS_FILE = "predictions_pixel_error.csv"
CROPPED_FILE, CROPPED_FOLDER = "cropped_", "cropped_images"
_TRACES = ("tb_logs", "video_preds", "image_preds", "train_status.json", "train_stdout.log", ".hydra")


@dataclass(frozen=True)
class ModelState:
    """A model of a project, as far as it can be told without torch.

    Attributes
    ----------
    path : Path
        Its folder.
    name : str
        As seen from the folder of the models: ``det``, or ``2026-11-29/12-30-00``.
    kind : str
        ``detector``, ``pose`` (on crops), ``full frame`` (no sign that boxes are made of it),
        ``ensemble``, or empty where nothing says.
    model_type : str
        ``heatmap`` and so on.
    keypoint_names : tuple of str
    error : float or None
        Median pixel error on labels that were not trained on, as Lightning Pose wrote it.
    n_labels : int
        Of how many keypoints in how many images that is.
    training : str
        How far a training is that runs or has ended early; empty for a finished one.
    problems : tuple of str
        Why it cannot be used as it is, what to watch.
    detector : str
        Folder of the detector that a pose model's labeled frames were cropped with; empty if unknown.
    folder : ModelFolder or None
        For where its results lie; None where it has none that can be told.
    """

    path: Path
    name: str
    kind: str = UNKNOWN
    model_type: str = ""
    keypoint_names: tuple[str, ...] = ()
    error: float | None = None
    n_labels: int = 0
    training: str = ""
    problems: tuple[str, ...] = ()
    detector: str = ""
    folder: ModelFolder | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it can predict."""
        return self.folder is not None and self.folder.checkpoint is not None


def find_models(roots: Iterable[Path], data_dir: Path) -> list[ModelState]:
    """Models in folders, at depth 1, and at depth 2 in what is no model itself.

    Parameters
    ----------
    roots : iterable of Path
        Folders of models; those that are not there are passed over.
    data_dir : Path
        Folder of the project, whose own folders are models too where they hold a trained one.

    Returns
    -------
    list of ModelState
        By name.
    """
    found: dict[Path, ModelState] = {}
    for root in roots:
        for path in _models_in(root):
            found.setdefault(real_path(path), read_model(path, path.relative_to(root).as_posix()))
    for path in _folders(data_dir):
        if is_model(path) and (path / "config.yaml").is_file() and (path / "tb_logs").is_dir():
            found.setdefault(real_path(path), read_model(path, path.name))
    return _together(sorted(found.values(), key=lambda model: name_key(model.name)))


def read_model(path: Path, name: str) -> ModelState:
    """Look into the folder of a model; what is wrong with it is told, never raised."""
    try:
        return _look_into(path, name)
    except OSError as error:  # such as a folder of another person
        told = f"{error.filename or path} cannot be read ({error.strerror or error})"
        return ModelState(path, name, problems=(told,))


def _look_into(path: Path, name: str) -> ModelState:
    state = ModelState(path, name)
    config_file = path / "config.yaml"
    if (path / "ensemble.yaml").is_file() and not config_file.is_file():
        return replace(state, kind=ENSEMBLE)
    state = replace(state, training=_training(path))
    if not config_file.is_file():
        return replace(state, problems=("config.yaml is missing: copy it from where it was trained",))
    try:
        config = read_yaml(config_file)
    except CropzoomError as error:
        return replace(state, problems=(str(error).removeprefix(f"{config_file}: "),))
    data, model = _section(config, "data"), _section(config, "model")
    names = data.get("keypoint_names") or data.get("keypoints")
    error_now, n_labels = _error(path)
    state = replace(
        state,
        model_type=brief(model.get("model_type", "")),
        keypoint_names=tuple(map(str, names)) if isinstance(names, list) else (),
        error=error_now,
        n_labels=n_labels,
    )
    try:
        folder = ModelFolder.open(path, need_checkpoint=False)
    except CropzoomError as error:
        return replace(state, problems=(str(error).removeprefix(f"{config_file}: "),))
    problems = () if folder.checkpoint or state.training else ("no checkpoint: train it for longer",)
    kind, detector = _kind(path, data)
    return replace(state, folder=folder, kind=kind, detector=detector, problems=problems)


def _models_in(root: Path) -> list[Path]:
    """Folders of models at depth 1, or 2 in what has no sign of a model."""
    found = list[Path]()
    for path in _folders(root):
        if is_model(path):
            found.append(path)
        else:
            found += [inner for inner in _folders(path) if is_model(inner)]
    return found[:MOST]


def is_model(path: Path) -> bool:
    """Whether a folder is that of a model, or of one whose configuration is missing."""
    try:
        return any((path / name).exists() for name in ("config.yaml", "ensemble.yaml", *_TRACES))
    except OSError:
        return False


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if not is_hidden(path) and path.is_dir())[:MOST]
    except OSError:
        return []


def _section(config: dict[str, Any], name: str) -> dict[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def _kind(path: Path, data: dict[str, Any]) -> tuple[str, str]:
    """What a model is for, by what it was trained on or has made, and with which detector."""
    files = data.get("csv_file") or ()
    files = [files] if isinstance(files, str) else files if isinstance(files, list) else []
    place = Path(str(data.get("data_dir") or ""))
    if place.name == CROPPED_FOLDER or any(Path(str(f)).name.startswith(CROPPED_FILE) for f in files):
        return POSE, str(place.parent) if place.name == CROPPED_FOLDER else ""
    made = (path / name for name in ("cropped_images", "cropped_videos", "bboxes_smoothed"))
    if any(each.is_dir() for each in made) or any((path / "video_preds").glob("*_bbox.csv")):
        return DETECTOR, ""
    name = path.name.casefold()
    return DETECTOR if "detect" in name else POSE if "pose" in name else FULL_FRAME, ""


def _together(models: list[ModelState]) -> list[ModelState]:
    """Tell which are the detectors of pose models, and which share a name."""
    used = {real_path(model.detector) for model in models if model.detector}
    counts = Counter(name_key(model.path.name) for model in models)
    result = []
    for model in models:
        if real_path(model.path) in used and model.kind == FULL_FRAME:
            model = replace(model, kind=DETECTOR)
        if (n := counts[name_key(model.path.name)]) > 1:
            told = f"{counted(n, 'model')} of this name: with --output_dir they write the same files"
            model = replace(model, problems=(*model.problems, told))
        result.append(model)
    return result


def _training(path: Path) -> str:
    """How far a training is that runs or has ended early; empty once it is done."""
    status = TrainingStatus.read(path)
    return "" if status.status in ("", COMPLETED) else status.told()


def _error(path: Path) -> tuple[float | None, int]:
    """Median pixel error over the labels that were not trained on, and how many images these are."""
    files = [path / ERRORS_FILE]
    with contextlib.suppress(OSError):
        files += sorted(path.glob(f"image_preds/*/{ERRORS_FILE}"))
    for file in files:
        if file.is_file():
            with contextlib.suppress(CropzoomError, *MISSHAPEN):
                return _held_out(list(csv.reader(read_text(file, "errors").splitlines())))
    return None, 0


def _held_out(rows: Sequence[Sequence[str]]) -> tuple[float | None, int]:
    header, *rows = rows
    place = header.index("set")
    held = [row for row in rows if len(row) == len(header) and row[place] in ("validation", "test")]
    cells = (cell for row in held for n, cell in enumerate(row[1:], 1) if n != place)
    values = np.array([float(cell) for cell in cells if cell.strip()], float)
    values = values[np.isfinite(values)]
    return (float(np.median(values)) if len(values) else None), len(held)
