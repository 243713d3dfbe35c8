"""Predictions that are kept: what skips them says where they are not what the call would make."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.engine.fingerprint import fingerprint
from napari_cropzoom.engine.incremental import seen_boxes
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.predictions_csv import read_predictions, write_predictions
from napari_cropzoom.files.provenance import MadeWith, made_with_path, video_identity, write_made_with
from napari_cropzoom.files.review_paths import file_sha256
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from napari_cropzoom.worker.stages import remap
from videos import pattern_video

N = 60
BOXES = np.tile([20.0, 16, 40, 40], (N, 1))
ONLY_CHANGED = "--only_changed runs these, --overwrite all"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A detector and a pose model with predictions of one video, and boxes of it in ``boxes``."""
    video = pattern_video(tmp_path / "v.mp4", N)
    xy = np.tile([[30.0, 26], [50, 46]], (N, 1, 1))
    xy[:, :, 0] += np.arange(N)[:, None] % 2 * 8  # smoothing changes it
    for name in ("det", "pose"):
        poses = Poses(("nose", "tail"), xy, np.full((N, 2), 0.95))
        make_predictions_folder(tmp_path / name, video, poses)
    write_bbox_csv(tmp_path / "boxes" / "v_bbox.csv", BOXES)
    return tmp_path


def record(folder: Path, boxes: np.ndarray | None, guessed: np.ndarray | None = None) -> None:
    """Leave the record that `cropzoom predict` leaves beside the predictions that are there."""
    csv, index = folder / "video_preds" / "v.csv", VideoIndex.scan(folder.parent / "v.mp4")
    seen = None if boxes is None else seen_boxes(boxes, index, "pad")
    model = fingerprint(ModelFolder.open(folder))
    made = MadeWith(model, "cpu", video_identity(index), seen, file_sha256(csv), guessed)
    write_made_with(made_with_path(csv), made)


