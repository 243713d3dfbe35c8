"""*Projects* and *Training* on a project that cannot be written to: one message each, nothing written."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import read_only_project
from corrected_lab import make_lab, make_trainable, told_of, true_poses
from gui_events import needs_display
from napari_cropzoom.cli import main
from napari_cropzoom.engine.model_folder import ModelFolder

pytestmark = [pytest.mark.gui, needs_display, pytest.mark.timeout(900)]

PLAIN = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.fixture
def lab(tmp_path):
    """A project that its own user cannot write to, with labels made by review and a second detector."""
    pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
    root = make_lab(tmp_path / "lab")
    models = ["--detector", str(root / "models" / "detector"), "--pose", str(root / "models" / "pose")]
    assert main(["improve", str(root), *models, "--frames", "3"]) == 0
    make_trainable(root, 1)
    told_of(root, "better one", true_poses(), ModelFolder.open(root / "models" / "detector").checkpoint)
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield root
    for folder in folders:
        folder.chmod(0o755)


def content(root):
    return {path: path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


@pytest.mark.skipif(sys.platform != "linux", reason="root may write everywhere, but for this tool")
def test_each_button_says_which_folder_and_what_to_do(lab, tmp_path):
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("no setpriv")
    own, before = tmp_path / "own", content(lab)
    own.mkdir()
    done = subprocess.run(
        [*(PLAIN if os.getuid() == 0 else []), sys.executable, read_only_project.__file__, lab, own],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CROPZOOM_DATA_DIR": str(own / "data")},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stdout + done.stderr
    said = json.loads(lines[0].removeprefix("SAID "))
    assert said["alive"]
    assert said["projects"]["run"].endswith("Nothing was run: choose a results folder below.")
    told = [said["projects"]["run"], *(said["training"][step] for step in read_only_project.STEPS)]
    for text in told:
        assert f"{lab}/" in text, told
        assert "cannot be written" in text, told
        assert f"Get the right to write into {lab}" in text, told
    assert content(lab) == before
    assert "Traceback" not in done.stderr
