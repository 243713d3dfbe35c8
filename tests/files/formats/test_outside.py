"""Files of other tools are known by content, and their boxes are true to half a pixel."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.importing import Imported, read_outside, recognise
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside_rows import VideoFacts
from outside_files import (
    BY_HAND,
    FIRST,
    FIRST_FILES,
    FIRST_VIDEO,
    NO_SHARED,
    POINTS,
    REFUSED,
    SECOND,
    SECOND_FILES,
    SECOND_VIDEO,
    SHARED,
    WRITTEN,
    Expected,
    centres,
    read_truth,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="h5py is not installed (the extra `formats`)"
)
needs_shared = pytest.mark.skipif(not FIRST.is_dir(), reason=NO_SHARED)


@pytest.fixture(scope="module")
def second(tmp_path_factory) -> Path:
    """Files of another geometry, written by the tools themselves."""
    folder = tmp_path_factory.mktemp("second")
    with zipfile.ZipFile(SECOND) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def third(tmp_path_factory) -> Path:
    """The formats of `make_formats.py` that are written by hand, of a geometry that no other test has."""
    script = SHARED / "tools" / "make_formats.py"
    if not script.is_file():
        pytest.skip(f"{script} is not here")
    folder = tmp_path_factory.mktemp("third")
    what = [
        "--size",
        "1003x601",
        "--frames",
        "41",
        "--box",
        "34x122",
        "--gap",
        "5:6",
        "--names",
        "x,y",
        "--step",
        "11",
    ]
    for only in ([], ["--only", "hand"]):
        done = subprocess.run(
            [sys.executable, script, folder, *what, *only], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


def check(folder: Path, name: str, expected: Expected, video: VideoFacts) -> Imported:
    """Read a file and compare everything with the truth."""
    truth = read_truth(folder / "truth.csv", video)
    assert recognise(folder / name).name == expected.format
    found = read_outside(folder / name, video, expected.import_options(), expected.format_name)
    names = expected.names or tuple(list(truth)[place] for place in expected.animals)
    assert tuple(track.name for track in found.settled.tracks) == names
    for track, place in zip(found.settled.tracks, expected.animals, strict=True):
        true = list(truth.values())[place].copy()
        true[: expected.late] = np.nan
        np.testing.assert_array_equal(np.isnan(track.boxes[:, 0]), np.isnan(true[:, 0]))
        if expected.kind == "boxes":
            np.testing.assert_allclose(track.boxes, true, atol=expected.tolerance)
        elif expected.kind == "points":
            np.testing.assert_allclose(centres(track.boxes), centres(true), atol=expected.tolerance)
            assert np.nanmin(track.boxes[:, 2:]) == np.nanmax(track.boxes[:, 2:]) == 64
        else:
            wanted = boxes_round_keypoints(true)
            np.testing.assert_allclose(track.boxes, wanted, atol=2.0)  # even sizes, from float32
        known = track.confidence[~np.isnan(true[:, 0])]
        np.testing.assert_allclose(known, expected.confidence, atol=1e-3)
        assert np.isnan(track.confidence[np.isnan(true[:, 0])]).all()
    return found


def boxes_round_keypoints(true: np.ndarray) -> np.ndarray:
    """What `create_bbox` makes of the recording's keypoints."""
    xy = centres(true)[:, None] + POINTS
    poses = Poses(("nose", "body", "tail"), xy, np.ones(xy.shape[:2]))
    return boxes_from_keypoints(poses, SizingSettings(2.0))


@needs_shared
@pytest.mark.parametrize("name", FIRST_FILES)
def test_every_file_of_the_recording_is_read(name):
    check(FIRST, name, FIRST_FILES[name], FIRST_VIDEO)


@needs_shared
def test_no_file_of_the_recording_is_left_out():
    there = {each.name for each in FIRST.iterdir()} - {"truth.csv", "clip.mp4", "hand"}
    there |= {f"hand/{each.name}" for each in (FIRST / "hand").iterdir()}
    assert there == {*FIRST_FILES, *REFUSED}


@pytest.mark.parametrize("name", SECOND_FILES)
def test_files_of_another_geometry_are_read(second, name):
    check(second, name, SECOND_FILES[name], SECOND_VIDEO)


