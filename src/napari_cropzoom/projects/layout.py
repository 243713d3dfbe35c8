"""Reading the folder of a project: of Lightning Pose's app, of its commands, or just of videos."""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.files.csv_table import is_empty
from napari_cropzoom.files.names import is_hidden, name_key, real_path
from napari_cropzoom.files.parsing import MISSHAPEN, read_yaml, size_of
from napari_cropzoom.files.review_paths import doubt_of_places
from napari_cropzoom.projects.models import ModelState, find_models
from napari_cropzoom.projects.walking import videos_below

PROJECT_FILE = "project.yaml"
REGISTRY = Path(".lightning-pose") / "projects.toml"
MODEL_FOLDERS = ("models", "outputs")
FRAMES_FOLDER = "labeled-data"
OUT_OF_TRAINING = ("_new", "_test")  # ends of Lightning Pose's names for labels that are not trained on
MOST_LABEL_BYTES = 200_000_000
_HEAD = 4000  # characters that the header of a labels file has at most, for a quick look


@dataclass(frozen=True)
class LabelsFile:
    """Labeled frames of a project: the file, and how many rows and keypoints it has."""

    path: Path
    n_images: int
    keypoint_names: tuple[str, ...]


@dataclass(frozen=True)
class Project:
    """What lies in the folder of a project.

    Attributes
    ----------
    data_dir : Path
        Folder of the videos and labels.
    name : str
        Its key in the app, or else the folder's name.
    kind : str
        ``Lightning Pose project`` or ``folder of videos``.
    videos : tuple of Path
    models : tuple of ModelState
    labels : tuple of LabelsFile
    keypoint_names, view_names : tuple of str
        As ``project.yaml`` has them.
    notes : tuple of str
        What a person should know, such as folders that cannot be read.
    output_dir : Path or None
        Folder that takes results, as ``--output_dir`` of the commands; None for the models' own folders.
    """

    data_dir: Path
    name: str
    kind: str
    videos: tuple[Path, ...]
    models: tuple[ModelState, ...]
    labels: tuple[LabelsFile, ...] = ()
    keypoint_names: tuple[str, ...] = ()
    view_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    output_dir: Path | None = None

    @classmethod
    def open(cls, folder: Path, output_dir: Path | None = None) -> Project:
        """Read a project; no video is opened.

        Parameters
        ----------
        folder : Path
            Of the project, its videos or its models, or any folder of videos.
        output_dir : Path or None

        Raises
        ------
        CropzoomError
            If it is no folder, cannot be read, or holds neither a video nor a model.
        """
        folder = Path(folder).expanduser().absolute()
        _check(folder)
        notes = [*filter(None, [doubt_of_places()])]
        key, data_dir, model_dir = _registered(folder, notes)
        settings = _settings(data_dir, notes)
        roots = [data_dir / name for name in MODEL_FOLDERS]
        if model_dir is not None and model_dir not in roots:
            roots.insert(0, model_dir)
        models = find_models(roots, data_dir)
        labels = tuple(_labels(data_dir))
        is_project = bool(key) or settings is not None or bool(labels) or bool(models)
        left_out = {
            real_path(path) for path in (*roots, *(m.path for m in models), data_dir / FRAMES_FOLDER)
        }
        if output_dir is not None and real_path(output_dir) != real_path(data_dir):
            left_out.add(real_path(output_dir))
        named = _video_folders(data_dir) if is_project else []
        videos = [
            video for each in named or [data_dir] for video in videos_below(each, left_out, notes.append)
        ]
        if not videos and not models and not labels:
            raise CropzoomError(
                f"{folder}: holds no video and no model. Give the folder of a Lightning Pose project, or "
                "a folder with videos in it."
            )
        content = settings or {}
        return cls(
            data_dir,
            key or data_dir.name or str(data_dir),
            "Lightning Pose project" if is_project else "folder of videos",
            tuple(videos),
            tuple(models),
            labels,
            _names(content.get("keypoint_names")),
            _names(content.get("view_names")),
            tuple(notes),
            None if output_dir is None else output_dir.absolute(),
        )

    def results_of(self, video: Path) -> Path | None:
        """Folder for the results of a video below :attr:`output_dir`, as ``cropzoom batch`` has it."""
        if self.output_dir is None:
            return None
        for root in (*_video_folders(self.data_dir), self.data_dir):
            if video.is_relative_to(root):
                return self.output_dir / video.parent.relative_to(root)
        return self.output_dir

    def shown(self, video: Path) -> str:
        """Name of a video as seen from the project, with slashes."""
        return os.path.relpath(video, self.data_dir).replace(os.sep, "/")


