"""A second video, dropped or opened anywhere: asked, opened properly, never laid over the first."""

import shutil

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPointF, QSettings, Qt, QTimer, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QDialog, QMessageBox, QWidget

from drag_source import drag_source
from dropping import drop
from gui_events import canvas_of, needs_display, needs_x11, spin, wait_for, xdotool
from napari_cropzoom import open_review
from napari_cropzoom.app import add_docks, find_dock
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.widgets.window.hides_on_close import holder_of
from review_window import click_on, window_of
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N, OTHER_N = 12, 20


@pytest.fixture(autouse=True)
def own_settings_here(tmp_path):
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))


@pytest.fixture
def video_file(tmp_path):
    return make_numbered_video(tmp_path / "first.mp4", N, size=(160, 120))


@pytest.fixture
def other(tmp_path):
    return make_numbered_video(tmp_path / "second.mp4", OTHER_N, size=(320, 240))


@pytest.fixture
def viewer(new_viewer):
    viewer = new_viewer()
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1400, 900)
    add_docks(viewer)
    return viewer


@pytest.fixture
def reviewed(viewer, video_file, tmp_path):
    """The dock with a review of the first video, saved."""
    boxes = tmp_path / "boxes" / "first_bbox.csv"
    write_bbox_csv(boxes, np.tile([10.0, 20, 40, 40], (N, 1)))
    session = open_review(viewer, video_file, bbox=boxes)
    session.set_box(4, Box(30, 30, 20, 20))
    session.save()
    spin(0.3)
    return find_dock(viewer)


def answer(name, button, seen):
    """Click a button of the dialog that is about to open, with the real mouse."""

    def look():
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QMessageBox) or dialog.objectName() != name or not dialog.isVisible():
            QTimer.singleShot(50, look)
            return
        seen.append(dialog.text() + dialog.informativeText())
        default = dialog.defaultButton().text().replace("&", "")
        seen.append(default)
        found = [one for one in dialog.buttons() if one.text().replace("&", "") == button]
        click_on(found[0])

    QTimer.singleShot(50, look)


def names(viewer):
    return [layer.name for layer in viewer.layers]


OURS = ["video", "detector keypoints", "pose keypoints", "final boxes (to crop)", "boxes"]


def is_fitted(viewer):
    canvas = canvas_of()
    height, width = viewer.layers["video"].data.shape[1:3]
    zoom = viewer.scene.camera.zoom
    return 0.9 < max(zoom * width / canvas.width(), zoom * height / canvas.height()) <= 1


@pytest.mark.parametrize("where", ["canvas", "layer list", "timeline", "dock"])
def test_a_second_video_is_asked_for_and_opened_wherever_it_is_dropped(viewer, reviewed, other, where):
    window = window_of(reviewed)
    target = {
        "canvas": canvas_of(window),
        "layer list": window.findChild(QWidget, "layer list") or canvas_of(window),
        "timeline": viewer.window.dock_widgets["Timeline"],
        "dock": reviewed,
    }[where]
    first, seen = reviewed.controller.session, []
    answer("replace_dialog", "Open", seen)
    assert drop(target, other) is not None
    wait_for(lambda: reviewed.controller.session not in (None, first))
    text, default = seen
    assert "second.mp4" in text
    assert "first.mp4" in text
    assert default == "Cancel"
    assert reviewed.controller.session.video.path == other
    assert names(viewer) == OURS
    assert viewer.dims.range[0].stop == OTHER_N - 1
    wait_for(lambda: is_fitted(viewer))


def test_cancel_leaves_the_first_and_the_step_that_is_open(viewer, reviewed, other):
    first, seen = reviewed.controller.session, []
    reviewed.open_step("smooth")
    asked = reviewed["video"].ask_replace
    open_then = []
    reviewed["video"].ask_replace = lambda *which: (
        open_then.extend(key for key, step in reviewed.steps.items() if step.is_open) or asked(*which)
    )
    answer("replace_dialog", "Cancel", seen)
    drop(canvas_of(), other)
    wait_for(lambda: len(seen) == 2 and not QApplication.activeModalWidget())
    assert open_then == ["smooth"]
    assert reviewed["smooth"].is_open
    assert reviewed.controller.session is first
    assert names(viewer) == OURS
    assert first.track.box(4) == Box(30, 30, 20, 20)


def test_the_first_video_is_opened_without_a_question_where_the_dock_is_hidden(viewer, video_file):
    dock = find_dock(viewer)
    holder_of(dock).hide()
    drop(canvas_of(), video_file)
    wait_for(lambda: dock.controller.session is not None)
    assert dock.isVisible()
    assert names(viewer) == OURS


def test_of_several_videos_the_first_is_opened_and_the_others_are_on_the_list(viewer, video_file, other):
    dock = find_dock(viewer)
    drop(canvas_of(), video_file, other)
    wait_for(lambda: dock.controller.session is not None)
    assert dock.controller.session.video.path == video_file
    assert names(viewer) == OURS
    dock.open_step("video")
    assert "One video is open at a time" in dock["video"].message.plain
    dock["video"].recent.menu().aboutToShow.emit()
    assert [action.data() for action in dock["video"].recent.menu().actions()] == [str(other)]


def test_what_napari_opens_itself_is_not_laid_over_the_first(viewer, reviewed, other):
    """File > Open and scripts come by napari's reader."""
    first, seen = reviewed.controller.session, []
    answer("replace_dialog", "Open", seen)
    viewer.open(other, plugin="napari-cropzoom")
    wait_for(lambda: reviewed.controller.session not in (None, first))
    assert len(seen) == 2
    assert names(viewer) == OURS
    answer("replace_dialog", "Cancel", seen)
    second = reviewed.controller.session
    viewer.open(first.video.path, plugin="napari-cropzoom")
    wait_for(lambda: len(seen) == 4)
    wait_for(lambda: names(viewer) == OURS)
    assert reviewed.controller.session is second


def test_alt_and_other_files_are_left_to_napari(viewer, reviewed, other, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("x")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(text))])
    for urls, modifiers in (
        ([other], Qt.KeyboardModifier.AltModifier),
        ([text], Qt.KeyboardModifier.NoModifier),
        ([other, text], Qt.KeyboardModifier.NoModifier),
    ):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(url)) for url in urls])
        action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        event = QDropEvent(QPointF(5, 5), action, data, button, modifiers)
        assert not reviewed.drops.eventFilter(canvas_of(), event)


@needs_x11
@pytest.mark.skipif(not shutil.which("xdotool"), reason="a drag between programs needs the real mouse")
def test_a_real_drag_out_of_another_program_opens_the_video_without_choosing_a_reader(viewer, video_file):
    dock, canvas = find_dock(viewer), canvas_of()
    with drag_source(video_file) as start:
        middle = canvas.mapToGlobal(canvas.rect().center())
        xdotool("mousemove", *start)
        spin(0.2)
        xdotool("mousedown", 1)
        for part in np.linspace(0, 1, 12)[1:]:
            place = np.asarray(start) + part * (np.array([middle.x(), middle.y()]) - start)
            xdotool("mousemove", *place.round().astype(int))
            spin(0.1)
        spin(0.3)
        xdotool("mouseup", 1)
        wait_for(lambda: dock.controller.session is not None)
    assert not [
        one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()
    ]
    assert names(viewer) == OURS
    wait_for(lambda: is_fitted(viewer))
