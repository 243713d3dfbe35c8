"""A napari that is killed while a model is trained: the training goes on, and is found on opening.

A real training of a tiny network, so it runs only where it is asked for: ``CROPZOOM_TRAINING_FLOW=1``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from corrected_lab import make_lab, make_trainable
from gui_events import needs_display, wait_for
from labeled import make_labeled_project, tiny_config
from napari_cropzoom.app import find_dock
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.projects.review_labels.label_review import count_labels
from napari_cropzoom.widgets.training.dock import IMPROVED, PROGRESS
from napari_cropzoom.widgets.training.way_in import add_training
from review_window import click_on
from training_window import LONG, lives, other_napari, press

pytestmark = [
    pytest.mark.gui,
    needs_display,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.skipif(
        not os.environ.get("CROPZOOM_TRAINING_FLOW"), reason="a real training: CROPZOOM_TRAINING_FLOW=1"
    ),
]


TRAINS = """
from labeled import WRONG
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box
wait_for(lambda: dock.state.boxes.is_done)
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
"""
TRAINS_AGAIN = """
wait_for(lambda: dock.lines.detector.count() > 0)
dock.lines.choose_detector(Path(sys.argv[2]) / "models" / "detector")
wait_for(lambda: dock.lines.buttons["improve"].isEnabled())
dock.lines.buttons["improve"].click()
wait_for(lambda: dock.state.looked.text, 120)
dock.lines.buttons["look"].click()
wait_for(lambda: dock.looked.current is not None)
dock.lines.buttons["again"].click()
wait_for(lambda: dock.form.problems == [], 60)
dock.form.start_button.click()
wait_for(lambda: dock.progress.is_running and dock.progress.look.curves, 300)
dock.looked.do("accept")
"""


@contextmanager
def killed(napari: subprocess.Popen[str], folder: Path) -> Iterator[set[int]]:
    """Kill a napari while it trains, and see that the training alone goes on; its processes."""
    pid = TrainingStatus.read(folder).pid
    assert pid is not None
    trains = {pid, psutil.Process(pid).ppid()}
    others = {each.pid for each in psutil.Process(napari.pid).children(recursive=True)} - trains
    try:
        assert others  # the process that predicts
        napari.send_signal(signal.SIGKILL)
        napari.wait()
        wait_for(lambda: not any(map(lives, others)))
        done = TrainingStatus.read(folder).progress.done
        wait_for(lambda: TrainingStatus.read(folder).progress.done > done, LONG)
        assert all(map(lives, trains))
        yield trains
        wait_for(lambda: not any(map(lives, trains)), LONG)
    finally:
        if lives(pid):
            os.killpg(pid, signal.SIGKILL)


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_training_outlives_a_napari_that_is_killed(
    training_dock, shared_viewer, tmp_path: Path
) -> None:
    project = make_labeled_project(tmp_path / "lab")
    tiny_config(project, 5000)
    before, folder = files(project), project / "models" / "tiny"
    with (
        other_napari(project, tmp_path / "settings", TRAINS) as napari,
        killed(napari, folder),
    ):
        dock = training_dock
        dock.open_project(project)
        wait_for(lambda: dock.progress.is_running)
        assert dock.progress.folder == folder
        press(dock, "review")
        wait_for(
            lambda: (
                (bench := find_dock(shared_viewer)) is not None and bench.controller.session is not None
            )
        )
        session = find_dock(shared_viewer).controller.session
        wait_for(lambda: session.has_boxes)
        assert len(session.history) == 1  # the edit before the kill
        dock = add_training(shared_viewer)
        dock.tabs.setCurrentIndex(PROGRESS)
        wait_for(dock.progress.stop_button.isVisible)
        click_on(dock.progress.stop_button)
        wait_for(lambda: "can be used as it is" in dock.progress.message.plain, LONG)
    assert TrainingStatus.read(folder).status == "CANCELED"
    shared_viewer.window.remove_dock_widget("all")
    assert [path for path in files(project) - before if path.name.startswith(".")] == []


def test_a_detector_that_is_trained_again_is_compared_after_napari_was_killed(
    training_dock, shared_viewer, tmp_path: Path
) -> None:
    lab = make_lab(tmp_path / "lab ü")
    make_trainable(lab, epochs=60)
    before, folder = files(lab), lab / "models" / "detector_improved"
    with (
        other_napari(lab, tmp_path / "settings", TRAINS_AGAIN) as napari,
        killed(napari, folder),
    ):
        dock = training_dock
        dock.open_project(lab)
        wait_for(lambda: dock.progress.is_running)
        assert dock.progress.folder == folder
        assert count_labels(lab / "CollectedData.csv").accepted == 1  # the act before the kill
        wait_for(lambda: dock.progress.look is not None and not dock.progress.is_running, 2 * LONG)
        assert dock.progress.look.status.status == "COMPLETED", dock.progress.look.log
        wait_for(lambda: "Compare detector_improved with detector now, in step 11" in dock.message.plain)
    press(dock, "old_and_new")
    wait_for(lambda: dock.tabs.currentIndex() == IMPROVED or dock.message.kind == "error", LONG)
    assert dock.message.kind != "error", dock.message.plain
    assert (folder / "compared.json").is_file()
    press(dock, "look")
    wait_for(lambda: dock.looked.current is not None)
    assert dock.looked.review.read_only == ""
    shared_viewer.window.remove_dock_widget("all")
    assert [path for path in files(lab) - before if path.name.startswith(".")] == []
