"""What the steps of one dock share: the session, its layers, the worker and the chosen models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cropzoom.canvas.layer_set import LayerSet
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing.edits import Edit
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.words import shortened
from napari_cropzoom.engine.model_folder import ModelFolder, ModelsNear
from napari_cropzoom.files.belonging import CURE, read_predictions_of
from napari_cropzoom.files.formats.registry import as_table
from napari_cropzoom.files.review_paths import own_place_of
from napari_cropzoom.jobs import Job, ThreadHandle, Worker, leave_objects_to_qt, run_in_thread
from napari_cropzoom.review.keypoints import Kind
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.video.video import Video
from napari_cropzoom.widgets.questions import ask_changed

if TYPE_CHECKING:
    import napari

TITLE_LENGTH = 60  # letters of the video's name in the window's title
MORE_STAGES = ("--stages", "napari_cropzoom.export.stages")
OnDone = Callable[[Any], object]


class Controller(QObject):
    """Owner of one session and everything that lives as long; steps talk to each other through it.

    Attributes
    ----------
    viewer : napari.viewer.Viewer
    session : Session or None
    layers : LayerSet or None
    detector, pose : ModelFolder or None
        Models chosen so far.
    crop_file : Path or None
        The cropped video, once it was made.
    models_near : ModelsNear
        Models in the project of the video.
    chosen : set of str
        Roles, ``detector`` or ``pose``, whose model was chosen since the video was opened.
    frames_opencv : int or None
        Frames that OpenCV counts in the video, once it was checked.
    keypoint_files : dict of (str, str) to Path
        Files that keypoints were loaded from, by their kind and what :meth:`.Keypoints.animal` says.
    results : Path or None
        Folder that takes what is made of the video, see :class:`.ModelFolder`; None for the usual places.
    changed
        Something that a state line may show has changed; sent once for many changes.
    session_changed
        Another session, or none.
    frame_changed
        Another frame is shown.
    frame_rested
        The same, but of frames that follow each other closely the last one only: for texts, which cost
        more to paint than the frame.
    passing
        A frame that a video which plays shows for a moment; ``frame`` follows a few times a second.
    box_dragged
        The current box while it moves, None if nothing comes of it; else that is told as any edit.
    edited
        An edit was made, taken back or done again; sent at once.
    stepped
        An edit was taken back (False) or done again (True); its place is shown.
    refused
        Why a gesture on the canvas did nothing, an exception.
    selection_changed
        Another range of frames is selected, or none.
    proposal_changed
        Another edit is shown before it is applied, or none.
    closed
        The controller is of no use any more.
    """

    changed = Signal()
    session_changed = Signal()
    boxes_changed = Signal()
    frame_changed = Signal(int)
    frame_rested = Signal(int)
    passing = Signal(int)
    box_dragged = Signal(object)
    edited = Signal()
    stepped = Signal(object, bool)
    refused = Signal(object)
    selection_changed = Signal()
    proposal_changed = Signal()
    closed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        leave_objects_to_qt()
        self.viewer = viewer
        self.session: Session | None = None
        self.layers: LayerSet | None = None
        self.detector: ModelFolder | None = None
        self.pose: ModelFolder | None = None
        self.crop_file: Path | None = None
        self.results: Path | None = None
        self.models_near = ModelsNear()
        self.chosen: set[str] = set()
        self.frames_opencv: int | None = None
        self.keypoint_files: dict[tuple[Kind, str], Path] = {}
        self._selection: tuple[int, int] | None = None
        self._proposal: Edit | None = None
        self._worker: Worker | None = None
        self._later = QTimer(self, singleShot=True, interval=30)
        self._later.timeout.connect(self._tell)
        self._boxes_are_new = False
        self.ask_changed = ask_changed
        self._title = str(viewer.title)

    # ---- the session ---------------------------------------------------------------------------

    def open_video(self, video: Video, results: Path | None = None) -> Session:
        """Start a session on a video; the one before is closed."""
        self.close_session()
        self.chosen.clear()
        self.frames_opencv = None
        self.set_results(results)
        session = Session(video)
        with contextlib.suppress(CropzoomError):  # told again, with its cure, at the first edit
            session.draw_into(self.drawn_csv(video.path))
        self.session = session
        self.viewer.title = f"{shortened(video.path.name, TITLE_LENGTH)} - {self._title}"
        self.layers = LayerSet(self.viewer, session)
        for signal, slot in self._wiring(session, self.layers):
            signal.connect(slot)
        self.session_changed.emit()
        self.changed.emit()
        return session

    def close_session(self) -> None:
        """Let go of the session, its layers and its video."""
        session, layers = self.session, self.layers
        self.session = self.layers = self.crop_file = None
        self.keypoint_files.clear()
        if session is None:
            return
        if layers is not None:
            for signal, slot in self._wiring(session, layers):
                signal.disconnect(slot, missing_ok=True)
            layers.close()
        session.close()
        self.viewer.title = self._title
        self.selection = self.proposal = None
        self.session_changed.emit()

    def close(self) -> None:
        """End everything, the worker's process included."""
        self._later.stop()
        self.close_session()
        if self._worker is not None:
            self._worker.close()
            self._worker.deleteLater()
            self._worker = None
        self.closed.emit()

    def _wiring(self, session: Session, layers: LayerSet) -> list[tuple[Any, Callable[..., object]]]:
        """Signals of a session and its layers, each with what listens to it here."""
        shown = (session.boxes_changed, session.track_changed, session.smoothing_changed)
        more = session.tracks_changed, session.predictions_changed, session.history_changed, session.saved
        return [
            (layers.frame_changed, self._on_frame),
            (layers.frame_rested, self._on_frame_rested),
            (layers.box_dragged, self._on_drag),
            (layers.proposed, self._on_proposed),
            (layers.refused, self._on_refused),
            (layers.selection_asked, self._on_selection),
            (session.history_changed, self._on_edited),
            (session.editing.stepped, self._on_stepped),
            *((signal, self._on_change) for signal in (*shown, *more)),
            *((signal, self._on_boxes) for signal in shown),
        ]

    def _on_change(self, *_: object) -> None:
        self._later.start()

    def _on_boxes(self, *_: object) -> None:
        self._boxes_are_new = True

    def _on_frame(self, frame: int) -> None:
        self.frame_changed.emit(int(frame))

    def _on_frame_rested(self, frame: int) -> None:
        self.frame_rested.emit(int(frame))

    def _on_drag(self, box: Box | None) -> None:
        self.box_dragged.emit(box)

    def _on_proposed(self, edit: Edit | None) -> None:
        self.proposal = edit

    def _on_edited(self) -> None:
        self.edited.emit()

    def _on_stepped(self, edit: Edit, is_redo: bool) -> None:
        if not edit.covers(self.frame):
            self.go_to(edit.first)
        self.stepped.emit(edit, is_redo)

    def _on_selection(self, selection: tuple[int, int] | None) -> None:
        self.selection = selection

    def _on_refused(self, error: CropzoomError) -> None:
        self.refused.emit(error)

    def _tell(self) -> None:
        if self._boxes_are_new:
            self._boxes_are_new = False
            self.boxes_changed.emit()
        self.changed.emit()

    # ---- the current frame ---------------------------------------------------------------------

    @property
    def frame(self) -> int:
        """Frame that is shown, 0 without a video."""
        return int(self.layers.frame) if self.layers else 0

    def go_to(self, frame: int) -> None:
        """Show a frame."""
        if self.layers is not None:
            self.layers.frame = frame

    @property
    def selection(self) -> tuple[int, int] | None:
        """Selected frames, first and last, both inclusive; None if none is."""
        return self._selection

    @selection.setter
    def selection(self, selection: tuple[int, int] | None) -> None:
        if selection != self._selection:
            self._selection = selection
            if self.layers is not None:
                self.layers.selection = selection
            self.selection_changed.emit()

    @property
    def proposal(self) -> Edit | None:
        """Edit that is shown before anyone applies it."""
        return self._proposal

    @proposal.setter
    def proposal(self, edit: Edit | None) -> None:
        if edit is not self._proposal:
            self._proposal = edit
            if self.layers is not None:
                self.layers.show_proposal(edit)
            self.proposal_changed.emit()

    # ---- where things lie ----------------------------------------------------------------------

    def set_results(self, folder: Path | None) -> None:
        """Have what is made of the video in a folder; what is there already is not moved."""
        self.results = folder
        for role in ("detector", "pose"):
            if (model := getattr(self, role)) is not None:
                setattr(self, role, replace(model, results=folder))
        session = self.session
        if session is not None and not session.has_boxes:
            with contextlib.suppress(CropzoomError):
                session.draw_into(self.drawn_csv(session.video.path))
        self.changed.emit()

    def drawn_csv(self, video: Path) -> Path:
        """Raw boxes of a video whose boxes are all drawn by hand."""
        return (self.results or video.parent) / "bboxes_drawn" / f"{video.stem}_bbox.csv"

    def method_csv(self, video: Path, method: str) -> Path:
        """Raw boxes of a detector without model."""
        return (self.results or video.parent) / f"bboxes_{method}" / f"{video.stem}_bbox.csv"

    def crop_output(self) -> Path | None:
        """Cropped video of the current animal: where `litpose crop` puts it, or in that one's folder."""
        session = self.session
        if session is None or (first := session.tracks.first.raw_csv) is None:
            return None
        usual = first.parent.parent / "cropped_videos" / f"cropped_{session.video.path.stem}.mp4"
        return own_place_of(usual, own) if (own := session.tracks.own_raw) else usual

    # ---- work ----------------------------------------------------------------------------------

    def save(self, on_done: OnDone, on_error: OnDone) -> None:
        """Write the review in a thread; ``on_done`` gets the CSV of the final boxes."""
        session = self.session
        if session is None:
            return
        try:
            pending = session.to_save()
        except CropzoomError as error:
            on_error(error)
            return

        def written(_: object) -> None:
            if self.session is session:
                on_done(session.mark_saved(pending))

        run_in_thread(pending.write, on_done=written, on_error=on_error)

    def start(self, stage: str, args: dict[str, Any]) -> Job:
        """Queue a stage in the worker's process, which starts with the first."""
        if self._worker is None:
            self._worker = Worker(self, options=MORE_STAGES)
        return self._worker.start(stage, args)

    @property
    def is_working(self) -> bool:
        """Whether a stage runs, or waits."""
        return self._worker is not None and self._worker.is_busy

    @property
    def is_predicting(self) -> bool:
        """Whether a model runs, or waits: its keypoints are still to come."""
        return self._worker is not None and "predict" in self._worker.stages

    def load_boxes(
        self, path: Path, source: Source, allow_missing: bool, on_done: OnDone, on_error: OnDone
    ) -> None:
        """Read raw boxes and the review of them in a thread; ``on_done`` gets what to tell the person.

        If the raw boxes changed since the review, the person is asked whether to carry the edits over.
        """
        session = self.session
        if session is None:
            return

        def take(stored: StoredReview) -> None:
            if self.session is not session:
                return
            changed = self.ask_changed(stored) if stored.changed else "carry"
            if changed is None:
                on_done("The boxes were not opened; nothing has changed.")
                return
            try:
                said = session.take_review(stored, changed=changed)
            except CropzoomError as error:
                on_error(error)
                return
            on_done(said)

        def read() -> StoredReview:
            video, size = session.video.path, session.frame_size
            folder = self.results or video.parent
            notes: list[str] = []
            table = as_table(path, folder, video, session.n_frames, size, notes.append)
            stored = read_review(
                table, session.n_frames, source, allow_missing=allow_missing, frame_size=size, video=video
            )
            stored.notes[:0] = notes
            return stored

        run_in_thread(read, on_done=take, on_error=on_error)

    def load_predictions(
        self, kind: Kind, path: Path, on_done: OnDone, on_error: OnDone, animal: str | None = None
    ) -> ThreadHandle:
        """Read keypoints in a thread; ``on_done`` gets what to tell of them.

        Those of a pose model are for the animal that is current now, or :meth:`.Keypoints.animal`.
        """
        session = self.session
        if session is None:
            raise CropzoomError("Open a video first.")
        whose = "" if kind != "pose" else session.keypoints.animal(animal)

        def take(found: tuple[Poses, str]) -> None:
            if self.session is session and whose in ("", *session.tracks):
                self.keypoint_files[kind, whose] = path
                session.set_predictions(kind, found[0], whose)
                on_done(found[1])

        read = partial(read_predictions_of, path, session.n_frames, session.video.path, CURE)
        return run_in_thread(read, on_done=take, on_error=on_error)

    @staticmethod
    def is_for_person(error: Exception) -> bool:
        """Whether an error says what to do, as opposed to a bug."""
        return isinstance(error, CropzoomError | OSError)


def find_controller(viewer: napari.viewer.Viewer) -> Controller | None:
    """Return the controller of the viewer's Cropzoom dock, None if that is not open."""
    for widget in viewer.window.dock_widgets.values():
        controller = getattr(widget, "controller", None)
        if isinstance(controller, Controller) and getattr(widget, "owns_controller", False):
            return controller
    return None
