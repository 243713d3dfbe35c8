"""What `info` and `flags` tell, as JSON and as a table."""

from __future__ import annotations

import json
import shutil

import numpy as np

from cli_runs import N, fails, run
from napari_cropzoom.cli import main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from videos import make_numbered_video, pattern_video, zero_packets


def test_info_as_json_and_as_a_table(project):
    pattern_video(project / "w.mp4", 5)
    done = run("info", project / "v.mp4", project / "w.mp4", "--json")
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [fact["frames"] for fact in facts] == [N, 5]
    assert list(facts[0]) == [
        "path", "width", "height", "fps", "frames", "frames_container", "frames_opencv",
        "variable_frame_rate", "keyframe_interval_max", "warnings", "ok",
    ]  # fmt: skip
    assert "frames                  24" in run("info", project / "v.mp4").stdout
    (project / "bad.mp4").write_bytes(b"this is no video at all" * 20)
    bad = run("info", project / "bad.mp4", "--json")
    assert bad.returncode == 1


def test_info_tells_of_each_video(project, capsys):
    for day in ("day1", "day2"):
        (project / day).mkdir()
        shutil.copy(project / "v.mp4", project / day / "v.mp4")
    assert main(["info", str(project / "day1"), str(project / "day2"), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    missing = project / "missing.mp4"
    assert main(["info", str(missing), str(project / "v.mp4"), "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["ok"]
    assert told.err.splitlines() == [
        f"error: {missing}: there is no such file. Check the name and the folder.",
        f"cropzoom: error: {missing}: cannot be used, see above.",
    ]


def test_flags_as_json_and_as_a_table(tmp_path, capsys):
    t = np.arange(200)
    boxes = np.column_stack([100 + 2 * t, 80 + t, np.full(200, 60), np.full(200, 60)]).astype(float)
    boxes[120:122, 0] += 300
    boxes[50:53] = np.nan
    path = tmp_path / "v_bbox.csv"
    write_bbox_csv(path, boxes)
    assert main(["flags", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["frames", "flagged"]
    assert told["frames"] == 200
    assert [list(each) for each in told["flagged"]] == [
        ["frame", "first", "last", "score", "reasons"]
    ] * 2
    gap, jump = told["flagged"]
    assert (gap["first"], gap["last"], gap["reasons"]) == (50, 52, ["no box for 3 frames"])
    assert (jump["first"], jump["last"]) == (120, 121)
    assert gap["score"] >= jump["score"] > 0.5
    assert main(["flags", str(path)]) == 0
    table = capsys.readouterr().out
    assert "120 to 121   0." in table
    assert table.endswith("2 suspects in 200 frames\n")


def test_frames_that_cannot_be_decoded_are_named_by_flags_and_info(tmp_path, capsys):
    video = make_numbered_video(tmp_path / "a.avi", 40, codec="mjpeg", pix_fmt="yuvj420p")
    write_bbox_csv(tmp_path / "a.csv", np.tile([10.0, 10, 40, 40], (40, 1)))
    zero_packets(video, (12, 13, 30))
    assert main(["flags", str(tmp_path / "a.csv"), "--video", str(video), "--json"]) == 0
    flagged = json.loads(capsys.readouterr().out)["flagged"]
    lost = [
        (each["first"], each["last"]) for each in flagged if "cannot be decoded" in each["reasons"][0]
    ]
    assert lost == [(12, 13), (30, 30)]
    for words in (["info"], ["info", "--thorough"]):
        assert main([*words, str(video)]) == 0
        assert "3 of 40 frames cannot be decoded, since the file is damaged there (12-13, 30)" in (
            capsys.readouterr().out
        )


def test_flags_looks_at_keypoints_and_pixels(project, capsys):
    model, video = project / "model", project / "v.mp4"
    assert main(["create_bbox", str(model), str(video)]) == 0
    capsys.readouterr()
    preds, boxes = model / "video_preds" / "v.csv", model / "video_preds" / "v_bbox.csv"
    words = ["flags", str(boxes), "--preds", str(preds), "--video", str(video), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == len(read_bbox_csv(boxes))
    assert str(project / "none.csv") in fails(capsys, "flags", project / "none.csv")


def test_flags_finds_the_pose_that_was_made_in_the_boxes(tmp_path, capsys):
    boxes = np.tile([100.0, 80, 60, 60], (60, 1))
    boxes[:, 0] += np.arange(60)
    path = tmp_path / "detector" / "video_preds" / "v_bbox.csv"
    write_bbox_csv(path, boxes)
    pose = tmp_path / "pose" / "video_preds" / "v.csv"
    pose.parent.mkdir(parents=True)
    xy = boxes[:, None, :2] + np.array([[20.0, 20], [40, 40]])
    xy[30:33, 0, 0] = boxes[30:33, 0] + 0.4
    write_predictions(pose, Poses(("a", "b"), xy, np.ones((60, 2))))

    def flagged(*words):
        assert main(["flags", str(path), "--json", *words]) == 0
        told = capsys.readouterr()
        found = json.loads(told.out)["flagged"]
        return [(each["first"], each["last"], each["reasons"][0][:14]) for each in found], told.err

    touching = [(30, 32, "may be cut off")]
    assert flagged() == ([], "")  # nothing says in which boxes it was found
    assert flagged("--pose", str(pose)) == (touching, "")
    record = MadeWith({}, "cpu", {}, boxes, predictions=file_sha256(pose))
    write_made_with(made_with_path(pose), record)
    found, note = flagged()
    assert found == touching
    assert str(pose) in note
    write_bbox_csv(path, boxes + np.array([2, 0, 0, 0]))
    assert flagged() == ([], "")
