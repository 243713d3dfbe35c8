"""Step *Detect*: find the animal, with a Lightning Pose model or without one.

Object names: ``detect_method``, ``detect_model``, ``detect_browse``, ``detect_path``, ``detect_info``,
``detect_every``, ``detect_setting_<field>``, ``detect_found``, ``detect_use``, ``detect_run``,
``detect_cancel``, ``detect_progress``, ``detect_status``.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, create_widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QSpinBox, QStackedWidget, QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.motion import MotionDetector
from napari_cropzoom.detection.registry import list_detectors
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import choice, note, row
from napari_cropzoom.widgets.steps.job_step import ModelStep
from napari_cropzoom.widgets.steps.parts.model_picker import ModelPicker, ResultOffer

MODEL = "model"
MOST_APART = 100
EVERY_HELP = (
    "1: the model runs on every frame. N: it runs on every Nth frame first, then on all frames where the "
    "animal moves far or the keypoints are doubtful. The other frames are interpolated and marked so."
)


class DetectStep(ModelStep):
    """Keypoints from a model folder, or boxes from a detector without model."""

    key = "detect"
    title = "Detect"
    help = "Find the animal with a Lightning Pose model, or with a detector that needs none."
    place = 20
    next_key = "boxes"
    role = "detector"

    def __init__(self, controller: Controller, number: int) -> None:
        self._is_own_method = False  # chosen by the person
        super().__init__(controller, number)

    def build(self) -> None:
        """Method, its settings, run."""
        self.method = choice("detect_method", "", {MODEL: "Lightning Pose model"})
        self.pages = Pages()
        self.picker = ModelPicker("detect")
        self.every = QSpinBox()
        self.every.setObjectName("detect_every")
        self.every.setRange(1, MOST_APART)
        self.every.setPrefix("1 of ")
        self.every.setSuffix(" frames first")
        self.every.setSpecialValueText("all frames")
        self.every.setToolTip(EVERY_HELP)
        label = note("Run on")
        label.setToolTip(EVERY_HELP)
        self.pages.addWidget(self._model_page(label))
        self.settings: dict[str, Container[Any]] = {}
        self.offer = ResultOffer("detect", "Predictions")
        for widget in (self.method, self.pages, self.offer):
            self.form.addWidget(widget)
        self.add_job_bar("Run detector", self.run, self.on_done)
        self.method.currentIndexChanged.connect(self._on_method)
        self.method.activated.connect(self._on_own_method)
        self.picker.chosen.connect(self.take_model)
        self.picker.refused.connect(self.show_error)
        self.offer.accepted.connect(self.use)

    def _model_page(self, label: QWidget) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.picker)
        layout.addLayout(row(label, self.every, stretch=0))
        return page

    def _offer_detectors(self) -> None:
        """Offer the detectors that are installed, with their settings.

        They come with the first video: what other packages bring takes long to find and to import.
        """
        if self.settings:
            return
        for name, detector in list_detectors().working.items():
            self.method.addItem(detector.label, name)
            self.method.setItemData(self.method.count() - 1, detector.help, Qt.ItemDataRole.ToolTipRole)
            self.settings[name] = settings_form(detector.settings)
            self.pages.addWidget(self.settings[name].native)

    def session_changed(self) -> None:
        """A new video has no detections; the method is one that can run, the model that of its project.

        What a person has chosen stays.
        """
        super().session_changed()
        if self.controller.session is not None:
            self._offer_detectors()
        near, detector = self.controller.models_near
        self.drop_proposed()
        self.picker.offer(near)
        if self.controller.session is not None and self.model is None:
            if not self._is_own_method:
                method = MODEL if self.picker.known else MotionDetector.name
                self.method.setCurrentIndex(max(self.method.findData(method), 0))
            if detector is not None:
                self.propose_model(detector)
        self.update_body()

    def _on_own_method(self) -> None:
        self._is_own_method = True

    def update_body(self) -> None:
        """Offer what is there; run only what can run."""
        session = self.controller.session
        size = (session.video.height, session.video.width) if session else None
        self.picker.show_given(size, "frame")
        self.offer.setEnabled(not self.job_bar.is_running)  # in its place, so that nothing moves
        if self.job_bar.is_running:
            return
        found = self.offer.show_file(self.existing() if not self.done_text else None)
        ready = self.method.currentData() != MODEL or self.model is not None
        again = found or bool(self.done_text)
        self.job_bar.run_button.setText("Run again" if again else "Run detector")
        self.job_bar.run_button.setEnabled(ready)
        self.job_bar.run_button.setToolTip("" if ready else "Choose a model folder first.")

    def summary(self) -> tuple[str, bool]:
        """What was done, in this window or when the video was open before."""
        text, done = super().summary()
        before = "" if text else self._made_before()
        return (before, True) if before else (text, done)

    def _made_before(self) -> str:
        """Label of the detector without a model whose boxes the review has; empty if none."""
        session = self.controller.session
        if session is None:
            return ""
        files = {entry.raw_csv for entry in session.tracks.entries.values()}
        for at in range(self.method.count()):
            name = self.method.itemData(at)
            if name != MODEL and self.controller.method_csv(session.video.path, name) in files:
                return str(self.method.itemText(at))
        return ""

    def existing(self) -> Path | None:
        """Where the result of the chosen method lies, if it was made before."""
        session, method = self.controller.session, self.method.currentData()
        if session is None:
            return None
        if method != MODEL:
            return self.controller.method_csv(session.video.path, method)
        model = self.model
        return model.predictions_csv(session.video.path) if model else None

    def choose_model(self, path: Path) -> None:
        """Take a model folder."""
        self.method.setCurrentIndex(self.method.findData(MODEL))
        self.picker.choose(path)

    def run(self, trust: bool = False) -> None:
        """Start the chosen detector on the video."""
        session, method = self.controller.session, self.method.currentData()
        if session is None or self.job_bar.is_running:
            return
        self.message.clear()
        video = session.video.path
        args: dict[str, Any]
        if method == MODEL:
            if self.model is None:
                return
            every = self.every.value()
            stage, args = "predict", {"model": self.model.path, "trust": trust, "every": every}
            args["results"] = self.controller.results
        else:
            output = self.controller.method_csv(video, method)
            settings = self.settings[method].asdict()
            stage, args = "detect", {"method": method, "output": output, "settings": settings}
        self.run_stage(stage, {"video": video, **args}, f"Detecting in {video.name}")

    def use(self, path: Path) -> None:
        """Load a result that is there."""
        session = self.controller.session
        if session is None:
            return
        self.message.clear()
        if self.method.currentData() == MODEL:
            self.job_bar.run_button.setEnabled(False)
            self.controller.load_predictions("detector", path, self.on_loaded, self.on_load_failed)
            return
        self.controller.load_boxes(path, Source.DETECTED, True, self._on_boxes, self.on_load_failed)

    def _on_boxes(self, said: str) -> None:
        self.message.show_info(said)
        self.finish(self.method.currentText())

    def _on_method(self, index: int) -> None:
        self.pages.setCurrentIndex(index)
        self.message.clear()
        self.update_body()

    def mark_loaded(self) -> None:
        """Also show on how many frames the model ran."""
        super().mark_loaded()
        poses = self.controller.session.detector_poses if self.controller.session else None
        if poses is not None and poses.interpolated is not None:
            seen = len(poses) - int(poses.interpolated.sum())
            self.done_text += f" · {seen} of {counted(len(poses), 'frame')}"
            self.refresh()

    def on_done(self, result: dict[str, Any]) -> None:
        """Show what was found, and how."""
        if "how" in result:
            self.picker.show_runtime(result["how"])
        self.use(Path(result.get("predictions") or result["bbox_csv"]))
        if result.get("note"):
            self.message.show_info(str(result["note"]))


class Pages(QStackedWidget):
    """A stack no higher than the page that shows."""

    def addWidget(self, widget: QWidget) -> int:
        """Add a page."""
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widget)
        index = int(super().addWidget(page))
        self._fit(self.currentIndex())
        return index

    def setCurrentIndex(self, index: int) -> None:
        """Show a page."""
        super().setCurrentIndex(index)
        self._fit(index)

    def _fit(self, current: int) -> None:
        for index in range(self.count()):
            fits = QSizePolicy.Policy.Preferred if index == current else QSizePolicy.Policy.Ignored
            self.widget(index).setSizePolicy(QSizePolicy.Policy.Ignored, fits)
        self.adjustSize()


def settings_form(settings: type[Any]) -> Container[Any]:
    """Return a form for a dataclass whose fields say label, tooltip and range."""
    widgets = []
    for field in dataclasses.fields(settings):
        options = {key: field.metadata[key] for key in ("min", "max") if key in field.metadata}
        if isinstance(field.default, float):
            options["step"] = 0.01 if field.default < 1 else 0.5
        widget = create_widget(
            value=field.default,
            name=field.name,
            label=field.metadata.get("label", field.name),
            options={**options, "tooltip": field.metadata.get("tooltip", "")},
        )
        widget.native.setObjectName(f"detect_setting_{field.name}")
        widgets.append(widget)
    form = Container(widgets=widgets, labels=True)
    form.margins = (0, 0, 0, 0)
    return form
