"""A model to run on a project's videos: one of the project, one chosen before, or browsed for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.projects.models import ModelState
from napari_cropzoom.widgets.controls import button, choice, recent, remember, row, silent

NONE_YET = "Choose a model…"


class ModelChoice(QWidget):
    """A list of models with *Browse…* above it.

    Parameters
    ----------
    title : str
        What the model is for.
    name : str
        Object name of the list; the button is ``<name>_browse``.
    tooltip : str

    Attributes
    ----------
    changed : Signal
        Another model is chosen.
    refused : Signal
        What was chosen is no model that can run: an exception.
    """

    changed = Signal()
    refused = Signal(object)

    def __init__(self, title: str, name: str, tooltip: str) -> None:
        super().__init__()
        self._models: tuple[ModelState, ...] = ()
        self._chosen: Path | None = None
        self.combo = choice(name, tooltip)
        self.combo.setPlaceholderText(NONE_YET)
        self.combo.setAccessibleName(title)
        self.browse = button("Browse…", f"{name}_browse", "Choose a Lightning Pose model folder")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row(QLabel(title), self.browse, stretch=0))
        layout.addWidget(self.combo)
        self.combo.activated.connect(self._on_activated)
        self.browse.clicked.connect(self._on_browse)

    @property
    def path(self) -> Path | None:
        """Folder of the model that is chosen."""
        data = self.combo.currentData()
        return None if data is None else Path(data)

    def show_models(self, models: Sequence[ModelState], *, is_other: bool = False) -> None:
        """List the models of a project, then those chosen before.

        The one that is chosen stays, unless ``is_other``: the project is another one. Else it is the
        first of the project, never one of elsewhere.
        """
        self._models = tuple(models)
        if is_other:
            self._chosen = None
        self._fill()

    def choose(self, path: Path) -> None:
        """Take a folder; emits ``changed`` or, if it is no model, ``refused``."""
        try:
            model = ModelFolder.open(path)
        except (CropzoomError, OSError) as error:
            self._fill()
            self.refused.emit(error)
            return
        remember("model", model.path)
        self._chosen = model.path
        self._fill()
        self.changed.emit()

    def _fill(self) -> None:
        own = {model.path.absolute() for model in self._models}
        others = [path for path in recent("model") if path.absolute() not in own]
        with silent([self.combo]):
            self.combo.clear()
            for model in self._models:
                self._add(f"{model.name}  ({model.kind})", model.path)
            for path in others:
                self._add(f"{path.name}  (in {path.parent})", path)
            found = -1 if self._chosen is None else self.combo.findData(str(self._chosen))
            self.combo.setCurrentIndex(found if found >= 0 or not self._models else 0)
        self._chosen = self.path

    def _add(self, text: str, path: Path) -> None:
        self.combo.addItem(text, str(path))
        self.combo.setItemData(self.combo.count() - 1, str(path), Qt.ItemDataRole.ToolTipRole)

    def _on_activated(self) -> None:
        path = self.path
        if path is not None and path != self._chosen:
            self.choose(path)

    def _on_browse(self) -> None:
        start = "" if self.path is None else str(self.path.parent)
        folder = QFileDialog.getExistingDirectory(self, "Lightning Pose model folder", start)
        if folder:
            self.choose(Path(folder))
