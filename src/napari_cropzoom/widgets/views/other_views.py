"""Knows the other views of the video that is open, and opens one of them at the same frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.files.review_paths import remember_results, results_of
from napari_cropzoom.jobs import DRAWN_FIRST, Latest, run_in_thread
from napari_cropzoom.review.finding import FoundReview
from napari_cropzoom.review.recording import Recording
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.views.reading import OpenView, close_all, open_views

if TYPE_CHECKING:
    from napari_cropzoom.widgets.steps.base import Step


class _Going(NamedTuple):
    """A change of view: from which session, at which frame, to which video with which raw boxes."""

    before: Session
    frame: int
    video: Path
    raw_csv: Path | None


class OtherViews(QObject):
    """The recording that the video of a controller belongs to.

    The view that is left is saved. Its smoothing and filling are those of the next one, unless that has a
    review with its own; models stay as they are.

    Parameters
    ----------
    controller : Controller
    steps : mapping of str to Step
        The steps of the dock by their keys.

    Attributes
    ----------
    changed : Signal
        Other views are known now, or none; or they have been read.
    recording : Recording
    opened : dict of str to OpenView
        All views but the one that is open; empty while they are being read.
    """

    changed = Signal()

    def __init__(self, controller: Controller, steps: Mapping[str, Step]) -> None:
        super().__init__(controller)
        self._controller = controller
        self._steps = steps
        self.recording = Recording()
        self.opened: dict[str, OpenView] = {}
        self._read: tuple[Path | None, Path | None] | None = None
        self._going: _Going | None = None
        self._back_to = 0
        self._find = Latest(self._on_found, pause=DRAWN_FIRST)
        self._open = Latest(self._on_opened, pause=DRAWN_FIRST)
        self._settle_later = delayed(self, self._settle)
        self._return_later = delayed(self, self._return)
        controller.session_changed.connect(self._settle_later.start)
        controller.changed.connect(self._read_boxes)
        controller.closed.connect(self._forget)

    @property
    def current(self) -> str | None:
        """The view that is open; None where there are no others."""
        session = self._controller.session
        return None if session is None else self.recording.view_of(session.video.path)

    def go(self, direction: int) -> None:
        """Open the next view, or with ``direction`` -1 the one before."""
        session = self._controller.session
        if session is not None and self.current is not None:
            self.open(self.recording.next(session.video.path, direction))

    def open(self, video: Path) -> None:
        """Open the video of a view at the frame that is shown; the view that is left is saved."""
        session, view = self._controller.session, self.recording.view_of(video)
        if session is None or view is None or video == session.video.path:
            return
        known = self.opened.get(view)
        raw = _beside(session.raw_csv, video) if known is None else known.raw_csv
        self._going = _Going(session, self._controller.frame, video, raw)
        if session.unsaved and len(session.history):
            self._controller.save(self._leave, self._leave)
        else:
            self._leave(None)

    # ---- inside --------------------------------------------------------------------------------

    def _leave(self, _said: object) -> None:
        """Go once the view before is saved; where it could not be, step *Video* asks what to do."""
        going = self._going
        if going is None or self._controller.session is not going.before:
            return
        results = self._controller.results
        if results is not None and results_of(going.video) is None:
            remember_results(going.video, results)
        step: Any = self._steps["video"]
        step.open(going.video)

    def _settle(self) -> None:
        """Another video is open, or none."""
        session, going = self._controller.session, self._going
        self._going = None
        if session is None:
            self._forget()
            return
        self._let_go()
        if self.current is None:
            self.recording = Recording()
            self.changed.emit()
            self._find.request(Recording.of, session.video.index)
        else:
            self._find.drop()
            self._on_found(self.recording)
        if going is not None and session.video.path == going.video:
            self._arrive(session, going)

    def _arrive(self, session: Session, going: _Going) -> None:
        """Show the frame of the view before, and take the boxes that are there."""
        self._controller.go_to(going.frame)
        if session.has_boxes:  # all drawn by hand
            return
        session.smoothing, session.fill = going.before.smoothing, going.before.fill
        if going.raw_csv is None or not going.raw_csv.is_file():
            return
        self._back_to = going.frame
        session.track_changed.connect(self._on_boxes)
        found = FoundReview(going.raw_csv, datetime.now(), session.n_frames, 0, 0, 0, 1, is_saved=False)
        step: Any = self._steps["video"]
        step.review_chosen.emit(found)

    def _on_boxes(self) -> None:
        """A review goes on where its last edit was made; a view where the one before was."""
        session = self._controller.session
        if session is not None:
            session.track_changed.disconnect(self._on_boxes)
            self._return_later.start()

    def _return(self) -> None:
        self._controller.go_to(self._back_to)

    def _on_found(self, recording: Recording) -> None:
        layers = self._controller.layers
        if layers is None:
            return
        self.recording = recording
        message = self._steps["video"].message
        if recording.notes and not message.plain:
            message.show_warning("\n".join(recording.notes))
        if self.current is not None:
            layers.view_asked.connect(self.go)
            self._read_boxes()
        self.changed.emit()

    def _read_boxes(self) -> None:
        """Read the other views, and again where their boxes may lie elsewhere now."""
        session = self._controller.session
        if session is None or self.current is None:
            return
        place = (None if session.raw_csv is None else session.raw_csv.parent, self._controller.results)
        if place != self._read:
            self._read = place
            beside = partial(_beside, session.raw_csv)
            self._open.request(open_views, self.recording, session.video.path, beside)

    def _on_opened(self, opened: dict[str, OpenView]) -> None:
        close_soon(self.opened.values())
        self.opened = opened
        self.changed.emit()

    def _let_go(self) -> None:
        self._open.drop()
        close_soon(self.opened.values())
        self.opened, self._read = {}, None

    def _forget(self) -> None:
        self._find.drop()
        self._let_go()
        self.recording = Recording()
        self.changed.emit()


def _beside(raw_csv: Path | None, video: Path) -> Path | None:
    """Where the raw boxes of a view lie if they lie with those of another."""
    return None if raw_csv is None else raw_csv.with_name(f"{video.stem}_bbox.csv")


def close_soon(views: Iterable[OpenView]) -> None:
    """Close views in a thread: a frame may be decoded just now."""
    if held := list(views):
        run_in_thread(close_all, held)
