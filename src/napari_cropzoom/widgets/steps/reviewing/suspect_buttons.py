"""The buttons of the step *Review*; one that can do nothing now says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtWidgets import QGridLayout, QPushButton

from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controls import button, grid_of
from napari_cropzoom.widgets.shortcuts_dialog import first_box_hint, key_text, with_keys
from napari_cropzoom.widgets.steps.base import told_of_detecting

LABELS = {
    "previous": "Previous", "next": "Next", "worst": "Next worst", "undo": "Undo",
    "accept": "Accept", "delete": "Delete box", "fill": "Fill gap", "redo": "Redo",
}  # fmt: skip
COLUMNS = 4


def why_nothing(session: Session, *, is_working: bool, detecting: str = "") -> str:
    """Why there is nothing to review or to change; empty where there are boxes.

    ``detecting`` is how far a detector is that runs, see :attr:`Step.detecting`.
    """
    if session.has_boxes:
        return ""
    if detecting:
        return told_of_detecting(detecting)
    if is_working:
        return "There are no boxes yet: a step runs."
    if len(session.tracks) > 1:
        return f"{first_box_hint()}."
    return f"There are no boxes yet. Make them in step Boxes, or draw one ({key_text('draw box')})."


class SuspectButtons(dict[str, QPushButton]):
    """Buttons by name, see :data:`LABELS`; object names are ``review_<name>``.

    Parameters
    ----------
    acts : mapping
        What each does.
    """

    def __init__(self, acts: Mapping[str, Callable[[], object]]) -> None:
        super().__init__({name: button(text, f"review_{name}") for name, text in LABELS.items()})
        for name, made in self.items():
            made.clicked.connect(lambda _=False, act=acts[name]: act())

    def grid(self) -> QGridLayout:
        """The buttons in two lines."""
        return grid_of(list(self.values()), COLUMNS)

    def show_queue(self, session: Session, *, has_left: bool, missing: str) -> None:
        """Offer what goes through the queue and the history; ``missing`` is of :func:`why_nothing`."""
        none_left = missing or ("" if has_left else "No suspect is left.")
        self._show("next", "next suspect", "Next suspect in time", none_left)
        self._show("previous", "previous suspect", "Suspect before this frame", none_left)
        self._show("worst", "next worst", "The worst suspect; from there, the next worst", none_left)
        undo, redo = session.history.undo_label, session.history.redo_label
        self._show("undo", "undo", f"Undo: {undo}", "" if undo else "There is nothing to undo.")
        self._show("redo", "redo", f"Redo: {redo}", "" if redo else "Nothing was undone.")

    def show_here(self, session: Session, frame: int, over: tuple[int, int], missing: str) -> None:
        """Offer what changes the frame, or the frames ``over``."""
        is_missing = session.track.box(frame).is_missing()
        self._show("accept", "accept", f"{frames_text(*over)}: the boxes are right", missing)
        no_box = missing or ("This frame has no box." if is_missing else "")
        self._show("delete", "delete box", "There is no animal in this frame", no_box)
        no_gap = missing or ("" if is_missing else "This frame has a box.")
        self._show("fill", "fill", "Fill this gap from the boxes around it", no_gap)

    def _show(self, name: str, key: str, help_text: str, why_not: str) -> None:
        self[name].setEnabled(not why_not)
        self[name].setToolTip(why_not or with_keys(key, help_text))
