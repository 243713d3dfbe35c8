"""A script that ends while a review is open ends with its own error and exit code, and not by a crash."""

import subprocess
import sys

import numpy as np
import pytest

from gui_events import needs_display
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 60
BEGIN = """
import sys, time
import napari
from qtpy.QtWidgets import QApplication
from napari_cropzoom import open_review

def turn(seconds=0.0):
    end = time.monotonic() + seconds
    while QApplication.processEvents() or time.monotonic() < end:
        pass

def script():
    viewer = napari.Viewer()
    session = open_review(viewer, sys.argv[1], bbox=sys.argv[2])
"""
SCRIPTS = {
    "right after it is opened": "",
    "after a moment": "turn(1.0)",
    "after a run of frames": "[viewer.dims.set_current_step(0, i) for i in range(40)]",
    "after a run of frames that were drawn": (
        "turn(0.5); [(viewer.dims.set_current_step(0, i), turn()) for i in range(40)]"
    ),
    "after an edit": "turn(0.5); session.delete_box(3)",
    "while it plays": (
        "turn(1.0); viewer.window.dock_widgets['Timeline'].player.play.click(); turn(0.5)"
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("script")
    video = make_numbered_video(folder / "v.mp4", N, size=(320, 240), gop=30)
    csv = folder / "boxes" / "v_bbox.csv"
    write_bbox_csv(csv, np.tile([50.0, 50, 60, 60], (N, 1)))
    return video, csv


def run(files, body):
    code = BEGIN + "".join(f"    {line}\n" for line in body) + "\nscript()\n"
    words = [sys.executable, "-c", code, *map(str, files)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("when", SCRIPTS)
def test_its_own_error_is_the_last_that_is_said(files, when):
    done = run(files, [SCRIPTS[when], "raise ValueError('the error of the script')"])
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == "ValueError: the error of the script"


def test_its_exit_code_is_kept(files):
    done = run(files, [SCRIPTS["after a run of frames that were drawn"], "sys.exit(5)"])
    assert done.returncode == 5, done.stderr


def test_it_may_simply_end(files):
    done = run(files, [SCRIPTS["while it plays"]])
    assert done.returncode == 0, done.stderr
