"""The sample project is whole, small, portable and safe, and its models are as good as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import napari_cropzoom
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.sample import (
    SAMPLE_VARIABLE,
    SampleProject,
    make_sample,
    sample_project,
    sample_root,
)
from napari_cropzoom.video.video import Video

ROOT = Path(__file__).parents[1]
KEYPOINTS = [
    "nose",
    "ear_left",
    "ear_right",
    "neck",
    "body_center",
    "hips",
    "tail_base",
    "tail_mid",
    "tail_tip",
]
FRAMES, HELD_OUT_FROM = 1200, 600
HARD = "shelter|mirror|dash"
MEGABYTE = 10**6
MODELS = ("detector", "pose")


@pytest.fixture(autouse=True)
def _own_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample beside these tests, found by itself unless the package is an installed copy."""
    monkeypatch.delenv(SAMPLE_VARIABLE, raising=False)
    if sample_root() is None:
        monkeypatch.setenv(SAMPLE_VARIABLE, str(Path(__file__).parents[1] / "sample_data"))


@pytest.fixture
def project() -> SampleProject:
    return sample_project()


@pytest.fixture
def truth(project: SampleProject) -> pd.DataFrame:
    return pd.read_csv(project.truth, index_col="frame", keep_default_na=False)


def checkpoint_of(model: Path) -> Path:
    [checkpoint] = model.glob(f"tb_logs/{model.name}/version_0/checkpoints/epoch=*-step=*-best.ckpt")
    return checkpoint


def test_video_and_truth_have_the_same_frames(project: SampleProject, truth: pd.DataFrame) -> None:
    video = Video(project.video)
    assert video.shape == (FRAMES, 1024, 1280, 3)
    assert list(truth.index) == list(range(FRAMES))


def test_truth_has_boxes_keypoints_and_places(truth: pd.DataFrame) -> None:
    assert list(truth.columns) == [
        *"xywh",
        *(f"{name}_{part}" for name in KEYPOINTS for part in ("x", "y", "visible")),
        "places",
    ]
    assert (truth[["w", "h"]] > 25).all().all()
    for name in KEYPOINTS[:7]:
        x, y = truth[f"{name}_x"], truth[f"{name}_y"]
        assert x.between(truth["x"] - 1, truth["x"] + truth["w"] + 1).all(), name
        assert y.between(truth["y"] - 1, truth["y"] + truth["h"] + 1).all(), name


@pytest.mark.parametrize("place", ["shelter", "mirror", "dash", "stop"])
def test_both_halves_have_every_place(truth: pd.DataFrame, place: str) -> None:
    there = truth["places"].str.contains(place)
    assert there[:HELD_OUT_FROM].sum() >= 10
    assert there[HELD_OUT_FROM:].sum() >= 10


def test_hidden_keypoints_are_the_shelters(truth: pd.DataFrame) -> None:
    visible = truth[[f"{name}_visible" for name in KEYPOINTS]]
    hidden = (visible == 0).any(axis=1)
    assert (hidden == truth["places"].str.contains("shelter")).all()
    assert (visible == 0).all(axis=1).any(), "the shelter never hides the whole animal"


def test_animal_is_where_the_truth_says(project: SampleProject, truth: pd.DataFrame) -> None:
    """The back is darker than the bedding a body's width to either side."""
    video = Video(project.video)
    for frame in (40, 340, 700, 900):
        row = truth.loc[frame]
        image = np.asarray(video[frame]).mean(axis=2)
        centre = np.array([row["body_center_x"], row["body_center_y"]])
        along = np.array([row["neck_x"], row["neck_y"]]) - [row["hips_x"], row["hips_y"]]
        side = np.array([-along[1], along[0]]) / np.hypot(*along)
        back, left, right = (image[_patch(centre + k * side)].mean() for k in (0, -52, 52))
        assert back < 0.7 * min(left, right), frame


def _patch(at: np.ndarray) -> tuple[slice, slice]:
    x, y = at.astype(int)
    return slice(y - 4, y + 5), slice(x - 4, x + 5)


def test_files_are_small(project: SampleProject) -> None:
    sizes = {path: path.stat().st_size for path in project.root.rglob("*") if path.is_file()}
    assert max(sizes.values()) < 10 * MEGABYTE, max(sizes, key=sizes.__getitem__)
    shipped = [size for path, size in sizes.items() if "_preds" not in str(path)]
    assert sum(shipped) < 32 * MEGABYTE


def test_no_file_names_a_machine(project: SampleProject) -> None:
    absolute = re.compile(r"(^|[\s'\"=,])(/(home|root|tmp|work|Users|mnt)/|[A-Z]:\\)", re.MULTILINE)
    for path in project.root.rglob("*"):
        if path.suffix in {".yaml", ".csv", ".md", ".json"} and "_preds" not in str(path):
            assert not absolute.search(path.read_text()), path


