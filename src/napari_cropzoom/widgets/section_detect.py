"""Step 2: find the animal, with a Lightning Pose model or without one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from magicgui.widgets import Container, create_widget
from qtpy.QtWidgets import QComboBox, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.jobs import Job
from napari_cropzoom.pipeline.detect import list_detectors
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.job_bar import JobBar
from napari_cropzoom.widgets.model_run import ModelPicker, Offer, ask_trust, is_about_trust
from napari_cropzoom.widgets.section import Section

MODEL = "model"


class DetectSection(Section):
    """Keypoints from a model folder, or boxes from a detector without model."""

    key = "detect"
    title = "Detect"

    def __init__(self, bench: Bench, number: int) -> None:
        self._done = ""
        self.ask = ask_trust
        super().__init__(bench, number)

    def build(self) -> None:
        """Method, its settings, run."""
        self.method = QComboBox()
        self.method.setObjectName("detect_method")
        self.method.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.method.addItem("Lightning Pose model", MODEL)
        self.pages = Pages()
        self.picker = ModelPicker("detect")
        self.pages.addWidget(self.picker)
        self.settings: dict[str, Container] = {}
        for name, detector in list_detectors().working.items():
            self.method.addItem(detector.title, name)
            self.settings[name] = settings_form(detector.settings)
            self.pages.addWidget(self.settings[name].native)
        self.offer = Offer("detect", "Predictions")
        self.job_bar = JobBar("detect", "Run detector")
        for widget in (self.method, self.pages, self.offer, self.job_bar):
            self.form.addWidget(widget)
        self.method.currentIndexChanged.connect(self._on_method)
        self.picker.chosen.connect(self._on_model)
        self.picker.refused.connect(self.show_error)
        self.offer.accepted.connect(self.use)
        self.job_bar.run_clicked.connect(self.run)
        self.job_bar.done.connect(self._on_done)
        self.job_bar.failed.connect(self._on_failed)

    def summary(self) -> tuple[str, bool]:
        """What found the animal."""
        if self.job_bar.is_running:
            return "running …", False
        return self._done, bool(self._done)

    def session_changed(self) -> None:
        """A new video has no detections yet."""
        super().session_changed()
        self.job_bar.let_go()
        self._done = ""
        self.update_body()

    def update_body(self) -> None:
        """Offer what is there; run only what can run."""
        if self.job_bar.is_running:
            self.offer.hide()
            return
        found = self.offer.look(self.existing() if not self._done else None)
        ready = self.method.currentData() != MODEL or self.picker.model is not None
        again = found or bool(self._done)
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
        model = self.picker.model
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
            if self.picker.model is None:
                return
            args: dict[str, Any] = {"model": self.picker.model.path, "video": video, "trust": trust}
            job = self.bench.start("predict", args)
        else:
            output = self.bench.method_csv(video, method)
            settings = self.settings[method].asdict()
            args = {"method": method, "video": video, "output": output, "settings": settings}
            job = self.bench.start("detect", args)
        self.job_bar.follow(job, f"Detecting in {video.name}")
        self.offer.hide()
        self.refresh()

    def use(self, path: Path) -> None:
        """Load a result that is there."""
        session = self.bench.session
        if session is None:
            return
        self.message.clear()
        if self.method.currentData() == MODEL:
            self.job_bar.run_button.setEnabled(False)
            self.bench.load_predictions("detector", path, self._on_loaded, self._on_load_failed)
            return
        try:
            said = session.load_boxes(path, Source.DETECTED, allow_missing=True)
        except (CropzoomError, OSError) as error:
            self._on_load_failed(error)
            return
        self.message.show_info(said)
        self._finish(self.method.currentText())

    def _on_method(self, index: int) -> None:
        self.pages.setCurrentIndex(index)
        self.message.clear()
        self.update_body()

    def _on_model(self, model: ModelFolder) -> None:
        self.message.clear()
        self._done = ""
        self.bench.detector = model
        self.bench.changed.emit()

    def _on_done(self, result: dict[str, Any]) -> None:
        path = result.get("predictions") or result["bbox_csv"]
        self.use(Path(path))

    def _on_failed(self, job: Job, message: str) -> None:
        if is_about_trust(job) and self.ask(self, message):
            self.run(trust=True)
            return
        self.message.show_error(message)
        self.refresh()

    def mark_loaded(self) -> None:
        """Take note that the chosen model's predictions have been loaded."""
        model = self.picker.model
        self._done = f"{model.path.name} · {len(model.keypoint_names)} keypoints" if model else "loaded"
        self.refresh()

    def _on_loaded(self, _path: Path) -> None:
        self.mark_loaded()
        self.finished.emit()

    def _on_load_failed(self, error: Exception) -> None:
        self.update_body()
        self.show_error(error)

    def _finish(self, text: str) -> None:
        self._done = text
        self.refresh()
        self.finished.emit()


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
