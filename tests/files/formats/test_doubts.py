"""What makes a file doubtful is said, and what cannot be meant is refused."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats import separate_process
from napari_cropzoom.files.formats.importing import read_outside
from napari_cropzoom.files.formats.outside_rows import VideoFacts
from napari_cropzoom.files.formats.separate_process import read_in_own_process
from outside_files import SECOND, SECOND_VIDEO

needs_h5py = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="h5py is not installed (the extra `formats`)"
)
N = 30
VIDEO = VideoFacts("mouse.mp4", 320, 240, N, 30.0)
HEAD = "frame,x,y,w,h,confidence"


def table(path: Path, rows, head=HEAD, end="\n") -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + end, "utf-8")
    return path


def rows(confidence=0.9):
    return [(n, 10 + n, 20, 60, 40, confidence) for n in range(N)]


def notes(path: Path) -> str:
    return " ".join(read_outside(path, VIDEO).notes)


def test_a_sound_table_has_no_doubts(tmp_path):
    assert "confidence" not in notes(table(tmp_path / "a.csv", rows()))
    assert "0, 0" not in notes(tmp_path / "a.csv")
    assert "last line" not in notes(tmp_path / "a.csv")


def test_a_confidence_that_is_none_is_named(tmp_path):
    assert "from 270 to 270, not from 0 to 1" in notes(table(tmp_path / "a.csv", rows(270)))


def test_places_that_are_zeros_are_counted(tmp_path):
    found = rows()
    found[7:10] = [(n, 0, 0, 60, 40, 0.9) for n in range(7, 10)]
    assert "3 places at exactly 0, 0" in notes(table(tmp_path / "a.csv", found))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_last_line_without_an_end_is_named(tmp_path, encoding):
    text = table(tmp_path / "a.csv", rows()).read_text("utf-8")
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert "last line" not in notes(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(text[:-3].encode(encoding))
    assert "its last line has no end" in notes(tmp_path / "a.csv")


def test_another_column_is_not_taken_for_the_animal(tmp_path):
    path = table(
        tmp_path / "a.csv", [(n, 100 - n, *row[1:5]) for n, row in enumerate(rows())], "frame,id,x,y,w,h"
    )
    with pytest.raises(CropzoomError, match=r"has 30 animals \(.*\) with next to no boxes"):
        read_outside(path, VIDEO)


def test_ids_of_a_tracker_are_whole(tmp_path):
    path = table(
        tmp_path / "a.txt",
        [(n + 1, n if n < 9 else n + 0.5, 20, 30, 60, 40) for n in range(N)],
        "0,1,2,3,4,5",
    )
    with pytest.raises(CropzoomError, match=r"line 11: .* is no frame, id and box"):
        read_outside(path, VIDEO)


@needs_h5py
def test_a_damaged_heap_in_which_the_hdf5_library_would_hang_is_refused(tmp_path):
    import h5py

    path = tmp_path / "a.h5"
    with h5py.File(path, "w", locking=False) as file:
        file["trajectories"] = np.zeros((N, 1, 2))
        file.attrs["words"] = "one two three"
        file.attrs["more"] = ["a", "b"]
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 60 : heap + 4096] = bytes(4096 - 60)
    path.write_bytes(data)
    with pytest.raises(CropzoomError, match="damaged HDF5"):
        read_outside(path, VIDEO)


def test_complex_numbers_are_no_places(tmp_path):
    np.savez(tmp_path / "a.npz", out_boxes_xywh=np.full((N, 1, 4), 0.2 + 1j))
    with pytest.raises(CropzoomError, match="holds no numbers"):
        read_outside(tmp_path / "a.npz", VIDEO)


@needs_h5py
def test_dimensions_that_are_none_are_refused_where_h5py_would_end_the_process(tmp_path):
    import h5py

    with zipfile.ZipFile(SECOND) as archive:
        path = Path(archive.extract("boxes.movement.nc", tmp_path))
    with h5py.File(path, "r+", locking=False) as file:
        del file["position"].attrs["DIMENSION_LIST"]
        file["position"].attrs["DIMENSION_LIST"] = np.zeros(3)
    with pytest.raises(CropzoomError, match="dimensions that are none"):
        read_outside(path, SECOND_VIDEO)


@needs_h5py
def test_a_process_of_its_own_says_the_same_of_hdf5(tmp_path):
    with zipfile.ZipFile(SECOND) as archive:
        path = Path(archive.extract("boxes.slp", tmp_path))
    here, there = read_outside(path, SECOND_VIDEO), read_in_own_process(path, SECOND_VIDEO)
    assert there.told() == here.told()
    for a, b in zip(there.settled.tracks, here.settled.tracks, strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(CropzoomError, match=f"{path.name}: is (not a readable|damaged) HDF5"):
        read_in_own_process(path, SECOND_VIDEO)


@needs_h5py
def test_a_process_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(separate_process, "MOST_SECONDS", -1.0)
    with zipfile.ZipFile(SECOND) as archive:
        path = Path(archive.extract("boxes.slp", tmp_path))
    with pytest.raises(CropzoomError, match="on which its library fails"):
        read_in_own_process(path, SECOND_VIDEO)
