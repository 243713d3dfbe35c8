"""Step 7: the pose model on the boxes, with its keypoints put back into the full frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_cropzoom.io.session_store import reviewed_csv
from napari_cropzoom.widgets.bench import Bench
from napari_cropzoom.widgets.changed import ChangedFrames
from napari_cropzoom.widgets.job_section import ModelSection
from napari_cropzoom.widgets.model_run import ModelPicker, Offer

MEMORY, CROPPED = "memory", "cropped"


class PoseSection(ModelSection):
    """Pose model, where its frames come from, run."""

    key = "pose"
    title = "Pose"

    def __init__(self, bench: Bench, number: int) -> None:
        self._stage = ""
        self._only_changed = False
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
        self.changed = ChangedFrames("pose")
        for widget in (self.picker, self.source, self.offer, self.changed):
            self.form.addWidget(widget)
        self.add_job_bar("Save boxes and run pose model", self.run, self.on_done)
        self.changed.accepted.connect(self.run_changed)
        self.picker.chosen.connect(self.take_model)
        self.picker.refused.connect(self.show_error)
        self.source.currentIndexChanged.connect(self.update_body)
        self.offer.accepted.connect(self.use)

    def missing(self) -> str:
        """Pose needs boxes."""
        session = self.bench.session
        return "" if session and session.has_boxes else "Make, load or draw boxes first."

    def session_changed(self) -> None:
        """What was counted is of the video before."""
        super().session_changed()
        self.changed.forget()

    def update_body(self, *_: object) -> None:
        """Offer what is there; run only what can run."""
        if self.job_bar.is_running:
            self.offer.hide()
            self.changed.forget()
            return
        self._look_for_changes()
        path = None if self.done_text else self.existing()
        self.offer.look(path, self._remark(path))
        why = self._why_not()
        self.job_bar.run_button.setEnabled(not why)
        self.job_bar.run_button.setToolTip(why)
        again = self.done_text or self.offer.path
        text = "Save boxes and run again" if again else "Save boxes and run pose model"
        self.job_bar.run_button.setText(text)

    def existing(self) -> Path | None:
        """Where the keypoints lie, or will lie."""
        session, model = self.bench.session, self.model
        if session is None or model is None:
            return None
        in_frame = model.predictions_csv(session.video.path)
        if self.source.currentData() == MEMORY:
            return in_frame
        return in_frame.with_name(f"remapped_cropped_{in_frame.name}")

    def choose_model(self, path: Path) -> None:
        """Take a model folder."""
        self.picker.choose(path)

    def run_changed(self) -> None:
        """Save the review and run the model where a box is another one than when it ran before."""
        self.run(only_changed=True)

    def run(self, trust: bool = False, only_changed: bool = False) -> None:
        """Save the review and run the model on what was saved, or run it on the cropped file.

        Once it is to be trusted, it does what it was asked before.
        """
        if not trust:
            self._only_changed = only_changed
        if self.bench.session is None or self.model is None or self.job_bar.is_running:
            return
        self.message.clear()
        if self.source.currentData() == MEMORY:
            video = self.bench.session.video.path
            self.save_then(lambda boxes: self._predict(trust, video=video, bbox_csv=boxes))
        else:
            self._predict(trust, video=self.bench.crop_output())

    def _predict(self, trust: bool, **args: Any) -> None:
        session, model = self.bench.session, self.model
        assert session is not None
        assert model is not None
        self._stage = "predict"
        args |= {"model": model.path, "trust": trust, "only_changed": self._only_changed}
        self.follow("predict", args, f"Pose in {session.video.path.name}")

    def use(self, path: Path) -> None:
        """Load keypoints in a thread."""
        if self.bench.session is not None:
            self.message.clear()
            self.bench.load_predictions("pose", path, self.on_loaded, self.on_load_failed)

    def _look_for_changes(self) -> None:
        session, model, path = self.bench.session, self.model, self.existing()
        in_memory = self.source.currentData() == MEMORY
        if session is None or model is None or path is None or not in_memory or not session.has_boxes:
            self.changed.forget()
            return
        self.changed.look(session, model, path)

    def _why_not(self) -> str:
        if self.model is None:
            return "Choose a model folder first."
        crop = self.bench.crop_output()
        if self.source.currentData() == CROPPED and not (crop and crop.is_file()):
            return "Crop the video first."
        return ""

    def _remark(self, path: Path | None) -> str:
        session = self.bench.session
        if path is None or not path.is_file() or session is None or session.raw_csv is None:
            return ""
        boxes = reviewed_csv(session.raw_csv, session.video.path)
        is_older = boxes.is_file() and path.stat().st_mtime < boxes.stat().st_mtime
        return ", older than the saved boxes" if is_older else ""

    def on_done(self, result: dict[str, Any]) -> None:
        """Put keypoints of the cropped file back into the frame; show those of the frame."""
        session, output = self.bench.session, self.existing()
        path = Path(result["predictions"])
        if session is None or output is None:
            return
        if "road" in result:
            self.picker.show_road(result["road"])
        if self._stage == "predict" and self.source.currentData() == CROPPED:
            assert session.raw_csv is not None
            self._stage = "remap"
            boxes = reviewed_csv(session.raw_csv, session.video.path)
            args = {"preds": path, "bbox_csv": boxes, "output": output}
            self.follow("remap", args, "Putting keypoints back")
            return
        self.use(path)
        if self._only_changed:
            self.message.show_info(str(result.get("note", "")))
