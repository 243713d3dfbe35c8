"""Many videos at once, by command, with small models that Lightning Pose itself runs."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.batch.inputs import find_videos
from napari_cropzoom.batch.results import DONE, Result, write_results
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.shell import shell_line
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.provenance import made_with_path
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import BLOB_FRAMES, draw_blobs, excerpt, make_blob_video, write_video

N = BLOB_FRAMES


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models, and two days of recordings with the same name, a third in a folder of its own."""
    root = tmp_path_factory.mktemp("lab")
    make_lp_model(root / "detector")
    make_lp_model(root / "pose")
    day1, day2 = root / "videos" / "day 1", root / "videos" / "day [2]"
    for folder in (day1, day2, root / "videos" / ".hidden", root / "videos" / "cropped_videos"):
        folder.mkdir(parents=True)
    make_blob_video(day1 / "cam.mp4")
    excerpt(day1 / "cam.mp4", day2 / "cam.mp4", 10, 39)
    shutil.copy(day1 / "cam.mp4", root / "videos" / ".hidden" / "cam.mp4")
    shutil.copy(day1 / "cam.mp4", root / "videos" / "cropped_videos" / "cropped_cam.mp4")
    return root


@pytest.fixture
def lab(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "lab"))


def jumping(path: Path) -> None:
    """Replace a video by one in which the blobs are elsewhere for three frames."""
    t = np.arange(N)[:, None]
    places = np.stack([60 + 0.5 * t + [[0, 20, 40]], 80 + 0.2 * t + [[0, 10, 20]]], axis=2)
    places[20:23] += [180, 90]
    write_video(path, [draw_blobs(each, 240, 320, 6) for each in places])


def go(lab: Path, *words: str | Path, output: str = "out") -> int:
    models = ["--detector", lab / "detector", "--pose", lab / "pose", "--output_dir", lab / output]
    return main([str(word) for word in ("batch", *words, *models, "--skip_viz")])


def rows(lab: Path, output: str = "out") -> dict[str, dict[str, str]]:
    with (lab / output / "batch.csv").open(newline="") as file:
        return {str(Path(row["video"]).relative_to(lab)): row for row in csv.DictReader(file)}


def times(folder: Path) -> dict[Path, int]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "batch.csv")
    return {path: path.stat().st_mtime_ns for path in files}


