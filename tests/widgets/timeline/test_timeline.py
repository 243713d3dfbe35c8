import gc
import weakref

import numpy as np
import pytest
from psygnal import Signal as PsygnalSignal
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QWheelEvent
from qtpy.QtWidgets import QApplication, QPushButton

from gui_events import delete_now, hands, needs_display, picture_of, wait_for, wait_until_still
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing import edits
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.timeline.series import State
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.dock import CropzoomDock
from napari_cropzoom.widgets.steps.reviewing import pixel_look
from napari_cropzoom.widgets.timeline.colors import DARK, LIGHT, colors_of
from napari_cropzoom.widgets.timeline.widget import Timeline
from videos import make_numbered_video

pytestmark = [pytest.mark.gui, needs_display]

N = 40
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def window(shared_viewer, tmp_path_factory):
    """One napari window for this module: a video of 40 frames, its dock, its timeline."""
    path = make_numbered_video(tmp_path_factory.mktemp("video") / "v.mp4", N, size=(320, 240), gop=10)
    viewer = shared_viewer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixel_look, "MS_AFTER_BOXES", 10**6)  # the suspects are those of the boxes alone
        dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name="Cropzoom", area="right")
    dock["video"].take(Video(path))
    timeline = Timeline(viewer, dock.controller)
    timeline.setMinimumSize(700, 300)
    viewer.window.add_dock_widget(timeline, name="Timeline", area="bottom")
    viewer.window.show()
    wait_for(lambda: timeline.isVisible() and timeline.plot.view.width() > 300)
    wait_until_still(timeline)
    return timeline


@pytest.fixture
def timeline(window):
    """Likelihood low at 10 to 12, no box at 20; nothing edited, nothing selected, all in view."""
    session = window.controller.session
    while session.undo() is not None:
        pass
    boxes = np.column_stack([60 + 4.0 * np.arange(N), np.full(N, 80.0), np.full((N, 2), 48.0)])
    boxes[20] = np.nan
    likelihood = np.full((N, 1), 0.95)
    likelihood[10:13] = 0.3
    likelihood[11] = 0.1
    session.set_raw(boxes, session.video.path.with_suffix(".csv"), Source.DETECTED)
    session.set_predictions("detector", Poses(("nose",), boxes[:, None, :2] + 24, likelihood))
    window.controller.selection = window.controller.proposal = None
    window.controller.go_to(0)
    window.plot.show_all()
    wait_for(lambda: is_settled(window.model))
    assert len(window.model.flags.flags) == 2
    window.plot.draw()
    return window


def is_settled(model):
    """Whether all that was asked for is there."""
    running = (model._building, model._reading, model._asking)
    return not model._ask_later.isActive() and not any(latest.is_running for latest in running)


def at(timeline, frame, row="speed"):
    """Pixel of a frame in a row."""
    plot = timeline.plot
    y = (plot.rows[row].top + plot.rows[row].bottom) / 2
    return plot.mapFromScene(plot.view.mapViewToScene(QPointF(frame, y)))


def drag(qtbot, timeline, first, last, button=LEFT, row="speed"):
    viewport = timeline.plot.viewport()
    start, end = at(timeline, first, row), at(timeline, last, row)
    qtbot.mousePress(viewport, button, pos=start)
    for part in np.linspace(0.1, 1, 8):
        qtbot.mouseMove(viewport, start + (end - start) * part)
        qtbot.wait(5)
    qtbot.mouseRelease(viewport, button, pos=end)


