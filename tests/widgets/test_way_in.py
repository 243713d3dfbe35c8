"""However the plugin is opened, dock, timeline and preview come together, each in its place."""

import shutil

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QSettings, Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QPushButton

from gui_events import needs_display, spin, wait_for, wait_until_still
from menus import action_of, choose
from napari_cropzoom import open_review
from napari_cropzoom.app import add_docks, find_dock
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import write_bbox_csv
from napari_cropzoom.sample import sample_project
from napari_cropzoom.widgets.docks import DOCK, PREVIEW, TIMELINE, docks_of
from napari_cropzoom.widgets.gl_context import top_of
from napari_cropzoom.widgets.window.hides_on_close import CLOSE_BUTTON, holder_of
from review_window import click_on
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 12
RIGHT, BELOW = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
MENU = ("Plugins", "Cropzoom")


@pytest.fixture(autouse=True)
def as_a_new_user(tmp_path):
    """Nothing is remembered, by the dock or by napari."""
    folder = str(tmp_path / "settings")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
    get_settings().application.plugin_widget_positions = {}


@pytest.fixture
def viewer(new_viewer):
    viewer = new_viewer()
    viewer.window.show()
    viewer.window.set_geometry(0, 0, 1400, 900)
    return viewer


def main_of(viewer) -> QMainWindow:
    return viewer.window._qt_window


def places(viewer):
    """Where those of the three docks are that show; nowhere while there are more docks than these."""
    window, found = main_of(viewer), docks_of(viewer)
    if len(viewer.window.dock_widgets) != len(found):
        return {}
    shown = {name: holder_of(one) for name, one in found.items() if one.isVisible()}
    return {name: window.dockWidgetArea(holder) for name, holder in shown.items()}


def is_in_place(viewer) -> bool:
    below = {DOCK: RIGHT, TIMELINE: BELOW, PREVIEW: BELOW}
    if places(viewer) != below:
        return False
    timeline, preview = (docks_of(viewer)[name] for name in (TIMELINE, PREVIEW))
    left, right = (one.mapToGlobal(one.rect().topLeft()).x() for one in (timeline, preview))
    return left < right and timeline.height() >= 200


def test_they_stand_side_by_side_in_a_window_that_grows_before_they_are_laid_out(viewer):
    viewer.window.set_geometry(0, 0, 1000, 640)
    spin(0.3)
    viewer.window.add_plugin_dock_widget("napari-cropzoom", DOCK)
    viewer.window.set_geometry(0, 0, 1280, 720)
    wait_for(lambda: set(places(viewer)) == {DOCK, TIMELINE, PREVIEW})
    spin(1.0)
    timeline, preview = (docks_of(viewer)[name] for name in (TIMELINE, PREVIEW))
    assert not preview.visibleRegion().isEmpty()
    assert not timeline.visibleRegion().isEmpty()


@pytest.mark.parametrize("asked", [DOCK, TIMELINE, PREVIEW])
def test_any_entry_of_the_plugins_menu_brings_all_three(viewer, asked):
    choose(main_of(viewer), *MENU, asked)
    wait_for(lambda: is_in_place(viewer))
    timeline, preview = (docks_of(viewer)[name] for name in (TIMELINE, PREVIEW))
    assert timeline.controller is preview.controller is find_dock(viewer).controller


def test_the_menu_hides_and_shows_a_dock_once_it_is_there(viewer):
    choose(main_of(viewer), *MENU, DOCK)
    wait_for(lambda: is_in_place(viewer))
    dock = find_dock(viewer)
    choose(main_of(viewer), *MENU, TIMELINE)
    wait_for(lambda: not docks_of(viewer)[TIMELINE].isVisible())
    assert dock.isVisible()
    choose(main_of(viewer), *MENU, TIMELINE)
    wait_for(lambda: is_in_place(viewer))
    assert find_dock(viewer) is dock


def titles(viewer):
    """What is written over each of the three docks, and in the menu that shows it."""
    holders = {name: holder_of(one) for name, one in docks_of(viewer).items()}
    over = {
        name: {label.text() for label in holder.titleBarWidget().findChildren(QLabel) if label.text()}
        for name, holder in holders.items()
    }
    return over, {name: holder.toggleViewAction().text() for name, holder in holders.items()}


