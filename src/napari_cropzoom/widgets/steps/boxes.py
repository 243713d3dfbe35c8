"""Step *Boxes*: boxes round the detector's keypoints, from a file, or drawn by hand.

Object names: ``boxes_origin``, ``boxes_scales``, ``boxes_load``, ``boxes_allow_missing``, ``boxes_path``,
those of the controls round keypoints and of the question.
"""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QCheckBox

from napari_cropzoom.core.boxes import FloatArray, Source
from napari_cropzoom.core.editing.settings import (
    RawBoxes,
    SizingEdit,
    is_changed,
    told_of_asked,
    told_of_origin,
    told_of_remade,
)
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.smoothing.sizing import SizingSettings, told_of_small
from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.jobs import Latest
from napari_cropzoom.review.session import Session
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import PathLabel, button, delayed, note
from napari_cropzoom.widgets.exchange.dropped import may_be_boxes
from napari_cropzoom.widgets.exchange.taking import BoxImport
from napari_cropzoom.widgets.steps.base import Step, told_of_detecting, told_of_no_boxes
from napari_cropzoom.widgets.steps.parts.model_picker import show_scales
from napari_cropzoom.widgets.steps.parts.settling import Settling
from napari_cropzoom.widgets.steps.parts.sizing_question import SizingQuestion
from napari_cropzoom.widgets.steps.sizing_controls import SizingControls

DEBOUNCE_MS = 150


