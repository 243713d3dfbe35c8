"""The tour in a real window: it points at the control of each task and waits for a person to do it."""

import shutil

import pytest
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QSlider, QWidget

from gui_events import canvas_of, drag, hands, needs_display, press_key, spin, wait_for
from lpmodels import make_predictions_folder
from menus import choose_entry
from napari_cropzoom.app import add_docks
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.projects.sample_place import SAMPLE_VARIABLE, SAMPLE_VIDEO
from napari_cropzoom.widgets.tour.highlight import THICK
from napari_cropzoom.widgets.tour.tasks import TASKS
from napari_cropzoom.widgets.tour.tour import ALREADY, Tour
from napari_cropzoom.widgets.tour.way_in import begin_tour
from review_window import BESIDE, click_on, window_of

pytestmark = [pytest.mark.gui, needs_display]


@pytest.fixture
def dock(new_viewer):
    viewer = new_viewer()
    hands().move(*BESIDE)
    dock = add_docks(viewer)
    viewer.window.show()
    window_of(dock).setGeometry(0, 0, 1400, 900)
    wait_for(lambda: canvas_of(window_of(dock)).isVisible())
    spin(0.3)
    return dock


@pytest.fixture
def sample(video_file, tmp_path, monkeypatch):
    """A video in the place of the sample's."""
    path = tmp_path / "sample" / SAMPLE_VIDEO
    path.parent.mkdir(parents=True)
    shutil.copy(video_file, path)
    monkeypatch.setenv(SAMPLE_VARIABLE, str(tmp_path / "sample"))
    return path


def begin(dock) -> Tour:
    choose_entry(dock.menu.help_menu, "Tour")
    wait_for(lambda: dock.findChild(Tour) is not None)
    tour = dock.findChild(Tour)
    wait_for(tour.panel.isVisible)
    return tour


def control_of(dock, tour) -> QWidget:
    """The control of the task, once the ring is round it."""
    control = tour.task.control(dock)

    def is_round():
        ring = tour.highlight
        corner = control.mapTo(control.window(), control.rect().center())
        return ring.isVisible() and ring.parent() is control.window() and ring.geometry().contains(corner)

    wait_for(is_round)
    assert not tour.panel.geometry().intersects(tour.highlight.geometry()) or control is canvas_of()
    return control


def turn_up(slider: QWidget) -> None:
    click_on(slider.findChild(QSlider))
    hands().key("Right", "Right", "Right")


def assert_panel_is_at_the_left(dock, tour) -> None:
    """It hides no box whose change a person is to watch."""
    canvas = canvas_of(window_of(dock))
    middle = canvas.mapTo(canvas.window(), canvas.rect().center()).x()
    control_of(dock, tour)
    assert tour.panel.geometry().right() < middle


def test_each_task_is_pointed_at_and_waits_until_it_is_done(dock, sample, poses, tmp_path):
    detector = make_predictions_folder(tmp_path / "models" / "detector", sample, poses)
    pose_model = make_predictions_folder(tmp_path / "models" / "pose", sample, poses)
    tour = begin(dock)
    assert control_of(dock, tour) is window_of(dock).menuBar()
    spin(0.5)
    assert tour.number == 0
    dock["video"].open(sample)
    wait_for(lambda: tour.number == 1)
    dock["detect"].choose_model(detector)
    wait_for(lambda: tour.task.control(dock) is dock["detect"].offer.use)
    assert_panel_is_at_the_left(dock, tour)  # one may look at the video while it runs
    click_on(control_of(dock, tour))
    wait_for(lambda: tour.number == 2)
    assert dock["boxes"].is_open
    assert_panel_is_at_the_left(dock, tour)
    turn_up(control_of(dock, tour))
    wait_for(lambda: tour.number == 3)
    session = dock.controller.session
    wait_for(lambda: not session.track.box(0).is_missing() and canvas_of().isVisible())
    control_of(dock, tour)
    dock.controller.go_to(30)
    spin(0.3)
    x, y = session.track.box(30).center
    drag(dock.controller.viewer, (y, x), (y + 20, x - 30))
    wait_for(lambda: session.track.source[30] == Source.MANUAL)
    wait_for(lambda: tour.number == 4)
    turn_up(control_of(dock, tour))
    wait_for(lambda: tour.number == 5)
    dock["pose"].choose_model(pose_model)
    wait_for(lambda: tour.task.control(dock) is dock["pose"].offer.use)
    click_on(control_of(dock, tour))
    wait_for(lambda: tour.number == len(TASKS))
    assert session.pose_poses is not None
    assert not tour.highlight.isVisible()
    canvas = canvas_of(window_of(dock))
    assert tour.panel.geometry().right() < canvas.mapTo(canvas.window(), canvas.rect().center()).x()
    click_on(tour.panel.skip)
    wait_for(lambda: dock.findChild(Tour) is None)


