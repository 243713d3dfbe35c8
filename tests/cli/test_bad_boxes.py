"""Boxes that nobody should take: every command refuses them or says so, a person sees the good ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import write_model_config
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import make_numbered_video

N = 40
SIZE = (320, 240)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A video of a walk through the whole frame, its boxes in ``boxes``, and a model folder."""
    write_model_config(tmp_path / "model", ("nose", "tail"), tmp_path)
    make_numbered_video(tmp_path / "v.mp4", N, size=SIZE)
    write_bbox_csv(tmp_path / "boxes" / "v_bbox.csv", walk())
    return tmp_path


def walk() -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, N)
    centre = np.column_stack([160 + 140 * np.sin(t), 120 + 100 * np.cos(2 * t)])
    return np.column_stack([np.rint(centre) - 30, np.full((N, 2), 60.0)])


def rewrite(project: Path, lines: dict[int, str]) -> Path:
    """Put other rows, by their number, into the file of boxes."""
    path = project / "boxes" / "v_bbox.csv"
    rows = path.read_text().splitlines()
    for number, row in lines.items():
        rows[number + 1] = row
    path.write_text("\n".join(rows))
    return path


def crops(project: Path) -> int:
    words = ["crop", project / "model", project / "v.mp4", "--bbox_dir", project / "boxes"]
    return main([*map(str, words), "--preset", "ultrafast"])


def test_good_boxes_are_cropped_without_a_word(project, capsys):
    sign(project / "boxes" / "v_bbox.csv", project / "v.mp4")
    assert crops(project) == 0
    assert "look" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "row", ["7,inf,2,60,60", "7,1e300,2,60,60", "7,1,2,2000000000,60", "7,1,2,60,", "7,20000,2,60,60"]
)
def test_one_bad_row_stops_a_command_and_not_a_person(project, capsys, row):
    path = rewrite(project, {7: row})
    assert crops(project) == 1
    assert "v_bbox.csv: line 9: " in capsys.readouterr().err
    assert not (project / "model" / "cropped_videos" / "cropped_v.mp4").exists()
    session = Session(Video(project / "v.mp4"))
    said = session.load_boxes(path, Source.IMPORTED, allow_missing=True)
    assert said.startswith(f"v_bbox.csv: 1 of {N} rows holds no box that can be used")
    assert "line 9" in said
    assert session.track.is_missing.nonzero()[0].tolist() == [7]
    np.testing.assert_array_equal(np.delete(session.track.raw, 7, 0), np.delete(walk(), 7, 0))
    assert (7, "no box") in [(each.first, each.reason) for each in session.queue()]
    session.close()
    assert main(["flags", str(path), "--json", "--video", str(project / "v.mp4")]) == 0
    told = capsys.readouterr()
    assert any(each["first"] == 7 for each in json.loads(told.out)["flagged"])
    assert f"1 of {N} rows" in told.err


def test_a_review_of_bad_rows_goes_on_and_its_boxes_can_be_cropped(project, capsys):
    path = rewrite(project, {7: "7,inf,2,60,60", 8: "8,#REF!,2,60,60"})
    session = Session(Video(project / "v.mp4"))
    session.load_boxes(path, allow_missing=True)
    session.fill_gap(7, 8)
    session.save()
    session.close()
    again = Session(Video(project / "v.mp4"))
    said = again.load_boxes(path, allow_missing=True)
    assert f"2 of {N} rows" in said
    assert "Review resumed: 1 edit." in said
    again.close()
    reviewed = project / "boxes" / "bboxes_reviewed"
    words = ["crop", project / "model", project / "v.mp4", "--bbox_dir", reviewed]
    assert main([*map(str, words), "--preset", "ultrafast"]) == 0


@pytest.mark.parametrize("meaning", ["fractions", "centres", "another size"])
def test_boxes_that_mean_something_else_are_refused_by_command_and_window(project, capsys, meaning):
    boxes, cure = walk(), "this very video"
    if meaning == "fractions":
        boxes, cure = boxes / [*SIZE, *SIZE], "look normalised"
    elif meaning == "centres":
        boxes[:, :2], cure = boxes[:, :2] + 30, "look like the centre"
    else:
        boxes = boxes * 4
    path = project / "boxes" / "v_bbox.csv"
    rows = [f"{i},{x:.4f},{y:.4f},{h:.4f},{w:.4f}\n" for i, (x, y, w, h) in enumerate(boxes.tolist())]
    path.write_text(",x,y,h,w\n" + "".join(rows))
    assert crops(project) == 1
    assert cure in capsys.readouterr().err
    for words in (["flags", path, "--video", project / "v.mp4"], ["flags", path]):
        main([*map(str, words)])
        told = capsys.readouterr()
        assert cure in told.err or words[-1] == path


def test_keypoints_that_overflow_are_refused_before_boxes_are_written(project, capsys):
    xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1))
    xy[5] = 1e300
    preds = project / "model" / "video_preds" / "v.csv"
    write_predictions(preds, Poses(("nose", "tail"), xy, np.ones((N, 2))))
    assert main(["create_bbox", str(project / "model"), str(project / "v.mp4")]) == 1
    assert "v.csv: line 9: nose x is '1e+300'" in capsys.readouterr().err
    assert not preds.with_name("v_bbox.csv").exists()


def test_a_box_larger_than_any_video_is_not_created(project, capsys):
    xy = np.tile([[50.0, 50], [70, 60]], (N, 1, 1))
    preds = project / "model" / "video_preds" / "v.csv"
    write_predictions(preds, Poses(("nose", "tail"), xy, np.ones((N, 2))))
    words = ["create_bbox", str(project / "model"), str(project / "v.mp4"), "--crop_size"]
    assert main([*words, "99999999"]) == 1
    assert "line" not in capsys.readouterr().err
    assert not preds.with_name("v_bbox.csv").exists()
    assert main([*words, "60"]) == 0
    assert len(read_bbox_csv(preds.with_name("v_bbox.csv"))) == N