def test_each_video_gets_what_the_single_steps_give_and_a_second_run_does_nothing(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(lab, lab / "videos") == 0
    told = rows(lab)
    assert {name: row["state"] for name, row in told.items()} == {
        "videos/day 1/cam.mp4": "done",
        "videos/day [2]/cam.mp4": "done",
    }
    assert [row["frames"] for row in told.values()] == [str(N), "30"]
    for day in ("day 1", "day [2]"):
        video, out = lab / "videos" / day / "cam.mp4", lab / "single" / day
        steps = [
            ["predict", lab / "detector", video, "--skip_viz", "--output_dir", out],
            ["create_bbox", lab / "detector", video, "--output_dir", out],
            ["smooth_bbox", out / "detector" / "video_preds", "--output_dir", out / "smooth"],
            [
                "predict",
                lab / "pose",
                video,
                "--bbox_dir",
                out / "smooth",
                "--skip_viz",
                "--output_dir",
                out,
            ],
        ]
        for step in steps:
            assert main([str(word) for word in step]) == 0
        mine = lab / "out" / day
        for file in (
            "detector/video_preds/cam.csv",
            "detector/video_preds/cam_bbox.csv",
            "pose/video_preds/cam.csv",
        ):
            assert (mine / file).read_bytes() == (out / file).read_bytes(), file
        assert told[f"videos/{day}/cam.mp4"]["predictions"] == str(
            mine / "pose" / "video_preds" / "cam.csv"
        )

    before = times(lab / "out")
    capsys.readouterr()
    assert go(lab, lab / "videos") == 0
    assert times(lab / "out") == before
    assert {row["state"] for row in rows(lab).values()} == {"up to date"}
    assert "loading" not in capsys.readouterr().out
    made_with_path(lab / "out" / "day 1" / "pose" / "video_preds" / "cam.csv").unlink()
    assert go(lab, lab / "videos") == 0  # by records, not by names: without its record it is not known
    assert [row["state"] for row in rows(lab).values()] == ["done", "up to date"]


def test_a_bad_video_is_named_and_stops_nobody(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos = lab / "videos" / "day 1"
    (videos / "a page.mp4").write_text("<!DOCTYPE html><html>not found</html>")
    (videos / "empty.mp4").touch()
    whole = (videos / "cam.mp4").read_bytes()
    (videos / "half.mp4").write_bytes(whole[: len(whole) // 2])
    assert go(lab, videos) == 1
    told = rows(lab)
    states = {Path(name).name: row["state"] for name, row in told.items()}
    assert states == {
        "a page.mp4": "failed",
        "empty.mp4": "failed",
        "half.mp4": "failed",
        "cam.mp4": "done",
    }
    assert all(row["why"] for row in told.values() if row["state"] == "failed")
    (videos / "half.mp4").unlink()
    assert go(lab, videos / "a page.mp4") == 1
    assert [row["state"] for row in rows(lab).values()].count("done") == 1  # rows of others stay
    assert len(rows(lab)) == 4
    said = capsys.readouterr()
    assert "4 videos: 3 failed, 1 done" in said.out
    assert "3 of 4 videos failed" in said.err


def test_videos_with_many_suspects_wait_for_their_review_and_then_get_its_boxes(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = lab / "videos" / "day 1" / "cam.mp4"
    jumping(video)
    raw = lab / "out" / "detector" / "video_preds" / "cam_bbox.csv"
    assert go(lab, video, "--skip_pixels") == 0
    share = float(rows(lab)["videos/day 1/cam.mp4"]["share_of_frames"])
    shutil.rmtree(lab / "out" / "pose")
    assert go(lab, video, "--skip_pixels", "--review_above", str(share - 0.01)) == 0
    row = rows(lab)["videos/day 1/cam.mp4"]
    assert share > 0
    assert row["state"] == "for review"
    models = ["--detector", lab / "detector", "--output_dir", lab / "out"]
    assert shell_line(["cropzoom", "review", video, *models]) in capsys.readouterr().err
    assert not (lab / "out" / "pose" / "video_preds" / "cam.csv").exists()

    session = Session(Video(video))
    session.load_boxes(raw)
    session.set_box(5, (40.0, 50.0, 80.0, 60.0))
    assert go(lab, video, "--skip_pixels", "--review_above", "0") == 0
    assert "not saved" in rows(lab)["videos/day 1/cam.mp4"]["why"]
    session.save()
    final = session.final_boxes()
    session.close()
    assert go(lab, video, "--skip_pixels", "--review_above", "0") == 0
    row = rows(lab)["videos/day 1/cam.mp4"]
    assert (row["state"], row["boxes"]) == ("done", "reviewed")
    reviewed = raw.parent / "bboxes_reviewed"
    np.testing.assert_array_equal(read_bbox_csv(reviewed / "cam_bbox.csv", N), final)
    pose = [
        "predict",
        lab / "pose",
        video,
        "--bbox_dir",
        reviewed,
        "--skip_viz",
        "--output_dir",
        lab / "one",
    ]
    assert main([str(word) for word in pose]) == 0
    one = lab / "one" / "pose" / "video_preds" / "cam.csv"
    assert (lab / "out" / "pose" / "video_preds" / "cam.csv").read_bytes() == one.read_bytes()


def test_what_would_share_its_results_is_refused_before_anything_runs(lab: Path) -> None:
    videos = lab / "videos"
    with pytest.raises(CropzoomError, match="Give --output_dir, and the folder above both"):
        find_videos([videos])
    with pytest.raises(CropzoomError, match="the folder above both"):
        find_videos([videos / "day 1", videos / "day [2]"], lab / "out")
    shutil.copy(videos / "day 1" / "cam.mp4", videos / "day 1" / "CAM.mov")
    with pytest.raises(CropzoomError, match="Rename one"):
        find_videos([videos], lab / "out")
    with pytest.raises(CropzoomError, match="holds no video"):
        find_videos([lab / "pose"])
    with pytest.raises(CropzoomError, match="not supported"):
        find_videos([lab / "pose" / "config.yaml"])
    one = videos / "day 1" / "cam.mp4"
    assert [each.path for each in find_videos([one, videos / "day 1" / "cam.mp4"])] == [one]


def test_one_model_for_both_and_a_folder_for_the_table_are_refused_before_anything_runs(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = [lab / "videos" / "day 1", "--detector", lab / "detector", "--pose", lab / "detector"]
    for verb in ("batch", "run"):
        assert main([str(word) for word in (verb, *one)]) == 1
        assert "detector: is given as detector and as pose model" in capsys.readouterr().err
    assert go(lab, lab / "videos", "--results", lab / "videos") == 1
    assert "videos: is a folder. Give the name of a file in it." in capsys.readouterr().err
    assert not (lab / "out").exists()


def test_results_of_a_batch_below_the_videos_are_not_taken_for_videos(lab: Path) -> None:
    """Output in the folder of the videos, labeled videos too: a second run finds the same videos."""
    videos = lab / "videos"
    first = find_videos([videos], videos / "out")
    drawn = videos / "out" / "day 1" / "pose" / "video_preds" / "labeled_videos" / "cam_labeled.mp4"
    drawn.parent.mkdir(parents=True)
    shutil.copy(videos / "day 1" / "cam.mp4", drawn)
    assert find_videos([videos], videos / "out") == first
    assert [each.results for each in first] == [videos / "out" / "day 1", videos / "out" / "day [2]"]


def test_the_last_step_can_be_the_boxes_or_the_crop_without_a_pose_model(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = lab / "videos" / "day 1" / "cam.mp4"
    words = ["batch", video, "--detector", lab / "detector", "--output_dir", lab / "out"]

    def batch(*more: str) -> int:
        return main([*map(str, words), *more])

    assert batch() == 1
    assert "no pose model" in capsys.readouterr().err
    raw = lab / "out" / "detector" / "video_preds" / "cam_bbox.csv"
    crop = lab / "out" / "detector" / "cropped_videos" / "cropped_cam.mp4"
    for until, made in (("boxes", raw), ("crop", crop)):
        assert not made.exists()
        for state in ("done", "up to date"):
            assert batch("--until", until) == 0
            (row,) = rows(lab).values()
            assert (row["state"], row["predictions"]) == (state, "")
        assert made.is_file()
    assert not (lab / "out" / "pose").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf_8_is_in_the_table_and_stays_there(tmp_path: Path) -> None:
    table, video = tmp_path / "batch.csv", tmp_path / "\udcff.mp4"
    write_results(table, [Result(video, "done")])
    write_results(table, [Result(tmp_path / "b.mp4", "done")])
    with table.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        assert {row["video"] for row in csv.DictReader(file)} == {str(video), str(tmp_path / "b.mp4")}
    write_results(table, [Result(video, "failed")])
    with table.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        assert [row["state"] for row in csv.DictReader(file)].count("failed") == 1


def test_two_batches_at_once_keep_each_others_rows(tmp_path: Path) -> None:
    table = tmp_path / "batch.csv"
    one, two = (Result(tmp_path / f"{name}.mp4", DONE) for name in "ab")
    write_results(table, [one])
    write_results(table, [two])  # of another process, whose own list lacks the first
    write_results(table, [one])
    with table.open(newline="") as file:
        assert sorted(row["video"] for row in csv.DictReader(file)) == [str(one.video), str(two.video)]
