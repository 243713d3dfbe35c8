"""A napari that is killed while a model is trained: the training goes on, and is found on opening.

A real training of a tiny network, so it runs only where it is asked for: ``CROPZOOM_TRAINING_FLOW=1``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from qtpy.QtCore import QSettings

from gui_events import needs_display, wait_for
from labeled import make_labeled_project, tiny_config
from napari_cropzoom.app import find_dock
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.widgets.training.dock import PROGRESS
from napari_cropzoom.widgets.training.way_in import add_training
from review_window import click_on

pytestmark = [
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.skipif(
        not os.environ.get("CROPZOOM_TRAINING_FLOW"), reason="a real training: CROPZOOM_TRAINING_FLOW=1"
    ),
]
LONG = 300.0  # seconds

WORKS = """
import sys
from pathlib import Path
from qtpy.QtCore import QSettings
import napari
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[3])
sys.path.insert(0, sys.argv[2])
from gui_events import spin, wait_for
from labeled import WRONG
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.widgets.training.way_in import add_training
viewer = napari.Viewer()
dock = add_training(viewer)
dock.open_project(Path(sys.argv[1]))
wait_for(lambda: dock.project is not None and dock.state.boxes.is_done)
dock.lines.buttons["detector"].click()
dock.form.config.setCurrentIndex(dock.form.config.findText("config_tiny.yaml"))
dock.form.name.setText("tiny")
wait_for(lambda: dock.form.problems == [])
dock.form.start_button.click()
wait_for(lambda: dock.progress.is_running and dock.progress.look.curves, 300)
dock.lines.buttons["review"].click()
wait_for(lambda: (bench := find_dock(viewer)) is not None and bench.controller.session is not None)
session = find_dock(viewer).controller.session
wait_for(lambda: session.has_boxes)
session.set_box(WRONG, Box(40, 36, 40, 30))
dock.lines.buttons["predict"].click()
wait_for(lambda: dock.job.is_running)
print("works", flush=True)
spin(600)
"""


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_training_outlives_a_napari_that_is_killed(shared_viewer, tmp_path: Path) -> None:
    project = make_labeled_project(tmp_path / "lab")
    tiny_config(project, 5000)
    before = {path for path in project.rglob("*") if path.is_file()}
    tests = Path(__file__).parents[1]
    words = [sys.executable, "-c", WORKS, project, tests, tmp_path / "settings"]
    killed = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)
    folder = project / "models" / "tiny"
    try:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "works\n"
        pid = TrainingStatus.read(folder).pid
        trains = {pid, psutil.Process(pid).ppid()}
        others = {each.pid for each in psutil.Process(killed.pid).children(recursive=True)} - trains
        assert others  # the process that predicts
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        wait_for(lambda: not any(map(lives, others)))
        done = TrainingStatus.read(folder).progress.done
        wait_for(lambda: TrainingStatus.read(folder).progress.done > done, LONG)
        assert all(map(lives, trains))

        QSettings.setPath(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
        )
        viewer = shared_viewer
        viewer.window.show()
        viewer.window.set_geometry(0, 0, 1280, 720)
        dock = add_training(viewer)
        dock.open_project(project)
        wait_for(lambda: dock.progress.is_running)
        assert dock.progress.folder == folder
        click_on(dock.lines.buttons["review"])
        wait_for(
            lambda: (bench := find_dock(viewer)) is not None and bench.controller.session is not None
        )
        session = find_dock(viewer).controller.session
        wait_for(lambda: session.has_boxes)
        assert len(session.history) == 1  # the edit before the kill
        dock = add_training(viewer)
        dock.tabs.setCurrentIndex(PROGRESS)
        wait_for(dock.progress.stop_button.isVisible)
        click_on(dock.progress.stop_button)
        wait_for(lambda: "can be used as it is" in dock.progress.message.plain, LONG)
        wait_for(lambda: not any(map(lives, trains)), LONG)
        assert TrainingStatus.read(folder).status == "CANCELED"
        viewer.window.remove_dock_widget("all")
        viewer.layers.clear()
        new = {path for path in project.rglob("*") if path.is_file()} - before
        assert [path for path in new if path.name.startswith(".")] == []
    finally:
        killed.kill()
        killed.communicate()
        pid = TrainingStatus.read(folder).pid
        if pid is not None and lives(pid):
            os.killpg(pid, signal.SIGKILL)