def test_labels_fit_the_project(project: SampleProject, truth: pd.DataFrame) -> None:
    labels = pd.read_csv(project.root / "CollectedData.csv", header=[0, 1, 2], index_col=0)
    assert list(dict.fromkeys(labels.columns.get_level_values(1))) == KEYPOINTS
    assert len(labels) >= 20
    for name in labels.index:
        assert (project.root / name).is_file()
        frame = int(Path(name).stem[3:])
        assert frame < HELD_OUT_FROM
        nose = labels.xs("nose", axis=1, level=1).loc[name].to_numpy()
        np.testing.assert_allclose(nose, truth.loc[frame, ["nose_x", "nose_y"]].astype(float))


@pytest.mark.parametrize("name", MODELS)
def test_model_config(project: SampleProject, name: str) -> None:
    config = yaml.safe_load((project.root / "models" / name / "config.yaml").read_text())
    assert config["model"]["backbone"] == "efficientnet_b0"
    assert config["model"]["backbone_pretrained"] is False
    assert config["data"]["keypoint_names"] == KEYPOINTS
    assert config == yaml.safe_load((project.root / f"config_{name}.yaml").read_text())


@pytest.mark.parametrize("name", MODELS)
def test_checkpoint_is_safe_and_weights_only(project: SampleProject, name: str) -> None:
    torch = pytest.importorskip("torch")
    path = checkpoint_of(project.root / "models" / name)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
    checkpoint = torch.load(path, weights_only=True)
    assert "optimizer_states" not in checkpoint
    floating = [value for value in checkpoint["state_dict"].values() if value.is_floating_point()]
    assert {value.dtype for value in floating} == {torch.float16}


@pytest.mark.parametrize(("name", "ratio", "most"), [("detector", None, 5.0), ("pose", 1.5, 2.0)])
def test_model_is_good_on_the_held_out_half(
    project: SampleProject, truth: pd.DataFrame, name: str, ratio: float | None, most: float
) -> None:
    api = pytest.importorskip("lightning_pose.api")
    model = api.Model.from_dir(project.root / "models" / name)
    easy = truth.index[~truth["places"].str.contains(HARD)]
    held_out = easy[easy >= HELD_OUT_FROM]
    video = Video(project.video)
    errors = []
    for frame in held_out[np.linspace(0, len(held_out) - 1, 12).astype(int)]:
        columns = [f"{part}_{axis}" for part in KEYPOINTS for axis in "xy"]
        points = truth.loc[frame, columns].to_numpy(float).reshape(-1, 2)
        box = None if ratio is None else _box(points, ratio)
        found = model.predict_frame(np.asarray(video[frame]), box)["keypoints"]
        errors.append(np.hypot(*(found - points).T))
    assert np.median(errors) <= most


def _box(points: np.ndarray, ratio: float) -> tuple[int, int, int, int]:
    side = int(np.ptp(points, axis=0).max() * ratio)
    x, y = np.clip(points.mean(axis=0) - side / 2, 0, None).astype(int)
    return int(x), int(y), side, side


def test_make_sample_gives_napari_a_layer(project: SampleProject) -> None:
    [(data, settings, kind)] = make_sample()
    assert kind == "image"
    assert settings["rgb"] is True
    assert data.shape == (FRAMES, 1024, 1280, 3)


def test_environment_names_another_sample(
    project: SampleProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "roaming.mp4").touch()
    monkeypatch.setenv(SAMPLE_VARIABLE, str(tmp_path))
    assert sample_project().detector == tmp_path / "models" / "detector"


def test_missing_sample_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SAMPLE_VARIABLE, str(tmp_path))
    assert sample_root() is None
    with pytest.raises(CropzoomError, match=re.escape(str(tmp_path))):
        make_sample()


def test_an_installed_copy_says_how_to_get_the_sample(tmp_path: Path) -> None:
    package = Path(napari_cropzoom.__file__).parent
    shutil.copytree(package, tmp_path / "site" / package.name, ignore=shutil.ignore_patterns("*.pyc"))
    environment = {name: value for name, value in os.environ.items() if name != SAMPLE_VARIABLE}
    code = "import napari_cropzoom.sample as s; print(s.__file__, flush=True); s.sample_project()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(tmp_path))
    assert "CropzoomError: The sample comes with napari-cropzoom's source" in done.stderr
    assert SAMPLE_VARIABLE in done.stderr


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout")
def test_git_ignores_what_is_made_of_the_sample_and_nothing_else():
    made = [
        "models/detector/video_preds/bboxes_reviewed/roaming_journal.jsonl",
        "models/detector/video_preds/labeled_videos/roaming_labeled.mp4",
        "models/detector/cropped_videos/cropped_roaming.mp4",
        "models/detector/cropped_images/labeled-data/roaming/img00000001.png",
        "models/detector/image_preds/CollectedData.csv/predictions.csv",
        "models/detector_improved/config.yaml",
        "videos/bboxes_drawn/roaming_bbox.csv",
    ]
    paths = [str(Path("sample_data", each)) for each in made]
    ask = ["git", "check-ignore", "--no-index", *paths]
    ignored = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ignored.splitlines() == paths
    ask = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
