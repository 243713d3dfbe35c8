"""What keys and gestures say in napari's status bar, until it is no longer true."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QTimer

from napari_cropzoom.review.session import Session

SHOWN_MS = 8_000


class StatusLine:
    """Writes lines to the status bar; each ends after a while, or with an edit that it does not name.

    What napari or another plugin writes there is left alone.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    session : Session
    """

    def __init__(self, viewer: ViewerModel, session: Session) -> None:
        self._viewer, self._session = viewer, session
        self._said = ""
        self._timer: QTimer | None = None
        session.history_changed.connect(self._on_edited)

    def tell(self, message: str) -> None:
        """Write a line; an empty one ends what was written."""
        self._viewer.status = self._said = message
        if QCoreApplication.instance() is None:
            return
        if self._timer is None:
            self._timer = QTimer(singleShot=True, interval=SHOWN_MS)
            self._timer.timeout.connect(self._end)
        self._timer.start()

    def close(self) -> None:
        """Let go of the session; what was written ends."""
        self._session.history_changed.disconnect(self._on_edited, missing_ok=True)
        self._end()

    def _on_edited(self) -> None:
        label = self._session.history.undo_label
        if not label or not self._said.lower().startswith(label.lower()):
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        said, self._said = self._said, ""
        if said and self._viewer.status == said:
            self._viewer.status = ""
