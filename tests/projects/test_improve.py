"""Corrected frames become labeled frames of the project, a few that differ."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from corrected_lab import LABELS, WRONG, N, detected, make_lab, told_of, true_poses
from lpmodels import make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.sampling.spread import spread
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.projects import comparing, stages
from napari_cropzoom.projects.comparing import Improvement, OnVideo
from napari_cropzoom.projects.corrections import Corrected, read_corrected, sizing_like
from napari_cropzoom.projects.review_labels import improving
from napari_cropzoom.projects.review_labels.improving import label_corrections
from napari_cropzoom.projects.review_labels.label_review import LabelReview, Verdict
from napari_cropzoom.projects.review_labels.record import with_review
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lab(tmp_path_factory.mktemp("made") / "lab ü")


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lab ü"))


def improve(lab: Path, *more: str) -> int:
    models = ["--detector", str(lab / "models" / "detector"), "--pose", str(lab / "models" / "pose")]
    return main(["improve", str(lab), *models, *more])


def new_rows(lab: Path) -> list[list[str]]:
    with (lab / "CollectedData_with_review.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[5:]


def test_frames_of_both_videos_are_added_and_the_labels_stay(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert improve(lab, "--frames", "6", "--gap", "4") == 0
    printed = capsys.readouterr()
    assert (lab / "CollectedData.csv").read_text() == LABELS
    text = (lab / "CollectedData_with_review.csv").read_text().splitlines()
    assert text[:3] == LABELS.splitlines()[:3]
    before = read_predictions_table(lab / "CollectedData.csv").poses().xy
    after = read_predictions_table(lab / "CollectedData_with_review.csv").poses().xy
    np.testing.assert_array_equal(after[:2], before)
    rows = new_rows(lab)
    assert len(rows) == 6
    assert sorted({row[0].split("/")[1] for row in rows}) == ["a", "b"]
    for row in rows:
        frame = int(row[0][-12:-4])
        assert frame in WRONG
        assert frame not in (30, 31)  # too unlikely
        assert row[0] != "labeled-data/a/img00000021.png"  # which has labels
        xy = true_poses().xy[frame]
        nose = ["", ""] if frame == 25 else [str(value) for value in xy[1].round(3)]
        assert row[1:3] == nose
        assert row[3:5] == ["", ""]  # of an ear the pose model knows nothing
        assert row[5:] == [str(value) for value in xy[0].round(3)]
    assert "6 labeled frames added" in printed.out
    counted = [line.split(maxsplit=1) for line in printed.out.splitlines() if line.startswith("   ")]
    assert len({words for _, words in counted}) == len(counted)
    assert not any(
        letter.isdigit() or letter == "…" for _, words in counted for letter in words.removesuffix(".mp4")
    )
    assert "--train" in printed.out
    assert "4 corrected frames left out" in printed.err


def test_images_are_whole_frames_and_the_record_says_where_they_come_from(lab: Path) -> None:
    assert improve(lab, "--frames", "4") == 0
    record = json.loads((lab / "CollectedData_with_review_made_of.json").read_text(encoding="utf-8"))
    images = [row[0] for row in new_rows(lab)]
    assert {about["video"] for about in record["images"].values()} == {"videos/a.mp4", "videos/b.mp4"}
    assert sorted(record["images"]) == sorted(images)
    for image in images:
        about = record["images"][image]
        with Video(lab / about["video"]) as video, Image.open(lab / image) as picture:
            np.testing.assert_array_equal(np.asarray(picture), video.frame(about["frame"]))


def test_who_stops_it_anywhere_leaves_no_image_without_labels(lab: Path) -> None:
    args = {"project": lab, "labels": lab / "CollectedData.csv"}
    args |= {kind: lab / "models" / kind for kind in ("detector", "pose")}
    before = {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}
    folders = sorted(lab.rglob("*"))
    for steps in (1, 2, 4):  # at the reviews, and among the images of the first and the second video
        stage = stages.improve({name: str(value) for name, value in args.items()})
        shown = [next(stage).text for _ in range(steps)]
        stage.close()
        assert shown[1:] == ["images"] * (steps - 1)
        assert {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()} == before
        assert sorted(lab.rglob("*")) == folders
    assert improve(lab) == 0


def test_a_second_time_adds_others_and_keeps_those_of_before(lab: Path) -> None:
    assert improve(lab, "--frames", "2") == 0
    first = new_rows(lab)
    (lab / "CollectedData.csv").write_text(LABELS + "labeled-data/a/img00000059.png,1,2,3,4,5,6\n")
    assert improve(lab, "--frames", "2", "--gap", "2") == 0
    table = read_predictions_table(lab / "CollectedData_with_review.csv")
    assert table.index[2] == "labeled-data/a/img00000059.png"
    assert table.index[3:5] == [row[0] for row in first]
    assert len(set(table.index)) == len(table.index) == 7


def test_the_last_line_says_what_waits_to_be_looked_at_and_rejected_frames_do_not_come_again(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert improve(lab, "--frames", "6", "--gap", "4") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Labels made by review: 0 of 6 accepted, 6 to look at.")
    assert "Plugins > Cropzoom > Training, step 'Labels made by review'" in last
    images = [row[0] for row in new_rows(lab)]
    review = LabelReview.read(lab / "CollectedData.csv")
    review.start()
    review.say(images[0], Verdict.REJECTED)
    review.say(images[1], Verdict.ACCEPTED)
    review.close()
    with (lab / "CollectedData.csv").open("a") as file:  # the table is made anew with the next frames
        file.write("labeled-data/a/img00000059.png,1,2,3,4,5,6\n")
    assert improve(lab, "--frames", "60", "--gap", "1", "--unseen", "take") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    total = 2 * (len(WRONG) - 2) - 1  # both videos, without unlikely ones and one that has labels
    assert f"review: 1 of {total} accepted, 1 rejected, {total - 2} to look at" in last
    table = read_predictions_table(lab / "CollectedData_with_review.csv").index
    assert images[0] not in table
    assert table[2] == "labeled-data/a/img00000059.png"
    assert len(table) == 3 + total - 1
    assert improve(lab, "--frames", "60", "--gap", "1") == 1  # nothing is left, the rejected one included


def test_a_training_says_what_of_the_labels_it_takes(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert improve(lab, "--frames", "4", "--gap", "4") == 0
    with pytest.raises(SystemExit):
        improve(lab, "--train", "--unseen", "perhaps")
    capsys.readouterr()
    taken = ["--train", "--new_model", str(lab / "models" / "pose")]  # which ends before it trains
    assert improve(lab, *taken) == 1
    said = "labels made by review: 0 of 4 accepted, 4 to look at; the 4 that nobody has looked at are "
    assert f"{said}trained on too (--unseen leave leaves them out)" in capsys.readouterr().out
    assert len(new_rows(lab)) == 4
    for more in (["--unseen", "leave"], []):  # which is kept
        assert improve(lab, *taken, *more) == 1
        assert f"{said}left out (--unseen take takes them)" in capsys.readouterr().out
        assert new_rows(lab) == []


def test_context_models_get_the_frames_round_each(lab: Path) -> None:
    config = lab / "models" / "detector" / "config.yaml"
    config.write_text(config.read_text().replace("model_type: heatmap", "model_type: heatmap_mhcrnn"))
    assert improve(lab, "--frames", "1") == 0
    (row,) = new_rows(lab)
    frame = int(row[0][-12:-4])
    folder = (lab / row[0]).parent
    assert sorted(path.name for path in folder.iterdir()) == [
        f"img{number:08d}.png" for number in range(frame - 2, frame + 3)
    ]


def test_pictures_of_another_video_of_the_name_are_never_labeled(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The images of a video lie in a folder of its name, where those of another one may lie already."""
    assert improve(lab, "--frames", "4") == 0
    images = [row[0] for row in new_rows(lab)]
    other = next(lab / image for image in images if "/a/" in image)
    record = lab / "CollectedData_with_review_made_of.json"
    whole = record.read_bytes()
    content = json.loads(whole)
    for image, about in content["images"].items():
        if "/a/" in image:
            about["video_identity"]["sample"] = "of another video"
    record.write_text(json.dumps(content))
    assert improve(lab, "--frames", "4") == 0  # a folder of its own
    assert {row[0].split("/")[1] for row in new_rows(lab)} == {"a", "b", "a_2"}
    for row in new_rows(lab)[4:]:
        video = row[0].split("/")[1][0]
        with Video(lab / "videos" / f"{video}.mp4") as source, Image.open(lab / row[0]) as picture:
            np.testing.assert_array_equal(np.asarray(picture), source.frame(int(row[0][-12:-4])))

    record.unlink()  # nothing says of which video the pictures are
    (lab / "CollectedData_with_review.csv").unlink()
    Image.new("RGB", Image.open(other).size, "red").save(other)
    capsys.readouterr()
    assert improve(lab, "--frames", "60") == 1
    assert f"{other}: does not show that frame of" in capsys.readouterr().err
    assert not record.exists()
    assert not (lab / "CollectedData_with_review.csv").exists()


