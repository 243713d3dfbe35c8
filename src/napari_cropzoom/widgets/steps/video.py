"""Step *Video*: choose the video and see the warnings of its checks.

Object names: ``video_open``, ``video_recent``, ``video_path``, ``video_progress``, ``video_details``,
``video_results``, ``video_results_path``, ``video_results_usual``, ``video_sample``, and those of
:mod:`.found_reviews`.
"""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog, QMenu, QMessageBox

from napari_cropzoom.canvas.layer_stack import prepare_layers
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import counted, shortened
from napari_cropzoom.engine.model_folder import ModelsNear
from napari_cropzoom.files.review_paths import places_of, remember_results, results_of
from napari_cropzoom.jobs import Latest
from napari_cropzoom.review.finding import FoundReview, find_models, find_reviews, read_all_found
from napari_cropzoom.video.checks import preflight
from napari_cropzoom.video.video import VIDEO_SUFFIXES, Video, VideoIndex
from napari_cropzoom.widgets.controller import Controller
from napari_cropzoom.widgets.controls import (
    PathLabel,
    button,
    delayed,
    note,
    recent,
    remember,
    row,
    thin_bar,
)
from napari_cropzoom.widgets.questions import may_leave
from napari_cropzoom.widgets.steps.base import Needs, Step
from napari_cropzoom.widgets.steps.parts.found_reviews import MOST_OFFERED, FoundReviews
from napari_cropzoom.widgets.steps.parts.sample_button import SampleButton

RESULTS_HELP = (
    "Put keypoints, boxes and crops of this video into a folder of its own, e.g. because another video "
    "of this name was worked on with the same models, or a model's folder cannot be written to"
)
MANY_DROPPED = "One video is open at a time: {}. The others are on the list of recent videos."


class ScanProgress(QObject):
    """Carries the fraction scanned from the thread that scans."""

    fraction = Signal(float)


