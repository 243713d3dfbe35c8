"""How many frames have another box than when they were predicted, and a button to run those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted
from napari_cropzoom.engine.fingerprint import fingerprint
from napari_cropzoom.engine.incremental import RunPlan, compare_with_previous
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.widgets.controls import button, note


class ChangedFrames(QWidget):
    """Offers to run the changed frames; says so if there are none; hidden if all frames have to run.

    Counts in a thread. Object names are ``<name>_changed`` and ``<name>_up_to_date``.

    Attributes
    ----------
    accepted
        The person wants the changed frames run.
    counted
        How many frames have changed; the whole predictions are compared.
    ended
        A comparison has ended, with a count before it or without one.
    """

    accepted = Signal()
    counted = Signal(int)
    ended = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.run = button("", f"{name}_changed", "Run the model where a box has changed; keep the rest")
        self.label = note("", f"{name}_up_to_date")
        self._latest = Latest(self._show, self._on_failed, pause=DRAWN_FIRST)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.run)
        layout.addWidget(self.label)
        self.run.clicked.connect(self.accepted)
        self.hide()

    def compare(self, session: Session, model: ModelFolder, predictions: Path) -> None:
        """Compare the predictions that are there with the current boxes."""
        boxes, index = session.tracks.entry.to_finalize(session.fill, for_pose=True), session.video.index
        self._latest.request(_plan, predictions, model.path, index, boxes)

    def forget(self) -> None:
        """Offer nothing."""
        self.rest()
        self.hide()

    def rest(self) -> None:
        """Compare no more."""
        self._latest.drop()

    @property
    def is_comparing(self) -> bool:
        """Whether an answer is still to come."""
        return self._latest.is_running

    def _show(self, plan: RunPlan | None) -> None:
        if plan is None or plan.why_all:
            self.hide()
            self.ended.emit()
            return
        count = int(plan.changed.sum())
        self.run.setText(changed_text(count))
        self.run.setVisible(count > 0)
        self.label.setText("The predictions are up to date: no box has changed since.")
        self.label.setVisible(count == 0)
        self.show()
        self.counted.emit(count)
        self.ended.emit()

    def _on_failed(self, error: Exception) -> None:
        """A file that cannot be read now may be read later; a full run will say what is wrong."""
        self.hide()
        self.ended.emit()
        if not isinstance(error, OSError | CropzoomError):
            raise error


def changed_text(count: int) -> str:
    """``312 frames changed: run these``."""
    return f"{counted(count, 'frame', commas=True)} changed: run {'it' if count == 1 else 'these'}"


def _plan(
    predictions: Path, model: Path, index: VideoIndex, boxes: Callable[[], FloatArray]
) -> RunPlan | None:
    """Compare; None if there are no predictions. Reads files, so it is for a thread."""
    if not predictions.is_file():
        return None
    return compare_with_previous(predictions, fingerprint(ModelFolder.open(model)), index, boxes())
