"""Files dropped anywhere on the window: the steps of the dock open them, not the readers of napari."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QMimeData, QObject, Qt
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.window.hides_on_close import holder_of

if TYPE_CHECKING:
    from napari_cropzoom.widgets.steps.base import Step

DRAGS = (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop)
TEXTS = (QLineEdit, QTextEdit, QPlainTextEdit)  # they take a path as text


class Drops(QObject):
    """Takes what is dropped on the dock, and videos that are dropped on the rest of its window.

    napari would ask which reader to take, and lay a second video over the first. With Alt held, files are
    left to napari, which then lets a person choose.

    Parameters
    ----------
    dock : QWidget
    steps : mapping of str to Step
        The steps of the dock by their keys.
    open_step : callable
        Opens a step of a key.
    """

    def __init__(
        self, dock: QWidget, steps: Mapping[str, Step], open_step: Callable[[str], object]
    ) -> None:
        super().__init__(dock)
        self._dock = dock
        self._steps = steps
        self._open_step = open_step
        self._dropped: tuple[Step, list[Path]] | None = None
        self._later = delayed(self, self._open)
        dock.setAcceptDrops(True)

    def watch(self, window: QWidget) -> None:
        """Take videos that are dropped on a window too."""
        for widget in (window, *window.findChildren(QWidget)):
            is_ours = widget is self._dock or self._dock.isAncestorOf(widget)
            if widget.acceptDrops() and not is_ours and not isinstance(widget, TEXTS):
                widget.removeEventFilter(self)
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take videos."""
        if event.type() not in DRAGS or not isinstance(event, QDropEvent):
            return False
        step = self._steps["video"]
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        return not is_alt and self.take(event, only=step)

    def take(self, event: QDropEvent, only: Step | None = None) -> bool:
        """Accept a drag if a step can open it, and have a drop opened by it; returns whether one can."""
        found = self._found(event.mimeData())
        if found is None or only not in (None, found[0]):
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._dropped = found
            self._later.start()  # who drags is told first: a dialog would keep that program waiting
        return True

    def _found(self, data: QMimeData | None) -> tuple[Step, list[Path]] | None:
        """The step that opens all of these files, and the files."""
        urls = [] if data is None else data.urls()
        if not urls or not all(url.isLocalFile() for url in urls):
            return None
        paths = [Path(url.toLocalFile()) for url in urls]
        step = next((one for one in self._steps.values() if one.can_open(paths[0])), None)
        can_all = step is not None and all(step.can_open(path) for path in paths)
        return (step, paths) if step is not None and can_all and len(paths) <= step.most_dropped else None

    def _open(self) -> None:
        dropped, self._dropped = self._dropped, None
        if dropped is not None:
            step, paths = dropped
            holder = holder_of(self._dock)
            if holder is not None:
                holder.show()
            self._open_step(step.key)
            step.drop(paths)
