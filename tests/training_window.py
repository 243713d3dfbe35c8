"""The dock *Training* for tests to import: its steps by real events, pictures, and a napari to kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from gui_events import spin, wait_for
from napari_cropzoom.widgets.training.dock import PROGRESS, STEPS, TrainingDock
from review_window import click_on

LONG = 300.0  # seconds

OTHER_NAPARI = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from qtpy.QtCore import QSettings
import napari
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[3])
from gui_events import spin, wait_for
from napari_cropzoom.widgets.training.way_in import add_training
viewer = napari.Viewer()
dock = add_training(viewer)
dock.open_project(Path(sys.argv[2]))
wait_for(lambda: dock.project is not None)
"""
THEN_WAITS = """
print("works", flush=True)
spin(600)
"""


def shoot(viewer: object, name: str) -> None:
    """Take a picture of the window in both themes, into ``CROPZOOM_TRAINING_SHOTS`` if that is set."""
    folder = os.environ.get("CROPZOOM_TRAINING_SHOTS")
    if not folder:
        return
    for theme in ("light", "dark"):
        viewer.theme = theme
        spin(0.5)
        viewer.window._qt_window.grab().save(str(Path(folder) / f"{name}_{theme}.png"))


def press(dock: TrainingDock, step: str) -> None:
    """Click the button of a step once it can be clicked."""
    dock.tabs.setCurrentIndex(STEPS)
    wait_for(lambda: dock.lines.buttons[step].isEnabled())
    dock.lines.parentWidget().parentWidget().ensureWidgetVisible(dock.lines.buttons[step])
    spin(0.1)
    click_on(dock.lines.buttons[step])


def start_training(dock: TrainingDock, limit: float = LONG) -> None:
    """Click *Start training* once nothing stands in the way, and wait until it has begun."""
    wait_for(lambda: dock.form.problems is not None, limit)
    assert dock.form.problems == [], dock.form.check.plain
    spin(0.2)
    click_on(dock.form.start_button)
    wait_for(lambda: dock.tabs.currentIndex() == PROGRESS or dock.form.message.kind == "error", limit)
    assert dock.form.message.kind != "error", dock.form.message.plain


def lives(pid: int | None) -> bool:
    """Whether a process runs that is not only remembered."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def other_napari(project: Path, settings: Path, does: str) -> Iterator[subprocess.Popen[str]]:
    """A napari with the dock on a project, once it has done lines of Python; killed in the end."""
    code = OTHER_NAPARI + does + THEN_WAITS
    words = [sys.executable, "-c", code, Path(__file__).parent, project, settings]
    napari = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)
    try:
        assert napari.stdout is not None
        assert "works\n" in iter(napari.stdout.readline, "")
        yield napari
    finally:
        napari.kill()
        napari.communicate()
