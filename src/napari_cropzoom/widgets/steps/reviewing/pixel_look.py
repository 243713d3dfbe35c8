"""The look at the pixels: begins by itself once there are boxes, and the queue grows by what it finds.

What it finds in a video is kept, so that the same video is not looked at twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal

from napari_cropzoom.core.inspection.motion import Motion
from napari_cropzoom.core.words import counted
from napari_cropzoom.detection.evidence import LEAST_FRAMES, keep_motion, kept_motion, read_motion
from napari_cropzoom.jobs import Job, Worker, run_in_thread
from napari_cropzoom.review.inspecting.inspector import Inspected
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import delayed
from napari_cropzoom.widgets.steps.parts.job_bar import JobBar

MS_AFTER_BOXES = 1500
"""The window first draws what has just come, and a short visit costs nothing."""
MS_AFTER_FRAMES, MS_BEHIND_FRAMES = 400, 10_000
"""It waits while frames follow each other, so that they come as quickly as without it, but no longer."""
TITLE = "Looking at the pixels"
PARTS = 4
"""How often on the way what was found so far is taken."""
# What to do where most boxes are wrong and correcting them one by one is no use.
WAYS_ON = (
    "Make boxes by motion (step Detect), follow the animal from a right box (Q), or train the detector "
    "with labels of this video."
)


class PixelLook(JobBar):
    """Looks at the video in a process of its own, once a session, and has the queue take what it finds.

    The button shows only where the look was stopped or could not be made.

    Attributes
    ----------
    found
        The queue of the session has grown.
    looking_changed
        What is `to_come` is otherwise now.
    more : str
        What it has found just now where all suspects were reviewed, to be told; empty otherwise.
    """

    found = Signal()
    looking_changed = Signal()

    def __init__(self, controller: Controller) -> None:
        super().__init__("review_pixels", "Look at the pixels", is_flat=True, what="Pixel check")
        self.run_button.setToolTip("For a still camera: compares the boxes with what moves in the video")
        self.run_button.hide()
        self.controller = controller
        self._looked_at: Session | None = None
        self._asked_for: Session | None = None  # whether its video was looked at before
        self._is_asking = False
        self._worker: Worker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.more = ""
        self._part_taken = 0
        self._is_reading = False  # what the whole look has found
        self._soon = delayed(self, self._start_once, MS_AFTER_BOXES)
        self._go_on = delayed(self, self._resume, MS_AFTER_FRAMES)
        self._in_any_case = delayed(self, self._resume_for_good, MS_BEHIND_FRAMES)
        self._is_behind = False
        self.run_clicked.connect(self.start)
        self.done.connect(self._take)
        self.failed.connect(self._on_look_failed)
        self.ended.connect(self.looking_changed)
        controller.changed.connect(self._on_changed)
        controller.frame_changed.connect(self._on_frame)

    def start(self) -> None:
        """Look at the pixels of the session's video, if nothing does yet."""
        session = self.controller.session
        if session is None or self.is_running:
            return
        self._looked_at = session
        self._part_taken = 0
        self._folder = tempfile.TemporaryDirectory(prefix="cropzoom-", ignore_cleanup_errors=True)
        if self._worker is None:
            self._worker = Worker(self)
        video = session.video.path
        job = self._worker.start("pixels", {"video": video, "output": self._file, "parts": PARTS})
        self.run_button.hide()
        self.show_job(job, TITLE)
        job.progress.connect(self._on_part)
        self.looking_changed.emit()

    @property
    def to_come(self) -> str:
        """What may still find something in the session's video, in words; empty where nothing is left."""
        if self.is_running or self._is_reading:
            return "looking at the pixels"
        return "the pixels come next" if self._soon.isActive() or self._is_asking else ""

    def cancel(self) -> None:
        """Ask the look to stop; it can be started again."""
        super().cancel()
        self.run_button.show()

    def release(self) -> None:
        """Stop, and end the process."""
        for timer in (self._soon, self._go_on, self._in_any_case):
            timer.stop()
        super().release()
        self._end_process()
        self._looked_at = self._asked_for = None
        self._is_reading = self._is_asking = False
        self.run_button.hide()

    @property
    def _file(self) -> Path:
        assert self._folder is not None
        return Path(self._folder.name) / "motion.npz"

    def _on_changed(self) -> None:
        if not self._soon.isActive() and self._is_wanted():
            self._soon.start()
            self.looking_changed.emit()

    def _start_once(self) -> None:
        """Take what was found in this video before, or look at it; not beside a stage that runs."""
        session = self.controller.session
        if session is None or not self._is_wanted():
            self.looking_changed.emit()
            return
        if self.controller.is_working:
            self._soon.start()
            return
        self._asked_for, self._is_asking = session, True

        def go_on(is_known: bool) -> None:
            if session is not self.controller.session:
                return
            self._is_asking = False
            if is_known:
                self._looked_at = session
                self.looking_changed.emit()
            elif self._looked_at is not session:
                self.start()

        self._inspect(session, partial(kept_motion, session.video.path, session.n_frames), go_on)

    def _is_wanted(self) -> bool:
        session = self.controller.session
        return (
            session is not None
            and session is not self._looked_at
            and session is not self._asked_for
            and has_most_boxes(session)
            and session.suspects.motion is None
            and session.video.images is None
            and session.n_frames >= LEAST_FRAMES
        )

    def _on_frame(self, _frame: int) -> None:
        if self.job is None:
            return
        self._go_on.start()
        if not self._is_behind and not self._in_any_case.isActive():
            self._in_any_case.start()
            self.job.pause()

    def _resume(self) -> None:
        """Go on, now that no frame has followed for a while."""
        self._in_any_case.stop()
        self._is_behind = False
        if self.job is not None:
            self.job.resume()

    def _resume_for_good(self) -> None:
        """Go on beside frames that do not end, as those of a video that plays."""
        self._is_behind = True
        if self.job is not None:
            self.job.resume()

    def _on_part(self, *_: object) -> None:
        """Take what was found so far, whenever more was written."""
        if self._folder is None or not self._file.is_file():
            return
        written = self._file.stat().st_mtime_ns
        if written != self._part_taken:
            self._part_taken = written
            self._read(is_last=False)

    def _take(self, _result: dict[str, str]) -> None:
        self._read(is_last=True)

    def _read(self, *, is_last: bool) -> None:
        session, path = self._looked_at, self._file
        if session is None or session is not self.controller.session:
            return
        video, n_frames = session.video.path, session.n_frames
        self._is_reading = is_last

        def read() -> Motion:
            motion = read_motion(path, n_frames)
            if is_last:
                keep_motion(video, motion)
            return motion

        def go_on(_: bool) -> None:
            if is_last and session is self._looked_at:
                self._end_process()
                self._is_reading = False
                self.looking_changed.emit()

        self._inspect(session, read, go_on)

    def _inspect(
        self, session: Session, read: Callable[[], Motion | None], then: Callable[[bool], None]
    ) -> None:
        """Read and inspect in a thread, so that the queue of before stays until the new one is there.

        ``then`` is told whether there was anything to read.
        """
        inspector = session.suspects.inspector()

        def inspected() -> tuple[Motion, Inspected] | None:
            motion = read()
            return None if motion is None else (motion, inspector.seeing(motion)())

        def take(found: tuple[Motion, Inspected] | None) -> None:
            if found is not None and session is self.controller.session:
                suspects = session.suspects
                left, done = suspects.entries() if suspects.is_inspected else ([], [])
                suspects.see(*found, shown=self.controller.frame)
                n_more = len(session.queue()) if done and not left and suspects.is_inspected else 0
                self.more = f"{counted(n_more, 'more suspect')} found in the pixels." if n_more else ""
                self.found.emit()
            then(found is not None)

        run_in_thread(inspected, on_done=take, on_error=self._on_unreadable)

    def _on_look_failed(self, job: Job, message: str) -> None:
        session = self._looked_at
        self._end_process()
        if session is not None:  # one line has no room for the path of the video that is open anyway
            message = message.removeprefix(f"{session.video.path}: ")
        self._say(f"{message[:1].upper()}{message[1:].replace(', ', ' · ', 1)}")  # its start says enough
        self.run_button.setVisible(job.kind != "user")

    def _on_unreadable(self, error: Exception) -> None:
        self._end_process()
        self._is_reading = self._is_asking = False
        self.looking_changed.emit()
        if not self.controller.is_for_person(error):
            raise error
        self._say(str(error))

    def _end_process(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
            worker.deleteLater()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def has_most_boxes(session: Session) -> bool:
    """Whether there are boxes to judge by the pixels: of a detector or a file, or most drawn by hand."""
    if not session.has_boxes:
        return False
    is_few = 2 * session.track.n_missing > session.n_frames
    return not (is_few and session.tracks.entry.begins_empty)
