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
