"""Step 7: the pose model on the boxes, with its keypoints put back into the full frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.session_store import reviewed_csv
from napari_cropzoom.jobs import Job
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.job_bar import JobBar
from napari_cropzoom.widgets.model_run import ModelPicker, Offer, ask_trust, is_about_trust
from napari_cropzoom.widgets.section import Section

MEMORY, CROPPED = "memory", "cropped"


class PoseSection(Section):
    """Pose model, where its frames come from, run."""

    key = "pose"
    title = "Pose"

    def __init__(self, bench: Bench, number: int) -> None:
        self._done = ""
        self._stage = ""
        self.ask = ask_trust
        super().__init__(bench, number)

    def build(self) -> None:
        """Model, source, run."""
        self.picker = ModelPicker("pose")
        self.source = QComboBox()
        self.source.setObjectName("pose_source")
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.source.addItem("From the full video, in memory", MEMORY)
        self.source.addItem("From the cropped file", CROPPED)
        self.offer = Offer("pose", "Predictions")
        self.job_bar = JobBar("pose", "Save boxes and run pose model")
        for widget in (self.picker, self.source, self.offer, self.job_bar):
            self.form.addWidget(widget)
        self.picker.chosen.connect(self._on_model)
        self.picker.refused.connect(self.show_error)
        self.source.currentIndexChanged.connect(self.update_body)
        self.offer.accepted.connect(self.use)
        self.job_bar.run_clicked.connect(self.run)
        self.job_bar.done.connect(self._on_done)
        self.job_bar.failed.connect(self._on_failed)

    def missing(self) -> str:
        """Pose needs boxes."""
        session = self.bench.session
        return "" if session and session.has_boxes else "Make, load or draw boxes first."

    def summary(self) -> tuple[str, bool]:
        """Model and number of keypoints."""
        if self.job_bar.is_running:
            return "running …", False
        return self._done, bool(self._done)

    def session_changed(self) -> None:
        """A new video has no pose yet."""
        super().session_changed()
        self.job_bar.let_go()
        self._done = ""

    def update_body(self, *_: object) -> None:
        """Offer what is there; run only what can run."""
        if self.job_bar.is_running:
            self.offer.hide()
            return
        path = None if self._done else self.existing()
        self.offer.look(path, self._remark(path))
        why = self._why_not()
        self.job_bar.run_button.setEnabled(not why)
        self.job_bar.run_button.setToolTip(why)
        again = self._done or self.offer.path
        text = "Save boxes and run again" if again else "Save boxes and run pose model"
        self.job_bar.run_button.setText(text)

    def existing(self) -> Path | None:
        """Where the keypoints lie, or will lie."""
        session, model = self.bench.session, self.picker.model
        if session is None or model is None:
            return None
        in_frame = model.predictions_csv(session.video.path)
        if self.source.currentData() == MEMORY:
            return in_frame
        return in_frame.with_name(f"remapped_cropped_{in_frame.name}")

    def choose_model(self, path: Path) -> None:
        """Take a model folder."""
        self.picker.choose(path)

    def run(self, trust: bool = False) -> None:
        """Save the review and run the model on what was saved."""
        session, model = self.bench.session, self.picker.model
        if session is None or model is None or self.job_bar.is_running:
            return
        self.message.clear()
        args: dict[str, Any] = {"model": model.path, "trust": trust}
        try:
            if self.source.currentData() == MEMORY:
                args |= {"video": session.video.path, "bbox_csv": session.save()}
            else:
                args |= {"video": self.bench.crop_output()}
        except (CropzoomError, OSError) as error:
            self.show_error(error)
            return
        self._stage = "predict"
        self.job_bar.follow(self.bench.start("predict", args), f"Pose in {session.video.path.name}")
        self.refresh()

    def use(self, path: Path) -> None:
        """Load keypoints in a thread."""
        if self.bench.session is not None:
            self.message.clear()
            self.bench.load_predictions("pose", path, self._on_loaded, self._on_load_failed)

    def let_go(self) -> None:
        """Stop without a word."""
        self.job_bar.let_go()

    def _why_not(self) -> str:
        if self.picker.model is None:
            return "Choose a model folder first."
        crop = self.bench.crop_output()
        if self.source.currentData() == CROPPED and not (crop and crop.is_file()):
            return "Crop the video first."
        return ""

    def _remark(self, path: Path | None) -> str:
        session = self.bench.session
        if path is None or not path.is_file() or session is None or session.raw_csv is None:
            return ""
        boxes = reviewed_csv(session.raw_csv)
        is_older = boxes.is_file() and path.stat().st_mtime < boxes.stat().st_mtime
        return ", older than the saved boxes" if is_older else ""

    def _on_model(self, model: ModelFolder) -> None:
        self.message.clear()
        self._done = ""
        self.bench.pose = model
        self.bench.changed.emit()

    def _on_done(self, result: dict[str, Any]) -> None:
        session, output = self.bench.session, self.existing()
        path = Path(result["predictions"])
        if session is None or output is None:
            return
        if self._stage == "predict" and self.source.currentData() == CROPPED:
            assert session.raw_csv is not None
            self._stage = "remap"
            args = {"preds": path, "bbox_csv": reviewed_csv(session.raw_csv), "output": output}
            self.job_bar.follow(self.bench.start("remap", args), "Putting keypoints back")
            return
        self.use(path)

    def _on_failed(self, job: Job, message: str) -> None:
        if is_about_trust(job) and self.ask(self, message):
            self.run(trust=True)
            return
        self.message.show_error(message)
        self.refresh()

    def mark_loaded(self) -> None:
        """Take note that the chosen model's keypoints have been loaded."""
        model = self.picker.model
        self._done = f"{model.path.name} · {len(model.keypoint_names)} keypoints" if model else "loaded"
        self.refresh()

    def _on_loaded(self, _path: Path) -> None:
        self.mark_loaded()
        self.finished.emit()

    def _on_load_failed(self, error: Exception) -> None:
        self.update_body()
        self.show_error(error)
