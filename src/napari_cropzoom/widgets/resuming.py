"""Goes on with a review that lies on disk: its boxes and edits, and the keypoints of its models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.review.finding import FoundReview
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import recent
from napari_cropzoom.widgets.memory import animal_of, left_at, pose_of

if TYPE_CHECKING:
    from napari_cropzoom.widgets.steps.base import Step

FIRST = "review"  # step that a review goes on in; one after it if that was open last
STEPS = {"detector": "detect", "pose": "pose"}


class Resuming(QObject):
    """Listens to the step *Video*, which offers the reviews.

    Parameters
    ----------
    controller : Controller
    steps : mapping of str to Step
        The steps of the dock by their keys.
    open_step : callable
        Opens a step of a key.
    """

    def __init__(
        self, controller: Controller, steps: Mapping[str, Step], open_step: Callable[[str], object]
    ) -> None:
        super().__init__(steps["video"])
        self._controller = controller
        self._steps = steps
        self._open_step = open_step
        step: Any = steps["video"]
        step.review_chosen.connect(self.go_on)
        step.review_goes_on.connect(lambda found: self.go_on(found, found.how_far()))
        step.resumed.connect(self._arrive)

    def go_on(self, found: FoundReview, told: str = "") -> None:
        """Choose the models that the review was made with, and load what is there, in threads.

        ``told`` is what a person should know of it who has not chosen it.
        """
        session = self._controller.session
        if session is None:
            return
        model = found.model_dir
        for kind, folder in (("detector", model), ("pose", pose_of(session.video.path))):
            if folder is not None:
                self._take_model(kind, folder, session.video.path)
        source = Source.IMPORTED if model is None else Source.DETECTED
        video: Any = self._steps["video"]

        def arrive(said: str) -> None:
            self._arrive(" ".join(filter(None, (said, told))))

        def fail(error: Exception) -> None:
            video.offer_reviews()
            video.show_error(error)

        self._controller.load_boxes(found.raw_csv, source, True, arrive, fail)

    def _take_model(self, kind: Any, folder: Path, video: Path) -> None:
        """Choose a model, and load the keypoints that it has found in the video."""
        path = _model_at(folder)
        if path is None:
            return
        step: Any = self._steps[STEPS[kind]]
        step.choose_model(path)
        model: ModelFolder | None = step.model
        if model is None or not model.predictions_csv(video).is_file():
            return
        loaded = partial(_on_keypoints, step)
        self._controller.load_predictions(kind, model.predictions_csv(video), loaded, step.show_error)

    def _arrive(self, said: str) -> None:
        """Show the step and the frame that were left, or that of the last edit; say what was found."""
        session = self._controller.session
        if session is None or not session.has_boxes:
            self._steps["video"].message.show_info(said)
            return
        if session.read_only:  # which the dock says above the steps
            said = said.replace(session.read_only, "").strip()
        key, frame = left_at(session.video.path) or (FIRST, -1)
        if (animal := animal_of(session.video.path)) in session.tracks:
            session.select_track(animal)
        step = self._steps.get(key)
        if step is None or step.missing():
            step = self._steps[FIRST]
        newest = session.history.newest
        if 0 <= frame < session.n_frames:
            self._controller.go_to(frame)
            where = "" if step.key == FIRST else f" in step {step.title},"
            whose = f", at {animal!r}" if animal in session.tracks and len(session.tracks) > 1 else ""
            said = f"{said} You left it{where} at frame {frame}{whose}."
        elif newest is not None and not newest.covers(self._controller.frame):
            self._controller.go_to(newest.first)
        self._open_step(step.key)
        step.message.show_info(said)


def _on_keypoints(step: Any, said: str) -> None:
    step.mark_loaded()
    if said:
        step.message.show_info(said)


def _model_at(folder: Path) -> Path | None:
    """A model's folder, or the one used before whose results lie in a folder of its name."""
    known = [folder, *(model for model in recent("model") if model.name == folder.name)]
    return next((path for path in known if (path / "config.yaml").is_file()), None)
