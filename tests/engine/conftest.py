"""One video of blobs and one small model for all tests of a file that run a network."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from lpmodels import make_lp_model
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from onnx_models import load
from videos import make_blob_video

if importlib.util.find_spec("lightning_pose") is None:  # the extra 'pose' is not installed
    collect_ignore_glob = ["*test_*.py"]  # in the folders below too


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "blobs.mp4"
    make_blob_video(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return ModelFolder.open(make_lp_model(tmp_path_factory.mktemp("models") / "resnet18"))


@pytest.fixture(scope="module")
def engine(model: ModelFolder) -> Engine:
    return Engine.load(model)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, video: Path) -> tuple[Path, list[str]]:
    """A model whose export has been built, and what was said of it."""
    folder, said = make_lp_model(tmp_path_factory.mktemp("exported") / "model"), list[str]()
    load(folder, video, said)
    return folder, said


@pytest.fixture
def copy(exported: tuple[Path, list[str]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported[0], tmp_path / "copy"))
