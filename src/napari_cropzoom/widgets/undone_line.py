"""One line at the foot of the dock: what undo or redo has just changed, and where."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy
from superqt import QElidingLabel

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.widgets.controller import Controller


class UndoneLine(QElidingLabel):
    """Says what was undone or done again until the next edit; an empty line otherwise.

    Its room is kept, so that no button moves under the mouse. Object name: ``cropzoom_undone``.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self.setObjectName("cropzoom_undone")
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setContentsMargins(8, 0, 8, 0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.fontMetrics().height() + 4)
        self._clear()
        controller.stepped.connect(self._show)
        controller.edited.connect(self._clear)
        controller.session_changed.connect(self._clear)

    def _show(self, edit: Edit, is_redo: bool) -> None:
        session = self._controller.session
        if session is not None:
            said = told(edit, is_redo, names_animal=len(session.tracks) > 1)
            self.setText(said)
            self.setToolTip(said)
            self.setAccessibleName(said)

    def _clear(self) -> None:
        self.setText("")
        self.setToolTip("")
        self.setAccessibleName("")


def told(edit: Edit, is_redo: bool, *, names_animal: bool) -> str:
    """``Undone: Crop ratio 1.5 to 2 (all frames)``."""
    where = edit.where(names_animal=names_animal)
    return f"{'Done again' if is_redo else 'Undone'}: {edit.label}{f' ({where})' if where else ''}"
