"""What is asked before a review is left, by closing the window or opening another video."""

import pytest
from napari.settings import get_settings
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from gui_events import close_window, needs_display, press_key, spin, wait_for, xdotool
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.review_paths import journal_file
from review_window import N, make_review, point_at, review_window, window_of

pytestmark = [pytest.mark.gui, needs_display]

HERE = Box(60, 60, 40, 30)


class Keeper(QObject):
    """Notes that nothing has kept the window from closing, and keeps it, for the fixture to close."""

    def __init__(self, dock):
        super().__init__(dock)
        self.setObjectName("keeper")
        self.closed = self.keeps_all = False

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Close and (event.spontaneous() or self.keeps_all):
            self.closed = True
            event.ignore()
            return True
        return False


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A window with one edit that the file of final boxes does not have; napari asks nothing itself."""
    monkeypatch.setattr(get_settings().application, "confirm_close_window", False)
    with review_window(*make_review(tmp_path)) as dock:
        dock.controller.session.set_box(10, HERE)
        spin(0.1)
        window, keeper = window_of(dock), Keeper(dock)
        window.removeEventFilter(dock)  # the one that is installed last is asked first
        window.installEventFilter(keeper)
        window.installEventFilter(dock)
        yield dock


class Answer:
    """Presses a button of the next dialog with the mouse, or Enter for the default one."""

    def __init__(self, button):
        self.button, self.text, self.default = button, "", ""
        QTimer.singleShot(50, self.give)

    def give(self):
        shown = [
            w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()
        ]
        if not shown:
            QTimer.singleShot(50, self.give)
            return
        (box,) = shown
        assert box.objectName() == "leave_dialog"
        self.text = f"{box.text()} {box.informativeText()}"
        self.default = box.defaultButton().text().replace("&", "")
        pressed = next(b for b in box.buttons() if b.text().replace("&", "") == self.button)
        point_at(pressed)
        xdotool("click", 1)
        QTimer.singleShot(500, self.give_again)

    def give_again(self):
        """A window that was just opened may have missed the click."""
        if any(isinstance(w, QMessageBox) and w.isVisible() for w in QApplication.topLevelWidgets()):
            self.give()


def is_open(dock):
    return not dock.findChild(QObject, "keeper").closed


def reviewed_file(dock):
    return dock.controller.session.raw_csv.parent / "bboxes_reviewed" / "v_bbox.csv"


@pytest.mark.parametrize("button", ["Write it", "Do not write it", "Cancel"])
def test_closing_says_that_the_edits_are_kept_and_offers_to_write(edited, button):
    target, journal = reviewed_file(edited), journal_file(edited.controller.session.raw_csv)
    answer = Answer(button)
    close_window(window_of(edited))
    wait_for(lambda: answer.text)
    spin(0.3)
    assert answer.text.startswith("The edits of v.mp4 are kept.")
    assert "is not there yet" in answer.text
    assert "lose" not in answer.text.lower()
    assert answer.default == "Write it"
    assert is_open(edited) == (button == "Cancel")
    assert journal.is_file()
    assert target.is_file() == (button == "Write it")
    if button == "Write it":
        assert read_bbox_csv(target, N)[10].tolist() == list(HERE)


@pytest.mark.parametrize(
    ("key", "animals", "button"),
    [
        ("ctrl+q", 1, "Write it"),
        ("ctrl+q", 2, "Cancel"),
        ("ctrl+q", 2, "Write it"),
        ("ctrl+w", 2, "Cancel"),
    ],
)
def test_the_keys_that_end_napari_ask_the_same(edited, key, animals, button):
    """Which close the window as a script may, though a person does."""
    session, keeper = edited.controller.session, edited.findChild(QObject, "keeper")
    if animals == 2:
        session.save()
        session.add_track("white")
        session.set_box(12, HERE)
    answer = Answer(button)
    keeper.keeps_all = True
    press_key(key)
    assert answer.text.startswith("The edits of v.mp4 are kept.")
    assert answer.default == "Write it"
    assert is_open(edited) == (button == "Cancel")
    assert session.unsaved == (button == "Cancel")
    session.save()
    press_key("ctrl+w")  # napari forgets that all windows were to be closed
    assert not is_open(edited)
    keeper.keeps_all = False


@pytest.mark.parametrize("button", ["Write it", "Do not write it", "Cancel"])
def test_opening_another_video_asks_the_same(edited, tmp_path, button):
    (tmp_path / "other").mkdir()
    other, _ = make_review(tmp_path / "other")
    session, target = edited.controller.session, reviewed_file(edited)
    session.save()
    session.set_box(11, HERE)
    answer = Answer(button)
    edited["video"].open(other)
    assert "has other boxes than these" in answer.text
    assert answer.default == "Write it"
    if button == "Cancel":
        spin(0.2)
        assert edited.controller.session is session
    else:
        wait_for(lambda: edited.controller.session not in (session, None))
    assert (read_bbox_csv(target, N)[11].tolist() == list(HERE)) == (button == "Write it")


def test_nothing_is_asked_where_the_file_is_up_to_date_or_nothing_was_edited(edited, tmp_path):
    session = edited.controller.session
    session.save()
    session.set_box(11, HERE)
    session.undo()  # what was saved
    (tmp_path / "other").mkdir()
    other, boxes = make_review(tmp_path / "other")
    edited["video"].open(other)  # would wait for an answer
    wait_for(lambda: edited.controller.session not in (session, None))
    edited.controller.session.load_boxes(boxes, allow_missing=True)
    assert edited.controller.session.unsaved
    close_window(window_of(edited))
    wait_for(lambda: not is_open(edited))


def test_where_the_journal_has_gone_the_truth_is_told_and_staying_is_the_default(edited):
    folder = journal_file(edited.controller.session.raw_csv).parent
    folder.rename(folder.with_name("away"))
    try:
        answer = Answer("Cancel")
        close_window(window_of(edited))
        wait_for(lambda: answer.text)
        spin(0.2)
        assert "are only in this window" in answer.text
        assert answer.default == "Cancel"
        assert is_open(edited)
    finally:
        folder.with_name("away").rename(folder)
