"""Files of other tools, changed at random: a right result or one clear message, soon.

`CROPZOOM_MUTATIONS=2000 pytest tests/faults/test_hostile_formats.py` for the long run.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import random
import shutil
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.importing import read_outside
from outside_files import (
    BY_HAND,
    FIRST,
    FIRST_FILES,
    FIRST_VIDEO,
    SECOND,
    SECOND_FILES,
    SECOND_VIDEO,
    WRITTEN,
    read_truth,
)
from reading_safely import read_safely

MUTATIONS = int(os.environ.get("CROPZOOM_MUTATIONS", "240"))
SECONDS, MEMORY = 5.0, 1e9
LONGEST_MESSAGE = 700
PIECES = [
    *(
        b"",
        b"\0",
        b"\xff",
        b"\n",
        b",",
        b";",
        b'"',
        b"[",
        b"]",
        b"{",
        b"}",
        b"<",
        b">",
        b"-",
        b"1e308",
        b"nan",
        b"inf",
    ),
    *(b"99999999999999999999", b"-1", b"0", b"../../x", b"x" * 5000, b"1" * 400, b"\x80\x04"),
]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("h5py") is None, reason="h5py is not installed (the extra `formats`)"
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Files of every format with the video they are of."""
    folder = tmp_path_factory.mktemp("second")
    with zipfile.ZipFile(SECOND) as archive:
        archive.extractall(folder)
    found = [(folder / name, each, SECOND_VIDEO) for name, each in SECOND_FILES.items()]
    for name, (write, expected) in WRITTEN.items():
        write(folder / name, read_truth(folder / "truth.csv", SECOND_VIDEO))
        found.append((folder / name, expected, SECOND_VIDEO))
    if FIRST.is_dir():
        found += [(FIRST / name, FIRST_FILES[name], FIRST_VIDEO) for name in BY_HAND]
    return found


def broken(data: bytes, chance: random.Random) -> bytes:
    """One to four changes: cut, doubled, replaced, put in."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        length = chance.choice([0, 1, 2, 8, 100, 3000])
        what = chance.randrange(4)
        if what == 0:
            data = data[:place]
        elif what == 1:
            data = data[:place] + data[place : place + length] * 2 + data[place + length :]
        elif what == 2:
            data = data[:place] + chance.choice(PIECES) + data[place + length :]
        else:
            changed = bytearray(data)
            for _ in range(min(length, len(changed))):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            data = bytes(changed)
    return data


@pytest.mark.timeout(3600)
def test_changed_files_are_read_rightly_or_refused_in_words(sources, tmp_path):
    chance = random.Random(17)
    outcomes = {"read": 0, "refused": 0}
    for turn in range(MUTATIONS):
        source, expected, video = sources[turn % len(sources)]
        path = tmp_path / f"{turn}{source.suffix}"
        if source.is_dir():
            shutil.copytree(source, path)
            victim = chance.choice(sorted(path.iterdir()))
        else:
            victim = path
            shutil.copy(source, path)
        victim.chmod(0o600)
        victim.write_bytes(broken(victim.read_bytes(), chance))
        tracemalloc.start()
        start = time.perf_counter()
        try:
            found = read_safely(path, video, expected.import_options(), expected.format_name, MEMORY)
        except CropzoomError as error:
            outcomes["refused"] += 1
            message = str(error).replace(str(path), "")
            assert 10 < len(message) < LONGEST_MESSAGE
            assert "\n" not in message
            assert "Traceback" not in message
        else:
            outcomes["read"] += 1
            for track in found.settled.tracks:
                assert track.boxes.shape == (video.n_frames, 4)
                known = track.boxes[~np.isnan(track.boxes[:, 0])]
                assert np.isfinite(known).all()
                assert (known[:, 2:] > 0).all()
        assert time.perf_counter() - start < SECONDS, path
        assert tracemalloc.get_traced_memory()[1] < MEMORY, path
        tracemalloc.stop()
    assert min(outcomes.values()) > MUTATIONS / 20, outcomes


def hdf5(path: Path, fill) -> Path:
    import h5py

    with h5py.File(path, "w", locking=False) as file:
        fill(file)
    return path


def test_an_array_of_terabytes_in_a_small_file_is_not_made(tmp_path):
    path = hdf5(
        tmp_path / "a.h5",
        lambda file: file.create_dataset("trajectories", (10**9, 100, 2), "f8", chunks=(1024, 100, 2)),
    )
    with pytest.raises(CropzoomError, match="would take"):
        read_outside(path, FIRST_VIDEO)


def test_links_out_of_an_hdf5_file_are_not_followed(tmp_path):
    import h5py

    secret = hdf5(tmp_path / "secret.h5", lambda file: file.create_dataset("a", data=np.ones((60, 1, 2))))

    def link(file):
        file["trajectories"] = h5py.ExternalLink(str(secret), "a")

    with pytest.raises(CropzoomError, match="of its own"):
        read_outside(hdf5(tmp_path / "a.h5", link), FIRST_VIDEO)


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_in_attributes_run_nothing(tmp_path):
    mark = tmp_path / "was_run"
    evil = pickle.dumps(Evil(mark), protocol=0)

    def fill(file):
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.attrs["non_index_axes"] = np.bytes_(evil)
        group.attrs["info"] = np.bytes_(evil)
        group["table"] = np.zeros(60, [("index", "i8"), ("values_block_0", "f8", (3,))])
        group["table"].attrs["values_block_0_kind"] = np.bytes_(evil)

    with pytest.raises(CropzoomError, match="more than words"):
        read_outside(hdf5(tmp_path / "a.h5", fill), FIRST_VIDEO)
    assert not mark.exists()


def test_pickled_arrays_in_an_archive_are_refused(tmp_path):
    mark = tmp_path / "was_run"
    path = tmp_path / "v_fish0.npz"
    np.savez(
        path, frame=np.arange(60), X=np.array([Evil(mark)], object), Y=np.zeros(60), allow_pickle=True
    )
    with pytest.raises(CropzoomError):
        read_outside(path, FIRST_VIDEO)
    assert not mark.exists()
