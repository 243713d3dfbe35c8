"""The view fits the window until a person has zoomed, and the window fits low screens."""

import pytest
from qtpy.QtCore import QPoint

from gui_events import canvas_of, hands, needs_display, scroll, spin, wait_for, wait_until_still
from napari_cropzoom.app import settle
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.widgets.docks import SHARE
from napari_cropzoom.widgets.timeline.widget import Timeline
from napari_cropzoom.widgets.window.corners import PREVIEW, TALL, TIMELINE, dock_of
from review_window import make_review, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture(scope="module")
def dock(tmp_path_factory):
    with review_window(*make_review(tmp_path_factory.mktemp("fitting"))) as dock:
        yield dock


def filled(dock):
    """How much of the canvas, across or down, the picture takes."""
    canvas, viewer = canvas_of(), dock.controller.viewer
    height, width = viewer.layers["video"].data.shape[1:3]
    zoom = viewer.scene.camera.zoom
    return max(zoom * width / canvas.width(), zoom * height / canvas.height())


def test_until_a_person_zooms_the_picture_stays_whole(dock):
    wait_for(lambda: 0.9 < filled(dock) <= 1)
    for size in ((1100, 760), (1500, 940)):
        window_of(dock).resize(*size)
        wait_for(lambda: 0.9 < filled(dock) <= 1)
    scroll(dock.controller.viewer, (120, 160), 5)
    spin(0.3)
    zoom = dock.controller.viewer.scene.camera.zoom
    window_of(dock).resize(1200, 800)
    spin(0.5)
    assert dock.controller.viewer.scene.camera.zoom == zoom


def test_a_giant_box_does_not_make_the_picture_small(dock):
    session = dock.controller.session
    session.set_box(0, Box(-4000, -3000, 9000, 8000))
    spin(0.1)
    dock.fitting.fit()
    assert 0.9 < filled(dock) <= 1
    session.undo()


def below(timeline):
    """Where the rows have to end."""
    return timeline.legend.geometry().top() if timeline.legend.isVisible() else timeline.height()


def test_the_window_fits_a_low_screen(dock):
    window = dock.window()
    before = window.size()
    timeline = window.findChild(Timeline)
    window.resize(1366, 740)
    wait_for(lambda: window.height() == 740)
    wait_for(lambda: timeline.plot.geometry().bottom() <= timeline.legend.geometry().top())
    assert timeline.legend.isVisible()
    for height in (740, 600):  # the player takes two lines of it
        window.resize(960, height)
        wait_for(lambda height=height: (window.width(), window.height()) == (960, height))
        wait_for(lambda: timeline.plot.height() >= timeline.plot.minimumHeight())
        wait_for(lambda: timeline.plot.geometry().bottom() <= below(timeline))
    window.resize(before)
    wait_for(lambda: window.size() == before)
    wait_for(timeline.legend.isVisible)
    settle(dock.controller.viewer)
    wanted = min(timeline.sizeHint().height(), round(SHARE * window.height()))
    wait_for(lambda: abs(timeline.height() - wanted) < 40)  # of the dock, its title included


def test_the_steps_reach_down_beside_the_timeline_where_that_has_room(dock):
    window = window_of(dock)
    timeline, before = window.findChild(Timeline), window.size()

    def is_beside():
        return dock.mapTo(window, dock.rect().bottomLeft()).y() > timeline.mapTo(window, QPoint(0, 0)).y()

    window.resize(1100, TALL)
    wait_for(lambda: window.width() == 1100 and not is_beside())
    for size in ((1366, TALL), (1366, 760), (1100, 760), (960, 540)):
        window.resize(*size)
        wait_for(lambda size=size: (window.width(), window.height()) == size and is_beside())
    window.resize(before)


def places(window):
    """Where the docks below are in the window, and how wide and high."""
    held = [dock_of(window, name) for name in (TIMELINE, PREVIEW)]
    return {dock.objectName(): (dock.pos(), dock.size()) for dock in held}


def test_a_low_narrow_window_has_timeline_and_preview_in_one_place(dock):
    window, before = window_of(dock), window_of(dock).size()
    timeline, preview = (dock_of(window, name) for name in (TIMELINE, PREVIEW))
    window.resize(960, 667)
    wait_for(lambda: window.tabifiedDockWidgets(timeline) == [preview])
    wait_for(lambda: not timeline.visibleRegion().isEmpty())  # it is in front
    window.resize(1366, 768)
    wait_for(lambda: not window.tabifiedDockWidgets(timeline))
    wait_for(lambda: preview.x() > timeline.x() and preview.y() == timeline.y())
    preview.setFloating(True)  # as a person may
    for size in ((960, 667), (1366, 768)):
        window.resize(*size)
        wait_for(lambda size=size: (window.width(), window.height()) == size)
        assert preview.isFloating()
    preview.setFloating(False)
    window.resize(before)
    wait_until_still(window)


def test_sizes_come_back_after_the_window_was_tiny(dock):
    window, before = window_of(dock), window_of(dock).size()
    wait_until_still(window)
    timeline, preview = (dock_of(window, name) for name in (TIMELINE, PREVIEW))
    middle = round((timeline.geometry().right() + preview.geometry().left()) / 2)
    start = window.mapToGlobal(QPoint(middle, timeline.geometry().center().y()))
    hands().move(start.x(), start.y())
    spin(0.2)
    hands().press()
    for away in range(0, 121, 20):
        hands().move(start.x() - away, start.y())
        spin(0.05)
    hands().release()
    spin(0.5)
    wanted = places(window)
    assert preview.geometry().left() < middle - 60  # the edge was moved
    for small in ((1120, 700), (960, 540), (1, 1)):
        window.resize(*small)
        wait_until_still(window)
        window.resize(before)
        wait_until_still(window)
        now = places(window)
        for name, (place, size) in wanted.items():
            assert (place - now[name][0]).manhattanLength() < 20, (small, name)
            assert abs(size.width() - now[name][1].width()) < 20, (small, name)
            assert abs(size.height() - now[name][1].height()) < 20, (small, name)


def test_all_docks_find_room_in_a_small_window(dock):
    window, viewer = window_of(dock), dock.controller.viewer
    before = window.size()
    window.resize(960, 667)
    made = [
        viewer.window.add_plugin_dock_widget("napari-cropzoom", each) for each in ("Projects", "Training")
    ]
    wait_until_still(window)
    assert (window.width(), window.height()) == (960, 667)
    holders = [dock_of(window, each) for each in ("cropzoom_dock", "projects_dock", "training_dock")]
    assert set(window.tabifiedDockWidgets(holders[0])) == set(holders[1:])
    for holder, (_, other) in zip(holders[1:], made, strict=True):
        holder.raise_()
        wait_until_still(window)
        assert other.visibleRegion().boundingRect() == other.rect()  # it is not cut
        canvas = canvas_of()
        assert canvas.width() > 240
        assert canvas.height() > 240
    holders[0].raise_()
    for holder, _ in made:
        viewer.window.remove_dock_widget(holder)
    window.resize(before)
    wait_until_still(window)
