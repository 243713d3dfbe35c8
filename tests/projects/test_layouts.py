"""Project folders as Lightning Pose, its app and labs have them, made here file by file."""

import json
import os
import shutil
from pathlib import Path

import psutil
import pytest
import yaml

from lpmodels import model_config
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import DETECTOR, ENSEMBLE, FULL_FRAME, POSE

NAMES = ("nose", "tail")
LABELS = (
    "scorer,lp,lp,lp,lp\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"
    "labeled-data/a/img00000001.png,1,2,3,4\nlabeled-data/a/img00000007.png,1,2,3,4\n"
)
ERRORS = (
    ",nose,tail,set\nlabeled-data/a/img1.png,1.0,2.0,train\n"
    "labeled-data/a/img2.png,4.0,6.0,validation\nlabeled-data/a/img3.png,8.0,,test\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, for the app's registry."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    return folder


def model(folder: Path, *, checkpoint: bool = True, **data: object) -> Path:
    folder.mkdir(parents=True)
    config = model_config(folder, "resnet18", "heatmap", NAMES, 64)
    config["data"] |= data
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    checkpoints = folder / "tb_logs" / "blobs" / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    if checkpoint:
        (checkpoints / "epoch=1-step=2-best.ckpt").write_bytes(b"weights")
    return folder


def video(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"never opened")
    return path


def status(folder: Path, **content: object) -> None:
    (folder / "train_status.json").write_text(json.dumps(content))


def lab(root: Path) -> Path:
    """A project with its videos, labels and a detector."""
    video(root / "videos" / "b.mp4")
    video(root / "videos_new" / "day 1" / "a.avi")
    (root / "CollectedData.csv").write_text(LABELS)
    model(root / "models" / "det")
    return root


def shown(project: Project) -> list[str]:
    return [project.shown(each) for each in project.videos]


def test_a_project_of_the_app_is_read_by_its_registry(tmp_path: Path, home: Path) -> None:
    root = lab(tmp_path / "mäuse [2]")
    elsewhere = tmp_path / "trained elsewhere"
    model(elsewhere / "pose one", csv_file="cropped_CollectedData.csv")
    (root / "project.yaml").write_text(
        "schema_version: 1\nview_names: []\nkeypoint_names: [nose, tail]\nskeleton: [[nose, tail]]\n"
    )
    registry = home / ".lightning-pose" / "projects.toml"
    registry.parent.mkdir()
    registry.write_text(
        f"[mice]\ndata_dir = {str(root)!r}\nmodel_dir = {str(elsewhere)!r}\n[gone]\ndata_dir = '/none'\n"
    )
    for given in (root, elsewhere):
        project = Project.open(given)
        assert (project.name, project.kind) == ("mice", "Lightning Pose project")
        assert shown(project) == ["videos/b.mp4", "videos_new/day 1/a.avi"]
        assert [(each.name, each.kind) for each in project.models] == [
            ("det", FULL_FRAME),
            ("pose one", POSE),
        ]
        assert project.keypoint_names == NAMES
        assert [(each.n_images, each.keypoint_names) for each in project.labels] == [(2, NAMES)]


@pytest.mark.parametrize("empty", ["", "Unnamed: 1_level_0"])
def test_labels_whose_images_are_named_in_three_columns_have_the_same_keypoints(
    tmp_path: Path, empty: str
) -> None:
    root = lab(tmp_path / "lab")
    lines = LABELS.splitlines()
    parted = [line.replace(",", f",{empty},{empty},", 1) for line in lines[:3]]
    parted += [line.replace("/", ",") for line in lines[3:]]
    (root / "CollectedData.csv").write_text("\n".join(parted) + "\n")
    assert [(each.n_images, each.keypoint_names) for each in Project.open(root).labels] == [(2, NAMES)]


def test_models_at_depth_two_and_of_two_names_missing_parts_and_a_detector_of_a_pose_model(
    tmp_path: Path,
) -> None:
    root = lab(tmp_path / "lab")
    dated = model(root / "outputs" / "2026-11-29" / "det", checkpoint=False)
    crops = root / "models" / "det" / "cropped_images"
    model(root / "models" / "nose", csv_file="cropped_CollectedData.csv", data_dir=str(crops))
    (root / "models" / "nose" / "predictions_pixel_error.csv").write_text(ERRORS)
    bare = root / "models" / "without"
    (bare / "tb_logs").mkdir(parents=True)
    (root / "models" / "eks").mkdir()
    (root / "models" / "eks" / "ensemble.yaml").write_text("models: []\n")
    broken = model(root / "models" / "broken")
    (broken / "config.yaml").write_text("data: [1, 2\n")
    found = {each.name: each for each in Project.open(root).models}
    assert sorted(found) == ["2026-11-29/det", "broken", "det", "eks", "nose", "without"]
    assert found["2026-11-29/det"].path == dated
    assert found["det"].kind == DETECTOR  # a pose model was trained on its crops
    assert (found["nose"].kind, found["nose"].keypoint_names) == (POSE, NAMES)
    assert found["eks"].kind == ENSEMBLE
    assert (found["nose"].error, found["nose"].n_labels) == (6.0, 2)
    assert [
        found[name].problems[0].split(":")[0] for name in ("2026-11-29/det", "broken", "without")
    ] == [
        "no checkpoint",
        "is not readable YAML (line 2",
        "config.yaml is missing",
    ]
    for name in ("det", "2026-11-29/det"):
        assert "2 models of this name" in found[name].problems[-1]
    assert [found[name].is_ready for name in ("det", "without", "broken")] == [True, False, False]


def test_trainings_that_run_or_have_ended_early(tmp_path: Path) -> None:
    root, here = lab(tmp_path / "lab"), psutil.Process().pid
    gone = max(psutil.pids()) + 10_000_000
    progress = {"completed": 12, "total": 300, "timestamp": "now"}
    for name, content in {
        "runs": {"status": "TRAINING", "pid": here, "progress": progress},
        "stopped": {"status": "TRAINING", "pid": gone, "progress": progress},
        "unknown": {"status": "TRAINING", "progress": progress},
        "cancelled": {"status": "CANCELED", "progress": progress},
        "done": {"status": "COMPLETED", "progress": progress},
    }.items():
        status(model(root / "models" / name), **content)
    (model(root / "models" / "odd") / "train_status.json").write_text("[]")
    told = {each.name: each.training for each in Project.open(root).models}
    assert told == {
        "det": "",
        "runs": f"training (process {here}), 12 of 300 epochs",
        "stopped": f"ended without a word: process {gone} is gone, 12 of 300 epochs",
        "unknown": "training, 12 of 300 epochs",
        "cancelled": "canceled, 12 of 300 epochs",
        "done": "",
        "odd": "",
    }


def test_links_to_a_model_a_video_and_the_project_count_once_and_dead_ones_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = lab(tmp_path / "lab")
    links = {
        root / "models" / "pose": model(tmp_path / "store" / "p", csv_file="cropped_CollectedData.csv"),
        root / "outputs" / "det again": root / "models" / "det",
        root / "models" / "lost": tmp_path / "nothing",
        root / "videos" / "linked.mp4": video(tmp_path / "disk" / "x.mp4"),
        root / "videos" / "lost.mp4": tmp_path / "nothing.mp4",
        tmp_path / "by link": root,
    }
    for link, target in links.items():
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(target, target_is_directory=target.is_dir())
    project = Project.open(tmp_path / "by link")
    assert shown(project)[:3] == ["videos/b.mp4", "videos/linked.mp4", "videos/lost.mp4"]
    assert [(each.name, each.kind) for each in project.models] == [("det", FULL_FRAME), ("pose", POSE)]
    assert main(["project", str(root), "--json"]) == 0
    told = {each["video"]: each["problems"] for each in json.loads(capsys.readouterr().out)["videos"]}
    lost = told.pop(str(root / "videos" / "lost.mp4"))
    assert lost == [f"a link to {tmp_path / 'nothing.mp4'}, where there is no such file"]
    assert not any(told.values())


def test_any_folder_of_videos_with_links_hidden_ones_and_results_left_out(tmp_path: Path) -> None:
    root = tmp_path / "aufnahmen ü"
    for name in ("a.mp4", "in ner/b.MKV", ".hidden/c.mp4", "in ner/cropped_videos/d.mp4", "._e.mp4"):
        video(root / name)
    store = video(tmp_path / "store" / "f.mp4").parent
    (root / "linked").symlink_to(store, target_is_directory=True)
    (store / "back").symlink_to(root, target_is_directory=True)
    project = Project.open(root)
    assert (project.kind, project.name) == ("folder of videos", "aufnahmen ü")
    assert sorted(shown(project)) == ["a.mp4", "in ner/b.MKV", "linked/f.mp4"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    root = lab(tmp_path / "lab")
    closed = video(root / "videos" / "closed" / "c.mp4").parent
    closed.chmod(0)
    try:
        project = Project.open(root)
    finally:
        closed.chmod(0o755)
    assert len(project.videos) == 2
    assert str(closed) in project.notes[0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no such folder"),
        (lambda path: path.write_text(""), "is a file"),
        (lambda path: path.mkdir(), "holds no video and no model"),
        (lambda path: model(path), "is the folder of one model"),
    ],
)
def test_what_is_no_project_is_refused_with_the_cure(tmp_path: Path, make, said: str) -> None:
    make(tmp_path / "x")
    with pytest.raises(CropzoomError, match=said):
        Project.open(tmp_path / "x")


def test_a_registry_or_project_file_that_is_broken_is_told_and_passed_over(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = lab(tmp_path / "lab")
    (home / ".lightning-pose").mkdir()
    (home / ".lightning-pose" / "projects.toml").write_text("[x\n")
    (root / "project.yaml").write_text("a: [\n")
    assert main(["project", str(root)]) == 0
    printed = capsys.readouterr()
    assert "projects.toml" in printed.err
    assert "project.yaml" in printed.err
    assert "videos/b.mp4" in printed.out


def test_two_hundred_videos_take_well_under_a_second_each(tmp_path: Path) -> None:
    """The second time nothing is read again; the bound is wide for a machine that is busy."""
    root = lab(tmp_path / "lab")
    for n in range(200):
        shutil.copy(root / "videos" / "b.mp4", root / "videos" / f"v{n}.mp4")
    cpu = psutil.Process().cpu_times()
    assert main(["project", str(root), "--json"]) == 0
    spent = psutil.Process().cpu_times()
    assert spent.user + spent.system - cpu.user - cpu.system < 200 * 0.1
