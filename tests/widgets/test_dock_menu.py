"""The dock's menus Edit and Help in a real window, by mouse and keys."""

import numpy as np
import pytest
from qtpy.QtWidgets import QListWidget, QTableWidget

from gui_events import hands, needs_display, press_key, spin, wait_for
from menus import choose_entry, dialog, texts
from napari_cropzoom.canvas.label_points import KEYS
from napari_cropzoom.canvas.shortcuts import SHORTCUTS
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.review_paths import journal_file
from napari_cropzoom.widgets.dock_menu import HistoryDialog
from napari_cropzoom.widgets.shortcuts_dialog import ShortcutsDialog, key_text
from review_window import (
    begin_again,
    faulty_boxes,
)

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


@pytest.fixture
def dock(window):
    """One animal, no edit, frame 0, nothing selected."""
    begin_again(window)
    session = window.controller.session
    session.accept(0, 0)  # what was undone is forgotten
    session.undo()
    return window


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
    choose_entry(menu, "Undo: set box of frame 30")
    assert controller.frame == 30
    np.testing.assert_array_equal(controller.session.track.boxes, faulty_boxes())
    assert texts(menu)[1] == f"Redo: set box of frame 30\t{key_text('redo')}"
    controller.go_to(0)
    choose_entry(menu, "Redo: set box of frame 30")
    assert controller.frame == 30
    assert controller.session.track.box(30) == HERE


def test_the_history_lists_everything_jumps_back_and_on_and_follows(dock):
    session = dock.controller.session
    for frame in (10, 20, 30):
        session.set_box(frame, HERE)
    choose_entry(dock.menu.edit_menu, "History")
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


def test_the_question_mark_opens_the_table_of_every_key(dock):
    press_key("question")
    wait_for(lambda: dialog(ShortcutsDialog))
    table = dialog(ShortcutsDialog).findChild(QTableWidget, "shortcuts_table")
    shown = [(table.item(row, 0).text(), table.item(row, 1).text()) for row in range(table.rowCount())]
    there = len(SHORTCUTS)
    assert shown[:there] == [(key_text(each.name), each.description) for each in SHORTCUTS]
    assert shown[there] == ("", "While labels made by review are looked at")
    assert ("G", "Accept the labels of the image; the next one") in shown[there:]
    assert len(shown[there + 1 :]) == len(KEYS) - 1  # Backspace does what Delete does
    dialog(ShortcutsDialog).close()
    choose_entry(dock.menu.help_menu, "Keys")
    wait_for(lambda: dialog(ShortcutsDialog))
    dialog(ShortcutsDialog).close()


def test_a_review_whose_folder_has_gone_is_said_and_kept_elsewhere(dock, tmp_path):
    session = dock.controller.session
    session.set_box(10, HERE)
    folder = journal_file(session.tracks.first.raw_csv).parent
    folder.rename(folder.with_name("away"))
    try:
        choose_entry(dock.menu.edit_menu, "Undo: set box of frame 10")
        wait_for(lambda: dock["review"].message.kind == "error")
        assert "All edits so far are kept in this window" in dock["review"].message.plain
        assert len(session.history) == 1
        dock.menu.ask_folder = lambda: tmp_path / "stick"
        choose_entry(dock.menu.edit_menu, "Keep the review")
        session.set_box(20, HERE)
        assert journal_file(tmp_path / "stick" / session.raw_csv.name).is_file()
        assert session.raw_csv.parent == tmp_path / "stick"
        session.go_to_edit(0)
    finally:
        folder.with_name("away").rename(folder)
        session.keep_in(folder.parent)
