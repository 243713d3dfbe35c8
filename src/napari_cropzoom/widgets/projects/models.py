"""The models of a project: kind, keypoints, errors, and what is wrong."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import ModelState
from napari_cropzoom.projects.table import error_text, model_notes

HEADERS = ("Model", "Kind", "Keypoints", "Error", "Notes")
HELP = (
    "Folder, as seen from the folder of models",
    "detector: finds the animal in whole frames; pose: was trained on crops; full frame: nothing says",
    "How many keypoints it finds",
    "Median pixel error on labels that it was not trained on, as Lightning Pose wrote it",
    "How far a training is, and why a model cannot be used as it is",
)


class ModelTable(QTableWidget):
    """Shows the models; object name ``projects_models``."""

    def __init__(self) -> None:
        super().__init__(0, len(HEADERS))
        self.setObjectName("projects_models")
        self.setAccessibleName("Models of the project")
        self.setTabKeyNavigation(False)  # Tab goes on to what follows, arrows go through the table
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        for column, (name, told) in enumerate(zip(HEADERS, HELP, strict=True)):
            item = QTableWidgetItem(name)
            item.setToolTip(told)
            self.setHorizontalHeaderItem(column, item)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(20 * header.fontMetrics().averageCharWidth())
        header.setStretchLastSection(True)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)

    def show_project(self, project: Project) -> None:
        """Show the models of a project."""
        self.setRowCount(len(project.models))
        for row, model in enumerate(project.models):
            for column, text in enumerate(_cells(model)):
                item = QTableWidgetItem(text)
                item.setToolTip("\n".join(filter(None, (str(model.path), *model.problems))))
                self.setItem(row, column, item)


def _cells(model: ModelState) -> tuple[str, ...]:
    keypoints = str(len(model.keypoint_names) or "")
    return model.name, model.kind, keypoints, error_text(model), model_notes(model)
