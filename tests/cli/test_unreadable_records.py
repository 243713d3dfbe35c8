"""A record that is there but cannot be read is told on every road that takes the file; one may go on."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.test_same_name import N, go, predict, project, write_model
from napari_cropzoom.app import ReviewContent
from napari_cropzoom.crop.record import record_path as crop_record
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.belonging import doubt_of, record_path
from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside_rows import VideoFacts
from napari_cropzoom.files.parsing import load_arrays
from napari_cropzoom.files.provenance import VERSION, made_with_path
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.results import Results
from napari_cropzoom.projects.states import read_state
from napari_cropzoom.video.video import Video

__all__ = ["project"]


def garbage(record: Path) -> None:
    record.write_bytes(b"\0" * 300)


def cut(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:-40])


def newer(record: Path) -> None:
    if record.suffix == ".json":
        record.write_text(record.read_text().replace('"version": 1', '"version": 99'))
        return
    with load_arrays(record) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    content["about"] = str(content["about"]).replace(f'"version": {VERSION}', '"version": 99')
    file = io.BytesIO()
    np.savez(file, **content)
    record.write_bytes(file.getvalue())


def leads_nowhere(record: Path) -> None:
    record.unlink()
    record.symlink_to(record.with_name("annexed"))


DAMAGES = [
    (garbage, "it is damaged"),
    (cut, "it is damaged"),
    (newer, "it is of version 99, which this cropzoom does not know"),
    pytest.param(
        leads_nowhere,
        "No such file or directory",
        marks=pytest.mark.skipif(sys.platform == "win32", reason="links"),
    ),
]
damages = pytest.mark.parametrize(("damage", "why"), DAMAGES, ids=["garbage", "cut", "newer", "link"])


def told(record: Path, why: str, said: str) -> None:
    """It is said in one line, with the file, the reason and both ways on, and nothing else is wrong."""
    [line] = dict.fromkeys(line for line in said.splitlines() if str(record) in line)
    assert f"{record}: cannot be read ({why})" in line
    assert "taken on trust. " in line
    assert "again, or delete this record." in line
    assert "Traceback" not in said


@damages
def test_of_predictions_by_every_command_that_takes_them(project, capsys, damage, why):
    model, one = write_model(project, "model"), project / "day1" / "cam1.mp4"
    pose, preds = write_model(project), model / "video_preds" / "cam1.csv"
    boxes = model / "video_preds" / "cam1_bbox.csv"
    assert go("create_bbox", model, one) == 0
    predict(pose, one, 20)
    for record in (made_with_path(preds), made_with_path(pose / "video_preds" / "cam1.csv")):
        damage(record)
    record = made_with_path(preds)
    for words in (
        ("predict", model, one),
        ("create_bbox", model, one),
        ("flags", boxes, "--preds", preds, "--video", one),
        ("flags", boxes, "--preds", preds),
        ("export", preds, "--video", one, "--to", "lightning_pose", "--output", project / "o.csv"),
        ("figure", one, "--bbox", boxes, "--preds", preds, "--output", project / "o.png"),
        ("report", one, "--bbox", boxes, "--preds", preds, "--output", project / "o.html"),
    ):
        capsys.readouterr()
        assert go(*words) == 0, words
        said = capsys.readouterr().err
        told(record, why, said) if words[0] != "report" else None
    page = (project / "o.html").read_text(encoding="utf-8")
    assert f"{record.name}: cannot be read ({why})" in page
    capsys.readouterr()
    assert go("run", one, "--detector", model, "--pose", pose) == 0
    said = capsys.readouterr()
    assert "skipping" in said.out
    told(made_with_path(pose / "video_preds" / "cam1.csv"), why, said.err)
    one.unlink()  # the frames cannot be compared either
    assert go("create_bbox", model, one) == 0
    told(record, why, capsys.readouterr().err)


@damages
def test_of_boxes_by_every_command_that_takes_them(project, capsys, damage, why):
    model, one = project / "model", project / "day1" / "cam1.mp4"
    boxes = model / "video_preds" / "cam1_bbox.csv"
    assert go("create_bbox", model, one) == 0
    record = record_path(boxes)
    damage(record)
    kept = project / "kept.json"
    shutil.copy2(record, kept, follow_symlinks=False)
    for words in (
        ("crop", model, one),
        ("flags", boxes, "--video", one),
        ("export", boxes, "--video", one, "--to", "mot", "--output", project / "o.txt"),
        ("import_bbox", boxes, "--video", one, "--output_dir", project / "o"),
        ("figure", one, "--bbox", boxes, "--output", project / "o.png"),
        ("report", one, "--bbox", boxes, "--output", project / "o.html"),
        ("smooth_bbox", model / "video_preds", "--output_dir", project / "smooth"),
        ("create_bbox", model, one),
    ):
        capsys.readouterr()
        assert go(*words) == 0, words
        if words[0] != "report":
            told(record, why, capsys.readouterr().err)
    assert f"{record.name}: cannot be read ({why})" in (project / "o.html").read_text(encoding="utf-8")
    assert not doubt_of(boxes)  # made again
    damage(record)
    pose = write_model(project)
    capsys.readouterr()
    assert go("predict", pose, one, "--bbox_dir", boxes.parent) == 1  # an empty checkpoint
    told(record, why, capsys.readouterr().err)


@damages
def test_in_the_window_and_the_table_of_projects(project, damage, why):
    model, one = write_model(project, "model"), project / "day1" / "cam1.mp4"
    assert go("create_bbox", model, one) == 0
    records = [made_with_path(model / "video_preds" / "cam1.csv")]
    records += [record_path(model / "video_preds" / "cam1_bbox.csv")]
    for record in records:
        damage(record)
    with Video(one) as video:
        opened = ReviewContent.read(video, None, ModelFolder.open(model), None)
    assert opened.detector is not None
    assert opened.review is not None
    said = "\n".join([*opened.notes, *opened.review.notes])
    state = read_state(Results.of(Project.open(project), one))
    for record in records:
        told(record, why, said)
        told(record, why, "\n".join(state.problems))


def test_a_file_that_was_changed_by_others_and_one_without_a_record_have_none_to_be_told_of(project):
    model, one = project / "model", project / "day1" / "cam1.mp4"
    preds = model / "video_preds" / "cam1.csv"
    assert doubt_of(preds) == ""
    preds.write_text(preds.read_text().replace("0.9", "0.8"))
    assert doubt_of(preds) == ""
    made_with_path(preds).unlink()
    assert doubt_of(preds) == doubt_of(Path("/")) == ""
    assert go("create_bbox", model, one) == 0
    garbage(made_with_path(preds))
    record_path(preds).write_bytes(record_path(preds.with_name("cam1_bbox.csv")).read_bytes())
    assert str(made_with_path(preds)) in doubt_of(preds)


def test_of_a_crop_that_is_replaced_and_in_the_table_of_projects(project, capsys):
    model, one = write_model(project, "model"), project / "day1" / "cam1.mp4"
    assert go("create_bbox", model, one) == go("crop", model, one) == 0
    crop = model / "cropped_videos" / "cropped_cam1.mp4"
    garbage(crop_record(crop))
    assert go("crop", model, one) == 0
    said = capsys.readouterr()
    assert f"{crop_record(crop)}: cannot be read, so nothing says which video" in said.out + said.err
    garbage(crop_record(crop))
    problems = read_state(Results.of(Project.open(project), one)).problems
    assert any(f"{crop_record(crop)}: is not the record of a crop" in each for each in problems)


def test_by_the_window_as_by_the_command_boxes_of_another_video_are_no_import(project, capsys):
    """`understand` is what both go through; the window gives it the facts of its session."""
    model, two = project / "model", project / "day2" / "cam1.mp4"
    boxes = model / "video_preds" / "cam1_bbox.csv"
    assert go("create_bbox", model, project / "day1" / "cam1.mp4") == 0
    assert go("import_bbox", boxes, "--video", two, "--output_dir", project / "o") == 1
    assert "was made of another file (cam1.mp4" in capsys.readouterr().err
    facts = VideoFacts("cam1.mp4", 128, 96, N, 25.0)
    assert len(read_outside(boxes, facts).settled.tracks) == 1
    assert json.loads(record_path(boxes).read_text())["made_of"]["name"] == "cam1.mp4"