def test_frames_without_an_animal_are_not_run(lab: Path) -> None:
    video = lab / "videos" / "a.mp4"
    detector = ModelFolder.open(lab / "models" / "detector")
    session = Session(Video(video))
    session.load_boxes(detector.bbox_csv(video), source=Source.DETECTED)
    session.apply(mark_absent(session.track, 5, 7))
    session.save()
    session.close()
    found = read_corrected(detector, video)
    assert isinstance(found, Corrected)
    assert np.flatnonzero(np.isnan(found.boxes[:, 0])).tolist() == [5, 6, 7]


def test_a_project_without_corrections_says_what_to_do(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(lab / "models" / "detector" / "video_preds" / "bboxes_reviewed")
    assert improve(lab) == 1
    assert "cropzoom review" in capsys.readouterr().err


def test_a_better_detector_is_told_from_a_worse_one_after_the_project_has_moved(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert improve(lab, "--frames", "4", "--gap", "4") == 0
    lab = Path(shutil.move(lab, lab.with_name("moved ü")))
    capsys.readouterr()
    good = told_of(lab, "good", true_poses())
    same = told_of(lab, "same", detected())
    assert improve(lab, "--compare", str(good)) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    wrong = len(WRONG) - 2  # of the frames that count: two of each video are labeled frames
    assert rows["a.mp4"][:4] == [str(N - 2), "2", f"{1 - wrong / (N - 2):.1%}", "100.0%"]
    assert rows["a.mp4"][4] != rows["a.mp4"][5]  # suspects
    assert rows["all"][2:4] == [str(2 * N - 4), "4"]
    assert f"use {good}" in printed
    assert json.loads((good / "compared.json").read_text(encoding="utf-8"))["is_better"] is True
    assert improve(lab, "--compare", str(same)) == 0
    printed = capsys.readouterr().out
    (row,) = [line.split() for line in printed.splitlines() if line.startswith("a.mp4")]
    assert row[3:5] == ["69.0%", "69.0%"]
    assert row[5] == row[6]
    assert f"Keep the old detector, {lab / 'models' / 'detector'}" in printed


def test_boxes_of_the_new_detector_are_made_as_those_that_were_reviewed() -> None:
    for sizing in (SizingSettings(crop_ratio=1.4), SizingSettings(crop_ratio=None, crop_size=40)):
        boxes = boxes_from_keypoints(true_poses(), sizing)
        boxes[3] = np.nan
        again = boxes_from_keypoints(true_poses(), sizing_like(boxes, true_poses()))
        np.testing.assert_array_equal(np.delete(again, 3, 0), np.delete(boxes, 3, 0))
    assert sizing_like(np.full((4, 4), np.nan), None) == SizingSettings()


def test_a_detector_that_forgets_the_labels_is_not_the_better_one() -> None:
    video = OnVideo("a", 100, 5, (40, 90), (9, 9))
    for errors, n_labels, is_better in [
        ((4.0, 4.5), 60, True),
        ((4.0, 9.0), 60, False),
        ((4.0, 9.0), 3, True),  # too few to say
        ((np.nan, np.nan), 0, True),
    ]:
        found = Improvement("old", "new", (video,), errors, n_labels, 20)
        assert found.is_better is is_better
        assert ("use new" if is_better else "Keep the old detector, old") in found.told()
    assert not Improvement("old", "new", (replace(video, agree=(40, 40)),), (4, 1), 60, 20).is_better


@pytest.mark.timeout(300)
def test_the_detector_is_trained_on_and_compared_in_one_go(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real network; what it predicted before is as in the other tests."""
    names = ("nose", "ear", "tail")
    real = make_lp_model(lab / "models" / "real", keypoint_names=names, size=128)
    shutil.rmtree(lab / "models" / "detector" / "tb_logs")
    shutil.copytree(real / "tb_logs", lab / "models" / "detector" / "tb_logs")
    config = yaml.safe_load((real / "config.yaml").read_text())
    training = config["training"]
    training |= {"min_steps": 2, "max_steps": 2, "unfreezing_step": 0, "log_every_n_steps": 1}
    training |= {"train_prob": 0.7, "val_prob": 0.3, "check_val_every_n_epoch": 1}
    training["lr_scheduler_params"] = {
        "multisteplr": {"milestone_steps": [2], "milestones": [1], "gamma": 0.5}
    }
    config["eval"] |= {"predict_vids_after_training": False, "save_vids_after_training": False}
    config["callbacks"] = {"anneal_weight": None}
    (lab / "models" / "detector" / "config.yaml").write_text(yaml.safe_dump(config))
    apart = "labeled-data/later/img00000003.png"  # Lightning Pose keeps such labels out of training
    *header, _, row = LABELS.splitlines(keepends=True)
    row = row.replace("labeled-data/a/img00000021.png", apart)
    (lab / "CollectedData_new.csv").write_text("".join([*header, row]))
    for image in (*read_predictions_table(lab / "CollectedData.csv").index, apart):
        (lab / image).parent.mkdir(parents=True, exist_ok=True)
        with Video(lab / "videos" / "a.mp4") as video:
            Image.fromarray(video.frame(0)).save(lab / image)
    assert improve(lab, "--frames", "6", "--gap", "4", "--train") == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    new = ModelFolder.open(lab / "models" / "detector_improved")
    settings = yaml.safe_load((new.path / "config.yaml").read_text())
    assert settings["data"]["csv_file"] == "CollectedData_with_review.csv"
    assert (
        Path(settings["model"]["checkpoint"]) == ModelFolder.open(lab / "models" / "detector").checkpoint
    )
    assert read_predictions_table(new.predictions_csv(lab / "videos" / "b.mp4")).poses().xy.shape[0] == N
    assert "b.mp4" in printed
    assert "neither was trained on, 3 in 1 image: median error" in printed
    assert "detector" in printed.splitlines()[-1]
    assert improve(lab, "--compare", str(new.path)) == 0


def test_what_is_not_for_it_is_refused(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert improve(lab, "--new_model", str(lab / "x")) == 1
    assert "--train" in capsys.readouterr().err
    assert main(["improve", str(lab), "--detector", str(lab / "models" / "detector")]) == 1
    assert "--pose MODEL" in capsys.readouterr().err
    assert improve(lab, "--train", "--new_model", str(lab / "models" / "pose")) == 1
    assert "a model already" in capsys.readouterr().err


def test_frames_are_spread_over_videos_and_kinds_and_no_two_are_neighbours() -> None:
    videos = ["a"] * 100 + ["b"] * 10
    kinds = ["jump"] * 95 + ["gap"] * 5 + ["jump"] * 10
    frames = np.array([*range(100), *range(10)])
    features = np.zeros((110, 2))
    features[40:45] = 5.0  # another pose
    rows = spread(features, videos, kinds, frames, 6, 4)
    assert [videos[row] for row in rows].count("b") == 3
    assert "gap" in [kinds[row] for row in rows]
    assert any(40 <= row < 45 for row in rows)
    for video in "ab":
        mine = sorted(frames[row] for row in rows if videos[row] == video)
        assert (np.diff(mine) >= 4).all()
    assert spread(features, videos, kinds, frames, 200, 50)
    assert spread(np.zeros((0, 2)), [], [], np.zeros(0, int), 5, 1) == []


def test_whether_the_result_can_be_written_is_known_before_the_networks_run(tmp_path, monkeypatch):
    labels, model = tmp_path / "CollectedData.csv", SimpleNamespace(output=tmp_path)
    labels.write_text("scorer,me,me\nbodyparts,nose,nose\ncoords,x,y\nlabeled-data/a/img1.png,1,2\n")
    (tmp_path / comparing.COMPARED).mkdir()
    with_review(labels).mkdir()
    monkeypatch.setattr(improving, "check_names", lambda *_: None)
    for work in (
        label_corrections(None, labels, model, model, []),
        comparing.compare_detectors(None, labels, model, model, [], {}),
    ):
        with pytest.raises(CropzoomError, match="is a folder"):
            next(work)
