"""Two videos of one name and one model: never a frame of the other's."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import write_model_config
from napari_cropzoom.cli import main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import check_made_of, doubt_of, made_of, record_path, sign
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.video.index import VideoIndex
from videos import pattern_video

N = 24


def predict(output: Path, video: Path, start: float, *, record: bool = True) -> None:
    """Leave what `cropzoom predict` leaves, keypoints from ``start`` on; `litpose` leaves no record."""
    nose = np.column_stack([start + np.arange(N), np.full(N, 20.0)])
    xy = np.stack([nose, nose + np.array([14, 11])], axis=1)
    csv = output / "video_preds" / f"{video.stem}.csv"
    write_predictions(csv, Poses(("nose", "tail"), xy, np.full((N, 2), 0.9)))
    made_with_path(csv).unlink(missing_ok=True)
    if record:
        identity = video_identity(VideoIndex.scan(video))
        made = MadeWith({}, "cpu", identity, None, file_sha256(csv), video_name=video.name)
        write_made_with(made_with_path(csv), made)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A detector, and videos of one name of two days, as long as each other; day 1 has been predicted."""
    model = write_model_config(tmp_path / "model", ("nose", "tail"), tmp_path)
    for day, rate in (("day1", 30), ("day2", 25), ("day3", 30), ("in", 30)):
        (tmp_path / day).mkdir()
        if day in ("day1", "day2"):
            pattern_video(tmp_path / day / "cam1.mp4", N, rate=rate)
    predict(model, tmp_path / "day1" / "cam1.mp4", 20)
    return tmp_path


def go(*words: str | Path) -> int:
    return main([str(word) for word in words])


def kept(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path, only_read: bool = False) -> None:
    capsys.readouterr()
    assert go(*words) == 1
    said = capsys.readouterr().err
    assert "was made of another file (cam1.mp4" in said or "is the crop of another file (cam1.mp4" in said
    assert ("--output_dir" in said) == ("--overwrite" in said) == (not only_read)
    assert ("Give those of this video." in said) == only_read


def test_no_step_takes_or_replaces_what_is_of_the_other_day(project, capsys):
    model, one, two = project / "model", project / "day1" / "cam1.mp4", project / "day2" / "cam1.mp4"
    refused(capsys, "create_bbox", model, two)
    assert go("create_bbox", model, one) == go("crop", model, one) == 0
    before = kept(model)
    refused(capsys, "create_bbox", model, two)
    refused(capsys, "crop", model, two)
    refused(capsys, "crop", model, two, "--bbox_dir", model / "video_preds")
    refused(
        capsys, "predict", write_model(project), two, "--bbox_dir", model / "video_preds", only_read=True
    )
    assert kept(model) == before
    assert capsys.readouterr().err == ""


def write_model(project: Path, name: str = "pose") -> Path:
    """A model folder that can be opened, so that what comes before its loading can be tried."""
    model = write_model_config(project / name, ("nose", "tail"), project)
    checkpoint = model / "tb_logs" / "test" / "version_0" / "checkpoints" / "epoch=1-step=1-best.ckpt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.touch()
    return model


def test_predictions_of_the_other_day_are_not_skipped_over(project, capsys):
    one, two = project / "day1" / "cam1.mp4", project / "day2" / "cam1.mp4"
    pose = write_model(project)
    predict(pose, one, 20)
    assert go("predict", pose, one) == 0
    assert "skipping" in capsys.readouterr().out
    refused(capsys, "predict", pose, two)
    refused(capsys, "run", two, "--detector", write_model(project, "model"), "--pose", pose)


def test_a_folder_of_its_own_keeps_both(project, capsys):
    model, one, two = project / "model", project / "day1" / "cam1.mp4", project / "day2" / "cam1.mp4"
    assert go("create_bbox", model, one) == go("crop", model, one) == 0
    before = kept(model)
    results = project / "results"
    predict(results / "model", two, 40)
    own = ("--output_dir", results)
    assert go("create_bbox", model, two, *own) == go("crop", model, two, *own) == 0
    assert kept(model) == before
    first, second = model / "video_preds", results / "model" / "video_preds"
    moved = read_bbox_csv(second / "cam1_bbox.csv") - read_bbox_csv(first / "cam1_bbox.csv")
    np.testing.assert_array_equal(moved, np.tile([20.0, 0, 0, 0], (N, 1)))
    assert (results / "model" / "cropped_videos" / "cropped_cam1.mp4").is_file()
    assert capsys.readouterr().err == ""


