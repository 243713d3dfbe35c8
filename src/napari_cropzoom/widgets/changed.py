"""How many frames have another box than when they were predicted, and a button to run those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cropzoom.core.boxes import FloatArray
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.video_index import VideoIndex
from napari_cropzoom.jobs import DRAWN_FIRST, Latest
from napari_cropzoom.pipeline.earlier import Outlook, look_back
from napari_cropzoom.pipeline.fingerprint import fingerprint
from napari_cropzoom.pipeline.models import ModelFolder
from napari_cropzoom.session import Session
from napari_cropzoom.widgets.controls import button, note


class ChangedFrames(QWidget):
    """Offers to run what has changed; says so where nothing has; hidden where all has to run.

    Counts in a thread. Object names are ``<name>_changed`` and ``<name>_up_to_date``.

    Attributes
    ----------
    accepted
        The person wants the changed frames run.
    """

    accepted = Signal()

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

    def look(self, session: Session, model: ModelFolder, predictions: Path) -> None:
        """Compare the predictions that are there with the boxes of this moment."""
        boxes, index = session.to_finalize(), session.video.index
        self._latest.request(_outlook, predictions, model.path, index, boxes)

    def forget(self) -> None:
        """Offer nothing."""
        self._latest.drop()
        self.hide()

    def _show(self, outlook: Outlook | None) -> None:
        if outlook is None or outlook.why_all:
            self.hide()
            return
        count = int(outlook.changed.sum())
        self.run.setText(changed_text(count))
        self.run.setVisible(count > 0)
        self.label.setText("The predictions are up to date: no box has changed since.")
        self.label.setVisible(count == 0)
        self.show()

    def _on_failed(self, error: Exception) -> None:
        """A file that cannot be read now may be read later; a full run will say what is wrong."""
        self.hide()
        if not isinstance(error, OSError | CropzoomError):
            raise error


def changed_text(count: int) -> str:
    """``312 frames changed: run these``."""
    return "1 frame changed: run it" if count == 1 else f"{count:,} frames changed: run these"


def _outlook(
    predictions: Path, model: Path, index: VideoIndex, boxes: Callable[[], FloatArray]
) -> Outlook | None:
    """Look back; None if there is nothing to look back at. Reads files, so it is for a thread."""
    if not predictions.is_file():
        return None
    return look_back(predictions, fingerprint(ModelFolder.open(model)), index, boxes())
