"""The raster room can go: without its folder and the one line that chooses it all else works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import napari_cropzoom
from gui_events import needs_display

pytestmark = [pytest.mark.gui, needs_display]

ROOT = Path(__file__).parents[3]
KEPT = [
    "tests/canvas/test_layer_set.py",
    "tests/widgets/player/test_player.py",
]
ONLY = "not floats and not opened_and_closed_50_times"  # one asks for a painter, one takes long


def test_all_works_without_it(tmp_path):
    source = Path(napari_cropzoom.__file__).parents[1]
    shutil.copytree(source, tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "src" / "napari_cropzoom"
    shutil.rmtree(package / "widgets" / "raster")
    mentions = []
    for file in package.rglob("*.py"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if "widgets.raster" not in line]
        mentions += [line for line in lines if line not in kept]
        file.write_text("".join(kept), encoding="utf-8")
    assert len(mentions) == 1, mentions
    paths = os.pathsep.join([str(tmp_path / "src"), os.environ.get("PYTHONPATH", "")])

    def python(*words):
        where = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=where, capture_output=True, text=True, timeout=280
        )

    found = python("-c", "import napari_cropzoom; print(napari_cropzoom.__file__)")
    assert found.stdout.startswith(str(tmp_path))
    done = python("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", ONLY, *KEPT)
    assert done.returncode == 0, done.stdout[-4000:]
