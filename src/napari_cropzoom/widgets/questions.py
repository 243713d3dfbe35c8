"""What a person is asked about a review: whether to leave it, and what to do if its raw boxes changed.

Every edit is in the journal already, so that nothing is lost by leaving; what may be out of date is the
file of final boxes, which other programs read. Where the journal has gone, that is said instead.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.review.saved_files import OnDisk
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import StoredReview, WhenChanged
from napari_cropzoom.widgets.controls import breakable

NAME_LENGTH = 40
FILE_IS = {
    OnDisk.NOTHING: "The file of final boxes, which other programs read, is not there yet.",
    OnDisk.OTHER: "The file of final boxes, which other programs read, has other boxes than these.",
}


def may_leave(
    parent: QWidget, session: Session | None, show_error: Callable[[Exception], object]
) -> bool:
    """Ask what becomes of the file of final boxes, if it is not up to date; returns whether to go on.

    Parameters
    ----------
    parent : QWidget
    session : Session or None
    show_error : callable
        Takes why the file could not be written; the review is then not left.
    """
    if session is None or not session.unsaved or not len(session.history):
        return True
    trouble = ""
    try:
        session.to_save().wait()
    except CropzoomError as error:
        trouble = str(error)
    if trouble:  # a dialog that is shown while an error is handled keeps it, and the window with it
        return _leave_and_lose(parent, session, trouble)
    box = _box(parent, f"The edits of {_name(session)} are kept.")
    state = FILE_IS.get(session.on_disk, "")
    box.setInformativeText(f"They are there again when the video is opened. {state} Write it now?")
    write = box.addButton("Write it", QMessageBox.ButtonRole.AcceptRole)
    later = box.addButton("Do not write it", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(write)
    box.exec()
    if box.clickedButton() is not write:
        return box.clickedButton() is later
    try:
        session.save()
    except (CropzoomError, OSError) as error:
        show_error(error)
        return False
    return True


def _leave_and_lose(parent: QWidget, session: Session, trouble: str) -> bool:
    box = _box(parent, f"The edits of {_name(session)} are only in this window.")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setInformativeText(f"{breakable(trouble)}\n\nIf you go on now, they are lost.")
    lose = box.addButton("Lose the edits", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.exec()
    return box.clickedButton() is lose


def _name(session: Session) -> str:
    return shortened(session.video.path.name, NAME_LENGTH)


def _box(parent: QWidget, text: str) -> QMessageBox:
    box = QMessageBox(parent)
    box.setObjectName("leave_dialog")
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Leave this review")
    box.setText(text)
    return box


def ask_changed(stored: StoredReview) -> WhenChanged | None:
    """Ask what becomes of edits on raw boxes that are others now; None to leave all as it is."""
    box = QMessageBox()
    box.setObjectName("raw_changed_dialog")
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("The raw boxes have changed")
    files = ", ".join(str(stored.tracks.entries[name].raw_csv) for name in stored.changed)
    box.setText("These boxes are not the ones that were reviewed.")
    box.setInformativeText(
        f"{files}\n\nThe review has {counted(len(stored.tracks.history), 'edit')}. Carry them over to "
        "the new "
        "boxes, or begin a new review? The old journal is kept under another name."
    )
    carry = box.addButton("Carry the edits over", QMessageBox.ButtonRole.AcceptRole)
    afresh = box.addButton("Begin a new review", QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(carry)
    box.exec()
    chosen = box.clickedButton()
    return "carry" if chosen is carry else "afresh" if chosen is afresh else None