def _check(folder: Path) -> None:
    try:
        names = os.listdir(folder)
    except FileNotFoundError as error:
        raise CropzoomError(
            f"{folder}: there is no such folder. Give the folder of a project."
        ) from error
    except NotADirectoryError as error:
        raise CropzoomError(f"{folder}: is a file. Give the folder of a project.") from error
    except OSError as error:
        raise CropzoomError(
            f"{folder}: cannot be read ({error.strerror or error}). Check your access and the drive."
        ) from error
    if "config.yaml" in names and "tb_logs" in names:
        raise CropzoomError(
            f"{folder}: is the folder of one model. Give that of its project, such as "
            f"{folder.parent.parent}."
        )


def _registered(folder: Path, notes: list[str]) -> tuple[str, Path, Path | None]:
    """Key, folder of the data and folder of the models, as the app has them; else this folder."""
    here = real_path(folder)
    for key, entry in _registry(notes):
        data_dir = Path(str(entry["data_dir"])).expanduser()
        model_dir = Path(str(entry["model_dir"])).expanduser() if entry.get("model_dir") else None
        places = [data_dir, *([] if model_dir is None else [model_dir])]
        if here in [real_path(place) for place in places] and data_dir.is_dir():
            return key, folder if real_path(data_dir) == here else data_dir, model_dir
    return "", folder, None


def _registry(notes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Projects that the app knows: key and entry."""
    path = Path.home() / REGISTRY
    try:
        size_of(path)
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, *MISSHAPEN) as error:
        notes.append(f"{path}: cannot be read ({brief(error)}), so the app's projects are not known.")
        return
    tables = [content, *(each for each in content.values() if isinstance(each, dict))]
    for table in tables:
        for key, entry in table.items():
            if isinstance(entry, dict) and isinstance(entry.get("data_dir"), str):
                yield str(key), entry


def _settings(data_dir: Path, notes: list[str]) -> dict[str, Any] | None:
    path = data_dir / PROJECT_FILE
    if not path.is_file():
        return None
    try:
        return read_yaml(path)
    except CropzoomError as error:
        notes.append(str(error))
        return {}


def _names(content: object) -> tuple[str, ...]:
    return tuple(map(str, content)) if isinstance(content, list) else ()


def _video_folders(data_dir: Path) -> list[Path]:
    """The folders ``videos*`` of a project."""
    with contextlib.suppress(OSError):
        return sorted(
            path
            for path in data_dir.iterdir()
            if name_key(path.name).startswith("videos") and path.is_dir()
        )
    return []


def _labels(data_dir: Path) -> Iterator[LabelsFile]:
    """Tables of labeled frames in the folder itself."""
    with contextlib.suppress(OSError):
        for path in sorted(data_dir.glob("*.csv")):
            if is_hidden(path) or not path.is_file() or path.stat().st_size > MOST_LABEL_BYTES:
                continue
            with contextlib.suppress(OSError, ValueError):
                if (found := _labels_file(path)) is not None:
                    yield found


def _labels_file(path: Path) -> LabelsFile | None:
    """The table, if its header and first row are those of labeled images."""
    with path.open(encoding="utf-8-sig") as file:
        head = [file.readline(_HEAD).rstrip("\r\n") for _ in range(4)]
        first = [line.split(",")[0].strip().lower() for line in head]
        if first[:3] != ["scorer", "bodyparts", "coords"] or not head[3]:
            return None
        if head[3].split(",")[0].strip().isdigit():
            return None  # keypoints of a video
        cells = [cell for cell in head[1].split(",")[1:] if not is_empty(cell.strip())]
        names = tuple(dict.fromkeys(cells))
        return LabelsFile(path, 1 + sum(1 for line in file if line.strip()), names)
