"""Opens a video of a project for review: its models, boxes and keypoints, with the settings kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.core.smoothing.methods import SmoothingSettings
from napari_cropzoom.files.review_paths import journal_file, remember_results, results_of
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.models import POSE
from napari_cropzoom.projects.states import VideoState
from napari_cropzoom.review.finding import FoundReview
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.docks import add_docks, find_dock
from napari_cropzoom.widgets.memory import remember_review
from napari_cropzoom.widgets.window.hides_on_close import holder_of

if TYPE_CHECKING:
    import napari.viewer

    from napari_cropzoom.widgets.dock import CropzoomDock


class VideoOpener(QObject):
    """Opens videos in the *Cropzoom* dock of a viewer, which comes if it is not there.

    Smoothing and filling of the video before are those of the next one, unless that has a review with its
    own; models and the number of suspects stay as they are in any case.

    Attributes
    ----------
    shown : Signal
        Another video is open in the window, or none: its path or None.
    saved : Signal
        The review of a video was saved or left: its path.
    asked : Signal
        A key asks for the next video (1) or the one before (-1).
    """

    shown = Signal(object)
    saved = Signal(object)
    asked = Signal(int)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._dock: CropzoomDock | None = None
        self._wanted: tuple[Path, VideoState | None, Project] | None = None
        self._kept: tuple[SmoothingSettings, str] | None = None
        self._before: Path | None = None
        self._load_later = delayed(self, self._load)
        self.follow()

    @property
    def current(self) -> Path | None:
        """The video that is open, None if there is none."""
        session = None if self._dock is None else self._dock.controller.session
        return None if session is None else Path(session.video.path)

    def follow(self) -> None:
        """Listen to the *Cropzoom* dock of the window, if it is there."""
        dock = find_dock(self._viewer)
        if dock is None or dock is self._dock:
            return
        self._dock = dock
        dock.controller.session_changed.connect(self._on_session)
        dock.controller.closed.connect(self._on_closed)
        self._on_session()

    def open(self, project: Project, video: Path, state: VideoState | None) -> None:
        """Open a video; asks as step *Video* does where a review is open that was not saved."""
        if video == self.current:
            return
        add_docks(self._viewer)
        self.follow()
        assert self._dock is not None
        session = self._dock.controller.session
        if session is not None:
            self._kept = session.smoothing, session.fill
        results = project.results_of(video)
        if results is not None and results_of(video) is None:
            remember_results(video, results)
        if state is not None and state.boxes and journal_file(Path(state.boxes)).is_file():
            pose = [model.path for model in project.models if model.path.name in state.posed]
            pose += [model.path for model in project.models if model.kind == POSE and model.is_ready]
            remember_review(video, Path(state.boxes), pose[0] if pose else None)
        self._wanted = video, state, project
        step: Any = self._dock["video"]
        step.open(video, by_hand=True)

    def raise_dock(self) -> None:
        """Show the *Cropzoom* dock where others are in its place."""
        holder = None if self._dock is None else holder_of(self._dock)
        if holder is not None:
            holder.show()
            holder.raise_()

    def _on_session(self) -> None:
        if self._dock is None:
            return
        before, self._before = self._before, self.current
        if before is not None:
            self.saved.emit(before)
        session, layers = self._dock.controller.session, self._dock.controller.layers
        if session is not None and layers is not None:
            layers.video_asked.connect(self._on_asked)
            session.saved.connect(self._on_saved)
            if self._wanted is not None and self._wanted[0] == session.video.path:
                if self._kept is not None and not session.has_boxes:
                    session.smoothing, session.fill = self._kept
                self._load_later.start()
        self.shown.emit(self.current)

    def _load(self) -> None:
        """Take boxes that nobody has reviewed yet; a review goes on by itself."""
        wanted, self._wanted = self._wanted, None
        if wanted is None or self._dock is None or self.current != wanted[0]:
            return
        _, state, _ = wanted
        session = self._dock.controller.session
        if state is None or session is None or session.has_boxes or not state.boxes or state.n_edits:
            return
        raw = Path(state.boxes)
        found = FoundReview(raw, datetime.now(), session.n_frames, 0, 0, 0, state.n_animals, False)
        step: Any = self._dock["video"]
        step.review_chosen.emit(found)

    def _on_saved(self, _target: object) -> None:
        if self.current is not None:
            self.saved.emit(self.current)

    def _on_asked(self, direction: int) -> None:
        self.asked.emit(direction)

    def _on_closed(self) -> None:
        self._dock = self._before = None
        self.shown.emit(None)
