"""What dead processes leave is removed by the next, and only that; children end with their parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from gui_events import wait_for
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.atomic import atomic_folder, atomic_path
from napari_cropzoom.files.leftovers import remember, remove_leftovers
from videos import make_numbered_video

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs the signals of POSIX")

HALF_WAY = """
import sys, time
from pathlib import Path
from napari_cropzoom.files.atomic import atomic_folder, atomic_path
from napari_cropzoom.files.leftovers import temporary_folder
import tempfile; tempfile.tempdir = sys.argv[1]
with (
    atomic_path(Path(sys.argv[1], "a.csv")) as part,
    atomic_folder(Path(sys.argv[1], "b")) as folder,
    temporary_folder() as other,
):
    part.write_text("half"); (folder / "c").write_text("half"); (other / "d").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes], number: int) -> None:
    process.send_signal(number)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@posix
def test_only_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".mine.csv").write_text("somebody's")
    dead, alive = start(HALF_WAY, tmp_path), start(HALF_WAY, tmp_path)
    assert len(list(tmp_path.iterdir())) == 7
    end(dead, signal.SIGKILL)
    remove_leftovers()
    assert len(list(tmp_path.iterdir())) == 4
    end(alive, signal.SIGKILL)
    with atomic_path(tmp_path / "next.csv") as part:  # the first write of a process looks too
        part.write_text("whole")
    remove_leftovers()
    assert {path.name for path in tmp_path.iterdir()} == {".mine.csv", "next.csv"}


@posix
def test_a_command_removes_what_one_before_left(tmp_path: Path) -> None:
    end(start(HALF_WAY, tmp_path), signal.SIGKILL)
    video = make_numbered_video(tmp_path / "v.mp4", 4)
    subprocess.run([sys.executable, "-m", "napari_cropzoom.cli", "info", video], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]


def test_a_list_that_was_damaged_removes_nothing_else(tmp_path: Path) -> None:
    precious = tmp_path / "precious.csv"
    precious.write_text("data")
    remember(tmp_path / ".part.csv")
    data = Path(os.environ["CROPZOOM_DATA_DIR"]) / "temporaries"
    [own] = [each for each in data.iterdir() if f"-{os.getpid()}-" in each.name]
    dead = own.with_name(own.name.replace(f"-{os.getpid()}-", "-999999999-"))
    dead.write_text(f'"{precious}"\nnonsense\n')
    remove_leftovers()
    assert precious.read_text() == "data"
    assert not dead.exists()


AT_ONCE = """
import os, sys, threading
from pathlib import Path
from napari_cropzoom.files.leftovers import remember
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)
def work(number):
    together.wait()
    remember(Path(sys.argv[1], f".part{number}.csv"))
threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
lists = list(Path(os.environ["CROPZOOM_DATA_DIR"], "temporaries").glob(f"*-{os.getpid()}-*"))
print(len(lists), sum(len(each.read_text().splitlines()) for each in lists))
"""


def test_threads_that_begin_at_once_share_one_list(tmp_path: Path) -> None:
    """The parts of a video are made side by side; each list but the last would be forgotten twice."""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", AT_ONCE, tmp_path], capture_output=True, text=True)
        assert (done.stdout.split(), done.stderr) == (["1", "8"], "")


INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
if len(sys.argv) < 3: signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever the shell ignores
from napari_cropzoom import cli
from napari_cropzoom.cli import parser
from napari_cropzoom.files.atomic import atomic_path
from pathlib import Path
import argparse
def handler(args):
    with atomic_path(Path(sys.argv[1], "a.csv")) as part:
        part.write_text("half")
        print("ready", flush=True)
        time.sleep(60)
class Parser:
    def parse_args(self, argv): return argparse.Namespace(handler=handler)
