"""The rows of the import dialog that say, and ask, how a file is meant."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QWidget,
)

from napari_cropzoom.files.formats.asking import Answer, OpenQuestions, needs_size, takes_ratio
from napari_cropzoom.files.formats.importing import Understood
from napari_cropzoom.files.formats.outside_rows import ImportOptions, VideoFacts
from napari_cropzoom.widgets.controls import PathLabel, choice, note, row, silent

CHOOSE = "choose …"
FIRST = {"0": "0", "1": "1"}
UNITS = {"pixels": "pixels", "fractions": "fractions of the frame"}
CORNERS = {"corner": "the top-left corner", "centre": "the centre"}
SIDE = 0.25  # of the shorter side of the frame: a size to begin with
ASKS = "color: rgb(213, 94, 0); font-weight: bold"


class Answers(QGridLayout):
    """Format, frames, units, corner, size and place: what it is, and how that is known.

    Parameters
    ----------
    format_ : QComboBox
        Of all formats.
    where : QComboBox
        What becomes of the boxes.
    path : Path

    Attributes
    ----------
    changed : Signal
        A person has said something.
    """

    changed = Signal()

    def __init__(self, format_: QComboBox, where: QComboBox, path: Path) -> None:
        super().__init__()
        self.setColumnStretch(1, 1)
        self.setColumnStretch(2, 1)
        self._said: dict[QComboBox, bool] = {}
        self._where = where
        self._whys: dict[QComboBox, QLabel] = {}
        self._rows: dict[QWidget, list[QWidget]] = {}
        label = PathLabel()
        label.set_path(path)
        self._add("File", label)
        self._why_format = self._add("Format", format_)
        self.first_frame = self._choice("First frame is", "import_first_frame", FIRST)
        self.unit = self._choice("Boxes are in", "import_unit", UNITS)
        self.corner = self._choice("x, y are", "import_corner", CORNERS)
        self._build_size()
        self.scale = QDoubleSpinBox()
        self.scale.setObjectName("import_scale")
        self.scale.setRange(0, 1000)
        self.scale.setDecimals(6)
        self.scale.setSpecialValueText("as the file says")
        self._add("cm per pixel", self.scale)
        self._why_where = self._add("Take them", where)
        where.activated.connect(lambda: where.setProperty("chosen", True))
        where.activated.connect(self.changed)
        self._show_row(where, where.count() > 1)
        self.folder = PathLabel()
        self.folder.setObjectName("import_folder")
        self._add("Written to", self.folder)
        self._show_row(self.size_row, False)
        self.show_scale(False)
        self.show_folder(None)

    def _build_size(self) -> None:
        self.by_ratio = QRadioButton("Crop ratio")
        self.by_ratio.setObjectName("import_by_ratio")
        self.by_ratio.setToolTip("Side of the box in spans of the keypoints, or in lengths of the body")
        self.by_size = QRadioButton("Crop size")
        self.by_size.setObjectName("import_by_size")
        self.ratio = QDoubleSpinBox()
        self.ratio.setObjectName("import_ratio")
        self.ratio.setRange(1.01, 20)
        self.ratio.setSingleStep(0.1)
        self.ratio.setValue(2)
        self.size = QSpinBox()
        self.size.setObjectName("import_size")
        self.size.setRange(2, 10_000)
        self.size.setSingleStep(2)
        self.size.setSuffix(" px")
        self.by_ratio.setChecked(True)
        self.size_row = QWidget()
        self._group = QButtonGroup(self.size_row)
        for each in (self.by_ratio, self.by_size):
            self._group.addButton(each)
        line: QHBoxLayout = row(self.by_ratio, self.ratio, self.by_size, self.size)
        self.size_row.setLayout(line)
        self._add("Boxes are", self.size_row).setText(
            "the file has points only: how large are the boxes?"
        )
        self.by_ratio.toggled.connect(self._on_size)
        for each in (self.ratio, self.size):
            each.valueChanged.connect(self._on_size)

    def options(self) -> ImportOptions:
        """What a person has said."""
        first = self.first_frame.currentData() if self._said[self.first_frame] else None
        by_ratio = self.by_ratio.isChecked()
        return ImportOptions(
            corner=self.corner.currentData() if self._said[self.corner] else None,
            unit=self.unit.currentData() if self._said[self.unit] else None,
            first_frame=None if first is None else int(first),
            crop_size=None if by_ratio else self.size.value(),
            crop_ratio=round(self.ratio.value(), 2) if by_ratio else None,
            cm_per_pixel=self.scale.value() or None,
        )

    def show_found(self, found: Understood, video: VideoFacts, *, is_new: bool) -> None:
        """Show the rows that a file needs; of another format nothing is said yet."""
        if is_new:
            self._said = dict.fromkeys(self._said, False)
            self._why_format.setText("")
        sizes = needs_size(found.said)
        self._show_row(self.size_row, sizes)
        for each in (self.unit, self.corner):
            self._show_row(each, not sizes)
        self.show_scale(found.format.name == "trex")
        if sizes and is_new:
            with silent((self.by_ratio, self.by_size, self.size)):
                side = round(SIDE * min(video.width, video.height) / 2) * 2
                self.size.setValue(max(2, side))
                has_ratio = takes_ratio(found.said)
                self.by_ratio.setEnabled(has_ratio)
                (self.by_ratio if has_ratio else self.by_size).setChecked(True)
            self._enable_size()

    def show_asked(self, asked: OpenQuestions) -> None:
        """Show what each thing is taken for."""
        for each, answer in (
            (self.first_frame, asked.first_frame),
            (self.unit, asked.unit),
            (self.corner, asked.corner),
        ):
            self._show_answer(each, answer)

    def show_scale(self, is_asked: bool) -> None:
        """Show the row of cm per pixel, or hide it."""
        self._show_row(self.scale, is_asked)

    def show_folder(self, folder: Path | None) -> None:
        """Say which folder the boxes go to, where that is known."""
        self.folder.set_path(folder)
        self._show_row(self.folder, folder is not None)

    def show_why(self, why: str) -> None:
        """Say what is to be done first."""
        self._why_where.setText(why)

    # ---- inside --------------------------------------------------------------------------------

    def _add(self, title: str, widget: QWidget) -> QLabel:
        place = self.rowCount()
        label, why = QLabel(title), note()
        self.addWidget(label, place, 0)
        self.addWidget(widget, place, 1)
        self.addWidget(why, place, 2)
        self._rows[widget] = [label, widget, why]
        return why

    def _choice(self, title: str, name: str, items: dict[str, str]) -> QComboBox:
        made = choice(name, "", items)
        made.setPlaceholderText(CHOOSE)
        self._whys[made] = self._add(title, made)
        self._said[made] = False
        made.activated.connect(lambda: self._on_choice(made))
        return made

    def _show_row(self, widget: QWidget, is_shown: bool) -> None:
        for each in self._rows[widget]:
            each.setVisible(is_shown)

    def _show_answer(self, made: QComboBox, answer: Answer) -> None:
        place = -1 if answer.is_open else made.findData(str(answer.value))
        made.setCurrentIndex(place)
        self._whys[made].setText(answer.why)
        self._whys[made].setStyleSheet(ASKS if answer.is_open else "")

    def _on_choice(self, made: QComboBox) -> None:
        self._said[made] = True
        self.changed.emit()

    def _enable_size(self) -> None:
        by_ratio = self.by_ratio.isChecked()
        self.ratio.setEnabled(by_ratio)
        self.size.setEnabled(not by_ratio)

    def _on_size(self, *_: object) -> None:
        self._enable_size()
        self.changed.emit()
