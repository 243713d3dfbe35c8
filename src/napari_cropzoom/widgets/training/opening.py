"""Opens the labeled frames of a project in the review bench: labels, keypoints and boxes over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.jobs import Latest
from napari_cropzoom.projects.label_images import (
    LabelImages,
    keypoints_in_images,
    labels_as_poses,
    raw_boxes_of,
)
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.widgets.docks import add_docks, find_dock, share_place
from napari_cropzoom.widgets.questions import may_leave
from napari_cropzoom.widgets.window.hides_on_close import holder_of

if TYPE_CHECKING:
    import napari.viewer

    from napari_cropzoom.widgets.dock import CropzoomDock


@dataclass(frozen=True, eq=False)
class LabeledFrames:
    """Labeled frames and what was made of them, read before anything is shown.

    Attributes
    ----------
    images : LabelImages
    labels : Poses
    detector, pose : Poses or None
        Keypoints in pixels of the images.
    review : StoredReview or None
        The detector's boxes and the review of them.
    notes : tuple of str
        What a person should know.
    """

    images: LabelImages
    labels: Poses
    detector: Poses | None = None
    pose: Poses | None = None
    review: StoredReview | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, labels: Path, detector: Path | None, pose: Path | None = None) -> LabeledFrames:
        """Read what there is; fit for a thread.

        Raises
        ------
        CropzoomError
            If labels or images cannot be read, or a file that belongs to them is broken.
        """
        images = LabelImages(labels)
        model = None if detector is None else ModelFolder.open(detector, need_checkpoint=False)
        review, found, notes = None, None, []
        if model is not None:
            found = keypoints_in_images(model, images.path)
            raw = raw_boxes_of(model, images.path)
            if raw.is_file():
                review = read_review(
                    raw, images.n_frames, Source.DETECTED, allow_missing=True, video=images.path
                )
        in_frame = None
        if pose is not None:
            try:
                in_frame = keypoints_in_images(ModelFolder.open(pose), images.path)
            except CropzoomError as error:
                notes.append(str(error))
        return cls(images, labels_as_poses(images.path), found, in_frame, review, tuple(notes))

    def give_to(self, dock: CropzoomDock, image: str | None = None) -> None:
        """Show it in a dock, at an image or the worst suspect."""
        video: Any = dock["video"]
        video.take(self.images)
        session = dock.controller.session
        assert session is not None
        session.set_predictions("labels", self.labels)
        if self.detector is not None:
            session.set_predictions("detector", self.detector)
        if self.pose is not None:
            session.set_predictions("pose", self.pose)
        said = list(self.notes)
        if self.review is not None:
            said.append(session.take_review(self.review))
        dock.open_step("review")
        worst = session.queue()
        if image is not None and image not in (names := self.images.images or ()):
            said.append(f"{image} is not in {self.images.path.name}: choose its labels file.")
        elif image is not None:
            dock.controller.go_to(names.index(image))
        elif worst:
            dock.controller.go_to(worst[0].frame)
        dock["review"].message.show_info(" ".join(filter(None, said)))


class LabelsOpener(QObject):
    """Opens labeled frames in the *Cropzoom* dock of a viewer, which comes if it is not there.

    Attributes
    ----------
    opened : Signal
        They are shown: the path of the labels.
    saved : Signal
        Their boxes were saved: the path of the labels.
    failed : Signal
        An exception.
    """

    opened = Signal(object)
    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget) -> None:
        super().__init__(parent)
        self._beside = parent
        self._viewer = viewer
        self._image: str | None = None
        self._reading = Latest(self._show, self._fail)

    @property
    def current(self) -> Path | None:
        """Labels whose images are open, None if none are."""
        dock = find_dock(self._viewer)
        session = None if dock is None else dock.controller.session
        return None if session is None or session.video.images is None else session.video.path

    def open(
        self, labels: Path, detector: Path | None, pose: Path | None = None, image: str | None = None
    ) -> None:
        """Read in a thread and show; asks first where a review is open that was not saved."""
        dock = add_docks(self._viewer)
        share_place(self._viewer, self._beside)
        session = dock.controller.session
        is_unsaved = session is not None and session.unsaved and len(session.history) > 0
        if is_unsaved and not may_leave(dock, session, self.failed.emit):
            return
        self._image = image
        self._reading.request(LabeledFrames.read, labels, detector, pose)

    def drop(self) -> None:
        """Show nothing of what is being read."""
        self._reading.drop()

    def _show(self, found: LabeledFrames) -> None:
        dock = find_dock(self._viewer)
        if dock is None:
            return
        try:
            found.give_to(dock, self._image)
        except CropzoomError as error:
            self.failed.emit(error)
            return
        session = dock.controller.session
        if session is not None:
            session.saved.connect(self._on_saved)
        holder = holder_of(dock)
        if holder is not None:
            holder.show()
            holder.raise_()
        self.opened.emit(found.images.path)

    def _fail(self, error: Exception) -> None:
        self.failed.emit(error)

    def _on_saved(self, _: object) -> None:
        self.saved.emit(self.current)
