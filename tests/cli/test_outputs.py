"""What a verb writes never takes the place of something else."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli_runs import COMMAND
from napari_cropzoom.cli import main
from napari_cropzoom.cli.arguments import any_path
from napari_cropzoom.cli.parser import build_parser
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_path
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.exchange.exporting import to_export


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def verbs() -> dict[str, argparse.ArgumentParser]:
    (found,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(found.choices)


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_no_path_may_be_empty(verb, capsys):
    """``--output_dir "$UNSET"`` would write into the folder one is in."""
    for action in verbs()[verb]._actions:
        assert action.type is not Path, action.dest
        if action.type is any_path and action.option_strings:
            with pytest.raises(SystemExit):
                build_parser().parse_args([verb, action.option_strings[0], ""])
            assert "is empty; give a file or folder" in capsys.readouterr().err


TABLES = {
    "project": ("project", "{folder}", "--csv"),
    "batch": ("batch", "{folder}/v.mp4", "--detector", "{folder}/model", "--until", "boxes", "--results"),
    "evaluate": (
        "evaluate",
        "{folder}",
        "--detector",
        "{folder}/model",
        "--pose",
        "{folder}/model",
        "--csv",
    ),
    "predict": ("predict", "{folder}/model", "{folder}/v.mp4", "--progress_file"),
}


@pytest.mark.parametrize("name", ["v.mp4", "model/config.yaml", "model/video_preds/v.csv"])
@pytest.mark.parametrize("verb", TABLES)
def test_a_table_never_replaces_what_is_no_such_table(project, verb, name, capsys):
    target = project / name
    before = target.read_bytes()
    words = [word.format(folder=project) for word in TABLES[verb]]
    assert run(*words, target) == 1
    assert "is there already, and is not a" in capsys.readouterr().err
    assert target.read_bytes() == before


def test_a_table_is_replaced_by_a_newer_one(project):
    assert run("project", project, "--csv", project / "t.csv") == 0
    first = (project / "t.csv").read_text()
    shutil.copy(project / "v.mp4", project / "w.mp4")
    assert run("project", project, "--csv", project / "t.csv") == 0
    assert len((project / "t.csv").read_text().splitlines()) == len(first.splitlines()) + 1
    assert (
        run("batch", project / "v.mp4", "--detector", project / "model", "--results", project / "t.csv")
        == 1
    )


@pytest.mark.parametrize("to", ["table", "mot", "bbox_dir"])
def test_an_export_never_replaces_what_it_is_made_of(project, to, capsys):
    assert run("create_bbox", project / "model", project / "v.mp4") == 0
    boxes, video = project / "model" / "video_preds" / "v_bbox.csv", project / "v.mp4"
    before = boxes.read_bytes(), video.read_bytes()
    outputs = [boxes.parent] if to == "bbox_dir" else [boxes, video]
    for output in outputs:
        assert run("export", boxes, "--video", video, "--to", to, "--output", output, "--overwrite") == 1
        assert "is the video, or what is to be exported" in capsys.readouterr().err
    assert (boxes.read_bytes(), video.read_bytes()) == before


def test_step_export_never_replaces_the_boxes_that_are_reviewed(project):
    assert run("create_bbox", project / "model", project / "v.mp4") == 0
    boxes = project / "model" / "video_preds" / "v_bbox.csv"
    session = Session(Video(project / "v.mp4"))
    session.load_boxes(boxes)
    for name, place in (("bbox_dir", boxes.parent), ("table", boxes), ("mot", project / "v.mp4")):
        with pytest.raises(CropzoomError, match="is the video, or what is to be exported"):
            to_export(session, name, place)
    to_export(session, "bbox_dir", project / "out")()
    assert (project / "out" / "v_bbox.csv").is_file()
    session.close()


def test_a_folder_of_boxes_is_not_written_over(project, tmp_path, capsys):
    assert run("create_bbox", project / "model", project / "v.mp4") == 0
    there = tmp_path / "other" / "v_bbox.csv"
    there.parent.mkdir()
    there.write_text("of somebody\n")
    words = ("export", project / "model" / "video_preds" / "v_bbox.csv", "--video", project / "v.mp4")
    words = (*words, "--to", "bbox_dir", "--output", there.parent)
    assert run(*words) == 1
    assert "is there already" in capsys.readouterr().err
    assert there.read_text() == "of somebody\n"
    assert run(*words, "--overwrite") == 0


def test_files_are_no_folders_and_no_devices(tmp_path, project, capsys):
    """A rename would put a file in the place of a pipe, as root in that of ``/dev/null``."""
    for folder in (tmp_path, Path(".")):
        with pytest.raises(CropzoomError, match="cannot be written: it is a folder"), atomic_path(folder):
            pass
    if not hasattr(os, "mkfifo"):
        return
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(CropzoomError, match="it is a device or a pipe"), atomic_path(pipe):
        pass
    no_video, boxes, video = tmp_path / "pipe.mp4", tmp_path / "b_bbox.csv", project / "v.mp4"
    os.mkfifo(no_video)
    boxes.write_text(",x,y,h,w\n0,1,1,30,30\n")
    for words in (
        ("flags", pipe),
        ("flags", boxes, "--video", no_video),
        ("remap", pipe, pipe),
        ("import_bbox", pipe, "--output_dir", tmp_path, "--video", video),
        ("import_bbox", boxes, "--output_dir", tmp_path, "--video", no_video),
        ("export", boxes, "--to", "mot", "--output", tmp_path / "o.txt", "--video", no_video),
        ("info", no_video),
    ):
        assert run(*words) == 1
        assert "is a pipe or a device, not a file" in capsys.readouterr().err, words


@pytest.mark.parametrize("word", ["foo", "=1", "", "+", "~"])
def test_overrides_are_key_and_value(word, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(["predict", "m", "v.mp4", "--overrides", word])
    assert "must be KEY=VALUE" in capsys.readouterr().err
    build_parser().parse_args(["predict", "m", "v.mp4", "--overrides", "a.b=1", "~c", "+d=''"])


@pytest.mark.skipif(os.name == "nt", reason="a shell of Unix closes streams")
def test_streams_that_are_closed(project):
    """The first files that are opened would be taken for the output."""
    command = shlex.join([*COMMAND, "info", str(project / "v.mp4")])
    assert subprocess.run(f"{command} >&- 2>&- <&-", shell=True, check=False).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_output_that_nobody_can_take(project):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "info", str(project / "v.mp4")], stdout=full, stderr=-1, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"cropzoom: error: what this says cannot be written (")


@pytest.mark.skipif(sys.platform != "linux", reason="root may read everything, but for this tool")
def test_folders_that_may_not_be_read(project, tmp_path):
    """Root is told so too, in a process without its privileges."""
    if shutil.which("setpriv") is None and os.getuid() == 0:
        pytest.skip("no setpriv")
    plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []

    def cropzoom(*words: str | Path) -> subprocess.CompletedProcess[str]:
        words = (*plain, *COMMAND, *words)
        return subprocess.run(
            [*map(str, words)], capture_output=True, text=True, errors="replace", check=False
        )

    (project / "models").mkdir()
    (project / "model").rename(project / "models" / "det")
    closed = [project / "models" / "det" / "video_preds", project / "models" / "hers", project / "boxes"]
    for folder in closed:
        folder.mkdir(exist_ok=True)
        folder.chmod(0)
    try:
        told = cropzoom("project", project)
        smoothed = cropzoom("smooth_bbox", project / "boxes", "--output_dir", tmp_path / "out")
    finally:
        for folder in closed:
            folder.chmod(0o755)
    assert told.returncode == 0, told.stderr
    assert "cannot be read (Permission denied)" in told.stdout
    assert smoothed.returncode == 1
    assert smoothed.stderr.startswith(f"cropzoom: error: {project / 'boxes'}: Permission denied")
