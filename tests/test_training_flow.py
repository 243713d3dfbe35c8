"""From labeled images to a pose model and a predicted video, by the docks alone, with real trainings.

Half an hour on two cores, so it runs only where it is asked for::

    CROPZOOM_TRAINING_FLOW=1 pytest tests/test_training_flow.py -s

``CROPZOOM_TRAINING_EPOCHS`` (25) and ``CROPZOOM_TRAINING_SHOTS`` (a folder for pictures) may be set. The
project is made by ``make_arena.py`` of the workplace.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QSettings

from gui_events import drag, needs_display, spin, wait_for
from napari_cropzoom.app import find_dock
from napari_cropzoom.widgets.projects.way_in import add_projects
from napari_cropzoom.widgets.training.dock import COMPARISON, ERRORS, PROGRESS, STEPS, TrainingDock
from napari_cropzoom.widgets.training.way_in import add_training
from outside_files import SHARED
from review_window import click_on

MAKE_ARENA = SHARED / "tools" / "make_arena.py"
EPOCHS = os.environ.get("CROPZOOM_TRAINING_EPOCHS", "25")
LONG = 3600.0  # seconds

pytestmark = [
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(0),
    pytest.mark.skipif(
        not os.environ.get("CROPZOOM_TRAINING_FLOW") or not MAKE_ARENA.exists(),
        reason="takes half an hour: CROPZOOM_TRAINING_FLOW=1",
    ),
]


def shoot(viewer, name: str) -> None:
    """Take a picture of the window in both themes."""
    folder = os.environ.get("CROPZOOM_TRAINING_SHOTS")
    if not folder:
        return
    for theme in ("light", "dark"):
        viewer.theme = theme
        spin(0.5)
        viewer.window._qt_window.grab().save(str(Path(folder) / f"{name}_{theme}.png"))


def train(dock: TrainingDock, viewer, step: str, config: str, name: str) -> Path:
    """Have a model trained by the buttons; returns its folder once it is there."""
    dock.tabs.setCurrentIndex(STEPS)
    click_on(dock.lines.buttons[step])
    dock.form.config.setCurrentIndex(dock.form.config.findText(config))
    dock.form.name.setText(name)
    wait_for(lambda: dock.form.problems is not None, LONG)
    assert dock.form.problems == []
    shoot(viewer, f"form_{name}")
    click_on(dock.form.start_button)
    wait_for(lambda: dock.tabs.currentIndex() == PROGRESS or dock.form.message.kind == "error", LONG)
    assert dock.form.message.kind != "error", dock.form.message.plain
    wait_for(lambda: dock.progress.look is not None and len(dock.progress.look.curves) == 2, LONG)
    shoot(viewer, f"progress_{name}")
    wait_for(lambda: not dock.progress.is_running, LONG)
    assert dock.progress.look.status.status == "COMPLETED", dock.progress.look.log
    folder = dock.progress.folder
    assert folder is not None
    wait_for(lambda: dock.errors.model.findData(str(folder)) >= 0, LONG)
    return folder


def do(dock: TrainingDock, step: str) -> None:
    """Do a step by its button, and wait until it is done."""
    dock.tabs.setCurrentIndex(STEPS)
    click_on(dock.lines.buttons[step])
    wait_for(lambda: not dock.job.is_running, LONG)
    assert dock.message.kind != "error", dock.message.plain
    spin(0.5)


def test_from_labels_to_a_video(shared_viewer, tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    project = tmp_path / "arena"
    subprocess.run(
        [sys.executable, MAKE_ARENA, project, "--frames", "150", "--epochs", EPOCHS], check=True
    )
    viewer = shared_viewer
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1280, 720)
    dock = add_training(viewer)
    dock.open_project(project)
    wait_for(lambda: dock.project is not None)
    detector = train(dock, viewer, "detector", "config_detector.yaml", "detector")
    dock.tabs.setCurrentIndex(ERRORS)
    dock.errors.show_model(detector)
    wait_for(lambda: dock.errors.found is not None)
    shoot(viewer, "errors")
    do(dock, "predict")
    do(dock, "boxes")
    wait_for(lambda: dock.state.boxes.is_done)

    click_on(dock.lines.buttons["review"])
    wait_for(lambda: (bench := find_dock(viewer)) is not None and bench.controller.session is not None)
    bench = find_dock(viewer)
    session = bench.controller.session
    wait_for(lambda: session.has_boxes)
    labels = session.keypoints.get("labels").xy
    corrected = 0
    for suspect in session.queue():
        box, known = session.track.box(suspect.frame), labels[suspect.frame]
        known = known[np.isfinite(known).all(axis=1)]
        if "outside the box" not in suspect.reason or box.is_missing():
            continue
        bench.controller.go_to(suspect.frame)
        spin(0.3)
        if corrected == 0:
            shoot(viewer, "review")
        middle = (known.min(axis=0) + known.max(axis=0)) / 2
        start = (box.y + box.h / 2, box.x + box.w / 2)
        drag(viewer, start, (float(middle[1]), float(middle[0])))
        spin(0.3)
        corrected += 1
        if corrected == 5:
            break
    print(f"{corrected} boxes dragged on to their labels, {len(session.history)} edits")
    bench.open_step("export")
    spin(0.2)
    click_on(bench["export"].save_button)
    wait_for(lambda: dock.state.reviewed.is_done, LONG)

    dock = add_training(viewer)
    do(dock, "crop")
    wait_for(lambda: dock.state.cropped.is_done, LONG)
    pose = train(dock, viewer, "pose", "config_pose.yaml", "pose")
    wait_for(lambda: dock.pose == pose, LONG)
    do(dock, "compare")
    wait_for(lambda: dock.tabs.currentIndex() == COMPARISON)
    shoot(viewer, "compare")
    total = dock.compare.table[-1]
    print(f"full frame {total['full_frame_median']:.2f} px, cropzoom {total['cropzoom_median']:.2f} px")
    assert total["cropzoom_median"] < total["full_frame_median"]

    projects = add_projects(viewer)
    projects.open_project(project)
    wait_for(lambda: projects.project is not None and not projects.reader.is_reading, LONG)
    projects.table.select(projects.table.in_order())
    projects.tabs.setCurrentIndex(2)
    projects.run_form.leave.setChecked(False)
    spin(0.3)
    click_on(projects.run_form.bar.run_button)
    wait_for(lambda: (pose / "video_preds" / "arena.csv").is_file(), LONG)
    wait_for(lambda: not projects.run_form.run_is_on, LONG)
    viewer.window.remove_dock_widget("all")
    viewer.layers.clear()