class BoxesStep(Step):
    """Crop ratio or size, anchor keypoints, likelihood threshold; a change shows at once."""

    key = "boxes"
    title = "Boxes"
    help = "Make boxes from the detector's keypoints, load them from a file, or draw them."
    place = 30
    next_key = "review"
    edits = SizingEdit
    most_dropped = 100

    def __init__(self, controller: Controller, number: int) -> None:
        self._names: tuple[str, ...] = ()
        self._raw_csv: Path | None = None
        self._made_for: tuple[Session, str] | None = None
        self._asked = ""  # what the controls were last set to
        self._unsized: SizingSettings | None = None  # what they say of boxes not made with them
        self._is_unseen = False  # made by themselves, and a person has done nothing here since
        super().__init__(controller, number)
        controller.frame_changed.connect(self._forget_preview)

    def build(self) -> None:
        """From keypoints above, from a file below."""
        self.keypoints = SizingControls()
        self.keypoints.changed.connect(self._on_change)
        self.ratio, self.likelihood = self.keypoints.ratio, self.keypoints.likelihood
        self.question = SizingQuestion()
        self.question.agreed.connect(self._request)
        self.question.declined.connect(self._forget_change)
        self.keypoints.layout().addWidget(self.question)
        self.no_keypoints, self.scales = note("", "boxes_origin"), note("", "boxes_scales")
        self.load_button = button("Load boxes…", "boxes_load", "A table, or a file of another program")
        self.taking = BoxImport(self.controller, self.load)
        self.taking.told.connect(self.message.show_info)
        self.taking.taken.connect(self._on_taken)
        self.taking.failed.connect(self.show_error)
        self.taking.coming.connect(lambda: self.toggled.emit(True))
        self.allow_missing = QCheckBox("Allow frames without a box")
        self.allow_missing.setObjectName("boxes_allow_missing")
        self.allow_missing.setChecked(True)
        self.file_label = PathLabel()
        self.file_label.setObjectName("boxes_path")
        for widget in (
            self.keypoints,
            self.load_button,
            self.taking,
            self.allow_missing,
            self.no_keypoints,
            self.file_label,
            self.scales,
        ):  # fmt: skip
            self.form.addWidget(widget)
        self.load_button.clicked.connect(self.taking.browse)
        self._wait = delayed(self, self.create, DEBOUNCE_MS)
        self._latest = Latest(self._on_boxes, self.show_error)
        sliders = (self.ratio, self.likelihood)
        self._settling = Settling(self.controller, self, *sliders, is_busy=lambda: self._is_on_its_way)
        self._settling.failed.connect(self._refuse)
        self.controller.stepped.connect(self._take_back)

    def summary(self) -> tuple[str, bool]:
        """``1200 boxes, 14 missing``."""
        session = self.controller.session
        if session is None or not session.has_boxes:
            return ("making boxes …" if session and self._latest.is_running else ""), False
        missing = session.track.n_missing
        text = counted(session.n_frames - missing, "box")
        return f"{text}, {missing} missing" if missing else text, not self._is_unseen

    def session_changed(self) -> None:
        """Forget the boxes and keypoints of the video before."""
        super().session_changed()
        self.taking.cancel()
        self._take_back()
        self._names, self._unsized, self._is_unseen = (), None, False
        self.keypoints.anchors.clear()
        self.file_label.set_path(None)

    def refresh(self) -> None:
        """Ask nothing more of boxes that are not there any more."""
        if self.question.is_moot(self.controller.session):
            self._take_back()
        super().refresh()

    def update_body(self) -> None:
        """Show the keypoints' controls only if there are keypoints."""
        session = self.controller.session
        poses = session.detector_poses if session else None
        self.keypoints.setVisible(poses is not None)
        own = session if session and session.has_boxes else None
        is_added = own is None and session is not None and len(session.tracks) > 1
        self.no_keypoints.setVisible(poses is None or is_added)
        none = told_of_detecting(self.detecting) if self.detecting else told_of_no_boxes(session)
        self.no_keypoints.setText(told_of_origin(own.track) if own else none)
        self.file_label.set_path(own.raw_csv if own else None, "" if own else self.summary()[0])
        show_scales(self.scales, self.controller)
        if poses is not None and poses.names != self._names:
            self._names, self._unsized = poses.names, None
            sizing = session.sizing if session else None
            self.keypoints.anchors.list_names(poses.names, sizing.anchor_keypoints if sizing else ())
        if session is not None and self.question.is_open:
            self.question.tell(session)
        elif session is not None and not self._is_changing:
            self._show_sizing()

    def set_tight(self, is_tight: bool) -> None:
        """Show fewer keypoints at a time."""
        self.keypoints.anchors.set_low(is_tight)

    def set_open(self, is_open: bool) -> None:
        """A question waits for its answer while the step is folded."""
        if not is_open:
            self._forget_preview()
            self._is_unseen = self._is_unseen and not self.is_open
            self.header.set_state(*self.summary())
        super().set_open(is_open)

    def release(self) -> None:
        """Stop what runs."""
        self._wait.stop()
        self._latest.drop()
        self._settling.stop()
        self.taking.release()

    def start_after(self, key: str) -> None:
        """Make boxes of keypoints that were just detected; where there are none, nothing is to be set."""
        session = self.controller.session
        if session is None:
            return
        if session.detector_poses is not None and not session.has_boxes:
            self.start_from_keypoints()
        elif session.detector_poses is not None and session.sizing is None and session.track.n_missing:
            self.update_body()
            make = self._request if session.tracks.entry.begins_empty else self.create
            make()
        elif session.detector_poses is None and session.has_boxes:
            self.finished.emit()

    def start_from_keypoints(self) -> None:
        """Load the boxes that lie beside the predictions, or make boxes as the controls say."""
        session, detector = self.controller.session, self.controller.detector
        if session is None or detector is None or session.detector_poses is None:
            return
        self._is_unseen = True
        self.update_body()
        existing = detector.bbox_csv(session.video.path)
        if existing.is_file():
            self.load(existing, source=Source.DETECTED)
        else:
            self.create()

    def create(self) -> None:
        """Put boxes round the keypoints of every frame, in a thread; ask first what needs an answer."""
        session = self.controller.session
        if session is None or not self.question.is_due(session):
            self._request()
        elif self.ratio.isSliderDown() or self.likelihood.isSliderDown():
            self._wait.start()
        else:
            self.question.ask(session)

    def _request(self) -> None:
        session, detector = self.controller.session, self.controller.detector
        if session is None or session.detector_poses is None:
            return
        try:
            settings = self.keypoints.settings()
        except CropzoomError as error:
            self.show_error(error)
            return
        self.message.clear()
        video = session.video.path
        self._raw_csv = detector.bbox_csv(video) if detector else self.controller.drawn_csv(video)
        self._made_for = session, session.current
        self._latest.request(RawBoxes.round_keypoints, session.detector_poses, settings)
        super().refresh()

    def _on_boxes(self, raw: RawBoxes) -> None:
        session = self.controller.session
        if session is None or self._raw_csv is None or self._made_for != (session, session.current):
            return
        kept = told_of_remade(session.track) if session.has_boxes else ""
        try:
            session.size_boxes(raw, self._raw_csv)
        except CropzoomError as error:
            self._refuse(error)
            return
        self._settling.start()
        self._forget_preview()
        self._tell(raw.boxes, kept)

    def _tell(self, boxes: FloatArray, kept: str) -> None:
        pose = self.controller.pose
        small = told_of_small(boxes, pose.image_size if pose else None, in_window=True)
        show = self.message.show_warning if small else self.message.show_info
        show(small or kept)

    def _refuse(self, error: Exception) -> None:
        self._forget_change()
        self.show_error(error)

    @property
    def _is_on_its_way(self) -> bool:
        return self._wait.isActive() or self._latest.is_running

    @property
    def _is_changing(self) -> bool:
        """Whether a person is changing the controls, so that they are not to be set."""
        return self._is_on_its_way or self.question.is_open or self.message.kind == "error"

    def _forget_change(self, *_: object) -> None:
        """Show how the boxes are made now, whatever the controls say."""
        self._wait.stop()
        self._latest.drop()
        self.question.forget()
        self.message.clear()
        self._forget_preview()
        self._show_sizing()

    def _take_back(self, *_: object) -> None:
        """Forget what was asked for and say so, because it was asked of other boxes than these."""
        lost = self._asked if self.question.is_open or self._is_on_its_way else ""
        self._forget_change()
        if lost:
            self.message.show_info(f"{lost} was not taken.")
            self.told.emit(self.message.plain)

    def _on_change(self, *_: object) -> None:
        session, layers = self.controller.session, self.controller.layers
        if session is None or layers is None or session.detector_poses is None:
            return
        frame, self._is_unseen = self.controller.frame, False
        try:
            settings = self.keypoints.settings()
            self._asked = told_of_asked(session.sizing, settings)
            box = session.keypoints.size_box(settings, frame)
            if not is_changed(session.track, frame, frame).any():
                layers.preview_box(box)
            self.message.clear()
        except CropzoomError as error:
            self.show_error(error)
        self._wait.start()

    def _forget_preview(self, *_: object) -> None:
        if self.controller.layers is not None and not self._wait.isActive():
            self.controller.layers.preview_box(None)

    def can_open(self, path: Path) -> bool:
        """Whether a file may be boxes, of whatever program."""
        return may_be_boxes(path)

    def open(self, path: Path) -> None:
        """Load a table, or show what a file of another program would become."""
        self.drop([path])

    def drop(self, paths: list[Path], *, alone: bool = True) -> None:
        """The same of files that were dropped on the window."""
        self.message.clear()
        self.taking.open(paths)

    def _on_taken(self, said: str) -> None:
        self.message.show_info(said)
        self.told.emit(said)
        self.finished.emit()

    def load(self, path: Path, source: Source = Source.IMPORTED) -> None:
        """Take the boxes of a CSV, read in a thread."""
        allow = self.allow_missing.isChecked() or source == Source.DETECTED
        self.message.show_info(f"Reading {shortened(path.name, 40)} …")

        def loaded(said: str) -> None:
            self._show_sizing()
            self.message.show_info(said or f"Loaded the boxes of {shortened(path.name, 40)}.")
            self.taking.go_on()

        self.controller.load_boxes(path, source, allow, loaded, self.show_error)

    def _show_sizing(self) -> None:
        """Set the controls to what the boxes were made with, or to what they said before any were."""
        session = self.controller.session
        self._unsized = self._unsized or (self.keypoints.said() if self._names else None)
        sizing = (session.sizing if session else None) or self._unsized
        if sizing is None or sizing == self.keypoints.said():
            return
        self.keypoints.show_settings(sizing, self._names)
