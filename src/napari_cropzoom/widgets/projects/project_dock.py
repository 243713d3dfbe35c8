"""What docks of a project share: choosing its folder, looking at the disk again, their end."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.widgets.controls import Message, PathLabel, recent, remember
from napari_cropzoom.widgets.gl_context import top_of


class ProjectDock(QWidget):
    """A dock that shows one project.

    What is made of it has a ``message`` and a ``path_label``, and fills in the methods below *of each*.

    Attributes
    ----------
    project : Project or None
    """

    message: Message
    path_label: PathLabel

    def __init__(self) -> None:
        super().__init__()
        self.project: Project | None = None
        self._folder: Path | None = None
        self._watched: QWidget | None = None
        self._is_closing = False

    def browse(self) -> None:
        """Ask for the folder of a project."""
        known = recent("project")
        start = str(known[0].parent) if known else ""
        folder = QFileDialog.getExistingDirectory(self, "Open project", start)
        if folder:
            self.open_project(Path(folder))

    def open_project(self, folder: Path) -> None:
        """Read a project in a thread, and show it."""
        self.message.clear()
        self._folder = Path(folder).absolute()
        self.path_label.set_path(self._folder)
        self._read(self._folder)

    def read_again(self) -> None:
        """Read the project again; what has not changed is not looked into."""
        if self._folder is not None:
            self._read(self._folder)

    def close_project(self) -> None:
        """Let go of everything that runs here."""
        self._watch(None)

    def take_project(self, project: Project) -> None:
        """A project was read; it is on the list of recent ones from now on."""
        remember("project", self._folder or project.data_dir)
        self.project = project

    # ---- of each -------------------------------------------------------------------------------

    def _read(self, folder: Path) -> None:
        """Read a project in a thread."""
        raise NotImplementedError

    def _look_again(self) -> None:
        """Look at the disk again, for what other programs have done."""
        raise NotImplementedError

    def _show_state(self) -> None:
        """Show what there is, or what to do."""
        raise NotImplementedError

    # ---- Qt ------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """End with the dock that napari put this into; look at the disk when it is shown."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.close_project()
            self.deleteLater()
        elif event.type() == QEvent.Type.Show:
            self._watch(top_of(self))
            self._look_again()
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at the disk again when a person comes back to the window; end with the window."""
        if event.type() == QEvent.Type.WindowActivate and self.isVisible():
            self._look_again()
        elif event.type() == QEvent.Type.Close:
            self._is_closing = True
        elif event.type() == QEvent.Type.Hide and self._is_closing and not event.spontaneous():
            self.close_project()  # nothing has refused, and the window is not only minimised
        return bool(super().eventFilter(watched, event))

    # ---- inside --------------------------------------------------------------------------------

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self.message.show_error(str(error))
        if self.project is None:
            self._folder = None
            self.path_label.set_path(None)
        self._show_state()

    def _watch(self, window: QWidget | None) -> None:
        if window is self._watched or window is self:
            return
        if self._watched is not None:
            self._watched.removeEventFilter(self)
        self._watched = window
        if window is not None:
            window.installEventFilter(self)
