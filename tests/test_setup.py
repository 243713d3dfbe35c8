"""``make setup`` ends with what to do next, or with what to do after a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gui_events import SCREENS, lacks_screen

ROOT = Path(__file__).parents[1]

OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
"""What `make test` leaves to the tests, with which a make inside says where it is."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script of Linux and macOS")


@pytest.fixture
def checkout(tmp_path):
    """A folder in which everything is set up already."""
    (tmp_path / "scripts").mkdir()
    for name in ("setup.sh", "tools.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    shutil.copy(ROOT / "Makefile", tmp_path)
    for file in (tmp_path / "pyproject.toml", tmp_path / ".venv" / ".cropzoom-setup"):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    now = (tmp_path / "scripts" / "setup.sh").stat().st_mtime
    os.utime(tmp_path / "pyproject.toml", (now - 9, now - 9))
    os.utime(tmp_path / ".venv" / ".cropzoom-setup", (now + 9, now + 9))
    return tmp_path


def make(checkout, *words, **environment):
    own = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    return subprocess.run(
        ["make", *words], cwd=checkout, capture_output=True, text=True, env={**own, **environment}
    )


@pytest.mark.parametrize("words", [[], ["setup"]])
def test_its_last_line_says_what_to_do_next(checkout, words):
    done = make(checkout, *words)
    assert done.returncode == 0
    last = done.stdout.splitlines()[-1]
    assert last.startswith("setup: done. Now start .venv/bin/napari, or `make demo`")


def test_other_goals_go_on_without_it(checkout):
    done = make(checkout, "setup", "clean")
    assert done.returncode == 0
    assert "Now start" not in done.stdout


def test_a_failure_ends_with_its_reason_and_the_way_on(checkout):
    done = make(checkout, "setup", PYTHON="no-such-python")
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("setup:")]
    assert "found no Python no-such-python" in said[0]
    assert "`make setup` goes on where it was" in said[-1]


@pytest.mark.parametrize("screen", SCREENS)
def test_tests_with_windows_are_refused_only_where_linux_has_no_screen(screen):
    """Where Qt would end Python, with all tests and a page of traces; see `pytest_runtest_setup`."""
    assert lacks_screen("linux", {"HOME": "/root", screen: ""})
    assert not lacks_screen("linux", {screen: ":1"})
    assert not lacks_screen("darwin", {})
    assert not lacks_screen("win32", {})
