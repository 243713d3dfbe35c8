"""*Hand to napari*, and back: whole tracks and keypoints as layers for other plugins.

The commands of napari's palette and menus (see ``napari.yaml``), and the menu of the dock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from napari import current_viewer
from napari.layers import Points, Shapes, Tracks
from qtpy.QtWidgets import QMenu, QWidget

from napari_cropzoom.canvas.as_layers import (
    boxes_as_shapes,
    centres_as_tracks,
    keypoints_as_points,
    layer_says,
)
from napari_cropzoom.core.editing.edits import frames_text
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.words import shortened
from napari_cropzoom.files.formats.contents import Content
from napari_cropzoom.files.formats.importing import Understood
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts
from napari_cropzoom.widgets.controller import Controller, find_controller
from napari_cropzoom.widgets.exchange.taking import BoxImport

if TYPE_CHECKING:
    import napari.viewer

    from napari_cropzoom.review.session import Session

NO_REVIEW = "There is no review with boxes in this window. Open a video and its boxes first."
NO_LAYER = "Choose a layer of shapes, tracks or points of your own in the layer list first."


class LayerFormat:
    """What a layer is to the import dialog, in the place of a format of files."""

    name: ClassVar[str] = "layer"
    label: ClassVar[str] = "Layer of napari"
    help: ClassVar[str] = "Shapes, tracks or points with an axis of frames"
    patterns: ClassVar[tuple[str, ...]] = ()

    def recognises(self, content: Content) -> bool:
        """No file is a layer."""
        return False

    def read(self, path: Path, video: VideoFacts, options: ImportOptions) -> OutsideRows:
        """No file is a layer.

        Raises
        ------
        CropzoomError
        """
        raise CropzoomError(f"{path}: is no layer.")


def hand_boxes(viewer: napari.viewer.Viewer | None = None) -> None:
    """Add the boxes of all animals as layers of shapes, of the selected frames or all."""
    controller, session = _review(viewer)
    video, frames = _video(controller), _frames(controller)
    layers = [
        boxes_as_shapes(entry.track, entry.color, video, frames) for entry in session.tracks.with_boxes
    ]
    for layer in layers:
        controller.viewer.add_layer(layer)


def hand_centres(viewer: napari.viewer.Viewer | None = None) -> None:
    """Add the centres of all boxes as a layer of tracks, of the selected frames or all."""
    controller, session = _review(viewer)
    tracks = {entry.track.name: entry.track for entry in session.tracks.with_boxes}
    controller.viewer.add_layer(centres_as_tracks(tracks, _video(controller), _frames(controller)))


def hand_keypoints(viewer: napari.viewer.Viewer | None = None) -> None:
    """Add the keypoints as layers of points, of the selected frames or all."""
    controller = _controller(viewer)
    session = controller.session
    found = session.keypoints.by_name if session is not None else {}
    if not found:
        raise CropzoomError("There are no keypoints in this window. Run step Detect or Pose first.")
    video, frames = _video(controller), _frames(controller)
    layers = [
        keypoints_as_points(poses, f"keypoints of the {kind} model", video, frames)
        for kind, poses in found.items()
    ]
    for layer in layers:
        controller.viewer.add_layer(layer)


def take_layer(viewer: napari.viewer.Viewer | None = None) -> None:
    """Show what the chosen layer of shapes, tracks or points would become, and take it in."""
    controller = _controller(viewer)
    layers = controller.layers
    if layers is None or layers.video is None:
        raise CropzoomError("There is no video in this window. Open one first.")
    layer = chosen_layer(controller)
    if layer is None:
        raise CropzoomError(NO_LAYER)
    said = layer_says(layer, layers.video)
    found = Understood(Path(layer.name), LayerFormat(), said)
    for dock in controller.viewer.window.dock_widgets.values():
        if getattr(dock, "controller", None) is controller:
            for taking in dock.findChildren(BoxImport):
                taking.offer(found)


def chosen_layer(controller: Controller) -> Shapes | Tracks | Points | None:
    """The layer that a person has chosen, None if it is one of ours or of another kind."""
    layers = controller.layers
    ours = [part.layer for part in layers.parts] if layers is not None else []
    layer = controller.viewer.layers.selection.active
    is_fit = isinstance(layer, Shapes | Tracks | Points) and not any(layer is each for each in ours)
    return layer if is_fit else None


class ExchangeMenu(QMenu):
    """The dock's menu *napari*.

    Parameters
    ----------
    controller : Controller
    act : callable
        Calls a function and shows its error in the dock.
    parent : QWidget
    """

    def __init__(self, controller: Controller, act: Callable[..., object], parent: QWidget) -> None:
        super().__init__("&napari", parent)
        self.setObjectName("menu_napari")
        self._controller, self._act = controller, act
        self.aboutToShow.connect(self._fill)
        self._fill()

    def _fill(self) -> None:
        self.clear()
        session, selection = self._controller.session, self._controller.selection
        has_boxes = session is not None and bool(session.tracks.with_boxes)
        has_keypoints = session is not None and bool(session.keypoints.by_name)
        what = f"of {frames_text(*selection)} " if selection else ""
        self._add(f"Hand the boxes {what}to napari as shapes", hand_boxes, has_boxes)
        self._add(f"Hand the centres {what}to napari as tracks", hand_centres, has_boxes)
        self._add(f"Hand the keypoints {what}to napari as points", hand_keypoints, has_keypoints)
        self.addSeparator()
        layer = chosen_layer(self._controller) if session is not None else None
        name = f"the layer {shortened(layer.name, 30)}" if layer is not None else "the chosen layer"
        self._add(f"Take {name} as boxes …", take_layer, layer is not None)

    def _add(self, text: str, act: Callable[..., object], is_possible: bool) -> None:
        action = self.addAction(text.replace("&", "&&"))
        action.setEnabled(is_possible)
        action.triggered.connect(lambda: self._act(act, self._controller.viewer))


def _controller(viewer: napari.viewer.Viewer | None) -> Controller:
    shown = viewer or current_viewer()
    controller = find_controller(shown) if shown is not None else None
    if controller is None or controller.session is None:
        raise CropzoomError(NO_REVIEW)
    return controller


def _review(viewer: napari.viewer.Viewer | None) -> tuple[Controller, Session]:
    controller = _controller(viewer)
    session = controller.session
    if session is None or not session.tracks.with_boxes:
        raise CropzoomError(NO_REVIEW)
    return controller, session


def _video(controller: Controller) -> Any:
    layers = controller.layers
    if layers is None or layers.video is None:
        raise CropzoomError("The layer video is not there. Show it again first.")
    return layers.video.layer


def _frames(controller: Controller) -> tuple[int, int]:
    """The selected frames, or all."""
    assert controller.session is not None
    return controller.selection or (0, controller.session.n_frames - 1)