def test_smoothed_boxes_say_whose_they_are(project, capsys):
    model, two, smooth = project / "model", project / "day2" / "cam1.mp4", project / "smooth"
    assert go("create_bbox", model, project / "day1" / "cam1.mp4") == 0
    assert go("smooth_bbox", model / "video_preds", "--output_dir", smooth) == 0
    refused(capsys, "crop", model, two, "--bbox_dir", smooth, only_read=True)
    results = project / "results"
    predict(results / "model", two, 40)
    assert go("create_bbox", model, two, "--output_dir", results) == 0
    assert go("smooth_bbox", results / "model" / "video_preds", "--output_dir", smooth) == 1
    assert "boxes of another video" in capsys.readouterr().err


def test_what_is_only_read_is_to_be_of_this_video(project, capsys):
    model, two = project / "model", project / "day2" / "cam1.mp4"
    boxes, preds = model / "video_preds" / "cam1_bbox.csv", model / "video_preds" / "cam1.csv"
    assert go("create_bbox", model, project / "day1" / "cam1.mp4") == 0
    own = write_bbox_csv_of(two, project / "own_bbox.csv")
    for words in (
        ("flags", boxes, "--video", two),
        ("flags", own, "--preds", preds, "--video", two),
        ("show", two, "--preds", preds, "--output", project / "o.mp4"),
        ("export", boxes, "--video", two, "--to", "mot", "--output", project / "o.txt"),
        ("import_bbox", boxes, "--video", two, "--output_dir", project / "o"),
        ("figure", two, "--bbox", boxes, "--output", project / "o.png"),
        ("report", two, "--bbox", boxes, "--output", project / "o.html"),
    ):
        refused(capsys, *words, only_read=True)
    assert go("flags", own, "--preds", preds) == 1
    assert "was made of another video than" in capsys.readouterr().err
    assert go("flags", boxes, "--preds", preds, "--video", project / "day1" / "cam1.mp4") == 0


def write_bbox_csv_of(video: Path, path: Path) -> Path:
    write_bbox_csv(path, np.tile([5.0, 5, 28, 28], (N, 1)))
    sign(path, video)
    return path


def test_two_of_one_name_are_given_a_folder_each(project, capsys):
    both = [project / day / "cam1.mp4" for day in ("day1", "day2")]
    assert go("create_bbox", project / "model", *both) == 1
    assert "give one at a time, each with its own --output_dir." in capsys.readouterr().err


def test_overwrite_replaces_what_is_of_the_other_day(project):
    model, two = project / "model", project / "day2" / "cam1.mp4"
    assert go("create_bbox", model, project / "day1" / "cam1.mp4") == 0
    predict(model, two, 40)
    assert go("create_bbox", model, two) == 1
    assert go("create_bbox", model, two, "--overwrite") == 0
    assert check_made_of(model / "video_preds" / "cam1_bbox.csv", two)


def test_what_litpose_left_is_taken_on_trust_if_its_frames_fit(project, capsys):
    model, two = project / "model", project / "day2" / "cam1.mp4"
    predict(model, two, 20, record=False)
    assert go("create_bbox", model, two) == 0
    assert "taken on trust" in capsys.readouterr().err
    (model / "video_preds" / "cam1_bbox.csv").unlink()
    longer = pattern_video(project / "day3" / "cam1.mp4", N + 1)
    assert go("create_bbox", model, longer) == 1
    assert f"has {N} rows but the video has {N + 1} frames" in capsys.readouterr().err


