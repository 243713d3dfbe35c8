"""The dock's menus and dialogs in a real window, by mouse and keys."""

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QColor, QOpenGLContext
from qtpy.QtWidgets import QApplication, QInputDialog, QLineEdit, QListWidget, QMessageBox, QTableWidget
from vispy.gloo.glir import GlirParser

from gui_events import canvas_of, drag, hands, needs_display, press_key, spin, wait_for
from napari_cropzoom.app import settle
from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.widgets.dock_menu import HistoryDialog
from napari_cropzoom.widgets.docks import SHARE
from napari_cropzoom.widgets.shortcuts_dialog import ShortcutsDialog, key_text
from napari_cropzoom.widgets.timeline.widget import Timeline
from review_window import GAP, N, click_on, faulty_boxes, make_review, point_at, review_window

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_review(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="module")
def window(files):
    with review_window(*files) as dock:
        yield dock


@pytest.fixture
def dock(window):
    """One animal, no edit, frame 0, nothing selected."""
    controller, session = window.controller, window.controller.session
    session.go_to_edit(0)
    session.select_track("animal")
    session.accept(0, 0)  # what was undone is forgotten
    session.undo()
    for name in [each for each in session.tracks if each != "animal"]:
        session.remove_track(name)
    controller.selection = None
    controller.go_to(0)
    window.open_step("review")
    window["review"].message.clear()
    spin(0.1)
    return window


def choose(menu, text):
    """Open a menu of the dock with the mouse and click the entry that begins so."""
    bar = menu.parentWidget()
    place = bar.mapToGlobal(bar.actionGeometry(menu.menuAction()).center())
    hands().move(place.x(), place.y())
    hands().click()
    wait_for(menu.isVisible)
    spin(0.05)
    action = next(each for each in menu.actions() if each.text().startswith(text))
    assert action.isEnabled(), text
    place = menu.mapToGlobal(menu.actionGeometry(action).center())
    hands().move(place.x(), place.y())
    spin(0.05)
    hands().click()
    wait_for(lambda: not menu.isVisible())
    spin(0.05)


def texts(menu):
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions() if action.text()]


def dialog(kind):
    found = [
        each for each in QApplication.topLevelWidgets() if isinstance(each, kind) and each.isVisible()
    ]
    return found[-1] if found else None


def type_when_asked(text):
    """Answer the next question for a name by the keyboard."""

    def answer():
        asked = dialog(QInputDialog)
        if asked is None:
            QTimer.singleShot(50, answer)
            return
        asked.findChild(QLineEdit).setText(text)
        asked.accept()

    QTimer.singleShot(50, answer)


# ---- Edit ------------------------------------------------------------------------------------------


def test_undo_and_redo_by_menu_are_named_and_go_where_the_edit_is(dock):
    controller, menu = dock.controller, dock.menu.edit_menu
    redo = f"Redo: accept frame 0\t{key_text('redo')}"
    assert texts(menu) == [
        f"Undo\t{key_text('undo')}",
        redo,
        "History …",
        "Keep the review in another folder …",
    ]
    assert not menu.actions()[0].isEnabled()
    controller.session.set_box(30, HERE)
    assert texts(menu)[0] == f"Undo: set box of frame 30\t{key_text('undo')}"
    choose(menu, "Undo: set box of frame 30")
    assert controller.frame == 30
    np.testing.assert_array_equal(controller.session.track.boxes, faulty_boxes())
    assert texts(menu)[1] == f"Redo: set box of frame 30\t{key_text('redo')}"
    controller.go_to(0)
    choose(menu, "Redo: set box of frame 30")
    assert controller.frame == 30
    assert controller.session.track.box(30) == HERE


