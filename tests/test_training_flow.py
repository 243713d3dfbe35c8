"""From labeled images to a pose model and a predicted video, by the docks alone, with real trainings.

Half an hour on two cores, so it runs only where it is asked for::

    CROPZOOM_TRAINING_FLOW=1 pytest tests/test_training_flow.py -s

``CROPZOOM_TRAINING_EPOCHS`` (25) and ``CROPZOOM_TRAINING_SHOTS`` (a folder for pictures) may be set. The
project is made by ``make_arena.py`` of the workplace. Its video shows images that are kept out of the
labels, each for some frames, along a path through the arena: so the truth is known in every frame.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from qtpy.QtCore import QSettings

from gui_events import drag, needs_display, spin, wait_for
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.scores import pixel_errors
from napari_cropzoom.files.predictions_csv import read_predictions, read_predictions_table
from napari_cropzoom.widgets.projects.way_in import add_projects
from napari_cropzoom.widgets.training.dock import COMPARISON, ERRORS, TrainingDock
from napari_cropzoom.widgets.training.way_in import add_training
from outside_files import SHARED
from review_window import click_on
from training_window import press, shoot, start_training
from videos import write_video

MAKE_ARENA = SHARED / "tools" / "make_arena.py"
EPOCHS = os.environ.get("CROPZOOM_TRAINING_EPOCHS", "25")
SCALE, SIZE = 0.6, (1280, 960)  # of the arena, as its maker has them
KEPT_OUT, FRAMES_EACH, WALK = 15, 8, 3
CORRECTED = 5  # boxes of training images, those furthest off
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


def make_project(root: Path) -> Poses:
    """Labels, configurations and a video; returns the truth of the video."""
    subprocess.run([sys.executable, MAKE_ARENA, root, "--frames", "4", "--epochs", EPOCHS], check=True)
    (root / "videos" / "arena.mp4").unlink()
    labels = pd.read_csv(root / "CollectedData.csv", header=[0, 1, 2], index_col=0)
    kept_out = labels.index[:: len(labels) // KEPT_OUT][:KEPT_OUT]
    labels.drop(kept_out).to_csv(root / "CollectedData.csv")
    clip = SHARED / "data" / "mirror-mouse"
    source = read_predictions_table(clip / "CollectedData.csv")
    patches = []
    for name in kept_out:
        image = Image.open(clip / name).convert("RGB")
        patches += [image.resize([round(side * SCALE) for side in image.size])] * FRAMES_EACH
    maker, rng = runpy.run_path(str(MAKE_ARENA)), np.random.default_rng(0)
    floor = maker["arena_background"](*SIZE, rng)
    room = np.subtract(SIZE, patches[0].size)
    path = maker["roaming_path"](len(patches), *room, np.random.default_rng(WALK))
    write_video(
        root / "videos" / "walk.mp4",
        (maker["paste"](floor, np.asarray(patch), *at) for patch, at in zip(patches, path, strict=True)),
    )
    known = source.poses()
    rows = np.repeat([list(source.index).index(name) for name in kept_out], FRAMES_EACH)
    xy = known.xy[rows] * SCALE + path[:, None]
    return Poses(known.names, xy, np.ones(xy.shape[:2]))


def train(dock: TrainingDock, viewer, step: str, config: str, name: str) -> Path:
    """Have a model trained by the buttons; returns its folder once it is there."""
    press(dock, step)
    dock.form.config.setCurrentIndex(dock.form.config.findText(config))
    dock.form.name.setText(name)
    wait_for(lambda: dock.form.problems is not None, LONG)
    shoot(viewer, f"form_{name}")
    start_training(dock, LONG)
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
    press(dock, step)
    wait_for(lambda: not dock.job.is_running, LONG)
    assert dock.message.kind != "error", dock.message.plain
    spin(0.5)


def error_in_video(model: Path, truth: Poses) -> float:
    """Median distance from the truth, in pixels of the whole frame."""
    found = read_predictions(model / "video_preds" / "walk.csv", len(truth.xy))
    return float(np.nanmedian(pixel_errors(truth, found, truth.names)))


def test_from_labels_to_a_video(shared_viewer, tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    project = tmp_path / "arena"
    truth = make_project(project)
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

    press(dock, "review")
    wait_for(lambda: (bench := find_dock(viewer)) is not None and bench.controller.session is not None)
    bench = find_dock(viewer)
    session = bench.controller.session
    wait_for(lambda: session.has_boxes)
    labels = session.keypoints.get("labels").xy
    middles = np.stack([np.nanmin(labels, axis=1), np.nanmax(labels, axis=1)]).mean(axis=0)
    boxes = session.track.raw
    off = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] / 2 - middles, axis=1)
    for number, frame in enumerate(np.argsort(-np.nan_to_num(off))[:CORRECTED].tolist()):
        bench.controller.go_to(frame)
        spin(0.3)
        if number == 0:
            shoot(viewer, "review")
        box = session.track.box(frame)
        drag(viewer, (box.y + box.h / 2, box.x + box.w / 2), tuple(middles[frame, ::-1].tolist()))
        spin(0.3)
    print(f"{CORRECTED} boxes dragged on to their labels, {len(session.history)} edits")
    assert len(session.history) > 0
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
    wait_for(lambda: (pose / "video_preds" / "walk.csv").is_file(), LONG)
    wait_for(lambda: not projects.run_form.run_is_on, LONG)
    shoot(viewer, "run")
    full, final = (error_in_video(model, truth) for model in (detector, pose))
    print(f"in the video: detector {full:.2f} px off, pose model on its crops {final:.2f} px")
    assert final < full
    viewer.window.remove_dock_widget("all")
    viewer.layers.clear()
