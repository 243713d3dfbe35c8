"""Step 2: find the animal, with a Lightning Pose model or without one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, create_widget
from qtpy.QtWidgets import QComboBox, QSizePolicy, QSpinBox, QStackedWidget, QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.pipeline.detect import list_detectors
from napari_cropzoom.widgets.controls import note, row
from napari_cropzoom.widgets.job_section import ModelSection
from napari_cropzoom.widgets.model_run import ModelPicker, Offer

MODEL = "model"
MOST_APART = 100
EVERY_HELP = (
    "1: the model looks at every frame. More: it looks at every Nth frame first, then at all where the "
    "animal moves far, is unlikely or something is odd; the others are interpolated and marked so."
)


class DetectSection(ModelSection):
    """Keypoints from a model folder, or boxes from a detector without model."""

    key = "detect"
    title = "Detect"

    def build(self) -> None:
        """Method, its settings, run."""
        self.method = QComboBox()
        self.method.setObjectName("detect_method")
        self.method.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.method.addItem("Lightning Pose model", MODEL)
        self.pages = Pages()
        self.picker = ModelPicker("detect")
        self.every = QSpinBox()
        self.every.setObjectName("detect_every")
        self.every.setRange(1, MOST_APART)
        self.every.setPrefix("1 of ")
        self.every.setSuffix(" frames")
        self.every.setSpecialValueText("all frames")
        self.every.setToolTip(EVERY_HELP)
        label = note("Look first at")
        label.setToolTip(EVERY_HELP)
        self.pages.addWidget(self._model_page(label))
        self.settings: dict[str, Container] = {}
        for name, detector in list_detectors().working.items():
            self.method.addItem(detector.title, name)
            self.settings[name] = settings_form(detector.settings)
            self.pages.addWidget(self.settings[name].native)
        self.offer = Offer("detect", "Predictions")
        for widget in (self.method, self.pages, self.offer):
            self.form.addWidget(widget)
        self.add_job_bar("Run detector", self.run, self.on_done)
        self.method.currentIndexChanged.connect(self._on_method)
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

    def session_changed(self) -> None:
        """A new video has no detections yet."""
        super().session_changed()
        self.update_body()

    def update_body(self) -> None:
        """Offer what is there; run only what can run."""
        if self.job_bar.is_running:
            self.offer.hide()
            return
        found = self.offer.look(self.existing() if not self.done_text else None)
        ready = self.method.currentData() != MODEL or self.model is not None
        again = found or bool(self.done_text)
        self.job_bar.run_button.setText("Run again" if again else "Run detector")
        self.job_bar.run_button.setEnabled(ready)
        self.job_bar.run_button.setToolTip("" if ready else "Choose a model folder first.")

    def existing(self) -> Path | None:
        """Where the result of the chosen method lies, if it was made before."""
        session, method = self.bench.session, self.method.currentData()
        if session is None:
            return None
        if method != MODEL:
            return self.bench.method_csv(session.video.path, method)
        model = self.model
        return model.predictions_csv(session.video.path) if model else None

    def choose_model(self, path: Path) -> None:
        """Take a model folder."""
        self.method.setCurrentIndex(self.method.findData(MODEL))
        self.picker.choose(path)

    def run(self, trust: bool = False) -> None:
        """Start the chosen detector on the video."""
        session, method = self.bench.session, self.method.currentData()
        if session is None or self.job_bar.is_running:
            return
        self.message.clear()
        video = session.video.path
        if method == MODEL:
            if self.model is None:
                return
            every = self.every.value()
            args: dict[str, Any] = {
                "model": self.model.path, "video": video, "trust": trust, "every": every
            }  # fmt: skip
            stage = "predict"
        else:
            output = self.bench.method_csv(video, method)
            settings = self.settings[method].asdict()
            args = {"method": method, "video": video, "output": output, "settings": settings}
            stage = "detect"
        self.offer.hide()
        self.follow(stage, args, f"Detecting in {video.name}")

    def use(self, path: Path) -> None:
        """Load a result that is there."""
        session = self.bench.session
        if session is None:
            return
        self.message.clear()
        if self.method.currentData() == MODEL:
            self.job_bar.run_button.setEnabled(False)
            self.bench.load_predictions("detector", path, self.on_loaded, self.on_load_failed)
            return
        self.bench.load_boxes(path, Source.DETECTED, True, self._on_boxes, self.on_load_failed)

    def _on_boxes(self, said: str) -> None:
        self.message.show_info(said)
        self.finish(self.method.currentText())

    def _on_method(self, index: int) -> None:
        self.pages.setCurrentIndex(index)
        self.message.clear()
        self.update_body()

    def mark_loaded(self) -> None:
        """Say as well of how many frames the keypoints are."""
        super().mark_loaded()
        poses = self.bench.session.detector_poses if self.bench.session else None
        if poses is not None and poses.interpolated is not None:
            seen = len(poses) - int(poses.interpolated.sum())
            self.done_text += f" · {seen} of {len(poses)} frames"
            self.refresh()

    def on_done(self, result: dict[str, Any]) -> None:
        """Show what was found, and how."""
        if "road" in result:
            self.picker.show_road(result["road"])
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
        index = super().addWidget(page)
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


def settings_form(settings: type[Any]) -> Container:
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
