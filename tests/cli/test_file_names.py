"""The verbs on files and folders whose names FFmpeg or the command line could take for something else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom.cli import files_apart, main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number

N = 130  # more than one group of pictures
VIDEOS = ["-50%d.mp4", "--json.mp4", "Größe 日 1.mp4"]
if sys.platform != "win32":
    VIDEOS += ["2024-05-01T10:30:00.mp4", "http:a|b.mp4"]


@pytest.fixture(params=VIDEOS, ids=ascii)
def names(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch) -> tuple[str, str]:
    """Model and video by names relative to the current folder."""
    monkeypatch.chdir(tmp_path)
    model = "model 1" if sys.platform == "win32" else "model:%1"
    make_numbered_video(tmp_path / request.param, N)
    xy = np.full((N, 3, 2), 30.0) + np.array([[0, 0], [20, 0], [0, 20]])
    poses = Poses(("nose", "back", "tail"), xy, np.ones((N, 3)), "heatmap_tracker")
    make_predictions_folder(Path(model), Path(request.param), poses)
    return model, request.param


def test_every_verb_that_reads_or_writes_a_video(names: tuple[str, str], capsys) -> None:
    model, video = names
    boxes = Path(model, "video_preds", f"{Path(video).stem}_bbox.csv")
    assert main(["info", video]) == 0
    assert main(["create_bbox", model, video]) == 0
    assert main(["crop", model, video]) == 0
    crop = Path(model, "cropped_videos", f"cropped_{Path(video).stem}.mp4")
    with Video(crop) as cropped:
        assert len(cropped) == N
    changed = read_bbox_csv(boxes)
    changed[-1] += [2, 0, 0, 0]
    write_bbox_csv(boxes, changed)
    assert main(["crop", model, video]) == 0  # joins new groups to those of the crop before
    assert "re-encoded 1 of 2 groups" in capsys.readouterr().out
    assert main(["info", os.fspath(crop)]) == 0
    assert main(["detect", video, "--output_dir", "found"]) == 0


def test_a_file_that_begins_with_a_dash_is_no_option(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    make_numbered_video(tmp_path / "-h.mp4", 5)
    assert main(["info", "-h.mp4", "--json"]) == 0
    assert '"frames": 5' in capsys.readouterr().out
    assert files_apart(["--json", "-h", "-h.mp4"]) == ["--json", "-h", os.path.join(".", "-h.mp4")]
    with Video(Path("-h.mp4")) as video:
        assert read_number(video.frame(3)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="links want rights there")
def test_links_that_lead_to_themselves(tmp_path: Path, capsys) -> None:
    """A folder, a video and the models of a project; others are done."""
    videos = tmp_path / "lab" / "videos"
    videos.mkdir(parents=True)
    make_numbered_video(videos / "a.mp4", N)
    for link, target in (("up", tmp_path / "lab"), ("self", "self"), ("x.mp4", "x.mp4")):
        (videos / link).symlink_to(target)
    (tmp_path / "lab" / "models").symlink_to("models")
    assert main(["project", str(tmp_path / "lab")]) == 0
    assert "a.mp4" in capsys.readouterr().out
    xy = np.full((N, 1, 2), 30.0)
    model = make_predictions_folder(tmp_path / "m", videos / "a.mp4", Poses(("a",), xy, np.ones((N, 1))))
    words = [str(videos), "--detector", str(model), "--until", "boxes"]
    assert main(["batch", *words, "--output_dir", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert "unexpected" not in printed.err
    assert "x.mp4: cannot be read (Too many levels of symbolic links" in printed.err
    assert f"table saved to {tmp_path / 'out' / 'batch.csv'}" in printed.out


@pytest.mark.skipif(sys.platform == "win32", reason="paths are shorter there")
def test_a_name_too_long_for_what_is_made_of_it(tmp_path: Path, capsys) -> None:
    video = make_numbered_video(tmp_path / f"{'x' * 251}.mp4", 3)
    (tmp_path / "model").mkdir()
    assert main(["crop", str(tmp_path / "model"), str(video), "--bbox_dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "File name too long. Rename the video: files made of it are named after it" in said
