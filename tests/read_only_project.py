"""A window on a project that cannot be written to; run as a program without root's rights, for a test.

Prints a line of JSON: what was said at each button.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import napari
from qtpy.QtCore import QSettings

from gui_events import spin, wait_for
from napari_cropzoom.widgets.projects.way_in import add_projects
from napari_cropzoom.widgets.training.dock import TRAIN
from napari_cropzoom.widgets.training.way_in import add_training

LONG = 200.0
STEPS = ("predict", "improve", "again: start", "old_and_new")
"""What a person presses in the dock *Training*, and is refused."""


def said_of_runs(viewer: napari.Viewer, lab: Path) -> dict[str, str]:
    """*Run* of the dock *Projects*, and choosing a folder for results in the project."""
    dock, said = add_projects(viewer), {}
    dock.open_project(lab)
    wait_for(lambda: dock.project is not None and not dock.reader.is_reading, LONG)
    spin(1)
    form = dock.run_form
    dock.tabs.setCurrentWidget(form)
    dock.table.select([lab / "videos" / "new.mp4"])
    form.until.setCurrentIndex(form.until.findData("boxes"))
    said["why"] = form.why.text()
    dock.run_form.bar.run_button.click()
    wait_for(lambda: form.run.is_running or form.message.plain, 20)
    wait_for(lambda: not form.run.is_running and form.message.plain, LONG)
    spin(1)
    said["run"] = form.message.plain
    said["rows"] = " | ".join(dock.table.videos.runs.values())
    return said


def said_of_training(viewer: napari.Viewer, lab: Path) -> dict[str, str]:
    """Each button of the steps of the dock *Training*, and *Start training*."""
    dock, said = add_training(viewer), {}
    dock.open_project(lab)
    wait_for(lambda: dock.project is not None and dock.lines.detector.count() > 0, LONG)
    dock.lines.choose_detector(lab / "models" / "detector")
    wait_for(lambda: dock.detector == lab / "models" / "detector", LONG)
    spin(1)
    for step in ("predict", "boxes", "crop", "evaluate", "improve", "look", "again", "old_and_new"):
        button = dock.lines.buttons.get(step)
        if button is None or not button.isEnabled():
            said[step] = f"({'no button' if button is None else dock.lines.states[step].text()})"
            continue
        dock.message.clear()
        button.click()
        wait_for(lambda: not dock.job.is_running, LONG)
        spin(1)
        wait_for(lambda: not dock.job.is_running, LONG)
        said[step] = dock.message.plain or f"(tab {dock.tabs.currentIndex()})"
        if dock.tabs.currentIndex() == TRAIN:
            wait_for(lambda: dock.form.problems is not None, LONG)
            said[f"{step}: check"] = " ".join(map(str, dock.form.problems)) + dock.form.check.plain
            wait_for(dock.form.start_button.isEnabled, LONG)
            dock.form.start_button.click()
            wait_for(lambda: dock.form.message.kind == "error" or dock.tabs.currentIndex() != TRAIN, LONG)
            said[f"{step}: start"] = dock.form.message.plain
            dock.tabs.setCurrentIndex(0)
    return said


def main(lab: Path, own: Path) -> None:
    """Drive both docks; ``own`` is a folder that can be written to."""
    assert not os.access(lab, os.W_OK)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(own))
    viewer = napari.Viewer()
    viewer.window.show()
    said = {"projects": said_of_runs(viewer, lab), "training": said_of_training(viewer, lab)}
    viewer.add_points([[1, 1]])  # the window goes on
    spin(0.2)
    said["alive"] = viewer.window._qt_window.isVisible()
    viewer.window._qt_window.grab().save(str(own / "window.png"))
    print(f"SAID {json.dumps(said)}", flush=True)
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
