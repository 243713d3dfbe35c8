"""``scripts/other_systems/run.sh`` puts rules of other systems on, one or several."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAYS = """
import errno, fcntl, os, sys
from pathlib import Path

def test_says_which_rules_it_meets():
    with open(os.environ["OWN"] + "/held.txt", "w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            met = []
        except OSError as error:
            assert error.errno == errno.ENOTSUP
            met = ["no-locks"]
        try:
            os.remove(held.name)
        except PermissionError:
            met.append("sharing")
    if "1252" in sys.__stdout__.encoding:
        met.append("code-page")
    if b"\\r\\n" in Path("run.txt").read_bytes():
        met.append("line-ends")
    Path(os.environ["OWN"], "met.txt").write_text(" ".join(sorted(met)))
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc") or not shutil.which("git"),
    reason="a script of Linux that needs a C compiler and git",
)


@pytest.fixture
def checkout(tmp_path):
    """A repository with the scripts, a text file and one test, and the Python that runs this."""
    place = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts" / "other_systems", place / "scripts" / "other_systems")
    shutil.copy(ROOT / "scripts" / "with_screen.sh", place / "scripts")
    (place / "run.txt").write_bytes(b"one\ntwo\n")
    (place / "test_says.py").write_text(SAYS)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        user = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.autocrlf=false"]
        subprocess.run(["git", *user, *words], cwd=place, check=True)
    (place / ".venv" / "bin").mkdir(parents=True)
    python = place / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return place


def run(checkout, rules):
    own = {"OWN": str(checkout), "DISPLAY": ":0", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [checkout / "scripts" / "other_systems" / "run.sh", rules, "-q", "-p", "no:cacheprovider"],
        env={"PATH": "/usr/bin:/bin", **own}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    ["sharing", "no-locks", "code-page", "line-ends", "no-locks,code-page,line-ends",
     "line-ends,sharing,no-locks"],
)  # fmt: skip
def test_the_rules_named_are_met_and_no_others(checkout, rules):
    done = run(checkout, rules)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "met.txt").read_text().split() == sorted(rules.split(","))
    assert ("refused (how often" in done.stdout) == ("no-locks" in rules or "sharing" in rules)


@pytest.mark.parametrize("rules", ["", "no-such", "no-locks,no-such", "no-locks code-page"])
def test_a_rule_that_is_not_there_is_refused_with_those_that_are(checkout, rules):
    done = run(checkout, rules)
    assert done.returncode == 2
    assert not (checkout / "met.txt").exists()
    for rule in ("sharing", "no-locks", "code-page", "line-ends"):
        assert f"run.sh {rule}" in done.stderr
