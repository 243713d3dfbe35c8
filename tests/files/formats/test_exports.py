"""What is exported is read again by our own readers, and by the program that it is for.

The programs are in an environment of their own, whose Python `CROPZOOM_TOOLS_PYTHON` names: sleap-io,
movement, pynwb, ndx-pose, pycocotools and motmetrics, with what this package needs without napari.
Datumaro, trackeval and supervision are in another, `CROPZOOM_DATUMARO_PYTHON`. `scripts/check_formats.sh`
makes both.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_exact_bbox_csv
from napari_cropzoom.files.formats.importing import read_outside, recognise
from napari_cropzoom.files.formats.outside_rows import BoxesOut, ImportOptions, PosesOut, VideoFacts
from napari_cropzoom.files.formats.registry import EXPORTS, POSE_EXPORTS, get_export, get_pose_export
from napari_cropzoom.files.predictions_csv import write_predictions
from videos import make_numbered_video

N = 12
VIDEO = VideoFacts("mouse.mp4", 320, 240, N, 25.0)
TOOLS = os.environ.get("CROPZOOM_TOOLS_PYTHON", "")
DATUMARO = os.environ.get("CROPZOOM_DATUMARO_PYTHON", "")
needs_tools = pytest.mark.skipif(not TOOLS, reason="CROPZOOM_TOOLS_PYTHON is not set")
SOURCE = Path(__file__).parents[3] / "src"
READER = Path(__file__).with_name("read_by_tools.py")
ROUND_TRIP = [each.name for each in EXPORTS if each.name not in ("table", "bbox_dir")]
"""Exports of several animals with gaps."""
OTHER_NAMES = {"mot": ("animal_1", "animal_2")}
"""The names that animals come back with, if not their own."""


def boxes() -> dict[str, np.ndarray]:
    """Two animals, the second absent in frames 3 to 5."""
    frames = np.arange(N)
    first = np.column_stack([10.25 + frames, 20.5 + 2 * frames, np.full(N, 30.5), np.full(N, 40.0)])
    second = first + np.array([100, 60, 4, 2])
    second[3:6] = np.nan
    return {"Ä <white>": first, "brown": second}


def poses() -> dict[str, Poses]:
    found = {}
    for name, box in boxes().items():
        centre = box[:, None, :2] + box[:, None, 2:] / 2
        xy = centre + np.array([[20, 0], [0, 0], [-25, -3]])
        likelihood = np.where(np.isnan(xy[..., 0]), np.nan, [0.9, 0.8, 0.7])
        found[name] = Poses(("nose", "body", "tail"), xy, likelihood, "cropzoom")
    return found


def test_every_export_of_keypoints_is_tested_here():
    assert {each.name for each in POSE_EXPORTS} == {"lightning_pose", "deeplabcut", "sleap", "nwb"}


@pytest.mark.parametrize("name", ROUND_TRIP)
def test_boxes_come_back_with_names_and_gaps(tmp_path, name):
    path = tmp_path / "out.dat"
    get_export(name).write(path, BoxesOut(boxes(), VIDEO))
    assert recognise(path).name == name
    found = read_outside(path, VIDEO)
    assert tuple(track.name for track in found.settled.tracks) == OTHER_NAMES.get(name, tuple(boxes()))
    for track, true in zip(found.settled.tracks, boxes().values(), strict=True):
        np.testing.assert_allclose(track.boxes, true, atol=1e-6)


def test_a_folder_for_litpose_holds_no_gaps(tmp_path):
    with pytest.raises(CropzoomError, match="frame 3 of brown has no box"):
        get_export("bbox_dir").write(tmp_path / "out", BoxesOut(boxes(), VIDEO))
    assert not (tmp_path / "out").exists()
    whole = {name: np.nan_to_num(box, nan=30.0) for name, box in boxes().items()}
    get_export("bbox_dir").write(tmp_path / "out", BoxesOut(whole, VIDEO))
    paths = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.csv"))
    assert paths == ["out/brown/mouse_bbox.csv", "out/Ä _white/mouse_bbox.csv"]
    np.testing.assert_allclose(read_bbox_csv(tmp_path / paths[0], N), np.rint(whole["brown"]))


@pytest.mark.parametrize("name", ["lightning_pose", "deeplabcut"])
def test_keypoints_of_one_animal_come_back(tmp_path, name):
    path = tmp_path / "out.csv"
    one = {"brown": poses()["brown"]}
    get_pose_export(name).write(path, PosesOut(one, VIDEO))
    check_keypoints(path, "keypoints", one, ("animal",))


def test_keypoints_of_several_come_back_as_deeplabcut_has_them(tmp_path):
    path = tmp_path / "out.csv"
    get_pose_export("deeplabcut").write(path, PosesOut(poses(), VIDEO))
    check_keypoints(path, "keypoints", poses(), tuple(poses()))
    with pytest.raises(CropzoomError, match="one animal each"):
        get_pose_export("lightning_pose").write(path, PosesOut(poses(), VIDEO))


def check_keypoints(path: Path, kind: str, true: dict[str, Poses], names: tuple[str, ...]) -> None:
    """Compare the keypoints of a file, whatever the order of animals and body parts in it."""
    assert recognise(path).name == kind
    said = recognise(path).read(path, VIDEO, ImportOptions(crop_ratio=2.0))
    assert sorted(said.names) == sorted(names)
    for name, each in zip(names, true.values(), strict=True):
        rows = said.animal == said.names.index(name)
        xy = np.full(each.xy.shape, np.nan)
        xy[said.frame[rows]] = said.keypoints[rows]
        order = np.argsort(-xy[0, :, 0])  # nose, body, tail lie from the right to the left
        np.testing.assert_allclose(xy[:, order], each.xy, atol=1e-6)
        np.testing.assert_allclose(said.confidence[rows][0], 0.8, atol=1e-6)


@pytest.mark.skipif(importlib.util.find_spec("sleap_io") is not None, reason="sleap-io is installed")
@pytest.mark.parametrize("name", ["sleap", "nwb"])
def test_what_is_not_installed_is_named_with_the_line_that_installs_it(tmp_path, name):
    with pytest.raises(CropzoomError, match=r'pip install "napari-cropzoom\[formats\]"'):
        get_pose_export(name).write(tmp_path / "out", PosesOut(poses(), VIDEO))
    assert list(tmp_path.iterdir()) == []


# -- the command


@pytest.fixture(scope="module")
def video_path(tmp_path_factory):
    return make_numbered_video(tmp_path_factory.mktemp("video") / "mouse.mp4", N, size=(320, 240), fps=25)


@pytest.fixture
def files(tmp_path):
    """Boxes and predictions of both animals, in folders of their names."""
    found = {"boxes": [], "poses": []}
    for name, box in boxes().items():
        folder = tmp_path / name.replace("<", "").replace(">", "")
        write_exact_bbox_csv(folder / "mouse_bbox.csv", box)
        write_predictions(folder / "mouse.csv", poses()[name])
        found["boxes"].append(folder / "mouse_bbox.csv")
        found["poses"].append(folder / "mouse.csv")
    return found


def run(*words):
    return main([str(word) for word in words])


def test_the_command_writes_all_animals_into_one_file(video_path, files, tmp_path, capsys):
    out = tmp_path / "out.xml"
    cvat = ("export", *files["boxes"], "--video", video_path, "--to", "cvat", "--output", out)
    assert run(*cvat) == 0
    before = out.read_bytes()
    assert run(*cvat) == 1
    assert "is there already" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert run(*cvat, "--overwrite") == 0
    assert "2 animals of mouse.mp4 exported to" in capsys.readouterr().out
    found = read_outside(out, VIDEO)
    assert [track.name for track in found.settled.tracks] == ["Ä white", "brown"]
    np.testing.assert_allclose(found.settled.tracks[1].boxes, boxes()["brown"], atol=1e-6)


def test_the_command_refuses_what_does_not_go_together(video_path, files, tmp_path, capsys):
    out = tmp_path / "out"
    words = ("--video", video_path, "--output", out, "--to")
    assert run("export", files["boxes"][0], *words, "deeplabcut") == 1
    assert (
        "has boxes, and deeplabcut is for keypoints. For boxes: table, bbox_dir, mot"
        in capsys.readouterr().err
    )
    assert run("export", files["poses"][0], *words, "mot") == 1
    assert "For keypoints: lightning_pose" in capsys.readouterr().err
    assert run("export", *files["boxes"], *words, "table") == 1
    assert "takes one animal" in capsys.readouterr().err
    assert not out.exists()


# -- the programs themselves


def by_tool(what: str, path: Path, python: str = TOOLS):
    """What a program reads from a file, run in an environment of its own."""
    done = subprocess.run([python, READER, what, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def check_read(found, true: dict[str, np.ndarray], names=None) -> None:
    """Compare animals, frames and numbers with the truth, None where missing."""
    assert list(found) == list(names or true)
    for got, wanted in zip(found.values(), true.values(), strict=True):
        np.testing.assert_allclose(np.array(got, np.float64), wanted, atol=1e-4)


@needs_tools
@pytest.mark.parametrize(
    ("name", "what", "names"),
    [
        ("mot", "motmetrics", ("1", "2")),
        ("coco", "pycocotools", None),
        ("via", "movement_via", ("id_0", "id_1")),
        ("movement", "movement_netcdf", None),
    ],
)
def test_programs_read_exported_boxes(tmp_path, name, what, names):
    path = tmp_path / {"via": "out.csv", "movement": "out.nc", "coco": "out.json", "mot": "out.txt"}[name]
    get_export(name).write(path, BoxesOut(boxes(), VIDEO))
    check_read(by_tool(what, path), boxes(), names)


@pytest.mark.skipif(not DATUMARO, reason="CROPZOOM_DATUMARO_PYTHON is not set")
@pytest.mark.parametrize(
    ("name", "what", "file", "names"),
    [
        ("cvat", "datumaro", "annotations.xml", None),
        ("mot", "trackeval", "out.txt", ("1", "2")),
        ("coco", "supervision", "out.json", ("0", "1")),
    ],
)
def test_programs_of_labels_read_exported_boxes(tmp_path, name, what, file, names):
    path = tmp_path / file
    get_export(name).write(path, BoxesOut(boxes(), VIDEO))
    check_read(by_tool(what, path, DATUMARO), boxes(), names)


@needs_tools
@pytest.mark.parametrize(
    ("name", "what", "suffix"),
    [
        ("deeplabcut", "movement_dlc", ".csv"),
        ("sleap", "sleap_io", ".slp"),
        ("sleap", "movement_sleap", ".slp"),
    ],
)
def test_programs_read_exported_keypoints(video_path, files, tmp_path, name, what, suffix):
    path = tmp_path / f"out{suffix}"
    export_with_tools(name, files["poses"], video_path, path)
    true = {name.replace("<", "").replace(">", ""): each.xy for name, each in poses().items()}
    check_read(by_tool(what, path), true)


@needs_tools
def test_movement_and_pandas_read_one_animal_of_lightning_pose(video_path, files, tmp_path):
    path = tmp_path / "out.csv"
    assert (
        run(
            "export", files["poses"][0], "--video", video_path, "--to", "lightning_pose", "--output", path
        )
        == 0
    )
    check_read(by_tool("movement_lp", path), {"individual_0": next(iter(poses().values())).xy})


@needs_tools
@pytest.mark.parametrize(("name", "suffix", "kind"), [("sleap", ".slp", "sleap"), ("nwb", ".nwb", "nwb")])
def test_what_sleap_io_writes_for_us_comes_back(video_path, files, tmp_path, name, suffix, kind):
    path = tmp_path / f"out{suffix}"
    export_with_tools(name, files["poses"], video_path, path)
    check_keypoints(path, kind, poses(), ("Ä white", "brown"))
    if name == "nwb":
        assert by_tool("pynwb", path) == {"Ä white": N, "brown": N - 3}


def export_with_tools(name: str, sources: list[Path], video: Path, output: Path) -> None:
    """Run `cropzoom export` where sleap-io is installed."""
    words = ["export", *sources, "--video", video, "--to", name, "--output", output]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [TOOLS, "-m", "napari_cropzoom.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