def said(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def predicts(project: Path, *words: str | Path) -> list[str | Path]:
    return ["predict", project / "pose", project / "v.mp4", *words]


def runs(project: Path, *words: str | Path) -> list[str | Path]:
    models = ("--detector", project / "det", "--pose", project / "pose")
    return ["run", project / "v.mp4", *models, *words]


def skipping(project: Path, why: str = "prediction file already exists") -> str:
    return f"skipping {project / 'v.mp4'} ({why})\n"


def test_boxes_that_have_changed_are_told_with_the_cure(project, capsys):
    record(project / "pose", BOXES)
    given = ("--bbox_dir", project / "boxes")
    for words in (predicts(project, *given), runs(project, *given)):
        assert said(capsys, *words) == skipping(project)
    moved = BOXES.copy()
    moved[5:17, 0] += 9
    write_bbox_csv(project / "boxes" / "v_bbox.csv", moved)
    why = f"its predictions were made with other boxes in 12 of {N} frames: "
    assert said(capsys, *predicts(project, *given)) == skipping(project, why + ONLY_CHANGED)
    assert said(capsys, *runs(project, *given)) == skipping(project, f"{why}--overwrite runs all")
    why = "its predictions were made with boxes: --overwrite runs whole frames, --bbox_dir takes boxes"
    assert said(capsys, *predicts(project)) == skipping(project, why)
    before = (project / "pose" / "video_preds" / "v.csv").read_bytes()
    write_bbox_csv(project / "boxes" / "v_bbox.csv", BOXES[:-1])
    for words in (predicts(project, *given), runs(project, *given)):
        assert f"has {N - 1} boxes but the video has {N} frames" in said(capsys, *words, code=1)
    assert (project / "pose" / "video_preds" / "v.csv").read_bytes() == before


def test_another_smoothing_of_a_whole_run_is_told(project, capsys):
    for name in ("det", "pose"):
        record(project / name, None)
    assert main([*map(str, ("create_bbox", project / "det", project / "v.mp4"))]) == 0
    capsys.readouterr()
    raw = np.loadtxt(project / "det" / "video_preds" / "v_bbox.csv", delimiter=",", skiprows=1)
    record(project / "pose", raw[:, [1, 2, 4, 3]])
    assert said(capsys, *runs(project, "--smooth_window", "0")) == skipping(project)
    why = "frames: --overwrite runs all)\n"
    told = said(capsys, *runs(project, "--smooth_window", "5"))
    assert "its predictions were made with other boxes in" in told
    assert told.endswith(why)
    reviewed = project / "det" / "video_preds" / "bboxes_reviewed" / "v_bbox.csv"
    write_bbox_csv(reviewed, BOXES)
    assert "--bbox_dir takes the reviewed boxes)" in said(capsys, *runs(project))


def test_smoothing_that_leaves_the_animal_is_told_by_every_command_that_takes_its_boxes(
    project, tmp_path, capsys
):
    boxes = BOXES.copy()
    boxes[:, 0] += 40 * np.sin(np.arange(N) * np.pi / 10)
    write_bbox_csv(project / "boxes" / "v_bbox.csv", boxes)
    words = "frames the smoothed box leaves out over a third of the box before it"
    smooth = ("smooth_bbox", project / "boxes", "--output_dir", tmp_path / "s", "--window")
    assert main([*map(str, smooth), "5"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*map(str, smooth), "61", "--overwrite"]) == 0
    told = capsys.readouterr().err
    assert words in told
    assert told.endswith("Give a smaller --window.\n")
    cut = ("crop", project / "det", project / "v.mp4", "--bbox_dir", tmp_path / "s")
    assert main([*map(str, cut), "--preset", "ultrafast"]) == 0
    told = capsys.readouterr().err
    assert words in told
    assert told.endswith("Smooth them again with a smaller window.\n")


def test_frames_that_were_interpolated_are_told(project, capsys):
    guessed = np.arange(N) % 5 != 0
    guessed[-1] = False
    record(project / "pose", None, guessed)
    why = f"47 of {N} frames are interpolated: "
    assert said(capsys, *predicts(project)) == skipping(project, why + ONLY_CHANGED)
    sparser = said(capsys, *predicts(project, "--every", "2"))
    assert sparser == skipping(project, f"{why}--overwrite runs all")
    assert said(capsys, *predicts(project, "--every", "5")) == skipping(project)


def test_a_detector_that_interpolated_is_told_by_a_whole_run(project, capsys):
    guessed = np.arange(N) % 5 != 0
    guessed[-1] = False
    record(project / "det", None, guessed)
    record(project / "pose", BOXES)
    told = said(capsys, *runs(project))
    assert told == skipping(project, f"of det, 47 of {N} frames are interpolated: --overwrite runs all")


def test_a_model_trained_since_is_told_and_predictions_without_a_record_are_as_they_were(project, capsys):
    assert said(capsys, *predicts(project, "--bbox_dir", project / "boxes")) == skipping(project)
    record(project / "pose", None)
    next((project / "pose").rglob("*.ckpt")).write_bytes(b"another one")
    why = "the model has been trained or copied again: --overwrite runs all"
    assert said(capsys, *predicts(project)) == skipping(project, why)


def test_frames_without_an_animal_are_not_given_to_the_pose_model(project, capsys):
    """The reviewed file has a box there, for litpose: filled, and here equal to those beside it."""
    record(project / "pose", BOXES)
    session = Session(Video(project / "v.mp4"))
    session.set_raw(BOXES, project / "boxes" / "v_bbox.csv", Source.IMPORTED)
    session.smoothing = SmoothingSettings("none", 1)
    reviewed = session.save().parent
    same = ("--bbox_dir", reviewed)
    assert said(capsys, *predicts(project, *same)) == skipping(project)
    session.apply(mark_absent(session.track, 10, 21))
    session.save()
    session.close()
    np.testing.assert_array_equal(read_bbox_csv(reviewed / "v_bbox.csv"), BOXES)
    why = f"its predictions were made with other boxes in 12 of {N} frames: "
    for words in (predicts(project, *same), runs(project, *same)):
        assert why in said(capsys, *words)


@pytest.mark.parametrize("by", ["command", "window"])
def test_frames_without_an_animal_stay_empty_by_way_of_the_cropped_file(project, capsys, by):
    """Its pose model finds the keypoints of a box that was filled: they are not put back."""
    session = Session(Video(project / "v.mp4"))
    session.set_raw(BOXES, project / "boxes" / "v_bbox.csv", Source.IMPORTED)
    session.smoothing = SmoothingSettings("none", 1)
    session.apply(mark_absent(session.track, 10, 21))
    reviewed = session.save()
    session.close()
    said(capsys, "crop", project / "det", project / "v.mp4", "--bbox_dir", reviewed.parent)
    preds = project / "pose" / "video_preds" / "cropped_v.csv"
    write_predictions(preds, Poses(("nose",), np.full((N, 1, 2), 3.0), np.ones((N, 1))))
    if by == "command":
        assert "12 frames without an animal, by the review" in said(capsys, "remap", preds, reviewed)
    else:
        last = deque(remap({"preds": str(preds), "bbox_csv": str(reviewed)}), maxlen=1)
        assert last
    back, absent = read_predictions(preds.with_name("remapped_cropped_v.csv")), np.arange(10, 22)
    assert np.isnan(back.xy[absent]).all()
    assert not back.likelihood[absent].any()
    np.testing.assert_array_equal(np.delete(back.xy, absent, 0), [[BOXES[0, :2] + 3]] * (N - 12))
