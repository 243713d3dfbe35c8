"""Step *Pose*: run the pose model on the boxes and put its keypoints back into the full frame.

Object names: ``pose_model``, ``pose_browse``, ``pose_path``, ``pose_info``, ``pose_source``,
``pose_found``, ``pose_use``, ``pose_changed``, ``pose_up_to_date``, ``pose_run``, ``pose_cancel``,
``pose_progress``, ``pose_status``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.review_paths import reviewed_csv
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.tracks import Revision
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import choice, delayed, note
from napari_cropzoom.widgets.steps.base import Needs
from napari_cropzoom.widgets.steps.job_step import NO_ANIMAL_IN_POSE, ModelStep, doubts_of
from napari_cropzoom.widgets.steps.parts.changed_frames import ChangedFrames
from napari_cropzoom.widgets.steps.parts.model_picker import (
    ModelPicker,
    ResultOffer,
    scale_of_detector,
    usual_size,
)

MEMORY, CROPPED = "memory", "cropped"
COMPARE_MS = 300  # without another edit
LOOKING = "looking whether boxes changed …"


class PoseStep(ModelStep):
    """Pose model, where its frames come from, run."""

    key = "pose"
    title = "Pose"
    help = "Run the pose model inside the boxes and put its keypoints back into the full frame."
    place = 70
    needs = Needs.BOXES
    role = "pose"

    def __init__(self, controller: Controller, number: int) -> None:
        self._stage = ""
        self._only_changed = False
        # the boxes as they were when the keypoints were loaded; None while they have not come yet
        self._loaded_at: Revision | None = None
        self._n_changed = 0  # frames whose box is another one than in the file, at that revision
        # what `Keypoints.animal` says of the one shown, and of the run
        self._animal = self._runs_for = ""
        self._in_crop: dict[str, Path] = {}  # how the keypoints of a run on the crop are put back
        super().__init__(controller, number)

    def build(self) -> None:
        """Model, source, run."""
        self.picker = ModelPicker("pose")
        sources = {MEMORY: "From the full video, in memory", CROPPED: "From the cropped file"}
        self.source = choice("pose_source", "Where the model's images come from", sources)
        self.offer = ResultOffer("pose", "Predictions")
        self.changed = ChangedFrames("pose")
        self.doubts = note("", "pose_doubts")
        for widget in (self.picker, self.source, self.doubts, self.offer, self.changed):
            self.form.addWidget(widget)
        self.add_job_bar("Save boxes and run pose model", self.run, self.on_done)
        self.changed.accepted.connect(self.run_changed)
        self.changed.counted.connect(self._on_counted)
        self.changed.ended.connect(self._on_compared)
        self._compare_later = delayed(self, self._compare_folded, COMPARE_MS)
        self.picker.chosen.connect(self.take_model)
        self.picker.refused.connect(self.show_error)
        self.source.currentIndexChanged.connect(self.update_body)
        self.offer.accepted.connect(self.use)

    @property
    def model(self) -> ModelFolder | None:
        """The chosen model; what it finds in the boxes of a further animal lies in that one's folder."""
        model, session = super().model, self.controller.session
        own = session.tracks.own_raw if session is not None else None
        return model if model is None or own is None else replace(model, results=own.parent)

    def summary(self) -> tuple[str, bool]:
        """What was done, or that boxes have changed since."""
        text, done = super().summary()
        session = self.controller.session
        if not done or session is None:
            return text, done
        if self._loaded_at is None:
            return LOOKING, False
        if session.revision != self._loaded_at:
            return "● boxes changed since", False
        return (
            (f"● other boxes in {counted(self._n_changed, 'frame')}", False)
            if self._n_changed
            else (text, True)
        )

    def mark_loaded(self) -> None:
        """Also note of which boxes the keypoints are, and find out in how many frames they are not."""
        session = self.controller.session
        if session is not None and session.pose_poses is None:
            self.job_bar.forget()  # they are those of another animal
            self.refresh()
            return
        has_boxes = session is not None and session.has_boxes
        self._loaded_at, self._n_changed = session.revision if session and has_boxes else None, 0
        super().mark_loaded()
        self._find_changes()

    def refresh(self) -> None:
        """Also compare boxes that have come after the keypoints: nobody knows yet whether they fit."""
        self._follow_animal()
        super().refresh()
        session = self.controller.session
        if session is None or not session.has_boxes or not self.done_text:
            return
        if self._loaded_at is not None:
            if session.revision != self._loaded_at and not self.is_open:
                self._compare_later.start()  # what to do after the review depends on it
        else:
            self._find_changes()
            if not self.changed.is_comparing:  # there is nothing to compare with
                self._on_compared()

    def _follow_animal(self) -> None:
        """Show how the step stands for the animal that is current now; read its keypoints if need be."""
        session = self.controller.session
        animal = session.keypoints.animal() if session is not None else ""
        if session is None or animal == self._animal:
            return
        self._animal = animal
        self.changed.forget()
        self.message.clear()
        self.done_text, self._loaded_at, self._n_changed = "", None, 0
        path, file = self.existing(), self.controller.keypoint_files.get(("pose", animal))
        if session.pose_poses is not None:
            if file is None or path is None or file.parent == path.parent:  # no other model
                self.mark_loaded()
        elif animal and path is not None and path.is_file():
            self.use(path)

    def session_changed(self) -> None:
        """Forget the counts of the video before, and a model that came with it."""
        super().session_changed()
        self.drop_proposed()
        self.picker.offer(self.controller.models_near.folders)
        self.changed.forget()
        self._loaded_at, self._n_changed, self._animal = None, 0, ""

    def release(self) -> None:
        """Stop what runs."""
        super().release()
        self._compare_later.stop()
        self.changed.rest()

    def _on_counted(self, count: int) -> None:
        session = self.controller.session
        if session is not None and self.done_text:
            self._loaded_at, self._n_changed = session.revision, count
            self.header.set_state(*self.summary())
            before, session.keypoints.pose_behind = session.keypoints.pose_behind, count
            if before != count:
                self.controller.changed.emit()

    def _on_compared(self) -> None:
        session = self.controller.session
        if session is not None and session.has_boxes and self.done_text and self._loaded_at is None:
            self._loaded_at = session.revision
            self.header.set_state(*self.summary())

    def update_body(self, *_: object) -> None:
        """Offer what is there; run only what can run."""
        self._show_scale()
        session = self.controller.session
        doubts = (told_of_touching(session), doubts_of(session, NO_ANIMAL_IN_POSE)) if session else ()
        self.doubts.setText(" ".join(filter(None, doubts)))
        self.doubts.setVisible(bool(self.doubts.text()))
        for each in (self.offer, self.changed):  # in their places, so that nothing moves
            each.setEnabled(not self.job_bar.is_running)
        if self.job_bar.is_running:
            self.changed.rest()
            return
        self._find_changes()
        path = None if self.done_text else self.existing()
        self.offer.show_file(path, self._remark(path))
        why = self._why_not()
        self.job_bar.run_button.setEnabled(not why)
        self.job_bar.run_button.setToolTip(why)
        again = self.done_text or self.offer.path
        text = "Save boxes and run again" if again else "Save boxes and run pose model"
        self.job_bar.run_button.setText(text)

    def _show_scale(self) -> None:
        """Say how finely the model sees the usual box, beside what the detector sees of the frame."""
        beside = scale_of_detector(self.controller)
        self.picker.show_given(usual_size(self.controller), "box", beside)

    def existing(self) -> Path | None:
        """Where the keypoints lie, or will lie."""
        session, model = self.controller.session, self.model
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
        """Save the review and run the model on the frames whose box has changed since it ran."""
        self.run(only_changed=True)

    def run(self, trust: bool = False, only_changed: bool = False) -> None:
        """Save the review and run the model on what was saved, or run it on the cropped file.

        With ``trust`` it repeats the last request, whose checkpoint a person has just trusted.
        """
        if not trust:
            self._only_changed = only_changed
        if self.controller.session is None or self.model is None or self.job_bar.is_running:
            return
        self.message.clear()
        if self.source.currentData() == MEMORY:
            video = self.controller.session.video.path
            self.save_then(lambda boxes: self._predict(trust, video=video, bbox_csv=boxes))
        else:
            self._predict(trust, video=self.controller.crop_output(), overwrite=True)

    def _predict(self, trust: bool, **args: Any) -> None:
        session, model = self.controller.session, self.model
        assert session is not None
        assert model is not None
        self._stage, self._runs_for = "predict", session.keypoints.animal()
        output = self.existing()
        if session.raw_csv is not None and output is not None:
            boxes = reviewed_csv(session.raw_csv, session.video.path)
            self._in_crop = {"bbox_csv": boxes, "output": output}
        args |= {"model": model.path, "results": model.results, "trust": trust}
        args |= {"only_changed": self._only_changed}
        self.run_stage("predict", args, f"Pose in {session.video.path.name}")

    def use(self, path: Path, animal: str | None = None) -> None:
        """Load keypoints in a thread, for the current animal or another."""
        session = self.controller.session
        if session is not None:
            self.message.clear()
            done, failed = self.on_loaded, self.on_load_failed
            self.controller.load_predictions("pose", path, done, failed, animal)

    def _find_changes(self) -> None:
        session, model, path = self.controller.session, self.model, self.existing()
        in_memory = self.source.currentData() == MEMORY
        if session is None or model is None or path is None or not in_memory or not session.has_boxes:
            self.changed.forget()
            return
        self.changed.compare(session, model, path)

    def _compare_folded(self) -> None:
        if not self.is_open and not self.job_bar.is_running:
            self._find_changes()

    def _why_not(self) -> str:
        if self.model is None:
            return "Choose a model folder first."
        crop = self.controller.crop_output()
        if self.source.currentData() == CROPPED and not (crop and crop.is_file()):
            return "Crop the video first."
        return ""

    def _remark(self, path: Path | None) -> str:
        session = self.controller.session
        if path is None or not path.is_file() or session is None or session.raw_csv is None:
            return ""
        boxes = reviewed_csv(session.raw_csv, session.video.path)
        is_older = boxes.is_file() and path.stat().st_mtime < boxes.stat().st_mtime
        return ", older than the saved boxes" if is_older else ""

    def on_done(self, result: dict[str, Any]) -> None:
        """Put keypoints of the cropped file back into the frame; show those of the frame."""
        path = Path(result["predictions"])
        if self.controller.session is None:
            return
        if "how" in result:
            self.picker.show_runtime(result["how"])
        if self._stage == "predict" and self.source.currentData() == CROPPED:
            self._stage = "remap"
            self.run_stage("remap", {"preds": path, **self._in_crop}, "Putting keypoints back")
            return
        self.use(path, self._runs_for)
        if self._only_changed:
            said, runs, _ = str(result.get("note", "")).partition("; only ")  # as it began
            self.message.show_info(f"{said}; the others were kept." if runs else said)


def told_of_touching(session: Session) -> str:
    """How many suspects the pose has made, and the way on; empty if none."""
    left, _ = session.suspects.entries() if session.suspects.is_inspected else ((), ())
    count = sum(TOUCHES in each.reasons for each in left)
    if not count:
        return ""
    return f"In {counted(count, 'place')} the pose touches the edge of the box: see step Review."
