"""Open the review bench from scripts and from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.io.video import Video
from napari_cropzoom.session import Session

if TYPE_CHECKING:
    import napari

    from napari_cropzoom.widgets.dock import CropzoomDock
    from napari_cropzoom.widgets.preview import CropPreview

DOCK, PREVIEW, TIMELINE = "Cropzoom", "Crop preview", "Timeline"
SETTLED = 100  # milliseconds in which docks have taken their places


def open_review(
    viewer: napari.viewer.Viewer,
    video: str | Path,
    bbox: str | Path | None = None,
    detector: str | Path | None = None,
    pose: str | Path | None = None,
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

    Returns
    -------
    Session
        Of the review; it ends with the dock.

    Raises
    ------
    CropzoomError
        If a file or folder is not what it should be; the window is then as it was.
    """
    from qtpy.QtCore import QTimer

    from napari_cropzoom.pipeline.models import ModelFolder

    opened = Video(Path(video))
    try:
        for model in (detector, pose):
            if model is not None:
                ModelFolder.open(model)
        if bbox is not None:
            check_boxes(Path(bbox), opened.n_frames)
    except CropzoomError:
        opened.close()
        raise
    dock = find_dock(viewer)
    is_new = dock is None
    dock = dock or add_docks(viewer)
    dock["video"].take(opened)
    if is_new:
        QTimer.singleShot(SETTLED, lambda: settle(viewer))
    session = dock.bench.session
    assert session is not None
    if detector is not None:
        dock["detect"].choose_model(Path(detector))
    if pose is not None:
        dock["pose"].choose_model(Path(pose))
    _load(dock, Path(bbox) if bbox is not None else None)
    return session


def settle(viewer: napari.viewer.Viewer) -> None:
    """Give the timeline the height it wants, if the window has it, and fit the picture to the canvas.

    Where a window becomes larger, Qt leaves docks as low as they had to be before. A view that is moved
    meanwhile is left as it is.
    """
    from qtpy.QtCore import Qt, QTimer
    from qtpy.QtWidgets import QDockWidget, QMainWindow

    timeline = viewer.window.dock_widgets.get(TIMELINE)
    camera = viewer.scene.camera
    before = (camera.zoom, camera.center)

    def fit() -> None:
        if (camera.zoom, camera.center) == before:
            viewer.reset_view()

    if timeline is not None and isinstance(window := timeline.window(), QMainWindow):
        holders = [one for one in window.findChildren(QDockWidget) if one.isAncestorOf(timeline)]
        heights = [timeline.sizeHint().height()] * len(holders)
        window.resizeDocks(holders, heights, Qt.Orientation.Vertical)
    QTimer.singleShot(SETTLED, fit)


def check_boxes(path: Path, n_frames: int) -> None:
    """Refuse a file of boxes that is not of this video; frames without a box are welcome.

    Raises
    ------
    CropzoomError
        If it is broken or does not end with the video's last frame.
    """
    from napari_cropzoom.io.bbox_csv import read_bbox_csv

    if len(read_bbox_csv(path, allow_missing=True)) != n_frames:
        read_bbox_csv(path, n_frames)


def find_dock(viewer: napari.viewer.Viewer) -> CropzoomDock | None:
    """Return the viewer's Cropzoom dock if it is open."""
    from napari_cropzoom.widgets.dock import CropzoomDock

    docks = viewer.window.dock_widgets.values()
    return next((dock for dock in docks if isinstance(dock, CropzoomDock)), None)


def add_docks(viewer: napari.viewer.Viewer) -> CropzoomDock:
    """Add *Cropzoom* at the right, *Timeline* below the canvas, and *Crop preview* beside that."""
    from napari_cropzoom.widgets.dock import CropzoomDock
    from napari_cropzoom.widgets.preview import CropPreview
    from napari_cropzoom.widgets.timeline import Timeline

    dock = CropzoomDock(viewer)
    viewer.window.add_dock_widget(dock, name=DOCK, area="right")
    viewer.window.add_dock_widget(Timeline(viewer, dock.bench), name=TIMELINE, area="bottom")
    preview: CropPreview = CropPreview(viewer, dock.bench)
    viewer.window.add_dock_widget(preview, name=PREVIEW, area="bottom")
    return dock


def review_main(
    video: str | Path | None = None,
    bbox: str | Path | None = None,
    detector: str | Path | None = None,
    pose: str | Path | None = None,
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
            open_review(viewer, video, bbox, detector, pose)
        else:
            add_docks(viewer)
    except BaseException:
        viewer.close()
        raise
    viewer.window.show()
    napari.run()
    return 0


def demo_main(output: Path | None = None) -> int:
    """Run every step on the sample, then open napari on the result; returns the exit code."""
    from napari_cropzoom.demo import run_demo

    return run_demo(Path(output) if output else Path("demo_output"))


def _load(dock: CropzoomDock, bbox: Path | None) -> None:
    """Take the keypoints and boxes that are there."""
    bench, session = dock.bench, dock.bench.session
    assert session is not None
    video = session.video.path
    if bench.detector is not None and bench.detector.predictions_csv(video).is_file():
        session.load_predictions("detector", bench.detector.predictions_csv(video))
        dock["detect"].mark_loaded()
    if bbox is not None:
        session.load_boxes(bbox, Source.IMPORTED, allow_missing=True)
    elif bench.detector is not None and bench.detector.bbox_csv(video).is_file():
        session.load_boxes(bench.detector.bbox_csv(video), Source.DETECTED, allow_missing=True)
    if bench.pose is not None and bench.pose.predictions_csv(video).is_file():
        session.load_predictions("pose", bench.pose.predictions_csv(video))
        dock["pose"].mark_loaded()
    dock.open_step("review" if session.has_boxes else "boxes" if session.detector_poses else "detect")