def test_the_history_lists_everything_jumps_back_and_on_and_follows(dock):
    session = dock.controller.session
    for frame in (10, 20, 30):
        session.set_box(frame, HERE)
    choose(dock.menu.edit_menu, "History")
    wait_for(lambda: dialog(HistoryDialog))
    shown = dialog(HistoryDialog).findChild(QListWidget, "history_list")

    def lines():
        return [shown.item(row).text().split("   ")[1] for row in range(shown.count())]

    edits = [f"set box of frame {frame}" for frame in (30, 20, 10)]
    assert lines() == [*edits, "raw boxes"]
    assert shown.currentRow() == 0

    def click_row(row):
        place = shown.viewport().mapToGlobal(shown.visualItemRect(shown.item(row)).center())
        hands().move(place.x(), place.y())
        hands().click()
        spin(0.1)

    click_row(2)
    assert len(session.history) == 1
    assert session.track.manual_frames().tolist() == [10]
    assert shown.currentRow() == 2
    click_row(3)
    np.testing.assert_array_equal(session.track.boxes, faulty_boxes())
    click_row(0)
    assert session.track.manual_frames().tolist() == [10, 20, 30]
    hands().key("Down", "Return")
    wait_for(lambda: len(session.history) == 2)
    session.set_box(40, HERE)
    assert lines() == ["set box of frame 40", *edits[1:], "raw boxes"]
    dialog(HistoryDialog).close()
    wait_for(lambda: dialog(HistoryDialog) is None)
    session.undo()


# ---- Animals ---------------------------------------------------------------------------------------


def test_an_animal_is_added_named_coloured_chosen_and_removed(dock):
    controller, session, menu = dock.controller, dock.controller.session, dock.menu.animals_menu
    type_when_asked("white")
    choose(menu, "Add an animal …")
    assert list(session.tracks) == ["animal", "white"]
    assert session.current == "white"
    type_when_asked("black")
    choose(menu, "Rename white")
    assert session.current == "black"
    dock.menu.ask_color = lambda color: "#123456"
    choose(menu, "Colour of black")
    assert session.tracks.entry.color == "#123456"
    assert texts(menu)[:2] == ["animal", "black"]
    shown = menu.actions()[1]
    assert shown.isChecked()
    assert QColor(shown.icon().pixmap(15, 15).toImage().pixel(1, 1)).name() == "#123456"
    choose(menu, "animal")
    assert session.current == "animal"
    assert "animal: imported" in controller.viewer.canvas.overlays.text.text
    assert "Remove animal" in texts(menu)
    assert not next(a for a in menu.actions() if a.text() == "Remove animal").isEnabled()
    choose(menu, "black")
    choose(menu, "Remove black")
    assert list(session.tracks) == ["animal"]


def test_a_name_that_will_not_do_is_refused_in_one_line(dock):
    type_when_asked("a/b")
    choose(dock.menu.animals_menu, "Add an animal …")
    message = dock["review"].message
    assert message.plain == "'a/b' cannot name a track: use letters, digits, spaces, - and _."
    assert list(dock.controller.session.tracks) == ["animal"]


def test_an_animal_from_a_file_and_an_error_while_every_step_is_folded(dock, files):
    session, menu = dock.controller.session, dock.menu.animals_menu
    other = files[1].parent.parent / "other" / "v_bbox.csv"
    write_bbox_csv(other, np.tile([10.0, 20, 30, 40], (N, 1)))
    dock.menu.ask_file = lambda: other
    type_when_asked("other")
    choose(menu, "Add an animal from a file")
    assert session.track.box(5) == Box(10, 20, 30, 40)
    write_bbox_csv(other.with_name("long.csv"), np.tile([10.0, 20, 30, 40], (N + 1, 1)))
    dock.menu.ask_file = lambda: other.with_name("long.csv")
    dock.open_step("")
    type_when_asked("third")
    choose(menu, "Add an animal from a file")
    assert dock.message.isVisible()
    assert "long.csv" in dock.message.plain
    session.set_box(3, HERE)
    assert not dock.message.isVisible()
    session.undo()


