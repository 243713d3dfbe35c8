"""What the steps that run a stage of the worker have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.inspection.posed import told_of_others
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.jobs import Job
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller, OnDone
from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar
from napari_cropzoom.widgets.steps.parts.model_picker import ModelPicker, ask_trust, is_about_trust


class JobStep(Step):
    """A step that runs a stage in the worker's process.

    A subclass calls :meth:`add_job_bar` in ``build``.

    Attributes
    ----------
    job_bar : JobBar
    done_text : str
        What the step's line says once it is done; empty before.
    ask : callable
        Asks a person whether to trust a checkpoint: (parent, message) -> bool.
    """

    job_bar: JobBar

    def __init__(self, controller: Controller, number: int) -> None:
        self.done_text = ""
        self.ask = ask_trust
        super().__init__(controller, number)

    def add_job_bar(self, text: str, run: Callable[..., None], on_done: OnDone) -> None:
        """Make the row with the run button.

        ``run`` starts the stage and takes ``trust``; ``on_done`` takes what the stage returned.
        """
        self._run = run
        self.job_bar = JobBar(self.key, text)
        self.form.addWidget(self.job_bar)
        self.job_bar.run_clicked.connect(run)
        self.job_bar.done.connect(on_done)
        self.job_bar.failed.connect(self._on_failed)
        self.job_bar.status_changed.connect(self._on_status)

    def summary(self) -> tuple[str, bool]:
        """What was done."""
        if self.job_bar.is_running:
            return self.job_bar.short, False
        return self.done_text, bool(self.done_text)

    def session_changed(self) -> None:
        """Stop a job that runs on the video before."""
        super().session_changed()
        self.job_bar.release()
        self.job_bar.forget()
        self.done_text = ""

    def release(self) -> None:
        """Stop the job without a message."""
        self.job_bar.release()

    def set_open(self, is_open: bool) -> None:
        """What was said of a job that was cancelled goes with the step that a person leaves."""
        if self.is_open and not is_open:
            self.job_bar.forget()
        super().set_open(is_open)

    def save_then(self, start: Callable[[Path], None]) -> None:
        """Write the review in a thread, then go on with the CSV of the final boxes."""
        self.job_bar.written = "the boxes were saved, nothing else was written"
        self.job_bar.wait("Saving the boxes …")
        self.refresh()

        session = self.controller.session
        animal = session.current if session is not None else ""

        def saved(path: Path) -> None:
            if not self.job_bar.is_waiting:
                return
            self.job_bar.release()
            if session is not None and session.current != animal:  # its boxes are not those of ``path``
                self.message.show_info(OTHER_ANIMAL)
                self.refresh()
            else:
                start(path)

        self.controller.save(saved, self._on_save_failed)

    def run_stage(self, stage: str, args: dict[str, Any], title: str) -> None:
        """Queue a stage and show its progress."""
        if "bbox_csv" not in args:  # nothing was saved before it
            self.job_bar.written = ""
        self.job_bar.show_job(self.controller.start(stage, args), title)
        self.refresh()

    def finish(self, text: str) -> None:
        """Say that the step is done, to the person and to the dock."""
        self.done_text = text
        self.job_bar.forget()
        self.refresh()
        self.finished.emit()

    def _on_edited(self) -> None:
        """What was said of a run was said of the boxes before."""
        super()._on_edited()
        if self.needs is Needs.BOXES:
            self.message.clear()

    def _on_status(self) -> None:
        """Show in the line of the step how far the job is, or how the step stands once it has ended."""
        text, done = self.summary()
        self.header.set_state(text, done and not self.missing())

    def _on_save_failed(self, error: Exception) -> None:
        self.job_bar.release()
        self.refresh()
        self.show_error(error)

    def _on_failed(self, job: Job, message: str) -> None:
        if is_about_trust(job) and self.ask(self, message):
            self._run(trust=True)
            return
        self.message.show_error(message)
        self.refresh()


class ModelStep(JobStep):
    """A step that runs a Lightning Pose model, or takes what it predicted before.

    Attributes
    ----------
    role : str
        Attribute of the controller that keeps the chosen model.
    """

    role: ClassVar[Literal["detector", "pose"]]
    picker: ModelPicker

    def __init__(self, controller: Controller, number: int) -> None:
        self._is_proposed = False  # the model is that of the video's project or of the sample
        super().__init__(controller, number)

    @property
    def model(self) -> ModelFolder | None:
        """The chosen model; its results lie where the controller says."""
        found: ModelFolder | None = getattr(self.controller, self.role)
        return found

    def propose_model(self, model: ModelFolder | Path) -> None:
        """Take a model that no person has chosen: it goes with the video."""
        if isinstance(model, Path):
            self.picker.choose(model)
        else:
            self.picker.show_model(model)
            self.take_model(model)
        self._is_proposed = self.model is not None

    def drop_proposed(self) -> None:
        """Have no model rather than one that belonged to the video before."""
        if self._is_proposed:
            self._is_proposed = False
            setattr(self.controller, self.role, None)
            self.picker.show_model(None)

    def mark_loaded(self) -> None:
        """Show that the keypoints of the chosen model are loaded."""
        self.job_bar.forget()
        model = self.model
        count = len(model.keypoint_names) if model else 0
        self.done_text = f"{model.path.name} · {counted(count, 'keypoint')}" if model else "loaded"
        self.refresh()

    def on_loaded(self, said: str) -> None:
        """Keypoints have been read; ``said`` is what a person should know of them."""
        self.mark_loaded()
        if said:
            self.message.show_info(said)
        self.finished.emit()

    def on_load_failed(self, error: Exception) -> None:
        """Keypoints or boxes could not be read."""
        self.update_body()
        self.show_error(error)

    def take_model(self, model: ModelFolder) -> None:
        """Use a model folder that was chosen."""
        self._is_proposed = False
        self.message.clear()
        self.job_bar.forget()
        self.done_text = ""
        self.controller.chosen.add(self.role)
        setattr(self.controller, self.role, replace(model, results=self.controller.results))
        self.controller.changed.emit()


OTHER_ANIMAL = "Nothing was run: you went to another animal meanwhile. The boxes are saved."
NO_ANIMAL_IN_CROP = "the crop shows the place where it would be"
NO_ANIMAL_IN_POSE = "no keypoints there"


def doubts_of(session: Session, no_animal: str) -> str:
    """What a person should know of the boxes before they are used, in sentences; empty if nothing.

    ``no_animal`` says what becomes of frames without an animal.
    """
    said = [told_of_gaps(session, no_animal)]
    left, _ = session.suspects.entries() if session.suspects.is_inspected else ((), ())
    if left:
        said.append(f"{counted(len(left), 'suspect')} not reviewed.")
    return " ".join(filter(None, (*said, told_of_smoothing(session))))


def told_of_gaps(session: Session, no_animal: str) -> str:
    """How many frames of the current track have no box, and what the files have there; empty if none."""
    track, said = session.track, []
    absent = int(np.count_nonzero(track.source == Source.ABSENT))
    gaps = track.n_missing - absent
    if gaps:
        said.append(f"{gaps} of {counted(session.n_frames, 'frame')} have no box; theirs are filled.")
    if absent:
        said.append(f"{counted(absent, 'frame')} without an animal: {no_animal}.")
    return " ".join(said)


def told_of_pose(session: Session, cure: str = "Run step Pose first.") -> str:
    """A line for what is made of keypoints: that boxes have changed since; empty where none has."""
    count = session.keypoints.pose_behind if session.keypoints.get("pose") is not None else 0
    told = told_of_others(count, session.n_frames)
    return told and f"{told} {cure}"


def told_of_smoothing(session: Session) -> str:
    """A line for the steps that take the smoothed boxes; empty where smoothing does what it is for."""
    smoothed = session.tracks.entry.smoothed
    said = []
    if smoothed.n_left:
        said.append(
            f"⚠ In {counted(smoothed.n_left, 'frame')} the smoothed box leaves the animal or cuts it "
            "off: choose a smaller window in step Smooth."
        )
    if smoothed.shake is not None and smoothed.shake.is_worse:
        said.append(f"⚠ Smoothed, the boxes shake more: jitter {smoothed.shake}. See step Smooth.")
    return " ".join(said)
