"""*Improve the detector* by the buttons of the dock *Training*: labels, acceptance, again, old or new."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtCore import QTimer

from corrected_lab import make_lab, make_trainable, told_of, true_poses
from gui_events import drag, needs_display, press_key, spin, wait_for, wait_until_still
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training import status
from napari_cropzoom.projects.review_labels.label_review import count_labels
from napari_cropzoom.widgets.training.dock import IMPROVED, TRAIN, TrainingDock
from napari_cropzoom.widgets.training.form import AGAIN
from napari_cropzoom.widgets.training.way_in import add_training
from review_window import click_on
from training_window import other_napari, press, shoot, start_training

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def lab(tmp_path) -> Path:
    return make_lab(tmp_path / "lab ü")


@pytest.fixture
def dock(training_dock):
    return training_dock


def opened(dock: TrainingDock, lab: Path) -> TrainingDock:
    """The project, with detector and pose model chosen."""
    dock.open_project(lab)
    wait_for(lambda: dock.project is not None and dock.lines.detector.count() > 0)
    dock.lines.choose_detector(lab / "models" / "detector")
    wait_for(lambda: dock.detector == lab / "models" / "detector")
    return dock


def cancel(dock: TrainingDock, step: str) -> None:
    """Click the button of a step, and *Cancel* while it is at work; it is held until then."""
    hold = QTimer(dock)
    hold.timeout.connect(lambda: dock.job.job and dock.job.job.pause())
    hold.start(2)
    press(dock, step)
    wait_until_still(dock.job.cancel_button)
    assert not dock.lines.buttons[step].isEnabled()
    hold.stop()
    click_on(dock.job.cancel_button)
    wait_for(lambda: not dock.job.is_running)


def files(lab: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}


def make_labels(dock: TrainingDock, lab: Path) -> int:
    press(dock, "improve")
    wait_for(lambda: dock.state.looked.text or dock.message.kind == "error", timeout=120)
    assert "Labels made for 3 images. Look at them" in dock.message.plain
    return count_labels(lab / "CollectedData.csv").total


def test_labels_are_made_looked_at_and_the_better_detector_is_taken(dock, lab, shared_viewer):
    opened(dock, lab)
    assert not dock.lines.buttons["again"].isEnabled()
    assert dock.lines.states["old_and_new"].text() == "Train the detector again first."
    before = files(lab)
    cancel(dock, "improve")
    wait_for(lambda: dock.message.plain == "Cancelled; no labels were made.")
    assert files(lab) == before
    assert make_labels(dock, lab) > 2
    shoot(shared_viewer, "improve_steps")
    press(dock, "look")
    wait_for(lambda: dock.looked.current is not None)
    first = dock.looked.current
    press_key("g")
    wait_for(lambda: dock.looked.current != first)
    assert count_labels(lab / "CollectedData.csv").accepted == 1
    press(dock, "again")
    assert dock.tabs.currentIndex() == TRAIN
    assert dock.form.what.currentIndex() == AGAIN
    assert dock.form.what.currentText() == "detector again, with labels made by review"
    assert dock.form.name.text() == "detector_improved"
    assert not dock.form.config.isVisible()
    order = dock.form.order()
    assert order.labels.name == "CollectedData_with_review.csv"
    assert order.output_dir == lab / "models" / "detector_improved"
    old = ModelFolder.open(lab / "models" / "detector")
    good = told_of(lab, "better one", true_poses(), old.checkpoint)
    dock.read_again()
    wait_for(lambda: dock.lines.states["again"].text() == "✓ better one, from detector")
    before = files(lab)
    cancel(dock, "old_and_new")
    wait_for(lambda: dock.message.plain.startswith("Cancelled; nothing was compared"))
    assert files(lab) == before
    press(dock, "old_and_new")
    wait_for(lambda: dock.tabs.currentIndex() == IMPROVED or dock.message.kind == "error", timeout=120)
    shoot(shared_viewer, "improve_compared")
    verdict = dock.improved.verdict.text()
    assert verdict.startswith("The new detector is the better one: use better one. ")
    assert "% of the frames before, 100.0% after" in verdict
    table = dock.improved.table
    rows = [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount())]
    assert [row[0] for row in rows] == ["a.mp4", "b.mp4", "all"]
    assert {row[3] for row in rows} == {"100.0%"}
    assert (
        table.columnViewportPosition(4) + table.columnWidth(4) <= table.viewport().width()
    )  # no scrolling
    assert dock.improved.more.text().startswith("There is no label that neither was trained on")
    assert json.loads((good / "compared.json").read_text())["is_better"] is True
    wait_for(lambda: dock.detector == good)
    wait_for(lambda: dock.lines.states["old_and_new"].text() == "✓ better one is the better one")


def test_a_training_again_is_found_after_a_kill_and_its_end_leads_to_the_comparison(dock, lab, tmp_path):
    old = ModelFolder.open(lab / "models" / "detector")
    new = told_of(lab, "better one", true_poses(), old.checkpoint)
    told_of(lab, "another", true_poses())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        status.begin(new, process.pid)
        watches = "wait_for(lambda: dock.progress.is_running)"
        with other_napari(lab, tmp_path / "settings", watches) as killed:
            killed.kill()
            killed.wait()
        dock.open_project(lab)
        wait_for(lambda: dock.progress.is_running)
        assert dock.progress.folder == new
        dock.lines.choose_detector(lab / "models" / "another")
        wait_for(lambda: dock.lines.states["old_and_new"].text() == "Train the detector again first.")
        status.end(new, status.COMPLETED)
    wait_for(lambda: "Compare better one with detector now, in step 11" in dock.message.plain)
    assert dock.detector == old.path
    wait_for(lambda: dock.lines.buttons["old_and_new"].isEnabled())
    assert dock.lines.states["again"].text() == "✓ better one, from detector"


def test_without_corrections_it_says_what_to_do(dock, lab):
    shutil.rmtree(lab / "models" / "detector" / "video_preds" / "bboxes_reviewed")
    opened(dock, lab)
    press(dock, "improve")
    wait_for(lambda: dock.message.kind == "error", timeout=60)
    assert "no video has a saved review in which a box of detector was corrected" in dock.message.plain


@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not os.environ.get("CROPZOOM_TRAINING_FLOW"), reason="a real training: CROPZOOM_TRAINING_FLOW=1"
)
def test_a_detector_is_trained_on_with_labels_accepted_by_hand(dock, lab, shared_viewer):
    make_trainable(lab, epochs=2)
    opened(dock, lab)
    made = make_labels(dock, lab)
    press(dock, "look")
    wait_for(lambda: dock.looked.current is not None)
    spin(0.3)
    x, y = dock.looked.review.made[dock.looked.current].xy["nose"]
    drag(shared_viewer, (y, x), (y + 3, x - 3))
    wait_for(lambda: dock.looked.review.past)
    shoot(shared_viewer, "improve_look")
    for number in range(made):
        before = dock.looked.current
        press_key("g")
        wait_for(lambda number=number: count_labels(lab / "CollectedData.csv").accepted == number + 1)
        if number + 1 < made:
            wait_for(lambda before=before: dock.looked.current not in (None, before))
    press(dock, "again")
    wait_for(lambda: dock.form.problems is not None, timeout=30)
    dock.form.epochs.setValue(2)
    wait_for(lambda: dock.form.problems is not None, timeout=30)
    shoot(shared_viewer, "improve_train")
    start_training(dock)
    shared_viewer.window.remove_dock_widget("all")  # and the training goes on
    spin(0.3)
    dock = add_training(shared_viewer)
    dock.open_project(lab)
    wait_for(lambda: dock.progress.is_running, 60)
    assert dock.progress.folder == lab / "models" / "detector_improved"
    wait_for(lambda: dock.progress.look is not None and not dock.progress.is_running, 400)
    assert dock.progress.look.status.status == "COMPLETED", dock.progress.look.log
    wait_for(lambda: "Compare detector_improved with detector now" in dock.message.plain, 30)
    press(dock, "old_and_new")
    wait_for(lambda: dock.tabs.currentIndex() == IMPROVED or dock.message.kind == "error", 300)
    assert dock.message.kind != "error", dock.message.plain
    shoot(shared_viewer, "improve_real")
    assert "detector" in dock.improved.verdict.text()
    assert (lab / "models" / "detector_improved" / "compared.json").is_file()
    print(dock.improved.verdict.text())
    print(dock.improved.more.text())