@pytest.mark.parametrize("name", BY_HAND)
def test_formats_written_by_hand_are_read_in_a_third_geometry(third, name):
    check(third, name, BY_HAND[name], VideoFacts("clip.mp4", 1003, 601, 41, 30.0))


@pytest.mark.parametrize("name", WRITTEN)
def test_formats_that_are_written_here_are_read(second, tmp_path, name):
    write, expected = WRITTEN[name]
    shutil.copy(second / "truth.csv", tmp_path)
    write(tmp_path / name, read_truth(second / "truth.csv", SECOND_VIDEO))
    check(tmp_path, name, expected, SECOND_VIDEO)


@pytest.mark.parametrize(
    "name", [name for name, each in SECOND_FILES.items() if each.kind == "keypoints"]
)
def test_keypoints_are_true_to_a_twentieth_of_a_pixel(second, name):
    truth, expected = list(read_truth(second / "truth.csv", SECOND_VIDEO).values()), SECOND_FILES[name]
    said = recognise(second / name).read(second / name, SECOND_VIDEO, expected.import_options())
    assert said.keypoints.shape[1:] == (3, 2)
    for row, animal, frame in zip(said.keypoints, said.animal, said.frame, strict=True):
        wanted = centres(truth[expected.animals[animal]][frame][None]) + POINTS
        got = row[np.argsort(-row[:, 0])]  # nose, body, tail lie from the right to the left
        np.testing.assert_allclose(got, wanted, atol=0.05)


@pytest.mark.parametrize("name", SECOND_FILES)
def test_what_a_file_is_does_not_depend_on_its_name(second, tmp_path, name):
    other = tmp_path / "results.dat"
    shutil.copy(second / name, other)
    assert recognise(other).name == SECOND_FILES[name].format


@needs_shared
@pytest.mark.parametrize(("name", "message"), REFUSED.items())
def test_pickles_are_not_opened(name, message):
    with pytest.raises(CropzoomError, match=message):
        read_outside(FIRST / name, FIRST_VIDEO)


@needs_shared
def test_between_the_keyframes_of_cvat_boxes_move_evenly():
    truth = read_truth(FIRST / "truth.csv", FIRST_VIDEO)
    found = read_outside(FIRST / "hand" / "cvat_video_1.1.xml", FIRST_VIDEO)
    keys = [frame for frame in (*range(0, 60, 5), 59, 20, 30) if not 20 <= frame < 30]
    for track in found.settled.tracks:
        np.testing.assert_allclose(track.boxes[keys], truth[track.name][keys], atol=0.01)
        np.testing.assert_allclose(track.boxes[2], truth[track.name][[0, 5]].T @ [0.6, 0.4], atol=0.01)


@pytest.mark.parametrize("each", OUTSIDE, ids=lambda each: each.name)
def test_each_names_itself(each):
    assert each.name.isidentifier()
    assert each.label
    assert len(each.help) > 20


def test_names_are_not_used_twice():
    assert len({each.name for each in OUTSIDE}) == len(OUTSIDE)


def test_names_in_hdf5_are_read_without_its_library(second, tmp_path):
    import h5py

    n_known = 0
    for path in [*second.glob("*.h5"), *second.glob("*.slp")]:
        with h5py.File(path, locking=False) as file:
            assert set(file) <= Content(path).certain_names, path.name
            n_known += len(file)
    assert n_known > 30
    newer = tmp_path / "newer.h5"
    with h5py.File(newer, "w", libver="latest", locking=False) as file:
        file["tracks"] = [1.0]
    assert Content(newer).certain_names == frozenset()


def test_names_in_damaged_hdf5_are_those_that_are_left(second, tmp_path):
    path = tmp_path / "damaged.h5"
    sound = (second / "poses.analysis.h5").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(100):
        data = bytearray(sound[: rng.integers(4, len(sound))])
        for place in rng.integers(8, min(len(data), 200) + 8, 4).tolist():
            data[place : place + 1] = bytes([rng.integers(256)])
        path.write_bytes(data)
        assert all(len(name) < 2**20 for name in Content(path).certain_names)
