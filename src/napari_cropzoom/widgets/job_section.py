"""What the steps that run a stage have in common: the job's row, its end, saving before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_cropzoom.jobs import Job
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.widgets.bench import Bench, OnDone
from napari_cropzoom.widgets.job_bar import JobBar
from napari_cropzoom.widgets.model_run import ask_trust, is_about_trust
from napari_cropzoom.widgets.section import Section


class JobSection(Section):
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

    def __init__(self, bench: Bench, number: int) -> None:
        self.done_text = ""
        self.ask = ask_trust
        super().__init__(bench, number)

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

    def summary(self) -> tuple[str, bool]:
        """What was done."""
        if self.job_bar.is_running:
            return "running …", False
        return self.done_text, bool(self.done_text)

    def session_changed(self) -> None:
        """A job on another video goes on no longer."""
        super().session_changed()
        self.job_bar.let_go()
        self.done_text = ""

    def let_go(self) -> None:
        """Stop without a word."""
        self.job_bar.let_go()

    def save_then(self, start: Callable[[Path], None]) -> None:
        """Write the review in a thread, then go on with the CSV of the final boxes."""
        self.job_bar.wait("Saving the boxes …")
        self.refresh()

        def saved(path: Path) -> None:
            if self.job_bar.is_waiting:
                self.job_bar.let_go()
                start(path)

        self.bench.save(saved, self._on_save_failed)

    def follow(self, stage: str, args: dict[str, Any], title: str) -> None:
        """Queue a stage and show its progress."""
        self.job_bar.follow(self.bench.start(stage, args), title)
        self.refresh()

    def finish(self, text: str) -> None:
        """Say that the step is done, to the person and to the dock."""
        self.done_text = text
        self.refresh()
        self.finished.emit()

    def _on_save_failed(self, error: Exception) -> None:
        self.job_bar.let_go()
        self.refresh()
        self.show_error(error)

    def _on_failed(self, job: Job, message: str) -> None:
        if is_about_trust(job) and self.ask(self, message):
            self._run(trust=True)
            return
        self.message.show_error(message)
        self.refresh()


class ModelSection(JobSection):
    """A step that runs a Lightning Pose model, or takes what it predicted before."""

    model: ModelFolder | None = None

    def mark_loaded(self) -> None:
        """Take note that the chosen model's keypoints have been loaded."""
        model = self.model
        count = len(model.keypoint_names) if model else 0
        self.done_text = f"{model.path.name} · {count} keypoints" if model else "loaded"
        self.refresh()

    def on_loaded(self, _path: Path) -> None:
        """Keypoints have been read."""
        self.mark_loaded()
        self.finished.emit()

    def on_load_failed(self, error: Exception) -> None:
        """Keypoints or boxes could not be read."""
        self.update_body()
        self.show_error(error)

    def take_model(self, model: ModelFolder) -> None:
        """Use a model folder that was chosen."""
        self.message.clear()
        self.done_text = ""
        self.model = model
        setattr(self.bench, "detector" if self.key == "detect" else "pose", model)
        self.bench.changed.emit()