parser.build_parser = Parser
sys.exit(cli.main([]))
"""


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_dropped_connection_cleans_up_like_ctrl_c(tmp_path: Path, name: str) -> None:
    process = start(INTERRUPTED, tmp_path)
    end(process, getattr(signal, name))
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


@posix
def test_what_is_to_go_on_without_its_terminal_goes_on(tmp_path: Path) -> None:
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{INTERRUPTED}"
    process = start(code, tmp_path, "keeps SIGHUP as it is")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    end(process, signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


CHILD = """
from napari_cropzoom.core.children import end_with_input
end_with_input()
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(1, flush=True)
time.sleep(60)
"""

FOLLOWS = f"""
import subprocess, sys, time
process = subprocess.Popen(
    [sys.executable, "-c", {CHILD!r}],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    start_new_session=True,
)
process.stdout.readline()
print("ready", flush=True)
print(process.pid, flush=True)
time.sleep(60)
"""

DRAWS = """
import pickle, subprocess, sys, time
class Long:
    def __reduce__(self):
        return time.sleep, (60,)
work = pickle.dumps(Long())
process = subprocess.Popen(
    [sys.executable, "-m", "napari_cropzoom.engine.drawing"],
    stdin=subprocess.PIPE,
    start_new_session=True,
)
process.stdin.write(len(work).to_bytes(8, "big") + work)
process.stdin.flush()
print("ready", flush=True)
print(process.pid, flush=True)
time.sleep(60)
"""

CROPS = """
import sys, psutil
from fractions import Fraction
from pathlib import Path
from napari_cropzoom.crop.encode import Colour, GroupEncoder, GroupFormat
from napari_cropzoom.crop.encoders import EncoderSettings
form = GroupFormat((64, 64), Fraction(30), Colour(), EncoderSettings())
encoder = GroupEncoder(form, Path(sys.argv[1]))
print("ready", flush=True)
print(psutil.Process().children()[0].pid, flush=True)
import time; time.sleep(60)
"""


@posix
@pytest.mark.parametrize("code", [FOLLOWS, DRAWS, CROPS], ids=["training", "drawing", "ffmpeg"])
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path, code: str) -> None:
    process = start(code, tmp_path / "v.mp4")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert not is_gone(child)
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [child, *(each.pid for each in psutil.Process(child).children(recursive=True))]
    end(process, signal.SIGKILL)
    wait_for(lambda: all(map(is_gone, family)))


def test_a_training_that_runs_in_a_folder_is_found(tmp_path: Path) -> None:
    pytest.importorskip("lightning_pose")
    from napari_cropzoom.engine.training.train import _only_one

    with (
        _only_one(tmp_path),
        pytest.raises(CropzoomError, match="a training is running there already"),
        _only_one(tmp_path),
    ):
        pass
    with _only_one(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [251, 240, 125])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_name_as_long_as_the_disk_allows_can_be_written(
    tmp_path: Path, letter: str, length: int
) -> None:
    target = tmp_path / f"{letter * (length // len(letter.encode()))}.csv"
    with atomic_path(target) as part:
        assert len(os.fsencode(part.name)) <= max(len(os.fsencode(target.name)), 255)
        assert len(str(part)) <= max(len(str(target)), 259)
        assert part.name.startswith(".")
        assert part.suffix == ".csv"
        part.write_text("all of it")
    with atomic_folder(tmp_path / ("y" * 255)) as folder:
        assert len(folder.name) <= 255
    assert target.read_text() == "all of it"


def test_temporary_folders_of_ours_lie_where_the_system_keeps_them() -> None:
    """The list of leftovers holds full paths, so that it holds for another working folder too."""
    with tempfile.TemporaryDirectory(prefix="cropzoom-") as folder:
        remember(Path(os.path.relpath(folder)))
        lists = Path(os.environ["CROPZOOM_DATA_DIR"]) / "temporaries"
        [own] = [each for each in lists.iterdir() if f"-{os.getpid()}-" in each.name]
        assert folder in own.read_text().replace("\\\\", "\\")