def wheel(timeline, frame, notches, modifier=Qt.KeyboardModifier.NoModifier):
    viewport, place = timeline.plot.viewport(), QPointF(at(timeline, frame))
    where = QPointF(viewport.mapToGlobal(place.toPoint()))
    turned = QPoint(0, 120 * notches)
    event = QWheelEvent(
        place,
        where,
        QPoint(),
        turned,
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def double_click(timeline, frame, row="speed"):
    place = timeline.plot.viewport().mapToGlobal(at(timeline, frame, row))
    hands().move(place.x(), place.y())
    hands().click(2)


def in_view(timeline):
    return timeline.plot.view.frames_in_view()


def states(timeline):
    n_frames = timeline.controller.session.n_frames
    return timeline.model.series.states.view(0, n_frames - 1, n_frames)[2]


# ---- mouse and keys --------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [0, 7, 39])
def test_a_click_goes_there(timeline, qtbot, frame):
    timeline.controller.go_to(20)
    qtbot.mouseClick(timeline.plot.viewport(), LEFT, pos=at(timeline, frame))
    assert timeline.controller.frame == frame


def test_a_drag_selects_and_escape_clears(timeline, qtbot):
    heard = []
    timeline.controller.selection_changed.connect(lambda: heard.append(timeline.controller.selection))
    drag(qtbot, timeline, 5, 14)
    assert timeline.selection == timeline.controller.selection == (5, 14)
    assert timeline.status.text().startswith("frames 5 to 14 (10) selected")
    assert timeline.controller.frame == 5  # tools act where the picture is
    drag(qtbot, timeline, 30, 12)
    assert timeline.selection == (12, 30)
    qtbot.keyClick(timeline, Qt.Key.Key_Escape)
    assert timeline.selection is None
    assert timeline.status.text() == ""
    assert heard == [(5, 14), (12, 30), None]


def test_a_handle_moves_one_end_of_the_selection(timeline, qtbot):
    timeline.controller.selection = (10, 20)
    qtbot.wait(30)
    drag(qtbot, timeline, 20.5, 30.5)
    assert timeline.selection == (10, 30)


def test_a_selection_made_elsewhere_is_shown(timeline):
    timeline.controller.selection = (3, 3)
    assert timeline.status.text().startswith("frame 3 selected")


def test_the_wheel_zooms_about_the_mouse_and_with_shift_it_pans(timeline, qtbot):
    wheel(timeline, 30, 3)
    left, right = in_view(timeline)
    assert right - left < 30
    before = at(timeline, 30).x()
    wheel(timeline, 30, 1)
    assert abs(at(timeline, 30).x() - before) <= 2
    length = in_view(timeline)[1] - in_view(timeline)[0]
    left, right = in_view(timeline)
    wheel(timeline, 25, 1, Qt.KeyboardModifier.ShiftModifier)
    assert in_view(timeline)[0] < left
    assert in_view(timeline)[1] - in_view(timeline)[0] == pytest.approx(length)
    for _ in range(20):
        wheel(timeline, 20, -2)
    assert in_view(timeline) == pytest.approx((-0.5, 39.5))
    for _ in range(30):
        wheel(timeline, 20, 2)
    assert in_view(timeline)[1] - in_view(timeline)[0] == pytest.approx(8)


def test_the_middle_button_pans(timeline, qtbot):
    wheel(timeline, 20, 5)
    left, right = in_view(timeline)
    drag(qtbot, timeline, right - 1, right - 4, Qt.MouseButton.MiddleButton)
    assert in_view(timeline)[0] == pytest.approx(left + 3, abs=0.5)
    assert timeline.selection is None


def test_a_double_click_on_a_suspect_lands_on_its_worst_frame(timeline, qtbot):
    suspect = next(flag for flag in timeline.model.flags.flags if flag.first == 10)
    assert suspect.frame == 11
    double_click(timeline, 12, "suspects")
    wait_for(lambda: timeline.controller.frame == 11)


def test_a_double_click_elsewhere_shows_everything_and_stays(timeline, qtbot):
    timeline.controller.go_to(33)
    wheel(timeline, 33, 4)
    double_click(timeline, 30)
    wait_for(lambda: in_view(timeline) == pytest.approx((-0.5, 39.5)))
    assert timeline.controller.frame == 33


def test_a_drag_on_the_axis_moves_the_playhead(timeline, qtbot):
    plot = timeline.plot
    y = plot.getAxis("bottom").sceneBoundingRect().center().y()
    start = plot.mapFromScene(QPointF(plot.view.mapViewToScene(QPointF(5, 0)).x(), y))
    end = plot.mapFromScene(QPointF(plot.view.mapViewToScene(QPointF(25, 0)).x(), y))
    qtbot.mousePress(plot.viewport(), LEFT, pos=start)
    for part in np.linspace(0.1, 1, 6):
        qtbot.mouseMove(plot.viewport(), start + (end - start) * part)
        qtbot.wait(5)
    qtbot.mouseRelease(plot.viewport(), LEFT, pos=end)
    assert timeline.controller.frame == 25
    assert timeline.selection is None


def test_keys_step_and_those_of_the_canvas_work(timeline, qtbot):
    for key, modifier, frame in (
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 1),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, 11),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, 10),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 39),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
        (Qt.Key.Key_N, Qt.KeyboardModifier.NoModifier, 11),
    ):
        qtbot.keyClick(timeline, key, modifier)
        assert timeline.controller.frame == frame
    qtbot.keyClick(timeline, Qt.Key.Key_G)
    assert (timeline.controller.session.track.review[10:13] == 2).all()


# ---- what is shown ---------------------------------------------------------------------------------


