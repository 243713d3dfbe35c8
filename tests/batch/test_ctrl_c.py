"""Ctrl+C in a terminal ends a batch soon, in one line, with nothing half-written and no process left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lpmodels import make_lp_model
from videos import make_blob_video

pty = pytest.importorskip("pty", reason="this system has no such terminals")
SECONDS_TO_END = 20  # on a busy machine; about 1 on a quiet one


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lab")
    make_lp_model(root / "detector")
    make_lp_model(root / "pose")
    (root / "videos").mkdir()
    make_blob_video(root / "videos" / "a.mp4", 12, 64, 48)
    for name in "bcd":
        make_blob_video(root / "videos" / f"{name}.mp4", 600, 64, 48)
    return root


def run_in_terminal(words: list[str], press_at: str) -> tuple[str, int, float, list[psutil.Process]]:
    """Run a command in a terminal of its own; Ctrl+C once it has said something.

    Returns
    -------
    said : str
    code : int
        Exit code.
    seconds : float
        From the key to the end.
    left : list of Process
        Processes that it had then and that still run.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has what it runs behind ignore it
        os.execv(sys.executable, [sys.executable, "-m", "napari_cropzoom.cli", *words])
    said, family, pressed = "", list[psutil.Process](), 0.0
    watch = threading.Timer(150, os.killpg, (pid, signal.SIGKILL))
    watch.start()
    with contextlib.suppress(OSError):  # what Linux has for the end of a terminal
        while data := os.read(terminal, 65536):
            said += data.decode("utf-8", "replace")
            if not pressed and press_at in said:
                family = psutil.Process(pid).children(recursive=True)
                pressed = time.monotonic()
                os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    watch.cancel()
    seconds = time.monotonic() - pressed
    os.close(terminal)
    _, left = psutil.wait_procs(family, timeout=SECONDS_TO_END)
    return said, os.waitstatus_to_exitcode(status), seconds, left


@pytest.fixture
def taken_port() -> Iterator[None]:
    """Something listens where Dask has its dashboard, as another cluster does."""
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # taken already
            other.bind(("", 8787))
            other.listen()
        yield


@pytest.mark.timeout(200)
@pytest.mark.parametrize("more", [(), ("--device", "cpu,cpu")], ids=["here", "dask"])
def test_a_batch_ends_soon_and_goes_on_when_asked_again(
    lab: Path, tmp_path: Path, more: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    if more:
        pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
        request.getfixturevalue("taken_port")
    out = tmp_path / "out"
    words = ["batch", str(lab / "videos"), "--detector", str(lab / "detector"), "--pose"]
    words += [str(lab / "pose"), "--skip_viz", "--output_dir", str(out), *more]
    said, code, seconds, left = run_in_terminal(words, "1 of 4: " if more else "2 of 4: ")
    print(said, seconds)
    assert code == 130, said
    assert seconds < SECONDS_TO_END
    assert not left
    assert "Traceback" not in said
    assert "Warning" not in said
    assert "cropzoom: error: interrupted" in said.strip().splitlines()[-1]
    assert not list(out.rglob(".*"))
    assert not list(lab.rglob(".cropzoom-*"))
    words[1] = str(lab / "videos" / "a.mp4")
    again = subprocess.run(
        [sys.executable, "-m", "napari_cropzoom.cli", *words[: len(words) - len(more)]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "up to date" in again.stdout
