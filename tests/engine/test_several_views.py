"""Models of several views: a real one on a recording of two videos, and all that is refused before."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import yaml

from conformance.litpose import run_litpose
from lpmodels import make_predictions_folder
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, run_stage
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.several_views import check_backbone, check_model, open_views, recordings
from napari_cropzoom.engine.views_predict import SeveralViews
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions, write_predictions
from napari_cropzoom.files.provenance import made_with_path, read_made_with
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_blob_video
from views import VIEWS, make_model_of_views

N = 20


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Path:
    """A model of two views, the two videos of session s1, and their boxes."""
    root = tmp_path_factory.mktemp("lab")
    make_model_of_views(root / "model")
    (root / "videos").mkdir()
    for place, view in enumerate(VIEWS):
        centres = make_blob_video(root / "videos" / f"s1_{view}.mp4", N, 320 - 64 * place).mean(axis=1)
        boxes = np.concatenate([centres - 40 - 8 * place, np.full((N, 2), 80 + 16 * place)], axis=1)
        write_bbox_csv(root / "boxes" / f"s1_{view}_bbox.csv", boxes)
    return root


@pytest.fixture
def here(lab, tmp_path) -> Path:
    """A copy of it."""
    copy = Path(shutil.copytree(lab, tmp_path / "lab"))
    change(copy, "data", data_dir=str(copy / "model"))
    return copy


def model_of(here: Path) -> ModelFolder:
    return ModelFolder.open(here / "model", several_views=True)


def change(here: Path, section: str, **values: object) -> None:
    file = here / "model" / "config.yaml"
    config = yaml.safe_load(file.read_text())
    config[section] |= values
    file.write_text(yaml.safe_dump(config))


def words(*more: object, here: Path) -> list[str]:
    return ["predict", str(here / "model"), str(here / "videos"), "--skip_viz", *map(str, more)]


def review(here: Path) -> Path:
    """Review both views: a box is set in each, and frames 3 and 4 of the left one have no animal."""
    for view in VIEWS:
        session = Session(Video(here / "videos" / f"s1_{view}.mp4"))
        session.load_boxes(here / "boxes" / f"s1_{view}_bbox.csv", source=Source.DETECTED)
        session.set_box(7, Box(60, 50, 90, 70))
        if view == "left":
            session.apply(mark_absent(session.track, 3, 4))
        saved = session.save()
        session.close()
    return Path(saved).parent


@pytest.mark.conformance
def test_a_reviewed_recording_is_predicted_as_by_litpose(here, capsys):
    """But for frames of which a review says that no animal is there."""
    boxes, progress = review(here), here / "progress.json"
    theirs = Path(shutil.copytree(here / "model", here / "theirs"))
    with ThreadPoolExecutor(1) as pool:  # both import torch meanwhile
        command = ["predict", theirs, here / "videos", "--bbox_dir", boxes, "--skip_viz"]
        done = pool.submit(run_litpose, [command])
        assert main(words("--bbox_dir", boxes, "--progress_file", progress, here=here)) == 0
        assert done.result() == []
    made = here / "model" / "video_preds"
    for name in ("s1_right.csv", "s1_right_temporal_norm.csv"):
        assert (made / name).read_bytes() == (theirs / "video_preds" / name).read_bytes()
    ours, litposes = (
        (folder / "video_preds" / "s1_left.csv").read_text().splitlines()
        for folder in (here / "model", theirs)
    )
    differing = [number for number, line in enumerate(ours) if line != litposes[number]]
    assert differing == [3 + 3, 3 + 4]  # after three lines of a header
    left = read_predictions(made / "s1_left.csv", N)
    assert np.isnan(left.xy[3:5]).all()
    assert (left.likelihood[3:5] == 0).all()
    for view in VIEWS:
        record = read_made_with(made_with_path(made / f"s1_{view}.csv"))
        assert record.boxes[7].tolist() == [60, 50, 90, 70]
        assert record.video_name == f"s1_{view}.mp4"
        assert record.boxes.shape == (N, 4)
        assert json.loads(record.model["other_views"]).keys() == set(VIEWS) - {view}
    assert json.loads(progress.read_text())["completed"] == N
    assert not [each for each in made.iterdir() if each.name.startswith(".")]
    capsys.readouterr()
    assert main(words("--bbox_dir", boxes, here=here)) == 0
    assert "skipping s1 (prediction files already exist)" in capsys.readouterr().out
    assert main(words(here=here)) == 0
    assert "were made with boxes: --overwrite runs all" in capsys.readouterr().out


def test_refuses_before_work_what_litpose_would_stumble_over(here, capsys):
    def refusal(*more: object, code: int = 1) -> str:
        assert main(words(*more, here=here)) == code
        assert not (here / "model" / "video_preds").exists()
        return capsys.readouterr().err

    left, right = (here / "videos" / f"s1_{view}.mp4" for view in VIEWS)
    boxes = here / "boxes" / "s1_right_bbox.csv"
    away = boxes.rename(here / "away.csv")
    assert f"{boxes}: there are no boxes for s1_right.mp4" in refusal("--bbox_dir", here / "boxes")
    away.rename(boxes)
    assert "--only_changed: is not for models of several views" in refusal("--only_changed")
    assert "--runtime: is not for models" in refusal("--runtime", "onnx")
    kept = right.rename(here / "kept.mp4")
    assert "s1: the video of the view right is missing (there is s1_left.mp4)" in refusal()
    make_blob_video(right, N - 1, 256)
    said = refusal()
    assert f"{right}: has 19 frames, and s1_left.mp4 has 20." in said
    right.unlink()
    kept.rename(right)
    (here / "model" / "labels_right.csv").unlink()
    assert "labels_right.csv: no such file. Lightning Pose reads the labels" in refusal()
    left.rename(here / "videos" / "other.mp4")
    right.unlink()
    assert "its name holds none of the model's views (left, right)" in refusal()


def test_refuses_a_model_that_cannot_be_run_here(here, monkeypatch):
    change(here, "data", csv_file=["labels_left.csv"])
    with pytest.raises(CropzoomError, match=r"lists 1 file of labels, and there are 2 views"):
        check_model(model_of(here))
    monkeypatch.setenv("HF_HUB_CACHE", str(here / "hub"))
    monkeypatch.delenv("HF_HOME", raising=False)
    with pytest.raises(CropzoomError, match=r"vits_dino would be downloaded \(facebook/dino-vits16\)"):
        check_backbone(here / "config.yaml", "vits_dino")
    there = here / "hub" / "models--facebook--dino-vits16" / "snapshots" / "1" / "config.json"
    there.parent.mkdir(parents=True)
    there.write_text("{}")
    check_backbone(here / "config.yaml", "vits_dino")
    check_backbone(here / "config.yaml", "resnet18")


def test_looks_into_the_checkpoint_first(here):
    import torch

    checkpoint = model_of(here).checkpoint
    torch.save({"state_dict": {}, "evil": os.system}, checkpoint)
    with pytest.raises(CropzoomError, match="would run code of its own"):
        check_model(model_of(here))


def test_refuses_names_that_litpose_takes_for_another_view(here):
    change(here, "data", view_names=["cam1", "cam10"])
    with pytest.raises(CropzoomError, match="the view cam1 is part of the name cam10"):
        recordings(model_of(here), [])
    change(here, "data", view_names=["left", "right"])
    videos = [here / "videos" / name for name in ("right_s1_left.mp4", "right_s1_right.mp4")]
    found = recordings(model_of(here), videos)
    with pytest.raises(CropzoomError, match="does not know for certain that this is the view"):
        open_views(model_of(here), "right_s1", found["right_s1"])


def test_only_predict_takes_such_a_model(lab):
    with pytest.raises(
        CropzoomError, match=r"several views \(left, right\), and only `cropzoom predict`"
    ):
        ModelFolder.open(lab / "model")


@pytest.mark.parametrize(
    "words",
    [
        "run videos --detector MODEL --pose single",
        "run videos --detector single --pose MODEL",
        "batch videos --detector MODEL --pose single",
        "batch videos --detector single --pose MODEL",
        "batch videos --detector MODEL --until boxes --scheduler local",
        "create_bbox MODEL videos",
        "crop MODEL videos",
        "train config.yaml --detector_model MODEL --output_dir out",
        "evaluate project --detector MODEL --pose single",
        "evaluate project --detector single --pose MODEL",
        "evaluate project --detector single --pose single --full_frame MODEL",
        "improve project --detector MODEL",
        "improve project --detector single --pose MODEL",
        "improve project --detector single --compare MODEL",
    ],
)
def test_what_works_on_single_videos_refuses_it_first(words, here, capsys, monkeypatch):
    shutil.copytree(here / "model", here / "single")
    config = yaml.safe_load((here / "model" / "config.yaml").read_text())
    del config["data"]["view_names"]
    (here / "single" / "config.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(here / "single" / "config.yaml", here)
    (here / "project" / "videos").mkdir(parents=True)
    shutil.copy(here / "model" / "labels_left.csv", here / "project" / "CollectedData.csv")
    before = sorted(here.rglob("*"))
    monkeypatch.chdir(here)
    assert main(words.replace("MODEL", "model").split()) == 1
    said = capsys.readouterr().err
    assert "a model for several views (left, right), and only `cropzoom predict` takes it" in said
    assert "Give a model of single videos here." in said
    assert said.count("\n") == 1
    assert sorted(here.rglob("*")) == before


def test_boxes_of_the_views_lie_where_litpose_looks_for_them(here):
    poses = Poses(("nose", "tail"), np.full((N, 2, 2), 50.0), np.ones((N, 2)))
    poses.xy[:, 1] += 20
    folder = make_predictions_folder(here / "detector", here / "videos" / "s1_left.mp4", poses)
    write_predictions(folder / "video_preds" / "s1_right.csv", poses)
    assert main(["create_bbox", str(folder), str(here / "videos")]) == 0
    for view in VIEWS:
        assert (folder / "video_preds" / f"s1_{view}_bbox.csv").is_file()


def test_the_process_ends_with_the_stage_and_is_missed_where_it_ends_by_itself(here):
    model = model_of(here)
    views = open_views(model, "s1", recordings(model, sorted((here / "videos").iterdir()))["s1"])
    with SeveralViews(model) as predictor:
        stage = predictor.predict(views)
        assert next(stage) == Progress(0, N, "loading model")
        (child,) = active_children()
        stage.close()
        assert not child.is_alive()
        stage = predictor.predict(views)
        next(stage)
        (child,) = active_children()
        child.kill()
        with pytest.raises(
            CropzoomError, match=r"s1_left.mp4: the process that predicts has ended by itself"
        ):
            run_stage(stage)
    assert not active_children()
    assert not list(model.video_preds_dir.iterdir())
