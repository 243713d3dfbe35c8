"""One line at the foot of the dock: what undo, redo or saving has done, what a folded step says."""

from __future__ import annotations

from qtpy.QtCore import Signal

from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import CutLabel, delayed

SHOWN_MS = 8_000


class UndoneLine(CutLabel):
    """Says what was undone, done again or saved, and what a folded step says; an empty line otherwise.

    It goes with the next edit, with a step to a frame that was not changed, or after a while. napari's
    status bar says the same, in the place of what the edit had written there. The room of the line is
    kept, so that no button moves under the mouse. Object name: ``cropzoom_undone``.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    ending : QTimer
        Ends what is said.
    said : Signal
        Something else is, or nothing.
    """

    said = Signal()

    def __init__(self, controller: Controller) -> None:
        super().__init__(1, "cropzoom_undone")
        self._controller = controller
        self._edit: Edit | None = None
        self._status = self._noted = ""
        self.ending = delayed(self, self._clear, SHOWN_MS)
        self.setStyleSheet("padding: 0px 8px; margin: 0px")
        controller.stepped.connect(self._show)
        controller.edited.connect(self._clear)
        controller.frame_changed.connect(self._on_frame)
        controller.session_changed.connect(self._on_session)

    def add(self, said: str) -> None:
        """Say something more, which was lost by what was undone or by another animal or video."""
        if said not in self.text():
            self._say(" ".join(filter(None, (self.text(), said))))

    def note(self, said: str) -> None:
        """Say what a step says that nobody sees now, in the place of what one said before."""
        before = self.text().removesuffix(self._noted).strip() if self._noted else self.text()
        self._noted = said
        self._say(" ".join(filter(None, (before, said))))
        if self._controller.layers is not None:
            self._status = said
            self._controller.layers.tell(said)

    def tell(self, said: str, status: str) -> None:
        """Say what was done, here and in napari's status bar."""
        layers = self._controller.layers
        if layers is not None:
            self._edit, self._status, self._noted = None, status, ""
            self._say(said)
            layers.tell(status)

    def _show(self, edit: Edit, is_redo: bool) -> None:
        session, layers = self._controller.session, self._controller.layers
        if session is not None and layers is not None:
            text = told(edit, is_redo, names_animal=len(session.tracks) > 1)
            self.tell(text, text)
            self._edit = edit

    def _say(self, text: str) -> None:
        self.setText(text)
        self.setAccessibleName(text)
        if text:
            self.ending.start()
        self.said.emit()

    def _on_frame(self, frame: int) -> None:
        if self._edit is not None and not self._edit.covers(frame):
            self._clear()

    def _on_session(self) -> None:
        if self._controller.session is None:
            self._clear()

    def _clear(self) -> None:
        layers = self._controller.layers
        if layers is not None and self._status and self._controller.viewer.status == self._status:
            layers.tell("")
        self._edit, self._status, self._noted = None, "", ""
        self.ending.stop()
        self._say("")


def told(edit: Edit, is_redo: bool, *, names_animal: bool) -> str:
    """``Undone: Crop ratio 1.5 to 2 (all frames)``."""
    where = edit.where(names_animal=names_animal)
    return f"{'Done again' if is_redo else 'Undone'}: {edit.label}{f' ({where})' if where else ''}"