def test_follows_edits_and_the_queue(timeline):
    session = timeline.controller.session
    assert (states(timeline)[[9, 10, 12, 20]] == [0, State.FLAGGED, State.FLAGGED, State.FLAGGED]).all()
    session.accept(8, 12)
    session.set_box(20, Box(10, 10, 50, 50))
    session.delete_box(30)
    wait_for(lambda: not timeline.model.flags.flags)
    wanted = [State.ACCEPTED, State.ACCEPTED, State.EDITED, State.ABSENT]
    assert (states(timeline)[[8, 12, 20, 30]] == wanted).all()
    assert timeline.plot.box.frames.tolist() == [20]
    final = timeline.model.series.final.pyramids["size"].values
    np.testing.assert_allclose(final[[20, 30]], [50, np.nan])
    session.undo()
    assert np.isfinite(timeline.model.series.final.pyramids["size"].values[30])


def test_before_there_are_boxes_nothing_is_a_suspect(timeline):
    session = timeline.controller.session
    session.set_raw(np.full((N, 4), np.nan), session.raw_csv, Source.DETECTED)
    wait_for(lambda: is_settled(timeline.model))
    assert timeline.model.flags.flags == []
    assert (states(timeline) == State.UNSEEN).all()


def test_an_edit_made_while_the_series_are_computed_is_not_lost(timeline):
    session = timeline.controller.session
    session.track_changed.emit()
    session.set_box(5, Box(0, 0, 100, 100))
    wait_for(lambda: not timeline.model._building.is_running)
    assert timeline.model.series.final.pyramids["size"].values[5] == 100


def test_a_proposal_is_hatched_and_dashed_until_it_is_taken_back(timeline):
    session = timeline.controller.session
    color = QColor(colors_of(timeline.controller.viewer.theme).proposal)

    def shown():
        timeline.plot.draw()
        picture = picture_of(timeline.plot.viewport()).astype(int)
        return int((np.abs(picture - color.getRgb()[:3]).max(axis=2) < 3).sum())

    assert shown() == 0
    timeline.controller.proposal = edits.fill_gap(session.track, 20, 20, "interpolate")
    assert timeline.plot.quantities["size"].proposed[1].values.tolist() == [48.0]
    timeline.controller.proposal = edits.accept(session.track, 5, 15)
    assert shown() > 20
    timeline.controller.proposal = None
    assert shown() == 0


def test_a_row_can_be_switched_off_and_the_others_grow(timeline, qtbot):
    rows = timeline.plot.rows
    before = rows["size"].bottom - rows["size"].top
    qtbot.mouseClick(timeline.findChild(QPushButton, "timeline_row_speed"), LEFT)
    timeline.plot.draw()
    assert rows["speed"].bottom - rows["speed"].top == 15
    assert rows["size"].bottom - rows["size"].top > before
    qtbot.mouseClick(timeline.findChild(QPushButton, "timeline_row_speed"), LEFT)
    timeline.plot.draw()
    assert rows["size"].bottom - rows["size"].top == pytest.approx(before)


def test_the_playhead_pulls_the_view_along(timeline):
    timeline.plot.show_range(0, 10)
    timeline.controller.go_to(5)
    assert in_view(timeline) == pytest.approx((0, 10))
    timeline.controller.go_to(11)
    left, right = in_view(timeline)
    assert left < 11 < left + 2
    assert right - left == pytest.approx(10)


def test_takes_the_theme(timeline):
    viewer = timeline.controller.viewer
    for theme, colors in (("light", LIGHT), ("dark", DARK)):
        viewer.theme = theme
        timeline.plot.draw()
        corner = timeline.plot.grab().toImage().pixelColor(3, 3).name()
        assert corner == colors.band


# ---- coming and going ------------------------------------------------------------------------------


def test_opened_and_closed_ten_times_it_leaves_nothing(timeline):
    controller, window = timeline.controller, timeline.controller.viewer.window

    def open_and_close():
        made = Timeline(controller.viewer, controller)
        window.add_dock_widget(made, name="Another", area="bottom")
        QApplication.sendPostedEvents()
        window.remove_dock_widget(made)
        delete_now()
        return weakref.ref(made)

    def count():
        gc.collect()
        session, layers = controller.session, controller.layers
        psygnals = sum(
            len(getattr(owner, name))
            for owner in (session, layers)
            for name, kind in vars(type(owner)).items()
            if isinstance(kind, PsygnalSignal)
        )
        qt = sum(
            controller.receivers(getattr(controller, name))
            for name in ("frame_changed", "selection_changed", "session_changed", "proposal_changed")
        )
        themes = len(controller.viewer.events.theme.callbacks)
        return len(QApplication.allWidgets()), psygnals, qt, themes

    for _ in range(3):
        open_and_close()
    wait_for(lambda: is_settled(timeline.model))
    before = count()
    made = [open_and_close() for _ in range(10)]
    wait_for(lambda: count() == before)
    assert [each() for each in made] == [None] * 10