def test_docks_are_called_the_same_however_they_come(viewer):
    names = {name: name for name in (DOCK, TIMELINE, PREVIEW)}
    choose(main_of(viewer), *MENU, DOCK)
    wait_for(lambda: is_in_place(viewer))
    assert titles(viewer) == ({name: {name} for name in names}, names)
    holder = holder_of(find_dock(viewer))
    holder.setFloating(True)
    wait_for(lambda: titles(viewer) == ({name: {name} for name in names}, names))
    assert holder.windowTitle() == DOCK
    holder.setFloating(False)
    wait_for(lambda: titles(viewer) == ({name: {name} for name in names}, names))


def test_the_menu_takes_what_a_script_has_opened(viewer, tmp_path):
    session = open_review(viewer, make_numbered_video(tmp_path / "v.mp4", N))
    dock = find_dock(viewer)
    wait_for(lambda: is_in_place(viewer))
    choose(main_of(viewer), *MENU, DOCK)
    wait_for(lambda: is_in_place(viewer))
    assert find_dock(viewer) is dock
    assert dock.controller.session is session
    menu = action_of(main_of(viewer).menuBar(), "Plugins").menu()
    assert action_of(action_of(menu, "Cropzoom").menu(), DOCK).isChecked()


def test_a_script_may_open_the_plugins_widget(viewer):
    holder, dock = viewer.window.add_plugin_dock_widget("napari-cropzoom", "Cropzoom")
    assert isinstance(holder, QDockWidget)
    assert dock is find_dock(viewer)
    wait_for(lambda: is_in_place(viewer))


def test_a_place_that_a_person_has_chosen_is_kept(viewer, new_viewer):
    choose(main_of(viewer), *MENU, DOCK)
    wait_for(lambda: is_in_place(viewer))
    left = Qt.DockWidgetArea.LeftDockWidgetArea
    main_of(viewer).addDockWidget(left, holder_of(docks_of(viewer)[PREVIEW]))
    again = new_viewer()
    again.window.show()
    choose(main_of(again), *MENU, TIMELINE)
    wait_for(lambda: places(again) == {DOCK: RIGHT, TIMELINE: BELOW, PREVIEW: left})


def test_a_place_that_only_napari_has_chosen_does_not_count(viewer):
    names = ("Cropzoom (Cropzoom)", "Timeline (Cropzoom)", "Crop preview (Cropzoom)")
    get_settings().application.plugin_widget_positions = dict.fromkeys(names, "right")
    choose(main_of(viewer), *MENU, TIMELINE)
    wait_for(lambda: is_in_place(viewer))


def test_the_readers_video_brings_the_docks_and_is_opened_in_them(viewer, tmp_path):
    said, overlay = [], viewer.canvas.overlays.text
    overlay.events.text.connect(lambda: said.append((overlay.text, find_dock(viewer) is None)))
    viewer.open(make_numbered_video(tmp_path / "v.mp4", N), plugin="napari-cropzoom")
    wait_for(lambda: find_dock(viewer) and find_dock(viewer).controller.session)
    wait_for(lambda: is_in_place(viewer))
    assert said[0] == ("Opening v.mp4 in Cropzoom …", True)  # while napari shows no more than the picture
    assert overlay.text.strip().startswith("frame")
    assert find_dock(viewer).controller.session.n_frames == N
    assert viewer.layers[0].name == "video"
    assert len(viewer.layers) == 5
    assert_fitted(viewer)


def test_a_reader_without_a_window_opens_nothing(viewer, tmp_path):
    from napari.components import ViewerModel

    model = ViewerModel()
    model.open(make_numbered_video(tmp_path / "v.mp4", N), plugin="napari-cropzoom")
    ended = []
    wait_for(lambda: ended or ended.append(1) is None)
    assert [layer.name for layer in model.layers] == ["v"]
    assert not viewer.window.dock_widgets


def assert_fitted(viewer):
    """The whole picture is in view, and fills it."""

    def is_fitted():
        canvas = viewer.window._qt_viewer.canvas.native
        height, width = viewer.layers["video"].data.shape[1:3]
        zoom = viewer.scene.camera.zoom
        return 0.9 < max(zoom * width / canvas.width(), zoom * height / canvas.height()) <= 1

    wait_for(is_fitted)


@pytest.fixture
def own_sample(tmp_path, monkeypatch):
    """The sample, with models of its own for what is written."""
    sample = sample_project()
    root = tmp_path / "sample_data"
    (root / "videos").mkdir(parents=True)
    shutil.copy(sample.video, root / "videos" / sample.video.name)
    for model in (sample.detector, sample.pose):
        outputs = shutil.ignore_patterns("video_preds", "cropped_videos")
        shutil.copytree(model, root / "models" / model.name, ignore=outputs)
    monkeypatch.setenv("NAPARI_CROPZOOM_SAMPLE", str(root))
    return sample_project()