def test_a_video_may_move_and_boxes_may_be_written_by_others(project, capsys):
    model, one = project / "model", project / "day1" / "cam1.mp4"
    assert go("create_bbox", model, one) == 0
    boxes = model / "video_preds" / "cam1_bbox.csv"
    elsewhere = project / "elsewhere" / "cam1.mp4"
    elsewhere.parent.mkdir()
    shutil.move(one, elsewhere)
    os.utime(elsewhere, (1, 1))
    assert check_made_of(boxes, elsewhere)
    boxes.write_text(boxes.read_text().replace("20", "22"))
    assert made_of(boxes) is None
    assert not check_made_of(boxes, elsewhere)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1}', "[" * 100_000, "\xff"])
def test_a_damaged_record_says_nothing(project, content):
    model, one = project / "model", project / "day1" / "cam1.mp4"
    assert go("create_bbox", model, one) == 0
    boxes = model / "video_preds" / "cam1_bbox.csv"
    record_path(boxes).write_text(content, encoding="latin-1")
    assert made_of(boxes) is None
    assert f"{record_path(boxes)}: cannot be read (it is damaged)" in doubt_of(boxes)


def test_one_bad_file_does_not_stop_the_others(project, capsys):
    good = pattern_video(project / "in" / "a.mp4", N)
    (project / "in" / "b.mp4").write_bytes(good.read_bytes()[:500])
    shutil.copy(good, project / "in" / "c.mp4")
    found = project / "found"
    assert go("detect", project / "in", "--output_dir", found) == 1
    said = capsys.readouterr()
    assert sorted(path.name for path in found.glob("*.csv")) == ["a_bbox.csv", "c_bbox.csv"]
    lines = [line for line in said.out.splitlines() if line.startswith(str(project / "in"))]
    assert ["saved" in line for line in lines] == [True, False, True]
    assert "1 of 3 inputs failed" in said.err
    for name in "ac":
        write_bbox_csv(found / f"{name}_bbox.csv", np.tile([5.0, 5, 28, 28], (N, 1)))
    (found / "b_bbox.csv").write_text("x,y\n1,2\n")
    assert go("smooth_bbox", found, "--output_dir", project / "smooth") == 1
    said = capsys.readouterr()
    assert (said.out + said.err).count("b_bbox.csv: ") == 1
    assert f"{found / 'b_bbox.csv'}  failed, see above" in said.out
    smoothed = sorted(path.name for path in (project / "smooth").glob("*.csv"))
    assert smoothed == ["a_bbox.csv", "c_bbox.csv"]


def test_labels_of_another_project_are_not_taken(project, capsys):
    model = project / "model"
    first, second = (project / day / "CollectedData.csv" for day in ("day1", "day2"))
    for labels, rows in ((first, "a"), (second, "b")):
        labels.write_text(f"scorer,{rows}\nbodyparts,nose\ncoords,x\n")
    images = [f"labeled-data/cam1/img{i:08}.png" for i in range(3)]
    predictions = model / "image_preds" / "CollectedData.csv" / "predictions.csv"
    xy = np.full((3, 2, 2), [[20.0, 20], [40, 40]])
    write_predictions(predictions, Poses(("nose", "tail"), xy, np.ones((3, 2))), images)
    sign(predictions, first)
    assert go("create_bbox", model, first) == 0
    capsys.readouterr()
    assert go("create_bbox", model, second) == 1
    assert "was made of another file (CollectedData.csv" in capsys.readouterr().err


@pytest.mark.parametrize("field", ["name", "bytes", "sample"])
def test_a_record_cannot_fill_a_message(project, capsys, field):
    model, one = project / "model", project / "day1" / "cam1.mp4"
    assert go("create_bbox", model, one) == 0
    record = record_path(model / "video_preds" / "cam1_bbox.csv")
    content = json.loads(record.read_text())
    content["made_of"] |= {"bytes": 1, field: "x" * 10_000}
    record.write_text(json.dumps(content))
    capsys.readouterr()
    assert go("crop", model, one) == 1
    said = capsys.readouterr().err
    assert "was made of another file" in said
    assert "x" * 81 not in said