def test_the_other_animals_are_thin_in_their_colours_and_a_key_changes_over(dock):
    controller, session = dock.controller, dock.controller.session
    session.add_track("white", np.tile([200.0, 100, 40, 60], (N, 1)))
    session.set_color("white", "#ff0000")
    session.select_track("animal")
    controller.go_to(5)
    spin(0.1)
    layer = controller.viewer.layers["other animals"]
    assert len(layer.data) == 4
    np.testing.assert_allclose(layer.data[:, 0].min(axis=0), (99.5, 199.5))
    np.testing.assert_allclose(layer.data[:, 0].max(axis=0), (159.5, 239.5))
    np.testing.assert_allclose(layer.edge_color[0], (1, 0, 0, 1))
    assert layer.edge_width * controller.viewer.scene.camera.zoom == pytest.approx(1.5, rel=0.1)
    assert controller.layers.boxes.layer.edge_width[0] > layer.edge_width
    press_key("shift+t")
    assert session.current == "white"
    assert controller.viewer.status == "Editing white."
    spin(0.1)
    assert "white: imported" in controller.viewer.canvas.overlays.text.text
    assert controller.layers.boxes.box == Box(200, 100, 40, 60)
    color = QColor(session.tracks.entries["animal"].color).getRgbF()
    np.testing.assert_allclose(layer.edge_color[0], color, atol=1e-3)
    drag(controller.viewer, (130, 220), (140, 240))
    assert session.track.source[5] == Source.MANUAL
    assert session.tracks.entries["animal"].track.source[5] == Source.IMPORTED
    press_key("shift+t")
    assert session.current == "animal"


def test_identities_are_swapped_from_here_on_or_over_the_selection(dock):
    controller, session, menu = dock.controller, dock.controller.session, dock.menu.animals_menu
    raw, still = faulty_boxes(), np.tile([200.0, 100, 40, 60], (N, 1))
    session.add_track("white", still)
    session.select_track("animal")
    controller.go_to(100)
    choose(menu, "Swap with white from frame 100 on")
    np.testing.assert_array_equal(session.tracks["animal"].boxes, np.vstack([raw[:100], still[100:]]))
    np.testing.assert_array_equal(session.tracks["white"].boxes, np.vstack([still[:100], raw[100:]]))
    press_key("ctrl+z")
    np.testing.assert_array_equal(session.tracks["white"].boxes, still)
    controller.selection = GAP
    controller.go_to(GAP[0])
    choose(menu, f"Swap with white in frames {GAP[0]} to {GAP[1]}")
    raw[GAP[0] : GAP[1] + 1] = still[GAP[0] : GAP[1] + 1]
    np.testing.assert_array_equal(session.tracks["animal"].boxes, raw)
    assert session.tracks["white"].is_missing[GAP[0] : GAP[1] + 1].all()


# ---- Help ------------------------------------------------------------------------------------------


def test_the_question_mark_opens_the_table_of_every_key(dock):
    press_key("question")
    wait_for(lambda: dialog(ShortcutsDialog))
    table = dialog(ShortcutsDialog).findChild(QTableWidget, "shortcuts_table")
    shown = [(table.item(row, 0).text(), table.item(row, 1).text()) for row in range(table.rowCount())]
    assert shown == [(key_text(each.name), each.description) for each in SHORTCUTS]
    dialog(ShortcutsDialog).close()
    choose(dock.menu.help_menu, "Keys")
    wait_for(lambda: dialog(ShortcutsDialog))
    dialog(ShortcutsDialog).close()


# ---- two windows, other raw boxes ------------------------------------------------------------------


def test_a_second_window_says_that_it_is_read_only_and_edits_nothing(dock, files):
    assert not dock.read_only.isVisible()
    first = dock.controller.session
    first.set_box(41, HERE)
    with review_window(*files) as second:
        session = second.controller.session
        wait_for(second.read_only.isVisible)
        assert "open in another window" in second.read_only.plain
        assert session.track.box(41) == HERE
        second.controller.go_to(41)
        canvas = canvas_of(second.window())
        for act in ("j", "Delete", "g", "ctrl+z"):
            canvas.setFocus()
            spin(0.02)
            hands().key(act)
            spin(0.1)
            assert "read-only" in second["review"].message.plain, act
            second["review"].message.clear()
        click_on(second.findChild(type(second["review"].undo), "range_absent"))
        assert "read-only" in second["review"].message.plain
        assert session.track.box(41) == HERE
        assert len(session.history) == 1
        assert second.read_only.isVisible()
    assert not dock.read_only.isVisible()
    first.undo()


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
        wait_for(lambda height=height: window.height() == height)
        wait_for(lambda: timeline.plot.height() >= timeline.plot.minimumHeight())
        wait_for(lambda: timeline.plot.geometry().bottom() <= below(timeline))
    window.resize(before)
    wait_for(lambda: window.size() == before)
    wait_for(timeline.legend.isVisible)
    settle(dock.controller.viewer)
    wanted = min(timeline.sizeHint().height(), round(SHARE * window.height()))
    wait_for(lambda: abs(timeline.height() - wanted) < 40)  # of the dock, its title included