class VideoStep(Step):
    """Choose a file, or take the layer that napari's reader has opened; offers reviews that are there.

    Attributes
    ----------
    review_chosen : Signal
        The :class:`FoundReview` that a person goes on with.
    review_goes_on : Signal
        The only one there is, after a person has opened the video.
    resumed : Signal
        A review goes on by itself, as it does where all boxes were drawn by hand; what to tell of it.
    """

    review_chosen = Signal(object)
    review_goes_on = Signal(object)
    resumed = Signal(str)

    key = "video"
    title = "Video"
    help = "Open the video whose boxes are made and reviewed."
    place = 10
    needs = Needs.NOTHING
    next_key = "detect"
    most_dropped, is_for_images = 100, True

    def __init__(self, controller: Controller, number: int) -> None:
        self._scanning: Path | None = None
        self._are_many = False
        self._is_by_hand = False  # scripts load what they want; a person wants to go on
        self._is_held = False  # at this step, until what is in the reviews is known
        self._goes_on = False  # with the only review, which is then not offered too
        self.ask_replace = self._ask_replace
        super().__init__(controller, number)

    def build(self) -> None:
        """File, progress of the scan, details, warnings."""
        self.open_button = button("Open video…", "video_open", "Or drop a file on this dock")
        self.recent = button("Recent videos", "video_recent", "Open one of the videos opened before")
        self.recent.setMenu(QMenu(self.recent))
        self.recent.menu().aboutToShow.connect(self._fill_recent)
        self.path_label = PathLabel()
        self.path_label.setObjectName("video_path")
        self.bar = thin_bar("video_progress")
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.details = note("", "video_details")
        self.results_button = button("Results folder…", "video_results", RESULTS_HELP)
        self.usual_button = button("Usual", "video_results_usual", "Put results with models and video")
        self.results_label = PathLabel()
        self.results_label.setObjectName("video_results_path")
        self.reviews = FoundReviews()
        self.form.addLayout(row(self.open_button, self.recent, stretch=1))
        sample = SampleButton(self.controller)
        for widget in (sample, self.path_label, self.bar, self.details, self.reviews):
            self.form.addWidget(widget)
        self.form.addLayout(row(self.results_button, self.usual_button, self.results_label, stretch=2))
        self.results_button.clicked.connect(self.browse_results)
        self.usual_button.clicked.connect(self.take_usual)
        self.open_button.clicked.connect(self.browse)
        self.reviews.chosen.connect(self.review_chosen)
        self._scan_progress = ScanProgress(self)
        self._scan_progress.fraction.connect(self._on_fraction)
        self._scan = Latest(lambda scanned: self._on_scanned(*scanned), self._on_scan_failed)
        self._check = Latest(self._on_checked, self._on_scan_failed)
        self._look = Latest(self._on_reviews_read, self.show_error)
        self._adopt = delayed(self, self.adopt_layer)
        self._adopt.start()

    def summary(self) -> tuple[str, bool]:
        """``1200 frames · 1280×1024 px``."""
        session = self.controller.session
        if self._scanning is not None:
            return f"reading {self._scanning.name} …", False
        if session is None:
            return "", False
        video, noun = session.video, "frame" if session.video.images is None else "image"
        return f"{counted(video.n_frames, noun)} · {video.width}×{video.height} px", True

    def browse(self) -> None:
        """Ask for a file."""
        start = next((str(known.parent) for known in recent("video")), "")
        patterns = " ".join(f"*{suffix}" for suffix in sorted(VIDEO_SUFFIXES))
        path, _ = QFileDialog.getOpenFileName(self, "Open video", start, f"Videos ({patterns});;All (*)")
        if path:
            self.open(Path(path), by_hand=True)

    def browse_results(self) -> None:
        """Ask for a folder that takes what is made of this video."""
        session = self.controller.session
        start = self.controller.results or (session and session.video.path)
        folder = QFileDialog.getExistingDirectory(self, "Folder for results", str(start or ""))
        if folder:
            self.take_results(Path(folder))

    def take_results(self, folder: Path | None) -> None:
        """Have what is made of this video in a folder, now and when it is opened again."""
        if self.controller.session is not None:
            self.controller.set_results(folder)
            remember_results(self.controller.session.video.path, folder)
            self._look_into(known_reviews(self.controller.session.video.path))
            self.refresh()

    def take_usual(self) -> None:
        """Have results in the usual places again."""
        self.take_results(None)

    def update_body(self) -> None:
        """Show videos opened before, where results go, and reviews as long as there is none."""
        session = self.controller.session
        self.recent.setVisible(bool(self._known_videos()))  # of others than the one that is open
        is_begun = session is not None and session.has_boxes and len(session.history) > 0
        self.reviews.setVisible(bool(self.reviews.found) and not is_begun and not self._goes_on)
        results, has_video = self.controller.results, session is not None
        self.results_button.setVisible(has_video)
        self.usual_button.setVisible(has_video and results is not None)
        self.results_label.setVisible(has_video)
        self.results_label.set_path(results)
        if results is None:
            self.results_label.setText("with models and video")

    def can_open(self, path: Path) -> bool:
        """Whether a file is a video."""
        return path.suffix.lower() in VIDEO_SUFFIXES

    def open(self, path: Path, by_hand: bool = False) -> None:
        """Index a video in a thread and start a session on it.

        A script (not ``by_hand``) is offered the reviews that are there, however many.
        """
        if self._may_leave():
            self._start(path, by_hand)

    def agrees_to_drop(self, paths: list[Path]) -> bool:
        """Ask where another video is open; several are on the list of recent ones in any case."""
        for path in reversed(paths[1:]):
            remember("video", path)
        return self._may_replace(paths[0])

    def drop(self, paths: list[Path], *, alone: bool = True) -> None:
        """Open the first of videos that were dropped on the window.

        With boxes that were dropped too, no review that is there goes on by itself.
        """
        self._are_many = len(paths) > 1
        self._start(paths[0], by_hand=alone)

    def _start(self, path: Path, by_hand: bool) -> None:
        self.message.clear()
        self._is_by_hand = by_hand
        self._scanning = Path(path)
        self.path_label.set_path(self._scanning)
        self.bar.setValue(0)
        self.bar.show()
        self.open_button.setEnabled(False)
        self._scan.request(scan, self._scanning, self._scan_progress)
        self.refresh()

    def take(self, video: Video, by_hand: bool = False) -> None:
        """Start a session on a video that is open already."""
        self._is_by_hand = by_hand
        self._on_scanned(video, known_reviews(video.path), models_near(video.path))

    def adopt_layer(self) -> bool:
        """Open the video that napari's reader has added as a layer, in the place of that layer.

        Of several the first is opened; the others are on the list of recent videos.

        Returns
        -------
        bool
            Whether one was opened.
        """
        layers = self.controller.viewer.layers
        found = [layer for layer in layers if isinstance(layer.data, Video)]
        for layer in found:
            layers.remove(layer)
            remember("video", layer.data.path)
        for layer in found[1:]:
            layer.data.close()
        if not found:
            return False
        video: Video = found[0].data
        if not self._may_replace(video.path):
            video.close()
            return False
        self._are_many = len(found) > 1
        self.take(video, by_hand=True)
        return True

    def release(self) -> None:
        """Drop the answers still to come."""
        self._adopt.stop()
        for latest in (self._scan, self._check, self._look):
            latest.drop()

    def session_changed(self) -> None:
        """Forget the reviews of the video before."""
        super().session_changed()
        self._look.drop()
        self._goes_on = False
        self.reviews.show_reviews(())

    def offer_reviews(self) -> None:
        """Offer also the review that could not go on by itself."""
        self._goes_on = False
        self.refresh()

    def _may_leave(self) -> bool:
        return may_leave(self, self.controller.session, self.show_error)

    def _may_replace(self, path: Path) -> bool:
        session = self.controller.session
        if session is None:
            return True
        if session.unsaved and len(session.history):
            return self._may_leave()
        return self.ask_replace(session.video.path, path)

    def _ask_replace(self, before: Path, path: Path) -> bool:
        """Ask whether to open a video in the place of another that is open."""
        box = QMessageBox(self)
        box.setObjectName("replace_dialog")
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Open another video?")
        box.setText(f"Open {shortened(path.name, 40)}?")
        box.setInformativeText(
            f"{shortened(before.name, 40)} is open. It is closed first; its review is kept, and goes on "
            "when it is opened again. A step that runs is cancelled."
        )
        agreed = box.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is agreed

    def _on_fraction(self, fraction: float) -> None:
        self.bar.setValue(round(1000 * fraction))

    def _on_scanned(self, video: Video, reviews: list[Path], models: ModelsNear) -> None:
        self._end_scan()
        self.controller.models_near = models
        session = self.controller.open_video(video, results_of(video.path))
        remember("video" if video.images is None else "labels", video.path)
        self.path_label.set_path(video.path)
        rate, length = f"{video.fps:.4g} frames a second", f"{video.n_frames / video.fps:.1f} s"
        if video.images is None:
            self.details.setText(f"{rate} · {length} · {video.index.codec}, {video.index.pix_fmt}")
            self._check.request(partial(preflight, video.path, index=video.index))
        else:
            self.details.setText("Labeled images, each by itself; a frame is as large as the largest.")
        if self._are_many:
            self._are_many = False
            self.message.show_info(MANY_DROPPED.format(video.path.name))
        is_found = self._look_into(reviews)
        self.refresh()
        self._is_held = is_found
        if is_found:
            self.toggled.emit(True)
        elif session.has_boxes:
            edits = counted(len(session.history), "edit")
            self.resumed.emit(f"Review resumed: {edits}, boxes drawn by hand.")
        else:
            self.finished.emit()

    def _look_into(self, raws: list[Path]) -> bool:
        """Read in a thread what reviews hold, but for the one that goes on; whether there are any."""
        session = self.controller.session
        if session is None:
            return False
        raws = [raw for raw in raws if not (session.has_boxes and raw == session.raw_csv)][:MOST_OFFERED]
        video = session.video.path
        self.reviews.show_reviews(())
        self._look.request(read_all_found, raws, video, session.n_frames, session.frame_size)
        return bool(raws)

    def _on_reviews_read(self, read: tuple[list[FoundReview], list[str]]) -> None:
        found, notes = read
        is_free = self._is_held and self.is_open and not notes
        is_only = self._is_by_hand and len(found) == 1 and not found[0].is_of_others
        self._is_held = self._is_by_hand = False
        self._goes_on = is_free and is_only
        self.reviews.show_reviews(found, is_offered=not self._goes_on)
        if notes and not self.message.plain:
            self.message.show_warning("\n".join(notes))
        self.refresh()
        if is_free and not found:
            self.finished.emit()
        elif self._goes_on:
            self.review_goes_on.emit(found[0])

    def _on_scan_failed(self, error: Exception) -> None:
        self._end_scan()
        session = self.controller.session
        self.path_label.set_path(session.video.path if session else None)
        self.show_error(error)
        self.refresh()

    def _end_scan(self) -> None:
        self._scanning = None
        self.bar.hide()
        self.open_button.setEnabled(True)

    def _on_checked(self, info: Any) -> None:
        session = self.controller.session
        if session is None:
            return
        if info.undecodable and session.suspects.is_inspected:
            session.suspects.inspected.emit()  # they are in its queue now
        self.controller.frames_opencv = info.frames_opencv
        self.controller.changed.emit()
        if info.warnings and not self.message.plain:
            self.message.show_warning("\n".join(info.warnings))

    def _known_videos(self) -> list[Path]:
        """Videos opened before, but for the one that is open."""
        session = self.controller.session
        return [path for path in recent("video") if session is None or path != session.video.path]

    def _fill_recent(self) -> None:
        (menu := self.recent.menu()).clear()
        for path in self._known_videos():
            action = menu.addAction(f"{path.name}  ({path.parent.name})".replace("&", "&&"))
            action.setData(str(path))
            action.triggered.connect(lambda _=False, path=path: self.open(path, by_hand=True))


def scan(path: Path, progress: ScanProgress) -> tuple[Video, list[Path], ModelsNear]:
    """Open a video, decode what is shown first, look for reviews and models; runs in a thread."""
    video = Video(path, index=VideoIndex.scan(path, progress.fraction.emit))
    for frame in ((video.n_frames - 1) // 2, 0):  # napari shows the middle of a first layer for a moment
        with contextlib.suppress(CropzoomError):  # told where it is shown
            video.frame(frame)
    prepare_layers()
    return video, known_reviews(path), models_near(path)


def known_reviews(video: Path) -> list[Path]:
    """Raw boxes of a video that have a review, where reviews lie and where there were some before."""
    places = places_of(video)
    return find_reviews(video, places.results, recent("model"), places.reviews)


def models_near(video: Path) -> ModelsNear:
    """Models of a video's project; a matter of milliseconds."""
    return ModelsNear.among(find_models(video), video)
