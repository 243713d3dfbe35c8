"""What is to be run on the selected videos of a project: models, last step and settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cropzoom.batch.inputs import BatchVideo, check_results
from napari_cropzoom.batch.parts import CROP, POSE
from napari_cropzoom.batch.settings import BOXES
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.sizing import SizingSettings
from napari_cropzoom.core.words import counted
from napari_cropzoom.files.atomic import check_writable
from napari_cropzoom.files.review_paths import remember_results, results_of
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import DETECTOR
from napari_cropzoom.projects.models import POSE as POSE_MODEL
from napari_cropzoom.widgets.controls import (
    Message,
    PathLabel,
    button,
    choice,
    note,
    row,
)
from napari_cropzoom.widgets.projects.model_choice import ModelChoice
from napari_cropzoom.widgets.projects.run_job import ProjectRun
from napari_cropzoom.widgets.steps.parts.counting import count_frames
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar
from napari_cropzoom.widgets.steps.parts.model_picker import ask_trust
from napari_cropzoom.widgets.window.scrolling import Scrolling

UNTIL = {POSE: "Pose", CROP: "Cropped videos", BOXES: "Boxes"}
HELP = (
    "Detector, boxes, smoothing and pose on each selected video. Reviewed boxes are taken as they are; "
    "what is up to date does not run again."
)
NO_DETECTOR = "Choose a detector first, from its list or with Browse…"
NO_POSE = "Choose a pose model first, from its list or with Browse…, or run up to Boxes."
NO_VIDEOS = "Select videos in the tab Videos first."
TABLE = "batch.csv"
WINDOW, LIMIT = 5, 5.0  # frames; percent


class RunForm(QWidget):
    """Settings and the button, with progress below.

    Object names: ``projects_detector``, ``projects_detector_browse``, ``projects_pose``,
    ``projects_pose_browse``, ``projects_until``, ``projects_ratio``,
    ``projects_window``, ``projects_leave``, ``projects_limit``, ``projects_pixels``, ``projects_crop``,
    ``projects_labeled``, ``projects_scheduler``, ``projects_results``, ``projects_results_usual``,
    ``projects_results_path``, ``projects_run_run``, ``projects_run_cancel``, ``projects_run_progress``,
    ``projects_run_status``, ``projects_run_why`` and ``projects_run_message``.

    Attributes
    ----------
    run : ProjectRun
    ask : callable
        Asks whether to trust a checkpoint: (parent, message) -> bool.
    results_changed : Signal
        Results are to lie in another folder.
    """

    results_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._project: Project | None = None
        self._videos: list[Path] = []
        self.ask = ask_trust
        self._lay_out()
        self.run = ProjectRun(self.bar, lambda message: self.ask(self, message))
        self.run.ended.connect(self._on_ended)
        self._show()

    def show_project(self, project: Project) -> None:
        """Offer the models of a project, and those chosen before."""
        is_other = self._project is None or self._project.data_dir != project.data_dir
        self._project = project
        usable = [model for model in project.models if model.is_ready]
        whole = [model for model in usable if model.kind != POSE_MODEL]
        whole.sort(key=lambda model: model.kind != DETECTOR)
        usable.sort(key=lambda model: model.kind != POSE_MODEL)
        self.detector.show_models(whole, is_other=is_other)
        self.pose.show_models(usable, is_other=is_other)
        self.results_label.set_path(results_of(project.data_dir))
        self._show()

    def show_videos(self, videos: Sequence[Path]) -> None:
        """Take other videos to work on."""
        self._videos = list(videos)
        self._show()

    def settings(self) -> dict[str, Any]:
        """What is chosen, see :func:`napari_cropzoom.batch.settings.settings_of`."""
        return {
            "until": self.until.currentData(),
            "sizing": {"crop_ratio": round(self.ratio.value(), 2)},
            "window": self.window_size.value(),
            "review_above": self.limit.value() / 100 if self.leave.isChecked() else None,
            "pixels": self.pixels.isChecked(),
            "crop": self.crop.isChecked(),
            "labeled_video": self.labeled.isChecked(),
        }

    def start(self) -> None:
        """Run on the selected videos."""
        project, detector = self._project, self.detector.path
        if project is None or detector is None or not self._videos:
            return
        self.message.clear()
        until = self.until.currentData()
        pose = None if until != POSE else self.pose.path
        own = results_of(project.data_dir)
        places = [
            BatchVideo(video, results_of(video) or project.results_of(video)) for video in self._videos
        ]
        table = (own or pose or detector) / TABLE
        try:
            check_results(places)
        except CropzoomError as error:
            here = "Choose a results folder below: results then keep their folders apart."
            self.message.show_error(f"{str(error).split(' Give ')[0]} {here}")
            return
        try:
            for folder in {table.parent, *(place.results or detector for place in places)}:
                check_writable(folder / TABLE)
        except CropzoomError as error:
            self.message.show_error(f"{error} Nothing was run: choose a results folder below.")
            return
        self.run.start(places, detector, pose, self.settings(), table, self.scheduler.text().strip())
        self._show()

    def release(self) -> None:
        """Stop what runs, and end the process."""
        self.run.release()

    # ---- inside --------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.detector = ModelChoice("Detector", "projects_detector", "Finds the animal in whole frames")
        self.pose = ModelChoice("Pose model", "projects_pose", "Finds keypoints inside the boxes")
        self.until = choice("projects_until", "The last step that is done", UNTIL)
        self.ratio = QDoubleSpinBox()
        self.ratio.setObjectName("projects_ratio")
        self.ratio.setRange(1.05, 20)
        self.ratio.setSingleStep(0.1)
        self.ratio.setValue(SizingSettings().crop_ratio or 2.0)
        self.ratio.setToolTip("Side of new boxes, in spans of the detector's keypoints")
        self.window_size = QSpinBox()
        self.window_size.setObjectName("projects_window")
        self.window_size.setRange(1, 501)
        self.window_size.setValue(WINDOW)
        count_frames(self.window_size)
        self.window_size.setToolTip("Median that smooths detected boxes, 1 for none; reviewed ones stay")
        self.leave = QCheckBox("Leave for review above")
        self.leave.setObjectName("projects_leave")
        self.leave.setChecked(True)
        self.leave.setToolTip("No pose is found while more of the frames lie in suspects: review first")
        self.limit = QDoubleSpinBox()
        self.limit.setObjectName("projects_limit")
        self.limit.setRange(0, 100)
        self.limit.setDecimals(1)
        self.limit.setValue(LIMIT)
        self.limit.setSuffix(" %")
        self.limit.setToolTip("Share of the frames that lie in suspects")
        self.pixels = QCheckBox("Look at the pixels for suspects")
        self.pixels.setObjectName("projects_pixels")
        self.pixels.setChecked(True)
        self.crop = QCheckBox("Write cropped videos too")
        self.crop.setObjectName("projects_crop")
        self.labeled = QCheckBox("Write labeled videos too")
        self.labeled.setObjectName("projects_labeled")
        self.labeled.setToolTip("Videos with the keypoints drawn, as litpose writes them")
        self.scheduler = QLineEdit()
        self.scheduler.setObjectName("projects_scheduler")
        self.scheduler.setPlaceholderText("this computer")
        self.scheduler.setToolTip(
            "Address of a running Dask scheduler, such as tcp://node1:8786: its workers do the work, and "
            "see videos and models under the same paths"
        )
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        for model in (self.detector, self.pose):
            form.addRow(model)
        for title, widget in (
            ("Up to", self.until),
            ("Crop ratio", self.ratio),
            ("Smooth", self.window_size),
        ):
            form.addRow(title, widget)
        form.addRow(row(self.leave, self.limit, stretch=0))
        for box in (self.pixels, self.crop, self.labeled):
            form.addRow(box)
        form.addRow("Scheduler", self.scheduler)
        self.results_button = button(
            "Results folder…", "projects_results", "Have results in a folder of their own"
        )
        self.usual_button = button("Usual", "projects_results_usual", "Have results with the models")
        self.results_label = PathLabel()
        self.results_label.setObjectName("projects_results_path")
        self.why = note("", "projects_run_why")
        self.bar = JobBar("projects_run", "Run")
        self.message = Message()
        self.message.setObjectName("projects_run_message")
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 4, 6, 2)
        column.addWidget(note(HELP))
        column.addLayout(form)
        column.addLayout(row(self.results_button, self.usual_button, self.results_label, stretch=2))
        column.addStretch(1)
        scroll = Scrolling(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(scroll, 1)
        for widget in (self.why, self.bar, self.message):
            layout.addWidget(widget)
        self.bar.run_clicked.connect(self.start)
        for model in (self.detector, self.pose):
            model.changed.connect(self._on_model)
            model.refused.connect(lambda error: self.message.show_error(str(error)))
        self.until.currentIndexChanged.connect(self._show)
        self.leave.toggled.connect(self._show)
        self.results_button.clicked.connect(self._browse)
        self.usual_button.clicked.connect(lambda: self.take_results(None))

    def take_results(self, folder: Path | None) -> None:
        """Have what is made of the project's videos in a folder; None for the usual places."""
        if self._project is not None:
            remember_results(self._project.data_dir, folder)
            self.results_label.set_path(folder)
            self._show()
            self.results_changed.emit()

    def _browse(self) -> None:
        start = "" if self._project is None else str(self._project.data_dir)
        folder = QFileDialog.getExistingDirectory(self, "Folder for results", start)
        if folder:
            self.take_results(Path(folder))

    def _on_model(self) -> None:
        self.message.clear()
        self._show()

    def _show(self) -> None:
        """Show what can be run, and what a choice leaves without meaning."""
        is_pose = self.until.currentData() == POSE
        for widget in (self.pose, self.crop, self.labeled):
            widget.setEnabled(is_pose)
        self.limit.setEnabled(self.leave.isChecked())
        self.usual_button.setVisible(self.results_label.path is not None)
        if self.results_label.path is None:
            self.results_label.setText("with the models")
        missing = self._missing()
        self.bar.run_button.setText(f"Run on {counted(len(self._videos), 'video')}")
        self.bar.run_button.setEnabled(not missing and not self.run_is_on)
        self.bar.run_button.setToolTip(missing or HELP)
        self.why.setText(missing)
        self.why.setVisible(bool(missing) and not self.run_is_on)

    @property
    def run_is_on(self) -> bool:
        """Whether a run is under way."""
        return self.bar.is_running

    def _missing(self) -> str:
        if self.detector.path is None:
            return NO_DETECTOR
        if self.until.currentData() == POSE and self.pose.path is None:
            return NO_POSE
        return "" if self._videos else NO_VIDEOS

    def _on_ended(self, said: str, has_failed: bool) -> None:
        (self.message.show_warning if has_failed else self.message.show_info)(said)
        self._show()
