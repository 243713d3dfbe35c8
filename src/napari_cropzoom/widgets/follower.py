"""Follow the animal by the pixels in a thread, and put what was found into the session."""

from __future__ import annotations

import threading

from qtpy.QtCore import QObject, Signal

from napari_cropzoom.core import tools
from napari_cropzoom.core.boxes import Box
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.jobs import run_in_thread
from napari_cropzoom.pipeline.pixel_scene import StillScene
from napari_cropzoom.pipeline.pixel_tracker import Followed, follow
from napari_cropzoom.session import Session
from napari_cropzoom.widgets.bench import Bench

FARTHEST = 300  # frames, where no range is selected
SAME_SIZE = 0.01  # relative spread of the sides below which boxes have one size


class Follower(QObject):
    """Runs one following at a time for a bench.

    Attributes
    ----------
    told
        What is going on or how it ended, for a person.
    failed
        An error.
    running_changed
        Whether one runs.
    """

    told = Signal(str)
    failed = Signal(object)
    running_changed = Signal(bool)
    _progress = Signal(int, int)

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self._stop: threading.Event | None = None
        self._scene: tuple[Session, StillScene] | None = None
        self._progress.connect(
            lambda done, total: self.told.emit(f"Following: {done} of {total} frames …")
        )
        bench.session_changed.connect(self.let_go)

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
        session, layers = self.bench.session, self.bench.layers
        if session is None or layers is None:
            return
        frame, box = layers.frame, session.track.box(layers.frame)
        last = self._last(session, frame, direction)
        if last == frame or box.is_missing():
            self.failed.emit(CropzoomError("Set the right box here first; it is followed from there."))
            return
        self._stop = threading.Event()
        self.running_changed.emit(True)
        self.told.emit("Following: looking at the still scene …")
        scene = self._scene[1] if self._scene and self._scene[0] is session else None
        run_in_thread(
            self._follow,
            (session, frame, box, last, scene, self._stop),
            on_done=self._done,
            on_error=self._fail,
        )

    def let_go(self) -> None:
        """Stop; what was found is dropped."""
        if self._stop is not None:
            self._stop.set()
        self._scene = None

    def _last(self, session: Session, frame: int, direction: int) -> int:
        first, last = self.bench.selection or (frame - FARTHEST, frame + FARTHEST)
        first, last = max(0, first), min(session.n_frames - 1, last)
        return max(frame, last) if direction > 0 else min(frame, first)

    def _follow(self, order: tuple) -> tuple[Session, Followed | None]:
        """Run the stage; in a thread."""
        session, frame, box, last, scene, stop = order
        raw = session.track.raw
        sides = raw[~(raw[:, 2] != raw[:, 2]), 2]
        one_size = len(sides) > 0 and float(sides.std()) < SAME_SIZE * float(sides.mean())
        until = None if self.bench.selection else raw
        stage = follow(
            session.video, frame, Box(*box), last, background=scene, until=until, keep_size=one_size
        )
        while True:
            if stop.is_set():
                stage.close()
                return session, None
            try:
                progress = next(stage)
            except StopIteration as end:
                return session, end.value
            self._progress.emit(progress.done, progress.total)

    def _done(self, result: tuple[Session, Followed | None]) -> None:
        session, found = result
        self._end()
        if session is not self.bench.session:
            return
        if found is None:
            self.told.emit("Following was stopped; nothing has changed.")
            return
        self._scene = (session, found.scene)
        count = len(found.boxes)
        if count:
            last = found.first + count - 1
            label = f"follow the animal over frames {found.first} to {last}"
            try:
                session.apply(tools.put_boxes(session.track, found.first, found.boxes, label))
            except CropzoomError as error:
                self.failed.emit(error)
                return
        self.told.emit(f"Followed over {count} frames; {found.stopped}.")

    def _fail(self, error: Exception) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> None:
        self._stop = None
        self.running_changed.emit(False)
