"""A review on a share that has no locks: macOS mounts SMB so (ENOTSUP)."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults.in_use import SHARING
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.contents import opened_hdf5
from napari_cropzoom.files.journal import Journal
from napari_cropzoom.files.journal_lines import read_journal
from napari_cropzoom.files.locks import PathLock

fcntl = pytest.importorskip("fcntl")
pytestmark = [
    pytest.mark.filterwarnings("error::UserWarning"),  # filelock's own words for a person's terminal
    pytest.mark.skipif(
        bool(SHARING),
        reason="filelock has what a dead process left open while it removes it, as POSIX allows",
    ),
]

REFUSING = """
import errno, fcntl, os, sys, time
from pathlib import Path
def refuse(*_): raise OSError(errno.{name}, os.strerror(errno.{name}))
fcntl.flock = fcntl.lockf = refuse
from napari_cropzoom.files.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.append({{"do": "begin"}})
print("ready" if not journal.locked_out else journal.locked_out, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["ENOTSUP", "ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def refused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the system's calls refuse, as on a share without locks; filelock itself is the real one."""

    def refuse(*_: object) -> None:
        raise OSError(getattr(errno, request.param), "refused")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "lockf", refuse)
    return request.param


def test_a_review_there_can_be_edited_and_has_one_window(tmp_path: Path, refused: str) -> None:
    path = tmp_path / "mouse_journal.jsonl"
    first = Journal(path)
    assert not first.locked_out
    first.append({"do": "begin"})
    second = Journal(path)
    assert "open in another window" in second.locked_out
    second.close()
    first.append({"do": "undo", "count": 1})
    first.close()
    third = Journal(path)
    assert not third.locked_out
    third.close()
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    assert len(read_journal(path)[0]) == 2


def test_who_only_looks_leaves_no_file(tmp_path: Path, refused: str) -> None:
    Journal(tmp_path / "a" / "bboxes_reviewed" / "mouse_journal.jsonl").close()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_window_that_was_killed_is_taken_over(tmp_path: Path, refused: str) -> None:
    path = tmp_path / "mouse_journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", REFUSING.format(name=refused), str(path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    second = Journal(path)
    assert "open in another window" in second.locked_out
    second.close()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    third = Journal(path)
    assert not third.locked_out
    third.append({"do": "undo", "count": 1})
    third.close()
    assert len(read_journal(path)[0]) == 2


def test_other_errors_are_not_taken_for_a_share_without_locks(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="lock"):
        PathLock(tmp_path / "lock").acquire()


def test_a_lock_that_is_copied_along_with_its_folder_is_known(tmp_path: Path, refused: str) -> None:
    """Also in the window that has the original open; the original stays locked."""
    path = tmp_path / "day 1" / "bboxes_reviewed" / "mouse_journal.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", REFUSING.format(name=refused), str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        shutil.copytree(tmp_path / "day 1", tmp_path / "copy")
        copied = Journal(tmp_path / "copy" / "bboxes_reviewed" / path.name)
        assert not copied.locked_out
        assert f"a copy of one that is open in another window ({path.parent})" in copied.note
        copied.append({"do": "undo", "count": 1})
        again = Journal(copied.path)
        assert "open in another window" in again.locked_out
        again.close()
        original = Journal(path)
        assert "open in another window" in original.locked_out
        assert f"process {process.pid} on the computer" in original.locked_out
        original.close()
        copied.close()
        process.kill()
    assert len(read_journal(copied.path)[0]) == 2
    assert sorted(each.name for each in copied.path.parent.iterdir()) == [path.name]


def test_a_folder_that_comes_back_as_a_copy_is_gone_on_with(tmp_path: Path, refused: str) -> None:
    """As a drive's backup does: the copy has the lock of this very window, which holds none any more."""
    path = tmp_path / "day 1" / "mouse_journal.jsonl"
    journal = Journal(path)
    journal.append({"do": "begin"})
    path.parent.rename(tmp_path / "away")
    with pytest.raises(CropzoomError, match="is gone"):
        journal.append({"do": "undo", "count": 1})
    shutil.copytree(tmp_path / "away", path.parent)
    journal.append({"do": "undo", "count": 1})
    other = Journal(path)
    assert "open in another window" in other.locked_out
    other.close()
    journal.close()
    assert len(read_journal(path)[0]) == 2


def test_a_folder_that_is_moved_or_reached_by_another_way_is_no_copy(
    tmp_path: Path, refused: str
) -> None:
    path = tmp_path / "day 1" / "mouse_journal.jsonl"
    first = Journal(path)
    first.append({"do": "begin"})
    (tmp_path / "other way").symlink_to(tmp_path / "day 1")
    for folder in ("other way", "moved"):
        if folder == "moved":
            (tmp_path / "day 1").rename(tmp_path / "moved")
        second = Journal(tmp_path / folder / path.name)
        assert "open in another window" in second.locked_out
        second.close()
    first.close()


def test_the_lock_of_another_computer_is_kept(tmp_path: Path, refused: str) -> None:
    """No process there can be asked, so a person is: the message names the computer."""
    path = tmp_path / "mouse_journal.jsonl"
    name = f".{path.name}.lock" if refused == "ENOSYS" else f".{path.name}.lock.soft"
    (tmp_path / name).write_text(f"{os.getpid()}\nmicroscope\n{2**200}\n")
    journal = Journal(path)
    assert f"process {os.getpid()} on the computer microscope" in journal.locked_out
    assert "If this folder is a copy" in journal.locked_out
    journal.close()


def test_hdf5_is_read_where_no_lock_is_to_be_had(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "poses.h5"
    with h5py.File(path, "w", locking=False) as file:
        file["tracks"] = [1, 2]
    with path.open("rb") as held:
        with contextlib.suppress(OSError):  # under the rule that refuses all locks it is so anyway
            fcntl.flock(held, fcntl.LOCK_EX)
        with opened_hdf5(path) as found:
            assert list(found["tracks"]) == [1, 2]