def test_a_review_ends_with_its_window(dock, tmp_path):
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as closed:
        closed.controller.session.set_box(7, HERE)
        closed.controller.viewer.close()
        assert closed.controller.session is None
        with review_window(video, boxes) as other:
            assert other.controller.session.read_only == ""
            assert other.controller.session.track.box(7) == HERE


def test_a_window_frees_what_it_drew_with_in_its_own_context(dock, tmp_path, monkeypatch):
    parse, contexts = GlirParser.parse, {}

    def watch(parser, commands):
        contexts.setdefault(parser, set()).add(QOpenGLContext.currentContext())
        return parse(parser, commands)

    monkeypatch.setattr(GlirParser, "parse", watch)
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as other:
        viewer = other.controller.viewer
        for remove in (lambda: viewer.layers.remove(viewer.add_points([[0, 5, 5]])), viewer.close):
            spin(0.3)
            canvas_of(dock.window()).makeCurrent()
            remove()
    assert len(contexts) >= 1
    assert all(len(each) == 1 for each in contexts.values())


@pytest.mark.parametrize("answer", ["Carry the edits over", "Begin a new review", "Cancel"])
def test_raw_boxes_that_changed_are_asked_about(dock, tmp_path, answer):
    video, boxes = make_review(tmp_path)
    with review_window(video, boxes) as other:
        other.controller.session.set_box(7, HERE)
        spin(0.1)
        other.controller.close_session()
        changed = faulty_boxes() + np.array([4.0, 0, 0, 0])
        write_bbox_csv(boxes, changed)
        other["video"].open(video)
        wait_for(lambda: other.controller.session is not None)
        session = other.controller.session

        def decide():
            asked = dialog(QMessageBox)
            if asked is None:
                QTimer.singleShot(50, decide)
                return
            assert asked.objectName() == "raw_changed_dialog"
            assert "1 edit" in asked.informativeText()
            pressed = next(b for b in asked.buttons() if b.text().replace("&", "") == answer)
            point_at(pressed)
            hands().click()

        QTimer.singleShot(50, decide)
        other.open_step("boxes")
        other["boxes"].allow_missing.setChecked(True)
        other["boxes"].load(boxes)
        wait_for(lambda: session.has_boxes or "not opened" in other["boxes"].message.plain)
        spin(0.2)
        if answer == "Cancel":
            assert not session.has_boxes
            assert other["boxes"].message.plain == "The boxes were not opened; nothing has changed."
        else:
            carried = answer.startswith("Carry")
            assert session.track.box(8) == Box(*changed[8])
            assert (session.track.box(7) == HERE) == carried
            assert len(session.history) == int(carried)
        kept = read_bbox_csv(boxes, N, allow_missing=True)
        np.testing.assert_array_equal(kept, changed)
        assert journal_file(boxes).is_file()


def test_a_review_whose_folder_has_gone_is_said_and_kept_elsewhere(dock, tmp_path):
    session = dock.controller.session
    session.set_box(10, HERE)
    folder = journal_file(session.tracks.first.raw_csv).parent
    folder.rename(folder.with_name("away"))
    try:
        choose(dock.menu.edit_menu, "Undo: set box of frame 10")
        wait_for(lambda: dock["review"].message.kind == "error")
        assert "All edits so far are kept in this window" in dock["review"].message.plain
        assert len(session.history) == 1
        dock.menu.ask_folder = lambda: tmp_path / "stick"
        choose(dock.menu.edit_menu, "Keep the review")
        session.set_box(20, HERE)
        assert journal_file(tmp_path / "stick" / session.raw_csv.name).is_file()
        assert session.raw_csv.parent == tmp_path / "stick"
        session.go_to_edit(0)
    finally:
        folder.with_name("away").rename(folder)
        session.keep_in(folder.parent)
