"""A review on a share that has no locks: macOS mounts SMB so (ENOTSUP)."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faults.in_use import SHARING
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