def test_the_sample_brings_docks_and_models(viewer, own_sample):
    pytest.importorskip("lightning_pose", reason="needs the extra 'pose'")
    choose(main_of(viewer), "File", "Open Sample", "Roaming mouse (Cropzoom)")
    wait_for(lambda: find_dock(viewer) and find_dock(viewer).controller.session, 90)
    wait_for(lambda: is_in_place(viewer))
    dock = find_dock(viewer)
    assert dock.controller.detector.path == own_sample.detector
    assert dock.controller.pose.path == own_sample.pose
    assert dock["detect"].is_open
    assert dock["detect"].job_bar.run_button.isEnabled()
    wait_for(lambda: dock["detect"].message.plain.endswith("Next: Run detector."))
    assert_fitted(viewer)


@pytest.mark.parametrize("by_menu", [True, False])
def test_a_window_of_1280x720_stays_so(viewer, tmp_path, by_menu):
    """Also 1920x1080 at a scale of 150 %."""
    window = main_of(viewer)
    viewer.window.set_geometry(0, 0, 1280, 720)
    if by_menu:
        choose(window, *MENU, DOCK)
    open_review(viewer, make_numbered_video(tmp_path / "v.mp4", N, size=(160, 120)))
    wait_for(lambda: is_in_place(viewer))
    for step in find_dock(viewer).steps:
        find_dock(viewer).open_step(step)
        wait_until_still(window)
        assert (window.width(), window.height()) == (1280, 720)
    assert window.minimumSizeHint().height() <= 720
    assert_fitted(viewer)


# ---- and out -------------------------------------------------------------------------------------


@pytest.fixture
def reviewed(viewer, tmp_path):
    """A review with an edit, in a shown window."""
    boxes = tmp_path / "boxes" / "v_bbox.csv"
    write_bbox_csv(boxes, np.tile([10.0, 20, 40, 40], (N, 1)))
    video = make_numbered_video(tmp_path / "v.mp4", N, size=(160, 120))
    session = open_review(viewer, video, bbox=boxes)
    wait_for(lambda: is_in_place(viewer))
    session.set_box(4, Box(30, 30, 20, 20))
    return session


def test_the_cross_of_a_dock_hides_it_and_the_review_goes_on(viewer, reviewed):
    dock = find_dock(viewer)
    for name, widget in docks_of(viewer).items():
        click_on(holder_of(widget).findChild(QPushButton, CLOSE_BUTTON))
        wait_for(lambda widget=widget: not widget.isVisible())
        assert docks_of(viewer)[name] is widget
    assert dock.controller.session is reviewed
    assert viewer.layers["boxes"].data
    reviewed.set_box(5, Box(30, 30, 20, 20))
    assert add_docks(viewer) is dock
    assert is_in_place(viewer)


def test_the_cross_of_a_dock_that_floats_hides_it_too(viewer, reviewed):
    dock = find_dock(viewer)
    holder = holder_of(dock)
    holder.setFloating(True)
    holder.move(100, 100)
    click_on(holder.findChild(QPushButton, CLOSE_BUTTON))
    wait_for(lambda: not dock.isVisible())
    holder.show()
    wait_for(dock.isVisible)
    holder.close()
    wait_for(lambda: not dock.isVisible())
    assert dock.controller.session is reviewed
    holder.setFloating(False)  # napari makes a new title
    holder.show()
    wait_for(dock.isVisible)
    holder.findChild(QPushButton, CLOSE_BUTTON).click()
    assert not dock.isVisible()
    assert find_dock(viewer) is dock


def test_the_review_ends_with_the_window_though_its_dock_is_hidden(viewer, reviewed):
    closed = []
    reviewed.closed.connect(lambda: closed.append(True))
    holder_of(find_dock(viewer)).close()
    viewer.close()
    wait_for(lambda: closed)


def test_a_script_that_removes_the_dock_ends_the_review(viewer, reviewed):
    closed = []
    reviewed.closed.connect(lambda: closed.append(True))
    viewer.window.remove_dock_widget(find_dock(viewer))
    assert closed
    assert find_dock(viewer) is None
    assert not [layer for layer in viewer.layers if layer.name == "boxes"]
    assert top_of(docks_of(viewer)[TIMELINE]) is main_of(viewer)
