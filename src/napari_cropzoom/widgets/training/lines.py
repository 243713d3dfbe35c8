"""The steps of a training as lines: what each has made, and the button that does it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.projects.models import DETECTOR, ModelState
from napari_cropzoom.projects.models import POSE as POSE_MODEL
from napari_cropzoom.projects.table import error_text
from napari_cropzoom.projects.training_state import StepState, TrainingState
from napari_cropzoom.widgets.controls import LineLabel, button, choice, row, silent

TRAIN_DETECTOR, PREDICT, BOXES, REVIEW, CROP, TRAIN_POSE, COMPARE = (
    "detector", "predict", "boxes", "review", "crop", "pose", "compare",
)  # fmt: skip
IMPROVE, LOOK, TRAIN_AGAIN, OLD_AND_NEW = "improve", "look", "again", "old_and_new"
"""The steps that improve a detector by what was corrected in reviews."""
_LINES = (
    (TRAIN_DETECTOR, "Detector", "Train …", "Train a model on the whole images"),
    (PREDICT, "Predict labeled images", "Predict", "Keypoints of the detector in every labeled image"),
    (BOXES, "Boxes", "Make", "A box round the detector's keypoints in every labeled image"),
    (REVIEW, "Review", "Open", "Look at the boxes of the labeled images; labels outside come first"),
    (CROP, "Crop labeled images", "Crop", "To the reviewed boxes, or else the detector's"),
    (TRAIN_POSE, "Pose model", "Train …", "Train a model on the cropped images"),
    (COMPARE, "Does cropzoom pay?", "Compare", "Pixel errors on labels that no model was trained on"),
    (
        IMPROVE,
        "Improve the detector",
        "Make labels",
        "Of frames corrected in reviews of videos: the pose model finds the keypoints in your boxes",
    ),
    (LOOK, "Labels made by review", "Look …", "Correct, accept or reject each"),
    (TRAIN_AGAIN, "Detector again", "Train …", "From its weights, with the labels made by review"),
    (OLD_AND_NEW, "Old or new detector?", "Compare", "On reviewed videos and labels; takes the better"),
)
NO_LOOK = "Make labels first (8)."
NO_POSE = "Choose a pose model first."
NO_PAIR = "Train the detector again first."
NO_DETECTOR = "Choose a detector first."


class StepLines(QWidget):
    """One line a step; object names are ``training_<step>`` and ``training_<step>_state``.

    The models are ``training_detector_model`` and ``training_pose_model``, the crop ratio is
    ``training_ratio``.

    Attributes
    ----------
    asked : Signal
        A step is to be done: its name.
    chosen : Signal
        Another model was chosen.
    """

    asked = Signal(str)
    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        self.states: dict[str, LineLabel] = {}
        self.detector = choice("training_detector_model", "Finds the animal in whole images")
        self.pose = choice("training_pose_model", "Finds keypoints in the crops")
        self.ratio = QDoubleSpinBox()
        self.ratio.setObjectName("training_ratio")
        self.ratio.setRange(1.05, 20)
        self.ratio.setSingleStep(0.1)
        self.ratio.setValue(SizingSettings().crop_ratio or 2.0)
        self.ratio.setToolTip("Side of a box, in spans of the keypoints")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        extras = {TRAIN_DETECTOR: self.detector, TRAIN_POSE: self.pose}
        for number, (name, title, text, tip) in enumerate(_LINES, 1):
            made = button(text, f"training_{name}", tip)
            made.clicked.connect(lambda _=False, name=name: self.asked.emit(name))
            state = LineLabel()
            state.setObjectName(f"training_{name}_state")
            cell = QVBoxLayout()
            cell.setSpacing(1)
            head = QLabel(f"<b>{title}</b>")
            cell.addLayout(
                row(head, QLabel("ratio"), self.ratio, stretch=0) if name == BOXES else row(head)
            )
            if name in extras:
                cell.addWidget(extras[name])
            cell.addWidget(state)
            grid.addWidget(QLabel(str(number)), number, 0)
            grid.addLayout(cell, number, 1)
            grid.addWidget(made, number, 2)
            self.buttons[name], self.states[name] = made, state
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.addLayout(grid)
        layout.addStretch(1)
        for combo in extras.values():
            combo.currentIndexChanged.connect(self.chosen)

    def show_models(self, models: tuple[ModelState, ...]) -> None:
        """Offer the models of a project; the one that was chosen stays if it is there."""
        usable = [model for model in models if model.folder is not None]
        whole = sorted((m for m in usable if m.kind != POSE_MODEL), key=lambda m: m.kind != DETECTOR)
        _fill(self.detector, whole)
        _fill(self.pose, [m for m in usable if m.kind == POSE_MODEL])
        self.chosen.emit()

    def choose_detector(self, folder: Path) -> None:
        """Choose a detector, if it is offered."""
        place = self.detector.findData(str(folder))
        if place >= 0:
            self.detector.setCurrentIndex(place)

    def show_state(self, state: TrainingState, has_labels: bool, is_busy: bool) -> None:
        """Show how far each step is, or why it cannot be done now."""
        ready = self._why_not(state, is_busy) if has_labels else {}
        shown = {
            PREDICT: state.predicted,
            BOXES: state.boxes,
            REVIEW: state.reviewed,
            CROP: state.cropped,
            LOOK: state.looked,
            TRAIN_AGAIN: state.again,
            OLD_AND_NEW: state.compared,
        }
        for name, label in self.states.items():
            found = shown.get(name, StepState())
            why = ready.get(name, "")
            tick = "✓ " if found.is_done and not found.outdated else ""
            label.setText(f"{tick}{found.told()}" if found.text else why)
            label.setVisible(bool(label.text()))
            self.buttons[name].setEnabled(not why)

    def _why_not(self, state: TrainingState, is_busy: bool) -> dict[str, str]:
        """For each step why it cannot be done now; empty if it can."""
        busy = "Another step runs." if is_busy else ""
        no_detector = "" if self.detector.count() else NO_DETECTOR
        has_pose = bool(self.pose.count())
        return {
            TRAIN_DETECTOR: "",
            PREDICT: no_detector or busy,
            BOXES: no_detector or ("" if state.predicted.is_done else "Predict first.") or busy,
            REVIEW: no_detector or ("" if state.boxes.is_done else "Make boxes first."),
            CROP: no_detector or ("" if state.boxes.is_done else "Make boxes first.") or busy,
            TRAIN_POSE: no_detector or ("" if state.cropped.is_done else "Crop the images first."),
            COMPARE: no_detector or ("" if has_pose else "Train a pose model first.") or busy,
            IMPROVE: no_detector or ("" if has_pose else NO_POSE) or busy,
            LOOK: "" if state.looked.text else NO_LOOK,
            TRAIN_AGAIN: no_detector or ("" if state.looked.text else NO_LOOK),
            OLD_AND_NEW: no_detector or ("" if state.pair else NO_PAIR) or busy,
        }


def _fill(combo: QComboBox, models: list[ModelState]) -> None:
    before = combo.currentData()
    with silent([combo]):
        combo.clear()
        for model in models:
            told = ", ".join(filter(None, (model.kind, error_text(model), model.training)))
            error = "" if model.error is None else f"  ({model.error:.1f} px)"
            combo.addItem(f"{model.name}{error}", str(model.path))
            combo.setItemData(combo.count() - 1, told, Qt.ItemDataRole.ToolTipRole)
        combo.setCurrentIndex(max(combo.findData(before), 0) if models else -1)
    combo.setVisible(bool(models))
