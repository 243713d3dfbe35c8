"""Files written by the code of idtracker.ai, Ultralytics and Datumaro are read true to half a pixel.

Each program is in an environment of its own, whose Python `CROPZOOM_IDTRACKER_PYTHON`,
`CROPZOOM_ULTRALYTICS_PYTHON` and `CROPZOOM_DATUMARO_PYTHON` name; `scripts/check_formats.sh` makes them.
What Datumaro 1.13.12 wrote lies in `tests/data/formats_datumaro`, too.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import read_outside, recognise
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts

N = 40
VIDEO = VideoFacts("mouse.mp4", 320, 240, N, 25.0)
EXAMPLE = Path(__file__).parents[3] / "examples" / "cropzoom-detectors" / "src"
WRITER = Path(__file__).with_name("written_by_tools.py")


def boxes(animals: int) -> np.ndarray:
    """(T, A, 4); the second animal is absent in frames 7 to 9."""
    frames = np.arange(N)
    first = np.column_stack([10.25 + 3 * frames, 20.5 + 2 * frames, np.full(N, 30.5), np.full(N, 40.0)])
    second = first + np.array([100, 60, 4, 2])
    second[7:10] = np.nan
    return np.stack([first, second][:animals], axis=1)


def written(program: str, folder: Path, animals: int) -> Path:
    """A folder with the files of a program."""
    variable = f"CROPZOOM_{program.partition('_')[0].upper()}_PYTHON"
    python = os.environ.get(variable, "")
    if not python:
        pytest.skip(f"{variable} is not set")
    np.save(folder / "boxes.npy", boxes(animals))
    done = subprocess.run([python, WRITER, program, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("animals", [1, 2])
def test_idtracker(tmp_path, animals):
    folder = written("idtracker", tmp_path, animals)
    for name, kind in (
        ("trajectories.h5", "idtracker"),
        ("trajectories_csv", "idtracker"),
        ("trajectories_csv/trajectories.csv", "idtracker"),
        ("trajectories_tidy.csv", "csv"),
        (".", "idtracker"),
    ):
        assert recognise(folder / name).name == kind, name
        found = read_outside(folder / name, VIDEO, ImportOptions(crop_size=32)).settled.tracks
        assert len(found) == animals, name
        for track, true in zip(found, boxes(animals).transpose(1, 0, 2), strict=True):
            np.testing.assert_allclose(
                track.boxes[:, :2] + 16, true[:, :2] + true[:, 2:] / 2, atol=0.01, err_msg=name
            )
            known = track.confidence[~track.is_missing]
            np.testing.assert_allclose(known, 0.98, atol=1e-3, err_msg=name)
    ratio = read_outside(folder, VIDEO, ImportOptions(crop_ratio=2.0)).settled
    assert ratio.side == 68  # twice 33.5, even
    for name in ("trajectories.npy", "trajectories.pickle"):
        with pytest.raises(CropzoomError, match="can run code"):
            read_outside(folder / name, VIDEO)


DATUMARO = Path(__file__).parents[2] / "data" / "formats_datumaro"


def check_datumaro(folder: Path, n: int, animals: int) -> None:
    """Compare what Datumaro wrote with the truth."""
    video = VideoFacts("mouse.mp4", 320, 240, n, 25.0)
    for name, kind in (
        ("mot_seq_gt/gt/gt.txt", "mot"),
        ("coco/annotations/instances_train.json", "coco"),
    ):
        assert recognise(folder / name).name == kind
        found = read_outside(folder / name, video).settled.tracks
        assert [track.name for track in found] == ["animal_1", "animal_2"][:animals], name
        for track, true in zip(found, boxes(animals)[:n].transpose(1, 0, 2), strict=True):
            np.testing.assert_allclose(track.boxes, true, atol=0.01, err_msg=name)


@pytest.mark.parametrize("animals", [1, 2])
def test_datumaro(tmp_path, animals):
    check_datumaro(written("datumaro", tmp_path, animals), N, animals)


def test_the_files_that_datumaro_wrote():
    check_datumaro(DATUMARO, 12, 2)


@pytest.mark.parametrize("name", ["plain", "conf", "ids", "both"])
@pytest.mark.parametrize("animals", [1, 2])
def test_ultralytics(tmp_path, name, animals):
    folder = written("ultralytics", tmp_path, animals)
    assert recognise(folder / name).name == "yolo"
    found = read_outside(folder / name, VIDEO).settled
    assert found.first_frame == 1
    assert len(found.tracks) == animals
    for track, true in zip(found.tracks, boxes(animals).transpose(1, 0, 2), strict=True):
        np.testing.assert_allclose(track.boxes, true, atol=0.01)
        known = track.confidence[~track.is_missing]
        np.testing.assert_allclose(known, 0.75 if name in ("conf", "both") else np.nan, atol=1e-3)


def test_exported_networks_of_ultralytics_find_its_own_boxes(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from cropzoom_detectors.onnx_file import Network, OnnxSettings

    folder = written("ultralytics_exports", tmp_path, 1)
    image = np.load(folder / "image.npy")

    def network(name: str) -> Network:
        overlap = 0.5 if name == "plain" else 1.0
        return Network(OnnxSettings(str(folder / f"{name}.onnx"), confidence=0.3, overlap=overlap))

    for name, most in (
        ("plain", 400),
        ("nms", 300),
        ("few", 20),
        ("many", 400),
        ("masks", 20),
        ("poses", 20),
    ):
        theirs = np.load(folder / f"{name}.npy")
        ours = np.array(network(name).boxes(image))
        theirs[:, 2:4] -= theirs[:, :2]
        assert 5 < len(theirs) <= most, name
        if name == "masks":  # of which it leaves out those whose mask is empty
            ours = ours[[int(np.abs(ours - each).sum(axis=1).argmin()) for each in theirs]]
        np.testing.assert_allclose(ours, theirs, atol=0.001, err_msg=name)
    with pytest.raises(CropzoomError, match="turned boxes"):
        network("turned")
