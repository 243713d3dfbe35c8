"""The command as a person runs it: a process, its output and its exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cli_runs import N, fails, run
from napari_cropzoom.cli import main
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions, write_predictions
from napari_cropzoom.video.video import Video


def test_the_whole_pipeline_of_boxes(project, capsys):
    model, video, smooth = project / "model", project / "v.mp4", project / "smooth"
    assert main(["create_bbox", str(model), str(video), "--crop_ratio=2.0"]) == 0
    assert (
        main(["smooth_bbox", str(model / "video_preds"), "--output_dir", str(smooth), "--window", "3"])
        == 0
    )
    assert (
        main(["crop", str(model), str(project), "--bbox_dir", str(smooth), "--preset", "ultrafast"]) == 0
    )
    crop = model / "cropped_videos" / "cropped_v.mp4"
    with Video(crop) as cropped:
        assert (cropped.n_frames, cropped.width, cropped.height) == (N, 28, 28)
    assert not (model / "cropped_images").exists()  # for images, and there are none
    in_crop = Poses(("nose",), np.full((N, 1, 2), 3.0), np.ones((N, 1)))
    preds = project / "pose" / "video_preds" / "cropped_v.csv"
    write_predictions(preds, in_crop)
    assert main(["remap", str(preds), str(smooth / "v_bbox.csv")]) == 0
    boxes = read_bbox_csv(smooth / "v_bbox.csv", N)
    remapped = read_predictions(preds.with_name("remapped_cropped_v.csv"))
    np.testing.assert_allclose(remapped.xy[:, 0], boxes[:, :2] + 3, atol=1e-6)
    assert capsys.readouterr().err == ""


def test_inputs_of_every_container_and_spelling(project):
    model, folder = project / "model", project / "more"
    folder.mkdir()
    for name in ("b.MP4", "a.mkv", "c.mov"):
        (folder / name).touch()
        write_predictions(
            model / "video_preds" / f"{name[0]}.csv", read_predictions(model / "video_preds" / "v.csv")
        )
    assert main(["create_bbox", str(model), str(folder), "--crop_size", "31"]) == 0
    for stem in "abc":
        boxes = read_bbox_csv(model / "video_preds" / f"{stem}_bbox.csv", N)
        assert (boxes[:, 2:] == 32).all()


def test_likelihood_leaves_frames_out_and_says_so(project, capsys):
    preds = project / "model" / "video_preds" / "v.csv"
    poses = read_predictions(preds)
    poses.likelihood[4:7] = 0.1
    write_predictions(preds, poses)
    command = ["create_bbox", str(project / "model"), str(project / "v.mp4"), "--min_likelihood", ".5"]
    assert main(command) == 0
    assert "3 frames have no keypoint" in capsys.readouterr().out
    said = fails(capsys, "smooth_bbox", project / "model" / "video_preds", "--output_dir", project / "s")
    assert "v_bbox.csv: line 6: no value" in said
    assert "cropzoom review" in said
    assert not (project / "s").exists()


def test_what_is_wrong_is_one_line_and_nothing_is_begun(project, capsys):
    model, video = project / "model", project / "v.mp4"
    (project / "notes.txt").touch()
    (project / "empty").mkdir()
    cases = [
        (["create_bbox", model, project / "none.mp4"], "none.mp4: there is no such file"),
        (["create_bbox", model, video, project / "notes.txt"], "notes.txt: this kind of file"),
        (["create_bbox", model, project / "empty"], "empty: holds no video"),
        (["create_bbox", project / "nomodel", video], "nomodel: is not a folder"),
        (["create_bbox", project, video], "no config.yaml"),
        (["create_bbox", model, video, "--anchor_keypoints", "paw"], "Unknown anchor keypoint: paw"),
        (["crop", model, video], f"there are no boxes. Run `cropzoom create_bbox {model} {video}`"),
        (["crop", model, video, "--bbox_dir", project / "empty"], "v_bbox.csv: there are no boxes"),
        (["smooth_bbox", project / "empty", "--output_dir", project / "s"], "holds no *_bbox.csv"),
        (["smooth_bbox", project / "none", "--output_dir", project / "s"], "no such directory"),
        (["remap", project / "none.csv", project / "none.csv"], "none.csv: there is no such file"),
        (["info", project / "notes.txt"], "this kind of file"),
        (["info", project / "README.md"], "README.md: there is no such file"),
        (["create_bbox", model, project / "README.md"], "README.md: there is no such file"),
        (
            ["smooth_bbox", model / "video_preds", "--output_dir", project / "notes.txt"],
            "notes.txt: is a file, not a folder. Give another --output_dir",
        ),
        (["predict", model, video], "no checkpoint"),
        (["predict", model, video, "--compile", "--runtime", "onnx"], "--runtime eager only"),
        (["predict", model, video, "--only_changed", "--overwrite"], "Leave out one of the two"),
        (["train", project / "none.yaml"], "is not a config file"),
        (["run", video, "--detector", model, "--pose", model], "no checkpoint"),
    ]
    for words, message in cases:
        assert message in fails(capsys, *words)
    assert not (model / "video_preds" / "v_bbox.csv").exists()
    command = f"create_bbox {model} {video} --output_dir '{project / 'day 1'}'"
    assert f"`cropzoom {command}`" in fails(
        capsys, "crop", model, video, "--output_dir", project / "day 1"
    )
    command = command.replace("create_bbox", "predict")
    assert f"`cropzoom {command}` first" in fails(
        capsys, "create_bbox", model, video, "--output_dir", project / "day 1"
    )
    write_predictions(model / "video_preds" / "w.csv", read_predictions(model / "video_preds" / "v.csv"))
    (project / "w.mp4").touch()
    (project / "x.mp4").touch()
    said = fails(capsys, "create_bbox", model, project / "w.mp4", project / "x.mp4")
    assert "x.csv: there are no predictions of x.mp4" in said
    assert not (model / "video_preds" / "w_bbox.csv").exists()


USAGE = [
    [],
    ["fly"],
    ["create_bbox"],
    ["create_bbox", "m", "v.mp4", "--crop_ratio", "1"],
    ["detect", "v.mp4", "--output_dir", "o", "--method", "magic"],
    ["create_bbox", "m", "v.mp4", "--crop_ratio", "nan"],
    ["create_bbox", "m", "v.mp4", "--crop_size", "0"],
    ["create_bbox", "m", "v.mp4", "--crop_ratio", "2", "--crop_size", "100"],
    ["smooth_bbox", "d"],
    ["smooth_bbox", "d", "--output_dir", "o", "--method", "magic"],
    ["smooth_bbox", "d", "--output_dir", "o", "--window", "0"],
    ["crop", "m", "v.mp4", "--preset", "warp"],
    ["crop", "m", "v.mp4", "--crf", "52"],
    ["crop", "m", "v.mp4", "--encoder", "vp9"],
    ["crop", "m", "v.mp4", "--jobs", "0"],
    ["predict", "m", "v.mp4", "--precision", "fp64"],
    ["predict", "m", "v.mp4", "--batch_size", "-1"],
    ["predict", "m", "v.mp4", "--onnx-precision", "fp8"],
    ["predict", "m", "v.mp4", "--reader", "eyes"],
]


@pytest.mark.parametrize("words", USAGE, ids=lambda words: " ".join(words) or "nothing")
def test_wrong_usage_is_2(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_process_codes_debug_and_version(project):
    missing = run("create_bbox", project / "model", project / "none.mp4")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "Traceback" not in missing.stderr
    for words in (["--debug", "create_bbox"], ["create_bbox", "--debug"]):
        assert "Traceback" in run(*words, project / "model", project / "none.mp4").stderr
    assert run("--version").stdout.startswith("napari-cropzoom ")


def test_progress_file_is_as_litpose_writes_it(tmp_path):
    path = tmp_path / "new" / "progress.json"
    seen = []

    def stage():
        for done in (0, 3, 10):
            yield Progress(done, 10, "frames")
            seen.append(json.loads(path.read_text()))
        yield Progress(0, 0, "drawing")
        return "result"

    begin = time.time()
    assert run_with_bar(stage(), "counting", path) == "result"
    assert (seen[0]["completed"], seen[0]["total"]) == (0, 1)
    last = json.loads(path.read_text())
    assert (last["completed"], last["total"]) == (10, 10)
    assert begin <= last["timestamp"] <= time.time()
    assert path.read_text() == json.dumps(last, indent=4)
    assert [file.name for file in path.parent.iterdir()] == ["progress.json"]


def test_a_progress_file_that_cannot_be_written_stops_nothing_begun(tmp_path):
    def stage(folder: Path):
        yield Progress(0, 2)
        shutil.rmtree(folder)
        folder.write_text("in the way")
        yield Progress(2, 2)
        return "result"

    folder = tmp_path / "folder"
    assert run_with_bar(stage(folder), "counting", folder / "progress.json") == "result"
    with pytest.raises(CropzoomError, match=r"progress\.json: cannot be written"):
        run_with_bar(stage(folder), "counting", folder / "progress.json")


def test_detect_writes_boxes(project):
    assert main(["detect", str(project / "v.mp4"), "--output_dir", str(project / "out")]) == 0
    assert len(read_bbox_csv(project / "out" / "v_bbox.csv", N, allow_missing=True)) == N


def test_verbs_import_only_what_they_need(project):
    window = ["torch", "lightning_pose", "napari", "qtpy"]
    video = [*window, "cv2", "av"]
    tables = [*video, "scipy", "psygnal"]
    code = (
        "import sys; from napari_cropzoom.cli import main\n"
        "try: main(sys.argv[2:])\n"
        "finally: print([name for name in sys.argv[1].split(',') if name in sys.modules])"
    )
    boxes = "large_bbox.csv"
    write_bbox_csv(project / boxes, np.tile([0.0, 0, 400, 400], (N, 1)))
    for words, unwanted in (
        (["--help"], [*tables, "pandas", "numpy"]),
        (["create_bbox", "model", "v.mp4"], [name for name in tables if name != "av"]),  # counts frames
        (["smooth_bbox", "model/video_preds", "--output_dir", "s"], [*tables, "pandas"]),
        (["remap", "model/video_preds/v.csv", boxes], tables),
        (["info", "v.mp4"], [*window, "pandas", "scipy"]),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, ",".join(unwanted), *words],
            capture_output=True, text=True, check=True, cwd=project,
        )  # fmt: skip
        assert done.stderr == ""
        assert done.stdout.splitlines()[-1] == "[]", words


def test_keypoints_of_the_full_frame_are_not_remapped(project, capsys):
    preds, boxes = project / "model" / "video_preds" / "v.csv", project / "small_bbox.csv"
    write_bbox_csv(boxes, np.tile([0.0, 0, 8, 8], (N, 1)))
    assert "these are not predictions of the cropped video" in fails(capsys, "remap", preds, boxes)
    assert not list(preds.parent.glob("remapped_*"))


def test_what_a_person_may_get_wrong_is_one_line(project, capsys):
    model, preds = project / "model", project / "model" / "video_preds" / "v.csv"
    few = project / "few_bbox.csv"
    write_bbox_csv(few, np.tile([0.0, 0, 8, 8], (N - 1, 1)))
    assert "few_bbox.csv: has" in fails(capsys, "flags", few, "--preds", preds)
    write_bbox_csv(model / "image_preds" / few.name / "bbox.csv", np.tile([0.0, 0, 8, 8], (N, 1)))
    assert "not a labels file" in fails(capsys, "crop", model, few)
    before = project / "model" / "video_preds" / "v_bbox.csv"
    assert "no box at all" in fails(
        capsys, "create_bbox", model, project / "v.mp4", "--min_likelihood", "1.0"
    )
    assert not before.exists()
    assert "no such file or folder" in fails(capsys, "review", project / "none.mp4")


def test_a_file_that_is_no_video_is_refused_before_a_model_is_loaded(project, capsys):
    text = project / "notes.mp4"
    text.write_text("not a video at all")
    checkpoint = project / "model/tb_logs/test/version_0/checkpoints/epoch=0-step=0-best.ckpt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(b"would be refused if it were loaded")
    assert main(["predict", str(project / "model"), str(text), "--overwrite"]) == 1
    said = capsys.readouterr()
    assert "notes.mp4: is not a video" in said.err
    assert "loading" not in said.out
