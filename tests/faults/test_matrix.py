"""Every write point x disk full, read-only, kill -9, folder gone: the old file or the new, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faults.write_points import ELSEWHERE, WRITE_POINTS, N, WritePoint, places_in_source, prepare
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import observe_temporaries
from napari_cropzoom.files.leftovers import remove_leftovers
from napari_cropzoom.video.video import Video

KILLS = int(os.environ.get("CROPZOOM_KILLS", "3"))
HERE = Path(__file__).parent
RUN_FOR_EVER = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from faults.write_points import WRITE_POINTS
point = next(each for each in WRITE_POINTS if each.where == sys.argv[1])
point.run(Path(sys.argv[2]))
print("ready", flush=True)
while True:
    point.run(Path(sys.argv[2]))
"""

every_point = pytest.mark.parametrize("point", WRITE_POINTS, ids=lambda point: point.where)
linux = pytest.mark.skipif(sys.platform == "win32", reason="needs limits and rights of POSIX")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder)
    return folder


@pytest.fixture
def folder(prepared: Path) -> Iterator[Path]:
    """A folder that anybody may enter, with a video, its boxes and an empty ``out``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        folder.chmod(0o755)
        (folder / "out").mkdir()
        yield folder
        if (folder / "out").is_dir():
            (folder / "out").chmod(0o755)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "progress.json"  # which says the time
    }


def expected(point: WritePoint, folder: Path) -> dict[str, bytes]:
    """What a run without a fault leaves."""
    point.run(folder)
    assert (folder / "out" / point.output).is_file()
    found = files_in(folder / "out")
    shutil.rmtree(folder / "out")
    (folder / "out").mkdir()
    return found


def test_every_place_that_writes_is_in_the_list() -> None:
    named = {point.where for point in WRITE_POINTS} | set(ELSEWHERE)
    found = places_in_source()
    assert not found - named, f"put into WRITE_POINTS of faults/write_points.py: {found - named}"
    assert not named - found, f"these write nothing (any more): {named - found}"


@contextlib.contextmanager
def full_after(n_bytes: int) -> Iterator[None]:
    """No file can grow beyond ``n_bytes``; what is written after fails as on a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextlib.contextmanager
def not_as_root() -> Iterator[None]:
    """Root may write anywhere, so be somebody else for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@linux
@every_point
@pytest.mark.parametrize("there", ["nothing", "old file"])
@pytest.mark.parametrize("n_bytes", [0, 20])
def test_a_full_disk_leaves_what_was_there(
    point: WritePoint, folder: Path, there: str, n_bytes: int
) -> None:
    if there == "old file":
        target = folder / "out" / point.output
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("old")
    before = files_in(folder / "out")
    with full_after(n_bytes), pytest.raises(CropzoomError) as said:
        point.run(folder)
    assert str(folder / "out") in str(said.value)
    assert files_in(folder / "out") == before


@linux
@every_point
def test_a_folder_that_is_read_only_is_named(point: WritePoint, folder: Path) -> None:
    (folder / "out").chmod(0o555)
    with not_as_root(), pytest.raises(CropzoomError) as said:
        point.run(folder)
    assert str(folder / "out") in str(said.value)
    assert files_in(folder / "out") == {}


@every_point
def test_a_folder_that_goes_away_half_way_is_said(point: WritePoint, folder: Path) -> None:
    def take_away(part: Path) -> None:
        if (folder / "out").is_dir() and (folder / "out") in part.parents:
            (folder / "out").rename(folder / "away")

    with observe_temporaries(take_away), pytest.raises(CropzoomError) as said:
        point.run(folder)
    assert str(folder / "out") in str(said.value)
    assert not (folder / "out").exists()
    hidden = [path for path in (folder / "away").rglob("*") if path.name.startswith(".")]
    assert not hidden


@linux
@every_point
def test_kill_leaves_the_old_file_or_the_new_and_the_next_run_nothing_else(
    point: WritePoint, folder: Path
) -> None:
    whole = expected(point, folder)
    rng = np.random.default_rng(sum(map(ord, point.where)))
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN_FOR_EVER, point.where, str(folder), str(HERE.parent)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.wait()
        process.stdout.close()
        remove_leftovers()
        left = files_in(folder / "out")
        assert set(left) <= set(whole)
        if point.same_bytes:
            assert all(left[name] == whole[name] for name in left)
        elif left:
            with Video(folder / "out" / point.output) as video:
                assert (video.n_frames, len(list(video.stream()))) == (N, N)
