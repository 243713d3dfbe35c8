"""The dock *Training* in a real window: steps, labeled images in the review, errors, a real training."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from qtpy.QtCore import QPointF, QSettings, Qt
from qtpy.QtWidgets import QPushButton, QWidget

from gui_events import hands, needs_display, spin, wait_for
from labeled import NAMES, PARTS, WITHOUT, WRONG, make_labeled_project, tiny_config
from menus import choose
from napari_cropzoom.app import find_dock
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.widgets.training.dock import ERRORS, PROGRESS, STEPS, TRAIN, TrainingDock
from napari_cropzoom.widgets.training.plots import HEIGHT, BarPlot, CurvePlot
from napari_cropzoom.widgets.training.way_in import add_training, find_training
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import click_on
from training_window import lives, press, start_training
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def project(tmp_path) -> Path:
    return make_labeled_project(tmp_path / "lab ü [1]")


@pytest.fixture
def dock(training_dock):
    return training_dock


def opened(dock: TrainingDock, project: Path) -> TrainingDock:
    dock.open_project(project)
    wait_for(lambda: dock.project is not None and dock.state.boxes.is_done)
    return dock


def step(dock: TrainingDock, name: str) -> QPushButton:
    return dock.lines.buttons[name]


def review(dock: TrainingDock, viewer) -> object:
    """The session of the labeled images, opened by the button of the step."""
    press(dock, "review")

    def is_open() -> bool:
        found = find_dock(viewer)
        session = None if found is None else found.controller.session
        return session is not None and session.video.images is not None and session.has_boxes

    wait_for(is_open)
    return find_dock(viewer).controller.session


def test_nothing_is_cut_at_the_side_of_a_narrow_dock(dock, project):
    opened(dock, project)
    window = dock.window()
    window.resizeDocks([holder_of(dock)], [120], Qt.Orientation.Horizontal)
    wait_for(lambda: dock.width() < 400)
    for tab in (STEPS, TRAIN):
        dock.tabs.setCurrentIndex(tab)
        spin(0.2)
        page = dock.tabs.currentWidget()
        for each in page.findChildren(QWidget):
            if each.isVisible():
                assert each.mapTo(page, each.rect().topRight()).x() < page.width(), each.objectName()


def test_the_menu_opens_the_dock_which_says_what_to_do(shared_viewer, tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path))
    shared_viewer.window.show()
    shared_viewer.window.set_geometry(0, 0, 1280, 720)
    choose(shared_viewer.window._qt_window, "Plugins", "Cropzoom", "Training")
    wait_for(lambda: find_training(shared_viewer) is not None)
    dock = find_training(shared_viewer)
    wait_for(dock.isVisible)
    assert "Open the folder of a project with labeled images" in dock.empty.text()
    shared_viewer.window.remove_dock_widget("all")


def test_steps_say_how_far_they_are_and_what_is_needed_first(dock, project):
    opened(dock, project)
    assert dock.lines.states["predict"].text().startswith("✓ predicted")
    assert dock.lines.states["boxes"].text() == "✓ 6 boxes, 1 missing"
    assert dock.lines.states["pose"].text() == "Crop the images first."
    assert step(dock, "review").isEnabled()
    assert not step(dock, "pose").isEnabled()
    assert not step(dock, "compare").isEnabled()


def test_a_folder_without_labels_says_once_what_is_missing_and_what_to_do(dock, project, tmp_path):
    (tmp_path / "plain").mkdir()
    make_numbered_video(tmp_path / "plain" / "v.mp4", 5)
    dock.open_project(tmp_path / "plain")
    wait_for(lambda: dock.project is not None)
    wait_for(dock.missing.isVisible)
    assert "Lightning Pose's app" in dock.missing.text()
    assert dock.missing.height() >= dock.missing.heightForWidth(dock.missing.width())
    assert not any(each.text() for each in dock.lines.states.values())
    assert not any(step(dock, name).isEnabled() for name in dock.lines.buttons)
    opened(dock, project)
    assert not dock.missing.isVisible()
    assert step(dock, "detector").isEnabled()


def test_labeled_images_are_reviewed_and_saved_where_the_crop_takes_them(dock, project, shared_viewer):
    opened(dock, project)
    session = review(dock, shared_viewer)
    bench = find_dock(shared_viewer)
    layers = bench.controller.layers
    assert bench.controller.frame == WRONG  # its labels lie outside the box
    assert "3 labels outside the box" in bench["review"].reason.text()
    assert NAMES[WRONG].rpartition("/")[2] in bench["review"].here.text()
    caption = shared_viewer.canvas.overlays.text
    wait_for(lambda: caption.text.splitlines()[0].split()[-1] == NAMES[WRONG].rpartition("/")[2])
    wait_for(lambda: layers.points["labels"].layer.visible)
    marks = np.asarray(layers.points["labels"].layer.data)
    labels = session.keypoints.get("labels").xy[WRONG]
    np.testing.assert_allclose(np.sort(marks[:, 1]), np.sort(labels[:, 0]))
    assert shared_viewer.layers["detector keypoints"].visible
    assert not bench["smooth"].header.isEnabled()
    assert "dock Training" in bench["smooth"].header.toolTip()
    session.set_box(WRONG, Box(40, 36, 40, 30))
    session.set_box(WITHOUT, Box(46, 42, 40, 30))
    bench.open_step("export")
    spin(0.2)
    click_on(bench["export"].save_button)
    wait_for(lambda: dock.state.reviewed.is_done)
    wait_for(lambda: dock.lines.states["review"].text().startswith("✓ saved"))
    written = project / "models" / "detector" / "image_preds" / "CollectedData.csv" / "bboxes_reviewed"
    table = pd.read_csv(written / "bbox.csv", index_col=0)
    assert list(table.index) == list(NAMES)
    assert table.loc[NAMES[WRONG]].tolist() == [40, 36, 30, 40]  # x, y, h, w


def test_boxes_are_made_again_by_the_button(dock, project):
    opened(dock, project)
    raw = project / "models" / "detector" / "image_preds" / "CollectedData.csv" / "bbox.csv"
    before = raw.read_bytes()
    dock.lines.ratio.setValue(4.0)
    press(dock, "boxes")
    wait_for(lambda: raw.read_bytes() != before and not dock.job.is_running, timeout=60)
    assert "1 image without a box" in dock.message.plain


@pytest.mark.parametrize(("n", "height"), [(1, HEIGHT), (3, HEIGHT), (17, 300), (17, HEIGHT), (60, 300)])
def test_names_beside_the_bars_lie_apart(shared_viewer, n, height):
    plot = BarPlot("bars")
    plot.resize(280, height)
    plot.show_bars([f"paw{number}LH_bottom" for number in range(n)], {"a": range(n), "b": [np.nan] * n})
    plot.show()
    wait_for(plot.isVisible)
    plot.resize(280, height)
    spin(0.1)
    names = plot.getPlotItem().getAxis("left")._tickLevels[0]
    box = plot.getPlotItem().getViewBox()
    places = [box.mapViewToScene(QPointF(0, place)).y() for place, _ in names]
    if shots := os.environ.get("CROPZOOM_TRAINING_SHOTS"):
        plot.grab().save(str(Path(shots) / f"bars_{n}_{height}.png"))
    plot.close()
    assert names[0][1] == "paw0LH_bottom"
    assert all(np.diff(places) > 0.8 * plot.fontMetrics().height())
    assert len(names) == n or 12 * n > height - 70


def test_a_curve_has_numbers_on_its_axis(shared_viewer):
    plot = CurvePlot("curve")
    for values in ([0.0022, 0.0036], [0.5], [0.001, 3.0]):
        plot.show_curves({"training": (range(1, len(values) + 1), values)})
        said = [float(text) for _, text in plot.getPlotItem().getAxis("left")._tickLevels[0]]
        assert said[0] >= 0.9 * min(values)
        assert said[-1] <= 1.1 * max(values)
    plot.resize(280, HEIGHT)
    plot.show()
    wait_for(plot.isVisible)
    label = plot.getPlotItem().getAxis("bottom").label
    assert label.mapRectToScene(label.boundingRect()).bottom() <= plot.height() + 2  # which is empty
    plot.close()


def test_the_worst_image_is_one_click_away(dock, project, shared_viewer):
    errors = pd.DataFrame(np.ones((6, 3)), NAMES, PARTS)
    errors.loc[NAMES[2], "tail"] = 44.0
    errors["set"] = ["train", "train", "validation", "train", "test", "train"]
    errors.to_csv(project / "models" / "detector" / "predictions_pixel_error.csv")
    opened(dock, project)
    dock.tabs.setCurrentIndex(ERRORS)
    wait_for(lambda: dock.errors.worst.rowCount() == 6)
    assert [dock.errors.worst.item(0, column).text() for column in range(1, 4)] == [
        "44.0",
        "tail",
        "validation",
    ]
    assert dock.errors.found.held_out.sum() == 2
    spin(0.2)
    table = dock.errors.worst
    point = table.viewport().mapToGlobal(table.visualItemRect(table.item(0, 0)).center())
    hands().move(point.x(), point.y())
    hands().click()

    def is_shown() -> bool:
        bench = find_dock(shared_viewer)
        return bench is not None and bench.controller.session is not None and bench.controller.frame == 2

    wait_for(is_shown)


def test_what_would_end_a_training_is_said_before_it_starts(dock, project):
    path = tiny_config(project, 3)
    content = yaml.safe_load(path.read_text())
    content["data"]["image_resize_dims"]["height"] = 200
    content["model"]["losses_to_use"] = ["temporal"]
    path.write_text(yaml.safe_dump(content))
    opened(dock, project)
    press(dock, "detector")
    assert dock.tabs.currentIndex() == TRAIN
    dock.form.config.setCurrentIndex(dock.form.config.findText("config_tiny.yaml"))
    wait_for(lambda: dock.form.problems)
    assert "image_resize_dims.height is 200; take a multiple of 128" in dock.form.check.plain
    assert "temporal" in dock.form.check.plain
    assert not dock.form.start_button.isEnabled()
    dock.form.config.setCurrentIndex(0)
    wait_for(lambda: dock.form.problems == [])
    assert dock.form.start_button.isEnabled()
    dock.form.name.setText("detector")
    wait_for(lambda: dock.form.problems)
    assert "there is a model of this name" in dock.form.check.plain


def test_that_weights_are_downloaded_is_said_beside_the_tick(dock, project, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    opened(dock, project)
    press(dock, "detector")
    form = dock.form
    wait_for(form.weights.isVisible)
    away = "Not on this computer yet: needs the internet."
    assert form.weights.text() == f"This network always does. {away}"
    assert not form.pretrained.isEnabled()
    wait_for(lambda: form.check.kind == "warning")
    assert "take ResNet-18 (model.backbone=resnet18) without the tick" in form.check.plain
    wait_for(form.start_button.isEnabled)  # there may be a way to the internet
    form.backbone.setCurrentIndex(form.backbone.findData("resnet18"))
    assert form.weights.text() == away
    click_on(form.pretrained)
    assert form.weights.isHidden()
    wait_for(lambda: form.check.plain.startswith("Checked: nothing stands in the way."))


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not os.environ.get("CROPZOOM_TRAINING_FLOW"), reason="a real training: CROPZOOM_TRAINING_FLOW=1"
)
def test_a_training_goes_on_without_the_dock_is_found_again_and_stopped(dock, project, shared_viewer):
    pytest.importorskip("lightning_pose")
    tiny_config(project, 5000)
    opened(dock, project)
    press(dock, "detector")
    dock.form.config.setCurrentIndex(dock.form.config.findText("config_tiny.yaml"))
    dock.form.name.setText("tiny ü")
    start_training(dock)
    folder = project / "models" / "tiny ü"
    try:
        wait_for(lambda: dock.progress.look is not None and dock.progress.look.curves, timeout=180)
        assert "of 5000 epochs" in dock.progress.text.text()
        pid = TrainingStatus.read(folder).pid
        shared_viewer.window.remove_dock_widget("all")
        spin(0.3)
        assert psutil.pid_exists(pid)
        again = add_training(shared_viewer)
        again.open_project(project)
        wait_for(lambda: again.progress.is_running)
        assert again.progress.folder == folder
        again.tabs.setCurrentIndex(PROGRESS)
        wait_for(lambda: again.progress.plot.isVisible())
        spin(0.2)
        click_on(again.progress.stop_button)
        wait_for(lambda: "can be used as it is" in again.progress.message.plain, timeout=90)
        wait_for(lambda: not again.progress.is_running)
        assert TrainingStatus.read(folder).status == "CANCELED"
        wait_for(lambda: not lives(pid), timeout=60)
        again.tabs.setCurrentIndex(STEPS)
        wait_for(lambda: again.lines.detector.findData(str(folder)) >= 0)
    finally:
        pid = TrainingStatus.read(folder).pid
        if pid is not None and psutil.pid_exists(pid):
            os.killpg(pid, signal.SIGKILL)
