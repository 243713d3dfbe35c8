"""The dock *Training*: the steps from labeled images to a pose model on crops.

Object names: ``training_project``, ``training_path``, ``training_labels``, ``training_missing``,
``training_tabs``, ``training_message``, ``training_job_cancel``, ``training_job_progress``,
``training_job_status``; those of the tabs are in their modules. The file dialog has a way round it:
``dock.open_project(folder)``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.training.pixel_errors import errors_file
from napari_cropzoom.jobs import Job, Latest, Worker
from napari_cropzoom.projects import stages
from napari_cropzoom.projects.review_labels.record import without_review
from napari_cropzoom.projects.training_state import (
    ProjectTraining,
    TrainingState,
    models_folder,
    trained_again,
)
from napari_cropzoom.widgets.controls import (
    Message,
    PathLabel,
    button,
    choice,
    delayed,
    note,
    row,
    silent,
)
from napari_cropzoom.widgets.projects.project_dock import ProjectDock
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar
from napari_cropzoom.widgets.steps.parts.model_picker import ask_trust, is_about_trust
from napari_cropzoom.widgets.training.errors import ComparePage, ErrorsPage
from napari_cropzoom.widgets.training.form import TrainForm
from napari_cropzoom.widgets.training.improved import ImprovedPage
from napari_cropzoom.widgets.training.labels import LabelsPage
from napari_cropzoom.widgets.training.lines import (
    BOXES,
    COMPARE,
    CROP,
    IMPROVE,
    LOOK,
    OLD_AND_NEW,
    PREDICT,
    REVIEW,
    TRAIN_AGAIN,
    TRAIN_DETECTOR,
    TRAIN_POSE,
    StepLines,
)
from napari_cropzoom.widgets.training.opening import LabelsOpener
from napari_cropzoom.widgets.training.progress import ProgressPage
from napari_cropzoom.widgets.window.scrolling import Scrolling
from napari_cropzoom.widgets.window.second_press import SecondPress

if TYPE_CHECKING:
    import napari.viewer

EMPTY = (
    "Open the folder of a project with labeled images (CollectedData.csv). The steps lead from them to a "
    "detector, reviewed boxes, and a pose model on the crops."
)
NO_LABELS = (
    "This folder has no label table, such as CollectedData.csv: where the keypoints are in single frames "
    "(set by hand). Label frames in Lightning Pose's app, which writes one; then train a detector here. "
    "Later step Improve the detector adds frames that you have corrected."
)
TRAININGS = TRAIN_DETECTOR, TRAIN_POSE, TRAIN_AGAIN
"""In the order of the form."""
CANCELLED = {
    IMPROVE: "no labels were made",
    OLD_AND_NEW: "nothing was compared; keypoints found by then are kept",
}
STEPS, TRAIN, PROGRESS, ERRORS, COMPARISON, LABELS, IMPROVED = range(7)


class TrainingDock(ProjectDock):
    """The steps of a training, each by a button, with what there is of it.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Whose *Cropzoom* dock shows the labeled images.

    Attributes
    ----------
    project : Project or None
    state : TrainingState
    lines, form, progress, errors, compare, looked : QWidget
        The tabs.
    opener : LabelsOpener
    ask : callable
        Asks whether to trust a checkpoint: (parent, message) -> bool.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setObjectName("training_dock")
        self.setWindowTitle("Training")
        self.ask = ask_trust
        self.state = TrainingState()
        self._configs: tuple[Path, ...] = ()
        self._worker: Worker | None = None
        self._asked = ""
        self._trained: Path | None = None
        self._reading = Latest(self._on_project, self._on_failed)
        self._looking = Latest(self._on_state, self._on_failed)
        self._look_later = delayed(self, self._look, 100)
        self._again_later = delayed(self, self.read_again, 100)
        self.looked = LabelsPage(napari_viewer)
        self._lay_out()
        SecondPress(self).watch(self)
        self.opener = LabelsOpener(napari_viewer, self)
        self.opener.failed.connect(self._on_failed)
        self.opener.saved.connect(lambda _: self._look_later.start())
        self._show_state()

    # ---- for a person and for scripts ----------------------------------------------------------

    def open_project(self, folder: Path) -> None:
        """Read a project in a thread, and show how far its training is."""
        self.looked.stop()
        for tab in (LABELS, IMPROVED):
            self.tabs.setTabVisible(tab, False)  # they make the others narrow
        super().open_project(folder)

    @property
    def labels(self) -> Path | None:
        """The labels file that is chosen."""
        chosen = self.labels_choice.currentData()
        return Path(chosen) if chosen else None

    @property
    def detector(self) -> Path | None:
        """The detector that is chosen."""
        chosen = self.lines.detector.currentData()
        return Path(chosen) if chosen else None

    @property
    def pose(self) -> Path | None:
        """The pose model that is chosen."""
        chosen = self.lines.pose.currentData()
        return Path(chosen) if chosen else None

    def do(self, step: str, trust: bool = False) -> None:
        """Do a step, or show the tab that asks what is needed for it."""
        self.message.clear()
        if step in TRAININGS:
            self.form.show_what(TRAININGS.index(step))
            self.tabs.setCurrentIndex(TRAIN)
        elif step == REVIEW:
            self.open_labels()
        elif step == LOOK:
            self.look_at_labels()
        else:
            self._run(step, trust)

    def open_labels(self, image: str | None = None, model: Path | None = None) -> None:
        """Show the labeled images with the detector's boxes, at the worst suspect or an image."""
        labels = self.labels
        if labels is None:
            return
        self.message.clear()
        pose = self.pose
        if model is not None and model != self.detector:
            pose = model
        self.opener.open(labels, self.detector, pose, image)

    def look_at_labels(self) -> None:
        """Show the labels made by review, to be corrected, accepted or rejected."""
        labels = self.labels
        if labels is not None:
            self.tabs.setTabVisible(LABELS, True)
            self.tabs.setCurrentIndex(LABELS)
            self.looked.open(without_review(labels))

    def close_project(self) -> None:
        """Let go of everything that runs here; trainings go on."""
        for latest in (self._reading, self._looking):
            latest.drop()
        for timer in (self._look_later, self._again_later):
            timer.stop()
        for part in (self.form, self.progress, self.errors, self.job):
            part.release()
        self.opener.drop()
        self.looked.stop()
        if self._worker is not None:
            self._worker.close()
            self._worker.deleteLater()
            self._worker = None
        super().close_project()

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.open_button = button("Open project…", "training_project", "A folder with labeled images")
        self.path_label = PathLabel()
        self.path_label.setObjectName("training_path")
        self.empty = note(EMPTY, "training_empty")
        self.labels_choice = choice("training_labels", "The table of labeled images")
        self.missing = note(NO_LABELS, "training_missing")
        self.lines, self.form, self.progress = StepLines(), TrainForm(), ProgressPage()
        self.errors, self.compare, self.improved = ErrorsPage(), ComparePage(), ImprovedPage()
        scroll = Scrolling(self.lines)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("training_tabs")
        for page, title in (
            (scroll, "Steps"),
            (self.form, "Train"),
            (self.progress, "Progress"),
            (self.errors, "Errors"),
            (self.compare, "Compare"),
            (self.looked, "Labels"),
            (self.improved, "Old/new"),
        ):
            self.tabs.addTab(page, title)
        for tab in (LABELS, IMPROVED):
            self.tabs.setTabVisible(tab, False)
        self.job = JobBar("training_job", "Run", is_flat=True)
        self.job.run_button.hide()
        self.message = Message()
        self.message.setObjectName("training_message")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addLayout(row(self.open_button, self.path_label, stretch=1))
        for widget in (self.empty, self.missing, self.labels_choice):
            layout.addWidget(widget)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.job)
        layout.addWidget(self.message)
        layout.addStretch(0)
        self.open_button.clicked.connect(self.browse)
        self.labels_choice.currentIndexChanged.connect(self._on_labels)
        self.lines.asked.connect(self.do)
        self.lines.chosen.connect(self._on_models)
        self.form.started.connect(self._on_started)
        self.progress.ended.connect(self._on_training_ended)
        self.looked.changed.connect(self._on_looked)
        self.errors.image_asked.connect(self.open_labels)
        self.job.done.connect(self._on_done)
        self.job.failed.connect(self._on_job_failed)
        self.job.ended.connect(self._on_job_ended)

    def _run(self, step: str, trust: bool) -> None:
        labels, detector = self.labels, self.detector
        if labels is None or detector is None or self.job.is_running:
            return
        self.message.clear()
        stage, title = {
            PREDICT: (stages.PREDICT, "Predicting labeled images"),
            BOXES: (stages.BOXES, "Making boxes"),
            CROP: (stages.CROP, "Cropping labeled images"),
            COMPARE: (stages.EVALUATE, "Comparing"),
            IMPROVE: (stages.IMPROVE, "Making labels"),
            OLD_AND_NEW: (stages.OLD_AND_NEW, "Comparing detectors"),
        }[step]
        args: dict[str, Any] = {"labels": str(labels), "model": str(detector), "trust": trust}
        if step in (BOXES, COMPARE):
            args["crop_ratio"] = round(self.lines.ratio.value(), 2)
        if step in (COMPARE, IMPROVE):
            args |= {"detector": str(detector), "pose": str(self.pose)}
        if step in (IMPROVE, OLD_AND_NEW) and self.project is not None:
            args |= {"project": str(self.project.data_dir), "labels": str(without_review(labels))}
        if step == OLD_AND_NEW and self.state.pair is not None:
            old, new = self.state.pair
            args |= {"old": str(old), "new": str(new)}
        if self._worker is None:
            self._worker = Worker(self, options=("--stages", stages.NAME))
        self._asked = step
        self.job.written = CANCELLED.get(step, "")
        self.job.show_job(self._worker.start(stage, args), title)
        self._show_state()

    def _on_done(self, result: dict[str, Any]) -> None:
        if self._asked == COMPARE:
            self.compare.show_result(result)
            self.tabs.setCurrentIndex(COMPARISON)
            return
        said = str(result.get("note") or "")
        if self._asked == OLD_AND_NEW:
            self.improved.show_result(result)
            self.tabs.setTabVisible(IMPROVED, True)
            self.tabs.setCurrentIndex(IMPROVED)
            self.lines.choose_detector(Path(result["better"]))
            return
        if added := result.get("added"):
            self._again_later.start()  # there is a new table of labels
            said = f"Labels made for {counted(added, 'image')}. Look at them in step 9. {said}".strip()
        if missing := result.get("missing"):
            said = f"{counted(missing, 'image')} without a box: draw one in the review. {said}".strip()
        self.message.show_info(said)

    def _on_job_ended(self) -> None:
        """Keep what the bar says of a job that was cancelled; it goes."""
        if said := self.job.status.text():
            self.message.show_info(said)
            self.job.forget()
        self._look_later.start()

    def _on_job_failed(self, job: Job, message: str) -> None:
        if is_about_trust(job) and self.ask(self, message):
            self._run(self._asked, True)
            return
        self.message.show_error(message)

    def _on_project(self, found: ProjectTraining) -> None:
        project, self._configs = found.project, found.configs
        self.take_project(project)
        before = self.labels_choice.currentData()
        with silent([self.labels_choice]):
            self.labels_choice.clear()
            for each in project.labels:
                text = f"{each.path.name}  ({counted(each.n_images, 'image')})"
                self.labels_choice.addItem(text, str(each.path))
            self.labels_choice.setCurrentIndex(
                max(self.labels_choice.findData(before), 0) if project.labels else -1
            )
        self.lines.show_models(project.models)
        self.errors.show_models(found.with_errors)
        self._on_labels()
        self._show_state()
        folder, self._trained = self._trained, None
        if folder is not None:
            self._tell_trained(folder)

    def _read(self, folder: Path) -> None:
        self._reading.request(ProjectTraining.read, folder)

    def _look_again(self) -> None:
        self._look_later.start()

    def _on_labels(self) -> None:
        if self.project is not None:
            self.form.show_project(self.labels, models_folder(self.project), self._configs)
        self._look_later.start()

    def _on_models(self) -> None:
        self.form.show_detector(self.detector)
        self._look_later.start()

    def _look(self) -> None:
        if self.project is not None:
            self._looking.request(TrainingState.read, self.project, self.labels, self.detector)

    def _on_state(self, state: TrainingState) -> None:
        self.state = state
        trained = [] if self.project is None else [m.path for m in self.project.models if m.training]
        self.progress.show_trainings(trained, state.running)
        self._show_state()

    def _on_looked(self) -> None:
        """The table to train on is another."""
        self._look_later.start()
        self.form.show_detector(self.detector)  # which has it check again

    def _on_started(self, folder: Path) -> None:
        self.progress.watch(folder)
        self.tabs.setCurrentIndex(PROGRESS)
        self._again_later.start()

    def _on_training_ended(self, folder: Path) -> None:
        """Read the project again, and say then what came of it."""
        self._trained = folder
        self._again_later.start()

    def _tell_trained(self, folder: Path) -> None:
        """Say how good a model is that has just been trained, or what it is to be compared with."""
        old = None if self.project is None else trained_again(self.project, folder)
        if old is not None and self.lines.detector.findData(str(old)) >= 0:
            if self.detector != folder:
                self.lines.choose_detector(old)
            self.message.show_info(f"Compare {folder.name} with {old.name} now, in step 11.")
        elif errors_file(folder) is not None:
            self.message.show_info(f"{folder.name} is trained. Tab Errors shows how good it is.")

    def _show_state(self) -> None:
        has_project = self.project is not None
        self.empty.setVisible(not has_project)
        self.tabs.setVisible(has_project)
        self.job.setVisible(self.job.is_running)
        self.labels_choice.setVisible(has_project and self.labels_choice.count() > 0)
        self.missing.setVisible(has_project and self.labels is None)
        self.lines.setEnabled(self.labels is not None)
        self.lines.show_state(self.state, self.labels is not None, self.job.is_running)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.setStretch(layout.count() - 1, 0 if has_project else 1)
