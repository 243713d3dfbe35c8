"""Where somebody with only the README stumbled: each step says where it saved, and what comes first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from conformance.litpose import write_model_config
from napari_cropzoom.cli import main
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import Progress, Tenths
from napari_cropzoom.demo import run
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from videos import pattern_video

N = 40


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A detector with predictions of one video, of which it was unsure for a while."""
    model = write_model_config(tmp_path / "model", ("nose", "tail"), tmp_path)
    pattern_video(tmp_path / "v.mp4", N)
    nose = np.column_stack([30.0 + np.arange(N) / 4, np.full(N, 40.0)])
    likelihood = np.full((N, 2), 0.95)
    likelihood[20:23] = 0.02
    poses = Poses(("nose", "tail"), np.stack([nose, nose + np.array([24, 21])], axis=1), likelihood)
    write_predictions(model / "video_preds" / "v.csv", poses)
    sign(model / "video_preds" / "v.csv", tmp_path / "v.mp4")
    return tmp_path


def go(*words: str | Path) -> int:
    return main([str(word) for word in words])


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    capsys.readouterr()
    assert go(*words) == 1
    return capsys.readouterr().err


def test_every_step_says_where_it_saved(project, capsys):
    model, video, raw = project / "model", project / "v.mp4", project / "model" / "video_preds"
    steps = (
        (("create_bbox", model, video), raw / "v_bbox.csv"),
        (("smooth_bbox", raw, "--output_dir", project / "smooth"), project / "smooth" / "v_bbox.csv"),
        (("crop", model, video), model / "cropped_videos" / "cropped_v.mp4"),
        (("detect", video, "--output_dir", project / "found"), project / "found" / "v_bbox.csv"),
    )
    for words, output in steps:
        assert go(*words) == 0
        assert str(output) in capsys.readouterr().out
        assert output.is_file()


def test_reviewed_boxes_that_were_not_saved_yet(project, capsys):
    model, video = project / "model", project / "v.mp4"
    folder = model / "video_preds" / "bboxes_reviewed"
    crop = ("crop", model, video, "--bbox_dir", folder)
    assert f"no boxes to review. Run `cropzoom create_bbox {model} {video}`" in refused(capsys, *crop)
    assert go("create_bbox", model, video) == 0
    said = refused(capsys, *crop)
    raw = model / "video_preds" / "v_bbox.csv"
    assert (
        f"v_bbox.csv: nothing was saved yet. Open it with `cropzoom review {video} --bbox {raw}`" in said
    )
    assert "Save review in step Export" in said
    assert "session.save()" in said
    session = Session(Video(video))
    session.load_boxes(raw)
    session.set_box(3, (10, 10, 40, 40))
    assert "the review was begun, but not saved yet" in refused(capsys, *crop)
    session.save()
    session.close()
    assert go(*crop) == 0


def test_a_folder_with_the_boxes_of_others_says_so(project, capsys):
    folder = project / "boxes"
    crop = ("crop", project / "model", project / "v.mp4", "--bbox_dir", folder)
    assert "there are no boxes, and no folder boxes. Run" in refused(capsys, *crop)
    for name in ("a", "b", "c", "d"):
        write_bbox_csv(folder / f"{name}_bbox.csv", np.full((N, 4), 30.0))
    said = refused(capsys, *crop)
    assert "no boxes for v.mp4, only a_bbox.csv, b_bbox.csv, c_bbox.csv, .... Run" in said


def test_flags_looks_at_boxes_round_keypoints(project, capsys):
    preds = project / "model" / "video_preds" / "v.csv"
    assert go("flags", preds, "--json") == 0
    told = capsys.readouterr()
    assert "v.csv: is a table of keypoints, not of boxes" in told.err
    assert "create_bbox" in told.err
    found = json.loads(told.out)
    assert [(each["first"], each["last"]) for each in found["flagged"]] == [(20, 22)]
    assert "low likelihood" in found["flagged"][0]["reasons"][0]


def test_a_table_in_the_place_of_another_is_called_what_it_is(project, capsys):
    model, video = project / "model", project / "v.mp4"
    preds, boxes, labels = model / "video_preds" / "v.csv", project / "w_bbox.csv", project / "labels.csv"
    write_bbox_csv(boxes, np.full((N, 4), 30.0))
    rows = "".join(f"labeled-data/v/img{i}.png,{i},20,40,41\n" for i in range(N))
    labels.write_text("scorer,m,m,m,m\nbodyparts,a,a,b,b\ncoords,x,y,x,y\n" + rows)
    assert "is a table of boxes, not of keypoints" in refused(capsys, "remap", boxes, preds)
    assert "is a table of boxes, not of keypoints" in refused(capsys, "flags", boxes, "--preds", boxes)
    assert "is a table of labeled images" in refused(capsys, "flags", labels)
    (project / "dir").mkdir()
    (project / "dir" / "v_bbox.csv").write_bytes(preds.read_bytes())
    said = refused(capsys, "smooth_bbox", project / "dir", "--output_dir", project / "s")
    assert "this is a table of keypoints. `cropzoom create_bbox` puts boxes round keypoints" in said
    assert go("crop", model, video, "--bbox_dir", project / "dir") == 0
    assert "v_bbox.csv: is a table of keypoints, not of boxes" in capsys.readouterr().err
    assert len(read_bbox_csv(boxes)) == N


@pytest.mark.parametrize("total", [1, 7, 10, 1200, 100_003])
def test_at_most_ten_lines_where_nobody_sees_a_bar(total, capsys):
    def stage():
        yield Progress(0, 0, "loading")
        for done in range(total + 1):
            yield Progress(done, total, "frames")
        for _ in range(50):
            yield Progress(0, 0, "drawing")
        yield Progress(total, total, "frames")
        return {}

    run("Detect", stage())
    lines = capsys.readouterr().err.splitlines()
    counts = [line for line in lines if re.search(r"\d+ of \d+ frames", line)]
    assert 1 <= len(counts) <= 10
    assert counts[-1] == f"Detect: {total} of {total} frames"
    assert len(lines) == len(counts) + 2


def test_tenths_of_what_is_not_known_are_none():
    tenths = Tenths()
    assert not any(tenths.is_new(Progress(done, 0)) for done in range(9))
