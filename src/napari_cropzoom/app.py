"""Open the review bench from scripts and from the shell."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.plausible import Faults
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.files.belonging import check_made_of, read_predictions_of
from napari_cropzoom.files.formats.registry import as_table, read_boxes
from napari_cropzoom.files.review_paths import doubt_of_places, journal_file
from napari_cropzoom.review.session import Session
from napari_cropzoom.review.stored import StoredReview, read_review
from napari_cropzoom.video.video import Video

if TYPE_CHECKING:
    import napari

    from napari_cropzoom.widgets.dock import CropzoomDock


def open_review(
    viewer: napari.viewer.Viewer,
    video: str | Path,
    bbox: str | Path | None = None,
    detector: str | Path | None = None,
    pose: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> Session:
    """Open a video with its boxes and keypoints for review, as the menu does.

    Adds the layers ``video``, ``boxes``, ``detector keypoints`` and ``pose keypoints`` and the docks
    *Cropzoom*, *Crop preview* and *Timeline*. Nothing is computed: predictions and boxes are taken if
    they are there, and a saved review goes on where it was left.

    Parameters
    ----------
    viewer : napari.Viewer
    video : path
        The full-frame video.
    bbox : path, optional
        CSV of raw boxes; without it, those in the detector's ``video_preds``, if any.
    detector, pose : path, optional
        Lightning Pose model folders.
    output_dir : path, optional
        Folder that takes results, and is looked for them, as ``--output_dir`` of the commands; without it
        the one chosen for this video before, if any, else the models' own folders.

    Returns
    -------
    Session
        Of the review; it ends with the window, or when code removes the dock.

    Raises
    ------
    CropzoomError
        If a file or folder is not what it should be; the window is then as it was.
    """
    from napari_cropzoom.files.review_paths import results_of

    dock = find_dock(viewer)
    chosen = (dock.controller.detector, dock.controller.pose) if dock else (None, None)
    opened = Video(Path(video))
    try:
        given = zip((detector, pose), chosen, strict=True)
        results = results_of(opened.path) if output_dir is None else Path(output_dir).absolute()
        models = [
            before if path is None else ModelFolder.open(path, results=results) for path, before in given
        ]
        read = partial(
            ReviewContent.read,
            opened,
            None if bbox is None else Path(bbox),
            models[0],
            models[1],
            results,
        )
        content = read()
    except BaseException:
        opened.close()
        raise
    is_new = dock is None
    dock = add_docks(viewer)
    dock["video"].take(opened)
    if output_dir is not None:
        dock["video"].take_results(Path(output_dir).absolute())
    session = dock.controller.session
    assert session is not None
    if detector is not None:
        dock["detect"].choose_model(Path(detector))
    if pose is not None:
        dock["pose"].choose_model(Path(pose))
    if not is_new:  # the review that was open there may have been this one, and has ended now
        content = read()
    content.give_to(dock)
    return session


@dataclass(frozen=True)
class ReviewContent:
    """What there is to show of a video, read before anything is shown.

    Attributes
    ----------
    review : StoredReview or None
        Boxes and the review of them.
    detector, pose : Poses or None
        Keypoints in the full frame.
    notes : tuple of str
        What a person should know, e.g. which files are of another video of this name.
    """

    review: StoredReview | None
    detector: Poses | None
    pose: Poses | None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        video: Video,
        bbox: Path | None,
        detector: ModelFolder | None,
        pose: ModelFolder | None,
        results: Path | None = None,
    ) -> ReviewContent:
        """Read the boxes, those of the detector if none are given, and the keypoints that are there.

        What is found by its name and is of another video is left out, and told. ``results`` is the
        folder for results, None for the usual places.

        Raises
        ------
        CropzoomError
            If a file is broken, or was given and belongs to another video.
        """
        source, size, path, notes = Source.IMPORTED, (video.width, video.height), video.path, list[str]()
        if bbox is not None:
            check_boxes(bbox, video)
        elif detector is not None and _is_ours(detector.bbox_csv(path), path, notes):
            bbox, source = detector.bbox_csv(path), Source.DETECTED
        found, in_frame = (_predictions(model, video, notes) for model in (detector, pose))
        notes += filter(None, [doubt_of_places()])
        if bbox is None:
            return cls(None, found, in_frame, tuple(notes))
        if source == Source.IMPORTED:
            folder = results or path.parent
            bbox = as_table(bbox, folder, path, video.n_frames, size, notes.append)
        review = read_review(
            bbox, video.n_frames, source, allow_missing=True, frame_size=size, video=path
        )
        return cls(review, found, in_frame, tuple(notes))

    def give_to(self, dock: CropzoomDock) -> None:
        """Show it in a dock that has opened the video, and open the step that comes next."""
        session, said = dock.controller.session, list(self.notes)
        assert session is not None
        if self.detector is not None:
            session.set_predictions("detector", self.detector)
            dock["detect"].mark_loaded()
        if self.review is not None:
            said.append(session.take_review(self.review))
        if self.pose is not None:
            session.set_predictions("pose", self.pose)
            dock["pose"].mark_loaded()
        step = "review" if session.has_boxes else "boxes" if session.detector_poses else ""
        if step:
            dock.open_step(step)
        step = step or next((key for key in dock.steps if dock[key].is_open), "video")
        if any(said):
            dock[step].message.show_info("\n".join(line for line in said if line))


def _predictions(model: ModelFolder | None, video: Video, notes: list[str]) -> Poses | None:
    if model is None or not _is_ours(model.predictions_csv(video.path), video.path, notes):
        return None
    poses, told = read_predictions_of(model.predictions_csv(video.path), video.n_frames, video.path)
    notes.extend([told] if told else [])
    return poses


def _is_ours(path: Path, video: Path, notes: list[str]) -> bool:
    """Whether there is such a file, and it is not of another video of this name, which is noted."""
    if not path.is_file():
        return False
    try:
        check_made_of(path, video)
    except CropzoomError as error:
        notes.append(str(error))
        return False
    return True


def has_screen() -> bool:
    """Whether a window can be opened."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_boxes(path: Path, video: Video) -> None:
    """Refuse a file of boxes that is not of this video; frames without a box are welcome.

    Raises
    ------
    CropzoomError
        As :func:`napari_cropzoom.files.bbox_csv.read_bbox_csv`, but single bad rows are no reason.
    """
    size, is_reviewed = (video.width, video.height), journal_file(path).is_file()
    faults: Faults = "tell" if is_reviewed else "skip"
    read_boxes(path, video.n_frames, allow_missing=True, frame_size=size, faults=faults)


