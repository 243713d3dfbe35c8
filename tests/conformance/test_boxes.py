"""``create_bbox``, ``smooth_bbox``, ``remap`` against the ``litpose`` installed here: the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import run_litpose, write_model_config
from napari_cropzoom.cli import main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.predictions_csv import write_predictions

pytest.importorskip("lightning_pose", reason="needs lightning-pose, the extra 'pose'")
pytestmark = pytest.mark.conformance

NAMES = ("nose", "ear_left", "ear_right", "tail_base")
SIZES = {
    "default": [],
    "ratio 1.5": ["--crop_ratio", "1.5"],
    "ratio 2.0": ["--crop_ratio=2.0"],
    "ratio 3.3": ["--crop_ratio", "3.3"],
    "size 100": ["--crop_size", "100"],
    "size 101": ["--crop_size=101"],
    "anchors": ["--anchor_keypoints", "nose,tail_base", "--crop_ratio", "2.7"],
    "anchor, size": ["--anchor_keypoints=ear_left", "--crop_size", "77"],
}
WINDOWS = (1, 2, 5, 6, 51)
PROGRAMS = ("litpose", "cropzoom")


def walk(n: int, seed: int) -> Poses:
    rng = np.random.default_rng(seed)
    middle = np.cumsum(rng.normal(0, 5, (n, 1, 2)), axis=0) + np.array([200, 150])
    xy = middle + rng.normal(0, 25, (n, len(NAMES), 2))
    return Poses(NAMES, xy.astype(np.float32).astype(float), rng.uniform(0, 1, (n, len(NAMES))))


def make_project(folder: Path) -> Path:
    """Two videos (by name only) and one label CSV with predictions, as a detector leaves them."""
    model = write_model_config(folder / "model", NAMES, folder)
    for stem, n, seed in (("a", 400, 1), ("b", 3, 2)):
        (folder / "videos").mkdir(exist_ok=True)
        (folder / "videos" / f"{stem}.mp4").touch()
        write_predictions(model / "video_preds" / f"{stem}.csv", walk(n, seed))
    (folder / "CollectedData.csv").touch()
    images = [f"labeled-data/session, {i}/img{i:03}.png" for i in range(20)]
    write_predictions(
        model / "image_preds" / "CollectedData.csv" / "predictions.csv", walk(20, 3), images
    )
    return model


def commands(root: Path) -> list[list[str]]:
    """All commands on the project of one program."""
    todo = []
    for name, flags in SIZES.items():
        project = root / name
        inputs = [str(project / "videos"), str(project / "CollectedData.csv")]
        todo.append(["create_bbox", str(project / "model"), *inputs, *flags])
    project = root / "default"
    preds = project / "model" / "video_preds"
    for window in WINDOWS:
        smooth = ["smooth_bbox", str(preds), "--output_dir", str(root / f"smooth{window}")]
        todo.append([*smooth, "--window", str(window)] if window != 5 else smooth)
    fixed = root / "size 101" / "model"
    todo.append(
        ["remap", str(fixed / "video_preds" / "a.csv"), str(fixed / "video_preds" / "a_bbox.csv")]
    )
    labels = fixed / "image_preds" / "CollectedData.csv"
    todo.append(["remap", str(labels / "predictions.csv"), str(labels / "bbox.csv")])
    return todo


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both programs run at the same place, one after the other, so that absolute paths agree."""
    base = tmp_path_factory.mktemp("boxes")
    work = base / "work"
    for program in PROGRAMS:
        for name in SIZES:
            (work / name).mkdir(parents=True)
            make_project(work / name)
        if program == "litpose":
            assert run_litpose(commands(work)) == []
        else:
            assert [main(command) for command in commands(work)] == [0] * len(commands(work))
        shutil.move(work, base / program)
    return base


def same_bytes(results: Path, path: str) -> bytes:
    theirs, ours = ((results / program / path).read_bytes() for program in PROGRAMS)
    assert ours == theirs
    return ours


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("stem", ["a", "b"])
def test_create_bbox_on_videos(results, name, stem):
    assert same_bytes(results, f"{name}/model/video_preds/{stem}_bbox.csv").startswith(b",x,y,h,w\n0,")


@pytest.mark.parametrize("name", SIZES)
def test_create_bbox_on_labelled_frames(results, name):
    boxes = same_bytes(results, f"{name}/model/image_preds/CollectedData.csv/bbox.csv")
    assert boxes.splitlines()[1].startswith(b'"labeled-data/session, 0/img000.png",')


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("file", ["a_bbox.csv", "b_bbox.csv", "metadata.json"])
def test_smooth_bbox(results, window, file):
    same_bytes(results, f"smooth{window}/{file}")


def test_remap_where_the_crop_was_not_resized(results):
    same_bytes(results, "size 101/model/video_preds/remapped_a.csv")
    same_bytes(results, "size 101/model/image_preds/CollectedData.csv/remapped_predictions.csv")
