"""How far the steps of a training are, by what is on disk; and the configurations of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.training.pixel_errors import errors_file
from napari_cropzoom.engine.training.status import TrainingStatus
from napari_cropzoom.files.bbox_csv import read_labeled_bbox
from napari_cropzoom.files.names import real_path
from napari_cropzoom.files.parsing import read_json, read_yaml
from napari_cropzoom.files.review_paths import reviewed_csv
from napari_cropzoom.projects.label_images import raw_boxes_of
from napari_cropzoom.projects.layout import PROJECT_FILE, Project
from napari_cropzoom.projects.models import ModelState
from napari_cropzoom.projects.review_labels.improving import COMPARED, trained_on_from
from napari_cropzoom.projects.review_labels.label_review import count_labels
from napari_cropzoom.projects.review_labels.record import without_review

MOST_CONFIGS = 60


@dataclass(frozen=True)
class StepState:
    """One step: what there is of it in a few words, whether it is done, and what is out of date."""

    text: str = ""
    is_done: bool = False
    outdated: str = ""

    def told(self) -> str:
        """For the line of the step."""
        return "; ".join(filter(None, (self.text, self.outdated)))


@dataclass(frozen=True)
class TrainingState:
    """How far each step is.

    Attributes
    ----------
    predicted, boxes, reviewed, cropped : StepState
        Of the labeled images with one detector.
    looked : StepState
        Labels made by review, and how many of them a person has accepted and rejected.
    again, compared : StepState
        The chosen detector, trained on with labels made by review; which of the two is better.
    pair : (Path, Path) or None
        Folders of the old and of the new detector: the chosen one and the newest that began with its
        weights, or else the one whose weights it began with itself.
    running : tuple of Path
        Folders of the project in which a training runs.
    """

    predicted: StepState = StepState()
    boxes: StepState = StepState()
    reviewed: StepState = StepState()
    cropped: StepState = StepState()
    looked: StepState = StepState()
    again: StepState = StepState()
    compared: StepState = StepState()
    pair: tuple[Path, Path] | None = None
    running: tuple[Path, ...] = ()

    @classmethod
    def read(cls, project: Project, labels: Path | None, detector: Path | None) -> TrainingState:
        """Look at the files; what is broken counts as not there, and says so. Fit for a thread."""
        folders = [model.path for model in project.models]
        running = tuple(path for path in folders if TrainingStatus.read(path).is_running)
        looked = _looked(labels)
        if labels is None or detector is None:
            return cls(looked=looked, running=running)
        try:
            model = ModelFolder.open(detector, need_checkpoint=False)
        except CropzoomError as error:
            return cls(StepState(str(error)), looked=looked, running=running)
        preds = model.image_preds_dir / labels.name / "predictions.csv"
        raw = raw_boxes_of(model, labels)
        final, cropped = reviewed_csv(raw, labels), model.cropped_csv(labels)
        to_crop = final if final.is_file() else raw
        pair = _old_and_new(project, detector, running)
        return cls(
            _of(preds, [model.checkpoint, labels], "predicted"),
            _boxes(raw, [preds]),
            _of(final, [raw], "saved"),
            _of(cropped, [to_crop], "cropped"),
            looked,
            StepState(f"{pair[1].name}, from {pair[0].name}", True) if pair else StepState(),
            _compared(pair),
            pair,
            running,
        )


def _old_and_new(project: Project, detector: Path, running: tuple[Path, ...]) -> tuple[Path, Path] | None:
    """The chosen detector beside the one it was trained on from, or was trained on from it."""
    begun = {
        model.path: old
        for model in project.models
        if model.path not in running and (old := trained_again(project, model.path)) is not None
    }
    newer = [new for new, old in begun.items() if real_path(old) == real_path(detector)]
    if newer:
        return detector, max(newer, key=lambda new: _time(new / "config.yaml"))
    return (begun[detector], detector) if detector in begun else None


def trained_again(project: Project, folder: Path) -> Path | None:
    """Folder of the model whose weights a model of a project began with; None if there is none."""
    for model in project.models:
        if model.path == folder and model.is_ready and model.folder is not None:
            return trained_on_from(folder, model.folder.config)
    return None


def _compared(pair: tuple[Path, Path] | None) -> StepState:
    """Which of two detectors is the better one, as was found last."""
    file = None if pair is None else pair[1] / COMPARED
    if pair is None or file is None or not file.is_file():
        return StepState()
    try:
        found = read_json(file)
    except CropzoomError as error:
        return StepState(str(error))
    is_better = isinstance(found, dict) and found.get("is_better") is True
    return StepState(f"{pair[int(is_better)].name} is the better one", True)


def _of(file: Path, made_of: list[Path | None], text: str) -> StepState:
    if not file.is_file():
        return StepState()
    time = file.stat().st_mtime
    newer = [each.name for each in made_of if each is not None and _time(each) > time]
    return StepState(text, True, f"{newer[0]} is newer: do it again" if newer else "")


def _looked(labels: Path | None) -> StepState:
    if labels is None:
        return StepState()
    try:
        counts = count_labels(without_review(labels))
    except CropzoomError as error:
        return StepState(str(error))
    return StepState(counts.brief, counts.unseen == 0) if counts.total else StepState()


def _time(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _boxes(raw: Path, made_of: list[Path | None]) -> StepState:
    found = _of(raw, made_of, "made")
    if not found.is_done:
        return found
    try:
        images, boxes = read_labeled_bbox(raw)
    except CropzoomError as error:
        return StepState(str(error))
    missing = int((boxes[:, 0] != boxes[:, 0]).sum())
    text = counted(len(images), "box") + (f", {missing} missing" if missing else "")
    return StepState(text, True, found.outdated)


def configs_of(project: Project) -> list[Path]:
    """Configurations to train with: those in the project's folder and in ``configs``."""
    found: list[Path] = []
    for folder in (project.data_dir, project.data_dir / "configs"):
        for path in sorted(folder.glob("*.yaml"))[:MOST_CONFIGS]:
            if path.name == PROJECT_FILE:
                continue
            try:
                content = read_yaml(path)
            except CropzoomError:
                continue
            if all(isinstance(content.get(name), dict) for name in ("data", "model", "training")):
                found.append(path)
    return found


@dataclass(frozen=True)
class ProjectTraining:
    """What the dock Training shows of a project.

    Attributes
    ----------
    project : Project
    configs : tuple of Path
    with_errors : tuple of ModelState
        Models of which there are pixel errors.
    """

    project: Project
    configs: tuple[Path, ...]
    with_errors: tuple[ModelState, ...]

    @classmethod
    def read(cls, folder: Path) -> ProjectTraining:
        """Read a project; fit for a thread.

        Raises
        ------
        CropzoomError
            If it is no project.
        """
        project = Project.open(folder)
        models = tuple(m for m in project.models if errors_file(m.path) is not None)
        return cls(project, tuple(configs_of(project)), models)


def models_folder(project: Project) -> Path:
    """Where a new model of a project goes: beside the others, or ``models`` as Lightning Pose's app."""
    for model in project.models:
        if model.path.parent != project.data_dir:
            return model.path.parent
    return project.data_dir / "models"