def test_it_can_be_skipped_and_left_at_any_time_and_says_what_is_missing(dock):
    tour = begin(dock)
    click_on(tour.panel.skip)
    assert tour.number == 1
    click_on(tour.panel.skip)
    wait_for(lambda: tour.panel.text.text().startswith(dock["boxes"].missing()))
    assert tour.highlight.isVisible()
    press_key("Escape")
    wait_for(lambda: dock.findChild(Tour) is None)
    begin_tour(dock.controller.viewer)  # as napari's palette does
    again = dock.findChild(Tour)
    wait_for(again.panel.isVisible)
    assert again.number == 0
    click_on(again.panel.leave)
    wait_for(lambda: dock.findChild(Tour) is None)


def test_what_is_done_already_is_not_waited_for_but_said(dock, sample):
    dock["video"].open(sample)
    wait_for(lambda: dock.controller.session is not None)
    tour = begin(dock)
    assert (tour.panel.said.text(), tour.panel.skip.text()) == (ALREADY, "Next")
    assert not tour.panel.open.isVisible()
    assert "button" not in tour.panel.text.text()
    click_on(tour.panel.skip)
    assert (tour.number, tour.panel.skip.text()) == (1, "Skip")


def test_another_video_is_not_taken_for_the_sample_and_no_task_points_at_what_is_not_there(
    dock, sample, video_file
):
    dock["video"].open(video_file)
    wait_for(lambda: dock.controller.session is not None)
    session = dock.controller.session
    session.set_box(0, Box(20, 20, 40, 40))
    tour = begin(dock)
    assert video_file.name in tour.panel.text.text()
    assert "not the sample" in tour.panel.text.text()
    assert (tour.panel.said.text(), tour.panel.skip.text()) == ("", "Skip")
    for number, title in enumerate(task.title for task in TASKS):
        wait_for(lambda title=title: title in tour.panel.title.text())
        spin(0.3)
        control, step = tour.task.control(dock), dock[tour.task.step]
        is_there = control is not None and control.isVisible() and control.isEnabled()
        text = tour.panel.text.text()
        assert video_file.name in text, title
        assert is_there or step.missing() or "framed" not in text, (title, text)
        assert tour.panel.open.isVisible(), title
        if title != "Correct a wrong box":  # a box was set by hand
            assert tour.panel.said.text() == "", title
        if number < len(TASKS) - 1:
            click_on(tour.panel.skip)
    session.save()  # or else it is asked for
    tour.show_task(0)
    dock["video"].open(sample)
    wait_for(lambda: tour.number == 1)


def test_what_was_done_in_the_video_before_is_not_done_in_this_one(dock, sample, video_file):
    dock["video"].open(sample)
    wait_for(lambda: dock.controller.session is not None)
    dock.controller.session.set_box(0, Box(20, 20, 40, 40))
    tour = begin(dock)
    tour.show_task(3)
    wait_for(lambda: tour.panel.said.text() == ALREADY)
    dock.controller.session.save()  # or else it is asked for
    dock["video"].open(video_file)
    wait_for(lambda: "not the sample" in tour.panel.text.text())
    assert tour.panel.said.text() == ""
    assert not tour.is_done


def test_a_folded_step_is_pointed_at_by_its_line(dock, sample):
    dock["video"].open(sample)
    wait_for(lambda: dock.controller.session is not None)
    dock.controller.session.set_box(0, Box(20, 20, 40, 40))
    tour = begin(dock)
    tour.show_task(4)
    wait_for(lambda: tour.task.control(dock) is not None and tour.highlight.isVisible())
    assert "Move the framed slider" in tour.panel.text.text()
    dock.open_step("video")
    wait_for(lambda: tour.panel.text.text().startswith("Open step Smooth"))
    header = dock["smooth"].header
    middle = header.mapTo(header.window(), header.rect().center())
    wait_for(lambda: tour.highlight.geometry().contains(middle))


def test_esc_closes_an_open_menu_first(dock):
    tour = begin(dock)
    bar, menu = dock.menu, dock.menu.edit_menu
    place = bar.mapToGlobal(bar.actionGeometry(menu.menuAction()).center())
    hands().move(place.x(), place.y())
    hands().click()
    wait_for(menu.isVisible)
    hands().key("Escape")
    wait_for(lambda: not menu.isVisible())
    assert dock.findChild(Tour) is tour
    dock.controller.viewer.window.remove_dock_widget("all")
    spin(0.1)


def test_ring_and_panel_are_read_in_the_other_theme_too(dock):
    """The theme of this window alone is changed, as napari's key does."""
    tour = begin(dock)
    control_of(dock, tour)
    for theme in ("light", "dark"):
        dock.controller.viewer.theme = theme
        wanted = QColor(get_theme(theme).text.as_hex()).lightness()

        def is_of_theme(wanted=wanted) -> bool:
            ring = tour.highlight.grab().toImage()
            shown = ring.pixelColor(ring.width() // 2, THICK // 2)
            return abs(shown.lightness() - wanted) < 40

        wait_for(is_of_theme)
        wait_for(
            lambda theme=theme: QColor(get_theme(theme).text.as_hex()).name() in tour.panel.styleSheet()
        )