def find_dock(viewer: napari.viewer.Viewer) -> CropzoomDock | None:
    """Return the viewer's Cropzoom dock if it is open."""
    from napari_cropzoom.widgets import docks

    return docks.find_dock(viewer)


def add_docks(viewer: napari.viewer.Viewer) -> CropzoomDock:
    """Add *Cropzoom* at the right, *Timeline* below the canvas, *Crop preview* beside that; show them."""
    from napari_cropzoom.widgets import docks

    return docks.add_docks(viewer)


def settle(viewer: napari.viewer.Viewer) -> None:
    """Give the docks below the height they want, and fit the picture to the canvas."""
    from napari_cropzoom.widgets import docks

    docks.settle(viewer)


def review_main(
    video: str | Path | None = None,
    bbox: str | Path | None = None,
    detector: str | Path | None = None,
    pose: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> int:
    """Open napari for a review and run it until its window closes; returns the exit code.

    Raises
    ------
    CropzoomError
        If a file or folder is not what it should be.
    """
    import napari

    viewer = napari.Viewer(title="napari-cropzoom", show=False)
    try:
        if video is not None:
            open_review(viewer, video, bbox, detector, pose, output_dir)
        else:
            add_docks(viewer)
    except BaseException:
        viewer.close()
        raise
    viewer.window.show()
    napari.run()
    return 0
