"""What is to be trained: a configuration of the project, or one made of few choices; checked at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.making import BACKBONES, SIZES, UNSUPERVISED, Recipe
from napari_cropzoom.engine.training.weights import DOWNLOADS, always_learned, to_download
from napari_cropzoom.jobs import Latest
from napari_cropzoom.projects.review_labels.improving import free_folder
from napari_cropzoom.projects.review_labels.record import with_review, without_review
from napari_cropzoom.widgets.controls import Message, button, choice, delayed, note, row, silent
from napari_cropzoom.widgets.training.order import Order, epochs_of
from napari_cropzoom.widgets.window.scrolling import Scrolling

NEW = ""
SUPERVISED, SEMI = "supervised", "semi"
MS_BEFORE_CHECK = 300
DETECTOR, POSE, AGAIN = range(3)
"""What is trained: a detector, a pose model on its crops, the detector on from its weights."""


class TrainForm(QWidget):
    """Choices, what is wrong with them, and the button.

    Object names: ``train_what``, ``train_config``, ``train_backbone``, ``train_size``, ``train_epochs``,
    ``train_learning``, ``train_pretrained``, ``train_weights``, ``train_name``, ``train_check``,
    ``train_start``, ``train_message``.

    Attributes
    ----------
    started : Signal
        A training has begun in the background: its folder.
    ask : callable
        Asks whether to trust a checkpoint: (parent, message) -> bool.
    """

    started = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        from napari_cropzoom.widgets.steps.parts.model_picker import ask_trust

        self.ask = ask_trust
        self.labels: Path | None = None
        self.models: Path | None = None
        self.detector: Path | None = None
        self.problems: list[str] | None = None
        self._starting: Order | None = None
        self._lay_out()
        self._checking = Latest(self._on_checked, self._on_check_failed)
        self._start = Latest(self._on_started, self._on_start_failed)
        self._soon = delayed(self, self._check, MS_BEFORE_CHECK)

    def show_project(self, labels: Path | None, models: Path, configs: Sequence[Path]) -> None:
        """Offer the configurations of a project."""
        is_other = models != self.models
        self.labels, self.models = labels, models
        before = self.config.currentData()
        with silent([self.config]):
            self.config.clear()
            self.config.addItem("New, of the choices below", NEW)
            for path in configs:
                self.config.addItem(path.name, str(path))
            self.config.setCurrentIndex(max(self.config.findData(before), 0))
        if is_other:
            self._on_what()
        self._on_config()

    def show_detector(self, detector: Path | None) -> None:
        """Take another detector, whose crops a pose model is trained on."""
        self.detector = detector
        name = detector.name if detector is not None else "no detector yet"
        self.what.setItemText(POSE, f"Pose model, on crops of {name}")
        self.what.setItemText(AGAIN, f"{name} again, with labels made by review")
        if self.what.currentIndex() == AGAIN:
            self._on_what()
        self._soon.start()

    def show_what(self, what: int) -> None:
        """Propose a training of a detector, of a pose model, or of the detector again."""
        self.what.setCurrentIndex(what)
        self._on_what()

    def order(self) -> Order | None:
        """What is chosen; None where something is missing."""
        if self.labels is None or self.models is None:
            return None
        what, config, labels = self.what.currentIndex(), self.config.currentData(), self.labels
        again = self.detector if what == AGAIN else None
        if again is not None:
            config, labels = str(again / "config.yaml"), with_review(without_review(labels))
        losses = UNSUPERVISED if self.learning.currentData() == SEMI else ()
        recipe = Recipe(
            self.backbone.currentData(),
            int(self.size.currentData()),
            self.epochs.value(),
            losses,
            self.pretrained.isChecked() or always_learned(self.backbone.currentData()),
        )
        return Order(
            labels,
            (self.models if again is None else again.parent) / self.name.text().strip(),
            Path(config) if config else None,
            recipe,
            self.detector if what == POSE else None,
            again,
        )

    def start(self, trust: bool = False) -> None:
        """Start the training in the background."""
        order = self.order()
        if order is None or self._starting is not None:
            return
        self._starting = order
        self.message.show_info("Starting …")
        self._show()
        self._start.request(order.begin, trust)

    def release(self) -> None:
        """Drop the answers still to come."""
        self._soon.stop()
        self._checking.drop()
        self._start.drop()

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.what = choice("train_what", "What the model will see")
        self.what.addItem("Detector, on whole images", False)
        self.what.addItem("Pose model, on crops", True)
        self.what.addItem("Detector again, with labels made by review", False)
        self.config = choice("train_config", "A Lightning Pose configuration of the project")
        self.backbone = choice("train_backbone", "The network", BACKBONES)
        self.size = choice("train_size", "What whole images, or crops, are shrunk or stretched to")
        for side in SIZES:
            self.size.addItem(f"{side} × {side} px", side)
        self.size.setCurrentIndex(1)
        self.epochs = QSpinBox()
        self.epochs.setObjectName("train_epochs")
        self.epochs.setRange(1, 100_000)
        self.epochs.setValue(300)
        self.learning = choice(
            "train_learning",
            "Semi-supervised: learns from unlabeled videos too; needs CUDA and DALI",
            {SUPERVISED: "Supervised, from labels", SEMI: "Semi-supervised, from videos too"},
        )
        self.pretrained = QCheckBox("Begin with learned weights")
        self.pretrained.setObjectName("train_pretrained")
        self.pretrained.setToolTip("Of many other images; downloaded at the first use, from the internet")
        self.pretrained.setChecked(True)
        self.weights = note("", "train_weights")
        self.name = QLineEdit("detector")
        self.name.setObjectName("train_name")
        self.name.setToolTip("Folder of the model, beside the others of the project")
        self.form = QFormLayout()
        self.form.setContentsMargins(0, 0, 0, 0)
        for title, widget in (
            ("Train", self.what),
            ("Configuration", self.config),
            ("Network", self.backbone),
            ("Image size", self.size),
            ("Epochs", self.epochs),
            ("Learning", self.learning),
            ("", self.pretrained),
            ("", self.weights),
            ("Name", self.name),
        ):
            self.form.addRow(title, widget)
        self.check = Message()
        self.check.setObjectName("train_check")
        self.message = Message()
        self.message.setObjectName("train_message")
        self.start_button = button("Start training", "train_start")
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 4, 6, 2)
        column.addLayout(self.form)
        column.addWidget(self.check)
        column.addWidget(
            note("It runs in the background and goes on when napari is closed; tab Progress shows it.")
        )
        column.addStretch(1)
        scroll = Scrolling(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(scroll, 1)
        layout.addLayout(row(self.start_button, stretch=0))
        layout.addWidget(self.message)
        self.start_button.setEnabled(False)
        self.start_button.clicked.connect(lambda: self.start())
        self.what.currentIndexChanged.connect(self._on_what)
        self.config.currentIndexChanged.connect(self._on_config)
        for combo in (self.backbone, self.size, self.learning):
            combo.currentIndexChanged.connect(self._on_change)
        self.epochs.valueChanged.connect(self._on_change)
        self.pretrained.toggled.connect(self._on_change)
        self.name.textChanged.connect(self._on_change)

    def _on_what(self) -> None:
        """Propose the name of a model that is not there yet."""
        what = self.what.currentIndex()
        if what == AGAIN and self.detector is not None:
            self.name.setText(free_folder(self.detector).name)
            if epochs := self._epochs_again():
                self.epochs.setValue(epochs)
        elif self.models is not None:
            stem = "pose" if what == POSE else "detector"
            name, number = stem, 1
            while (self.models / name).exists():
                number += 1
                name = f"{stem}_{number}"
            self.name.setText(name)
        self._on_config()

    def _epochs_again(self) -> int | None:
        """How many epochs the detector was trained for; None where that cannot be set."""
        try:
            return None if self.detector is None else epochs_of(ModelFolder.open(self.detector))
        except CropzoomError:
            return None  # the check says what is wrong with it

    def _on_config(self) -> None:
        is_again = self.what.currentIndex() == AGAIN
        is_new = not is_again and not self.config.currentData()
        shown = {
            self.config: not is_again,
            self.epochs: is_new or (is_again and self._epochs_again() is not None),
            **dict.fromkeys((self.backbone, self.size, self.learning, self.pretrained), is_new),
        }
        for widget, is_shown in shown.items():
            widget.setVisible(is_shown)
            label = self.form.labelForField(widget)
            if label is not None:
                label.setVisible(is_shown)
        self._on_change()

    def _show_weights(self) -> None:
        """Say beside the tick whether it needs the internet; some networks leave no choice."""
        backbone = self.backbone.currentData()
        is_always = always_learned(backbone)
        with silent([self.pretrained]):
            self.pretrained.setChecked(is_always or self.pretrained.isChecked())
        self.pretrained.setEnabled(not is_always)
        is_away = to_download(backbone, pretrained=self.pretrained.isChecked())
        always = "This network always does. " if is_always else ""
        self.weights.setText(f"{always}Not on this computer yet: needs the internet." if is_away else "")
        is_new = self.what.currentIndex() != AGAIN and not self.config.currentData()
        self.weights.setVisible(is_new and is_away)

    def _on_change(self) -> None:
        self._show_weights()
        self.problems = None
        self.message.clear()
        self._show()
        self._soon.start()

    def _check(self) -> None:
        order = self.order()
        if order is None:
            return
        if self.what.currentIndex() != DETECTOR and self.detector is None:
            self._on_checked((["Choose or train a detector first."], ""))
            return
        self._checking.request(order.check)

    def _on_checked(self, found: tuple[list[str], str]) -> None:
        problems, told = found
        self.problems = problems
        if problems:
            self.check.show_warning("\n".join(problems))
        elif told.startswith(DOWNLOADS):
            self.check.show_warning(told)
        else:
            self.check.show_info(f"Checked: nothing stands in the way. {told}")
        self._show()

    def _on_check_failed(self, error: Exception) -> None:
        if not isinstance(error, CropzoomError | OSError):
            raise error
        self._on_checked(([str(error)], ""))

    def _on_started(self, folder: Path) -> None:
        self._starting = None
        self.message.clear()
        self._on_what()
        self.started.emit(folder)

    def _on_start_failed(self, error: Exception) -> None:
        order, self._starting = self._starting, None
        if not isinstance(error, CropzoomError | OSError):
            self.message.clear()
            raise error
        if order is not None and "--trust_checkpoint" in str(error) and self.ask(self, str(error)):
            self.start(trust=True)
            return
        self.message.show_error(str(error))
        self._show()

    def _show(self) -> None:
        is_free = self._starting is None
        self.start_button.setEnabled(is_free and self.problems == [])
        count = len(self.problems or ())
        tip = f"{counted(count, 'thing')} to correct first" if count else "In the background"
        self.start_button.setToolTip(tip if self.problems is not None else "Checking …")
