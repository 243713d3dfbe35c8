"""What models are worth: pixel errors of keypoints, worst images, full frame beside crops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.scores import sees_hardly_finer
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.training.pixel_errors import PixelErrors, errors_file, read_pixel_errors
from napari_cropzoom.jobs import Latest
from napari_cropzoom.projects.models import ModelState
from napari_cropzoom.projects.stages import write_comparison
from napari_cropzoom.widgets.controls import Message, button, choice, note, row, silent
from napari_cropzoom.widgets.training.plots import BarPlot

MOST_LISTED = 200


class ErrorsPage(QWidget):
    """Pixel error a keypoint as a plot, and the worst labeled images, one click away.

    Object names: ``errors_model``, ``errors_plot``, ``errors_told``, ``errors_worst``.

    Attributes
    ----------
    found : PixelErrors or None
    image_asked : Signal
        An image is to be shown: its name, and the folder of the model.
    """

    image_asked = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.found: PixelErrors | None = None
        self.model = choice("errors_model", "Models that were trained on labels")
        self.told = note("", "errors_told")
        self.plot = BarPlot("errors_plot")
        self.worst = results_table("errors_worst", ("Image", "px", "Keypoint", "Set"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(4)
        for widget in (self.model, self.told):
            layout.addWidget(widget)
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.worst, 2)
        self._reading = Latest(self._show, self._fail)
        self.model.currentIndexChanged.connect(self._read)
        self.worst.cellClicked.connect(self._on_click)
        self.worst.cellActivated.connect(self._on_click)
        self._show(None)

    def show_models(self, models: Sequence[ModelState]) -> None:
        """Offer models that have errors, and read those of the one that is chosen."""
        before = self.model.currentData()
        with silent([self.model]):
            self.model.clear()
            for model in models:
                self.model.addItem(f"{model.name}  ({model.kind})", str(model.path))
            self.model.setCurrentIndex(max(self.model.findData(before), 0) if models else -1)
        self.model.setVisible(bool(models))
        self._read()

    def show_model(self, folder: Path) -> None:
        """Choose a model, if it has errors."""
        place = self.model.findData(str(folder))
        if place >= 0:
            self.model.setCurrentIndex(place)

    def release(self) -> None:
        """Drop the answers still to come."""
        self._reading.drop()

    def _read(self) -> None:
        folder = self.model.currentData()
        if folder is None:
            self._reading.drop()
            self._show(None)
        else:
            self._reading.request(_read_errors, Path(folder))

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self._show(None)
        self.told.setText(str(error))

    def _show(self, found: PixelErrors | None) -> None:
        self.found = found
        for widget in (self.plot, self.worst):
            widget.setVisible(found is not None)
        self.worst.setRowCount(0)
        if found is None:
            self.told.setText("No pixel errors yet: Lightning Pose writes them after a training.")
            return
        held = found.held_out
        bars = {"held out": _medians(found.values[held]), "trained on": _medians(found.values[~held])}
        self.plot.show_bars(found.names, {name: bar for name, bar in bars.items() if bar is not None})
        middle = np.nanmedian(found.values[held]) if held.any() else np.nan
        told = f"{middle:.1f} px median on {counted(int(held.sum()), 'image')} held out. "
        self.told.setText(
            f"{told if np.isfinite(middle) else ''}The worst images first; a click shows them."
        )
        for number, pixels, name in found.worst(MOST_LISTED):
            row = self.worst.rowCount()
            self.worst.insertRow(row)
            image = found.images[number]
            cells = (image.rpartition("/")[2], f"{pixels:.1f}", name, found.sets[number])
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(image)
                item.setData(Qt.ItemDataRole.UserRole, image)
                self.worst.setItem(row, column, item)

    def _on_click(self, row: int, _column: int) -> None:
        item = self.worst.item(row, 0)
        if item is not None:
            self.image_asked.emit(item.data(Qt.ItemDataRole.UserRole), Path(self.model.currentData()))


def _read_errors(model: Path) -> PixelErrors | None:
    file = errors_file(model)
    return None if file is None else read_pixel_errors(file)


def _medians(values: np.ndarray[Any, Any]) -> list[float] | None:
    if not len(values):
        return None
    known = [column[np.isfinite(column)] for column in values.T]
    return [float(np.median(column)) if len(column) else float("nan") for column in known]


class ComparePage(QWidget):
    """Full frame beside cropzoom, as a plot and a table.

    Object names: ``compare_told``, ``compare_plot``, ``compare_table``, ``compare_save``,
    ``compare_message``.

    Attributes
    ----------
    table : list of dict
        As ``cropzoom evaluate --json`` has it under ``errors``; empty before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table: list[dict[str, Any]] = []
        self.told = note("", "compare_told")
        self.plot = BarPlot("compare_plot")
        self.rows = results_table("compare_table", ("Keypoint", "n", "Full", "Crops", "Closer"))
        self.save_button = button("Save table …", "compare_save", "As CSV")
        self.message = Message()
        self.message.setObjectName("compare_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(4)
        layout.addWidget(self.told)
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.rows, 2)
        layout.addLayout(row(self.save_button, stretch=0))
        layout.addWidget(self.message)
        self.save_button.clicked.connect(self._browse)
        self._show()

    def show_result(self, result: dict[str, Any]) -> None:
        """Show what the stage of the evaluation has returned."""
        self.table = result["table"]
        held = result["held_out"]
        of = f"{held} held out of {counted(result['frames'], 'image')}"
        if held is None:
            of = (
                f"{counted(result['frames'], 'image')}; nothing says which the models were trained on, "
                "so all count, and trained ones look better than new ones"
            )
        total, (full, crops) = self.table[-1], result["scales"]
        told = (
            f"Median error on {of}: full frame {total['full_frame_median']:.1f} px, "
            f"cropzoom {total['cropzoom_median']:.1f} px. One pixel of the input is {full:.1f} px of "
            f"the frame for the full frame, {crops:.1f} px for the crops."
        )
        if sees_hardly_finer(crops, full):
            told += " The crops are hardly finer: train at a larger image size, or make smaller boxes."
        self.told.setText(" ".join(filter(None, (told, result.get("note") or ""))))
        self._show()

    def save(self, path: Path) -> None:
        """Write the table."""
        try:
            write_comparison(path, self.table)
        except (CropzoomError, OSError) as error:
            self.message.show_error(str(error))
        else:
            self.message.show_info(f"Saved to {path}")

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "cropzoom_errors.csv", "CSV (*.csv)")
        if path:
            self.save(Path(path))

    def _show(self) -> None:
        has_table = bool(self.table)
        for widget in (self.plot, self.rows, self.save_button):
            widget.setVisible(has_table)
        if not has_table:
            self.told.setText(
                "Compares a model on whole images with detector, boxes and pose model, on labels that "
                "none was trained on. Start it in tab Steps."
            )
            return
        parts = self.table[:-1]
        self.plot.show_bars(
            [str(each["body_part"]) for each in parts],
            {
                "full frame": [float(each["full_frame_median"]) for each in parts],
                "cropzoom": [float(each["cropzoom_median"]) for each in parts],
            },
        )
        self.rows.setRowCount(len(self.table))
        for number, each in enumerate(self.table):
            cells = (
                str(each["body_part"]),
                str(each["labels"]),
                f"{each['full_frame_median']:.2f}",
                f"{each['cropzoom_median']:.2f}",
                f"{each['cropzoom_closer']:.0%}",
            )
            for column, text in enumerate(cells):
                self.rows.setItem(number, column, QTableWidgetItem(text))


def results_table(name: str, headers: tuple[str, ...]) -> QTableWidget:
    """A table to be read, whose first column takes the room that the others leave."""
    made = QTableWidget(0, len(headers))
    made.setObjectName(name)
    made.setHorizontalHeaderLabels(list(headers))
    made.setTabKeyNavigation(False)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setShowGrid(False)
    made.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    made.verticalHeader().hide()
    made.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    made.verticalHeader().setDefaultSectionSize(made.fontMetrics().height() + 6)
    header = made.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return made