def keypoints(project: Path, span: float, n: int = N) -> Path:
    """Predictions of the walk, two keypoints ``span`` pixels apart."""
    centre = (walk()[:, :2] + 30)[:n]
    xy = np.stack([centre - span / 2, centre + span / 2], axis=1)
    preds = project / "model" / "video_preds" / "v.csv"
    write_predictions(preds, Poses(("nose", "tail"), xy, np.ones((n, 2))))
    return preds


def creates(project: Path) -> int:
    return main(["create_bbox", str(project / "model"), str(project / "v.mp4")])


@pytest.mark.parametrize("span", [0.0, 1.5])
def test_boxes_too_small_to_be_an_animal_are_told_by_every_step(project, capsys, span):
    boxes = keypoints(project, span).with_name("v_bbox.csv")
    assert creates(project) == 0
    assert f"{N} of {N} boxes have a side under 16 pixels" in capsys.readouterr().err
    words = ["crop", project / "model", project / "v.mp4", "--preset", "ultrafast"]
    assert main([*map(str, words)]) == 0
    told = capsys.readouterr()
    assert f"{N} of {N} boxes have a side under 16 pixels" in told.out + told.err
    assert main(["flags", str(boxes), "--video", str(project / "v.mp4")]) == 0
    assert f"px for {N} frames" in capsys.readouterr().out


def test_boxes_too_small_are_told_before_a_model_looks_into_them(project, capsys):
    """The checkpoint is empty: what is told comes before it is read."""
    checkpoint = project / "model" / "tb_logs" / "test" / "version_0" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    words = ["predict", project / "model", project / "v.mp4", "--bbox_dir", project / "boxes"]
    assert main([*map(str, words)]) == 1
    assert "boxes have a side" not in capsys.readouterr().err
    write_bbox_csv(project / "boxes" / "v_bbox.csv", walk() * [1, 1, 0.1, 0.1])
    assert main([*map(str, words)]) == 1
    assert f"{N} of {N} boxes have a side under 16 pixels" in capsys.readouterr().err
    words = [
        "run",
        project / "v.mp4",
        "--detector",
        project / "model",
        "--pose",
        project / "model",
        *words[3:],
    ]
    assert main([*map(str, words)]) == 1
    assert f"{N} of {N} boxes have a side under 16 pixels" in capsys.readouterr().err


def test_boxes_of_an_animal_are_created_without_a_word(project, capsys):
    keypoints(project, 30)
    assert creates(project) == 0
    assert "pixels" not in capsys.readouterr().err


def test_boxes_are_created_where_the_video_is_not(project, capsys):
    boxes = keypoints(project, 30).with_name("v_bbox.csv")
    assert creates(project) == 0
    wanted = boxes.read_bytes()
    (project / "v.mp4").unlink()
    boxes.unlink()
    capsys.readouterr()
    assert creates(project) == 0
    assert boxes.read_bytes() == wanted
    assert "v.mp4 is not here, so the number of frames" in capsys.readouterr().err
    (project / "v.mp4").write_text("no video")
    assert creates(project) == 0
    assert "v.mp4 cannot be read, so the number of frames" in capsys.readouterr().err
    assert main(["create_bbox", str(project / "model"), str(project / "none.mp4")]) == 1
    assert "none.mp4: there is no such file" in capsys.readouterr().err


def test_boxes_are_not_created_of_another_number_of_frames(project, capsys):
    boxes = keypoints(project, 30, N - 1).with_name("v_bbox.csv")
    assert creates(project) == 1
    assert f"has {N - 1} rows but the video has {N} frames" in capsys.readouterr().err
    assert not boxes.exists()


def test_hidden_files_are_no_boxes(project, capsys):
    (project / "boxes" / "._v_bbox.csv").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    words = ["smooth_bbox", str(project / "boxes"), "--output_dir", str(project / "smooth")]
    assert main(words) == 0
    assert sorted(path.name for path in (project / "smooth").iterdir()) == ["metadata.json", "v_bbox.csv"]


@pytest.mark.parametrize(
    ("options", "xy", "told"),
    [
        (["--crop_size", "5000"], None, "--crop_ratio or --crop_size is too large"),
        (["--crop_ratio", "900"], None, "--crop_ratio or --crop_size is too large"),
        ([], np.linspace(0, 1, 4 * N).reshape(N, 2, 2), "look like fractions of the frame"),
        (
            [],
            np.full((N, 2, 2), np.nan),
            "there would be no box at all; v_bbox.csv is as it was. Predict",
        ),
    ],
)
def test_boxes_are_not_made_of_what_cannot_be_meant(project, options, xy, told, capsys):
    """The message names what was given: no option that was not, and not the video."""
    preds = project / "model" / "video_preds" / "v.csv"
    xy = np.stack([walk()[:, :2], walk()[:, :2] + 60], axis=1) if xy is None else xy
    write_predictions(preds, Poses(("nose", "tail"), xy, np.full((N, 2), 0.9)))
    assert main(["create_bbox", str(project / "model"), str(project / "v.mp4"), *options]) == 1
    assert f"{preds}: " in (said := capsys.readouterr().err)
    assert told in said
    assert not preds.with_name("v_bbox.csv").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--anchor_keypoints", ""), ("--anchor_keypoints", ","), ("--crop_ratio", "1e308")],
)
def test_options_that_say_nothing_are_refused(project, option, value, capsys):
    with pytest.raises(SystemExit):
        main(["create_bbox", str(project / "model"), str(project / "v.mp4"), option, value])
    assert f"argument {option}: " in capsys.readouterr().err
