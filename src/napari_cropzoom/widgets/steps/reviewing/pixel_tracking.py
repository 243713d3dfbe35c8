"""Follow the animal by the pixels in a thread, and put what was found into the session."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.editing import range_tools as tools
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted, verb
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.review.session import Session
from napari_cropzoom.tracking.scene import StillScene
from napari_cropzoom.tracking.tracker import Followed, follow
from napari_cropzoom.widgets.controller import Controller

FARTHEST = 300  # frames, where no range is selected
LEARNING = "Following: computing the still background …"
SAME_SIZE = 0.01  # relative spread of the sides below which boxes have one size


class _Order(NamedTuple):
    """What the thread is given."""

    session: Session
    frame: int
    box: Box
    last: int
    is_selected: bool
    scene: StillScene | None
    stop: threading.Event


class PixelTracking(QObject):
    """Follows one animal at a time for a controller.

    Attributes
    ----------
    status_changed
        What is going on or how it ended, for a person.
    failed
        An error.
    running_changed
        Which way an animal is followed, as `start` takes it; 0 once none is.
    """

    status_changed = Signal(str)
    failed = Signal(object)
    running_changed = Signal(int)
    _progress = Signal(int, int, str)

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self.controller = controller
        self._stop: threading.Event | None = None
        self._scene: tuple[Session, StillScene] | None = None
        self._progress.connect(self._on_progress)
        controller.session_changed.connect(self.release)

    @property
    def is_running(self) -> bool:
        """Whether an animal is being followed."""
        return self._stop is not None

    def start(self, direction: int) -> None:
        """Follow from the current frame, on (1) or back (-1), to the end of the range, or stop.

        Where the detector agrees again, its boxes are left alone.
        """
        if self._stop is not None:
            self._stop.set()
            return
        session, layers = self.controller.session, self.controller.layers
        if session is None or layers is None:
            return
        if session.video.images is not None:
            self.failed.emit(
                CropzoomError("These are single images: nothing moves from one to the next.")
            )
            return
        frame, box = layers.frame, session.track.box(layers.frame)
        selection = layers.selection_here
        last = self._last(session, frame, direction, selection)
        if last == frame or box.is_missing():
            self.failed.emit(
                CropzoomError("Set the right box in this frame first, then follow from here.")
            )
            return
        self._stop = threading.Event()
        self.running_changed.emit(direction)
        self.status_changed.emit(LEARNING)
        scene = self._scene[1] if self._scene and self._scene[0] is session else None
        run_in_thread(
            self._follow,
            _Order(session, frame, Box(*box), last, selection is not None, scene, self._stop),
            on_done=self._done,
            on_error=self._fail,
        )

    def release(self) -> None:
        """Stop, and drop what was found."""
        if self._stop is not None:
            self._stop.set()
        self._scene = None

    @staticmethod
    def _last(session: Session, frame: int, direction: int, selection: tuple[int, int] | None) -> int:
        first, last = selection or (frame - FARTHEST, frame + FARTHEST)
        first, last = max(0, first), min(session.n_frames - 1, last)
        return max(frame, last) if direction > 0 else min(frame, first)

    def _follow(self, order: _Order) -> tuple[_Order, Followed | None]:
        """Run the stage; in a thread."""
        session, stop, raw = order.session, order.stop, order.session.track.raw
        sides = raw[np.isfinite(raw[:, 2]), 2]
        one_size = len(sides) > 0 and float(sides.std()) < SAME_SIZE * float(sides.mean())
        stage = follow(
            session.video,
            order.frame,
            order.box,
            order.last,
            background=order.scene,
            until=None if order.is_selected else raw,
            keep_size=one_size,
        )
        while True:
            if stop.is_set():
                stage.close()
                return order, None
            try:
                progress = next(stage)
            except StopIteration as end:
                return order, end.value
            self._progress.emit(progress.done, progress.total, progress.text)

    def _on_progress(self, done: int, total: int, text: str) -> None:
        so_far = f"Following: {done} of {counted(total, 'frame')} …"
        so_far = f"Following: {done} of {counted(total, 'frame')} …"
        self.status_changed.emit(LEARNING if text else so_far)

    def _done(self, result: tuple[_Order, Followed | None]) -> None:
        order, found = result
        session, open_ = order.session, 0
        self._set_idle()
        if session is not self.controller.session:
            return
        if found is None:
            self.status_changed.emit("Following was stopped; nothing has changed.")
            return
        self._scene = (session, found.scene)
        count = len(found.boxes)
        if count:
            last = found.first + count - 1
            label = f"follow the animal over {frames_text(found.first, last)}"
            try:
                edit = tools.put_boxes(session.track, found.first, found.boxes, label)
                edit, open_ = session.suspects.leaving_open(edit, order.frame)
                session.apply(edit)
            except CropzoomError as error:
                self.failed.emit(error)
                return
        said = f"Followed over {counted(count, 'frame')}; {found.stopped}."
        if open_:
            odd = f"{verb(open_, 'are')} still odd and {verb(open_, 'stay')} open"
            said += f" {counted(open_, 'suspect')} there {odd}."
        self.status_changed.emit(said)

    def _fail(self, error: Exception) -> None:
        self._set_idle()
        self.failed.emit(error)

    def _set_idle(self) -> None:
        self._stop = None
        self.running_changed.emit(0)
