"""`cropzoom crop`: several videos, encoders, interruptions."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cli_runs import COMMAND, N, fails
from napari_cropzoom.cli import main
from napari_cropzoom.crop.encoders import HARDWARE, probe
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.video.video import Video
from videos import pattern_video


def test_a_crop_with_boxes_of_ones_own_needs_no_model(project, capsys):
    """Any folder takes the crop; what has to be looked for in a model's folder still wants one."""
    video, boxes = project / "v.mp4", project / "boxes"
    assert main(["create_bbox", str(project / "model"), str(video)]) == 0
    boxes.mkdir()
    shutil.copy(project / "model" / "video_preds" / "v_bbox.csv", boxes)
    command = ["crop", str(boxes), str(video), "--bbox_dir", str(boxes), "--preset", "ultrafast"]
    assert main(command) == 0
    with Video(video) as whole, Video(boxes / "cropped_videos" / "cropped_v.mp4") as cropped:
        assert cropped.n_frames == whole.n_frames
    capsys.readouterr()
    assert "no config.yaml" in fails(capsys, "crop", boxes, video)
    assert "is not a folder" in fails(capsys, "crop", project / "none", video, "--bbox_dir", boxes)


def test_crops_side_by_side_and_one_that_fails_loses_no_other(project, capsys):
    boxes = project / "boxes"
    names = [f"side{i}" for i in range(4)]
    for name in names:
        pattern_video(project / f"{name}.mp4", 12)
        write_bbox_csv(boxes / f"{name}_bbox.csv", np.tile([5.0, 5, 28, 28], (12, 1)))
        sign(boxes / f"{name}_bbox.csv", project / f"{name}.mp4")
    write_bbox_csv(boxes / "side1_bbox.csv", np.tile([5.0, 5, 28, 28], (11, 1)))
    sign(boxes / "side1_bbox.csv", project / "side1.mp4")
    videos = [project / f"{name}.mp4" for name in names]
    command = ["crop", project / "model", *videos, "--bbox_dir", boxes]
    said = fails(capsys, *command, "--jobs", "3")
    assert "side1_bbox.csv" in said
    assert said.strip().endswith("3 of 4 files were cropped.")
    crops = project / "model" / "cropped_videos"
    assert sorted(path.stem for path in crops.glob("*.mp4")) == [f"cropped_side{i}" for i in (0, 2, 3)]
    assert not list(crops.glob(".*"))
    write_bbox_csv(boxes / "side1_bbox.csv", np.tile([5.0, 5, 28, 28], (12, 1)))
    assert main([str(word) for word in command]) == 0
    out = capsys.readouterr().out
    assert out.count("re-encoded 0 of 1 group of pictures") == 3
    assert f"saved to {crops / 'cropped_side1.mp4'}\n" in out


def test_an_encoder_that_does_not_work_is_refused_first(project, capsys):
    encoder = next((name for name in HARDWARE if probe(name)), None)
    if encoder is None:
        pytest.skip("every encoder works on this machine")
    command = ["crop", project / "model", project / "v.mp4", "--bbox_dir", project / "boxes"]
    write_bbox_csv(project / "boxes" / "v_bbox.csv", np.tile([5.0, 5, 28, 28], (N, 1)))
    said = fails(capsys, *command, "--encoder", encoder)
    assert f"{encoder} does not work on this machine" in said
    assert not (project / "model" / "cropped_videos").exists()


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows ends a process without letting it clean up: no signals"
)
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_crop_leaves_nothing(project, number, jobs):
    videos = [pattern_video(project / f"long{i}.mp4", 140, size=(640, 480)) for i in range(jobs)]
    for video in videos:
        bbox = project / "boxes" / f"{video.stem}_bbox.csv"
        write_bbox_csv(bbox, np.tile([5.0, 5, 600, 400], (140, 1)))
        sign(bbox, video)
    command = ["crop", project / "model", *videos, "--bbox_dir", project / "boxes"]
    command += ["--preset", "veryslow", "--jobs", str(jobs)]
    usual = signal.signal(number, signal.SIG_DFL)  # a shell's background job ignores Ctrl-C, and so do we
    try:
        process = subprocess.Popen([*COMMAND, *map(str, command)], stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(number, usual)
    crops = project / "model" / "cropped_videos"
    for _ in range(600):
        if crops.is_dir():
            break
        time.sleep(0.05)
    time.sleep(1)  # now the encoders are at work
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert said.strip() == "cropzoom: error: interrupted; nothing was left half-written"
    assert list(crops.iterdir()) == []
